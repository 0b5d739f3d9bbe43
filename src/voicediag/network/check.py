"""`net-check`: every name resolved at once, every path probed at once, then the numbers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from voicediag.model.control import Control
from voicediag.model.request import NetCheckRequest, Target
from voicediag.model.results.network import Closed, EdgeResult, Interval, NetCheckResult, StunStream
from voicediag.network import edges, preflight, probe, quality, statistics
from voicediag.network.resolve import DEADLINE_S, Resolution, resolve_all

Codec = Literal["pcmu", "opus"]

_ENOUGH = statistics.MIN_ANSWERS
# Unanswered probes at the end, a refusal among them, from which on the path has closed: a shorter hole could not be
# told from a single loss.
_CLOSED_FROM = 5


class _Scores(NamedTuple):
    one_way_loss: float
    mos: float | None
    mos_interval: Interval | None
    r_factor: float | None
    mos_twilio: float
    mos_twilio_interval: Interval


def measure(
    request: NetCheckRequest,
    control: Control,
    *,
    dns_deadline_s: float = DEADLINE_S,
    answer_wait_s: float = probe.ANSWER_WAIT_S,
) -> NetCheckResult:
    """Measure the path to every target of `request` at the same time.

    Takes `dns_deadline_s` + the request's duration + `answer_wait_s` and less than a second more, whatever is blocked.
    Of a name with several addresses, one that answers is measured (`preflight`).
    When `control.stop` is set, returns what was measured until then. Raises nothing for a path's sake.
    """
    began = time.monotonic()
    resolved = resolve_all((target.host for target in request.targets), deadline_s=dns_deadline_s, stop=control.stop)
    reachable = [target for target in request.targets if resolved[target.host].addresses]
    plan = probe.Plan(request.duration_s, request.interval_ms, answer_wait_s)
    observed: dict[str, probe.Observation] = {}
    if reachable and not control.stop.is_set():
        destinations = [
            probe.Destination(target.name, resolved[target.host].addresses, target.port) for target in reachable
        ]
        # What the resolver left of its time may go into waiting for an address that answers.
        left = dns_deadline_s + preflight.PATIENCE_S - (time.monotonic() - began)
        destinations = preflight.order(destinations, control.stop, min(left, preflight.LONGEST_S))
        for target, observation in zip(reachable, probe.run(destinations, plan, control), strict=True):
            observed[target.name] = observation
    results = tuple(
        _edge(target, resolved[target.host], observed.get(target.name), request) for target in request.targets
    )
    return NetCheckResult(
        codec=request.codec,
        requested_s=request.duration_s,
        edges=results,
        best_edge=best_edge(results),
        unproven=_unproven(),
    )


def _edge(
    target: Target, resolution: Resolution, observation: probe.Observation | None, request: NetCheckRequest
) -> EdgeResult:
    several = resolution.addresses[: preflight.MOST] if len(resolution.addresses) > 1 else ()
    return EdgeResult(
        edge=target.name,
        host=target.host,
        port=target.port,
        is_edge=target.is_edge,
        addresses=resolution.addresses,
        dns_ms=resolution.ms,
        dns_error=resolution.error,
        tried=() if observation is None else several or (observation.address,),
        stun=None if observation is None else stream_result(observation, target.port, request),
    )


def stream_result(observation: probe.Observation, port: int, request: NetCheckRequest) -> StunStream:
    """Turn the rows of one stream into its numbers (definitions: docs/path-measures.md)."""
    closed = closing(observation)
    rows = observation.rows
    series = statistics.series(rows, statistics.round_trips_ms(rows), observation.start_ns)
    tail_unsent = 0
    if closed is not None:
        # Until then the path was another one: what it lost, and how well it did, is told of that part alone.
        kept = _last_answered(observation) + 1
        tail_unsent = closed.probes - (len(rows.sent_ns) - kept)
        rows = rows._replace(due_ns=rows.due_ns[:kept], sent_ns=rows.sent_ns[:kept])
    trips = statistics.round_trips_ms(rows)
    first = statistics.first_answers(rows)
    by_arrival = [(arrived - rows.sent_ns[index]) / statistics.NS_PER_MS for index, arrived in first]
    lost = [trip is None and index not in observation.errored for index, trip in enumerate(trips)]
    late = statistics.late(rows)
    gone = [is_lost or is_late for is_lost, is_late in zip(lost, late, strict=True)]
    density = statistics.burst_and_gap_density(gone)
    trip = statistics.round_trip(by_arrival)
    is_enough = len(first) >= _ENOUGH
    jitter = statistics.jitter(by_arrival) if is_enough else None
    scores = _scores(trip.median, jitter.mean, gone, request.codec) if trip and jitter else None
    step_ms = observation.clock_step_ns / statistics.NS_PER_MS
    mapped = observation.mapped
    return StunStream(
        address=observation.address,
        port=port,
        interval_ms=request.interval_ms,
        clock="kernel" if observation.clock_is_kernel else "user",
        sent=len(trips),
        unsent=len(observation.unsent_due_ns) - tail_unsent,
        skipped=observation.skipped,
        open=observation.open,
        refused=observation.refused,
        unreachable=observation.unreachable,
        closed=closed,
        received=len(first),
        lost=sum(lost),
        errors=len(observation.errored),
        duplicated=len(rows.answer_to) - len(first),
        reordered=statistics.reordered([index for index, _ in first]),
        late=sum(late),
        foreign=observation.foreign,
        loss_ratio=sum(lost) / len(trips) if trips else None,
        loss_interval=statistics.wilson(sum(lost), len(trips)),
        loss_resolution=1 / len(trips) if trips else None,
        loss_burst_max=statistics.longest_run(gone) if trips else None,
        burst_density=density[0] if density else None,
        gap_density=density[1] if density else None,
        worst_200ms_loss_ratio=statistics.worst_window_loss(rows.due_ns, lost, 200, request.interval_ms),
        worst_15s_loss_ratio=statistics.worst_window_loss(rows.due_ns, lost, 15_000, request.interval_ms),
        rtt_ms=trip,
        jitter_ms=jitter,
        ipdv_ms=statistics.ipdv(trips),
        pdv_ms=trip.p99 - trip.min if trip else None,
        one_way_estimate_ms=trip.median / 2 if trip else None,
        one_way_loss_estimate=scores.one_way_loss if scores else None,
        mouth_to_ear_ms=quality.mouth_to_ear_ms(trip.median) if trip and scores else None,
        mos=scores.mos if scores else None,
        mos_interval=scores.mos_interval if scores else None,
        r_factor=scores.r_factor if scores else None,
        mos_twilio=scores.mos_twilio if scores else None,
        mos_twilio_interval=scores.mos_twilio_interval if scores else None,
        mapped_address=_place(*mapped) if mapped else None,
        server=observation.software,
        reason=observation.reason,
        detail=observation.detail,
        error_codes=observation.error_codes,
        clock_step_ms=step_ms if observation.clock_step_ns else None,
        timer=statistics.timer(rows),
        series=series,
    )


def closing(observation: probe.Observation) -> Closed | None:
    """Return when the path closed for good: answers, then none to the end, and the system told of refusals since."""
    last, failure = _last_answered(observation), observation.last_failure
    rows = observation.rows
    if last < 0 or failure is None or failure[0] < max(rows.arrived_ns, default=rows.sent_ns[last]):
        return None
    unsent = sum(due > rows.due_ns[last] for due in observation.unsent_due_ns)
    probes = len(rows.sent_ns) - last - 1 + unsent
    if probes < _CLOSED_FROM:
        return None
    after_ms = (rows.sent_ns[last] - observation.start_ns) / statistics.NS_PER_MS
    return Closed(after_ms=after_ms, reason=failure[1], probes=probes)


def _last_answered(observation: probe.Observation) -> int:
    """Return the index of the last probe that was answered, be it by an error; -1 where there is none."""
    return max((*observation.rows.answer_to, *observation.errored), default=-1)


def _scores(rtt_ms: float, jitter_ms: float, gone: Sequence[bool], codec: Codec) -> _Scores:
    """Score a stream of which `gone` tells the probes lost or late, and over the 95 % interval of their share."""
    share = statistics.wilson(sum(gone), len(gone))
    assert share is not None
    best, likely, worst = (quality.one_way_loss(ratio) for ratio in (share.low, sum(gone) / len(gone), share.high))
    delay = quality.mouth_to_ear_ms(rtt_ms)

    def itu(loss: float) -> float:
        return quality.mos_of_r(quality.r_factor(delay, loss))

    def twilio(loss: float) -> float:
        return quality.mos_twilio(rtt_ms, jitter_ms, loss)

    is_pcmu = codec == "pcmu"
    return _Scores(
        one_way_loss=likely,
        mos=itu(likely) if is_pcmu else None,
        mos_interval=Interval(itu(worst), itu(best)) if is_pcmu else None,
        r_factor=quality.r_factor(delay, likely) if is_pcmu else None,
        mos_twilio=twilio(likely),
        mos_twilio_interval=Interval(twilio(worst), twilio(best)),
    )


def best_edge(results: Sequence[EdgeResult]) -> str | None:
    """Return the edge with the best `mos_twilio` (to 0.1), then the shortest median round trip.

    Streams with too few answers for a score come last; None where none answered to the end.
    """
    answered = [
        (result.edge, result.stun)
        for result in results
        if result.stun is not None and result.stun.rtt_ms and result.stun.closed is None
    ]
    if not answered:
        return None
    return min(answered, key=lambda pair: _rank(pair[1]))[0]


def _rank(stream: StunStream) -> tuple[float, float]:
    score = 0.0 if stream.mos_twilio is None else stream.mos_twilio
    return -round(score, 1), stream.rtt_ms.median if stream.rtt_ms else float("inf")


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _unproven() -> tuple[str, ...]:
    media = edges.packaged().media
    if media is None:
        return ()
    ports = f"{media.first_port}–{media.last_port}"
    return tuple(
        f"{network} UDP {ports}: a call's media go there; it cannot be proven without a call"
        for network in media.ranges
    )
