"""Plain levels of a recording: RMS, peak, crest, DC and flat tops, and its level over time."""

from __future__ import annotations

import math

import numpy as np

from voicediag.audio.blocks import Samples, Signal, dbfs, power_dbfs
from voicediag.model.results.audio import ChannelLevels, LevelSeries

CLIPPING_FLOOR_DBFS = -50.0
"""Below this peak no flat top is looked for: there it is the step of the converter, not a limit."""
_FULL_SCALE = 0.999
"""From here on a single flat top is enough; below it two must share one value."""
_QUANTA = tuple(2.0**-bits for bits in (7, 11, 15, 19, 23))
"""Steps of 8-, 12-, 16-, 20- and 24-bit converters."""
_LARGEST_STEP = 2.0**-11
_FEWEST_STEPS = 15
_FEWEST_EQUAL_STEPS = 4
_DITHER_STEPS = 3
"""Triangular dither and rounding spread one value over at most so many steps."""
_WIDEST_DITHERED = 2.0**-13
MAX_POINTS = 1200


class LevelMeter:
    """Levels of every channel, block by block. Blocks must be finite; they are also the units for flat tops."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._sum = np.zeros(channels)
        self._square = np.zeros(channels)
        self._peak = np.zeros(channels)
        self._clipped = np.zeros(channels, dtype=np.int64)
        self._converters = [Converter() for _ in range(channels)]

    @property
    def frames(self) -> int:
        """How many samples each channel had so far."""
        return self._count

    def add(self, block: Samples) -> None:
        """Take the next block, [frames, channels]."""
        self._count += len(block)
        for channel, x in enumerate(np.ascontiguousarray(block.T, dtype=np.float64)):
            self._sum[channel] += x.sum()
            self._square[channel] += np.einsum("i,i", x, x)
            high, low = float(x.max()), float(x.min())
            self._peak[channel] = max(self._peak[channel], high, -low)
            self._clipped[channel] += flat_top_samples(x, high, self._converters[channel])
            self._clipped[channel] += flat_top_samples(-x, -low, self._converters[channel])

    def means(self) -> Signal:
        """Return the DC offset of each channel, as a fraction of full scale."""
        return self._sum / max(1, self._count)

    def results(self) -> tuple[ChannelLevels, ...]:
        """Return the levels of each channel; empty where there were no samples."""
        if not self._count:
            return ()
        return tuple(self._result(channel) for channel in range(len(self._sum)))

    def _result(self, channel: int) -> ChannelLevels:
        rms_dbfs = power_dbfs(float(self._square[channel]) / self._count)
        peak_dbfs = dbfs(float(self._peak[channel]))
        judged = peak_dbfs >= CLIPPING_FLOOR_DBFS
        return ChannelLevels(
            rms_dbfs=rms_dbfs,
            peak_dbfs=peak_dbfs,
            crest_db=max(0.0, peak_dbfs - rms_dbfs),
            dc_offset=float(self._sum[channel]) / self._count,
            clipped_ratio=int(self._clipped[channel]) / self._count if judged else None,
        )


def flat_top_samples(x: Signal, top: float, converter: Converter) -> int:
    """Count the samples of `x` that lie in flat tops at its highest value `top`.

    A flat top is a run of 3 or more samples of that value, entered with a corner. Below full scale at least two must
    share the value, since a converter that holds samples makes a single one of any peak. What was clipped, turned down
    and dithered again has the same value but for the dither.
    """
    if top < 10 ** (CLIPPING_FLOOR_DBFS / 20) or np.count_nonzero(x >= top - _DITHER_STEPS * _WIDEST_DITHERED) < 3:
        return 0
    step = converter.step_at(x, top)
    found = _in_flat_tops(x, top, 0.0, step)
    if step <= _WIDEST_DITHERED:
        found = max(found, _in_flat_tops(x, top, _DITHER_STEPS * step, step))
    return found


def _in_flat_tops(x: Signal, top: float, band: float, step: float) -> int:
    """Count the samples in runs at most `band` below `top`; a corner is where no rounded parabola falls as far.

    A smooth peak is a parabola k·n². A run of L samples of it, n from −(L − 1)/2, falls by at most the band and the
    rounding of one step: k·((L − 1)/2)² ≤ band + step. L − 1 samples outside the run it has then fallen by at most nine
    times that, and one step more by rounding there. A limiter's corner falls further: it cut off more than that.
    """
    at_top = np.flatnonzero(x >= top - band)
    breaks = np.flatnonzero(np.diff(at_top) > 1)
    first = at_top[np.concatenate(([0], breaks + 1))]
    last = at_top[np.concatenate((breaks, [len(at_top) - 1]))]
    long_enough = last - first >= 2
    first, last = first[long_enough], last[long_enough]
    if not len(first):
        return 0
    flat = _drop_beside(x, top, first, last) > 9 * (band + step) + step
    if top < _FULL_SCALE and np.count_nonzero(flat) < 2:
        return 0
    return int((last - first + 1)[flat].sum())


def _drop_beside(x: Signal, top: float, first: np.ndarray, last: np.ndarray) -> Signal:
    """Return how far the signal falls beside each run, within as many samples as the run is long."""
    reach = np.maximum(2, last - first)
    end = len(x) - 1
    before = np.zeros(len(first))
    after = np.zeros(len(first))
    for part in (1, reach // 2, reach):
        before = np.maximum(before, top - x[np.maximum(0, first - part)])
        after = np.maximum(after, top - x[np.minimum(end, last + part)])
    # A run cut off by the edge of the block has one side only.
    before = np.where(first == 0, after, before)
    after = np.where(last == end, before, after)
    drop: Signal = (before + after) / 2
    return drop


class Converter:
    """What one channel's samples tell of the converter that they once came from: how far apart its values lie.

    It is learnt from the first blocks that have a run at their extreme: it does not change within a recording, and
    looking at every block of a clipped hour would cost more than all the rest.
    """

    _BLOCKS = 8

    def __init__(self) -> None:
        self._seen = 0
        self._step = 0.0
        self._is_g711 = True

    def step_at(self, x: Signal, value: float) -> float:
        """Return the distance of two neighbouring values that it could have given beside `value`."""
        if self._seen < self._BLOCKS:
            self._seen += 1
            self._is_g711 = self._is_g711 and _is_g711(x)
            self._step = max(self._step, _step_of(x))
        if self._is_g711:
            return abs(value) / 16  # the widest step within a segment of its scales (ITU-T G.711)
        return max(self._step, abs(value) * 2.0**-23)


def _step_of(x: Signal) -> float:
    for quantum in _QUANTA:
        scaled = x / quantum
        if np.array_equal(scaled, np.rint(scaled)):
            lattice = quantum
            break
    else:
        lattice = 0.0
    gaps = np.diff(np.unique(x))
    if not len(gaps):
        return lattice
    if len(gaps) >= _FEWEST_EQUAL_STEPS and float(gaps.max()) <= 1.001 * float(gaps.min()):
        return max(lattice, float(gaps.max()))  # a quiet signal in few steps, with a gain behind the converter
    # A gain behind the converter widens its steps, more or less evenly.
    even = gaps[(gaps >= np.median(gaps) / 2) & (gaps <= np.median(gaps) * 2)]
    if len(gaps) >= _FEWEST_STEPS and len(even) >= 0.9 * len(gaps):
        return max(lattice, float(even.max()))
    # Wide uneven ones are no steps but a signal of few values (a square wave).
    smallest = float(gaps.min())
    return max(lattice, smallest if smallest <= _LARGEST_STEP else 0.0)


def _g711_values() -> Signal:
    """Every value of the μ-law and A-law scales as 16-bit decoders give them (ITU-T G.711 tables 1 and 2)."""
    step = np.arange(16)
    segment = np.arange(8)[:, None]
    mu_law = (((step << 3) + 132) << segment) - 132
    a_law = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.unique(np.concatenate((mu_law.ravel(), a_law.ravel()))) / 32768


_G711 = _g711_values()


def _is_g711(x: Signal) -> bool:
    magnitudes = np.abs(x)
    place = np.minimum(np.searchsorted(_G711, magnitudes), len(_G711) - 1)
    return bool(np.array_equal(_G711[place], magnitudes))


class LevelTrace:
    """Level over time of one channel in at most `MAX_POINTS` points: each time they are used up, pairs are joined."""

    def __init__(self, rate_hz: int, frame: int) -> None:
        self._frame_ms = 1000 * frame / rate_hz
        self._joined = 1
        self._power: list[float] = []
        self._peak: list[float] = []
        self._open: list[tuple[float, float]] = []

    def add(self, powers: Signal, peaks: Signal) -> None:
        """Take mean square and peak of the next frames."""
        for power, peak in zip(powers.tolist(), peaks.tolist(), strict=True):
            self._open.append((power, peak))
            if len(self._open) == self._joined:
                self._close()

    def _close(self) -> None:
        if not self._open:
            return
        self._power.append(math.fsum(power for power, _ in self._open) / len(self._open))
        self._peak.append(max(peak for _, peak in self._open))
        self._open = []
        if len(self._power) >= MAX_POINTS:
            self._power = [(a + b) / 2 for a, b in zip(self._power[::2], self._power[1::2], strict=True)]
            self._peak = [max(a, b) for a, b in zip(self._peak[::2], self._peak[1::2], strict=True)]
            self._joined *= 2

    def result(self) -> LevelSeries | None:
        """Return the points so far; None where not one frame was complete."""
        self._close()
        if not self._power:
            return None
        width_ms = self._joined * self._frame_ms
        return LevelSeries(
            t_ms=tuple(round(point * width_ms, 3) for point in range(len(self._power))),
            rms_dbfs=tuple(round(power_dbfs(power), 2) for power in self._power),
            peak_dbfs=tuple(round(dbfs(peak), 2) for peak in self._peak),
        )
