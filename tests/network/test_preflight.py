"""Names of several addresses, of which some are dead."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from voicediag.model.control import Control
from voicediag.model.request import NetCheckRequest, Target
from voicediag.model.results.network import EdgeResult
from voicediag.network import check, preflight, resolve
from voicediag.network.preflight import order
from voicediag.network.probe import Destination
from voicediag.reflector.stun_server import Behaviour, StunServer

V4, V6 = "127.0.0.1", "::1"
NEVER = threading.Event()


@contextmanager
def pair(good: str, other: Behaviour | None) -> Iterator[int]:
    """A good server at the address `good`, and at the other loopback address one that does `other`, on one port."""
    with StunServer(host=good) as server:
        port = server.address[1]
        if other is None:
            yield port
        else:
            with StunServer(other, host=V4 if good == V6 else V6, port=port):
                yield port


def measured(port: int, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> EdgeResult:
    monkeypatch.setattr(resolve, "_look_up", lambda *_: resolve.Resolution(addresses, 1.0, None))
    request = NetCheckRequest(targets=(Target("a", "host.invalid", port),), duration_s=0.1, interval_ms=5)
    return check.measure(request, Control(), answer_wait_s=0.3).edges[0]


@pytest.mark.parametrize("good", [V4, V6])
@pytest.mark.parametrize("other", [None, Behaviour.SILENT, Behaviour.ERROR_500, Behaviour.RANDOM, Behaviour.OTHER_ID])
def test_a_dead_first_address_gives_way(good: str, other: Behaviour | None, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = (V6, V4) if good == V4 else (V4, V6)
    with pair(good, other) as port:
        edge = measured(port, addresses, monkeypatch)
    assert edge.stun is not None
    assert (edge.stun.address, edge.stun.reason, edge.stun.lost) == (good, None, 0)
    assert (edge.addresses, edge.tried) == (addresses, addresses)


def test_the_first_of_two_good_ones_stays_first() -> None:
    with pair(V4, Behaviour.GOOD) as port:
        for addresses in ((V4, V6), (V6, V4)):
            assert order([Destination("a", addresses, port)], NEVER)[0].addresses == addresses


def test_an_address_without_a_way_to_it_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PATIENCE_S", 60.0)
    with StunServer() as server:
        addresses = ("fe80::1%no-such-scope", V4)
        assert order([Destination("a", addresses, server.address[1])], NEVER, 60)[0].addresses == addresses[::-1]


def test_where_none_answers_the_order_stays_and_all_were_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PATIENCE_S", 0.2)
    with StunServer(Behaviour.SILENT, host=V6) as one, StunServer(Behaviour.SILENT, port=one.address[1]) as other:
        port = one.address[1]
        found = order([Destination("a", (V6, V4), port)], NEVER, 0.2)
        deadline = time.monotonic() + 10
        while not (one.requests and other.requests):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert found[0].addresses == (V6, V4)


def test_a_single_address_is_not_asked() -> None:
    with StunServer() as server:
        only = [Destination("a", (V4,), server.address[1]), Destination("b", (), 1)]
        assert order(only, NEVER) == only
        assert server.requests == 0
    assert order([], NEVER) == []


def test_one_name_does_not_decide_for_another() -> None:
    with pair(V4, None) as port, pair(V6, Behaviour.SILENT) as other:
        found = order([Destination("a", (V6, V4), port), Destination("b", (V4, V6), other)], NEVER)
    assert [destination.addresses[0] for destination in found] == [V4, V6]


def test_a_stop_ends_the_asking_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PATIENCE_S", 60.0)
    stop = threading.Event()
    stop.set()
    assert order([Destination("a", (V4, V6), 9)], stop, 60)[0].addresses == (V4, V6)


def too_many(*_: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize(("module", "name"), [(selectors, "DefaultSelector"), (socket, "socket")])
def test_without_descriptors_everything_stays_as_it_is(
    module: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, too_many)
    assert order([Destination("a", (V4, V6), 9)], NEVER)[0].addresses == (V4, V6)


def test_addresses_beyond_reason_are_not_asked_and_not_lost() -> None:
    many = tuple(f"127.0.0.{number}" for number in range(1, 40))
    with StunServer() as server:
        found = order([Destination("a", many, server.address[1])], NEVER)[0].addresses
    assert sorted(found) == sorted(many)
    assert found[0] == V4


def test_an_answer_from_elsewhere_says_nothing_of_the_one_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PATIENCE_S", 0.3)
    with pair(V6, Behaviour.OTHER_ADDRESS) as port:
        assert order([Destination("a", (V4, V6), port)], NEVER, 0.3)[0].addresses == (V6, V4)
