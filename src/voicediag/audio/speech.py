"""Speech: its active level by ITU-T P.56 method B, and whether there is any.

P.56 finds activity in steady noise and in tones too, so a detector of its own decides whether anybody spoke.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voicediag.audio.blocks import FRAME_S, Signal, frame_length, power_dbfs, powers_dbfs
from voicediag.audio.movement import GainDrift

# ITU-T P.56 section 5.1, table: parameters of method B.
TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
_THRESHOLDS_DBFS = np.arange(-100, 1)
"""P.56 asks for steps of at most 6.02 dB; steps of 1 dB leave less to interpolation."""

SPOKEN_RATIO = 0.05
"""From this share of speech blocks on somebody spoke: 0.3 s of the default 6 s, one short word."""


class ActiveLevel:
    """Active speech level and activity factor of one channel without DC, block by block (P.56 section 5, method B).

    The envelope is followed on the mean of about 1 ms of the rectified signal instead of on every sample: against its
    time constant of 30 ms that changes nothing that can be read, and it costs a fiftieth.
    """

    def __init__(self, rate_hz: int) -> None:
        frame = frame_length(rate_hz)
        self._step = max(step for step in range(1, frame + 1) if frame % step == 0 and step <= max(1, rate_hz / 1000))
        envelope_rate_hz = rate_hz / self._step
        smoothing = math.exp(-1 / (envelope_rate_hz * TIME_CONSTANT_S))
        self._first = _Smoother(smoothing)
        self._second = _Smoother(smoothing)
        self._hangover = round(envelope_rate_hz * HANGOVER_S)
        self._tail = np.zeros(self._hangover)
        self._count = 0
        self._square = 0.0
        self._active = np.zeros(len(_THRESHOLDS_DBFS), dtype=np.int64)
        """How many envelope samples are active at each threshold."""

    def add(self, x: Signal) -> None:
        """Take the next samples; every block but the last must hold whole frames of 20 ms."""
        self._count += len(x)
        # Not `x @ x`: the threads of a BLAS wait for each other on a busy machine, a hundred times as long.
        self._square += float(np.einsum("i,i", x, x))
        whole = len(x) - len(x) % self._step
        envelope = self._second.run(self._first.run(np.abs(x[:whole]).reshape(-1, self._step).mean(axis=1)))
        # Active at a threshold: the envelope reaches it now or did so within the hangover.
        reached = np.concatenate((self._tail, envelope))
        self._tail = reached[len(reached) - self._hangover :]
        peaks = _running_maximum(reached, self._hangover + 1)
        with np.errstate(divide="ignore"):
            highest = np.floor(20 * np.log10(peaks)) - _THRESHOLDS_DBFS[0]
        places = np.clip(highest, -1, len(_THRESHOLDS_DBFS) - 1).astype(np.int64)
        counts = np.bincount(places + 1, minlength=len(_THRESHOLDS_DBFS) + 1)[1:]
        self._active += counts[::-1].cumsum()[::-1]

    def result(self) -> tuple[float, float] | None:
        """Return active level in dBFS and activity factor 0–1; None where nothing was active at any threshold."""
        if not self._square:
            return None
        heard = self._active > 0
        # a_j in samples, A_j, and A_j − C_j: P.56 section 5.2. The level is where the difference is the margin.
        samples = np.minimum(self._count, self._active[heard] * self._step)
        active_dbfs = 10 * np.log10(self._square / np.maximum(1, samples))
        difference_db = active_dbfs - _THRESHOLDS_DBFS[heard]
        below = np.flatnonzero(difference_db <= MARGIN_DB)
        if not len(below) or below[0] == 0:
            return None
        after = int(below[0])
        share = (difference_db[after - 1] - MARGIN_DB) / (difference_db[after - 1] - difference_db[after])
        level = float(active_dbfs[after - 1] + share * (active_dbfs[after] - active_dbfs[after - 1]))
        long_term = power_dbfs(self._square / self._count)
        return level, min(1.0, 10 ** ((long_term - level) / 10))


class _Smoother:
    """y[n] = g·y[n − 1] + (1 − g)·x[n], many samples at once: the recursion of 64 samples is one matrix."""

    def __init__(self, g: float) -> None:
        lag = np.arange(64)[:, None] - np.arange(64)[None, :]
        self._matrix = np.where(lag >= 0, (1 - g) * g ** np.maximum(lag, 0), 0.0)
        self._decay = g ** np.arange(1, 65)
        self._last = 0.0

    def run(self, x: Signal) -> Signal:
        size = len(self._decay)
        rows = np.zeros((-(-len(x) // size), size))
        rows.ravel()[: len(x)] = x
        y = rows @ self._matrix.T
        for row in y:
            row += self._decay * self._last
            self._last = float(row[-1])
        out: Signal = y.ravel()[: len(x)]
        if len(out):
            self._last = float(out[-1])
        return out


def _running_maximum(x: Signal, width: int) -> Signal:
    """Return the maximum of every `width` neighbours; the result is `width` − 1 shorter."""
    have = 1
    while have < width:
        more = min(have, width - have)
        x = np.maximum(x[: len(x) - more], x[more:])
        have += more
    return x


# The speech detector ------------------------------------------------------------------------------------------------

BAND_EDGES_HZ = (100, 300, 500, 800, 1300, 2100, 3400)
"""Inside what a telephone passes, so that narrow-band speech is judged by the same bands."""
LINES_HZ = 300
"""How much of the spectrum the strongest lines of a frame may take: two tones as wide as a 20 ms frame shows them."""
_WINDOW = round(1 / FRAME_S)
"""Speech is told over one second around a frame: 3 to 8 syllables."""
_SEGMENT = 10 * _WINDOW
_SHORTEST = _WINDOW // 2

# What a frame of speech has, with the room that was seen beside it (docs/audio-measures.md).
_STANDS_OUT_DB = 6.0
_RANGE_DB = 40.0
_LOWEST_DBFS = -95.0
_MODULATION_DB = 2.0
_SPREAD_DB = 3.0
_BAND_SHARE = 0.4
_LINE_SHARE = 0.93


class FramePowers(NamedTuple):
    """Mean squares of successive 20 ms frames, one channel without DC."""

    bands: Signal
    """In the bands of `BAND_EDGES_HZ`, [frames, bands]."""
    lines: Signal
    """In the strongest `LINES_HZ` of those bands together, [frames]."""
    total: Signal
    """In all, [frames]."""


class SpeechDetector:
    """Tells which 20 ms frames are speech by level, modulation at 2–10 Hz and spectrum, in segments of 10 s.

    A frame is speech when it stands out of its segment's floor and, over the second around it, the level moves as
    syllables do (not hum, tones, fans), the bands move against each other (not switched noise), the energy is spread
    over more than two lines (not beeps) and lies in the band of speech (not hiss or rumble).
    """

    def __init__(self) -> None:
        self._waiting: list[FramePowers] = []
        self._have = 0
        self._frames = 0
        self._speech = 0
        self.drift = GainDrift()

    def add(self, powers: FramePowers) -> None:
        """Take the next frames."""
        self._waiting.append(powers)
        self._have += len(powers.total)
        # Half a segment is kept back, so that the last one is not too short to be told.
        while self._have >= 3 * _SEGMENT // 2:
            joined = self._joined()
            self._judge(FramePowers(*(part[:_SEGMENT] for part in joined)))
            self._waiting = [FramePowers(*(part[_SEGMENT:] for part in joined))]
            self._have -= _SEGMENT

    def result(self) -> float | None:
        """Return the share of frames that are speech; None for less than half a second. Ends the detector."""
        if self._have:
            self._judge(self._joined())
            self._waiting, self._have = [], 0
        return self._speech / self._frames if self._frames >= _SHORTEST else None

    def _joined(self) -> FramePowers:
        return FramePowers(*(np.concatenate(parts) for parts in zip(*self._waiting, strict=True)))

    def _judge(self, powers: FramePowers) -> None:
        self._frames += len(powers.total)
        is_speech = speech_frames(powers)
        self._speech += int(np.count_nonzero(is_speech))
        self.drift.add(powers.total, is_speech)


def speech_frames(powers: FramePowers) -> npt.NDArray[np.bool_]:
    """Tell for each frame of one segment whether it is speech."""
    if len(powers.total) < _SHORTEST:
        return np.zeros(len(powers.total), dtype=np.bool_)
    inside = powers.bands.sum(axis=1)
    level = powers_dbfs(inside)
    floor = max(float(np.percentile(level, 10)), _LOWEST_DBFS)
    stands_out = (level > floor + _STANDS_OUT_DB) & (level > level.max() - _RANGE_DB)
    heard = inside * stands_out
    whole = _window_mean(heard) + np.finfo(float).tiny
    is_speech: npt.NDArray[np.bool_] = (
        stands_out
        & (_modulation_db(np.maximum(level, floor)) > _MODULATION_DB)
        & (_spread_db(powers_dbfs(powers.bands) - level[:, None], stands_out) > _SPREAD_DB)
        & (_window_mean(powers.lines * stands_out) < _LINE_SHARE * whole)
        & (whole > _BAND_SHARE * _window_mean(powers.total * stands_out))
    )
    return is_speech


def _window_mean(x: Signal) -> Signal:
    """Return the mean over the second around each frame; at the ends over what there is of it."""
    width = min(_WINDOW, len(x))
    sums = np.cumsum(np.concatenate((np.zeros((1, *x.shape[1:])), x)), axis=0)
    start = np.clip(np.arange(len(x)) - width // 2, 0, len(x) - width)
    mean: Signal = np.maximum(0, (sums[start + width] - sums[start]) / width)
    return mean


def _modulation_db(level: Signal) -> Signal:
    """Return the RMS movement of the level between 2 and 10 Hz, in dB, over the second around each frame."""
    spectrum = np.fft.rfft(level - level.mean())
    rate = np.fft.rfftfreq(len(level), FRAME_S)
    spectrum[(rate < 2) | (rate > 10)] = 0
    movement: Signal = np.sqrt(_window_mean(np.fft.irfft(spectrum, len(level)) ** 2))
    return movement


def _spread_db(shape: Signal, counts: npt.NDArray[np.bool_]) -> Signal:
    """Return how far each band moves against the others, in dB, over the frames of the window that count."""
    weight = counts.astype(np.float64)[:, None]
    share = _window_mean(weight) + 1e-9
    above_rest = 30 + np.maximum(shape, -30.0)
    mean = _window_mean(above_rest * weight) / share
    variance = _window_mean(above_rest**2 * weight) / share - mean**2
    spread: Signal = np.sqrt(np.maximum(0, variance)).mean(axis=1)
    return spread
