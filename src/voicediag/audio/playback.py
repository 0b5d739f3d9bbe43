"""Plays a tone on an output while something else listens. What goes wrong is reported; nothing hangs."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from voicediag.audio.blocks import Samples
from voicediag.audio.portaudio import portaudio
from voicediag.audio.server import Route, route
from voicediag.audio.streams import NotOpened, Wanted, opened
from voicediag.model.results.audio import Device, StreamFailure

LEVEL_DBFS = -12.0
"""Plain RMS: a sine with an amplitude of 0.355."""
FADE_S = 0.02
STALL_S = 1.0


class Playback:
    """How the playing went; complete when its context has ended."""

    def __init__(self) -> None:
        self.failure: StreamFailure | None = None
        self.detail: str | None = None
        self.underflows = 0


class _Tone:
    """Makes the tone block by block. It fades in, and out once `ending` is set; then it is silent."""

    def __init__(self, frequency_hz: float, level_dbfs: float, rate_hz: int) -> None:
        self._turn = 2 * math.pi * frequency_hz / rate_hz
        self._amplitude = math.sqrt(2) * 10 ** (level_dbfs / 20)
        self._fade = max(1, round(FADE_S * rate_hz))
        self._at = 0
        self._ends_at: int | None = None
        self.ending = False
        self.underflows = 0
        self.last_at: float | None = None

    @property
    def is_over(self) -> bool:
        return self._ends_at is not None and self._at >= self._ends_at

    def callback(self, block: Samples, frames: int, _time: Any, flags: Any) -> None:
        self.last_at = time.monotonic()
        self.underflows += bool(flags.output_underflow)
        block[:] = self.next(frames)[:, None]

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


@contextlib.contextmanager
def playing_tone(
    device: Device, frequency_hz: float, playback: Playback, rate_hz: int | None = None, level_dbfs: float = LEVEL_DBFS
) -> Iterator[None]:
    """Play a tone on all channels (at most two) of `device` until the context ends; `playback` tells how it went."""
    rate = rate_hz or round(device.default_rate_hz)
    channels = min(2, device.outputs)
    tone = _Tone(frequency_hz, level_dbfs, rate)
    with contextlib.ExitStack() as stack:
        sounddevice = stack.enter_context(portaudio())
        wanted = Wanted(device.index, device.name, device.host_api, rate, channels, device.outputs)
        try:
            # A fresh list would kill the stream that listens: the old one has to do.
            stream = stack.enter_context(
                opened(sounddevice, sounddevice.OutputStream, wanted, lambda: device.index, tone.callback)
            )
        except NotOpened as refused:
            playback.failure, playback.detail = refused.failure, refused.detail
            yield
            return
        begun = time.monotonic()
        origin = route("output")
        try:
            yield
        finally:
            _judge_end(stream, tone, begun, origin, playback)


def _judge_end(stream: Any, tone: _Tone, begun: float, origin: Route | None, playback: Playback) -> None:
    playback.underflows = tone.underflows
    silent_s = time.monotonic() - (tone.last_at or begun)
    if not stream.active:
        playback.failure, playback.detail = (
            "lost",
            "the stream ended by itself: the device or the sound server went away",
        )
    elif silent_s > STALL_S:
        playback.failure = "stalled"
        playback.detail = f"the device took no sound for the last {silent_s:.1f} s"
    else:
        _fade_out(stream, tone)
        now_at = route("output") if origin is not None else None
        moved = origin.moved_to(now_at) if origin is not None and now_at is not None else None
        if moved is not None:
            playback.failure, playback.detail = "lost", moved


def _fade_out(stream: Any, tone: _Tone) -> None:
    tone.ending = True
    deadline = time.monotonic() + 0.5
    while not tone.is_over and stream.active and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(min(0.2, float(stream.latency)))  # what was handed over is still on its way
