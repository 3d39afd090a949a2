"""The app: what a deployer reads when synthesis stops."""

import json
import os
import subprocess
import sys

import pytest

from tests.stacks.synthesis import CHATOPS, ROOT, shipped_context


def _run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wrong_settings_end_the_app_with_their_lines_and_no_traceback() -> None:
    """A deployer reads what is wrong, and nothing about Python."""
    ended = _run("app.py")

    assert ended.returncode == 1
    assert "chatops: got null; allowed: an object of the settings slackChannel" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("minor", [10, 15])
def test_a_python_that_lambda_does_not_run_ends_the_app_with_a_sentence(minor: int) -> None:
    """The version is changed after the imports, which are of a Python that Lambda runs."""
    script = (
        "import runpy, sys, stacks.chatops_stack\n"
        f"sys.version_info = (3, {minor}, 0, 'final', 0)\n"
        "runpy.run_path('app.py')"
    )
    context = {**shipped_context(), "chatops": CHATOPS}
    ended = _run("-c", script, CDK_CONTEXT_JSON=json.dumps(context))

    assert ended.returncode == 1
    assert f"3.11, 3.12, 3.13 and 3.14, but this is 3.{minor}." in ended.stderr
    assert "Traceback" not in ended.stderr
