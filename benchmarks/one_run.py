"""One cold start, in a process of its own: `python -I -S -B one_run.py`.

It imports nothing but what a fresh interpreter has before the handler is imported. The caller
writes a line to standard input to begin each phase, and reads a line from standard output when the
phase has ended: first init, then the events. What the handler itself prints goes to standard error.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

_REQUEST = re.compile(rb"([A-Z]+) \S+ HTTP/1\.1\r\n")
_OPERATION = re.compile(rb"\r\nX-Amz-Target: \w+\.(\w+)\r\n", re.IGNORECASE)


def main() -> None:
    """Import the handler, then handle events; report the milliseconds and CPU time of each phase.

    The first event is what a cold start meets, the others are what a warm function does.
    """
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    run = json.loads(sys.stdin.readline())
    sys.path[:0] = run["path"]
    requests, compiled = _observe() if run["observe"] else ([], [])
    began = _now()
    module = __import__(run["module"], fromlist=["lambda_handler"])
    report.write(json.dumps({"init": _milliseconds_since(began)}) + "\n")
    events = json.loads(sys.stdin.readline())
    times, responses = zip(
        *(_handle(module.lambda_handler, event) for event in events), strict=True
    )
    ended = {"events": times, "responses": responses, "requests": requests, "compiled": compiled}
    report.write(json.dumps(ended) + "\n")


def _handle(handler: Callable[[Any, Any], Any], event: Any) -> tuple[dict[str, float], Any]:
    context = SimpleNamespace(
        function_name="benchmark",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:benchmark",
        aws_request_id="benchmark",
        get_remaining_time_in_millis=lambda: 60_000,
    )
    began = _now()
    response = handler(event, context)
    return _milliseconds_since(began), response


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _milliseconds_since(began: tuple[float, float]) -> dict[str, float]:
    wall, cpu = (1000 * (now - then) for now, then in zip(_now(), began, strict=True))
    return {"wall": wall, "cpu": cpu}


def _observe() -> tuple[list[tuple[int, str]], list[str]]:
    """Note every HTTP request, by its port and operation, and every module without valid bytecode.

    Python itself reports both to audit hooks, whatever library makes the request. A hook costs
    time: a run that is observed is not measured.

    Source: https://docs.python.org/3/library/audit_events.html
    """
    requests: list[tuple[int, str]] = []
    compiled: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "http.client.send":
            connection, data = arguments
            request = _REQUEST.match(data) if isinstance(data, bytes) else None
            if request:
                operation = _OPERATION.search(data) or request
                requests.append((connection.port, operation[1].decode()))
        elif event == "compile" and str(arguments[1]).endswith(".py"):
            compiled.append(arguments[1])

    sys.addaudithook(note)
    return requests, compiled


if __name__ == "__main__":
    main()
