"""`measure`: from a request to the typed result."""

from __future__ import annotations

import threading
import time
from typing import Any

import msgspec
import pytest

from voicediag.model.control import Control
from voicediag.model.request import NetCheckRequest, Target
from voicediag.model.results.network import Closed, ClosedBy, EdgeResult, NetCheckResult, RoundTrip, StunStream
from voicediag.network import check, probe, resolve
from voicediag.network.statistics import NS_PER_MS, Rows
from voicediag.reflector.faults import Faults
from voicediag.reflector.relay import Relay
from voicediag.reflector.stun_server import Behaviour, StunServer


def request(*targets: Target, duration_s: float = 0.15, interval_ms: float = 5.0) -> NetCheckRequest:
    return NetCheckRequest(targets=targets, duration_s=duration_s, interval_ms=interval_ms)


def test_a_good_path() -> None:
    with StunServer() as server:
        result = check.measure(request(Target("lab", *server.address)), Control())
    edge = result.edges[0]
    assert (edge.edge, edge.addresses, edge.dns_ms, edge.dns_error) == ("lab", ("127.0.0.1",), None, None)
    stream = edge.stun
    assert stream is not None
    assert (stream.received, stream.lost, stream.loss_ratio, stream.reason) == (stream.sent, 0, 0.0, None)
    assert stream.loss_interval is not None
    assert stream.loss_interval.low == 0.0
    assert stream.loss_resolution == pytest.approx(1 / stream.sent)
    assert stream.rtt_ms is not None
    assert stream.rtt_ms.min <= stream.rtt_ms.median <= stream.rtt_ms.p95 <= stream.rtt_ms.max
    assert stream.one_way_estimate_ms == stream.rtt_ms.median / 2
    assert stream.series is not None
    assert len(stream.series.rtt_ms) == stream.sent
    assert stream.server == "voicediag reflector"
    assert stream.mapped_address is not None
    assert stream.mapped_address.startswith("127.0.0.1:")
    assert (result.best_edge, result.codec, result.requested_s) == ("lab", "pcmu", 0.15)


def test_the_media_range_is_said_to_be_unproven() -> None:
    result = check.measure(request(), Control())
    assert result.edges == ()
    assert result.best_edge is None
    assert len(result.unproven) == 1
    assert "168.86.128.0/18" in result.unproven[0]
    assert "10000–60000" in result.unproven[0]


def test_the_result_survives_json() -> None:
    with StunServer(Behaviour.SHORT) as bad, StunServer() as good:
        targets = (Target("bad", *bad.address), Target("good", *good.address), Target("no", "a..b", 1))
        result = check.measure(request(*targets), Control(), answer_wait_s=0.2)
    assert msgspec.json.decode(msgspec.json.encode(result), type=NetCheckResult) == result
    assert [edge.edge for edge in result.edges] == ["bad", "good", "no"]


def test_a_name_without_an_address_is_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "_look_up", lambda *_: resolve.Resolution((), 12.0, "not-found"))
    with StunServer() as server:
        targets = (Target("gone", "no-such-name.invalid", 3478), Target("good", *server.address))
        gone, good = check.measure(request(*targets), Control()).edges
    assert (gone.addresses, gone.dns_ms, gone.dns_error, gone.stun) == ((), 12.0, "not-found", None)
    assert good.stun is not None
    assert good.stun.received > 0


def test_one_name_on_two_ports_is_two_targets() -> None:
    with StunServer() as one, StunServer() as other:
        targets = (Target("one", "127.0.0.1", one.address[1]), Target("other", "127.0.0.1", other.address[1]))
        result = check.measure(request(*targets), Control())
        assert min(one.requests, other.requests) > 0
    assert [edge.stun.port for edge in result.edges if edge.stun is not None] == [one_port(t) for t in targets]


def one_port(target: Target) -> int:
    return target.port


@pytest.mark.parametrize(
    ("behaviour", "reason", "codes", "share"),
    [
        (Behaviour.SILENT, "timeout", (), 1.0),
        (Behaviour.RANDOM, "bad-answers", (), 1.0),
        (Behaviour.ERROR_500, "bad-answers", (500,), 0.0),
    ],
)
def test_nothing_measured_is_none_and_not_zero(
    behaviour: Behaviour, reason: str, codes: tuple[int, ...], share: float
) -> None:
    with StunServer(behaviour) as server:
        stream = check.measure(request(Target("a", *server.address)), Control(), answer_wait_s=0.1).edges[0].stun
    assert stream is not None
    assert (stream.reason, stream.error_codes, stream.received) == (reason, codes, 0)
    assert stream.sent > 0
    assert (stream.loss_ratio, stream.lost, stream.errors) == (
        share,
        share * stream.sent,
        (1 - share) * stream.sent,
    )
    for name in ("rtt_ms", "jitter_ms", "ipdv_ms", "pdv_ms", "one_way_estimate_ms", "mos", "r_factor", "mos_twilio"):
        assert getattr(stream, name) is None, name
    assert (stream.mapped_address, stream.server, stream.mos_interval) == (None, None, None)


def test_the_deadline_holds_whatever_is_blocked() -> None:
    with StunServer(Behaviour.SILENT) as server:
        began = time.monotonic()
        check.measure(request(Target("a", *server.address), duration_s=0.5), Control())
    assert time.monotonic() - began < 0.5 + 6


def test_a_stop_while_names_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    release, control = threading.Event(), Control()

    def look_up(*_: object) -> resolve.Resolution:
        control.stop.set()
        release.wait(30)
        return resolve.Resolution((), None, None)

    monkeypatch.setattr(resolve, "_look_up", look_up)
    result = check.measure(request(Target("a", "host.invalid", 1)), control)
    release.set()
    assert (result.edges[0].dns_error, result.edges[0].stun, result.best_edge) == (None, None, None)


def test_what_the_server_refused_to_answer_is_not_lost() -> None:
    with StunServer(Behaviour.FOURTH_500) as server:
        asked = request(Target("a", *server.address), duration_s=0.4)
        stream = check.measure(asked, Control(), answer_wait_s=10).edges[0].stun
    assert stream is not None
    assert stream.errors == stream.sent // 4 > 0
    assert (stream.received, stream.lost, stream.loss_ratio) == (stream.sent - stream.errors, 0, 0.0)
    assert (stream.loss_burst_max, stream.foreign, stream.error_codes, stream.reason) == (0, 0, (500,), None)
    assert stream.mos is not None
    assert stream.mos > 4


def observation(*trips_ms: float | None) -> probe.Observation:
    sent = [index * 20 * NS_PER_MS for index in range(len(trips_ms))]
    came = sorted((sent[n] + round(trip * NS_PER_MS), n) for n, trip in enumerate(trips_ms) if trip is not None)
    return probe.Observation(
        address="192.0.2.1",
        clock_is_kernel=True,
        start_ns=0,
        rows=Rows(sent, sent, [n for _, n in came], [at for at, _ in came]),
        errored=frozenset(),
        unsent_due_ns=(),
        skipped=0,
        open=0,
        refused=0,
        unreachable=0,
        last_failure=None,
        foreign=0,
        reason=None,
        detail=None,
        error_codes=(),
        clock_step_ns=0,
        mapped=("2001:db8::1", 5),
        software=None,
    )


def numbers(*trips_ms: float | None, codec: check.Codec = "pcmu") -> StunStream:
    asked = NetCheckRequest(targets=(), codec=codec)
    return check.stream_result(observation(*trips_ms), 3478, asked)


def test_under_twenty_answers_there_is_neither_jitter_nor_score() -> None:
    few, enough = numbers(*[10.0] * 19), numbers(*[10.0] * 20)
    assert (few.jitter_ms, few.mos, few.mos_twilio, few.mouth_to_ear_ms) == (None, None, None, None)
    assert few.rtt_ms is not None
    assert enough.jitter_ms is not None
    assert enough.mos == pytest.approx(4.37, abs=0.02)
    assert enough.mos_twilio == pytest.approx(4.43, abs=0.01)


def test_opus_has_no_itu_score_but_twilios() -> None:
    stream = numbers(*[10.0] * 30, codec="opus")
    assert (stream.mos, stream.r_factor, stream.mos_interval) == (None, None, None)
    assert stream.mos_twilio is not None


def test_what_the_scores_are_fed() -> None:
    stream = numbers(*([100.0] * 96 + [None] * 4))
    assert stream.mouth_to_ear_ms == 130.0
    assert stream.one_way_loss_estimate == pytest.approx(1 - 0.96**0.5)
    assert stream.mos_interval is not None
    assert stream.mos is not None
    assert stream.mos_interval.low < stream.mos < stream.mos_interval.high
    assert stream.mos_twilio_interval is not None
    assert stream.mos_twilio is not None
    assert stream.mos_twilio_interval.low < stream.mos_twilio < stream.mos_twilio_interval.high


def test_late_counts_for_bursts_and_scores_but_not_as_lost() -> None:
    stream = numbers(*([10.0] * 50 + [100.0] * 5 + [10.0] * 45))
    assert (stream.lost, stream.late, stream.loss_ratio, stream.loss_burst_max) == (0, 5, 0.0, 5)
    assert stream.one_way_loss_estimate == pytest.approx(1 - 0.95**0.5)
    assert (stream.burst_density, stream.gap_density) == (1.0, 0.0)


def cut(*trips_ms: float | None, failed_at_ms: float, **changes: Any) -> StunStream:
    failure: tuple[int, ClosedBy] = round(failed_at_ms * NS_PER_MS), "refused"
    seen = observation(*trips_ms)._replace(last_failure=failure, **changes)
    return check.stream_result(seen, 3478, NetCheckRequest(targets=()))


def test_a_path_that_closes_is_measured_until_then() -> None:
    stream = cut(*[10.0, None] * 20, *[10.0] * 10, *[None] * 50, failed_at_ms=1100)
    assert stream.closed == Closed(after_ms=980.0, reason="refused", probes=50)
    assert (stream.sent, stream.received, stream.lost, stream.loss_ratio) == (50, 30, 20, 0.4)
    assert stream.loss_burst_max == 1
    assert stream.mos is not None
    assert stream.series is not None
    assert len(stream.series.rtt_ms) == 100


def test_probes_that_could_not_leave_are_of_the_closed_part_too() -> None:
    unsent = [20 * index * NS_PER_MS for index in range(40, 60)]
    stream = cut(*[10.0] * 40, failed_at_ms=1100, unsent_due_ns=[5 * NS_PER_MS, *unsent])
    assert stream.closed == Closed(after_ms=780.0, reason="refused", probes=20)
    assert (stream.sent, stream.lost, stream.unsent) == (40, 0, 1)


@pytest.mark.parametrize(
    ("trips", "failed_at_ms"),
    [
        ([10.0] * 50 + [None] * 50, 500),  # the refusal was over before the last answer
        ([10.0] * 96 + [None] * 4, 1990),  # too short
        ([10.0] * 50 + [None] * 49 + [10.0], 1500),  # it came back
        ([None] * 50, 500),  # never open
    ],
)
def test_a_path_that_did_not_close(trips: list[float | None], failed_at_ms: float) -> None:
    stream = cut(*trips, failed_at_ms=failed_at_ms)
    assert stream.closed is None
    assert stream.sent == len(trips)


def test_a_server_that_ends_midway_closes_the_path() -> None:
    results: list[NetCheckResult] = []
    with StunServer() as server:
        asked = request(Target("a", *server.address), duration_s=0.6)
        thread = threading.Thread(target=lambda: results.append(check.measure(asked, Control(), answer_wait_s=0.2)))
        thread.start()
        while server.requests < 30:
            time.sleep(0.001)
    thread.join()
    stream = results[0].edges[0].stun
    assert stream is not None
    assert stream.closed is not None
    assert stream.closed.reason == "refused"
    assert stream.received >= 30
    assert stream.sent + stream.closed.probes + stream.unsent == 120
    assert stream.refused > 0
    assert results[0].best_edge is None


def test_an_ipv6_address_is_written_with_brackets() -> None:
    assert numbers(1.0).mapped_address == "[2001:db8::1]:5"


def edge(name: str, mos: float | None, median: float) -> EdgeResult:
    trip = RoundTrip(min=median, median=median, mean=median, p95=median, p99=median, max=median, stddev=0)
    stream = msgspec.structs.replace(numbers(1.0), mos_twilio=mos, rtt_ms=trip)
    return EdgeResult(
        edge=name, host="h", port=1, is_edge=True, addresses=("192.0.2.1",), dns_ms=1.0, dns_error=None, stun=stream
    )


@pytest.mark.parametrize(
    ("edges", "best"),
    [
        ([], None),
        ([edge("a", 4.0, 10), edge("b", 4.4, 90)], "b"),
        ([edge("a", 4.41, 90), edge("b", 4.40, 10)], "b"),  # the same score to 0.1: the nearer
        ([edge("a", None, 1), edge("b", 3.0, 200)], "b"),  # too few answers for a score come last
        ([edge("a", None, 9), edge("b", None, 3)], "b"),
    ],
)
def test_the_best_edge(edges: list[EdgeResult], best: str | None) -> None:
    assert check.best_edge(edges) == best


def test_an_edge_that_does_not_answer_is_not_the_best() -> None:
    with StunServer(Behaviour.SILENT) as silent:
        targets = (Target("silent", *silent.address),)
        assert check.measure(request(*targets), Control(), answer_wait_s=0.1).best_edge is None


def test_delay_and_loss_of_a_path_come_out_as_they_went_in() -> None:
    with StunServer() as server, Relay(server.address, up=Faults(delay_ms=15, loss_ratio=0.1), seed=4) as relay:
        result = check.measure(request(Target("a", *relay.address), duration_s=0.4), Control(), answer_wait_s=0.5)
    dropped = sum(row.dropped is not None for row in relay.truth())
    stream = result.edges[0].stun
    assert stream is not None
    assert stream.lost == dropped > 0
    assert stream.rtt_ms is not None
    assert stream.rtt_ms.min >= 15
