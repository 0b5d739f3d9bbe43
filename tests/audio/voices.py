"""What synthesised recordings are made of: espeak-ng voices, rooms, music and noises. Everything is seeded."""

from __future__ import annotations

import functools
import io
import subprocess
from typing import NamedTuple

import numpy as np
import soundfile

from voicediag.audio.blocks import Signal


class Voice(NamedTuple):
    """One espeak-ng voice and what it says."""

    name: str
    text: str
    speed: int = 165
    pitch: int = 50


def decibels(db: float) -> float:
    """The factor that `db` stands for."""
    return float(10 ** (db / 20))


@functools.lru_cache(maxsize=64)
def spoken(voice: Voice) -> tuple[Signal, int]:
    """What espeak-ng says, and its rate in Hz."""
    command = ["espeak-ng", "-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch), "--stdout", voice.text]
    done = subprocess.run(command, check=True, capture_output=True)
    samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float64")
    return samples, rate_hz


def resampled(x: Signal, from_hz: int, to_hz: int) -> Signal:
    """`x` at another rate: its spectrum cut or filled up with nothing."""
    count = round(len(x) * to_hz / from_hz)
    spectrum = np.fft.rfft(x)
    kept = np.zeros(count // 2 + 1, dtype=complex)
    some = min(len(spectrum), len(kept))
    kept[:some] = spectrum[:some]
    out: Signal = np.fft.irfft(kept, count) * (count / len(x))
    return out


def talking(voice: Voice, seconds: float, rate_hz: int, pause_s: float = 0.4, lead_s: float = 0.3) -> Signal:
    """The voice from `lead_s` on, over and over with pauses, with an active RMS of about 1."""
    sentence, own_hz = spoken(voice)
    out = np.zeros(round(seconds * own_hz))
    at = round(lead_s * own_hz)
    while at < len(out):
        part = out[at : at + len(sentence)]
        part += sentence[: len(part)]
        at += len(sentence) + round(pause_s * own_hz)
    blocks = out[: len(out) // 441 * 441].reshape(-1, 441)
    power = (blocks**2).mean(axis=1)
    active = power > power.max() / 1000
    return resampled(out / np.sqrt(power[active].mean()), own_hz, rate_hz)


def coloured(seconds: float, rate_hz: int, slope: float, random: np.random.Generator) -> Signal:
    """Gaussian noise of RMS 1; `slope` 0 is white, 1 pink, 2 brown."""
    count = round(seconds * rate_hz)
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / rate_hz), 20.0)
    shaped = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * frequency ** (-slope / 2), count)
    out: Signal = shaped / np.sqrt(np.mean(shaped**2))
    return out


def fan(seconds: float, rate_hz: int, random: np.random.Generator) -> Signal:
    """Air noise with the lines of the blades, and a slow beat, of RMS 1."""
    air = coloured(seconds, rate_hz, 1.5, random)
    t = np.arange(len(air)) / rate_hz
    blades_hz = random.uniform(131, 147)
    lines = sum(0.3 / k * np.sin(2 * np.pi * k * blades_hz * t + k) for k in (1, 2, 3))
    out = (air + lines) * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))
    scaled: Signal = out / np.sqrt(np.mean(out**2))
    return scaled


def in_room(x: Signal, rate_hz: int, t60_s: float, direct_db: float, random: np.random.Generator) -> Signal:
    """`x` in a room: exponentially decaying noise `direct_db` under the direct sound, from 5 ms on."""
    count = round(t60_s * rate_hz)
    t = np.arange(count) / rate_hz
    tail = random.standard_normal(count) * 10 ** (-3 * t / t60_s) * (t > 0.005)
    response = tail * (decibels(-direct_db) / np.sqrt(np.sum(tail**2)))
    response[0] = 1
    return _convolved(x, response)


def in_box(x: Signal, rate_hz: int, t60_s: float, random: np.random.Generator) -> Signal:
    """`x` in a small office: some sixty single reflections that come denser and weaker."""
    response = np.zeros(round(t60_s * rate_hz))
    response[0] = 1
    arrivals = t60_s * random.uniform(0.01, 1, 60) ** 0.7
    for arrival in arrivals:
        gain = 0.25 * 10 ** (-3 * arrival / t60_s) * random.choice((-1, 1))
        response[min(len(response) - 1, int(arrival * rate_hz))] += gain
    return _convolved(x, response)


def _convolved(x: Signal, response: Signal) -> Signal:
    size = 1 << (len(x) + len(response)).bit_length()
    out: Signal = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(response, size), size)[: len(x)]
    return out


def music(seconds: float, rate_hz: int, random: np.random.Generator) -> Signal:
    """Chords and a melody of plucked notes in equal temperament, of RMS 1."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    out = np.zeros(len(t))
    for start in np.arange(0, seconds, 0.5):
        after = t[t >= start] - start
        for note in random.choice(np.arange(-17, 20), 3, replace=False):
            f = 440 * 2 ** (note / 12)
            partials = sum(np.sin(2 * np.pi * f * k * after) / k**2 for k in (1, 2, 3) if f * k < rate_hz / 2)
            out[len(t) - len(after) :] += partials * np.exp(-after / 0.4)
    scaled: Signal = out / np.sqrt(np.mean(out**2))
    return scaled
