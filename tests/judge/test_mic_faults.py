"""Judging of hum, noise, gaps, drift, DC, bandwidth, channels and a level that does not move, from data."""

from __future__ import annotations

from typing import Any

import pytest

from tests.judge.test_audio import FINE, TONE, ids, judged
from voicediag.model.results.audio import ChannelLevels

SPEECHLESS: dict[str, Any] = {"speech_ratio": 0.0, "speech_level_dbfs": None, "snr_db": None}


@pytest.mark.parametrize(
    ("changes", "finding", "severity", "threshold"),
    [
        ({"snr_db": 19.9}, "mic.noisy", "warn", 20),
        ({"snr_db": 11.9}, "mic.noisy", "fail", 12),
        ({"hum_dbfs": -59.9, "hum_hz": 50.0, "hum_prominence_db": 10.0}, "mic.hum", "warn", -60),
        ({"hum_dbfs": -44.9, "hum_hz": 60.0, "hum_prominence_db": 10.0}, "mic.hum", "fail", -45),
        ({"dropouts": 2}, "mic.dropouts", "fail", 2),
        ({"gain_drift_db": 2.6}, "mic.gain-pumping", "warn", 2.5),
        ({"dc_offset": 0.011}, "mic.dc-offset", "warn", 0.01),
        ({"bandwidth_hz": 4000.0}, "mic.narrowband", "warn", 4500),
    ],
)
def test_each_limit_has_its_finding(changes: dict[str, Any], finding: str, severity: str, threshold: float) -> None:
    (found,) = judged(**changes)
    assert (found.id, found.severity) == (finding, severity)
    evidence = found.evidence[0]
    assert (evidence.value, evidence.threshold) == (changes[evidence.metric], threshold)


@pytest.mark.parametrize(
    "changes",
    [
        {"snr_db": 20.0},
        {"hum_dbfs": -60.0, "hum_hz": 50.0, "hum_prominence_db": 30.0},
        {"hum_dbfs": -40.0, "hum_hz": 50.0, "hum_prominence_db": 9.9},
        {"dropouts": 1},
        {"gain_drift_db": 2.5},
        {"dc_offset": -0.01},
        {"bandwidth_hz": 4750.0},
        {"level_std": 900.0},
    ],
)
def test_a_value_at_its_limit_is_within_it(changes: dict[str, Any]) -> None:
    assert judged(**changes) == ()


def test_dc_of_either_sign_counts() -> None:
    assert ids(judged(dc_offset=-0.2)) == ["mic.dc-offset"]


def test_hum_says_which_mains() -> None:
    (found,) = judged(hum_dbfs=-50.0, hum_hz=60.0, hum_prominence_db=25.0)
    assert [(each.metric, each.value) for each in found.evidence[1:]] == [
        ("hum_hz", 60.0),
        ("hum_prominence_db", 25.0),
    ]


def test_without_speech_what_can_be_judged_is() -> None:
    hum: dict[str, Any] = {"hum_dbfs": -40.0, "hum_hz": 50.0, "hum_prominence_db": 30.0}
    found = judged(**SPEECHLESS, **hum, noise_floor_dbfs=-37.9, dc_offset=0.1)
    assert ids(found) == ["mic.dc-offset", "mic.hum", "mic.noisy", "mic.no-speech"]
    noisy = found[2]
    assert (noisy.severity, noisy.evidence[0].metric) == ("fail", "noise_floor_dbfs")


def test_a_quiet_room_without_speech_is_not_noisy() -> None:
    assert ids(judged(**SPEECHLESS, noise_floor_dbfs=-46.0)) == ["mic.no-speech"]


def test_a_level_that_does_not_move_is_the_sdks_warning() -> None:
    (found, _) = judged(**SPEECHLESS, level_std=327.66)
    assert (found.id, found.evidence[0].threshold) == ("mic.constant-level", 327.67)
    assert "statsMonitor" in found.evidence[0].source
    assert ids(judged(**SPEECHLESS, level_std=327.67)) == ["mic.no-speech"]


def test_soft_speech_is_not_called_a_constant_level() -> None:
    assert judged(level_std=100.0) == ()


def test_silence_is_said_once() -> None:
    silent: dict[str, Any] = {"peak_dbfs": -120.0, "level_std": 0.0, "noise_floor_dbfs": None}
    assert ids(judged(**SPEECHLESS, **silent)) == ["mic.silent"]


def test_a_tone_is_neither_noise_nor_a_constant_level() -> None:
    assert judged(TONE, tone_hz=1000.0, **SPEECHLESS, noise_floor_dbfs=-12.0, level_std=1.0) == ()


def channel(rms_dbfs: float, dc_offset: float = 0.0) -> ChannelLevels:
    return ChannelLevels(
        rms_dbfs=rms_dbfs, peak_dbfs=rms_dbfs + 15, crest_db=15.0, dc_offset=dc_offset, clipped_ratio=0.0
    )


def test_the_dead_channel_is_reported_beside_a_good_one() -> None:
    (found,) = judged(channels=(channel(-120.0), channel(-28.0)), channel=1, channel_count=2)
    assert (found.id, found.severity) == ("mic.dead-channel", "warn")
    assert found.evidence[0].value == pytest.approx(92)
    assert found.evidence[1].value == "1"


def test_a_channel_of_dc_alone_is_dead() -> None:
    assert ids(judged(channels=(channel(-28.0), channel(-20.0, dc_offset=0.1)), channel_count=2)) == [
        "mic.dead-channel"
    ]


def test_a_softer_channel_is_not_dead() -> None:
    assert judged(channels=(channel(-28.0), channel(-57.9)), channel_count=2) == ()
    assert judged(**{**FINE, "channels": (channel(-28.0),)}) == ()
