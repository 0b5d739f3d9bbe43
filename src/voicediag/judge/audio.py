"""Findings of the sound checks. Limits only from thresholds.py; the words come from knowledge/."""

from __future__ import annotations

from voicediag.judge.streams import failed
from voicediag.judge.thresholds import (
    MIC_CLIPPING,
    MIC_NO_SPEECH,
    MIC_OVERFLOW,
    MIC_SILENT,
    MIC_TOO_LOUD,
    MIC_TOO_QUIET,
    OWN,
    Threshold,
)
from voicediag.model.finding import Direction, Evidence, Finding
from voicediag.model.request import DevicesRequest, MicTestRequest
from voicediag.model.results.audio import DevicesResult, MicTestResult


def judge_devices(request: DevicesRequest, result: DevicesResult) -> tuple[Finding, ...]:
    """Judge what is there against what a call needs and what was expected."""
    inputs = [device.name for device in result.devices if device.inputs]
    outputs = [device.name for device in result.devices if device.outputs]
    findings: list[Finding] = []
    if request.kinds != "outputs" and not inputs:
        findings.append(_none_there("audio.no-input", "inputs"))
    if request.kinds != "inputs" and not outputs:
        findings.append(_none_there("audio.no-output", "outputs"))
    expectations: tuple[tuple[Direction, tuple[str, ...], list[str]], ...] = (
        ("input", request.expect_inputs, inputs),
        ("output", request.expect_outputs, outputs),
    )
    for direction, expected, names in expectations:
        findings += [_missing(direction, wanted, names) for wanted in expected if not _is_among(wanted, names)]
    return tuple(findings)


def _none_there(finding: str, metric: str) -> Finding:
    evidence = Evidence(metric, 0, "", 1, OWN)
    return Finding(id=finding, severity="fail", check="devices", evidence=(evidence,))


def _is_among(wanted: str, names: list[str]) -> bool:
    asked = wanted.strip().casefold()
    return any(asked in name.casefold() for name in names)


def _missing(direction: Direction, wanted: str, names: list[str]) -> Finding:
    there = Evidence("present", ", ".join(names) or "none", "")
    return Finding(
        id="audio.device-missing",
        severity="fail",
        check="devices",
        subject=wanted,
        direction=direction,
        evidence=(Evidence(f"expected_{direction}", wanted, "", note="no device has this in its name"), there),
    )


def judge_mic(request: MicTestRequest, result: MicTestResult) -> tuple[Finding, ...]:
    """Judge a recording, and how it came about.

    A silent microphone is not also called one that nobody spoke into, and one that nobody spoke into is not called
    too quiet: nothing was there to be judged.
    """
    subject = result.device or result.file
    findings = [
        failed("mic-test", "input", result.failure, result.failure_detail, subject),
        failed("mic-test", "output", result.output_failure, result.output_failure_detail, result.output_device),
    ]
    if result.channels:
        silent = _over(MIC_SILENT, result.peak_dbfs, subject, _muted(result))
        findings += [
            silent,
            _over(MIC_TOO_QUIET, result.speech_level_dbfs, subject),
            _over(MIC_TOO_LOUD, result.speech_level_dbfs, subject),
            _over(MIC_CLIPPING, result.clipped_ratio, subject),
            _over(MIC_OVERFLOW, result.overflows, subject),
        ]
        if request.tone_hz is not None:
            findings.append(_tone(request, result, subject))
        elif silent is None:
            findings.append(_no_speech(result, subject))
    return tuple(finding for finding in findings if finding is not None)


def _over(
    threshold: Threshold, value: float | None, subject: str | None, more: tuple[Evidence, ...] = ()
) -> Finding | None:
    judged = None if value is None else threshold.judge(value)
    if judged is None:
        return None
    severity, limit = judged
    evidence = Evidence(threshold.metric, value, threshold.unit, limit.value, limit.source)
    return Finding(
        id=threshold.finding, severity=severity, check="mic-test", subject=subject, evidence=(evidence, *more)
    )


def _muted(result: MicTestResult) -> tuple[Evidence, ...]:
    if result.muted is None:
        return ()
    return (Evidence("muted", "yes" if result.muted else "no", "", note="the sound server's own setting"),)


def _no_speech(result: MicTestResult, subject: str | None) -> Finding | None:
    if result.speech_ratio is not None:
        return _over(MIC_NO_SPEECH, result.speech_ratio, subject)
    if result.failure is not None:  # what there is was too short because of that
        return None
    evidence = Evidence(MIC_NO_SPEECH.metric, None, MIC_NO_SPEECH.unit, note="too short to find speech in")
    return Finding(id=MIC_NO_SPEECH.finding, severity="warn", check="mic-test", subject=subject, evidence=(evidence,))


def _tone(request: MicTestRequest, result: MicTestResult, subject: str | None) -> Finding | None:
    # A tone that was not played cannot be missed.
    if result.tone_hz is not None or result.output_failure is not None:
        return None
    evidence = Evidence("tone_hz", None, "Hz", request.tone_hz, OWN, note="expected at this frequency, not found")
    return Finding(id="mic.tone-missing", severity="fail", check="mic-test", subject=subject, evidence=(evidence,))
