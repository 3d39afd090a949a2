"""A run measures a handler, and only one that does its job."""

import compileall
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from benchmarks.cpu_quota import limit_by_signals
from benchmarks.runs import Program, Quota, RunFailedError, measure, observe

SLEEPS = """
import time
time.sleep(0.2)
print("a line of a log")
def lambda_handler(event, context):
    time.sleep(event)
"""

REQUESTS = """
import http.client
def lambda_handler(event, context):
    connection = http.client.HTTPConnection("127.0.0.1", event)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_1.GetItem"})
    connection.getresponse().read()
    connection.request("POST", "/")
    connection.getresponse().read()
"""

WORKS = """
import time
def work():
    began = time.process_time()
    while time.process_time() < began + 0.05:
        pass
work()
def lambda_handler(event, context):
    work()
"""


def _program(folder: Path, source: str) -> Program:
    (folder / "measured.py").write_text(source)
    return Program(module="measured", path=[str(folder)], environment=dict(os.environ))


def test_init_and_events_are_measured_apart(tmp_path: Path) -> None:
    run = measure(_program(tmp_path, SLEEPS), [0.6, 0.01], Quota(name="none"))
    assert 200 < run.init < run.first_event
    assert run.first_event > 600
    assert 10 < run.warm < run.first_event
    assert run.total == run.init + run.first_event


def test_a_quota_holds_from_the_first_event_or_from_the_start(tmp_path: Path) -> None:
    program = _program(tmp_path, WORKS)
    limited: list[int] = []

    @contextmanager
    def limit(pid: int) -> Iterator[None]:
        with limit_by_signals(pid, 0.2):
            limited.append(pid)
            yield

    after_init = measure(program, [1, 2], Quota(name="", limit=limit))
    from_start = measure(program, [1, 2], Quota(name="", limit=limit, limits_init=True))
    assert len(set(limited)) == 2
    assert after_init.first_event > 200
    assert from_start.init > 200
    assert from_start.cpu == pytest.approx(100, abs=40)


def test_requests_are_counted_by_port_and_operation(tmp_path: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        observation = observe(_program(tmp_path, REQUESTS), port)
        server.shutdown()
    assert observation.requests == [(port, "GetItem"), (port, "POST")]


def test_a_module_without_bytecode_is_noticed(tmp_path: Path) -> None:
    program = _program(tmp_path, SLEEPS)
    assert observe(program, 0).compiled == [str(tmp_path / "measured.py")]
    compileall.compile_dir(tmp_path, quiet=1)
    assert observe(program, 0).compiled == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('no import')", "no import"),
        ("def lambda_handler(event, context): raise ValueError('no event')", "no event"),
        ("def lambda_handler(event, context): return {'statusCode': 401}", "401"),
        ("def lambda_handler(event, context): return {'batchItemFailures': ['id']}", "id"),
    ],
)
def test_a_failed_run_measures_nothing(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(RunFailedError, match=reason):
        measure(_program(tmp_path, source), [1, 2], Quota(name="none"))
