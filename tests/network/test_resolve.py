"""Names to addresses: the time, the reasons, the deadline."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from voicediag.network.resolve import Resolution, resolve_all


def failing(number: int) -> Resolution:
    def look(_: str) -> list[str]:
        raise socket.gaierror(number, "no")

    return resolve_all(["host.invalid"], look=look)["host.invalid"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%1"])
def test_a_literal_address_is_not_asked_for(address: str) -> None:
    def look(_: str) -> list[str]:
        raise AssertionError

    assert resolve_all([address], look=look) == {address: Resolution((address,), None, None)}


def test_localhost_by_the_real_resolver() -> None:
    found = resolve_all(["localhost"])["localhost"]
    assert "127.0.0.1" in found.addresses or "::1" in found.addresses
    assert found.error is None
    assert found.ms is not None
    assert found.ms >= 0


def test_a_name_that_does_not_exist_by_the_real_resolver() -> None:
    found = resolve_all(["no-such-name.invalid"])["no-such-name.invalid"]
    assert found.addresses == ()
    # A machine without a name server says "temporary".
    assert found.error in ("not-found", "temporary", "timeout")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (socket.EAI_NONAME, "not-found"),
        (socket.EAI_AGAIN, "temporary"),
        (socket.EAI_FAIL, "failed"),
        (socket.EAI_MEMORY, "failed"),
    ],
)
def test_the_resolvers_errors(number: int, error: str) -> None:
    found = failing(number)
    assert (found.addresses, found.error) == ((), error)


@pytest.mark.parametrize("host", ["", "x" * 300, "a..b", "x" * 64 + ".example", ".", "a\0b", "\ud800.example"])
def test_text_that_can_be_no_name(host: str) -> None:
    assert resolve_all([host])[host].error == "invalid"


def test_addresses_keep_the_systems_order_without_doubles() -> None:
    found = resolve_all(["h"], look=lambda _: ["2001:db8::1", "192.0.2.1", "2001:db8::1"])["h"]
    assert found.addresses == ("2001:db8::1", "192.0.2.1")


def test_no_addresses_is_not_found() -> None:
    assert resolve_all(["h"], look=lambda _: [])["h"].error == "not-found"


def test_all_are_asked_at_once_and_a_name_is_asked_once() -> None:
    together = threading.Barrier(5)
    asked: list[str] = []

    def look(host: str) -> list[str]:
        asked.append(host)
        together.wait(timeout=5)  # fails unless all five are being asked
        return ["192.0.2.1"]

    found = resolve_all([*"abcde", "a", "e"], look=look)
    assert sorted(asked) == list("abcde")
    assert all(resolution.addresses == ("192.0.2.1",) for resolution in found.values())


def test_a_silent_name_server_costs_the_deadline_and_no_more() -> None:
    release = threading.Event()

    def look(host: str) -> list[str]:
        if host == "silent":
            release.wait(30)
        return ["192.0.2.1"]

    began = time.monotonic()
    found = resolve_all(["silent", "good"], deadline_s=0.2, look=look)
    took = time.monotonic() - began
    release.set()
    assert found["silent"] == Resolution((), None, "timeout")
    assert found["good"].addresses == ("192.0.2.1",)
    assert took < 10


def test_a_stop_returns_at_once_and_blames_no_one() -> None:
    release, stop = threading.Event(), threading.Event()

    def look(_: str) -> list[str]:
        stop.set()
        release.wait(30)
        return []

    found = resolve_all(["h"], deadline_s=30, stop=stop, look=look)
    release.set()
    assert found["h"] == Resolution((), None, None)
