"""Keeps the chatter of C libraries off the terminal.

ALSA, JACK and PortAudio write to descriptor 2 themselves, also from their own threads and at any time of a stream's
life. So the descriptor points elsewhere for as long as PortAudio lives, and Python's `sys.stderr` gets its own
duplicate of the real one meanwhile. What they say goes to a nameless file: a refusal is explained nowhere else.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_STDERR = 2
_MOST_HEARD = 1 << 16
_lock = threading.Lock()
_depth = 0
_muted: _Muted | None = None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Mute descriptor 2 but not `sys.stderr`, until the last of the nested contexts ends.

    Works where descriptor 2 is closed. Does nothing on Windows, where PortAudio says nothing.
    """
    global _depth, _muted
    if sys.platform == "win32":
        yield
        return
    with _lock:
        _depth += 1
        if _depth == 1:
            _muted = _Muted()
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _muted is not None:
                _muted.undo()
                _muted = None


def heard() -> str:
    """Return what C libraries said since this was asked last; empty outside of `quiet`."""
    with _lock:
        return "" if _muted is None else _muted.heard()


class _Muted:
    def __init__(self) -> None:
        self._before: TextIO | None = sys.stderr
        self._stand_in: TextIO | None = None
        if self._before is not None:
            with contextlib.suppress(OSError, ValueError):
                self._before.flush()
        try:
            self._real: int | None = os.dup(_STDERR)
        except OSError:
            self._real = None
        elsewhere = _nameless_file()
        self._chatter = elsewhere
        if elsewhere == _STDERR:  # the lowest free one, where 2 was closed
            self._chatter = os.dup(elsewhere)
        else:
            os.dup2(elsewhere, _STDERR)
        if self._real is not None and self._before is not None and _descriptor(self._before) == _STDERR:
            self._stand_in = sys.stderr = _text_on(os.dup(self._real), self._before)

    def heard(self) -> str:
        try:
            size = os.lseek(self._chatter, 0, os.SEEK_END)
            os.lseek(self._chatter, max(0, size - _MOST_HEARD), os.SEEK_SET)
            said = os.read(self._chatter, _MOST_HEARD)
            os.ftruncate(self._chatter, 0)
        except OSError:  # it is the null device
            return ""
        return said.decode("utf-8", "replace")

    def undo(self) -> None:
        if self._stand_in is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stand_in.flush()
        if self._real is None:
            os.close(_STDERR)
        else:
            os.dup2(self._real, _STDERR)
            os.close(self._real)
        os.close(self._chatter)
        # Somebody else may have put his own in place meanwhile (a live display that ended): leave that.
        if self._stand_in is not None and sys.stderr is self._stand_in:
            sys.stderr = self._before


def _nameless_file() -> int:
    try:
        first, name = tempfile.mkstemp(prefix="voicediag-")
        # Appending: C libraries share the position with whoever reads.
        handle = os.open(name, os.O_RDWR | os.O_APPEND)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    os.close(first)
    Path(name).unlink()
    return handle


def _descriptor(stream: object) -> int | None:
    try:
        return int(stream.fileno())  # type: ignore[attr-defined]  # any object may stand at sys.stderr, None too
    except (AttributeError, OSError, ValueError):
        return None


def _text_on(descriptor: int, like: TextIO) -> TextIO:
    """Open a text stream that closes `descriptor` with its last reference: a thread may be writing to it still."""
    text = open(  # noqa: SIM115
        descriptor,
        "w",
        encoding=like.encoding or "utf-8",
        errors="backslashreplace",
        closefd=False,
    )
    assert isinstance(text, io.TextIOWrapper)
    text.reconfigure(line_buffering=True)
    weakref.finalize(text, os.close, descriptor)
    return text
