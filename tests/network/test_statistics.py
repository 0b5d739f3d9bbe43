"""The numbers of a stream, against hand-made rows and against other implementations."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.model.results.network import Interval
from voicediag.network import statistics
from voicediag.network.statistics import NS_PER_MS, Rows

STEP = 20 * NS_PER_MS


def rows(*trips_ms: float | None, interval_ms: float = 20.0) -> Rows:
    """A stream whose probes left on time and were answered after `trips_ms`; None is lost."""
    sent = [round(index * interval_ms * NS_PER_MS) for index in range(len(trips_ms))]
    came = sorted(
        (sent[index] + round(trip * NS_PER_MS), index) for index, trip in enumerate(trips_ms) if trip is not None
    )
    return Rows(sent, sent, [index for _, index in came], [at for at, _ in came])


def test_round_trips_are_in_the_order_of_sending() -> None:
    assert statistics.round_trips_ms(rows(100.0, None, 10.0)) == [100.0, None, 10.0]


def test_a_copy_does_not_count_as_an_answer() -> None:
    copied = Rows([0, STEP], [0, STEP], [0, 0, 1, 0], [5_000_000, 6_000_000, 30_000_000, 40_000_000])
    assert statistics.round_trips_ms(copied) == [5.0, 10.0]
    assert statistics.first_answers(copied) == [(0, 5_000_000), (1, 30_000_000)]


@given(st.lists(st.floats(0.01, 5000), min_size=1, max_size=200))
def test_the_summary_agrees_with_numpy(trips: list[float]) -> None:
    summary = statistics.round_trip(trips)
    assert summary is not None
    expected = np.percentile(trips, [0, 50, 95, 99, 100])
    found = [summary.min, summary.median, summary.p95, summary.p99, summary.max]
    assert found == pytest.approx(list(expected))
    assert summary.mean == pytest.approx(float(np.mean(trips)))
    assert summary.stddev == pytest.approx(float(np.std(trips)), abs=1e-6)


def test_no_answers_have_no_numbers() -> None:
    assert statistics.round_trip([]) is None
    assert statistics.jitter([5.0]) is None
    assert statistics.ipdv([5.0, None, 5.0]) is None
    assert statistics.wilson(0, 0) is None
    assert statistics.burst_and_gap_density([]) is None
    assert statistics.timer(rows()) is None
    assert statistics.series(rows(), [], 0) is None


def rfc3550_integer_jitter(transits: list[int]) -> list[float]:
    """RFC 3550 appendix A.8, the integer form with its factor of 16, as real-time programs write it."""
    scaled, estimates = 0, []
    for before, after in pairwise(transits):
        scaled += abs(after - before) - ((scaled + 8) >> 4)
        estimates.append(scaled / 16)
    return estimates


def test_jitter_agrees_with_the_integer_form_of_the_rfc() -> None:
    random_ = random.Random(1)
    transits = [random_.randrange(20_000_000, 60_000_000) for _ in range(500)]
    estimates = rfc3550_integer_jitter(transits)
    found = statistics.jitter([transit / NS_PER_MS for transit in transits])
    assert found is not None
    assert found.final == pytest.approx(estimates[-1] / NS_PER_MS, rel=1e-5)
    assert found.mean == pytest.approx(sum(estimates) / len(estimates) / NS_PER_MS, rel=1e-5)
    assert found.max == pytest.approx(max(estimates) / NS_PER_MS, rel=1e-5)


def test_jitter_of_an_alternating_path_tends_to_the_step() -> None:
    found = statistics.jitter([10.0, 18.0] * 200)
    assert found is not None
    assert found.final == pytest.approx(8.0)
    assert found.max <= 8.0


def test_ipdv_skips_pairs_with_a_lost_probe() -> None:
    found = statistics.ipdv([10.0, 13.0, None, 50.0, 49.0])
    assert found is not None
    assert (found.mean, found.max) == (2.0, 3.0)


@pytest.mark.parametrize(
    ("order", "count"),
    [
        ([0, 1, 2, 3], 0),
        ([0, 2, 1, 3], 1),
        ([3, 0, 1, 2], 3),
        ([0, 1, 4, 2, 3, 5], 2),  # RFC 4737's own kind of example: one early packet makes the overtaken ones late
        ([5], 0),
        ([], 0),
    ],
)
def test_reordering_by_rfc_4737(order: list[int], count: int) -> None:
    assert statistics.reordered(order) == count


@given(st.lists(st.integers(0, 50), unique=True))
def test_reordering_agrees_with_its_plain_definition(order: list[int]) -> None:
    plain = sum(any(earlier > probe for earlier in order[:place]) for place, probe in enumerate(order))
    assert statistics.reordered(order) == plain


def test_late_is_behind_the_fastest_by_more_than_the_buffer() -> None:
    assert statistics.late(rows(10.0, 70.0, 70.1, None, 10.0)) == [False, False, True, False, False]


def test_late_forgets_the_fastest_after_two_seconds() -> None:
    # A route that becomes slower for good: the buffer follows.
    flags = statistics.late(rows(*([10.0] * 50 + [100.0] * 150)))
    assert not any(flags[:50])
    assert flags[50]
    assert not any(flags[160:])


@given(st.lists(st.one_of(st.none(), st.floats(0.1, 400)), max_size=150))
def test_late_agrees_with_its_plain_definition(trips: list[float | None]) -> None:
    stream = rows(*trips)
    first = statistics.first_answers(stream)
    plain = [False] * len(trips)
    for place, (probe, arrived) in enumerate(first):
        window = [
            (at - stream.sent_ns[other]) / NS_PER_MS
            for other, at in first[: place + 1]
            if at >= arrived - 2_000_000_000
        ]
        plain[probe] = (arrived - stream.sent_ns[probe]) / NS_PER_MS > min(window) + 60
    assert statistics.late(stream) == plain


def flags(text: str) -> list[bool]:
    return [character == "x" for character in text]


@pytest.mark.parametrize(
    ("text", "burst", "gap"),
    [
        ("." * 100, 0.0, 0.0),
        ("." * 50 + "x" + "." * 49, 0.0, 0.01),
        ("x" * 10, 1.0, 0.0),
        ("." * 20 + "xx" + "." * 18, 1.0, 0.0),
        ("." * 20 + "x" + "." * 15 + "x" + "." * 20, 2 / 17, 0.0),  # 15 good ones between: one burst
        ("." * 20 + "x" + "." * 16 + "x" + "." * 20, 0.0, 2 / 58),  # 16 good ones between: two lone losses
        ("x" + "." * 40, 0.0, 1 / 41),
        ("x.x" + "." * 30 + "x" + "." * 30 + "xxx", 5 / 6, 1 / 61),
    ],
)
def test_burst_and_gap_density_by_rfc_3611(text: str, burst: float, gap: float) -> None:
    found = statistics.burst_and_gap_density(flags(text))
    assert found is not None
    assert found == pytest.approx((burst, gap))


@given(st.lists(st.sampled_from([True, False, False, False, False, False, False, False]), min_size=1, max_size=200))
def test_burst_density_agrees_with_the_words_of_the_rfc(gone: list[bool]) -> None:
    lost = [index for index, flag in enumerate(gone) if flag]
    members: set[int] = set()
    for first, second in pairwise(lost):
        if second - first - 1 < 16:
            members.update(range(first, second + 1))
    in_burst = sum(gone[index] for index in members)
    found = statistics.burst_and_gap_density(gone)
    assert found is not None
    assert found[0] == pytest.approx(in_burst / len(members) if members else 0.0)
    rest = len(gone) - len(members)
    assert found[1] == pytest.approx((len(lost) - in_burst) / rest if rest else 0.0)


@pytest.mark.parametrize(("text", "longest"), [("", 0), ("....", 0), ("x.xx.xxx.", 3), ("xxxx", 4)])
def test_the_longest_run(text: str, longest: int) -> None:
    assert statistics.longest_run(flags(text)) == longest


def worst(text: str, window_ms: float) -> float | None:
    due = [index * STEP for index in range(len(text))]
    return statistics.worst_window_loss(due, flags(text), window_ms, 20)


def test_the_worst_window() -> None:
    assert worst("." * 9, 200) is None
    assert worst("." * 10, 200) == 0.0
    assert worst("." * 10 + "xx......xx" + "." * 10, 200) == 0.4
    assert worst("." * 10 + "x.........x" + "." * 10, 200) == 0.1
    assert worst("x" * 750, 15_000) == 1.0
    assert worst("x" * 749, 15_000) is None


@given(st.lists(st.booleans(), min_size=10, max_size=60), st.sampled_from([40, 100, 200]))
def test_the_worst_window_agrees_with_its_plain_definition(lost: list[bool], window_ms: int) -> None:
    size = window_ms // 20
    plain = max(sum(lost[start : start + size]) / size for start in range(len(lost) - size + 1))
    due = [index * STEP for index in range(len(lost))]
    assert statistics.worst_window_loss(due, lost, window_ms, 20) == pytest.approx(plain)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    # Newcombe 1998, table I, method 3 (without continuity correction), and the textbook case of nothing in ten.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 10, 0.0, 0.2775),
    ],
)
def test_wilson_against_published_values(hits: int, total: int, low: float, high: float) -> None:
    found = statistics.wilson(hits, total)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([low, high], abs=5e-5)


@given(st.integers(1, 3000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_holds_the_share(counts: tuple[int, int]) -> None:
    hits, total = counts
    found = statistics.wilson(hits, total)
    assert isinstance(found, Interval)
    assert 0 <= found.low <= hits / total <= found.high <= 1


def test_the_timer_error_is_how_late_the_probes_left() -> None:
    due = [index * STEP for index in range(100)]
    found = statistics.timer(Rows(due, [at + 2 * NS_PER_MS for at in due], [], []))
    assert found is not None
    assert (found.late_median_ms, found.late_p99_ms, found.late_max_ms) == (2.0, 2.0, 2.0)


def test_a_series_is_bounded_and_keeps_lost_probes() -> None:
    stream = rows(*([1.0, None] * 4000))
    found = statistics.series(stream, statistics.round_trips_ms(stream), 0)
    assert found is not None
    assert len(found.t_ms) == len(found.rtt_ms) <= 3000
    short = statistics.series(rows(1.0, None), [1.0, None], 0)
    assert short is not None
    assert short.rtt_ms == (1.0, None)
    assert short.t_ms == (0.0, 20.0)


@given(st.lists(st.floats(0.1, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_within(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = statistics.percentile(ordered, share)
    assert ordered[0] <= found <= ordered[-1] or math.isclose(found, ordered[-1])
