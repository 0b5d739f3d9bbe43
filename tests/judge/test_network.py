"""The path judged from data: a result in, findings out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.judge import thresholds
from voicediag.judge.network import judge_net
from voicediag.model.finding import RANK, Finding, Severity
from voicediag.model.request import NetCheckRequest
from voicediag.model.results.network import (
    Closed,
    ClosedBy,
    EdgeResult,
    Interval,
    Jitter,
    NetCheckResult,
    Reason,
    RoundTrip,
    StunStream,
    Timer,
)

REQUEST = NetCheckRequest(targets=())


def trip(median: float) -> RoundTrip:
    return RoundTrip(min=median, median=median, mean=median, p95=median, p99=median, max=median, stddev=0.0)


CLEAN = StunStream(
    address="192.0.2.1",
    port=3478,
    interval_ms=20.0,
    clock="kernel",
    sent=500,
    unsent=0,
    received=500,
    lost=0,
    duplicated=0,
    reordered=0,
    late=0,
    foreign=0,
    loss_ratio=0.0,
    loss_interval=Interval(0.0, 0.0076),
    loss_resolution=0.002,
    loss_burst_max=0,
    burst_density=0.0,
    gap_density=0.0,
    worst_200ms_loss_ratio=0.0,
    worst_15s_loss_ratio=None,
    rtt_ms=trip(30.0),
    jitter_ms=Jitter(final=0.4, mean=0.5, max=1.0),
    ipdv_ms=None,
    pdv_ms=1.0,
    one_way_estimate_ms=15.0,
    one_way_loss_estimate=0.0,
    mouth_to_ear_ms=95.0,
    mos=4.36,
    mos_interval=Interval(4.3, 4.36),
    r_factor=91.0,
    mos_twilio=4.4,
    mos_twilio_interval=Interval(4.3, 4.4),
    mapped_address="192.0.2.9:5",
    server="a server",
    reason=None,
    error_codes=(),
    clock_step_ms=None,
    timer=Timer(late_median_ms=0.1, late_p99_ms=0.3, late_max_ms=1.0),
    series=None,
)


def stream(**changes: Any) -> StunStream:
    return msgspec.structs.replace(CLEAN, **changes)


def blocked(reason: Reason | None, **changes: Any) -> StunStream:
    nothing: dict[str, Any] = dict.fromkeys(("rtt_ms", "jitter_ms", "mos", "mos_twilio", "mos_twilio_interval"))
    counts = {
        "received": 0,
        "lost": 500,
        "loss_ratio": 1.0,
        "loss_interval": Interval(0.99, 1.0),
        "loss_burst_max": 500,
    }
    return stream(reason=reason, **{**nothing, **counts, **changes})


def edge(name: str = "ashburn", stun: StunStream | None = CLEAN, **changes: Any) -> EdgeResult:
    base = EdgeResult(
        edge=name,
        host=f"{name}.example",
        port=3478,
        is_edge=True,
        addresses=("192.0.2.1",),
        dns_ms=5.0,
        dns_error=None,
        stun=stun,
    )
    return msgspec.structs.replace(base, **changes)


def judge(*edges: EdgeResult) -> tuple[Finding, ...]:
    result = NetCheckResult(codec="pcmu", requested_s=10.0, edges=edges, best_edge=None, unproven=())
    return judge_net(REQUEST, result)


def seen(*edges: EdgeResult) -> list[tuple[str, Severity, str | None]]:
    return [(finding.id, finding.severity, finding.subject) for finding in judge(*edges)]


def test_a_clean_path_has_no_findings() -> None:
    assert judge(edge(), edge("dublin")) == ()
    assert judge() == ()


SCENARIOS: list[tuple[str, dict[str, Any], str, Severity]] = [
    ("latency warns", {"rtt_ms": trip(200.1)}, "net.high-latency", "warn"),
    ("latency fails", {"rtt_ms": trip(400.1)}, "net.high-latency", "fail"),
    ("jitter warns", {"jitter_ms": Jitter(final=9, mean=5.0, max=30.0)}, "net.high-jitter", "warn"),
    ("jitter fails", {"jitter_ms": Jitter(final=40, mean=30.1, max=60.0)}, "net.high-jitter", "fail"),
    (
        "loss warns",
        {"lost": 6, "loss_ratio": 0.012, "loss_interval": Interval(0.0055, 0.026)},
        "net.packet-loss",
        "warn",
    ),
    (
        "loss fails",
        {"lost": 50, "loss_ratio": 0.1, "loss_interval": Interval(0.0767, 0.1293)},
        "net.packet-loss",
        "fail",
    ),
    ("a burst warns", {"loss_burst_max": 5}, "net.burst-loss", "warn"),
    ("a burst fails", {"loss_burst_max": 15}, "net.burst-loss", "fail"),
    ("reordering warns", {"reordered": 6}, "net.reordering", "warn"),
    ("reordering fails", {"reordered": 26}, "net.reordering", "fail"),
    ("MOS warns", {"mos_twilio": 3.4, "mos_twilio_interval": Interval(3.3, 3.45)}, "net.low-mos", "warn"),
    ("MOS fails", {"mos_twilio": 2.5, "mos_twilio_interval": Interval(2.3, 2.9)}, "net.low-mos", "fail"),
    ("a clock step informs", {"clock_step_ms": -3600e3}, "net.clock-step", "info"),
    (
        "a late timer informs",
        {"timer": Timer(late_median_ms=1, late_p99_ms=10.1, late_max_ms=20)},
        "net.timer-late",
        "info",
    ),
]


@pytest.mark.parametrize(
    ("changes", "id", "severity"), [scenario[1:] for scenario in SCENARIOS], ids=[scenario[0] for scenario in SCENARIOS]
)
def test_each_fault_is_its_own_finding(changes: dict[str, Any], id: str, severity: Severity) -> None:
    (finding,) = judge(edge(stun=stream(**changes)))
    assert (finding.id, finding.severity, finding.subject, finding.check) == (id, severity, "ashburn", "net-check")
    first = finding.evidence[0]
    limits = [limit for limit in thresholds.TABLE if limit.finding == id]
    assert first.metric in {limit.metric for limit in limits}
    judged_by = [limit for threshold in limits for limit in (threshold.warn, threshold.fail) if limit is not None]
    assert (first.threshold, first.source) in {(limit.value, limit.source) for limit in judged_by}
    assert first.value is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"rtt_ms": trip(200.0)},
        {"jitter_ms": Jitter(final=30, mean=30.0, max=29.9)},
        {"jitter_ms": Jitter(final=1, mean=4.9, max=100.0)},
        {"lost": 5, "loss_ratio": 0.01, "loss_interval": Interval(0.004, 0.023)},
        {"loss_burst_max": 4},
        {"reordered": 5},
        {"mos_twilio": 3.5, "mos_twilio_interval": Interval(3.4, 3.6)},
        {"clock_step_ms": 5.0},
        {"sent": 475, "received": 475, "unsent": 25, "skipped": 25},
        {"jitter_ms": None, "mos": None, "mos_twilio": None, "mos_twilio_interval": None},
    ],
)
def test_on_the_limit_is_within_it(changes: dict[str, Any]) -> None:
    assert judge(edge(stun=stream(**changes))) == ()


def test_loss_fails_only_where_the_whole_interval_is_beyond() -> None:
    few = stream(sent=100, received=96, lost=4, loss_ratio=0.04, loss_interval=Interval(0.0157, 0.0984))
    (finding,) = judge(edge(stun=few))
    assert finding.severity == "warn"
    assert finding.evidence[0].threshold == 0.01
    assert "interval" in finding.evidence[0].note
    assert finding.evidence[2].value == 0.0157


def test_mos_fails_only_where_the_whole_interval_is_beyond() -> None:
    (finding,) = judge(edge(stun=stream(mos_twilio=2.9, mos_twilio_interval=Interval(2.6, 3.1))))
    assert finding.severity == "warn"
    assert finding.evidence[0].threshold == 3.5


def test_what_sums_both_directions_says_so() -> None:
    bad = stream(
        lost=50,
        loss_ratio=0.1,
        loss_interval=Interval(0.08, 0.13),
        loss_burst_max=20,
        reordered=100,
        jitter_ms=Jitter(final=40, mean=40.0, max=60.0),
    )
    findings = judge(edge(stun=bad))
    assert len(findings) == 4
    assert all("both directions summed" in finding.evidence[0].note for finding in findings)


@pytest.mark.parametrize("reason", ["refused", "timeout", "unreachable"])
def test_blocked_is_never_called_lossy(reason: Reason) -> None:
    (finding,) = judge(edge(stun=blocked(reason)))
    assert (finding.id, finding.severity) == ("net.udp-blocked", "fail")
    assert (finding.evidence[0].metric, finding.evidence[0].value) == ("reason", reason)


def test_a_blocked_name_tells_all_addresses_that_were_asked() -> None:
    (finding,) = judge(edge(stun=blocked("timeout"), tried=("192.0.2.1", "2001:db8::1")))
    assert (finding.evidence[-1].metric, finding.evidence[-1].value) == ("tried", "192.0.2.1, 2001:db8::1")


def test_a_server_that_answers_wrongly_is_not_blocked() -> None:
    (finding,) = judge(edge(stun=blocked("bad-answers", foreign=300, errors=200, lost=300, error_codes=(400, 500))))
    assert (finding.id, finding.severity, finding.subject) == ("net.bad-answers", "warn", "ashburn")
    shown = {(evidence.metric, evidence.value) for evidence in finding.evidence}
    assert {("errors", 200), ("foreign", 300), ("error_code", 400), ("error_code", 500)} <= shown


def test_what_the_server_refuses_now_and_then_is_no_loss() -> None:
    (finding,) = judge(edge(stun=stream(received=375, errors=125, error_codes=(500,))))
    assert (finding.id, finding.severity) == ("net.bad-answers", "warn")
    assert (finding.evidence[0].metric, finding.evidence[0].value) == ("errors", 125)


def test_a_stray_datagram_beside_answers_to_all_is_nothing() -> None:
    assert judge(edge(stun=stream(foreign=1))) == ()


def test_what_this_machine_did_not_send_says_nothing_of_the_path() -> None:
    (finding,) = judge(edge(stun=blocked("send-failed", sent=0, lost=0, detail="Too many open files")))
    assert (finding.id, finding.severity) == ("net.not-sent", "warn")
    assert finding.evidence[0].note == "Too many open files"


@pytest.mark.parametrize("reason", ["refused", "unreachable"])
def test_a_path_that_closes_midway_is_blocked_and_not_lossy(reason: ClosedBy) -> None:
    closed = Closed(after_ms=1400.0, reason=reason, probes=80)
    (finding,) = judge(edge(stun=stream(sent=70, received=70, closed=closed)))
    assert (finding.id, finding.severity) == ("net.udp-blocked", "fail")
    assert finding.evidence[0].note == f"answered until 1.4 s, then {reason}"
    lossy = stream(sent=70, received=35, lost=35, loss_ratio=0.5, loss_interval=Interval(0.4, 0.6), closed=closed)
    assert [found[0] for found in seen(edge(stun=lossy))] == ["net.udp-blocked", "net.packet-loss"]


@pytest.mark.parametrize(("ms", "ids"), [(1000.0, []), (1000.1, ["net.dns-slow"]), (None, [])])
def test_a_slow_name(ms: float | None, ids: list[str]) -> None:
    found = judge(edge(dns_ms=ms))
    assert [finding.id for finding in found] == ids
    assert all(finding.severity == "warn" for finding in found)


def test_a_name_that_fails_slowly_has_failed() -> None:
    assert [found[0] for found in seen(edge(stun=None, dns_error="not-found", dns_ms=2500.0))] == ["net.dns-failure"]


def test_a_run_that_was_stopped_too_early_blames_no_one() -> None:
    nothing = blocked(None, sent=0, lost=0, loss_ratio=None, loss_interval=None, loss_burst_max=None)
    assert judge(edge(stun=nothing)) == ()


@pytest.mark.parametrize("word", ["not-found", "temporary", "timeout", "invalid", "failed"])
def test_a_name_without_an_address(word: str) -> None:
    (finding,) = judge(edge(stun=None, dns_error=word, addresses=()))
    assert (finding.id, finding.severity, finding.subject) == ("net.dns-failure", "fail", "ashburn")
    assert [(evidence.metric, evidence.value) for evidence in finding.evidence] == [
        ("dns_error", word),
        ("host", "ashburn.example"),
    ]


def test_what_every_edge_shows_is_said_once() -> None:
    names = ["ashburn", "dublin", "tokyo"]
    (finding,) = judge(*(edge(name, blocked("timeout")) for name in names))
    assert (finding.id, finding.severity, finding.subject) == ("net.udp-blocked", "fail", None)
    assert (finding.evidence[-1].metric, finding.evidence[-1].value) == ("edges", 3)


def test_the_one_finding_shows_the_worst_edge() -> None:
    medians = {"ashburn": 210.0, "dublin": 390.0, "tokyo": 250.0}
    (finding,) = judge(*(edge(name, stream(rtt_ms=trip(median))) for name, median in medians.items()))
    assert finding.evidence[0].value == 390.0
    assert "dublin" in finding.evidence[-1].note
    scores = {"ashburn": 3.4, "dublin": 3.1, "tokyo": 3.3}
    interval = Interval(3.05, 3.45)
    (finding,) = judge(
        *(edge(name, stream(mos_twilio=mos, mos_twilio_interval=interval)) for name, mos in scores.items())
    )
    assert finding.evidence[0].value == 3.1


def test_edges_that_differ_keep_their_own() -> None:
    slow, slower = stream(rtt_ms=trip(250)), stream(rtt_ms=trip(450))
    assert seen(edge("a", slow), edge("b", slower), edge("c")) == [
        ("net.high-latency", "warn", "a"),
        ("net.high-latency", "fail", "b"),
    ]
    assert seen(edge("a", blocked("timeout")), edge("b", blocked("refused"))) == [
        ("net.udp-blocked", "fail", "a"),
        ("net.udp-blocked", "fail", "b"),
    ]


def test_a_shared_finding_leaves_the_others_alone() -> None:
    slow, both = stream(rtt_ms=trip(250)), stream(rtt_ms=trip(250), reordered=10)
    assert seen(edge("a", slow), edge("b", both)) == [
        ("net.high-latency", "warn", None),
        ("net.reordering", "warn", "b"),
    ]


def test_one_edge_is_named() -> None:
    assert seen(edge("dublin", blocked("refused"))) == [("net.udp-blocked", "fail", "dublin")]


def test_the_machines_own_errors_warn_beside_a_failure() -> None:
    late = Timer(late_median_ms=5, late_p99_ms=50, late_max_ms=90)
    found = seen(edge(stun=stream(timer=late, clock_step_ms=60.0, rtt_ms=trip(500))))
    assert found == [
        ("net.high-latency", "fail", "ashburn"),
        ("net.clock-step", "warn", "ashburn"),
        ("net.timer-late", "warn", "ashburn"),
    ]
    assert seen(edge(stun=blocked("timeout", clock_step_ms=60.0)))[1] == ("net.clock-step", "info", "ashburn")


@pytest.mark.parametrize(("skipped", "severity"), [(26, "warn"), (25, "info")])
def test_what_was_left_out_warns_where_it_is_much(skipped: int, severity: Severity) -> None:
    late = Timer(late_median_ms=5, late_p99_ms=50, late_max_ms=90)
    part = stream(sent=500 - skipped, received=500 - skipped, unsent=skipped, skipped=skipped, timer=late)
    (finding,) = judge(edge(stun=part))
    assert (finding.id, finding.severity) == ("net.timer-late", severity)
    assert ("skipped_ratio" in {evidence.metric for evidence in finding.evidence}) == (severity == "warn")


def test_probes_that_the_path_kept_back_are_no_fault_of_the_timer() -> None:
    assert judge(edge(stun=stream(sent=400, received=400, unsent=100))) == ()


def test_findings_carry_no_words_yet() -> None:
    (finding,) = judge(edge(stun=blocked("timeout")))
    assert (finding.title, finding.codes, finding.fixes) == ("", (), ())


def rank(**changes: Any) -> int:
    """0 is worst; 3 where there is no finding."""
    findings = judge(edge(stun=stream(**changes)))
    return min((RANK[finding.severity] for finding in findings), default=3)


@given(st.floats(0, 2000), st.floats(0, 2000))
def test_more_latency_is_never_judged_milder(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert rank(rtt_ms=trip(more)) <= rank(rtt_ms=trip(less))


@given(st.floats(0, 200), st.floats(0, 200), st.floats(0, 200))
def test_more_jitter_is_never_judged_milder(one: float, other: float, highest: float) -> None:
    less, more = sorted((one, other))
    little, much = (Jitter(final=mean, mean=mean, max=mean + highest) for mean in (less, more))
    assert rank(jitter_ms=much) <= rank(jitter_ms=little)


@given(st.floats(1, 5), st.floats(1, 5), st.floats(0, 1))
def test_a_lower_mos_is_never_judged_milder(one: float, other: float, width: float) -> None:
    low, high = sorted((one, other))
    bad, good = ({"mos_twilio": mos, "mos_twilio_interval": Interval(mos - width, mos + width)} for mos in (low, high))
    assert rank(**bad) <= rank(**good)


@given(st.integers(20, 500).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total - 1))))
def test_more_loss_is_never_judged_milder(counts: tuple[int, int]) -> None:
    total, lost = counts

    def changes(count: int) -> dict[str, Any]:
        # A simple interval of constant width: the judge must not care how it was computed.
        ratio = count / total
        return {"lost": count, "loss_ratio": ratio, "loss_interval": Interval(max(0, ratio - 0.02), ratio + 0.02)}

    assert rank(**changes(lost + 1)) <= rank(**changes(lost))


@given(st.integers(0, 40), st.integers(0, 40))
def test_longer_bursts_and_more_reordering_are_never_judged_milder(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert rank(loss_burst_max=more) <= rank(loss_burst_max=less)
    assert rank(reordered=more) <= rank(reordered=less)
