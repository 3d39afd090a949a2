"""A TCP pass-through: ports on loopback that lead to another port of loopback.

Each AWS service gets a port of its own, as each has a host name of its own in AWS: a client then
opens one connection for each service. TLS passes through, so the emulator's certificate is valid.
In front of a server without TLS the pass-through can also add it.

The pass-through runs in its own process, so that it takes no time from the measured one:
`python pass_through.py TARGET_PORT COUNT [CERTIFICATE KEY]` prints the new ports and ends with its
standard input.
"""

import asyncio
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_LOOPBACK = "127.0.0.1"
_CHUNK_BYTES = 65_536


@contextmanager
def pass_throughs(target_port: int, count: int, *tls: Path) -> Iterator[list[int]]:
    """Run a pass-through process. Yield its `count` ports, which all lead to `target_port`.

    Args:
        target_port: of a server on loopback.
        count: of ports.
        tls: the files of a certificate and its key, to add TLS with.
    """
    command = [sys.executable, "-I", "-S", __file__, str(target_port), str(count), *map(str, tls)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None  # noqa: S101 - for mypy
        assert process.stdout is not None  # noqa: S101 - for mypy
        with process.stdin:
            yield [int(port) for port in process.stdout.readline().split()]


def main() -> None:
    """Serve until standard input ends."""
    target_port, count, *tls = sys.argv[1:]
    serving = _serve(int(target_port), int(count), tls)
    threading.Thread(target=asyncio.run, args=(serving,), daemon=True).start()
    sys.stdin.read()


async def _serve(target_port: int, count: int, tls: Sequence[str]) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        connections.add(task)
        with suppress(OSError):
            from_target, to_target = await asyncio.open_connection(_LOOPBACK, target_port)
            await asyncio.gather(_copy(reader, to_target), _copy(from_target, writer))
            to_target.close()
        writer.close()
        connections.discard(task)

    # The event loop alone does not keep a task from being collected.
    connections: set[asyncio.Task[None] | None] = set()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    servers = [await asyncio.start_server(connect, _LOOPBACK, 0, ssl=context) for _ in range(count)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy bytes until `source` ends, then end `sink` as well."""
    with suppress(OSError):
        while data := await source.read(_CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
    if sink.can_write_eof():
        with suppress(OSError):
            sink.write_eof()
    else:
        sink.close()


if __name__ == "__main__":
    main()
