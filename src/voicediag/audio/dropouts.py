"""Gaps that no voice makes: sound cut off and back again, each within two milliseconds.

A gap in the digital path takes the noise of the room with it, and so falls below the quietest of the recording; a stop
consonant does not. Where the recording's own pauses are digital zero too, or the noise came later, the edges alone must
tell, and they must be sharper.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicediag.audio.blocks import Signal

_SHORTEST_MS, _LONGEST_MS = 10, 1000
_BESIDE_MS = 10
"""How long before and after a gap the sound is looked at."""
_EDGE_MS = 2
_ROOM = 10 ** (-42 / 20)
"""What is so far under the loudest second so far may be a gap."""
_DEPTH = 10 ** (-36 / 20)
"""How far a gap lies under the sound beside it."""
_ACTIVE = 10 ** (-18 / 20)
"""Both sides of a gap have this share of the loudest second: it is inside active sound."""
_SOFTEST = 10 ** (-55 / 20)
"""Softer sound than this is not active."""
_ABRUPT = 10 ** (-16 / 20)
"""At its edges the sound still has this share of what it has beside the gap."""
_CUT = 10 ** (-6 / 20)
"""The same where the edges alone tell: voices have died away further by then."""
_NOTHING = 2.0**-16
"""Half a step of 16 bits: one value, over and over."""
_BELOW_NOISE_DB = 6.0
_NOISE_PERCENTILE = 0.10
_BOTTOM_DB = -110
_FORGET = 0.9
_GATED = 0.02
"""Where the sound is digitally silent for this share of the time outside of gaps, its own pauses are."""


class DropoutMeter:
    """Counts gaps in one channel, from the span between the extremes of each millisecond, in constant memory.

    A span and not a level: a converter that repeats its last value is silent too.
    """

    def __init__(self, rate_hz: int, frame: int) -> None:
        self._step = max(step for step in range(1, frame + 1) if frame % step == 0 and step <= max(1, rate_hz / 1000))
        self._ms = 1000 * self._step / rate_hz
        self._spans = np.zeros(0)
        self._done = 0
        """Gaps that end before this index into the spans are counted."""
        self._loudest = 0.0
        self._heard = np.zeros(-_BOTTOM_DB + 1, dtype=np.int64)
        """How often each span in dB, gaps and what may be gaps left out."""
        self._cut = 0
        self._cells_seen = 0
        self._cells_of_nothing = 0
        self._cells_in_gaps = 0
        self._suspects = np.zeros(-_BOTTOM_DB + 1, dtype=np.int64)
        """Gaps that their edges alone do not prove, by the largest span inside in dB."""

    def add(self, x: Signal) -> None:
        """Take the next samples; every block but the last holds whole frames of 20 ms."""
        whole = len(x) - len(x) % self._step
        if not whole:
            return
        starts = np.arange(0, whole, self._step)
        spans = (np.maximum.reduceat(x[:whole], starts) - np.minimum.reduceat(x[:whole], starts)) / 2
        self._cells_seen += len(spans)
        self._cells_of_nothing += int(np.count_nonzero(spans <= _NOTHING))
        self._heard += np.bincount(_places(spans), minlength=len(self._heard))
        self._loudest = max(self._loudest * _FORGET, float(np.sqrt(np.mean(np.square(spans)))))
        self._spans = np.concatenate((self._spans, spans))
        self._look(len(self._spans) - self._cells(_BESIDE_MS))
        drop = max(0, len(self._spans) - self._cells(_LONGEST_MS + 3 * _BESIDE_MS))
        self._spans = self._spans[drop:]
        self._done = max(0, self._done - drop)

    def _cells(self, ms: float) -> int:
        return max(1, round(ms / self._ms))

    def _look(self, end: int) -> None:
        """Look at what may be gaps that end between where the last call left off and `end`."""
        beside = self._cells(_BESIDE_MS)
        quiet: npt.NDArray[np.bool_] = self._spans <= max(_SOFTEST * _DEPTH, self._loudest * _ROOM)
        change = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
        starts, stops = change[::2], change[1::2]
        # A cell at each edge can hold some of the sound.
        length_ms = (stops - starts) * self._ms
        asked = (stops > self._done) & (stops <= end) & (starts >= beside)
        asked &= (length_ms >= _SHORTEST_MS - 2 * self._ms) & (length_ms <= _LONGEST_MS)
        for start, stop in zip(starts[asked].tolist(), stops[asked].tolist(), strict=True):
            self._judge(start, stop, beside)
        self._done = max(self._done, end)

    def _judge(self, start: int, stop: int, beside: int) -> None:
        edge = self._cells(_EDGE_MS)
        before, after = self._spans[start - beside : start], self._spans[stop : stop + beside]
        sides = (float(before.max()), float(after.max()))
        sharpness = min(float(before[-edge:].max()) / sides[0], float(after[:edge].max()) / sides[1])
        inside = self._spans[start + 1 : stop - 1]
        deepest = float(inside.max(initial=0.0))
        is_active = min(sides) >= max(_SOFTEST, self._loudest * _ACTIVE)
        if not is_active or deepest > max(sides) * _DEPTH or sharpness < _ABRUPT:
            return
        self._heard -= np.bincount(_places(self._spans[start:stop]), minlength=len(self._heard))
        self._cells_in_gaps += stop - start
        if sharpness >= _CUT and deepest <= _NOTHING:
            self._cut += 1
        else:
            self._suspects[_places(np.array([deepest]))[0]] += 1

    def result(self) -> int | None:
        """Return how many gaps there were; None where there was no sound to have any."""
        heard = np.cumsum(np.maximum(self._heard, 0))
        if not self._loudest or not heard[-1]:
            return None
        # A noise gate, or a voice made by a program, falls as silent and as sharply between two sounds as a gap does.
        is_gated = self._cells_of_nothing - self._cells_in_gaps >= _GATED * self._cells_seen
        noise = int(np.searchsorted(heard, _NOISE_PERCENTILE * heard[-1]))
        return (0 if is_gated else self._cut) + int(self._suspects[: max(0, noise - round(_BELOW_NOISE_DB))].sum())


def _places(spans: Signal) -> npt.NDArray[np.int64]:
    level = np.clip(20 * np.log10(np.maximum(spans, 1e-9)), _BOTTOM_DB, 0)
    places: npt.NDArray[np.int64] = np.rint(level - _BOTTOM_DB).astype(np.int64)
    return places
