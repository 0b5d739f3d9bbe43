"""What the tests that play a sound measured: `speaker-test` and `loopback-test`.

Levels are dB relative to digital full scale, plain RMS (a full-scale sine is −3.01).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from voicediag.model.results.audio import StreamFailure


class Played(Struct, frozen=True, kw_only=True):
    """How playing on an output went."""

    device: str
    rate_hz: int
    channel_count: int
    level_dbfs: float
    """As played, on each channel that carried it."""
    played_s: float
    """How much was handed to the device, the silence before the first sound left out."""
    underflows: int = 0
    muted: bool | None = None
    """What the sound server says of the output; None where there is none to ask."""
    failure: StreamFailure | None = None
    failure_detail: str | None = None
    """The driver's or library's own words, or what was seen."""


class Listened(Struct, frozen=True, kw_only=True):
    """What an input recorded meanwhile. None is "not measured"."""

    device: str
    rate_hz: int
    channel_count: int
    requested_s: float
    recorded_s: float
    channel: int | None = None
    """The judged channel, from 0: the one that heard it best. None where there are no samples."""
    rms_dbfs: float | None = None
    peak_dbfs: float | None = None
    noise_dbfs: float | None = None
    """RMS before anything was played."""
    overflows: int = 0
    muted: bool | None = None
    failure: StreamFailure | None = None
    failure_detail: str | None = None
    saved: str | None = None
    """Where the recording was kept."""
    save_error: str | None = None


class ToneHeard(Struct, frozen=True, kw_only=True):
    """The test tone as received; see docs/audio-measures.md."""

    tone_hz: float
    tone_dbfs: float
    thdn_db: float
    """Total harmonic distortion plus noise, the room's noise included."""
    distortion_db: float | None
    """The same without the noise that was there before the tone; None where the two cannot be told apart."""


class SpeakerTestResult(Struct, frozen=True, kw_only=True):
    """A tone that was played, and what a person or an input says of it."""

    output: Played
    expected_hz: float
    side: Literal["left", "right", "both"]
    answer: Literal["yes", "no"] | None = None
    """What the person said; None where nobody was asked or nobody answered."""
    listened: Listened | None = None
    """None where no input listened."""
    tone: ToneHeard | None = None
    """None where no input heard the tone."""


class LoopbackTestResult(Struct, frozen=True, kw_only=True):
    """A probe and a tone that were played, and what the microphone heard of them."""

    output: Played
    input: Listened
    expected_hz: float
    tone: ToneHeard | None = None
    """None where the tone was not heard."""
    round_trip_ms: float | None = None
    """From handing a sample to the output to getting it from the input; None where the probe was not heard."""
    round_trip_scatter_ms: float | None = None
    """How far single blocks of both streams disagree about it: half of the middle half."""
    peak_to_sidelobe_db: float | None = None
    """How far the probe stands out of all else that the correlation holds; None where nothing could be searched."""
    echo_dbfs: float | None = None
    """Level of the probe as heard, its room included."""
    echo_return_loss_db: float | None = None
    """Level played minus level heard."""
