"""Hum, bandwidth, gaps and movement of the level on signals whose numbers are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.recordings import mains
from tests.audio.signals import Sound, noise, sine, stereo, talk
from tests.audio.voices import resampled
from voicediag.audio.analysis import Analysis, analyse
from voicediag.audio.blocks import Signal
from voicediag.audio.dropouts import DropoutMeter
from voicediag.audio.hum import Hum, HumMeter
from voicediag.audio.movement import GainDrift, LevelDeviation


def analysed(x: Signal, rate_hz: int = 48000) -> Analysis:
    return analyse(Sound(stereo(x), rate_hz))


def hum_in(x: Signal, rate_hz: int = 16000) -> Hum | None:
    meter = HumMeter(rate_hz, rate_hz // 50)
    for start in range(0, len(x), rate_hz):
        meter.add(x[start : start + rate_hz])
    return meter.result()


# --- hum --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("line_hz", [50.0, 60.0])
def test_hum_of_50_dbfs_under_speech_is_found(line_hz: float, rate_hz: int) -> None:
    line = mains(8.0, rate_hz, line_hz, {1: 1.0, 3: 0.3}) * 10 ** (-50 / 20)
    found = analysed(talk(8.0, rate_hz) + line, rate_hz).hum
    assert found is not None
    assert found.frequency_hz == line_hz
    assert found.level_dbfs == pytest.approx(-50, abs=1.5)
    assert found.prominence_db > 20


@settings(max_examples=30, deadline=None)
@given(
    nominal_hz=st.sampled_from([50.0, 60.0]),
    off=st.floats(-0.2, 0.2),
    level_dbfs=st.floats(-60, -10),
    harmonics=st.dictionaries(st.integers(3, 12), st.floats(0.1, 1.0), max_size=4),
)
def test_the_level_is_that_of_all_lines_together(
    nominal_hz: float, off: float, level_dbfs: float, harmonics: dict[int, float]
) -> None:
    lines = mains(5.0, 16000, nominal_hz + off, {1: 1.0, **harmonics}) * 10 ** (level_dbfs / 20)
    found = hum_in(lines + noise(5.0, 16000, 10 ** ((level_dbfs - 40) / 20)))
    assert found is not None
    assert found.frequency_hz == nominal_hz
    assert found.level_dbfs == pytest.approx(level_dbfs, abs=2.0)


@pytest.mark.parametrize("line_hz", [100.0, 120.0])
def test_the_ripple_of_a_rectifier_is_hum_of_its_mains(line_hz: float) -> None:
    found = hum_in(sine(line_hz, 5.0, 16000, 0.01) + noise(5.0, 16000, 1e-4))
    assert found is not None
    assert found.frequency_hz == line_hz / 2


@pytest.mark.parametrize("tone_hz", [440.0, 600.0, 1000.0])
def test_a_tone_is_no_hum(tone_hz: float) -> None:
    assert hum_in(sine(tone_hz, 5.0, 16000, 0.3) + noise(5.0, 16000, 1e-4)) is None


@pytest.mark.parametrize("slope", [0, 1, 2])
def test_noise_is_no_hum(slope: float) -> None:
    assert [hum_in(noise(6.0, 16000, 0.1, slope, seed)) for seed in range(8)] == [None] * 8


def test_hum_that_sounds_half_of_the_time_is_something_else() -> None:
    line = sine(50, 12.0, 16000, 0.01)
    line[: len(line) // 2] = 0
    assert hum_in(line + noise(12.0, 16000, 1e-4)) is None


def test_too_short_for_hum_is_not_measured() -> None:
    assert hum_in(sine(50, 2.0, 16000)) is None


# --- bandwidth --------------------------------------------------------------------------------------------------------


def test_telephone_sound_at_a_high_rate_shows_its_bandwidth() -> None:
    narrow = resampled(resampled(talk(8.0, rms=0.05), 48000, 8000), 8000, 48000)
    bandwidth_hz = analysed(narrow + noise(8.0, rms=1e-5)).bandwidth_hz
    assert bandwidth_hz is not None
    assert 3400 <= bandwidth_hz <= 4000


def test_speech_with_hisses_has_the_whole_band() -> None:
    bandwidth_hz = analysed(talk(8.0, 16000, 0.05), 16000).bandwidth_hz
    assert bandwidth_hz is not None
    assert bandwidth_hz >= 7500


def test_where_noise_may_hide_the_hisses_no_bandwidth_is_told() -> None:
    narrow = resampled(resampled(talk(8.0, rms=0.05), 48000, 8000), 8000, 48000)
    assert analysed(narrow + noise(8.0, rms=0.02)).bandwidth_hz is None


def test_without_speech_there_is_no_bandwidth() -> None:
    assert analysed(noise(6.0, rms=0.05)).bandwidth_hz is None


# --- gaps -------------------------------------------------------------------------------------------------------------


def gaps_in(x: Signal, rate_hz: int = 16000) -> int | None:
    meter = DropoutMeter(rate_hz, rate_hz // 50)
    for start in range(0, len(x), rate_hz):
        meter.add(x[start : start + rate_hz])
    return meter.result()


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.integers(3, 55), unique=True, max_size=8),
    length_ms=st.integers(13, 90),
    kind=st.sampled_from(["zero", "held"]),
    rate_hz=st.sampled_from([8000, 16000, 44100]),
)
def test_every_gap_in_steady_sound_is_counted(places: list[int], length_ms: int, kind: str, rate_hz: int) -> None:
    x = noise(6.0, rate_hz, 0.1)
    for place in places:
        start = place * rate_hz // 10 + 7
        stop = start + length_ms * rate_hz // 1000
        x[start:stop] = 0 if kind == "zero" else x[start]
    assert gaps_in(x, rate_hz) == len(places)


def test_short_holes_and_long_pauses_are_no_gaps() -> None:
    x = noise(8.0, 16000, 0.1)
    x[16000:16080] = 0
    x[48000:72000] = 0
    assert gaps_in(x) == 0


def test_pauses_that_hold_the_noise_of_the_room_are_no_gaps() -> None:
    x = talk(10.0, 16000)
    for start in range(16000, 140000, 16000):
        x[start : start + 800] = 0
    assert gaps_in(x + noise(10.0, 16000, 1e-3)) == 0


def test_sound_that_fades_is_no_gap() -> None:
    x = noise(6.0, 16000, 0.1)
    fade = np.concatenate((np.linspace(1, 0, 480), np.zeros(800), np.linspace(0, 1, 480)))
    for start in range(16000, 80000, 16000):
        x[start : start + len(fade)] *= fade
    assert gaps_in(x) == 0


def test_silence_has_no_gaps_to_count() -> None:
    assert gaps_in(np.zeros(32000)) is None
    assert gaps_in(np.zeros(0)) is None


# --- movement ---------------------------------------------------------------------------------------------------------


def drift(level_db: Signal) -> float | None:
    meter = GainDrift()
    is_speech = np.ones(len(level_db), dtype=np.bool_)
    for start in range(0, len(level_db), 333):
        meter.add(10 ** (level_db[start : start + 333] / 10), is_speech[start : start + 333])
    return meter.result()


def test_a_steady_level_does_not_drift() -> None:
    assert drift(np.full(1000, -30.0)) == 0.0


@pytest.mark.parametrize("swing_db", [12.0, 20.0])
def test_a_slow_swing_is_measured_less_what_is_natural(swing_db: float) -> None:
    t = np.arange(1500) * 0.02
    found = drift(-30 + swing_db / 2 * np.sin(2 * np.pi * 0.15 * t))
    assert found == pytest.approx(0.951 * swing_db - 6, abs=1.5)  # 10th to 90th percentile of a sine


def test_syllables_are_no_drift() -> None:
    t = np.arange(1500) * 0.02
    assert drift(-30 + 10 * np.sin(2 * np.pi * 4 * t)) == 0.0


def test_little_speech_has_no_drift() -> None:
    assert drift(np.full(100, -30.0)) is None
    meter = GainDrift()
    meter.add(np.ones(1000), np.zeros(1000, dtype=np.bool_))
    assert meter.result() is None


def test_an_hour_is_kept_in_few_points() -> None:
    t = np.arange(180_000) * 0.02
    found = drift(-30 + 10 * np.sin(2 * np.pi * t / 300))
    assert found == pytest.approx(20 * 0.951 - 6, abs=0.5)


def deviation(x: Signal, rate_hz: int = 16000) -> float | None:
    meter = LevelDeviation(rate_hz)
    for start in range(0, len(x), 10_007):
        meter.add(x[start : start + 10_007])
    return meter.result()


def test_level_std_by_construction() -> None:
    # Half of the blocks at 0.1, half at 0.3: 0.1 off their mean.
    square = np.tile(np.repeat((0.1, 0.3), 800), 100)
    assert deviation(square) == pytest.approx(0.1 * 32767, rel=1e-6)
    assert deviation(np.full(160_000, 0.5)) == pytest.approx(0, abs=1e-6)
    assert deviation(np.full(159_999, 0.5)) is None


def test_pauses_of_digital_silence_between_sharp_sounds_are_no_gaps() -> None:
    # A voice made by a program, or a noise gate: bursts that begin and end sharply, nothing at all between them.
    x = noise(6.0, 16000, 0.1)
    for start in range(8000, 90000, 9000):
        x[start : start + 1600] = 0
        ramp = np.linspace(1, 0, 800) ** 2
        x[start + 3000 : start + 3800] *= ramp
        x[start + 3800 : start + 6000] = 0
    assert gaps_in(x) == 0
