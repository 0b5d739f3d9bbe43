"""The kernel's receive stamp."""

from __future__ import annotations

import socket
import struct
import sys
import time

import pytest

from voicediag.wire import stamp


def test_a_stamp_is_read_from_its_control_message() -> None:
    data = struct.pack("@qq", 1_700_000_000, 123_456_789)
    assert stamp.from_ancillary([(1, 35, data)]) == 1_700_000_000_123_456_789


def test_a_32_bit_stamp_is_read() -> None:
    assert stamp.from_ancillary([(1, 35, struct.pack("@ii", 7, 8))]) == 7_000_000_008


@pytest.mark.parametrize("messages", [[], [(0, 8, b"x" * 16)], [(1, 35, b"")], [(1, 35, b"x" * 15)]])
def test_anything_else_is_no_stamp(messages: list[tuple[int, int, bytes]]) -> None:
    assert stamp.from_ancillary(messages) is None


def test_elsewhere_there_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert stamp.option() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no such stamps")
def test_the_kernel_stamps_what_it_receives() -> None:
    option = stamp.option()
    assert option is not None
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        here.bind(("127.0.0.1", 0))
        here.setsockopt(*option, 1)
        before = time.time_ns()
        there.sendto(b"x", here.getsockname())
        here.settimeout(5)
        _, ancillary, _, _ = here.recvmsg(100, stamp.ANCILLARY_BYTES)
        stamped = stamp.from_ancillary(ancillary)
        assert stamped is not None
        assert before <= stamped <= time.time_ns()
