"""The path: what was measured on each edge against the limits. Blocked is never called lossy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from voicediag.judge import thresholds
from voicediag.judge.thresholds import Limit, Threshold
from voicediag.model.finding import Evidence, Finding, Severity
from voicediag.model.request import NetCheckRequest
from voicediag.model.results.network import Closed, EdgeResult, Interval, NetCheckResult, Reason, StunStream

CHECK = "net-check"

_BOTH_WAYS = "round trip: both directions summed"


class _Seen(NamedTuple):
    """A finding of one edge, before the edges are compared."""

    finding: Finding
    badness: float
    """Orders the edges: the higher, the worse."""
    word: str = ""
    """What must be equal for two edges to have the same finding."""


def judge_net(_: NetCheckRequest, result: NetCheckResult) -> tuple[Finding, ...]:
    """Return the findings of `result`, in the order of its edges.

    What every edge shows alike, of two or more, becomes one finding without a subject.
    """
    by_edge = [tuple(_judge_edge(edge)) for edge in result.edges]
    shared = _shared([{_key(seen): seen for seen in found} for found in by_edge])
    own = [seen.finding for found in by_edge for seen in found if _key(seen) not in shared]
    return (*shared.values(), *own)


def _key(seen: _Seen) -> tuple[str, Severity, str]:
    return seen.finding.id, seen.finding.severity, seen.word


def _shared(by_edge: list[dict[tuple[str, Severity, str], _Seen]]) -> dict[tuple[str, Severity, str], Finding]:
    """Return one finding for each that all edges have; it carries the evidence of the worst edge."""
    if len(by_edge) < 2:
        return {}
    merged: dict[tuple[str, Severity, str], Finding] = {}
    for key in by_edge[0]:
        if not all(key in found for found in by_edge):
            continue
        worst = max((found[key] for found in by_edge), key=lambda seen: seen.badness)
        count = Evidence("edges", len(by_edge), "edges", note=f"all that were probed; shown is {worst.finding.subject}")
        merged[key] = Finding(
            id=worst.finding.id,
            severity=worst.finding.severity,
            check=CHECK,
            evidence=(*worst.finding.evidence, count),
        )
    return merged


def _judge_edge(edge: EdgeResult) -> Iterator[_Seen]:
    if edge.dns_error is not None:
        yield _dns_failure(edge)
    elif edge.dns_ms is not None:
        slow = _judged(thresholds.NET_DNS_SLOW, edge.edge, edge.dns_ms, more=(Evidence("host", edge.host, ""),))
        if slow is not None:
            yield slow
    stream = edge.stun
    if stream is None:
        return
    if stream.received == 0:
        if stream.reason is not None:
            yield _NO_ANSWER.get(stream.reason, _blocked)(edge, stream)
        yield from _own_errors(edge, stream, explains=False)
        return
    found = [seen for seen in _judge_stream(edge.edge, stream) if seen is not None]
    if stream.closed is not None:
        found.insert(0, _closed(edge, stream, stream.closed))
    if stream.errors or (stream.foreign and stream.lost):
        found.append(_bad_answers(edge, stream))
    yield from found
    yield from _own_errors(edge, stream, explains=any(seen.finding.severity == "fail" for seen in found))


def _dns_failure(edge: EdgeResult) -> _Seen:
    word = edge.dns_error or ""
    evidence = (Evidence("dns_error", word, ""), Evidence("host", edge.host, ""))
    return _Seen(_finding("net.dns-failure", "fail", edge.edge, evidence), 0.0, word)


def _blocked(edge: EdgeResult, stream: StunStream) -> _Seen:
    evidence = [
        Evidence("reason", stream.reason, "", note=_where(stream)),
        Evidence("sent", stream.sent, "probes"),
        Evidence("received", 0, "probes"),
    ]
    if len(edge.tried) > 1:
        evidence.append(Evidence("tried", ", ".join(edge.tried), "", note="none of the name's addresses answered"))
    return _Seen(_finding("net.udp-blocked", "fail", edge.edge, tuple(evidence)), stream.sent, stream.reason or "")


def _closed(edge: EdgeResult, stream: StunStream, closed: Closed) -> _Seen:
    """A path that was shut during the run is blocked, not lossy: what came before is judged beside it."""
    seconds = closed.after_ms / 1000
    evidence = (
        Evidence("reason", closed.reason, "", note=f"answered until {seconds:.1f} s, then {closed.reason}"),
        Evidence("closed.after_ms", closed.after_ms, "ms", note=_where(stream)),
        Evidence("closed.probes", closed.probes, "probes", note="none answered since"),
    )
    return _Seen(_finding("net.udp-blocked", "fail", edge.edge, evidence), closed.probes, f"closed {closed.reason}")


def _bad_answers(edge: EdgeResult, stream: StunStream) -> _Seen:
    """UDP came through both ways, so nothing is blocked; but the server did not answer what was asked."""
    evidence = [
        Evidence(
            "errors", stream.errors, "probes", note=f"of {stream.sent} answered by a STUN error; {_where(stream)}"
        ),
        *(Evidence("error_code", code, "") for code in stream.error_codes),
    ]
    if stream.foreign:
        evidence.append(Evidence("foreign", stream.foreign, "datagrams", note="no valid answers to what was asked"))
    return _Seen(_finding("net.bad-answers", "warn", edge.edge, tuple(evidence)), stream.errors + stream.foreign)


def _not_sent(edge: EdgeResult, stream: StunStream) -> _Seen:
    """The machine itself kept the probes: nothing is known of the path."""
    evidence = (
        Evidence("reason", stream.reason, "", note=stream.detail or ""),
        Evidence("sent", stream.sent, "probes", note=_where(stream)),
    )
    return _Seen(_finding("net.not-sent", "warn", edge.edge, evidence), 0.0, stream.detail or "")


_NO_ANSWER: dict[Reason, Callable[[EdgeResult, StunStream], _Seen]] = {
    "bad-answers": _bad_answers,
    "send-failed": _not_sent,
}
"""What it is called that no answer came, where it is not blocked."""


def _where(stream: StunStream) -> str:
    return f"UDP to {stream.address} port {stream.port}"


def _judge_stream(edge: str, stream: StunStream) -> Iterator[_Seen | None]:
    yield _packet_loss(edge, stream)
    if stream.loss_burst_max is not None:
        note = f"longest run lost or late; {_BOTH_WAYS}"
        yield _judged(thresholds.NET_BURST_LOSS, edge, stream.loss_burst_max, note=note)
    if stream.rtt_ms is not None:
        yield _judged(thresholds.NET_HIGH_LATENCY, edge, stream.rtt_ms.median)
    yield _jitter(edge, stream)
    yield _judged(thresholds.NET_REORDERING, edge, stream.reordered / stream.received, note=_BOTH_WAYS)
    yield _low_mos(edge, stream)


def _packet_loss(edge: str, stream: StunStream) -> _Seen | None:
    if stream.loss_ratio is None or stream.loss_interval is None:
        return None
    more = (
        Evidence("lost", stream.lost, "probes", note=f"of {stream.sent}"),
        Evidence("loss_interval.low", stream.loss_interval.low, "ratio", note="95 %, Wilson"),
        Evidence("loss_interval.high", stream.loss_interval.high, "ratio", note="95 %, Wilson"),
    )
    limit = thresholds.NET_PACKET_LOSS
    return _judged(limit, edge, stream.loss_ratio, interval=stream.loss_interval, more=more, note=_BOTH_WAYS)


def _low_mos(edge: str, stream: StunStream) -> _Seen | None:
    if stream.mos_twilio is None:
        return None
    more = () if stream.mos is None else (Evidence("mos", stream.mos, "MOS", note="ITU-T G.107, not judged"),)
    note = "one direction's loss estimated from both"
    limit = thresholds.NET_LOW_MOS
    return _judged(limit, edge, stream.mos_twilio, interval=stream.mos_twilio_interval, more=more, note=note)


def _jitter(edge: str, stream: StunStream) -> _Seen | None:
    jitter = stream.jitter_ms
    if jitter is None:
        return None
    beyond_mean = _judged(thresholds.NET_HIGH_JITTER_MEAN, edge, jitter.mean, note=_BOTH_WAYS)
    if beyond_mean is not None:
        return beyond_mean
    mean = _judged(thresholds.NET_JITTER_TAG_MEAN, edge, jitter.mean, note=_BOTH_WAYS)
    highest = _judged(thresholds.NET_JITTER_TAG_MAX, edge, jitter.max, note=_BOTH_WAYS)
    if mean is None or highest is None:
        return None
    both = (*mean.finding.evidence, *highest.finding.evidence)
    return _Seen(_finding("net.high-jitter", "warn", edge, both), mean.badness)


def _own_errors(edge: EdgeResult, stream: StunStream, *, explains: bool) -> Iterator[_Seen]:
    """Yield what the machine itself did to the measurement.

    It is for information, and a warning beside a failure or where so much was left out that the picture is incomplete.
    """
    note = "of this machine, not of the path"
    severity: Severity = "warn" if explains else "info"
    step = None if stream.clock_step_ms is None else abs(stream.clock_step_ms)
    jumped = None if step is None else _judged(thresholds.NET_CLOCK_STEP, edge.edge, step, note=note)
    if jumped is not None:
        yield _Seen(_finding("net.clock-step", severity, edge.edge, jumped.finding.evidence), jumped.badness)
    delay = None if stream.timer is None else stream.timer.late_p99_ms
    late = None if delay is None else _judged(thresholds.NET_TIMER_LATE, edge.edge, delay, note=note)
    due = stream.sent + stream.unsent
    share = stream.skipped / due if due else 0.0
    skipped = _judged(thresholds.NET_SKIPPED, edge.edge, share, note=f"{stream.skipped} of {due} left out as too late")
    both = [seen for seen in (skipped, late) if seen is not None]
    if both:
        evidence = tuple(evidence for seen in both for evidence in seen.finding.evidence)
        yield _Seen(_finding("net.timer-late", "warn" if skipped else severity, edge.edge, evidence), delay or 0.0)


def _judged(
    threshold: Threshold,
    edge: str,
    value: float,
    *,
    interval: Interval | None = None,
    more: tuple[Evidence, ...] = (),
    note: str = "",
) -> _Seen | None:
    """Return the finding that `value` makes of `threshold`, or None.

    Where there is an `interval`, only the whole of it beyond the limit fails; a value alone beyond it warns.
    """
    verdict = threshold.judge(value)
    if verdict is None:
        return None
    severity, limit = verdict
    if severity == "fail" and interval is not None and not _all_beyond(threshold, interval, limit):
        note = f"{note}; beyond {limit.value:g} as well, but its 95 % interval is not".removeprefix("; ")
        severity, limit = "warn", threshold.warn or limit
    evidence = Evidence(threshold.metric, value, threshold.unit, limit.value, limit.source, note)
    badness = value if threshold.side in ("above", "at least") else -value
    return _Seen(_finding(threshold.finding, severity, edge, (evidence, *more)), badness)


def _all_beyond(threshold: Threshold, interval: Interval, limit: Limit) -> bool:
    return threshold.beyond(interval.low, limit) and threshold.beyond(interval.high, limit)


def _finding(id: str, severity: Severity, edge: str, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(id=id, severity=severity, check=CHECK, subject=edge, evidence=evidence)
