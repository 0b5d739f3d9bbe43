"""Findings of the tests that play a sound: speaker-test and loopback-test."""

from __future__ import annotations

from voicediag.judge.streams import failed
from voicediag.judge.thresholds import LOOPBACK_DELAY, LOOPBACK_ECHO, MIC_SILENT, SPEAKER_DISTORTED, Threshold
from voicediag.model.finding import Evidence, Finding
from voicediag.model.request import LoopbackTestRequest, SpeakerTestRequest
from voicediag.model.results.acoustic import Listened, LoopbackTestResult, Played, SpeakerTestResult

SPEAKER, LOOPBACK = "speaker-test", "loopback-test"


def judge_speaker(request: SpeakerTestRequest, result: SpeakerTestResult) -> tuple[Finding, ...]:
    """Judge the output by what was heard of it. A tone that was not played, or not recorded, cannot be missed."""
    output, listened = result.output, result.listened
    findings = [*_failures(SPEAKER, output, listened)]
    if result.answer == "no":
        evidence = Evidence("answer", "no", "", note="a person was asked whether the tone was heard")
        findings.append(_no_signal("speaker.no-signal", SPEAKER, output.device, evidence, *_muted(output)))
    elif listened is not None and result.tone is None and not findings:
        findings.append(_no_signal("speaker.no-signal", SPEAKER, output.device, *_not_heard(result.output, listened)))
    if result.tone is not None:
        findings += _over(SPEAKER_DISTORTED, result.tone.distortion_db, SPEAKER, output.device)
    return tuple(findings)


def judge_loopback(request: LoopbackTestRequest, result: LoopbackTestResult) -> tuple[Finding, ...]:
    """Judge the way from output to input. Either sound is enough for the way to be there."""
    heard = result.tone is not None or result.round_trip_ms is not None
    subject = result.input.device
    findings = [*_failures(LOOPBACK, result.output, result.input)]
    if not heard and not findings:
        note = "how far the probe stands out of the rest; not heard is not broken: a headset is made to keep them apart"
        ratio = Evidence("peak_to_sidelobe_db", result.peak_to_sidelobe_db, "dB", note=note)
        evidence = _not_heard(result.output, result.input)
        findings.append(_no_signal("loopback.no-signal", LOOPBACK, subject, *evidence, ratio))
    findings += _over(LOOPBACK_ECHO, result.echo_return_loss_db, LOOPBACK, subject)
    findings += _over(LOOPBACK_DELAY, result.round_trip_ms, LOOPBACK, subject)
    return tuple(findings)


def _failures(check: str, output: Played, listened: Listened | None) -> list[Finding]:
    found = [failed(check, "output", output.failure, output.failure_detail, output.device)]
    if listened is not None:
        found.append(failed(check, "input", listened.failure, listened.failure_detail, listened.device))
    return [finding for finding in found if finding is not None]


def _no_signal(finding: str, check: str, subject: str, *evidence: Evidence) -> Finding:
    return Finding(id=finding, severity="fail", check=check, subject=subject, evidence=evidence)


def _not_heard(output: Played, listened: Listened) -> tuple[Evidence, ...]:
    """What tells a dead microphone from a dead speaker: what the input had at all."""
    missing = Evidence("tone_hz", None, "Hz", note="the tone was played and not found in the recording")
    if listened.peak_dbfs is not None and MIC_SILENT.judge(listened.peak_dbfs) is not None:
        note = f"'{listened.device}' gave nothing but digital silence: test it first (mic-test)"
    else:
        note = f"all that '{listened.device}' heard"
    level = Evidence("peak_dbfs", listened.peak_dbfs, "dBFS", note=note)
    return (missing, level, *_muted(output), *_muted(listened))


def _muted(side: Played | Listened) -> tuple[Evidence, ...]:
    if not side.muted:
        return ()
    return (Evidence("muted", "yes", "", note=f"'{side.device}', the sound server's own setting"),)


def _over(threshold: Threshold, value: float | None, check: str, subject: str) -> list[Finding]:
    judged = None if value is None else threshold.judge(value)
    if judged is None:
        return []
    severity, limit = judged
    evidence = Evidence(threshold.metric, value, threshold.unit, limit.value, limit.source)
    return [Finding(id=threshold.finding, severity=severity, check=check, subject=subject, evidence=(evidence,))]
