"""The noise floor: what is left between the words."""

from __future__ import annotations

import numpy as np

from voicediag.audio.blocks import FLOOR_DBFS, Signal, powers_dbfs

PERCENTILE = 10
_TOP_DBFS = 30.0
_STEP_DB = 0.02


class NoiseFloor:
    """10th percentile of the RMS of 20 ms blocks, from a histogram with steps of 0.02 dB: memory stays constant."""

    def __init__(self) -> None:
        self._counts = np.zeros(round((_TOP_DBFS - FLOOR_DBFS) / _STEP_DB) + 1, dtype=np.int64)
        self._frames = 0
        self._zero_frames = 0

    @property
    def zero_ratio(self) -> float | None:
        """Share of frames of digital zero; None before the first."""
        return self._zero_frames / self._frames if self._frames else None

    def add(self, powers: Signal, is_zero: np.ndarray) -> None:
        """Take the mean squares of the next frames without DC; frames of digital zero are left out."""
        self._frames += len(powers)
        self._zero_frames += int(np.count_nonzero(is_zero))
        levels = np.minimum(powers_dbfs(powers[~is_zero]), _TOP_DBFS)
        places = np.rint((levels - FLOOR_DBFS) / _STEP_DB).astype(np.int64)
        self._counts += np.bincount(places, minlength=len(self._counts))

    def result(self) -> float | None:
        """Return the floor in dBFS; None where every frame was digital zero or there was none."""
        cumulated = np.cumsum(self._counts)
        if not cumulated[-1]:
            return None
        # The same place between two values as numpy.percentile takes.
        rank = (cumulated[-1] - 1) * PERCENTILE / 100
        below = int(np.searchsorted(cumulated, int(rank), side="right"))
        above = int(np.searchsorted(cumulated, int(rank) + 1, side="right")) if rank % 1 else below
        return float(FLOOR_DBFS + _STEP_DB * (below + (above - below) * (rank % 1)))
