"""What becomes of packets: drawn from a seed, the same every run."""

from __future__ import annotations

import statistics

import msgspec
import pytest

from voicediag.reflector.faults import Direction, Distribution, Fate, Faults

MS = 1_000_000
STEP = 20 * MS


def fates(faults: Faults, count: int = 2000, seed: int = 1) -> list[Fate]:
    direction = Direction(faults, seed, "up")
    return [direction.fate(index * STEP, index * STEP) for index in range(count)]


def delays(found: list[Fate]) -> list[float]:
    return [(fate.depart_ns[0] - index * STEP) / MS for index, fate in enumerate(found) if fate.depart_ns]


ALL = Faults(
    delay_ms=10,
    jitter_ms=5,
    jitter="normal",
    loss_ratio=0.05,
    burst_ratio=0.01,
    duplicate_ratio=0.05,
    reorder_ratio=0.05,
)


def test_the_same_seed_gives_the_same_fates() -> None:
    assert fates(ALL) == fates(ALL)
    assert fates(ALL) != fates(ALL, seed=2)


def test_the_two_directions_of_a_seed_differ() -> None:
    down = Direction(ALL, 1, "down")
    assert [down.fate(index * STEP, index * STEP) for index in range(100)] != fates(ALL, 100)


def test_a_perfect_path_lets_everything_through_at_once() -> None:
    assert fates(Faults(), 3) == [Fate(None, (0,)), Fate(None, (STEP,)), Fate(None, (2 * STEP,))]


def test_the_share_of_loss_and_of_copies() -> None:
    found = fates(Faults(loss_ratio=0.1, duplicate_ratio=0.2), 20_000)
    assert sum(fate.dropped == "loss" for fate in found) == pytest.approx(2000, abs=150)
    assert sum(len(fate.depart_ns) == 2 for fate in found) == pytest.approx(18_000 * 0.2, abs=200)


def test_a_burst_drops_as_many_as_it_says() -> None:
    found = fates(Faults(burst_ratio=0.005, burst_length=7), 5000)
    runs = "".join("x" if fate.dropped == "burst" else "." for fate in found).split(".")
    lengths = {len(run) for run in runs if run}
    assert lengths
    assert all(length % 7 == 0 for length in lengths)


def test_a_blackout_drops_its_span() -> None:
    found = fates(Faults(blackout_s=((1.0, 2.0), (3.0, 3.1))), 200)
    assert [index for index, fate in enumerate(found) if fate.dropped == "blackout"] == [
        *range(50, 100),
        *range(150, 155),
    ]


@pytest.mark.parametrize(
    ("shape", "mean", "spread"),
    [
        ("uniform", 4.0, 8 / 12**0.5),
        ("exponential", 8.0, 8.0),
        ("normal", 8 * (2 / 3.14159) ** 0.5, 8 * (1 - 2 / 3.14159) ** 0.5),
    ],
)
def test_the_distributions_of_jitter(shape: Distribution, mean: float, spread: float) -> None:
    found = delays(fates(Faults(delay_ms=5, jitter_ms=8, jitter=shape, keeps_order=False), 20_000))
    assert min(found) >= 5
    assert statistics.fmean(found) - 5 == pytest.approx(mean, rel=0.05)
    assert statistics.pstdev(found) == pytest.approx(spread, rel=0.05)


def test_a_queue_keeps_the_order_and_no_queue_does_not() -> None:
    wild = Faults(jitter_ms=200)
    kept = [fate.depart_ns[0] for fate in fates(wild)]
    assert kept == sorted(kept)
    loose = [fate.depart_ns[0] for fate in fates(msgspec.structs.replace(wild, keeps_order=False))]
    assert loose != sorted(loose)


def test_only_held_packets_are_overtaken() -> None:
    found = delays(fates(Faults(reorder_ratio=0.1, reorder_ms=50)))
    assert set(found) == {0.0, 50.0}
    assert found.count(50.0) == pytest.approx(200, abs=50)


@pytest.mark.parametrize(
    "bad", [{"loss_ratio": 1.5}, {"duplicate_ratio": -0.1}, {"delay_ms": -1}, {"burst_length": 0}, {"jitter_ms": -1}]
)
def test_faults_out_of_range(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        msgspec.convert(bad, Faults)
