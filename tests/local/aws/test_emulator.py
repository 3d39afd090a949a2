"""A new sandbox stops what a killed one left running, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.aws.emulator import stop_abandoned


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
    """Return the id of a process that has ended."""
    with _process() as process:
        pass
    return process.pid


def test_the_emulator_of_a_killed_sandbox_is_stopped(tmp_path: Path, ended: int) -> None:
    with _process(STATE_DIR=str(tmp_path / "state")) as emulator:
        (tmp_path / "pids").write_text(f"{ended} {emulator.pid}")
        assert stop_abandoned(tmp_path)
        assert emulator.wait(timeout=10) != 0
    assert not (tmp_path / "pids").exists()


def test_a_running_sandbox_is_not_stopped(tmp_path: Path) -> None:
    with _process(STATE_DIR=str(tmp_path / "state")) as emulator:
        (tmp_path / "pids").write_text(f"{os.getpid()} {emulator.pid}")
        assert not stop_abandoned(tmp_path)
        assert emulator.poll() is None


def test_another_process_with_the_same_id_is_not_stopped(tmp_path: Path, ended: int) -> None:
    with _process(STATE_DIR="elsewhere") as other:
        (tmp_path / "pids").write_text(f"{ended} {other.pid}")
        assert stop_abandoned(tmp_path)
        assert other.poll() is None


def test_nothing_is_stopped_where_nothing_runs(tmp_path: Path, ended: int) -> None:
    (tmp_path / "pids").write_text(f"{ended} {ended}")
    assert stop_abandoned(tmp_path)
    assert stop_abandoned(tmp_path)
