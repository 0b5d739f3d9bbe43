"""Recordings in files: read in blocks, written atomically."""

from __future__ import annotations

import difflib
import errno
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from voicediag.audio.blocks import Samples
from voicediag.model.attempt import Cause, Unavailable
from voicediag.model.text import visible

RATES_HZ = (1_000, 768_000)
"""Outside this range a rate is a broken header, and a second of it no second."""
MOST_SAMPLES_A_SECOND = 1 << 23
"""Over all channels; a second is held at a time. 48 kHz with 174 channels is within it."""
_BLOCK_SAMPLES = 1 << 18


class FileRecording:
    """A sound file of any format that libsndfile reads. It is opened anew for each walk and never held as a whole."""

    def __init__(self, path: str) -> None:
        """Raise `Unavailable` (`file-unreadable`) where `path` names no readable sound."""
        self.path = path
        self.decode_error: str | None = None
        """Why reading ended early; None where the file was read to its end."""
        with self._opened() as sound:
            self.rate_hz = int(sound.samplerate)
            self.channels = int(sound.channels)
            if not RATES_HZ[0] <= self.rate_hz <= RATES_HZ[1]:
                raise self._unreadable(f"its sample rate of {self.rate_hz} Hz is none of sound")
            if self.rate_hz * self.channels > MOST_SAMPLES_A_SECOND:
                raise self._unreadable(f"it has {self.channels} channels at {self.rate_hz} Hz: more than is looked at")
            if not len(self._read(sound, 1)):
                raise self._unreadable("it holds no samples")

    def blocks(self) -> Iterator[Samples]:
        """Yield the sound; where decoding fails on the way, what came before it (`decode_error` then says why)."""
        length = max(1, _BLOCK_SAMPLES // self.channels)
        with self._opened() as sound:
            while len(block := self._read(sound, length)):
                yield block

    def _opened(self) -> Any:
        try:
            # A pipe would block, and cannot be read twice.
            if not Path(self.path).is_file():
                raise self._unreadable(self._what_it_is())
            # The system tells why a file may not be read, libsndfile does not.
            with Path(self.path).open("rb") as file:
                if not file.read(1):
                    raise self._unreadable("it is empty")
            return soundfile.SoundFile(self.path)
        except (OSError, ValueError) as error:
            raise self._unreadable(getattr(error, "strerror", None) or str(error)) from error
        except soundfile.SoundFileError as error:
            raise self._unreadable(_words(error, self.path)) from error
        except TypeError as error:  # a name that ends in .raw: python-soundfile wants to be told its format
            raise self._unreadable("it has no header that tells its format") from error

    def _read(self, sound: Any, length: int) -> Samples:
        try:
            block: Samples = sound.read(length, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            self.decode_error = _words(error, self.path)
            return np.zeros((0, self.channels), dtype=np.float32)
        return block

    def _what_it_is(self) -> str:
        path = Path(self.path)
        if path.is_dir():
            return "it is a directory"
        if path.exists():
            return "it is not a regular file"
        try:
            names = [entry.name for entry in path.parent.iterdir()]
        except OSError:
            names = []
        near = difflib.get_close_matches(path.name, names, n=1)
        return "there is no such file" + (f"; did you mean '{visible(near[0])}'?" if near else "")

    def _unreadable(self, why: str) -> Unavailable:
        return Unavailable(Cause.FILE_UNREADABLE, f"cannot read '{visible(self.path)}': {visible(why)}", self.path)


def _words(error: Exception, path: str) -> str:
    """Return libsndfile's own words without the path that python-soundfile puts before them."""
    words = getattr(error, "error_string", None) or str(error).removeprefix(f"Error opening {path!r}: ")
    return str(words).strip().rstrip(".")


def save_wav(path: str, blocks: Iterable[Samples], rate_hz: int, channels: int) -> None:
    """Write a 32-bit float WAV, so that reading it back gives the same numbers.

    It takes its name only when it is complete: a crash or a full disk leaves the old file or none. Raises `OSError`.
    Not through libsndfile, which does not say why a write fell short.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:50]}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_wav_header(0, rate_hz, channels))
            size = sum(file.write(block.astype("<f4", copy=False).tobytes()) for block in blocks)
            file.seek(0)
            file.write(_wav_header(size, rate_hz, channels))
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _wav_header(size: int, rate_hz: int, channels: int) -> bytes:
    """RIFF header for IEEE float samples: format tag 3, with the fact chunk that it asks for."""
    frame = 4 * channels
    if size > 0xFFFF_FFFF - 50:
        raise OSError(errno.EFBIG, "too long for a WAV file")
    chunks = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 3, channels, rate_hz, rate_hz * frame, frame, 32, 0)
    chunks += struct.pack("<4sII", b"fact", 4, size // frame)
    return (
        struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) + 8 + size, b"WAVE")
        + chunks
        + struct.pack("<4sI", b"data", size)
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
