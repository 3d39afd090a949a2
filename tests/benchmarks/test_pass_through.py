"""The pass-through gives one server several addresses."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.pass_through import pass_throughs
from local.aws.emulator import Emulator


@pytest.fixture
def echo_port() -> Iterator[int]:
    """Return the port of a server that sends back what it receives, until the client ends."""

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                while data := client.recv(65_536):
                    client.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _exchange(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:

        def send() -> None:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)

        with ThreadPoolExecutor(1) as thread:
            thread.submit(send)
            return b"".join(iter(lambda: client.recv(65_536), b""))


def test_every_port_leads_to_the_target_and_back(echo_port: int) -> None:
    data = bytes(range(256)) * 4_000
    with pass_throughs(echo_port, 2) as ports:
        assert len({echo_port, *ports}) == 3
        for port in ports:
            assert _exchange(port, data) == data


def test_tls_can_be_added(echo_port: int, tmp_path: Path) -> None:
    folder = Emulator.create(tmp_path / "emulator").folder
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    trust = ssl.create_default_context(cafile=certificate)
    data = bytes(range(256)) * 4_000
    with (
        pass_throughs(echo_port, 1, certificate, key) as (port,),
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        for start in range(0, len(data), 10_000):
            chunk = data[start : start + 10_000]
            client.sendall(chunk)
            received = b""
            while len(received) < len(chunk):
                received += client.recv(65_536)
            assert received == chunk


def test_a_connection_ends_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free_port = listener.getsockname()[1]
    with (
        pass_throughs(free_port, 1) as (port,),
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
    ):
        assert client.recv(1) == b""


def test_the_ports_are_closed_afterwards(echo_port: int) -> None:
    with pass_throughs(echo_port, 1) as (port,):
        pass
    with pytest.raises(ConnectionRefusedError):
        _exchange(port, b"")
