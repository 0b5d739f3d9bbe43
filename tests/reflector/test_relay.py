"""The impaired path does what it was told and writes down what it did."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rigs.path import RelayProcess, trips
from voicediag.reflector.faults import Direction, Faults
from voicediag.reflector.relay import Relay, Row
from voicediag.reflector.stun_server import StunServer
from voicediag.wire import stun

MS = 1_000_000


@contextmanager
def client(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(address)
        yield sock


def ask(sock: socket.socket, number: int) -> None:
    sock.send(stun.binding_request(number.to_bytes(12, "big")))


def answered(sock: socket.socket) -> int:
    return int.from_bytes(stun.parse(sock.recv(1500)).transaction_id, "big")


def settled(relay: Relay, count: int) -> tuple[Row, ...]:
    """Wait until the truth holds `count` rows."""
    end = time.monotonic() + 10
    while len(relay.truth()) < count and time.monotonic() < end:
        time.sleep(0.005)
    return relay.truth()


def test_a_perfect_path_passes_everything_both_ways() -> None:
    with StunServer() as server, Relay(server.address) as relay, client(relay.address) as sock:
        for number in range(10):
            ask(sock, number)
            assert answered(sock) == number
        port = sock.getsockname()[1]
    rows = relay.truth()
    up, down = ([row for row in rows if row.direction == way] for way in ("up", "down"))
    assert [row.number for row in up] == [row.number for row in down] == list(range(10))
    assert all(row.dropped is None and row.client == port and len(row.departed_ns) == 1 for row in rows)
    assert all(row.departed_ns[0] >= row.arrived_ns for row in rows)
    assert [row.id for row in up] == [number.to_bytes(12, "big").hex() for number in range(10)]


def test_two_clients_do_not_meet() -> None:
    with (
        StunServer() as server,
        Relay(server.address) as relay,
        client(relay.address) as one,
        client(relay.address) as other,
    ):
        ask(one, 1)
        ask(other, 2)
        assert answered(one) == 1
        assert answered(other) == 2
    assert len({row.client for row in relay.truth()}) == 2


def test_delay_is_added_each_way_and_told_as_it_was() -> None:
    faults = Faults(delay_ms=20)
    with StunServer() as server, Relay(server.address, up=faults, down=faults) as relay, client(relay.address) as sock:
        began = time.monotonic_ns()
        ask(sock, 1)
        answered(sock)
        took = time.monotonic_ns() - began
    rows = relay.truth()
    for row in rows:
        assert row.departed_ns[0] - row.arrived_ns >= 20 * MS
    (trip,) = trips(rows)
    assert trip.rtt_ms is not None
    assert 40 <= trip.rtt_ms <= took / MS


def test_loss_is_dropped_and_logged() -> None:
    up = Faults(loss_ratio=1)
    with StunServer() as server, Relay(server.address, up=up) as relay, client(relay.address) as sock:
        for number in range(5):
            ask(sock, number)
        rows = settled(relay, 5)
        assert server.requests == 0
    assert [(row.dropped, row.departed_ns) for row in rows] == [("loss", ())] * 5


def test_copies_leave_twice() -> None:
    down = Faults(duplicate_ratio=1)
    with StunServer() as server, Relay(server.address, down=down) as relay, client(relay.address) as sock:
        ask(sock, 7)
        assert answered(sock) == answered(sock) == 7
        rows = settled(relay, 2)
    assert len(rows[-1].departed_ns) == 2


def test_a_held_packet_is_overtaken() -> None:
    # With this seed the first of three is held and the others are not: the fates are drawn in advance.
    faults, seed = Faults(reorder_ratio=0.5, reorder_ms=100), 0
    while [Direction(faults, seed, "down").fate(0, 0).depart_ns[0] > 0, *_rest(faults, seed)] != [True, False, False]:
        seed += 1
    with StunServer() as server, Relay(server.address, down=faults, seed=seed) as relay, client(relay.address) as sock:
        for number in range(3):
            ask(sock, number)
        assert [answered(sock) for _ in range(3)] == [1, 2, 0]


def _rest(faults: Faults, seed: int) -> list[bool]:
    direction = Direction(faults, seed, "down")
    return [direction.fate(0, 0).depart_ns[0] > 0 for _ in range(3)][1:]


def test_what_is_held_at_the_end_is_told() -> None:
    with StunServer() as server:
        relay = Relay(server.address, up=Faults(delay_ms=60_000))
        with relay, client(relay.address) as sock:
            ask(sock, 1)
            deadline = time.monotonic() + 10
            while not relay._held and time.monotonic() < deadline:
                time.sleep(0.005)
        assert [row.dropped for row in relay.truth()] == ["closed"]


def test_anything_that_is_no_stun_passes_too() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        Relay(_bound(server)) as relay,
        client(relay.address) as sock,
    ):
        sock.send(b"")
        sock.send(b"anything")
        assert server.recv(100) == b""
        assert server.recv(100) == b"anything"
        assert [(row.id, row.size_bytes) for row in settled(relay, 2)] == [(None, 0), (None, 8)]


def _bound(sock: socket.socket) -> tuple[str, int]:
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(10)
    host, port = sock.getsockname()
    return str(host), int(port)


def test_a_dead_server_does_not_end_the_relay() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        address = _bound(closed)
    with Relay(address) as relay, client(relay.address) as sock:
        for number in range(3):
            ask(sock, number)
            settled(relay, number + 1)
        assert len(relay.truth()) == 3


def test_a_port_in_use_is_said_at_once() -> None:
    with Relay(("127.0.0.1", 9)) as relay, pytest.raises(OSError), Relay(("127.0.0.1", 9), port=relay.address[1]):
        pass


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    faults = Faults(delay_ms=5)
    with (
        StunServer() as server,
        RelayProcess(server.address, tmp_path / "truth", up=faults) as relay,
        client(relay.address) as sock,
    ):
        ask(sock, 3)
        assert answered(sock) == 3
    rows = relay.truth()
    assert [row.direction for row in rows] == ["up", "down"]
    assert rows[0].departed_ns[0] - rows[0].arrived_ns >= 5 * MS
