"""Plays on an output, alone or while something else listens. What goes wrong is reported; nothing hangs."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from voicediag.audio.blocks import Samples, Signal
from voicediag.audio.portaudio import portaudio
from voicediag.audio.server import Route, route
from voicediag.audio.streams import NotOpened, Wanted, opened
from voicediag.model.control import Control, PlayProgress
from voicediag.model.request import Side
from voicediag.model.results.audio import Device, StreamFailure

LEVEL_DBFS = -12.0
"""Plain RMS: a sine with an amplitude of 0.355."""
FADE_S = 0.02
STALL_S = 1.0
FIRST_BLOCK_S = 5.0
"""How long the first block may take: a headset that changes its Bluetooth profile needs 2 to 3 s."""
_LOOK_S = 0.05
_MOST_BLOCKS = 20_000
_CHANNELS: dict[Side, slice] = {"both": slice(None), "left": slice(0, 1), "right": slice(1, 2)}


class Playback:
    """How the playing went; complete when its context has ended."""

    def __init__(self) -> None:
        self.failure: StreamFailure | None = None
        self.detail: str | None = None
        self.underflows = 0
        self.muted: bool | None = None
        """What the sound server says of the output; None where there is none to ask."""


class Sound:
    """What a stream's callback asks for its samples. It counts and takes the time besides, no more."""

    def __init__(self) -> None:
        self.ending = False
        """Set to fade out now."""
        self.underflows = 0
        self.last_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing but silence follows."""
        raise NotImplementedError

    def next(self, frames: int) -> Samples:
        """Return the next samples, [frames]."""
        raise NotImplementedError

    def callback(self, block: Samples, frames: int, _time: Any, flags: Any) -> None:
        """Fill PortAudio's block."""
        self.last_at = time.monotonic()
        self.underflows += bool(flags.output_underflow)
        self.fill(block, self.next(frames))

    def fill(self, block: Samples, samples: Samples) -> None:
        """Put the samples on the channels."""
        block[:] = samples[:, None]


class _Tone(Sound):
    """Makes the tone block by block. It fades in, and out once `ending` is set; then it is silent."""

    def __init__(self, frequency_hz: float, level_dbfs: float, rate_hz: int) -> None:
        super().__init__()
        self._turn = 2 * math.pi * frequency_hz / rate_hz
        self._amplitude = math.sqrt(2) * 10 ** (level_dbfs / 20)
        self._fade = max(1, round(FADE_S * rate_hz))
        self._at = 0
        self._ends_at: int | None = None

    @property
    def is_over(self) -> bool:
        return self._ends_at is not None and self._at >= self._ends_at

    def next(self, frames: int) -> Samples:
        """Return the next samples. Raised-cosine fades, so that neither end clicks."""
        n = self._at + np.arange(frames)
        if self.ending and self._ends_at is None:
            self._ends_at = self._at + self._fade
        level = 0.5 - 0.5 * np.cos(np.pi * np.minimum(1.0, n / self._fade))
        if self._ends_at is not None:
            left = np.clip((self._ends_at - n) / self._fade, 0.0, 1.0)
            level = level * (0.5 - 0.5 * np.cos(np.pi * left))
        self._at += frames
        tone: Samples = (self._amplitude * level * np.sin(self._turn * n)).astype(np.float32)
        return tone


class Prepared(Sound):
    """A signal made beforehand: silence until `begin()`, then all of it, then silence again."""

    def __init__(self, samples: Signal, rate_hz: int, side: Side = "both") -> None:
        super().__init__()
        self._samples = samples.astype(np.float32)
        self._fade = max(1, round(FADE_S * rate_hz))
        self._side = side
        self._begun = threading.Event()
        self._at = 0
        self._total = self._ends_at = len(samples)
        self.blocks: list[tuple[float, int]] = []
        """When each block was handed over once it had begun, and the number of its first frame."""

    @property
    def is_over(self) -> bool:
        """Tell whether all of it was handed over, or never will be."""
        return self._at >= self._ends_at or (self.ending and not self._begun.is_set())

    @property
    def total(self) -> int:
        """How many frames the signal has."""
        return self._total

    @property
    def played(self) -> int:
        """How many frames of the signal were handed over."""
        return min(self._at, self._ends_at)

    def begin(self) -> None:
        """Play from the next block on."""
        self._begun.set()

    def next(self, frames: int) -> Samples:
        """Return the next samples."""
        out: Samples = np.zeros(frames, dtype=np.float32)
        if not self._begun.is_set():
            return out
        if self.ending and self._ends_at > self._at + self._fade:
            self._ends_at = self._at + self._fade
            fall = (0.5 + 0.5 * np.cos(np.pi * np.arange(self._fade) / self._fade)).astype(np.float32)
            self._samples = self._samples[: self._ends_at].copy()
            self._samples[self._at :] *= fall
        if len(self.blocks) < _MOST_BLOCKS and self.last_at is not None:
            self.blocks.append((self.last_at, self._at))
        part = self._samples[self._at : min(self._at + frames, self._ends_at)]
        out[: len(part)] = part
        self._at += frames
        return out

    def fill(self, block: Samples, samples: Samples) -> None:
        """Put the samples on the side that was asked for."""
        block[:] = 0
        block[:, _CHANNELS[self._side]] = samples[:, None]


def playing_tone(
    device: Device, frequency_hz: float, playback: Playback, rate_hz: int | None = None, level_dbfs: float = LEVEL_DBFS
) -> AbstractContextManager[Any]:
    """Play a tone on all channels (at most two) of `device` until the context ends; `playback` tells how it went."""
    rate = rate_hz or round(device.default_rate_hz)
    return playing(device, _Tone(frequency_hz, level_dbfs, rate), playback, rate)


@contextlib.contextmanager
def playing(device: Device, sound: Sound, playback: Playback, rate_hz: int) -> Iterator[Any]:
    """Play `sound` on at most two channels of `device` until the context ends; `playback` tells how it went.

    Yields the stream, None where it did not open.
    """
    with contextlib.ExitStack() as stack:
        sounddevice = stack.enter_context(portaudio())
        wanted = Wanted(device.index, device.name, device.host_api, rate_hz, min(2, device.outputs), device.outputs)
        try:
            # A fresh list would kill the stream that listens: the old one has to do.
            stream = stack.enter_context(
                opened(sounddevice, sounddevice.OutputStream, wanted, lambda: device.index, sound.callback)
            )
        except NotOpened as refused:
            playback.failure, playback.detail = refused.failure, refused.detail
            yield None
            return
        begun = time.monotonic()
        origin = route("output")
        playback.muted = None if origin is None else origin.muted
        try:
            yield stream
        finally:
            _judge_end(stream, sound, begun, origin, playback)


def play(device: Device, sound: Prepared, rate_hz: int, duration_s: float, control: Control) -> Playback:
    """Play a prepared sound with nobody listening, until it is over, `control.stop` is set, or the stream is dead."""
    playback = Playback()
    with playing(device, sound, playback, rate_hz) as stream:
        begun = time.monotonic()
        sound.begin()
        while stream is not None and stream.active and not sound.is_over:
            stopped = control.stop.wait(_LOOK_S)
            now = time.monotonic()
            control.tell(PlayProgress(min(sound.played / rate_hz, duration_s), duration_s))
            patience = STALL_S if sound.last_at is not None else FIRST_BLOCK_S
            if stopped or now - (sound.last_at or begun) > patience:
                break
    return playback


def _judge_end(stream: Any, sound: Sound, begun: float, origin: Route | None, playback: Playback) -> None:
    playback.underflows = sound.underflows
    silent_s = time.monotonic() - (sound.last_at or begun)
    if not stream.active:
        playback.failure, playback.detail = (
            "lost",
            "the stream ended by itself: the device or the sound server went away",
        )
    elif silent_s > STALL_S:
        playback.failure = "stalled"
        playback.detail = f"the device took no sound for the last {silent_s:.1f} s"
    else:
        _fade_out(stream, sound)
        now_at = route("output") if origin is not None else None
        moved = origin.moved_to(now_at) if origin is not None and now_at is not None else None
        if now_at is not None:
            playback.muted = now_at.muted
        if moved is not None:
            playback.failure, playback.detail = "lost", moved


def _fade_out(stream: Any, sound: Sound) -> None:
    sound.ending = True
    deadline = time.monotonic() + 0.5
    while not sound.is_over and stream.active and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(min(0.2, float(stream.latency)))  # what was handed over is still on its way
