"""`make demo`: all eight steps on this machine, then the channel's page to play with."""

import argparse
import sys
import time
from collections.abc import Iterator

from local.sandbox import Sandbox, sandbox
from local.story import Step, automatic, prepare, reviewed

_TICK_SECONDS = 5
_EIGHT = set(range(1, 9))


def main() -> int:
    """Run the demo; answer the exit status: 0 if every step was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the two findings")
    once = parser.parse_args().once
    began = time.monotonic()
    with sandbox(tell=lambda what: _say(f"   {what}", began)) as one:
        seen = _tell_stories(one, began)
        if seen != _EIGHT:
            _say(f"NOT SEEN: steps {sorted(_EIGHT - seen)}", began)
            return 1
        _say("All eight steps were seen.", began)
        if not once:
            _serve(one)
    return 0


def _tell_stories(one: Sandbox, began: float) -> set[int]:
    prepare(one)
    stories = {
        "A finding whose type is remediated at once (AUTO)": automatic(one),
        "A finding that a person decides about (REVIEW)": reviewed(one),
    }
    seen: set[int] = set()
    for title, story in stories.items():
        print(f"\n{title}", flush=True)
        seen |= _tell(story, began)
    return seen


def _tell(story: Iterator[Step], began: float) -> set[int]:
    seen = set()
    try:
        for step in story:
            _say(f"{step.number}. {step.seen}", began)
            seen.add(step.number)
    except TimeoutError as error:
        _say(f"after step {max(seen, default=0)}: {error}", began)
    return seen


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
