"""`make demo`: all eight steps on this machine, then the channel's page to try it yourself."""

import argparse
import sys
import time
from collections.abc import Iterator

from local.sandbox import Sandbox, sandbox
from local.story import Step, automatic_remediation, put_files, reviewed_remediation

_TICK_SECONDS = 5
_ALL_STEPS = {1, 2, 3, 4, 5, 6, 7, 8}
_AUTOMATIC_STEPS = {1, 2, 3, 7, 8}


def main() -> int:
    """Run the demo. Return the exit status: 0 if every step happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the two findings")
    once = parser.parse_args().once
    start = time.monotonic()
    with sandbox(report=lambda line: _print(f"   {line}", start)) as running:
        if not _follow_findings(running, start):
            return 1
        _print("All eight steps happened.", start)
        if not once:
            _serve(running)
    return 0


def _follow_findings(running: Sandbox, start: float) -> bool:
    """Return whether every step of both findings happened, each counted for itself."""
    put_files(running)
    stories = (
        ("of an AUTO type: remediated at once", automatic_remediation(running), _AUTOMATIC_STEPS),
        ("of a REVIEW type: a person decides", reviewed_remediation(running), _ALL_STEPS),
    )
    missing = [_follow(title, story, expected, start) for title, story, expected in stories]
    return not any(missing)


def _follow(title: str, story: Iterator[Step], expected: set[int], start: float) -> set[int]:
    """Print the steps as they happen. Return those of `expected` that did not."""
    print(f"\nA finding {title}", flush=True)
    missing = set(expected)
    try:
        for step in story:
            _print(f"{step.number}. {step.text}", start)
            missing.discard(step.number)
    except TimeoutError as error:
        _print(f"MISSING: steps {sorted(missing)}: {error}", start)
    return missing


def _serve(running: Sandbox) -> None:
    print(f"\nThe channel: {running.slack.url}")
    print("Drop in a file of your own and press Run Macie job. Ctrl-C ends the sandbox.")
    try:
        while True:
            # On AWS the schedule runs every minute.
            time.sleep(_TICK_SECONDS)
            running.tick()
    except KeyboardInterrupt:
        print("\nThe sandbox ends.")


def _print(text: str, start: float) -> None:
    print(f"[{time.monotonic() - start:5.1f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
