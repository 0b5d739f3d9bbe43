"""Blocks of samples: their types, their cleaning, and how a recording is walked in constant memory.

Samples are float in [-1, 1]; levels are dB relative to digital full scale, plain RMS (a full-scale sine is −3.01).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""[frames, channels], as read or recorded."""
Signal = npt.NDArray[np.float64]
"""[frames], one channel."""

FLOOR_DBFS = -120.0
"""What silence is reported as, never −inf."""
FRAME_S = 0.02


class Recording(Protocol):
    """Sound that can be walked through more than once: a file or what was captured."""

    @property
    def rate_hz(self) -> int:
        """Sample rate."""

    @property
    def channels(self) -> int:
        """How many channels."""

    def blocks(self) -> Iterator[Samples]:
        """Yield the whole from its start, in blocks of any length; samples may be NaN or infinite."""


def dbfs(amplitude: float) -> float:
    """Return 20·log10 of an amplitude (RMS or peak), not below `FLOOR_DBFS`."""
    return max(FLOOR_DBFS, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS


def power_dbfs(power: float) -> float:
    """Return 10·log10 of a mean square, not below `FLOOR_DBFS`."""
    return max(FLOOR_DBFS, 10 * math.log10(power)) if power > 0 else FLOOR_DBFS


def powers_dbfs(powers: Signal) -> Signal:
    """The same for an array of mean squares."""
    decibels: Signal = 10 * np.log10(np.maximum(powers, 10 ** (FLOOR_DBFS / 10)))
    return decibels


def frame_length(rate_hz: int) -> int:
    """Return how many samples the 20 ms block of measurement.md has at this rate."""
    return max(1, round(rate_hz * FRAME_S))


def seconds(recording: Recording) -> Iterator[Samples]:
    """Yield the recording in blocks of 50 whole frames of 20 ms; only the last may be shorter."""
    return reblock(recording.blocks(), 50 * frame_length(recording.rate_hz))


def reblock(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """Yield the same samples in blocks of `length` frames; only the last may be shorter, none is empty."""
    waiting: list[Samples] = []
    have = 0
    for block in blocks:
        waiting.append(block)
        have += len(block)
        if have < length:
            continue
        joined = waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
        whole = have - have % length
        for start in range(0, whole, length):
            yield joined[start : start + length]
        waiting = [joined[whole:]]
        have -= whole
    if have:
        yield np.concatenate(waiting)


def finite(block: Samples) -> tuple[Samples, int]:
    """Return the block with NaN and infinite samples replaced by 0, and how many there were."""
    with np.errstate(invalid="ignore"):
        # A sum in float64 cannot overflow from float32 samples, so it is finite only if all of them are.
        if math.isfinite(float(np.sum(block, dtype=np.float64))):
            return block, 0
    bad = ~np.isfinite(block)
    return np.where(bad, np.float32(0), block), int(np.count_nonzero(bad))
