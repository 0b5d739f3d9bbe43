"""Mains hum: lines at 50 or 60 Hz and their harmonics that are always there, whatever is said above them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from voicediag.audio.blocks import Signal, power_dbfs

MAINS_HZ = (50.0, 60.0)
HIGHEST_HZ = 1000.0
_LOWEST_RATE_HZ = 4000
_WINDOW_S = 1.0
_DEVIATION = 0.006
"""How far a net is off its nominal frequency at most: 0.3 of 50 Hz."""
_QUANTILE = 0.25
"""Hum is there in every window; speech and music leave a quarter of them at any one frequency."""
_LINE_DB = 10.0
"""A line stands at least so far above the spectrum beside it."""
_STEP_DB = 0.25
_BOTTOM_DB, _TOP_DB = -180.0, 60.0
_FEWEST_WINDOWS = 4
_SIDE_BINS = (4, 5, 6, 7, 8, 9, 10)
"""Beside a line, outside the main lobe of the window (2 bins) and the drift of the net."""


class Hum(NamedTuple):
    """The stronger of the two families of lines."""

    frequency_hz: float
    level_dbfs: float
    """All its lines together, without the spectrum beside them."""
    prominence_db: float
    """Its most prominent line above the spectrum beside it."""


class HumMeter:
    """Looks for hum in one channel without DC. Blocks hold whole frames of 20 ms but for the last.

    Windows of one second, half overlapping; of each bin a histogram of its level is kept and its lower quartile read:
    memory stays constant, and what sounds only now and then is not counted.
    """

    def __init__(self, rate_hz: int, frame: int) -> None:
        steps = [step for step in range(1, frame + 1) if frame % step == 0 and rate_hz / step >= _LOWEST_RATE_HZ]
        self._step = max(steps, default=1)
        self._rate_hz = rate_hz / self._step
        self._size = max(8, round(self._rate_hz * _WINDOW_S))
        window = np.hanning(self._size + 1)[:-1]
        self._window = window * math.sqrt(2 / (self._size * float(np.sum(window**2))))
        self._bins = min(self._size // 2, math.ceil(HIGHEST_HZ * 1.02 * self._size / self._rate_hz) + 12)
        self._counts = np.zeros((self._bins, round((_TOP_DB - _BOTTOM_DB) / _STEP_DB) + 1), dtype=np.int32)
        self._all = np.arange(self._bins)
        self._waiting = np.zeros(0)
        self._windows = 0

    def add(self, x: Signal) -> None:
        """Take the next samples."""
        whole = len(x) - len(x) % self._step
        # Means are a filter too: what lies above folds down weakened, and is no line that stays.
        slow = np.einsum("ij->i", x[:whole].reshape(-1, self._step)) / self._step
        self._waiting = np.concatenate((self._waiting, slow))
        hop = self._size // 2
        while len(self._waiting) >= self._size:
            spectrum = np.fft.rfft(self._waiting[: self._size] * self._window)[: self._bins]
            level = 10 * np.log10(np.maximum(spectrum.real**2 + spectrum.imag**2, 1e-30))
            place = np.rint((np.clip(level, _BOTTOM_DB, _TOP_DB) - _BOTTOM_DB) / _STEP_DB).astype(np.int64)
            self._counts[self._all, place] += 1
            self._windows += 1
            self._waiting = self._waiting[hop:]

    def result(self) -> Hum | None:
        """Return the hum found; None where there is none, or less than 2.5 s of sound."""
        if self._windows < _FEWEST_WINDOWS:
            return None
        wanted = max(1, math.ceil(_QUANTILE * self._windows))
        places = np.argmax(np.cumsum(self._counts, axis=1) >= wanted, axis=1)
        steady: Signal = 10 ** ((_BOTTOM_DB + _STEP_DB * places) / 10)
        found = [hum for mains_hz in MAINS_HZ if (hum := self._family(steady, mains_hz)) is not None]
        return max(found, key=lambda hum: hum.level_dbfs, default=None)

    def _family(self, steady: Signal, mains_hz: float) -> Hum | None:
        per_bin_hz = self._rate_hz / self._size
        total, best, has_root = 0.0, 0.0, False
        for harmonic in range(1, int(HIGHEST_HZ / mains_hz) + 1):
            middle = harmonic * mains_hz / per_bin_hz
            reach = max(1, math.ceil(_DEVIATION * middle))
            low, high = round(middle) - reach, round(middle) + reach
            if high + _SIDE_BINS[-1] >= len(steady) or low - _SIDE_BINS[-1] < 1:
                continue
            peak = low + int(np.argmax(steady[low : high + 1]))
            beside = float(np.median(steady[[peak + side for n in _SIDE_BINS for side in (-n, n)]]))
            prominence_db = 10 * math.log10(max(steady[peak], 1e-30) / max(beside, 1e-30))
            if prominence_db < _LINE_DB or steady[peak] < max(steady[peak - 2], steady[peak + 2]):
                continue
            # Only 50, 100, 60 and 120 Hz belong to one family alone, and to mains rather than to a test tone.
            has_root = has_root or harmonic <= 2
            # A line fills some three bins of a Hann window; the means have weakened it.
            f = peak * per_bin_hz
            droop = float(np.sinc(f / self._rate_hz) / np.sinc(f / (self._rate_hz * self._step)))
            total += max(0.0, float(steady[peak - 1 : peak + 2].sum()) - 3 * beside) / droop**2
            best = max(best, prominence_db)
        return Hum(mains_hz, power_dbfs(total), best) if has_root else None
