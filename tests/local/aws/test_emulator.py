"""What a sandbox that was killed leaves behind is ended by the next one, and nothing else is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.aws.emulator import end_leftover


@contextmanager
def _process(**environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def ended() -> int:
    """Answer the number of a process that is no more."""
    with _process() as process:
        pass
    return process.pid


def test_the_emulator_of_a_killed_sandbox_is_ended(tmp_path: Path, ended: int) -> None:
    with _process(STATE_DIR=str(tmp_path / "state")) as emulator:
        (tmp_path / "pids").write_text(f"{ended} {emulator.pid}")
        assert end_leftover(tmp_path)
        assert emulator.wait(timeout=10) != 0
    assert not (tmp_path / "pids").exists()


def test_a_sandbox_that_runs_is_left_alone(tmp_path: Path) -> None:
    with _process(STATE_DIR=str(tmp_path / "state")) as emulator:
        (tmp_path / "pids").write_text(f"{os.getpid()} {emulator.pid}")
        assert not end_leftover(tmp_path)
        assert emulator.poll() is None


def test_another_process_that_got_the_number_is_left_alone(tmp_path: Path, ended: int) -> None:
    with _process(STATE_DIR="elsewhere") as other:
        (tmp_path / "pids").write_text(f"{ended} {other.pid}")
        assert end_leftover(tmp_path)
        assert other.poll() is None


def test_where_nothing_was_left_nothing_is_ended(tmp_path: Path, ended: int) -> None:
    (tmp_path / "pids").write_text(f"{ended} {ended}")
    assert end_leftover(tmp_path)
    assert end_leftover(tmp_path)
