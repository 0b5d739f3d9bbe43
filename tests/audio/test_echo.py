"""The probe is found where it was put: delays, levels, rooms and noise by construction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.audio.signals import noise, sine, talk
from voicediag.audio.blocks import Signal
from voicediag.audio.duplex import heard_tone
from voicediag.audio.echo import FOUND_DB, Arrival, clock, fades, find, find_tone, highest_hz, probe, tone
from voicediag.audio.tone import Tone

RATE = 48000
TOP = highest_hz(RATE)
EXPECTED = RATE // 2
RATES = [8000, 16000, 44100, 48000]


def heard(at_s: float, gain_db: float = 0.0, rate_hz: int = RATE, background: Signal | None = None) -> Signal:
    """Three seconds in which the probe starts at `at_s`, to a part of a frame."""
    sent = probe(rate_hz, highest_hz(rate_hz))
    x = np.zeros(3 * rate_hz)
    x[: len(sent)] = sent * 10 ** (gain_db / 20)
    turn = -2j * np.pi * np.fft.rfftfreq(len(x), 1 / rate_hz) * at_s
    late: Signal = np.fft.irfft(np.fft.rfft(x) * np.exp(turn), len(x))
    return late if background is None else late + background[: len(late)]


def found(x: Signal, rate_hz: int = RATE) -> Arrival:
    arrival = find(x, rate_hz, highest_hz(rate_hz), rate_hz // 2)
    assert arrival is not None
    return arrival


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("delay_ms", [0.0, 3.333, 41.07, 250.5, 900.0])
def test_a_delay_is_found_to_a_hundredth_of_a_millisecond(rate_hz: int, delay_ms: float) -> None:
    arrival = found(heard(0.5 + delay_ms / 1000, rate_hz=rate_hz), rate_hz)
    assert arrival.is_found
    assert 1000 * (arrival.at / rate_hz - 0.5) == pytest.approx(delay_ms, abs=0.01)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("gain_db", [0.0, -20.0, -60.0])
def test_its_level_is_that_of_what_was_heard(rate_hz: int, gain_db: float) -> None:
    sent = probe(rate_hz, highest_hz(rate_hz))
    expected = 10 * math.log10(float(np.mean(sent**2))) + gain_db
    assert found(heard(0.6, gain_db, rate_hz), rate_hz).level_dbfs == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("slope", [0, 1, 2])
@pytest.mark.parametrize("snr_db", [10, 0, -10])
def test_it_is_found_in_noise_louder_than_itself(slope: int, snr_db: float) -> None:
    level = 10 ** (-(snr_db + 5.5) / 20)
    for seed in range(5):
        arrival = found(heard(0.6, background=noise(3, rms=level, slope=slope, seed=seed)))
        assert arrival.is_found
        assert arrival.at / RATE == pytest.approx(0.6, abs=0.0005)
        assert arrival.level_dbfs == pytest.approx(-5.5, abs=1.5)


def other_sound(kind: str, seed: int) -> Signal:
    t = np.arange(3 * RATE) / RATE
    match kind:
        case "white" | "pink" | "brown":
            return noise(3, slope=["white", "pink", "brown"].index(kind), seed=seed)
        case "speech":
            return talk(3, seed=seed)
        case "tone":
            return sine(200 + 400 * seed, 3)
        case "hum":
            return np.sum([sine((50 + seed) * k, 3, amplitude=1 / k) for k in range(1, 20)], axis=0)  # type: ignore[no-any-return]
        case "sweep":
            swept: Signal = np.sin(2 * np.pi * (100 * t + (300 + 100 * seed) * t**2))
            return swept
        case _:
            random = np.random.default_rng(seed)
            clicks: Signal = (random.random(len(t)) < 1e-4) * random.standard_normal(len(t))
            return clicks


@pytest.mark.parametrize("kind", ["white", "pink", "brown", "speech", "tone", "hum", "sweep", "clicks"])
def test_nothing_else_is_taken_for_it(kind: str) -> None:
    for seed in range(10):
        assert found(other_sound(kind, seed)).peak_to_sidelobe_db < FOUND_DB / 2


def test_silence_and_scraps_hold_no_probe() -> None:
    assert find(np.zeros(3 * RATE), RATE, TOP, EXPECTED) is None
    assert find(noise(1), RATE, TOP, EXPECTED) is None
    assert find(np.zeros(0), RATE, TOP, EXPECTED) is None


def test_a_direct_sound_comes_before_a_stronger_reflection() -> None:
    x = heard(0.6) * 0.7 + heard(0.607)
    assert found(x).at / RATE == pytest.approx(0.6, abs=0.0005)


@pytest.mark.parametrize("rt60_s", [0.2, 0.5])
def test_a_room_blurs_neither_delay_nor_level(rt60_s: float) -> None:
    random = np.random.default_rng(3)
    t = np.arange(round(0.3 * RATE)) / RATE
    room = random.standard_normal(len(t)) * 10 ** (-3 * t / rt60_s) * 0.02
    room[0] = 1.0
    x = np.convolve(heard(0.6)[: 2 * RATE], room)[: 3 * RATE]
    x = np.pad(x, (0, 3 * RATE - len(x)))
    arrival = found(x + noise(3, rms=1e-4))
    # What this room does to the probe's power, whose spectrum is flat from 150 to 7000 Hz.
    response = np.abs(np.fft.rfft(room, RATE)[150:7000]) ** 2
    assert arrival.is_found
    assert arrival.at / RATE == pytest.approx(0.6, abs=0.0005)
    assert arrival.level_dbfs == pytest.approx(-5.45 + 10 * math.log10(response.mean()), abs=0.3)


def test_the_other_polarity_and_a_clipping_speaker_hide_nothing() -> None:
    assert found(-heard(0.6)).at / RATE == pytest.approx(0.6, abs=0.0005)
    assert found(np.clip(heard(0.6), -0.1, 0.1)).at / RATE == pytest.approx(0.6, abs=0.0005)


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_probe_is_the_same_every_time_flat_and_without_a_click(rate_hz: int) -> None:
    top = highest_hz(rate_hz)
    x = probe(rate_hz, top)
    assert np.array_equal(x, probe(rate_hz, top))
    assert np.abs(x).max() == 1
    assert -6 < 10 * math.log10(float(np.mean(x**2))) < -4.5
    assert abs(x[0]) < 1e-3
    assert abs(x[-1]) < 1e-3
    # Thirds of an octave all have the same density.
    power = np.abs(np.fft.rfft(x)) ** 2
    densities = [power[round(f) : round(f * 1.26)].mean() for f in 200 * 1.26 ** np.arange(12)]
    assert max(densities) < 1.2 * min(densities)


def test_it_is_the_same_sound_at_two_rates() -> None:
    low, high = probe(16000, 7000.0), probe(48000, 7000.0)
    assert high[::3] / np.sqrt(np.mean(high**2)) == pytest.approx(low / np.sqrt(np.mean(low**2)), abs=0.01)


def test_fades_have_no_corner_and_fit_any_length() -> None:
    gain = fades(RATE, RATE)
    assert gain[0] == 0
    assert gain[RATE // 2] == 1
    assert np.abs(np.diff(gain, 2)).max() < 1e-5
    assert len(fades(1, RATE)) == 1


# The clock of a stream -----------------------------------------------------------------------------------------------


def test_a_late_callback_does_not_move_the_clock() -> None:
    blocks = [(100.0 + n * 0.01, n * 480) for n in range(100)]
    late = [(at + (0.2 if n in (7, 50, 51) else 0.0), frame) for n, (at, frame) in enumerate(blocks)]
    told = clock(late, RATE, 0, math.inf)
    assert told is not None
    # A block of 10 ms passes at once: its middle 5 ms before its end.
    assert told.start_s == pytest.approx(99.995, abs=1e-4)
    assert told.scatter_s < 1e-9


def test_it_does_not_matter_how_periods_are_cut_or_bundled() -> None:
    whole = [(n * 0.02, n * 960) for n in range(100)]
    cut = sorted([*whole, *((at, frame + 100 + 7 * n) for n, (at, frame) in enumerate(whole))])
    plain, split = (clock(blocks, RATE, 0, math.inf) for blocks in (whole, cut))
    assert plain is not None
    assert split is not None
    assert split.start_s == pytest.approx(plain.start_s, abs=2e-4)
    bundled = clock([(n // 4 * 0.04, n * 480) for n in range(101)], RATE, 0, math.inf)
    assert bundled is not None
    assert bundled.start_s == pytest.approx(-0.02, abs=5e-4)
    assert bundled.scatter_s > 0.005


def test_the_clock_is_read_where_it_matters() -> None:
    # Half a second is lost in the middle: frames after it come that much later.
    blocks = [(10.0 + n * 0.01 + (0.5 if n >= 50 else 0.0), n * 480) for n in range(100)]
    before, after = clock(blocks, RATE, 0, 49 * 480), clock(blocks, RATE, 50 * 480, math.inf)
    assert before is not None
    assert after is not None
    assert after.start_s - before.start_s == pytest.approx(0.5)
    assert clock(blocks, RATE, 1e9, math.inf) is None
    assert clock([], RATE, 0, math.inf) is None


# The tone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("frequency_hz", [440.0, 1000.0, 3150.0])
def test_a_clean_tone_has_no_distortion(rate_hz: int, frequency_hz: float) -> None:
    x = np.zeros(5 * rate_hz)
    sent = 0.355 * tone(frequency_hz, 2.0, rate_hz)
    begin = round(1.2345 * rate_hz)
    x[begin : begin + len(sent)] = sent
    got = find_tone(x.astype(np.float32).astype(np.float64), rate_hz, frequency_hz)
    assert got is not None
    assert got.frequency_hz == pytest.approx(frequency_hz, abs=0.01)
    assert got.level_dbfs == pytest.approx(20 * math.log10(0.355 / math.sqrt(2)), abs=0.02)
    assert got.thdn_db <= -80


def test_the_shortest_tone_is_found_wherever_it_falls() -> None:
    for begin in range(RATE, RATE + 24000, 2400):
        x = noise(4, rms=1e-4)
        sent = 0.1 * tone(1000.0, 1.5, RATE)
        x[begin : begin + len(sent)] += sent
        assert find_tone(x, RATE, 1000.0) is not None


@pytest.mark.parametrize("harmonic_db", [-20.0, -40.0])
def test_a_harmonic_is_distortion_of_its_size(harmonic_db: float) -> None:
    x = sine(1000, 2, amplitude=0.2) + sine(3000, 2, amplitude=0.2 * 10 ** (harmonic_db / 20))
    got = find_tone(x, RATE, 1000.0)
    assert got is not None
    assert heard_tone(got, -120.0).distortion_db == pytest.approx(harmonic_db, abs=0.1)


def test_the_rooms_noise_is_no_distortion() -> None:
    quiet_tone = sine(1000, 2, amplitude=0.01)
    room = noise(2, rms=0.003)
    got = find_tone(quiet_tone + room, RATE, 1000.0)
    assert got is not None
    assert got.thdn_db > -10
    assert heard_tone(got, 20 * math.log10(0.003)).distortion_db is None
    assert heard_tone(got, -80.0).distortion_db == pytest.approx(got.thdn_db, abs=0.1)
    assert heard_tone(got, None).distortion_db is None


def test_noise_is_taken_off_where_both_are_there() -> None:
    x = sine(1000, 3, amplitude=0.2) + sine(2000, 3, amplitude=0.02) + noise(3, rms=0.01)
    got = find_tone(x, RATE, 1000.0)
    assert got is not None
    assert got.thdn_db > -18.5
    assert heard_tone(got, -40.0).distortion_db == pytest.approx(-20, abs=0.3)


def test_nothing_but_the_tone_is_a_ratio_that_can_be_written() -> None:
    told = heard_tone(Tone(1000.0, -20.0, 0.0), -120.0)
    assert told.distortion_db is not None
    assert math.isfinite(told.distortion_db)
