from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.audio.signals import noise, sine, stereo, talk
from voicediag.audio.blocks import Samples, Signal
from voicediag.audio.levels import MAX_POINTS, LevelMeter, LevelTrace
from voicediag.model.results.audio import ChannelLevels


def measured(*channels: Signal) -> tuple[ChannelLevels, ...]:
    meter = LevelMeter(len(channels))
    samples = stereo(*channels)
    for start in range(0, len(samples), 48000):
        meter.add(samples[start : start + 48000])
    return meter.results()


def clipped_ratio(x: Signal) -> float:
    ratio = measured(x)[0].clipped_ratio
    assert ratio is not None
    return ratio


def as_bits(x: Signal, bits: int) -> Signal:
    scale = 2.0 ** (bits - 1)
    return np.clip(np.rint(x * scale), -scale, scale - 1) / scale


def test_a_full_scale_sine_is_minus_3_01() -> None:
    (levels,) = measured(sine(1000, 1))
    assert levels.rms_dbfs == pytest.approx(-3.0103, abs=1e-3)
    assert levels.peak_dbfs == pytest.approx(0.0, abs=1e-3)
    assert levels.crest_db == pytest.approx(3.0103, abs=1e-3)
    assert levels.dc_offset == pytest.approx(0.0, abs=1e-6)
    assert levels.clipped_ratio == 0


def test_a_full_scale_square_is_0_and_all_of_it_is_flat() -> None:
    (levels,) = measured(np.sign(sine(500, 1) + 1e-9))
    assert levels.rms_dbfs == pytest.approx(0.0, abs=1e-6)
    assert levels.crest_db == pytest.approx(0.0, abs=1e-6)
    assert levels.clipped_ratio == 1.0


def test_each_channel_has_its_own_levels_and_dc_counts() -> None:
    left, right = measured(sine(1000, 2, amplitude=0.1), np.full(96000, 0.25))
    assert left.rms_dbfs == pytest.approx(-23.0103, abs=1e-3)
    assert right.rms_dbfs == pytest.approx(-12.0412, abs=1e-3)
    assert right.dc_offset == pytest.approx(0.25)
    assert right.clipped_ratio == 0  # constant, but no top


def test_silence_is_the_floor_and_has_no_clipping_to_tell() -> None:
    (levels,) = measured(np.zeros(48000))
    assert levels == ChannelLevels(rms_dbfs=-120, peak_dbfs=-120, crest_db=0, dc_offset=0, clipped_ratio=None)
    assert LevelMeter(2).results() == ()


def test_samples_far_beyond_full_scale_are_numbers() -> None:
    (levels,) = measured(np.array([1e38, -1e38, 0.0]))
    assert levels.peak_dbfs == pytest.approx(760, abs=0.1)


@settings(max_examples=60, deadline=None)
@given(
    frequency=st.floats(15, 23000),
    amplitude=st.floats(0.004, 1.0),
    bits=st.sampled_from([8, 16, 24, None]),
    gain=st.sampled_from([1.0, 0.37]),
)
@example(frequency=15.0, amplitude=0.03125, bits=8, gain=0.37)
def test_a_clean_sine_never_clips(frequency: float, amplitude: float, bits: int | None, gain: float) -> None:
    x = sine(frequency, 1, amplitude=amplitude)
    # One step below full scale: rounding must not clip.
    x = x if bits is None else as_bits(x * (1 - 2.0 ** (1 - bits)), bits)
    assert measured(x * gain)[0].clipped_ratio in (0, None)


@settings(max_examples=40, deadline=None)
@given(
    frequency=st.floats(60, 3000),
    drive=st.floats(1.3, 8.0),
    bits=st.sampled_from([16, 24, None]),
    turned_down_to=st.floats(0.05, 1.0),
)
def test_a_clipped_sine_is_found_at_full_scale_and_below_it(
    frequency: float, drive: float, bits: int | None, turned_down_to: float
) -> None:
    x = np.clip(sine(frequency, 1, amplitude=drive), -1, 1)
    turned = x * turned_down_to
    turned = turned if bits is None else as_bits(turned, bits)
    # Rounding makes a top longer: a sample just below it becomes one of it.
    truth = float(np.mean((turned == turned.max()) | (turned == turned.min())))
    # Tops of one or two samples are none by definition: a period of 48000/f samples has two of them.
    assert clipped_ratio(turned) == pytest.approx(truth, abs=4 * frequency / 48000)
    assert clipped_ratio(turned) > 0.005


def test_loud_speech_that_is_not_clipped_has_no_flat_tops() -> None:
    for seed in range(5):
        x = talk(6, seed=seed)
        assert clipped_ratio(as_bits(x / np.abs(x).max(), 16)) == 0


def test_clipped_speech_has() -> None:
    x = talk(6)
    clipped = np.clip(x / np.abs(x).max() * 3, -1, 1)
    assert clipped_ratio(as_bits(clipped, 16)) == pytest.approx(np.mean(np.abs(clipped) == 1), rel=0.2)


def dithered(x: Signal, seed: int = 3) -> Signal:
    """To 16 bits with triangular dither of ±1 step."""
    random = np.random.default_rng(seed)
    return as_bits(x + (random.random(len(x)) - random.random(len(x))) / 32768, 16)


@pytest.mark.parametrize("turned_down_to", [0.9, 0.25, 0.05])
def test_dither_does_not_hide_clipping(turned_down_to: float) -> None:
    x = talk(6)
    clipped = np.clip(x / np.abs(x).max() * 3, -1, 1)
    truth = np.mean(np.abs(clipped) == 1)
    assert clipped_ratio(dithered(clipped * turned_down_to)) == pytest.approx(truth, rel=0.3)


@settings(max_examples=40, deadline=None)
@given(frequency=st.floats(15, 23000), amplitude=st.floats(0.004, 0.99))
def test_dither_makes_no_clipping(frequency: float, amplitude: float) -> None:
    assert measured(dithered(sine(frequency, 1, amplitude=amplitude)))[0].clipped_ratio in (0, None)


@pytest.mark.parametrize("hold", [3, 6])
def test_samples_that_a_converter_holds_are_no_flat_tops(hold: int) -> None:
    assert clipped_ratio(np.repeat(as_bits(talk(6, 48000 // hold) * 0.3, 16), hold)) < 0.0005


def test_telephone_coding_makes_no_flat_tops() -> None:
    x = talk(6, 8000)
    x = x / np.abs(x).max() * 0.9
    mu = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    coarse = np.sign(mu) * ((256 ** np.abs(np.rint(mu * 127) / 127)) - 1) / 255
    assert clipped_ratio(coarse) < 0.0005


def test_low_noise_of_a_converter_is_not_judged() -> None:
    assert measured(as_bits(noise(2, rms=3e-5), 16))[0].clipped_ratio is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_a_trace_keeps_its_energy_and_its_peaks(values: list[float]) -> None:
    powers = np.array(values)
    trace = LevelTrace(48000, 960)
    trace.add(powers, np.sqrt(powers))
    series = trace.result()
    assert series is not None
    assert series.t_ms == tuple(20.0 * n for n in range(len(values)))
    assert max(series.peak_dbfs) == max(series.rms_dbfs)


def test_a_long_trace_stays_small() -> None:
    trace = LevelTrace(48000, 960)
    powers = np.full(1000, 0.01)
    for _ in range(20):
        trace.add(powers, np.sqrt(powers))
    trace.add(np.array([1.0]), np.array([1.0]))
    series = trace.result()
    assert series is not None
    assert MAX_POINTS / 2 <= len(series.t_ms) <= MAX_POINTS
    assert series.t_ms[1] == 640.0
    assert set(series.rms_dbfs[:-1]) == {-20.0}
    assert series.peak_dbfs[-1] == 0.0


def test_a_trace_of_nothing_is_none() -> None:
    assert LevelTrace(48000, 960).result() is None


def test_results_do_not_depend_on_channel_layout() -> None:
    x = sine(440, 1, amplitude=0.3)
    samples: Samples = stereo(x, x)
    meter = LevelMeter(2)
    meter.add(np.asfortranarray(samples))
    assert meter.results() == measured(x, x)
