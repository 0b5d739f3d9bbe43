"""Logs that are none, logs in other encodings, and logs that end early."""

from __future__ import annotations

import codecs
import errno
import io
import signal
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.knowledge import extract, records, store

LINES = "Fehler: ä\nerror 31402\nfine\nerror 31402\n"


def told(log: bytes) -> dict[str, tuple[int, int, int]]:
    seen = extract.read(io.BytesIO(log))
    numbers = list(seen.entries)
    return {
        entry.id: (tally.count, tally.first_line, tally.last_line)
        for entry, tally in zip(store.entries(numbers), seen.entries.values(), strict=True)
    }


@pytest.mark.parametrize(
    "log",
    [
        LINES.encode(),
        codecs.BOM_UTF8 + LINES.encode(),
        LINES.encode("latin-1"),
        LINES.encode("utf-16"),
        LINES.encode("utf-16-le"),
        LINES.encode("utf-16-be"),
        codecs.BOM_UTF16_BE + LINES.encode("utf-16-be"),
        LINES.encode("utf-32"),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace("\n", "\r\n").encode("utf-16"),
        LINES.replace("\n", "\r").encode(),
        LINES.replace("\n", "\r").encode("utf-16-le"),
        LINES.replace("fine", "fi\0ne\0").encode(),
    ],
    ids=str,
)
@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_every_encoding_and_end_of_line(log: bytes, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK", block)
    assert told(log) == {"31402": (2, 2, 4)}
    assert extract.read(io.BytesIO(log)).lines == 4


@pytest.mark.parametrize(
    "log", [b"", b"\0" * 5000, bytes(range(256)) * 400, b"\x7fELF" + b"\1\2\0\0" * 9000, b"\n" * 9]
)
def test_what_is_no_log_holds_nothing(log: bytes) -> None:
    assert told(log) == {}
    assert extract.explain_log(io.BytesIO(log), "x").is_answered


def test_half_a_character_at_the_end() -> None:
    assert told("error 31402\nä".encode("utf-16")[:-1])["31402"][0] == 1


class Breaking(io.RawIOBase):
    """Yields `parts` and then breaks."""

    def __init__(self, parts: list[bytes], error: BaseException) -> None:
        self._parts = parts
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._parts:
            raise self._error
        part = self._parts.pop(0)
        memoryview(buffer)[: len(part)] = part
        return len(part)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyboardInterrupt(), "interrupted"), (OSError(errno.EIO, "Input/output error"), "Input/output error")],
)
def test_what_was_read_before_the_end_is_told(error: BaseException, reason: str) -> None:
    stream = io.BufferedReader(Breaking([b"error 31402\nerr", b"or 20003"], error))
    seen = extract.read(stream)
    assert (seen.lines, seen.bytes, seen.stopped) == (2, 23, reason)
    assert len(seen.entries) == 2
    stream = io.BufferedReader(Breaking([b"error 31402\n"], error))
    answer = extract.explain_log(stream, "-")
    assert answer.log is not None
    assert answer.log.stopped == reason


def test_an_interruption_while_it_is_read_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK", 4096)
    passed = 0
    take = extract._Reader._take

    def interrupted(self: extract._Reader, piece: records.Piece, line: int) -> None:
        nonlocal passed
        passed += 1
        if passed == 3:
            raise KeyboardInterrupt
        take(self, piece, line)

    monkeypatch.setattr(extract._Reader, "_take", interrupted)
    seen = extract.read(io.BytesIO(b"error 31402\n" * 4000))
    assert seen.stopped == "interrupted"
    (tally,) = seen.entries.values()
    assert 0 < tally.count < 4000


def test_nothing_to_read_is_an_error() -> None:
    with pytest.raises(OSError, match="directory"):
        extract.read(io.BufferedReader(Breaking([], OSError(errno.EISDIR, "Is a directory"))))


def test_a_complete_log_says_nothing_of_stopping() -> None:
    assert "stopped" not in repr(extract.explain_log(io.BytesIO(b"x"), "x").log).replace("stopped=UNSET", "")


@pytest.mark.parametrize("count", [1, 40])
def test_a_long_line_is_counted_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK", 512)
    monkeypatch.setattr(records, "LONGEST_LINE", 2048)
    log = b"x " * 5000 + b"error 31402, " * count + b"y " * 5000 + b"\nerror 31402\n"
    assert told(log) == {"31402": (2, 1, 2)}


@pytest.mark.parametrize("shift", range(0, 64, 3))
def test_a_cut_in_a_long_line_loses_nothing(shift: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK", 256)
    monkeypatch.setattr(records, "LONGEST_LINE", 1500)
    words = b'"a":"b","error_code":31402,"c":"UserMediaErrors.AcquisitionFailedError","n":"high-rtt","m":31402,'
    found = told(b"z" * shift + b"{" + words * 200)
    assert {name: count for name, (count, _, _) in found.items()} == {"31402": 1, "high-rtt": 1}


@given(st.binary(max_size=2000), st.sampled_from([1, 3, 64]))
def test_any_bytes_are_the_same_in_any_pieces(log: bytes, block: int) -> None:
    whole = extract.read(io.BytesIO(log))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        assert extract.read(io.BytesIO(log)).lines == whole.lines


@pytest.mark.skipif(sys.platform == "win32", reason="a Ctrl-C for one process alone is of POSIX")
def test_an_interrupted_command_shows_what_it_read_and_exits_130() -> None:
    """A log comes down a pipe that stays open, and somebody presses Ctrl-C."""
    command = [sys.executable, "-m", "voicediag", "explain"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"error 31402\nerror 31402\n" + b"x" * (1 << 16) + b"\n")
        process.stdin.flush()
        # The pipe holds 64 KiB: once this much more has gone in, what came before it was read.
        process.stdin.write(b"y" * (1 << 17))
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"31402" in out
    assert b"2 times, lines 1 to 2" in out
    assert b"interrupted" in err


@pytest.mark.parametrize("split", range(1, 24))
def test_colors_hide_no_code(split: int) -> None:
    log = b"error: \x1b[31m31403\x1b[0m \x1b]8;;https://x\x07link\x1b]8;;\x07\n"

    class Halves(io.RawIOBase):
        def __init__(self) -> None:
            self.parts = [log[:split], log[split:]]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part = self.parts.pop(0) if self.parts else b""
            buffer[: len(part)] = part
            return len(part)

    seen = extract.explain_log(io.BufferedReader(Halves(), 64), "log")
    assert [match.code for match in seen.matches] == [31403]
