from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.signals import noise, sine, speech_ratio, talk
from voicediag.audio.blocks import Signal
from voicediag.audio.speech import SPOKEN_RATIO, ActiveLevel
from voicediag.judge.thresholds import MIC_NO_SPEECH


def active(x: Signal, rate_hz: int = 48000) -> tuple[float, float] | None:
    meter = ActiveLevel(rate_hz)
    for start in range(0, len(x), rate_hz):
        meter.add(x[start : start + rate_hz])
    return meter.result()


def by_the_letter(x: Signal, rate_hz: int) -> tuple[float, float]:
    """ITU-T P.56 method B sample by sample, with thresholds a factor of two apart, as section 5 writes it."""
    g = math.exp(-1 / (rate_hz * 0.03))
    hangover = round(0.2 * rate_hz)
    thresholds = [2.0**-power for power in range(16, 0, -1)]
    counts = [0] * len(thresholds)
    since = [hangover] * len(thresholds)
    p = q = square = 0.0
    for sample in x.tolist():
        square += sample * sample
        p = g * p + (1 - g) * abs(sample)
        q = g * q + (1 - g) * p
        for j, threshold in enumerate(thresholds):
            if q >= threshold:
                counts[j] += 1
                since[j] = 0
            elif since[j] < hangover:
                counts[j] += 1
                since[j] += 1
    levels = [10 * math.log10(square / count) if count else math.inf for count in counts]
    differences = [level - 20 * math.log10(threshold) for level, threshold in zip(levels, thresholds, strict=True)]
    j = next(index for index, difference in enumerate(differences) if difference <= 15.9)
    share = (differences[j - 1] - 15.9) / (differences[j - 1] - differences[j])
    level = levels[j - 1] + share * (levels[j] - levels[j - 1])
    return level, 10 ** ((10 * math.log10(square / len(x)) - level) / 10)


@pytest.mark.parametrize(("rate_hz", "level"), [(8000, 0.1), (16000, 0.02), (11025, 0.3), (8650, 0.1)])
def test_the_active_level_is_that_of_the_standard(rate_hz: int, level: float) -> None:
    x = np.concatenate((np.zeros(rate_hz), talk(4, rate_hz, rms=level), np.zeros(2 * rate_hz)))
    found = active(x, rate_hz)
    assert found is not None
    expected_level, expected_activity = by_the_letter(x, rate_hz)
    assert found[0] == pytest.approx(expected_level, abs=0.15)
    assert found[1] == pytest.approx(expected_activity, abs=0.02)


@pytest.mark.parametrize("rms", [0.5, 0.1, 0.01, 0.001])
def test_what_is_always_on_has_its_rms_as_active_level(rms: float) -> None:
    found = active(noise(5, rms=rms))
    assert found is not None
    assert found[0] == pytest.approx(20 * math.log10(rms), abs=0.1)
    assert found[1] == pytest.approx(1.0, abs=0.02)


def test_bursts_have_their_own_level_whatever_the_pauses() -> None:
    """Known by construction: 2 s of noise and 8 s of silence. P.56 counts its hangover and decay as active too."""
    x = np.concatenate([np.concatenate((noise(2, rms=0.1, seed=n), np.zeros(8 * 48000))) for n in range(3)])
    found = active(x)
    assert found is not None
    assert -20 - 10 * math.log10(1 + 0.35 / 2) < found[0] < -20
    assert 0.2 < found[1] < 0.2 * (1 + 0.35 / 2)


@settings(max_examples=20, deadline=None)
@given(gain_db=st.floats(-60, 0))
def test_gain_shifts_the_level_and_leaves_the_activity(gain_db: float) -> None:
    x = talk(3, 8000, rms=0.1)
    before, after = active(x, 8000), active(x * 10 ** (gain_db / 20), 8000)
    assert before is not None
    assert after is not None
    assert after[0] - before[0] == pytest.approx(gain_db, abs=0.1)
    assert after[1] == pytest.approx(before[1], abs=0.02)


def test_nothing_is_active_in_silence() -> None:
    assert active(np.zeros(48000)) is None
    assert active(np.zeros(0)) is None


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000, 96000])
def test_speech_is_found_at_every_rate(rate_hz: int) -> None:
    ratio = speech_ratio(talk(6, rate_hz), rate_hz)
    assert ratio is not None
    assert ratio > 0.4


@pytest.mark.parametrize("rms", [0.3, 0.03, 0.003, 0.0003])
def test_quiet_speech_is_speech(rms: float) -> None:
    ratio = speech_ratio(talk(6, rms=rms))
    assert ratio is not None
    assert ratio > 0.4


def test_speech_is_found_in_noise() -> None:
    ratio = speech_ratio(talk(6, rms=0.1) + noise(6, rms=0.03, slope=1))
    assert ratio is not None
    assert ratio > 0.2


def switched(x: Signal, hz: float = 4.0) -> Signal:
    gated: Signal = x * (sine(hz, len(x) / 48000) > 0)
    return gated + noise(len(x) / 48000, rms=1e-5)


NOT_SPEECH: dict[str, Signal] = {
    "white noise": noise(8),
    "pink noise": noise(8, slope=1),
    "brown noise": noise(8, slope=2),
    "a tone": sine(1000, 8, amplitude=0.3),
    "hum": sine(50, 8, amplitude=0.1) + sine(150, 8, amplitude=0.03) + noise(8, rms=1e-3),
    "switched white noise": switched(noise(8)),
    "switched pink noise": switched(noise(8, slope=1)),
    "swelling noise": noise(8) * (0.5 + 0.5 * sine(4, 8)),
    "beeps": switched(sine(1000, 8, amplitude=0.3)),
    "two-tone beeps": switched(sine(770, 8, amplitude=0.2) + sine(1336, 8, amplitude=0.2)),
    "one click": np.where(np.arange(8 * 48000) == 96000, 0.9, noise(8, rms=1e-4)),
    "digital silence": np.zeros(8 * 48000),
}


@pytest.mark.parametrize("name", NOT_SPEECH)
def test_what_is_no_speech_is_not_called_speech(name: str) -> None:
    ratio = speech_ratio(NOT_SPEECH[name])
    assert ratio is not None
    assert ratio < SPOKEN_RATIO / 2


def test_the_share_of_speech_is_that_of_the_time() -> None:
    silence = noise(20, rms=1e-4, seed=9)
    ratio = speech_ratio(np.concatenate((talk(20), silence)))
    alone = speech_ratio(talk(20))
    assert ratio is not None
    assert alone is not None
    assert ratio == pytest.approx(alone / 2, abs=0.05)


def test_less_than_half_a_second_says_nothing() -> None:
    assert speech_ratio(talk(0.4)) is None
    assert speech_ratio(np.zeros(1)) is None


def test_measuring_and_judging_mean_the_same_by_nobody_spoke() -> None:
    assert MIC_NO_SPEECH.warn is not None
    assert MIC_NO_SPEECH.warn.value == SPOKEN_RATIO
