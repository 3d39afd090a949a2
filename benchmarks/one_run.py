"""One cold start, in a process of its own: `python -I one_run.py`, with the run on standard input.

It imports nothing but what a fresh interpreter has before the handler is imported.
"""

import json
import sys
import time
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Import the handler, handle two events, and print how long that took, in milliseconds.

    The first is what a cold start meets, the second what a warm function does.
    """
    run = json.load(sys.stdin)
    sys.path[:0] = run["path"]
    began = time.perf_counter()
    module = __import__(run["module"], fromlist=["lambda_handler"])
    imported = time.perf_counter()
    calls = _counted() if run["count"] else []
    context = SimpleNamespace(
        function_name="benchmark",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:benchmark",
        aws_request_id="benchmark",
        get_remaining_time_in_millis=lambda: 60_000,
    )
    answer = module.lambda_handler(run["event"], context)
    handled = time.perf_counter()
    if not run["count"]:
        module.lambda_handler(run["again"], context)
    handled_again = time.perf_counter()
    told = {
        "import": 1000 * (imported - began),
        "warm": 1000 * (handled_again - handled),
        "calls": calls,
        "answer": answer,
    }
    print("\n" + json.dumps(told))


def _counted() -> list[str]:
    """Have every AWS request noted; only when nobody looks at the clock."""
    from lambdas.common import aws  # noqa: PLC0415 - a timed run has its own path

    calls: list[str] = []
    ask = aws.ask

    def asked(request: Any, refusal: Any) -> Any:
        calls.append(request.headers.get("X-Amz-Target", f"{request.method} {request.url}"))
        return ask(request, refusal)

    aws.ask = asked
    return calls


if __name__ == "__main__":
    main()
