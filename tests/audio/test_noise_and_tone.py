from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.audio.signals import noise, sine, talk
from voicediag.audio.blocks import Signal
from voicediag.audio.noise import NoiseFloor
from voicediag.audio.tone import Tone, ToneMeter


def floor_of(powers: Signal, is_zero: np.ndarray | None = None) -> float | None:
    meter = NoiseFloor()
    for part in np.array_split(np.arange(len(powers)), 3):
        meter.add(powers[part], np.zeros(len(part), dtype=bool) if is_zero is None else is_zero[part])
    return meter.result()


@given(st.lists(st.floats(1e-11, 1.0), min_size=3, max_size=300))
def test_the_floor_is_the_tenth_percentile(powers: list[float]) -> None:
    found = floor_of(np.array(powers))
    assert found is not None
    assert found == pytest.approx(np.percentile(10 * np.log10(powers), 10), abs=0.03)


def test_digital_zero_is_left_out() -> None:
    powers = np.array([0.0] * 90 + [1e-6] * 10)
    assert floor_of(powers, powers == 0) == pytest.approx(-60, abs=0.02)
    assert floor_of(np.zeros(10), np.ones(10, dtype=bool)) is None


def tone_of(x: Signal, expected_hz: float, rate_hz: int = 48000) -> Tone | None:
    meter = ToneMeter(rate_hz, expected_hz)
    for start in range(0, len(x), rate_hz):
        meter.add(x[start : start + rate_hz])
    return meter.result()


@settings(max_examples=40, deadline=None)
@given(
    frequency=st.floats(50, 7900),
    offset=st.floats(-0.01, 0.01),
    level=st.floats(-60, -3.1),
    rate_hz=st.sampled_from([16000, 44100, 48000]),
)
@example(frequency=50.0, offset=-0.0078125, level=-4.0, rate_hz=16000)
def test_a_tone_is_found_with_its_own_frequency_and_level(
    frequency: float, offset: float, level: float, rate_hz: int
) -> None:
    true_hz = min(frequency * (1 + offset), rate_hz * 0.49)
    x = sine(true_hz, 3, rate_hz, math.sqrt(2) * 10 ** (level / 20)) + noise(3, rate_hz, 10 ** ((level - 60) / 20))
    found = tone_of(x, frequency, rate_hz)
    assert found is not None
    assert found.frequency_hz == pytest.approx(true_hz, abs=0.02)
    assert found.level_dbfs == pytest.approx(level, abs=0.02)
    assert found.thdn_db == pytest.approx(-60, abs=0.5)


def test_a_clean_tone_has_no_distortion_worth_naming() -> None:
    found = tone_of(np.rint(sine(997, 5, amplitude=0.355) * 32768) / 32768, 997)
    assert found is not None
    assert found.thdn_db < -80


@pytest.mark.parametrize("share", [0.1, 0.01])
def test_distortion_is_measured(share: float) -> None:
    found = tone_of(sine(1000, 3, amplitude=0.3) + sine(3000, 3, amplitude=0.3 * share), 1000)
    assert found is not None
    assert found.thdn_db == pytest.approx(10 * math.log10(share**2 / (1 + share**2)), abs=0.01)


def test_a_tone_that_begins_late_and_ends_early_keeps_its_level() -> None:
    x = np.concatenate((np.zeros(60000), sine(1000, 3.3, amplitude=0.1), np.zeros(70000))) + noise(
        (60000 + 158400 + 70000) / 48000, rms=1e-5
    )
    found = tone_of(x, 1000)
    assert found is not None
    assert found.level_dbfs == pytest.approx(-23.0103, abs=0.02)
    assert found.thdn_db == pytest.approx(-77, abs=0.5)


@pytest.mark.parametrize(
    "x",
    [
        noise(6),
        np.zeros(6 * 48000),
        talk(6),
        talk(6, seed=5),
        sine(1100, 6, amplitude=0.5),
        np.zeros(10),
        np.zeros(0),
    ],
    ids=["noise", "silence", "speech", "other speech", "another tone", "ten samples", "nothing"],
)
def test_no_tone_is_found_where_none_is(x: Signal) -> None:
    assert tone_of(x, 1000) is None


def test_a_tone_above_half_the_rate_cannot_be_found() -> None:
    assert tone_of(noise(2, 8000), 5000, 8000) is None
