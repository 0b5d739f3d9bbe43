"""A report with something of everything, some of it hostile."""

from __future__ import annotations

from voicediag.model.attempt import Cause, DevicesAttempt, MicTestAttempt, NetCheckAttempt
from voicediag.model.finding import Evidence, Finding
from voicediag.model.report import Host, Report, Tool
from voicediag.model.results.audio import Device, DevicesResult, Endpoint, MicTestResult
from voicediag.model.results.network import EdgeResult, NetCheckResult

HOSTILE = "[red]x[/] \x1b[2J"


def device(index: int, name: str, inputs: int, outputs: int) -> Device:
    return Device(
        index=index,
        name=name,
        host_api="ALSA",
        inputs=inputs,
        outputs=outputs,
        default_rate_hz=48000.0,
        input_latency_low_ms=8.7 if inputs else None,
        input_latency_high_ms=34.8 if inputs else None,
        output_latency_low_ms=8.7 if outputs else None,
        output_latency_high_ms=34.8 if outputs else None,
        is_default_input=index == 0 and inputs > 0,
        is_default_output=index == 0 and outputs > 0,
    )


DEVICES = DevicesResult(
    devices=(device(0, HOSTILE, 1, 2), device(1, "日本語のとても長いヘッドセット" * 20, 32, 0)),
    default_input=0,
    default_output=0,
    endpoints=(
        Endpoint(
            kind="input",
            name=HOSTILE,
            host_apis=("ALSA",),
            indices=(0,),
            channels=1,
            default_rate_hz=48000.0,
            rates_hz=(44100, 48000),
            latency_low_ms=8.7,
            latency_high_ms=34.8,
            is_default=True,
        ),
        Endpoint(
            kind="input",
            name="日本語のとても長いヘッドセット" * 20,
            host_apis=("ALSA", HOSTILE),
            indices=(1,),
            channels=32,
            default_rate_hz=48000.0,
            failure="busy",
            muted=True,
            is_hands_free=True,
        ),
    ),
)
MIC = MicTestResult(
    source="device",
    device=HOSTILE,
    file=None,
    rate_hz=48000,
    channel_count=2,
    requested_s=6.0,
    recorded_s=2.5,
    failure="lost",
    failure_detail="PortAudio error\n-9999",
    channel=1,
    rms_dbfs=-33.1,
    peak_dbfs=-12.2,
    clipped_ratio=0.0312,
)
NET = NetCheckResult(
    codec="pcmu",
    requested_s=10.0,
    edges=(
        EdgeResult(
            edge="tokyo",
            host="tokyo.stun.twilio.com",
            port=3478,
            is_edge=True,
            addresses=(),
            dns_ms=3.0,
            dns_error="not-found",
            stun=None,
        ),
    ),
    best_edge=None,
    unproven=("the media range",),
)
FINDINGS = (
    Finding(
        id="mic.clipping",
        severity="fail",
        check="mic-test",
        subject=HOSTILE,
        title="The microphone clips",
        evidence=(Evidence("clipped_ratio", 0.0312, "ratio", 0.005, "voicediag, docs/audio-measures.md"),),
        codes=(31402,),
        warnings=("constant-audio-input-level",),
        fixes=("Turn the input level down. " * 8, "Move the microphone away from the mouth."),
        confirm=("voicediag mic-test",),
    ),
)
REPORT = Report(
    tool=Tool("voicediag", "0.1.0"),
    started_at="2026-01-31T12:00:00Z",
    duration_s=10.4,
    host=Host("Linux (Debian)", "3.11.2", None, "0123456789abcdef"),
    status="fail",
    outcome="degraded",
    verdict="Calls will work, but not well: the microphone clips.",
    attempts=(
        DevicesAttempt(status="completed", result=DEVICES),
        MicTestAttempt(status="unavailable", reason="no device '\x1b'", cause=Cause.DEVICE_MISSING, result=MIC),
        NetCheckAttempt(status="interrupted", reason="stopped by the user", result=NET),
    ),
    findings=FINDINGS,
)
