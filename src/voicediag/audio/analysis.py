"""All numbers of a recording, in two passes of constant memory.

The first pass takes the plain levels of every channel and with them the DC; the second measures speech, noise, spectrum
and tone on the channels that are alive, without DC, and the best of them is judged.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from voicediag.audio.blocks import Recording, Samples, Signal, finite, frame_length, power_dbfs, seconds
from voicediag.audio.dropouts import DropoutMeter
from voicediag.audio.hum import Hum, HumMeter
from voicediag.audio.levels import LevelMeter, LevelTrace
from voicediag.audio.movement import LevelDeviation
from voicediag.audio.noise import NoiseFloor
from voicediag.audio.spectrum import SpectrumMeter
from voicediag.audio.speech import SPOKEN_RATIO, ActiveLevel, SpeechDetector
from voicediag.audio.tone import Tone, ToneMeter
from voicediag.model.results.audio import ChannelLevels, LevelSeries, Spectrum

DEAD_DBFS = -90.0
"""A channel whose RMS without DC is not above this carries nothing."""
_MOST_CANDIDATES = 4


class Analysis(NamedTuple):
    """What the recording holds. None is "not measured"."""

    frames: int
    channels: tuple[ChannelLevels, ...]
    nonfinite_samples: int
    channel: int | None
    """The best one."""
    speech_ratio: float | None
    speech_level_dbfs: float | None
    activity_ratio: float | None
    noise_floor_dbfs: float | None
    zero_ratio: float | None
    hum: Hum | None
    bandwidth_hz: float | None
    dropouts: int | None
    gain_drift_db: float | None
    level_std: float | None
    tone: Tone | None
    level_series: LevelSeries | None
    spectrum: Spectrum | None


class _Channel:
    """The second pass over one channel."""

    def __init__(self, rate_hz: int, dc: float, tone_hz: float | None) -> None:
        self._frame = frame_length(rate_hz)
        self._dc = dc
        self._active = ActiveLevel(rate_hz)
        self._detector = SpeechDetector()
        self._noise = NoiseFloor()
        self._hum = HumMeter(rate_hz, self._frame)
        self._dropouts = DropoutMeter(rate_hz, self._frame)
        self._deviation = LevelDeviation(rate_hz)
        self._spectrum = SpectrumMeter(rate_hz)
        self._trace = LevelTrace(rate_hz, self._frame)
        self._tone = None if tone_hz is None else ToneMeter(rate_hz, tone_hz)

    def add(self, raw: Signal) -> None:
        x = raw - self._dc
        self._active.add(x)
        self._hum.add(x)
        self._dropouts.add(x)
        self._deviation.add(x)
        if self._tone is not None:
            self._tone.add(x)
        whole = len(x) // self._frame * self._frame
        if not whole:
            return
        frames = x[:whole].reshape(-1, self._frame)
        raw_frames = raw[:whole].reshape(-1, self._frame)
        peaks = np.abs(raw_frames).max(axis=1)
        self._noise.add(np.einsum("ij,ij->i", frames, frames) / self._frame, peaks == 0)
        self._trace.add(np.einsum("ij,ij->i", raw_frames, raw_frames) / self._frame, peaks)
        self._detector.add(self._spectrum.add(frames))

    def finish(self, rms_dbfs: float) -> _Numbers:
        speech_ratio = self._detector.result()
        spoke = speech_ratio is not None and speech_ratio >= SPOKEN_RATIO
        active = self._active.result()
        return _Numbers(
            rms_dbfs=rms_dbfs,
            speech_ratio=speech_ratio,
            speech_level_dbfs=active[0] if active and spoke else None,
            activity_ratio=active[1] if active else None,
            noise_floor_dbfs=self._noise.result(),
            zero_ratio=self._noise.zero_ratio,
            hum=self._hum.result(),
            bandwidth_hz=self._spectrum.bandwidth.result() if spoke else None,
            dropouts=self._dropouts.result(),
            gain_drift_db=self._detector.drift.result() if spoke else None,
            level_std=self._deviation.result(),
            tone=None if self._tone is None else self._tone.result(),
            level_series=self._trace.result(),
            spectrum=self._spectrum.result(),
        )


class _Numbers(NamedTuple):
    rms_dbfs: float
    speech_ratio: float | None
    speech_level_dbfs: float | None
    activity_ratio: float | None
    noise_floor_dbfs: float | None
    zero_ratio: float | None
    hum: Hum | None
    bandwidth_hz: float | None
    dropouts: int | None
    gain_drift_db: float | None
    level_std: float | None
    tone: Tone | None
    level_series: LevelSeries | None
    spectrum: Spectrum | None

    def rank(self) -> tuple[bool, float, bool, float, float]:
        """Speech counts before the tone and both before plain level; the louder of two is the better."""
        spoke = self.speech_level_dbfs
        return (
            spoke is not None,
            spoke if spoke is not None else 0.0,
            self.tone is not None,
            self.tone.level_dbfs if self.tone is not None else 0.0,
            self.rms_dbfs,
        )


def analyse(recording: Recording, tone_hz: float | None = None, stop: threading.Event | None = None) -> Analysis:
    """Measure `recording`. Where `stop` is set meanwhile, what was read until then is measured."""
    meter = LevelMeter(recording.channels)
    nonfinite = 0
    for block, bad in _finite_seconds(recording):
        meter.add(block)
        nonfinite += bad
        if stop is not None and stop.is_set():
            break
    channels = meter.results()
    if not channels:
        return Analysis(0, (), nonfinite, *[None] * 14)
    candidates = _candidates(channels)
    measured = {channel: _Channel(recording.rate_hz, channels[channel].dc_offset, tone_hz) for channel in candidates}
    left = meter.frames
    for block, _ in _finite_seconds(recording):
        columns = np.ascontiguousarray(block[:left].T, dtype=np.float64)
        for channel, second_pass in measured.items():
            second_pass.add(columns[channel])
        left -= len(block)
        if left <= 0:
            break
    numbers = {channel: each.finish(_rms_without_dc(channels[channel])) for channel, each in measured.items()}
    best = max(numbers, key=lambda channel: numbers[channel].rank())
    chosen = numbers[best]
    return Analysis(
        frames=meter.frames,
        channels=channels,
        nonfinite_samples=nonfinite,
        channel=best,
        speech_ratio=chosen.speech_ratio,
        speech_level_dbfs=chosen.speech_level_dbfs,
        activity_ratio=chosen.activity_ratio,
        noise_floor_dbfs=chosen.noise_floor_dbfs,
        zero_ratio=chosen.zero_ratio,
        hum=chosen.hum,
        bandwidth_hz=chosen.bandwidth_hz,
        dropouts=chosen.dropouts,
        gain_drift_db=chosen.gain_drift_db,
        level_std=chosen.level_std,
        tone=chosen.tone,
        level_series=chosen.level_series,
        spectrum=chosen.spectrum,
    )


def _finite_seconds(recording: Recording) -> Iterator[tuple[Samples, int]]:
    for block in seconds(recording):
        yield finite(block)


def _rms_without_dc(levels: ChannelLevels) -> float:
    return power_dbfs(10 ** (levels.rms_dbfs / 10) - levels.dc_offset**2)


def _candidates(channels: tuple[ChannelLevels, ...]) -> list[int]:
    """Return the channels worth the second pass: the loudest that are alive, else the loudest."""
    loudness = {channel: _rms_without_dc(levels) for channel, levels in enumerate(channels)}
    # Of equals the first.
    order = sorted(loudness, key=lambda channel: -loudness[channel])
    alive = [channel for channel in order if loudness[channel] > DEAD_DBFS]
    return sorted(alive[:_MOST_CANDIDATES]) or order[:1]
