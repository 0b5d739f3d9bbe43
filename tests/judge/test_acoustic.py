"""From what speaker-test and loopback-test measured to findings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from voicediag.judge.acoustic import judge_loopback, judge_speaker
from voicediag.model.finding import Finding
from voicediag.model.request import LoopbackTestRequest, SpeakerTestRequest
from voicediag.model.results.acoustic import Listened, LoopbackTestResult, Played, SpeakerTestResult, ToneHeard

PLAYED = Played(device="Desk Speaker", rate_hz=48000, channel_count=2, level_dbfs=-12.0, played_s=3.0, muted=False)
LISTENED = Listened(
    device="Desk Mic",
    rate_hz=48000,
    channel_count=1,
    requested_s=5.0,
    recorded_s=5.0,
    channel=0,
    rms_dbfs=-30.0,
    peak_dbfs=-20.0,
    noise_dbfs=-60.0,
    muted=False,
)
TONE = ToneHeard(tone_hz=1000.0, tone_dbfs=-30.0, thdn_db=-29.0, distortion_db=-40.0)
SPEAKER = SpeakerTestResult(output=PLAYED, expected_hz=1000.0, side="both", listened=LISTENED, tone=TONE)
LOOPBACK = LoopbackTestResult(
    output=PLAYED,
    input=LISTENED,
    expected_hz=1000.0,
    tone=TONE,
    round_trip_ms=60.0,
    round_trip_scatter_ms=0.3,
    peak_to_sidelobe_db=25.0,
    echo_dbfs=-52.0,
    echo_return_loss_db=40.0,
)
replace = msgspec.structs.replace


def speaker(**changes: Any) -> tuple[Finding, ...]:
    return judge_speaker(SpeakerTestRequest(), replace(SPEAKER, **changes))


def loopback(**changes: Any) -> tuple[Finding, ...]:
    return judge_loopback(LoopbackTestRequest(), replace(LOOPBACK, **changes))


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str, str | None]]:
    return [(finding.id, finding.severity, finding.subject) for finding in findings]


def notes(finding: Finding) -> str:
    return " | ".join(evidence.note for evidence in finding.evidence)


def test_what_is_heard_and_clean_is_fine() -> None:
    assert speaker() == ()
    assert loopback() == ()


def test_a_person_who_hears_it_is_believed_and_one_who_does_not_too() -> None:
    assert speaker(listened=None, tone=None, answer="yes") == ()
    (finding,) = speaker(listened=None, tone=None, answer="no")
    assert told((finding,)) == [("speaker.no-signal", "fail", "Desk Speaker")]
    assert "a person was asked" in notes(finding)


def test_without_an_answer_nothing_is_claimed() -> None:
    assert speaker(listened=None, tone=None, answer=None) == ()


def test_a_tone_that_no_input_hears_is_no_signal() -> None:
    (finding,) = speaker(tone=None)
    assert told((finding,)) == [("speaker.no-signal", "fail", "Desk Speaker")]
    assert finding.evidence[1].value == -20.0


def test_a_dead_input_is_named_before_the_output_is_suspected() -> None:
    (finding,) = speaker(tone=None, listened=replace(LISTENED, peak_dbfs=-120.0, muted=True))
    assert "nothing but digital silence: test it first" in notes(finding)
    assert "'Desk Mic', the sound server's own setting" in notes(finding)


def test_a_muted_output_is_said() -> None:
    for findings in (
        speaker(tone=None, output=replace(PLAYED, muted=True)),
        speaker(tone=None, listened=None, answer="no", output=replace(PLAYED, muted=True)),
        loopback(tone=None, round_trip_ms=None, output=replace(PLAYED, muted=True)),
    ):
        assert "'Desk Speaker', the sound server's own setting" in notes(findings[0])


@pytest.mark.parametrize(("distortion_db", "ids"), [(-20.1, []), (-19.9, ["speaker.distorted"]), (None, [])])
def test_distortion_has_a_limit_and_noise_is_none(distortion_db: float | None, ids: list[str]) -> None:
    tone = replace(TONE, distortion_db=distortion_db, thdn_db=-3.0)
    findings = speaker(tone=tone)
    assert [finding.id for finding in findings] == ids
    assert all(finding.severity == "warn" for finding in findings)


FAILURES = [
    ("lost", "audio.device-lost"),
    ("stalled", "audio.device-lost"),
    ("absent", "audio.device-missing"),
    ("busy", "audio.device-busy"),
    ("rate", "audio.rate-unsupported"),
]


@pytest.mark.parametrize(("failure", "found"), FAILURES)
def test_what_failed_is_named_and_no_silence_beside_it(failure: Any, found: str) -> None:
    lost_output = replace(PLAYED, failure=failure, failure_detail="words")
    lost_input = replace(LISTENED, failure=failure)
    for judged in (speaker, loopback):
        nothing = {"tone": None} if judged is speaker else {"tone": None, "round_trip_ms": None}
        (finding,) = judged(output=lost_output, **nothing)
        assert (finding.id, finding.severity, finding.direction) == (found, "fail", "output")
        assert notes(finding) == "words"
    assert told(speaker(listened=lost_input, tone=None)) == [(found, "fail", "Desk Mic")]
    assert told(loopback(input=lost_input, tone=None, round_trip_ms=None)) == [(found, "fail", "Desk Mic")]
    assert {finding.check for finding in loopback(input=lost_input)} == {"loopback-test"}


def test_either_sound_is_a_way_and_neither_is_none() -> None:
    silent = {"round_trip_ms": None, "echo_return_loss_db": None, "echo_dbfs": None}
    assert loopback(**silent) == ()
    assert loopback(tone=None) == ()
    (finding,) = loopback(tone=None, peak_to_sidelobe_db=1.2, **silent)
    assert told((finding,)) == [("loopback.no-signal", "fail", "Desk Mic")]
    assert finding.evidence[-1].value == 1.2
    assert "not heard is not broken" in notes(finding)


@pytest.mark.parametrize(("loss_db", "ids"), [(30.0, []), (29.9, ["loopback.echo"]), (-5.0, ["loopback.echo"])])
def test_echo(loss_db: float, ids: list[str]) -> None:
    findings = loopback(echo_return_loss_db=loss_db)
    assert [finding.id for finding in findings] == ids
    assert all(finding.severity == "warn" and finding.evidence[0].threshold == 30.0 for finding in findings)


@pytest.mark.parametrize(("round_trip_ms", "ids"), [(250.0, []), (250.1, ["loopback.delay"])])
def test_delay(round_trip_ms: float, ids: list[str]) -> None:
    findings = loopback(round_trip_ms=round_trip_ms)
    assert [finding.id for finding in findings] == ids
    assert all(finding.severity == "warn" for finding in findings)
