"""Findings of the sound checks. Limits only from thresholds.py; the words come from knowledge/."""

from __future__ import annotations

import math

from voicediag.judge.streams import failed
from voicediag.judge.thresholds import (
    MIC_CLIPPING,
    MIC_CONSTANT_LEVEL,
    MIC_DC_OFFSET,
    MIC_DEAD_CHANNEL,
    MIC_DROPOUTS,
    MIC_GAIN_PUMPING,
    MIC_GATED,
    MIC_HUM,
    MIC_HUM_PROMINENCE,
    MIC_NARROWBAND,
    MIC_NO_SPEECH,
    MIC_NOISY,
    MIC_NOISY_ALONE,
    MIC_OVERFLOW,
    MIC_SILENT,
    MIC_TOO_LOUD,
    MIC_TOO_QUIET,
    OWN,
    Threshold,
)
from voicediag.model.finding import Evidence, Finding
from voicediag.model.request import MicTestRequest
from voicediag.model.results.audio import ChannelLevels, MicTestResult


def judge_mic(request: MicTestRequest, result: MicTestResult) -> tuple[Finding, ...]:
    """Judge a recording, and how it came about.

    A silent microphone is not also called one that nobody spoke into or whose level does not move, and one that nobody
    spoke into is not called too quiet: nothing was there to be judged. Where a tone is played, it is neither noise nor
    a level that does not move.
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
            _over(MIC_DROPOUTS, result.dropouts, subject),
            _over(MIC_GAIN_PUMPING, result.gain_drift_db, subject),
            _dc_offset(result, subject),
            _over(MIC_NARROWBAND, result.bandwidth_hz, subject),
            _over(MIC_OVERFLOW, result.overflows, subject),
        ]
        if silent is None:
            findings += [_hum(result, subject), _dead_channel(result, subject)]
        if request.tone_hz is not None:
            findings.append(_tone(request, result, subject))
        elif silent is None:
            findings += [_noisy(result, subject), _constant_level(result, subject), _no_speech(result, subject)]
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


def _noisy(result: MicTestResult, subject: str | None) -> Finding | None:
    if result.speech_level_dbfs is not None and (result.zero_ratio or 0.0) >= MIC_GATED.value:
        return None
    if result.speech_level_dbfs is not None:
        return _over(MIC_NOISY, result.snr_db, subject)
    return _over(MIC_NOISY_ALONE, result.noise_floor_dbfs, subject)


def _hum(result: MicTestResult, subject: str | None) -> Finding | None:
    """Loud lines alone are not enough: they must stand out of what is beside them."""
    if result.hum_prominence_db is None or MIC_HUM_PROMINENCE.judge(result.hum_prominence_db) is None:
        return None
    which = Evidence("hum_hz", result.hum_hz, "Hz", note="the mains and its harmonics")
    prominence = Evidence("hum_prominence_db", result.hum_prominence_db, MIC_HUM_PROMINENCE.unit)
    return _over(MIC_HUM, result.hum_dbfs, subject, (which, prominence))


def _dc_offset(result: MicTestResult, subject: str | None) -> Finding | None:
    if result.dc_offset is None:
        return None
    return _over(MIC_DC_OFFSET, abs(result.dc_offset), subject)


def _dead_channel(result: MicTestResult, subject: str | None) -> Finding | None:
    """The best channel is judged; those that carry nothing beside it are reported."""
    if result.channel is None:
        return None
    best_db = _rms_without_dc(result.channels[result.channel])
    below = {number: best_db - _rms_without_dc(levels) for number, levels in enumerate(result.channels)}
    dead = [number for number, db in below.items() if MIC_DEAD_CHANNEL.judge(db) is not None]
    if not dead:
        return None
    names = ", ".join(str(number + 1) for number in dead)
    more = Evidence("dead_channels", names, "", note=f"of {len(result.channels)}, counted from 1")
    return _over(MIC_DEAD_CHANNEL, min(below[number] for number in dead), subject, (more,))


def _rms_without_dc(levels: ChannelLevels) -> float:
    power = 10 ** (levels.rms_dbfs / 10) - levels.dc_offset**2
    return 10 * math.log10(max(power, 1e-12))


def _constant_level(result: MicTestResult, subject: str | None) -> Finding | None:
    # Speech moves the level; a soft voice moves it little on this linear scale, unlike on the SDK's, which is in dB.
    if result.speech_level_dbfs is not None:
        return None
    return _over(MIC_CONSTANT_LEVEL, result.level_std, subject)


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
