"""Rows of probes and answers in, numbers out. No I/O, no clock.

Conventions: a row's times are nanoseconds of one monotonic clock, results are milliseconds or shares from 0 to 1.
Percentiles interpolate linearly between ranks (the definition that numpy and R call 7 or "linear").
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from voicediag.model.results.network import Interval, Ipdv, Jitter, RoundTrip, Series, Timer

NS_PER_MS = 1_000_000
BUFFER_MS = 60.0
"""The jitter buffer of a call: an answer further behind the fastest is of no use to it."""
MIN_ANSWERS = 20
"""Below this no jitter and no score: docs/path-measures.md."""

_FASTEST_WINDOW_NS = 2_000_000_000
_GMIN = 16  # RFC 3611 section 4.7.2, the recommended value
_MAX_POINTS = 3000
_Z95 = 1.959963984540054  # two-sided 95 % point of the normal distribution


class Rows(NamedTuple):
    """Everything that happened to one stream.

    The first two sequences hold one entry a probe in the order of sending, the last two one entry an answer, copies
    included, in the order of arrival.
    """

    due_ns: Sequence[int]
    sent_ns: Sequence[int]
    answer_to: Sequence[int]
    """The answered probe, as an index."""
    arrived_ns: Sequence[int]


def round_trips_ms(rows: Rows) -> list[float | None]:
    """Return the round trip of each probe, in the order of sending, by its first answer; None is a lost probe."""
    trips: list[float | None] = [None] * len(rows.sent_ns)
    for probe, arrived in zip(rows.answer_to, rows.arrived_ns, strict=True):
        if trips[probe] is None:
            trips[probe] = (arrived - rows.sent_ns[probe]) / NS_PER_MS
    return trips


def first_answers(rows: Rows) -> list[tuple[int, int]]:
    """Return (probe, arrival) of each first answer, in the order of arrival."""
    seen: set[int] = set()
    first: list[tuple[int, int]] = []
    for probe, arrived in zip(rows.answer_to, rows.arrived_ns, strict=True):
        if probe not in seen:
            seen.add(probe)
            first.append((probe, arrived))
    return first


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the sorted, non-empty `ordered` lies."""
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def round_trip(trips: Sequence[float]) -> RoundTrip | None:
    """Summarize round trips; None where there are none. `stddev` is that of the population."""
    if not trips:
        return None
    ordered = sorted(trips)
    mean = math.fsum(ordered) / len(ordered)
    return RoundTrip(
        min=ordered[0],
        median=percentile(ordered, 0.5),
        mean=mean,
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
        max=ordered[-1],
        stddev=math.sqrt(math.fsum((trip - mean) ** 2 for trip in ordered) / len(ordered)),
    )


def jitter(trips_by_arrival: Sequence[float]) -> Jitter | None:
    """RFC 3550 section 6.4.1 over round trips in order of arrival: J += (|D| - J) / 16, from 0.

    A round trip stands for a packet's transit, so that D is the difference of two of them. `mean` and `max` are over
    the estimates after each answer from the second on. None under two answers.
    """
    if len(trips_by_arrival) < 2:
        return None
    estimate = total = highest = 0.0
    for before, after in pairwise(trips_by_arrival):
        estimate += (abs(after - before) - estimate) / 16
        total += estimate
        highest = max(highest, estimate)
    return Jitter(final=estimate, mean=total / (len(trips_by_arrival) - 1), max=highest)


def ipdv(trips: Sequence[float | None]) -> Ipdv | None:
    """RFC 3393: absolute differences of successive probes that were both answered; None where there is no such pair."""
    steps = sorted(abs(after - before) for before, after in pairwise(trips) if before is not None and after is not None)
    if not steps:
        return None
    return Ipdv(mean=math.fsum(steps) / len(steps), p95=percentile(steps, 0.95), max=steps[-1])


def reordered(probes_by_arrival: Sequence[int]) -> int:
    """RFC 4737 section 3.3: the number of answers to a probe older than the newest already answered."""
    count, expected = 0, -1
    for probe in probes_by_arrival:
        if probe < expected:
            count += 1
        else:
            expected = probe + 1
    return count


def late(rows: Rows, buffer_ms: float = BUFFER_MS) -> list[bool]:
    """Tell of each probe whether its answer came, but more than `buffer_ms` behind the fastest of the last 2 s.

    The window is that of arrival: what a playout buffer knows when the packet comes.
    """
    flags = [False] * len(rows.sent_ns)
    fastest: deque[tuple[int, float]] = deque()  # arrival and round trip, both ascending
    for probe, arrived in first_answers(rows):
        trip = (arrived - rows.sent_ns[probe]) / NS_PER_MS
        while fastest and fastest[0][0] < arrived - _FASTEST_WINDOW_NS:
            fastest.popleft()
        while fastest and fastest[-1][1] >= trip:
            fastest.pop()
        fastest.append((arrived, trip))
        flags[probe] = trip > fastest[0][1] + buffer_ms
    return flags


def longest_run(gone: Sequence[bool]) -> int:
    """Return the length of the longest run of True."""
    longest = run = 0
    for flag in gone:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def burst_and_gap_density(gone: Sequence[bool], gmin: int = _GMIN) -> tuple[float, float] | None:
    """RFC 3611 section 4.7.2: the share of packets lost or discarded inside bursts, and in the gaps between them.

    A burst starts and ends with a lost or discarded packet and holds no `gmin` good packets in a row; a lone one is
    part of a gap. The stream counts as surrounded by good packets. 0 where a period does not occur; None where there
    are no packets.
    """
    if not gone:
        return None
    in_burst = burst_gone = 0
    gone_at = [index for index, flag in enumerate(gone) if flag]
    start = 0
    for position, index in enumerate(gone_at):
        is_last = position == len(gone_at) - 1
        if is_last or gone_at[position + 1] - index > gmin:
            size = position - start + 1
            if size > 1:
                burst_gone += size
                in_burst += index - gone_at[start] + 1
            start = position + 1
    in_gap = len(gone) - in_burst
    return (
        burst_gone / in_burst if in_burst else 0.0,
        (len(gone_at) - burst_gone) / in_gap if in_gap else 0.0,
    )


def worst_window_loss(
    due_ns: Sequence[int], lost: Sequence[bool], window_ms: float, interval_ms: float
) -> float | None:
    """Return the largest share lost among the probes due in any whole window; None where the run is shorter."""
    if not due_ns:
        return None
    window, end = round(window_ms * NS_PER_MS), due_ns[-1] + round(interval_ms * NS_PER_MS)
    worst: float | None = None
    stop = missing = 0
    for start, due in enumerate(due_ns):
        if due + window > end:
            break
        while stop < len(due_ns) and due_ns[stop] < due + window:
            missing += lost[stop]
            stop += 1
        worst = max(worst or 0.0, missing / (stop - start))
        missing -= lost[start]
    return worst


def wilson(hits: int, total: int) -> Interval | None:
    """Return the 95 % score interval of a share (Wilson 1927); None for a total of 0."""
    if total == 0:
        return None
    share, z2 = hits / total, _Z95 * _Z95
    center = share + z2 / (2 * total)
    half = _Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    low, high = (center - half) / (1 + z2 / total), (center + half) / (1 + z2 / total)
    # The ends are exact there; rounding must not push them past the share itself.
    return Interval(0.0 if hits == 0 else max(0.0, low), 1.0 if hits == total else min(1.0, high))


def timer(rows: Rows) -> Timer | None:
    """Return how late the probes left after they were due; None where none left."""
    delays = sorted(max(0, sent - due) / NS_PER_MS for due, sent in zip(rows.due_ns, rows.sent_ns, strict=True))
    if not delays:
        return None
    return Timer(late_median_ms=percentile(delays, 0.5), late_p99_ms=percentile(delays, 0.99), late_max_ms=delays[-1])


def series(rows: Rows, trips: Sequence[float | None], start_ns: int) -> Series | None:
    """Return one point a probe, every n-th of a run of more than 3,000; None where nothing was sent."""
    if not trips:
        return None
    step = math.ceil(len(trips) / _MAX_POINTS)
    return Series(
        t_ms=tuple(round((sent - start_ns) / NS_PER_MS, 3) for sent in rows.sent_ns[::step]),
        rtt_ms=tuple(None if trip is None else round(trip, 4) for trip in trips[::step]),
    )
