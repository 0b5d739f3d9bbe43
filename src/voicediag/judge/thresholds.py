"""The one table of limits. Nothing judges outside it, and nothing that measures knows it.

Where warn and fail have different owners, each limit names its own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from voicediag.model.finding import Severity

TWILIO_NETWORK = "Twilio Voice SDK network requirements"
SDK_MONITOR = "Twilio Voice JS SDK 2.18.5, statsMonitor"
INSIGHTS = "Twilio Voice Insights tag"
OWN = "voicediag, docs/audio-measures.md"
OWN_PATH = "voicediag, docs/path-measures.md"


class Limit(NamedTuple):
    """A value beyond which a metric is a finding of that severity."""

    value: float
    source: str


class Threshold(NamedTuple):
    """The limits of one finding. `side` tells on which side of the limit the trouble is; None: no such severity."""

    finding: str
    metric: str
    unit: str
    side: Literal["above", "at least", "below", "at most"]
    warn: Limit | None
    fail: Limit | None

    def beyond(self, value: float, limit: Limit) -> bool:
        """Tell whether `value` is on the wrong side of `limit`."""
        match self.side:
            case "above":
                return value > limit.value
            case "at least":
                return value >= limit.value
            case "below":
                return value < limit.value
            case "at most":
                return value <= limit.value

    def judge(self, value: float) -> tuple[Severity, Limit] | None:
        """Return the severity of `value` and the limit that it broke, or None where it is within both."""
        if self.fail is not None and self.beyond(value, self.fail):
            return "fail", self.fail
        if self.warn is not None and self.beyond(value, self.warn):
            return "warn", self.warn
        return None


MIC_SILENT = Threshold("mic.silent", "peak_dbfs", "dBFS", "at most", None, Limit(-90.0, OWN))
MIC_NO_SPEECH = Threshold("mic.no-speech", "speech_ratio", "ratio", "below", Limit(0.05, OWN), None)
MIC_TOO_QUIET = Threshold("mic.too-quiet", "speech_level_dbfs", "dBFS", "below", Limit(-38.0, OWN), Limit(-48.0, OWN))
MIC_TOO_LOUD = Threshold("mic.too-loud", "speech_level_dbfs", "dBFS", "above", Limit(-16.0, OWN), Limit(-10.0, OWN))
MIC_CLIPPING = Threshold("mic.clipping", "clipped_ratio", "ratio", "above", Limit(0.0005, OWN), Limit(0.005, OWN))
MIC_NOISY = Threshold("mic.noisy", "snr_db", "dB", "below", Limit(20.0, OWN), Limit(12.0, OWN))
# With a tenth of the blocks at digital zero, the tenth percentile of all of them is silence: the floor, which leaves
# those out, is then speech and not noise (a noise gate, a voice made by a program).
MIC_GATED = Limit(0.1, OWN)
# Without speech: what would leave less than those ratios to speech at the nominal level of -26 dBFS.
MIC_NOISY_ALONE = Threshold("mic.noisy", "noise_floor_dbfs", "dBFS", "above", Limit(-46.0, OWN), Limit(-38.0, OWN))
MIC_HUM = Threshold("mic.hum", "hum_dbfs", "dBFS", "above", Limit(-60.0, OWN), Limit(-45.0, OWN))
MIC_HUM_PROMINENCE = Threshold("mic.hum", "hum_prominence_db", "dB", "at least", Limit(10.0, OWN), None)
MIC_DROPOUTS = Threshold("mic.dropouts", "dropouts", "", "at least", None, Limit(2, OWN))
MIC_GAIN_PUMPING = Threshold("mic.gain-pumping", "gain_drift_db", "dB", "above", Limit(2.5, OWN), None)
MIC_DC_OFFSET = Threshold("mic.dc-offset", "dc_offset", "of full scale", "above", Limit(0.01, OWN), None)
MIC_NARROWBAND = Threshold("mic.narrowband", "bandwidth_hz", "Hz", "at most", Limit(4500.0, OWN), None)
MIC_DEAD_CHANNEL = Threshold("mic.dead-channel", "channels.rms_dbfs", "dB", "at least", Limit(30.0, OWN), None)
MIC_CONSTANT_LEVEL = Threshold("mic.constant-level", "level_std", "", "below", Limit(327.67, SDK_MONITOR), None)
MIC_OVERFLOW = Threshold("mic.overflow", "overflows", "", "above", Limit(0, OWN), None)

SPEAKER_DISTORTED = Threshold("speaker.distorted", "tone.distortion_db", "dB", "above", Limit(-20.0, OWN), None)
LOOPBACK_ECHO = Threshold("loopback.echo", "echo_return_loss_db", "dB", "below", Limit(30.0, OWN), None)
LOOPBACK_DELAY = Threshold("loopback.delay", "round_trip_ms", "ms", "above", Limit(250.0, OWN), None)

NET_DNS_SLOW = Threshold("net.dns-slow", "dns_ms", "ms", "above", Limit(1000.0, OWN_PATH), None)
NET_HIGH_LATENCY = Threshold(
    "net.high-latency", "rtt_ms.median", "ms", "above", Limit(200.0, TWILIO_NETWORK), Limit(400.0, SDK_MONITOR)
)
NET_HIGH_JITTER_MEAN = Threshold("net.high-jitter", "jitter_ms.mean", "ms", "above", None, Limit(30.0, TWILIO_NETWORK))
# Insights raises its tag when both hold: a warning needs both.
NET_JITTER_TAG_MEAN = Threshold("net.high-jitter", "jitter_ms.mean", "ms", "at least", Limit(5.0, INSIGHTS), None)
NET_JITTER_TAG_MAX = Threshold("net.high-jitter", "jitter_ms.max", "ms", "at least", Limit(30.0, INSIGHTS), None)
NET_PACKET_LOSS = Threshold(
    "net.packet-loss", "loss_ratio", "ratio", "above", Limit(0.01, SDK_MONITOR), Limit(0.03, TWILIO_NETWORK)
)
NET_BURST_LOSS = Threshold(
    "net.burst-loss", "loss_burst_max", "probes", "at least", Limit(5, OWN_PATH), Limit(15, OWN_PATH)
)
NET_REORDERING = Threshold(
    "net.reordering", "reordered_ratio", "ratio", "above", Limit(0.01, OWN_PATH), Limit(0.05, OWN_PATH)
)
NET_LOW_MOS = Threshold(
    "net.low-mos", "mos_twilio", "MOS", "below", Limit(3.5, TWILIO_NETWORK), Limit(3.0, SDK_MONITOR)
)
NET_TIMER_LATE = Threshold("net.timer-late", "timer.late_p99_ms", "ms", "above", Limit(10.0, OWN_PATH), None)
NET_SKIPPED = Threshold("net.timer-late", "skipped_ratio", "ratio", "above", Limit(0.05, OWN_PATH), None)
NET_CLOCK_STEP = Threshold("net.clock-step", "clock_step_ms", "ms", "above", Limit(5.0, OWN_PATH), None)

TABLE: tuple[Threshold, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Threshold))
