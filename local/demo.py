"""`make demo`: all eight steps on this machine, then the channel's page to play with."""

import argparse
import sys
import time
from collections.abc import Iterator

from local.sandbox import Sandbox, sandbox
from local.story import Step, automatic, prepare, reviewed

_TICK_SECONDS = 5
_EIGHT = set(range(1, 9))
_BY_A_PERSON = {4, 5, 6}


def main() -> int:
    """Run the demo; answer the exit status: 0 if every step was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the two findings")
    once = parser.parse_args().once
    began = time.monotonic()
    with sandbox(tell=lambda what: _say(f"   {what}", began)) as one:
        if not _tell_stories(one, began):
            return 1
        _say("All eight steps were seen.", began)
        if not once:
            _serve(one)
    return 0


def _tell_stories(one: Sandbox, began: float) -> bool:
    """Answer whether every step of both was seen: what one lacks, the other does not make up."""
    prepare(one)
    stories = (
        ("whose type is remediated at once (AUTO)", automatic(one), _EIGHT - _BY_A_PERSON),
        ("that a person decides about (REVIEW)", reviewed(one), _EIGHT),
    )
    missing = [_tell(title, story, expected, began) for title, story, expected in stories]
    return not any(missing)


def _tell(title: str, story: Iterator[Step], expected: set[int], began: float) -> set[int]:
    """Print the steps as they happen; answer which of `expected` did not."""
    print(f"\nA finding {title}", flush=True)
    missing = set(expected)
    try:
        for step in story:
            _say(f"{step.number}. {step.seen}", began)
            missing.discard(step.number)
    except TimeoutError as error:
        _say(f"NOT SEEN: steps {sorted(missing)}: {error}", began)
    return missing


def _serve(one: Sandbox) -> None:
    print(f"\nThe channel: {one.slack.url}")
    print("Drop a file of your own there and press Run Macie job. Ctrl-C ends the sandbox.")
    try:
        while True:
            # A minute of AWS's schedule takes some seconds here.
            time.sleep(_TICK_SECONDS)
            one.tick()
    except KeyboardInterrupt:
        print("\nThe sandbox ends.")


def _say(text: str, began: float) -> None:
    print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
