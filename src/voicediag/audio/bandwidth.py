"""Bandwidth: the highest frequency that carries speech."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicediag.audio.blocks import Signal

BAND_HZ = 250.0
_STEP_DB = 1.0
_BOTTOM_DB, _TOP_DB = -160.0, 60.0
_LOUD = 0.97
"""Hisses (s, f, sh) carry the highest frequencies, and are some 5 to 15 % of speech."""
_QUIET = 0.10
_ABOVE_NOISE_DB = 10.0
_RANGE_DB = 60.0
"""Further below the loudest blocks lie only the leakage of filters and the steps of converters."""
_MASKED_DB = 40.0
"""Noise louder than this below speech can hide its hisses."""
_CLIFF_DB = 10.0
"""What is so far under the band below is what leaks out of that."""
_FEWEST_FRAMES = 50


class BandwidthMeter:
    """Levels of bands of 250 Hz of 20 ms frames, as histograms: memory stays constant."""

    def __init__(self, frequency_hz: Signal) -> None:
        top = int(frequency_hz[-1] // BAND_HZ)
        edges = np.searchsorted(frequency_hz, np.arange(top + 1) * BAND_HZ)
        # Low rates have fewer bins than bands.
        self._starts, kept = np.unique(edges[:-1] if top else np.zeros(0, dtype=np.int64), return_index=True)
        self._upper_hz: Signal = np.append(kept[1:], top).astype(np.float64) * BAND_HZ if len(kept) else np.zeros(0)
        levels = round((_TOP_DB - _BOTTOM_DB) / _STEP_DB) + 1
        self._counts = np.zeros((len(self._starts), levels), dtype=np.int64)
        self._total = np.zeros(levels, dtype=np.int64)
        self._frames = 0

    def add(self, power: npt.NDArray[np.floating]) -> None:
        """Take the power of each bin of the next frames, [frames, bins]."""
        if not len(self._starts):
            return
        bands = np.add.reduceat(power, self._starts, axis=1)
        places = _places(bands)
        width = self._counts.shape[1]
        places += np.arange(len(self._starts)) * width
        self._counts += np.bincount(places.ravel(), minlength=self._counts.size).reshape(self._counts.shape)
        self._total += np.bincount(_places(power.sum(axis=1)), minlength=width)
        self._frames += len(power)

    def result(self) -> float | None:
        """Return the upper edge of the highest band with speech in Hz.

        None under a second, where no band has any, and where noise hides what is above.
        """
        if self._frames < _FEWEST_FRAMES:
            return None
        loud, quiet = self._level(self._counts, _LOUD), self._level(self._counts, _QUIET)
        loudest = float(self._level(self._total[None, :], _LOUD)[0])
        carries = (loud > quiet + _ABOVE_NOISE_DB) & (loud > loudest - _RANGE_DB)
        if not carries.any():
            return None
        highest = int(np.flatnonzero(carries)[-1])
        while highest and carries[highest - 1] and loud[highest] < loud[highest - 1] - _CLIFF_DB:
            highest -= 1
        above = quiet[highest + 1 : highest + 9]
        if len(above) and float(np.median(above)) > loudest - _MASKED_DB:
            return None
        return float(self._upper_hz[highest])

    def _level(self, counts: npt.NDArray[np.int64], share: float) -> Signal:
        reached = np.cumsum(counts, axis=1) >= share * self._frames
        level: Signal = _BOTTOM_DB + _STEP_DB * np.argmax(reached, axis=1)
        return level


def _places(power: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    level = 10 * np.log10(np.maximum(power, 1e-16))
    places: npt.NDArray[np.int64] = np.rint((np.minimum(level, _TOP_DB) - _BOTTOM_DB) / _STEP_DB).astype(np.int64)
    return places
