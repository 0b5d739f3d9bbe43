"""Signals whose numbers are known by construction, and one that a speech detector takes for speech."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from voicediag.audio.blocks import Samples, Signal, frame_length
from voicediag.audio.spectrum import SpectrumMeter
from voicediag.audio.speech import SpeechDetector


def sine(frequency_hz: float, seconds: float, rate_hz: int = 48000, amplitude: float = 1.0) -> Signal:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    tone: Signal = amplitude * np.sin(2 * np.pi * frequency_hz * t)
    return tone


def noise(seconds: float, rate_hz: int = 48000, rms: float = 0.1, slope: float = 0.0, seed: int = 1) -> Signal:
    """Gaussian noise; `slope` 0 is white, 1 pink, 2 brown."""
    count = round(seconds * rate_hz)
    white = np.random.default_rng(seed).standard_normal(count)
    spectrum = np.fft.rfft(white)
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / rate_hz), 20.0)
    shaped = np.fft.irfft(spectrum * frequency ** (-slope / 2), count)
    scaled: Signal = shaped * (rms / np.sqrt(np.mean(shaped**2)))
    return scaled


def talk(seconds: float = 6.0, rate_hz: int = 48000, rms: float = 0.1, seed: int = 1) -> Signal:
    """Something like speech: buzzes with formants and hisses in syllables, words and pauses, over a quiet room."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    out = np.zeros(count)
    at = 0
    while at < count:
        length = round(random.uniform(0.1, 0.25) * rate_hz)
        t = np.arange(length) / rate_hz
        if random.random() < 0.25:
            syllable = np.diff(random.standard_normal(length + 1)) * 0.1
        else:
            pitch_hz = random.uniform(90, 220)
            formants = [(random.uniform(300, 800), 80), (random.uniform(900, 2200), 120), (2600, 160)]
            syllable = np.zeros(length)
            for harmonic in range(1, int(min(4000, rate_hz / 2.2) / pitch_hz)):
                f = harmonic * pitch_hz
                gain = sum(1 / (1 + ((f - centre) / width) ** 2) for centre, width in formants)
                syllable += gain * np.sin(2 * np.pi * f * t + harmonic)
        syllable *= np.sin(np.pi * np.arange(length) / length)
        part = out[at : at + length]
        part += syllable[: len(part)]
        at += length + round((0.4 if random.random() < 0.15 else 0.03) * rate_hz)
    out *= rms / np.sqrt(np.mean(out**2))
    return out + noise(seconds, rate_hz, rms / 1000, seed=seed + 1)


def stereo(*channels: Signal) -> Samples:
    return np.column_stack(channels).astype(np.float32)


@dataclass(frozen=True)
class Sound:
    """A recording in memory, handed out in blocks of any length."""

    samples: Samples
    rate_hz: int = 48000
    block: int = 10_007

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    def blocks(self) -> Iterator[Samples]:
        for start in range(0, len(self.samples), self.block):
            yield self.samples[start : start + self.block]


def speech_ratio(x: Signal, rate_hz: int = 48000) -> float | None:
    """What the detector says of `x`."""
    frame = frame_length(rate_hz)
    frames = x[: len(x) // frame * frame].reshape(-1, frame)
    detector = SpeechDetector()
    if len(frames):
        detector.add(SpectrumMeter(rate_hz).add(frames))
    return detector.result()
