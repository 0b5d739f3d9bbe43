"""A test tone as it was received: frequency, level, and what came with it (THD+N)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from voicediag.audio.blocks import Signal, power_dbfs

SEARCH = 0.02
"""How far from the frequency that was played the tone may be found: two devices' clocks differ by far less."""
PROMINENCE_DB = 20.0
"""How far a tone's line must stand above the median of the bins around it."""
_STEADY_DB = 1.0
_SAME_DB = 0.1
_STEADY_HZ = 0.5
_SHORTEST_S = 0.2


class Tone(NamedTuple):
    """The tone over the seconds that hold it steadily."""

    frequency_hz: float
    level_dbfs: float
    """Plain RMS."""
    thdn_db: float
    """Total harmonic distortion plus noise: RMS of all but the tone, over RMS of all."""


class _Part(NamedTuple):
    frequency_hz: float
    power: float
    rest: float

    def goes_on_in(self, other: _Part, within_db: float = _STEADY_DB) -> bool:
        """Tell whether `other` is the same tone. Voices and music hold no line as steadily."""
        return (
            abs(self.frequency_hz - other.frequency_hz) <= _STEADY_HZ
            and abs(power_dbfs(self.power) - power_dbfs(other.power)) <= within_db
        )


class ToneMeter:
    """Looks for one tone in one channel without DC, block by block (about a second each).

    The tone is taken out by least squares (a notch without width) and the rest is measured, half a second at a time.
    Only halves beside one that holds the same tone count: not those where it fades in or out or is not there.
    """

    def __init__(self, rate_hz: int, expected_hz: float) -> None:
        self._rate_hz = rate_hz
        self._expected_hz = expected_hz
        self._last: _Part | None = None
        self._steady: list[_Part] = []

    def add(self, x: Signal) -> None:
        """Take the next block."""
        for half in np.array_split(x, 2):
            part = _measure(half, self._rate_hz, self._expected_hz)
            if part is not None and self._last is not None and self._last.goes_on_in(part):
                if not self._steady or self._steady[-1] is not self._last:
                    self._steady.append(self._last)
                self._steady.append(part)
            self._last = part
        if len(self._steady) > 4000:  # half an hour says no less than an hour
            self._steady = self._steady[::2]

    def result(self) -> Tone | None:
        """Return the tone; None where it was not found."""
        if not self._steady:
            return None
        # The upper median is one of them, so that at least one is close to it. A fade is below it.
        usual = sorted(self._steady, key=lambda part: part.power)[len(self._steady) // 2]
        steady = [part for part in self._steady if usual.goes_on_in(part, _SAME_DB)]
        power = math.fsum(part.power for part in steady) / len(steady)
        rest = math.fsum(part.rest for part in steady) / len(steady)
        return Tone(
            frequency_hz=float(np.median([part.frequency_hz for part in steady])),
            level_dbfs=power_dbfs(power),
            thdn_db=power_dbfs(rest / (power + rest)),
        )


def _measure(x: Signal, rate_hz: int, expected_hz: float) -> _Part | None:
    if len(x) < _SHORTEST_S * rate_hz or expected_hz >= rate_hz / 2:
        return None
    frequency_hz = _find(x, rate_hz, expected_hz)
    if frequency_hz is None:
        return None
    turn = 2 * np.pi * frequency_hz / rate_hz * np.arange(len(x))
    basis = np.column_stack((np.cos(turn), np.sin(turn), np.ones(len(x))))
    fit = np.linalg.lstsq(basis, x, rcond=None)[0]
    rest = x - basis @ fit
    power = float(fit[0] ** 2 + fit[1] ** 2) / 2
    return _Part(frequency_hz, power, float(rest @ rest) / len(x))


def _find(x: Signal, rate_hz: int, expected_hz: float) -> float | None:
    """Return the frequency of the strongest line near `expected_hz`; None where no line stands out there."""
    window = np.hanning(len(x) + 1)[:-1]
    size = 1 << (len(x) - 1).bit_length()
    power = np.abs(np.fft.rfft(x * window, size)) ** 2
    width = rate_hz / size
    # A bin more on each side: a line within the range must not lie on the edge, where a slope would be taken for it.
    low = max(0, math.floor(expected_hz * (1 - SEARCH) / width) - 1)
    high = min(len(power) - 1, math.ceil(expected_hz * (1 + SEARCH) / width) + 2)
    line = low + int(np.argmax(power[low:high]))
    # The neighbourhood: an octave around, without the line itself (a Hann window is 4 bins of the unpadded transform).
    own = math.ceil(4 * size / len(x))
    beside = np.concatenate((power[max(1, line // 2) : max(1, line - own)], power[line + own : 2 * line]))
    if not power[line] or (len(beside) and power[line] < 10 ** (PROMINENCE_DB / 10) * np.median(beside)):
        return None
    if not low < line < high - 1:
        return None  # the slope of something stronger outside
    found = _refine(x, rate_hz, line * width, width)
    return found if abs(found - expected_hz) <= SEARCH * expected_hz else None


def _refine(x: Signal, rate_hz: int, near_hz: float, width_hz: float) -> float:
    """Return the exact frequency: how fast the phase of the line turns between overlapping stretches.

    Twice, since the first answer removes the leakage's share of the error.
    """
    half = len(x) // 2
    window = np.hanning(half + 1)[:-1]
    shift = len(x) - half
    time = np.arange(half)
    found = near_hz
    for _ in range(2):
        probe = window * np.exp(-2j * np.pi * found / rate_hz * time)
        early = complex(np.sum(x[:half] * probe))
        late = complex(np.sum(x[shift:] * probe)) * np.exp(-2j * np.pi * found / rate_hz * shift)
        if not early or not late:
            break
        turned = float(np.angle(late * np.conj(early)))
        found += turned * rate_hz / (2 * np.pi * shift)
    return found
