"""What an impaired path does to packets: chosen in advance, drawn from a seed, the same every run.

The fate of the n-th packet of a direction depends on the seed, the direction and n alone.
"""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import Literal

from msgspec import Struct

Distribution = Literal["uniform", "normal", "exponential"]
Drop = Literal["loss", "burst", "blackout", "closed"]
"""Why a packet was dropped; the last one was still held when the relay was closed."""

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


class Faults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The faults of one direction. The default is a perfect path."""

    delay_ms: float = 0.0
    """Added to every packet."""
    jitter_ms: float = 0.0
    """Scale of what is added to that, never less than 0: the upper end of a uniform distribution, the standard
    deviation of a normal one (its absolute value is taken), the mean of an exponential one."""
    jitter: Distribution = "uniform"
    loss_ratio: float = 0.0
    """Probability of each packet to be dropped by itself."""
    burst_ratio: float = 0.0
    """Probability of each packet to begin a burst."""
    burst_length: int = 5
    """Packets that a burst drops."""
    duplicate_ratio: float = 0.0
    """Probability of each packet to be sent twice."""
    reorder_ratio: float = 0.0
    """Probability of each packet to be held back by `reorder_ms` while others overtake it."""
    reorder_ms: float = 50.0
    keeps_order: bool = True
    """A queue: a packet leaves no earlier than the one before it, unless it or that one was held back to reorder."""
    blackout_s: tuple[tuple[float, float], ...] = ()
    """Spans (from, to) in which everything is dropped, in seconds after the first packet of either direction."""

    def __post_init__(self) -> None:
        for name in ("loss_ratio", "burst_ratio", "duplicate_ratio", "reorder_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1")
        if min(self.delay_ms, self.jitter_ms, self.reorder_ms) < 0 or self.burst_length < 1:
            raise ValueError("delays must not be negative, and a burst drops at least one packet")


class Fate(Struct, frozen=True):
    """What becomes of one packet."""

    dropped: Drop | None
    depart_ns: tuple[int, ...]
    """When each copy leaves; empty for a dropped one."""


class Direction:
    """Decides the fate of one direction's packets, in the order of their arrival."""

    def __init__(self, faults: Faults, seed: int, name: str) -> None:
        self._faults = faults
        self._random = random.Random(f"{seed} {name}")  # noqa: S311 - repeatable faults, no secret
        self._burst_left = 0
        self._last_departure_ns = 0

    def fate(self, arrived_ns: int, since_start_ns: int) -> Fate:
        """Return the fate of the next packet, which came at `arrived_ns`, `since_start_ns` after the run's first."""
        faults = self._faults
        # Always as many draws a packet, so that one packet's fate does not move the next one's.
        lost, burst, twice, held, shape = (self._random.random() for _ in range(5))
        late_ns = round(self._jitter_ms(shape) * _NS_PER_MS)
        if self._burst_left == 0 and burst < faults.burst_ratio:
            self._burst_left = faults.burst_length
        if self._burst_left > 0:
            self._burst_left -= 1
            return Fate("burst", ())
        if lost < faults.loss_ratio:
            return Fate("loss", ())
        if any(start <= since_start_ns / _NS_PER_S < end for start, end in faults.blackout_s):
            return Fate("blackout", ())
        depart = arrived_ns + round(faults.delay_ms * _NS_PER_MS) + late_ns
        if held < faults.reorder_ratio:
            depart += round(faults.reorder_ms * _NS_PER_MS)
        elif faults.keeps_order:
            depart = self._last_departure_ns = max(depart, self._last_departure_ns)
        return Fate(None, (depart, depart) if twice < faults.duplicate_ratio else (depart,))

    def _jitter_ms(self, shape: float) -> float:
        scale = self._faults.jitter_ms
        if scale == 0:
            return 0.0
        match self._faults.jitter:
            case "uniform":
                return scale * shape
            case "exponential":
                return -scale * math.log1p(-shape)
            case "normal":
                return scale * NormalDist().inv_cdf((1 + shape) / 2)
