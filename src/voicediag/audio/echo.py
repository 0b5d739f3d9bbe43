"""Finds a known wide-band probe in what a microphone heard: how late, how strong, how sure. Arrays in, numbers out.

The probe is a second of noise with a flat spectrum over the band of wide-band telephony (150 to 7,000 Hz; to 45 % of
the rate where that is lower), the same at every run. Dividing by its spectrum gives the impulse response of the way
from output to input. Not a sweep: a single vowel is as compact in time as the echo of one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voicediag.audio.blocks import FRAME_S, Signal, frame_length, power_dbfs
from voicediag.audio.tone import Tone, ToneMeter

PROBE_S = 1.0
FADE_S = 0.02
FOUND_DB = 8.0
"""Peak-to-sidelobe ratio from which on the probe is there (bench/README.md: what other sound reaches)."""
LONGEST_S = 1.0
"""How late the probe is looked for. Bluetooth takes 0.1 to 0.3 s."""
_EARLIEST_S = -0.02
_LOWEST_HZ, _HIGHEST_HZ = 150, 7000
_SEED = 4
_GRID = 48000
_CREST_ROUNDS, _CLIP = 30, 1.4
_EDGE = 0.1
"""Share of the band over which each of its ends is faded: an abrupt end would ring in time."""
_BEFORE_S, _AFTER_S = 0.02, 0.3
"""Around its strongest arrival a room's answer to the probe is no sidelobe."""
_CORE_S = 0.002
_DIRECT_S, _DIRECT = 0.03, 0.5
"""The direct sound may be weaker than a reflection, by so much, and earlier, by so much."""
_TONE_BLOCK_S = 0.5
_TRIM_FRAMES = 3
_TRIM = 0.05

Blocks = Sequence[tuple[float, int]]
"""When each block of a stream passed, in seconds, and the number of its first frame."""


class Arrival(NamedTuple):
    """Where the probe seems to lie. `is_found` tells whether to believe it."""

    at: float
    """Frames from the start of the recording to the start of the probe."""
    peak_to_sidelobe_db: float
    level_dbfs: float | None
    """Of the probe as heard, its room included, plain RMS; None where noise hides it."""

    @property
    def is_found(self) -> bool:
        """Tell whether the peak stands out of what any sound has."""
        return self.peak_to_sidelobe_db >= FOUND_DB and self.level_dbfs is not None


def highest_hz(*rates_hz: int) -> float:
    """Return the upper end of a probe that devices of these rates all carry."""
    return min(float(_HIGHEST_HZ), 0.45 * min(rates_hz))


@functools.cache
def _phases(top: int) -> Signal:
    """Return phases of the lines from `_LOWEST_HZ` to `top` Hz that give a low crest factor.

    Random ones, made better by turns: clip in time, keep the phases only (van der Ouderaa et al., 1988).
    """
    lines = np.arange(_LOWEST_HZ, top + 1)
    phases = np.random.default_rng(_SEED).uniform(-np.pi, np.pi, len(lines))
    for _ in range(_CREST_ROUNDS):
        spectrum = np.zeros(_GRID // 2 + 1, dtype=np.complex128)
        spectrum[lines] = np.exp(1j * phases)
        x = np.fft.irfft(spectrum, _GRID)
        limit = _CLIP * float(np.sqrt(np.mean(x**2)))
        phases = np.angle(np.fft.rfft(np.clip(x, -limit, limit))[lines])
    kept: Signal = phases
    return kept


def probe(rate_hz: int, top_hz: float) -> Signal:
    """Return the probe, a peak of 1, with raised-cosine fades; the same sound at every rate."""
    top = int(top_hz)
    spectrum = np.zeros(rate_hz // 2 + 1, dtype=np.complex128)
    spectrum[_LOWEST_HZ : top + 1] = np.exp(1j * _phases(top))
    # A line every Hz, so that a second is one period.
    x = np.fft.irfft(spectrum, rate_hz)
    x *= fades(rate_hz, rate_hz)
    peaked: Signal = x / np.abs(x).max()
    return peaked


def tone(frequency_hz: float, seconds: float, rate_hz: int) -> Signal:
    """Return a sine at an amplitude of 1 with raised-cosine fades."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    faded: Signal = np.sin(2 * np.pi * frequency_hz * t) * fades(len(t), rate_hz)
    return faded


def fades(length: int, rate_hz: int) -> Signal:
    """Return a gain that rises at the start and falls at the end, `FADE_S` each, without a corner."""
    fade = max(1, min(length // 2, round(FADE_S * rate_hz)))
    n = np.arange(length)
    from_ends = np.minimum(np.minimum(n, n[::-1]) / fade, 1.0)
    gain: Signal = 0.5 - 0.5 * np.cos(np.pi * from_ends)
    return gain


def find(x: Signal, rate_hz: int, top_hz: float, expected_at: int) -> Arrival | None:
    """Look for the probe in `x`, from just before frame `expected_at` until `LONGEST_S` later.

    None where `x` is silent or too short.
    """
    sent = probe(rate_hz, top_hz)
    first = max(0, expected_at + round(_EARLIEST_S * rate_hz))
    last = min(len(x) - len(sent), expected_at + round(LONGEST_S * rate_hz))
    own = round((_BEFORE_S + _AFTER_S) * rate_hz)
    if last - first < 2 * own or not x.any():
        return None
    # As far as the probe and its room can reach, and no further: the test tone that comes after is not looked at.
    looked_at = x[first : last + len(sent)]
    size = 1 << (len(looked_at) + len(sent) - 1).bit_length()
    reference = np.fft.rfft(sent, size)
    power = np.abs(reference) ** 2
    band = _band(np.fft.rfftfreq(size, 1 / rate_hz), top_hz)
    response = (
        np.fft.rfft(looked_at - looked_at.mean(), size) * np.conj(reference) / (power + 1e-3 * power.max()) * band
    )
    # Of the positive frequencies only: its magnitude is the envelope, which has one peak for one arrival.
    analytic = np.fft.ifft(np.concatenate((2 * response, np.zeros(size - len(response)))))[: last - first]
    envelope = np.abs(analytic)
    strongest = int(np.argmax(envelope))
    room = slice(max(0, strongest - round(_BEFORE_S * rate_hz)), strongest + round(_AFTER_S * rate_hz))
    beside = np.concatenate((envelope[: room.start], envelope[room.stop :]))
    if not envelope[strongest] or not beside.any():
        return None
    noise = float(np.mean(beside**2))
    near = round(_CORE_S * rate_hz)
    core = slice(max(0, strongest - near), strongest + near + 1)
    # With its room, or where the noise of so long a stretch hides that, at least the arrival itself.
    energy = max(float(np.sum(envelope[part] ** 2)) - noise * len(envelope[part]) for part in (room, core))
    # One arrival without loss has this energy.
    whole = float(np.sum(np.abs(2 * power / (power + 1e-3 * power.max()) * band) ** 2)) / size
    return Arrival(
        at=first + _direct(envelope, strongest, rate_hz),
        peak_to_sidelobe_db=20 * float(np.log10(envelope[strongest] / beside.max())),
        level_dbfs=power_dbfs(energy / whole * float(np.mean(sent**2))) if energy > 0 else None,
    )


def _band(frequency_hz: npt.NDArray[np.floating[Any]], top_hz: float) -> Signal:
    width = _EDGE * (top_hz - _LOWEST_HZ)
    inside = np.minimum(frequency_hz - _LOWEST_HZ, top_hz - frequency_hz)
    gain: Signal = 0.5 - 0.5 * np.cos(np.pi * np.clip(inside / width, 0, 1))
    return gain


def _direct(envelope: Signal, strongest: int, rate_hz: int) -> float:
    """Return where the sound first came, to a part of a frame."""
    start = max(1, strongest - round(_DIRECT_S * rate_hz))
    candidates = range(start, strongest)
    enough = _DIRECT * envelope[strongest]
    at = next(
        (n for n in candidates if envelope[n] >= enough and envelope[n - 1] < envelope[n] >= envelope[n + 1]), strongest
    )
    if not 0 < at < len(envelope) - 1:
        return float(at)
    before, here, after = envelope[at - 1 : at + 2]
    curve = before - 2 * here + after
    return at + (0.5 * float((before - after) / curve) if curve else 0.0)


class Clock(NamedTuple):
    """When frame 0 of a stream passed, or would have, at an even pace."""

    start_s: float
    scatter_s: float
    """Half of the middle half of what single blocks say: how unevenly they pass."""


def clock(blocks: Blocks, rate_hz: int, first: float, last: float) -> Clock | None:
    """Return the clock of a stream by its blocks that begin from frame `first` to `last`; None without any.

    The mean over frames, not blocks: PortAudio cuts one period in two where its buffer ends, and sound servers pass
    several periods at once. The outermost twentieths are left out: a callback that was held up is none of the device.
    """
    if len(blocks) < 2:
        return None
    passed, frames = (np.array(column, dtype=np.float64) for column in zip(*blocks, strict=True))
    lengths = np.diff(frames)
    starts = passed[:-1] - (frames[:-1] + lengths / 2) / rate_hz
    chosen = (frames[:-1] >= first) & (frames[:-1] <= last) & (lengths > 0)
    if not chosen.any():
        return None
    order = np.argsort(starts[chosen])
    starts, lengths = starts[chosen][order], lengths[chosen][order]
    upto = np.cumsum(lengths) / lengths.sum()
    weights = np.diff(np.clip(np.concatenate(([0.0], upto)), _TRIM, 1 - _TRIM))
    low, high = starts[np.searchsorted(upto, (0.25, 0.75))]
    return Clock(float(np.average(starts, weights=weights)), float(high - low) / 2)


def find_tone(x: Signal, rate_hz: int, frequency_hz: float) -> Tone | None:
    """Look for the test tone anywhere in `x`; measured is what lies well inside its fades."""
    found = _meter(x, rate_hz, frequency_hz)
    if found is None:
        return None
    inside = _steady(x, rate_hz, found.frequency_hz)
    if inside.stop - inside.start < round(_TONE_BLOCK_S * rate_hz):
        return found
    return _meter(x[inside], rate_hz, frequency_hz) or found


def _meter(x: Signal, rate_hz: int, frequency_hz: float) -> Tone | None:
    meter = ToneMeter(rate_hz, frequency_hz)
    length = round(_TONE_BLOCK_S * rate_hz)
    for start in range(0, len(x) - length + 1, length):
        meter.add(x[start : start + length] - x[start : start + length].mean())
    return meter.result()


def _steady(x: Signal, rate_hz: int, frequency_hz: float) -> slice:
    """Return the longest stretch in which the line of the tone keeps its level, without its first and last frames."""
    frame = frame_length(rate_hz)
    count = len(x) // frame
    turn = np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(count * frame))
    line = np.abs((x[: count * frame] * turn).reshape(count, frame).mean(axis=1))
    # The tone lasts 1.5 s at least, so that a second's worth of frames is of it.
    usual = float(np.median(np.sort(line)[-round(1 / FRAME_S) :]))
    edges = np.flatnonzero(np.diff(np.pad((line > 0.7 * usual).astype(np.int8), 1)))
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    trim = _TRIM_FRAMES
    return slice(int(begins[longest] + trim) * frame, max(0, int(ends[longest] - trim)) * frame)


def level_dbfs(x: Signal) -> float | None:
    """Return the plain RMS without DC; None of nothing."""
    return power_dbfs(float(np.var(x))) if len(x) else None
