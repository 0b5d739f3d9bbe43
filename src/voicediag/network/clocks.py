"""Both clocks read together, and when a packet came.

Kernel stamps are wall-clock and the wall clock may step. So both clocks are read at sending and at receiving; where
their difference has changed in between, the stamp is not used for that packet.
"""

from __future__ import annotations

import time
from typing import NamedTuple

STEP_NS = 2_000_000
"""A jump of the difference of the clocks from which on it counts as a step: the largest slew that NTP gives a clock
(500 ppm) moves it by 1 ms in the 2 s that an answer may take."""

# Two reads further apart than this were interrupted, so that their difference tells nothing.
_CLOSE_NS = 20_000
_TRIES = 4


class Reading(NamedTuple):
    """One moment on both clocks."""

    monotonic_ns: int
    wall_ns: int

    @property
    def offset_ns(self) -> int:
        """Wall minus monotonic."""
        return self.wall_ns - self.monotonic_ns


class Arrival(NamedTuple):
    """When a packet came."""

    at_ns: int
    """On the monotonic clock."""
    step_ns: int
    """How far the clocks moved against each other since the packet was sent; 0 where that is below `STEP_NS`."""


def read() -> Reading:
    """Read both clocks as one moment: again where the thread was interrupted between them."""
    for _ in range(_TRIES):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < _CLOSE_NS:
            break
    return Reading((before + after) // 2, wall)


def arrival(stamp_ns: int | None, now: Reading, sent_ns: int, sent_offset_ns: int) -> Arrival:
    """Return when a packet came that was read at `now`, in answer to one sent at `sent_ns` (monotonic).

    `stamp_ns` is the kernel's, on the wall clock; None where there is none. A stamp that a step of the clock has made
    useless, or that lies before the sending or after the reading, gives way to `now`.
    """
    drift = now.offset_ns - sent_offset_ns
    step = drift if abs(drift) >= STEP_NS else 0
    if stamp_ns is None or step:
        return Arrival(now.monotonic_ns, step)
    at = stamp_ns - now.offset_ns
    return Arrival(at if sent_ns <= at <= now.monotonic_ns + _CLOSE_NS else now.monotonic_ns, 0)
