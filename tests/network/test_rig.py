"""The path to a real STUN server: coturn, alone and behind the impaired path."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.rigs.coturn import Coturn
from tests.rigs.path import RelayProcess, trips, trips_by_departure
from voicediag.model.control import Control
from voicediag.model.request import NetCheckRequest, Target
from voicediag.model.results.network import StunStream
from voicediag.network.check import measure
from voicediag.reflector.faults import Faults
from voicediag.wire import stamp

pytestmark = pytest.mark.rig


def stream_to(*targets: Target, duration_s: float = 0.6) -> list[StunStream]:
    result = measure(NetCheckRequest(targets=targets, duration_s=duration_s), Control())
    streams = [edge.stun for edge in result.edges]
    assert None not in streams
    return [stream for stream in streams if stream is not None]


def test_coturn_on_both_address_families(coturn: Coturn) -> None:
    targets = Target("v4", "127.0.0.1", coturn.port), Target("v6", "::1", coturn.port)
    for stream in stream_to(*targets):
        assert (stream.lost, stream.foreign, stream.duplicated, stream.reordered) == (0, 0, 0, 0)
        assert stream.sent == stream.received >= 20
        assert stream.server is not None
        assert stream.server.startswith("Coturn")
        assert stream.clock == ("kernel" if stamp.option() is not None else "user")
        assert stream.mos is not None
        assert stream.rtt_ms is not None
        assert stream.rtt_ms.min > 0


def test_the_impaired_path_comes_out_as_it_was(coturn: Coturn, tmp_path: Path) -> None:
    up = Faults(delay_ms=10, jitter_ms=8, jitter="exponential", loss_ratio=0.05, reorder_ratio=0.05)
    down = Faults(delay_ms=10, burst_ratio=0.01, burst_length=4, duplicate_ratio=0.05)
    with RelayProcess(("127.0.0.1", coturn.port), tmp_path / "truth", up=up, down=down, seed=11) as relay:
        stream = stream_to(Target("a", *relay.address), duration_s=2)[0]
    truth = trips(relay.truth())
    assert len(truth) == stream.sent
    assert sum(not trip.answered_ns for trip in truth) == stream.lost > 0
    assert sum(len(trip.answered_ns) - 1 for trip in truth if trip.answered_ns) == stream.duplicated
    by_departure = trips_by_departure(truth)
    place = {trip.id: index for index, trip in enumerate(truth)}
    order = [place[trip.id] for trip in by_departure]
    assert sum(any(earlier > index for earlier in order[:n]) for n, index in enumerate(order)) == stream.reordered
    # Loose bounds only, a busy machine must not break them; bench/path.py holds the tight ones.
    true = sorted(trip.rtt_ms for trip in by_departure if trip.rtt_ms is not None)
    assert stream.rtt_ms is not None
    assert stream.rtt_ms.median == pytest.approx(true[len(true) // 2], abs=5)
    estimate = 0.0
    for before, after in pairwise(by_departure):
        assert before.rtt_ms is not None
        assert after.rtt_ms is not None
        estimate += (abs(after.rtt_ms - before.rtt_ms) - estimate) / 16
    assert stream.jitter_ms is not None
    assert stream.jitter_ms.final == pytest.approx(estimate, abs=3)


def test_a_blackout_is_a_burst_of_loss_and_not_a_block(coturn: Coturn, tmp_path: Path) -> None:
    up = Faults(blackout_s=((0.2, 0.5),))
    with RelayProcess(("127.0.0.1", coturn.port), tmp_path / "truth", up=up) as relay:
        stream = stream_to(Target("a", *relay.address), duration_s=1)[0]
    assert stream.reason is None
    assert stream.loss_burst_max is not None
    assert stream.loss_burst_max == stream.lost >= 10
    assert stream.burst_density == 1.0


def test_a_swallowed_path_is_a_timeout(coturn: Coturn, tmp_path: Path) -> None:
    with RelayProcess(("127.0.0.1", coturn.port), tmp_path / "truth", up=Faults(loss_ratio=1)) as relay:
        stream = stream_to(Target("a", *relay.address), duration_s=0.3)[0]
    assert (stream.reason, stream.received) == ("timeout", 0)
