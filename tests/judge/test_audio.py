"""Results in, findings out."""

from __future__ import annotations

from typing import Any

import pytest

from voicediag.judge.audio import judge_mic
from voicediag.judge.devices import judge_devices
from voicediag.judge.thresholds import TABLE
from voicediag.model.finding import Finding
from voicediag.model.request import DevicesRequest, MicTestRequest
from voicediag.model.results.audio import ChannelLevels, Device, DevicesResult, MicTestResult

FINE: dict[str, Any] = {
    "source": "device",
    "device": "USB Headset Mic",
    "file": None,
    "rate_hz": 48000,
    "channel_count": 1,
    "requested_s": 6.0,
    "recorded_s": 6.0,
    "channel": 0,
    "channels": (ChannelLevels(rms_dbfs=-28.0, peak_dbfs=-9.0, crest_db=19.0, dc_offset=0.0, clipped_ratio=0.0),),
    "rms_dbfs": -28.0,
    "peak_dbfs": -9.0,
    "crest_db": 19.0,
    "dc_offset": 0.0,
    "clipped_ratio": 0.0,
    "speech_ratio": 0.6,
    "speech_level_dbfs": -26.0,
    "activity_ratio": 0.7,
    "noise_floor_dbfs": -65.0,
    "snr_db": 39.0,
    "first_block_ms": 30.0,
}


def judged(asked: dict[str, Any] | None = None, **changes: Any) -> tuple[Finding, ...]:
    return judge_mic(MicTestRequest(**(asked or {})), MicTestResult(**{**FINE, **changes}))


def ids(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.id for finding in findings]


def test_a_fine_microphone_has_no_finding() -> None:
    assert judged() == ()


@pytest.mark.parametrize(
    ("changes", "finding", "severity", "threshold"),
    [
        ({"peak_dbfs": -90.0}, "mic.silent", "fail", -90),
        ({"peak_dbfs": -120.0}, "mic.silent", "fail", -90),
        ({"speech_level_dbfs": -38.1}, "mic.too-quiet", "warn", -38),
        ({"speech_level_dbfs": -48.1}, "mic.too-quiet", "fail", -48),
        ({"speech_level_dbfs": -15.9}, "mic.too-loud", "warn", -16),
        ({"speech_level_dbfs": -9.9}, "mic.too-loud", "fail", -10),
        ({"clipped_ratio": 0.0006}, "mic.clipping", "warn", 0.0005),
        ({"clipped_ratio": 0.0051}, "mic.clipping", "fail", 0.005),
        ({"overflows": 1}, "mic.overflow", "warn", 0),
        ({"speech_ratio": 0.049, "speech_level_dbfs": None}, "mic.no-speech", "warn", 0.05),
    ],
)
def test_each_limit_has_its_finding(changes: dict[str, Any], finding: str, severity: str, threshold: float) -> None:
    (found,) = judged(**changes)
    assert (found.id, found.severity, found.check, found.subject) == (finding, severity, "mic-test", "USB Headset Mic")
    evidence = found.evidence[0]
    (value,) = (changes[key] for key in changes if key == evidence.metric)
    assert (evidence.value, evidence.threshold) == (value, threshold)
    assert evidence.source


@pytest.mark.parametrize(
    "changes",
    [
        {"peak_dbfs": -89.9},
        {"speech_level_dbfs": -38.0},
        {"speech_level_dbfs": -16.0},
        {"clipped_ratio": 0.0005},
        {"clipped_ratio": None},
        {"speech_ratio": 0.05},
    ],
)
def test_a_value_at_its_limit_is_within_it(changes: dict[str, Any]) -> None:
    assert judged(**changes) == ()


def test_silence_is_not_also_called_speechless() -> None:
    silent: dict[str, Any] = {"peak_dbfs": -120.0, "speech_ratio": 0.0, "speech_level_dbfs": None}
    assert ids(judged(**silent)) == ["mic.silent"]


@pytest.mark.parametrize(("muted", "value"), [(True, "yes"), (False, "no")])
def test_silence_says_whether_the_sound_server_mutes(muted: bool, value: str) -> None:
    (found,) = judged(peak_dbfs=-120.0, muted=muted)
    assert [(e.metric, e.value) for e in found.evidence] == [("peak_dbfs", -120.0), ("muted", value)]


def test_nobody_spoke_is_not_too_quiet() -> None:
    assert ids(judged(speech_ratio=0.0, speech_level_dbfs=None, peak_dbfs=-60.0)) == ["mic.no-speech"]


def test_too_short_for_speech_is_never_green() -> None:
    (found,) = judged(speech_ratio=None, speech_level_dbfs=None, recorded_s=1 / 48000)
    assert found.id == "mic.no-speech"
    assert found.evidence[0].value is None
    assert "too short" in found.evidence[0].note


def test_what_is_judged_without_speech_still_is() -> None:
    found = judged(speech_ratio=0.0, speech_level_dbfs=None, clipped_ratio=0.2, overflows=3)
    assert ids(found) == ["mic.clipping", "mic.overflow", "mic.no-speech"]


@pytest.mark.parametrize(
    ("failure", "finding"),
    [
        ("absent", "audio.device-missing"),
        ("busy", "audio.device-busy"),
        ("rate", "audio.rate-unsupported"),
        ("channels", "audio.rate-unsupported"),
        ("permission", "audio.permission-denied"),
        ("driver", "audio.stream-failed"),
        ("lost", "audio.device-lost"),
        ("stalled", "audio.device-lost"),
    ],
)
def test_a_stream_that_failed_is_named(failure: str, finding: str) -> None:
    nothing = {key: None for key in FINE if key.endswith(("_dbfs", "_db", "_ratio", "_offset"))}
    (found,) = judged(
        failure=failure, failure_detail="in its own words", channels=(), channel=None, recorded_s=0.0, **nothing
    )
    assert (found.id, found.severity, found.subject) == (finding, "fail", "USB Headset Mic")
    assert (found.evidence[0].value, found.evidence[0].note) == (failure, "in its own words")


def test_what_was_recorded_before_a_loss_is_judged() -> None:
    assert ids(judged(failure="lost", clipped_ratio=0.1)) == ["audio.device-lost", "mic.clipping"]
    assert ids(judged(failure="lost", speech_ratio=None, speech_level_dbfs=None)) == ["audio.device-lost"]


TONE = {"tone_hz": 1000.0}


def test_with_a_tone_nobody_has_to_speak() -> None:
    assert judged(TONE, tone_hz=999.9, speech_ratio=0.0, speech_level_dbfs=None) == ()


def test_a_missing_tone_is_a_failure() -> None:
    (found,) = judged(TONE, speech_ratio=0.0, speech_level_dbfs=None)
    assert (found.id, found.severity) == ("mic.tone-missing", "fail")
    assert (found.evidence[0].value, found.evidence[0].threshold) == (None, 1000.0)


def test_a_tone_that_could_not_be_played_is_not_missed() -> None:
    (found,) = judged(TONE, output_device="Speaker", output_failure="busy", output_failure_detail="x")
    assert (found.id, found.subject) == ("audio.device-busy", "Speaker")


def test_a_file_is_the_subject_where_there_is_no_device() -> None:
    (found,) = judged(source="file", device=None, file="a.wav", peak_dbfs=-120.0)
    assert found.subject == "a.wav"


def device(name: str, inputs: int, outputs: int) -> Device:
    return Device(
        index=0,
        name=name,
        host_api="ALSA",
        inputs=inputs,
        outputs=outputs,
        default_rate_hz=48000.0,
        input_latency_low_ms=None,
        input_latency_high_ms=None,
        output_latency_low_ms=None,
        output_latency_high_ms=None,
        is_default_input=False,
        is_default_output=False,
    )


def devices(*there: Device, **asked: Any) -> tuple[Finding, ...]:
    result = DevicesResult(devices=there, default_input=None, default_output=None)
    return judge_devices(DevicesRequest(**asked), result)


HEADSET, MONITOR = device("USB Headset", 1, 2), device("HDMI Monitor", 0, 2)


def test_a_machine_with_both_is_fine() -> None:
    assert devices(HEADSET) == ()
    assert devices(HEADSET, expect_inputs=("usb",), expect_outputs=("HEADSET",)) == ()


def test_a_missing_direction_fails() -> None:
    assert ids(devices()) == ["audio.no-input", "audio.no-output"]
    assert ids(devices(MONITOR)) == ["audio.no-input"]
    assert {finding.severity for finding in devices()} == {"fail"}


def test_only_what_was_asked_is_judged() -> None:
    assert ids(devices(kinds="inputs")) == ["audio.no-input"]
    assert ids(devices(kinds="outputs")) == ["audio.no-output"]
    assert devices(MONITOR, kinds="outputs") == ()


def test_an_expected_device_must_have_the_direction() -> None:
    found = devices(HEADSET, MONITOR, expect_inputs=("monitor", "usb"), expect_outputs=("Jabra",))
    assert [(each.id, each.subject) for each in found] == [
        ("audio.device-missing", "monitor"),
        ("audio.device-missing", "Jabra"),
    ]
    assert [each.evidence[0].metric for each in found] == ["expected_input", "expected_output"]


def test_every_limit_of_the_microphone_is_in_the_table() -> None:
    finding_ids = {threshold.finding for threshold in TABLE}
    assert {
        "mic.silent",
        "mic.too-quiet",
        "mic.too-loud",
        "mic.clipping",
        "mic.no-speech",
        "mic.overflow",
    } <= finding_ids
