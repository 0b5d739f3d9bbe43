"""How the level moves: slowly on its own (gain), and at all (the stand-in for the Voice SDK's monitor)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicediag.audio.blocks import Signal

_FULL_SCALE = 32767
_SDK_BLOCK_S, _SDK_SPAN_S = 0.05, 10.0
_POINT_FRAMES = 25
"""Half a second: two points span the 1 Hz up to which a gain is slow."""
_MOST_POINTS = 1200
_FEWEST_ACTIVE = 8
_ACTIVE_SHARE = 0.2
"""A second with less speech than this has no level of its own."""
_FEWEST_SECONDS = 5
_NATURAL_DB = 6.0
"""Seconds of one voice at one distance differ by 2 to 4 dB; emphasis and turning away are allowed as much again."""


class LevelDeviation:
    """Standard deviation of the RMS of 50 ms blocks over 10 s on a 16-bit scale, the largest of all such spans.

    The largest: a level that moves at some time is not constant, and ten seconds of listening are no fault.
    """

    def __init__(self, rate_hz: int) -> None:
        self._block = max(1, round(rate_hz * _SDK_BLOCK_S))
        self._span = round(_SDK_SPAN_S / _SDK_BLOCK_S)
        self._waiting = np.zeros(0)
        self._levels = np.zeros(0)
        self._largest: float | None = None

    def add(self, x: Signal) -> None:
        """Take the next samples without DC."""
        x = np.concatenate((self._waiting, x)) if len(self._waiting) else x
        whole = len(x) // self._block * self._block
        self._waiting = x[whole:].copy()
        rows = x[:whole].reshape(-1, self._block)
        levels = np.sqrt(np.einsum("ij,ij->i", rows, rows) / self._block) * _FULL_SCALE
        self._levels = np.concatenate((self._levels, np.minimum(levels, _FULL_SCALE)))
        while len(self._levels) >= self._span:
            deviation = float(self._levels[: self._span].std())
            self._largest = deviation if self._largest is None else max(self._largest, deviation)
            self._levels = self._levels[self._span :]

    def result(self) -> float | None:
        """Return it; None under 10 s."""
        return self._largest


class GainDrift:
    """Slow movement of the level of speech beyond what voices do themselves.

    The level is that of the speech in a second, every half second: slower than syllables and words. Peak to peak is
    taken between the 10th and the 90th percentile, so that one shout or one mumble is no drift. At most `_MOST_POINTS`
    half seconds are kept; then pairs are joined, and after ten minutes only slower movement is seen.
    """

    def __init__(self) -> None:
        self._frames = _POINT_FRAMES
        self._open = (0.0, 0, 0)
        """Sum of the mean squares of speech, frames of speech, and frames of the point not yet complete."""
        self._points: list[tuple[float, int]] = []

    def add(self, powers: Signal, is_speech: npt.NDArray[np.bool_]) -> None:
        """Take the mean squares of the next frames of 20 ms without DC, and which of them are speech."""
        at = 0
        while at < len(powers):
            power, speech, frames = self._open
            some = min(self._frames - frames, len(powers) - at)
            counts = is_speech[at : at + some]
            power += float(powers[at : at + some][counts].sum())
            self._open = (power, speech + int(np.count_nonzero(counts)), frames + some)
            at += some
            if self._open[2] == self._frames:
                self._close()

    def _close(self) -> None:
        self._points.append(self._open[:2])
        self._open = (0.0, 0, 0)
        if len(self._points) >= _MOST_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
            self._frames *= 2

    def result(self) -> float | None:
        """Return it in dB, 0 where there is no more than natural; None with less than about three seconds of speech."""
        if len(self._points) < 2:
            return None
        power, speech = np.array(self._points).T
        power, speech = power[1:] + power[:-1], speech[1:] + speech[:-1]
        heard = speech >= max(_FEWEST_ACTIVE, _ACTIVE_SHARE * 2 * self._frames)
        if np.count_nonzero(heard) < _FEWEST_SECONDS:
            return None
        level = 10 * np.log10(np.maximum(power[heard] / speech[heard], 1e-12))
        low, high = np.percentile(level, (10, 90))
        return max(0.0, float(high - low) - _NATURAL_DB)
