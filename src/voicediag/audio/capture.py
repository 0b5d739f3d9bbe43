"""Records from a PortAudio device. It ends by its deadline whatever the device, the driver or the sound server do."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from voicediag.audio.blocks import Samples, dbfs
from voicediag.audio.portaudio import portaudio, refresh
from voicediag.audio.server import Route, route
from voicediag.audio.streams import NotOpened, Wanted, opened
from voicediag.model.control import Control, LevelProgress
from voicediag.model.results.audio import Device, StreamFailure

FIRST_BLOCK_S = 5.0
"""How long the first block may take: a headset that changes its Bluetooth profile needs 2 to 3 s."""
STALL_S = 2.0
"""How long any later block may take; PulseAudio needs 1 to 1.6 s to move a stream to another source."""
_GAP_S = 0.5
"""A wait from which on the sound may have come from two devices."""
_LOOK_S = 0.05
_ASK_S = 0.5
_MOST_ARRIVALS = 20_000


@dataclass(frozen=True)
class Capture:
    """What was recorded. It is a `Recording`."""

    rate_hz: int
    samples: Samples
    """[frames, channels], only what was recorded."""
    overflows: int = 0
    overflow_ms: float = 0.0
    """How much sound is missing, by the clock; 0 where PortAudio reported no overflow."""
    first_block_ms: float | None = None
    """None where no block came."""
    longest_wait_ms: float | None = None
    muted: bool | None = None
    arrivals: tuple[tuple[float, int], ...] = ()
    """When each of the first blocks came, by the monotonic clock, and the number of its first frame."""
    failure: StreamFailure | None = None
    """None where all of it was recorded, or what there was until the user stopped it."""
    detail: str | None = None

    @property
    def channels(self) -> int:
        """How many channels were asked for."""
        return int(self.samples.shape[1])

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples, a second at a time."""
        for start in range(0, len(self.samples), self.rate_hz):
            yield self.samples[start : start + self.rate_hz]


class _State:
    """What the callback writes and the waiting thread reads. It copies, counts and takes the time, no more."""

    def __init__(self, frames: int, channels: int) -> None:
        self.samples: Samples = np.zeros((frames, channels), dtype=np.float32)
        self.have = 0
        self.overflows = 0
        self.blocks = 0
        self.arrivals: list[tuple[float, int]] = []
        self.first_at: float | None = None
        self.last_at = 0.0
        self.after_first = 0
        """Frames that came since the first block."""
        self.longest_wait_s = 0.0
        self.have_at_longest = 0

    def callback(self, block: Samples, _frames: int, _time: Any, flags: Any) -> None:
        now = time.monotonic()
        if self.first_at is None:
            self.first_at = now
        else:
            self.after_first += len(block)
            if now - self.last_at > self.longest_wait_s:
                self.longest_wait_s = now - self.last_at
                self.have_at_longest = self.have
        self.last_at = now
        if len(self.arrivals) < _MOST_ARRIVALS:
            self.arrivals.append((now, self.have))
        self.overflows += bool(flags.input_overflow)
        taken = min(len(block), len(self.samples) - self.have)
        self.samples[self.have : self.have + taken] = block[:taken]
        self.have += taken
        self.blocks += 1


class _End(NamedTuple):
    """How a recording ended."""

    frames: int
    """How many of the samples are the device's."""
    route: Route | None
    """Where the stream sat, None where no sound server tells."""
    failure: StreamFailure | None = None
    detail: str | None = None


def record(
    device: Device,
    rate_hz: int,
    channels: int,
    duration_s: float,
    control: Control,
    alongside: AbstractContextManager[Any] | None = None,
) -> Capture:
    """Record `duration_s` from `device`, or until `control.stop` is set.

    `alongside` is entered when the input is open and left before it is closed. Whatever goes wrong is in the result,
    with what was recorded until then. Raises `Unavailable` (`no-portaudio`).
    """
    state = _State(math.ceil(duration_s * rate_hz), channels)
    with portaudio() as sounddevice:
        wanted = Wanted(device.index, device.name, device.host_api, rate_hz, channels, device.inputs)
        begun = time.monotonic()
        try:
            stream = opened(
                sounddevice, sounddevice.InputStream, wanted, lambda: _find_again(sounddevice, device), state.callback
            )
            with stream as running, alongside or contextlib.nullcontext():
                ended = _wait(running, state, rate_hz, duration_s, control)
        except NotOpened as refused:
            return Capture(rate_hz, state.samples[:0], failure=refused.failure, detail=refused.detail)
    return Capture(
        rate_hz=rate_hz,
        samples=state.samples[: ended.frames],
        overflows=state.overflows,
        overflow_ms=_missing_ms(state, rate_hz) if state.overflows else 0.0,
        first_block_ms=None if state.first_at is None else 1000 * (state.first_at - begun),
        longest_wait_ms=1000 * state.longest_wait_s if state.blocks > 1 else None,
        muted=None if ended.route is None else ended.route.muted,
        arrivals=tuple(state.arrivals),
        failure=ended.failure,
        detail=ended.detail,
    )


def _find_again(sounddevice: Any, device: Device) -> int | None:
    """Return the device's index in a fresh list. No stream is open when this is asked."""
    refresh(sounddevice)
    for index, entry in enumerate(sounddevice.query_devices()):
        if entry["name"] == device.name and entry["max_input_channels"]:
            return index
    return None


def _wait(stream: Any, state: _State, rate_hz: int, duration_s: float, control: Control) -> _End:
    """Watch the stream until it has all, is stopped, or is found dead."""
    watch = _RouteWatch(state)
    shown = 0
    seen_blocks, seen_at = 0, time.monotonic()
    while True:
        stopped = control.stop.wait(_LOOK_S)
        now = time.monotonic()
        have = state.have
        if state.blocks != seen_blocks:
            seen_blocks, seen_at = state.blocks, now
        if have > shown:
            control.tell(_progress(state.samples[shown:have], have / rate_hz, duration_s))
            shown = have
        over = stopped or have >= len(state.samples)
        moved = watch.look(now, over)
        if moved is not None:
            return moved
        if over:
            return _End(have, watch.route)
        if not stream.active:
            return _End(
                have, watch.route, "lost", "the stream ended by itself: the device or the sound server went away"
            )
        patience = STALL_S if seen_blocks else FIRST_BLOCK_S
        if now - seen_at > patience:
            return _End(have, watch.route, "stalled", f"no sound for {now - seen_at:.1f} s, though the stream is open")


class _RouteWatch:
    """Asks the sound server whether the stream still sits on the source that it began with: nothing else would tell.

    Twice a second, after a gap, and at the end. Where it does not, only what came before the gap, or before the server
    last said so, is the device's.
    """

    def __init__(self, state: _State) -> None:
        self._state = state
        self.route: Route | None = None
        self._asked_at: float | None = None
        self._confirmed = 0
        self._gap_s = _GAP_S

    def look(self, now: float, is_last: bool) -> _End | None:
        """Return the end where the stream was moved, else None."""
        state = self._state
        if not state.blocks:
            return None
        is_due = self._asked_at is None or now - self._asked_at >= _ASK_S
        if not (is_due or is_last or state.longest_wait_s > self._gap_s):
            return None
        first = self._asked_at is None
        if not first and self.route is None:  # no server to ask
            return None
        self._asked_at = now
        self._gap_s = max(self._gap_s, state.longest_wait_s)
        have = state.have
        now_at = route("input")
        if now_at is None:
            return None
        moved = self.route.moved_to(now_at) if self.route is not None else None
        if moved is None:
            self.route = now_at
            self._confirmed = have
            return None
        gap_is_known = state.longest_wait_s > _GAP_S and state.have_at_longest >= self._confirmed
        return _End(state.have_at_longest if gap_is_known else self._confirmed, self.route, "lost", moved)


def _progress(block: Samples, elapsed_s: float, total_s: float) -> LevelProgress:
    x = np.nan_to_num(block.astype(np.float64), posinf=0, neginf=0)
    # The louder channel, as it will be the judged one.
    rms = float(np.sqrt(np.mean(x**2, axis=0)).max())
    return LevelProgress(min(elapsed_s, total_s), total_s, dbfs(rms), dbfs(float(np.abs(x).max())))


def _missing_ms(state: _State, rate_hz: int) -> float:
    """Return by how much the clock ran on more than the samples that came."""
    assert state.first_at is not None
    return max(0.0, 1000 * (state.last_at - state.first_at - state.after_first / rate_hz))
