"""What the sound checks measured.

Levels are dB relative to digital full scale, plain RMS (a full-scale sine is −3.01).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Device(Struct, frozen=True, kw_only=True):
    """One entry of PortAudio's list."""

    index: int
    name: str
    host_api: str
    inputs: int
    """Input channels; 0 for an output."""
    outputs: int
    default_rate_hz: float
    input_latency_low_ms: float | None
    """As the driver states them; None for a direction that the device has not."""
    input_latency_high_ms: float | None
    output_latency_low_ms: float | None
    output_latency_high_ms: float | None
    is_default_input: bool
    is_default_output: bool


StreamFailure = Literal["absent", "busy", "rate", "channels", "permission", "driver", "lost", "stalled"]
"""Why a stream did not open (`absent` … `driver`) or did not last (`lost`, `stalled`)."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """One direction of one physical device, however many entries PortAudio has for it."""

    kind: Literal["input", "output"]
    name: str
    """The full name: what MME cuts at 31 characters is completed from the other host APIs."""
    host_apis: tuple[str, ...]
    indices: tuple[int, ...]
    """PortAudio's entries, the one to use first; empty where only the sound server knows the device."""
    server_name: str | None = None
    """The sound server's own name of it; None where there is no server or it does not know the device."""
    channels: int
    default_rate_hz: float
    rates_hz: tuple[int, ...] | None = None
    """Which of 8, 16, 44.1 and 48 kHz it takes; None where that was not tried."""
    latency_low_ms: float | None = None
    """As the driver states them; None where PortAudio has no entry for it."""
    latency_high_ms: float | None = None
    is_default: bool = False
    """A browser's default."""
    is_communications: bool | None = None
    """A browser's "communications" default, which only Windows has; None where there is none or it is unknown."""
    is_hands_free: bool = False
    """A Bluetooth headset in the profile for calls: narrow-band, 8 or 16 kHz."""
    is_virtual: bool = False
    is_monitor: bool = False
    """Hears what an output plays."""
    muted: bool | None = None
    """None where there is no sound server to ask."""
    exclusive: bool = False
    """`failure` is `busy` because another program has it in exclusive mode."""
    failure: StreamFailure | None = None
    """Why it cannot be used now; None where it can, or was not tried."""
    failure_detail: str | None = None
    probed: bool = False
    """Whether opening it was tried."""


class DevicesResult(Struct, frozen=True, kw_only=True):
    """Every device that PortAudio sees."""

    devices: tuple[Device, ...]
    default_input: int | None
    """An index, None where there is no default."""
    default_output: int | None
    endpoints: tuple[Endpoint, ...] = ()
    """The same as one entry a physical device and direction; only `devices` fills it."""


class DeviceEvent(Struct, frozen=True, kw_only=True):
    """A change among the devices while they were watched."""

    at: str
    """UTC, RFC 3339, with milliseconds."""
    event: Literal["added", "removed", "default-changed", "unusable", "recovered"]
    kind: Literal["input", "output"]
    device: str | None
    """None where there is no default any more."""
    fallback: str | None
    """The device to go on with, where a call could have been using this one; None too where nothing is left."""
    reason: str | None = None
    """Of `unusable`: why."""


class ChannelLevels(Struct, frozen=True, kw_only=True):
    """Levels of one channel over the whole capture."""

    rms_dbfs: float
    peak_dbfs: float
    crest_db: float
    dc_offset: float
    """Mean, as a fraction of full scale."""
    clipped_ratio: float | None
    """Samples in flat tops; None below a peak of −50 dBFS, where there is nothing to tell them by."""


class LevelSeries(Struct, frozen=True):
    """Level over time of the judged channel, at most 1,200 points."""

    t_ms: tuple[float, ...]
    """Start of each block."""
    rms_dbfs: tuple[float, ...]
    peak_dbfs: tuple[float, ...]


class Spectrum(Struct, frozen=True):
    """Mean spectrum of the judged channel, at most 512 points."""

    frequency_hz: tuple[float, ...]
    level_dbfs: tuple[float, ...]


class MicTestResult(Struct, frozen=True, kw_only=True):
    """A recording, or what there is of it, and its numbers. None is "not measured", never 0."""

    source: Literal["device", "file"]
    device: str | None
    file: str | None
    rate_hz: int
    channel_count: int
    requested_s: float | None
    """None for a file."""
    recorded_s: float
    failure: StreamFailure | None = None
    failure_detail: str | None = None
    """The driver's or library's own words, or what was seen."""
    file_error: str | None = None
    """Why reading the file ended before its end; what came before is measured."""
    saved: str | None = None
    """Where the recording was kept."""
    save_error: str | None = None
    """Why it could not be kept."""

    channel: int | None = None
    """The judged channel, from 0: the best one. None where there are no samples."""
    channels: tuple[ChannelLevels, ...] = ()
    rms_dbfs: float | None = None
    peak_dbfs: float | None = None
    crest_db: float | None = None
    dc_offset: float | None = None
    clipped_ratio: float | None = None
    nonfinite_samples: int = 0
    """NaN and infinite samples, over all channels; they were replaced by 0."""
    speech_ratio: float | None = None
    speech_level_dbfs: float | None = None
    """ITU-T P.56 method B; None where nobody spoke."""
    activity_ratio: float | None = None
    noise_floor_dbfs: float | None = None
    zero_ratio: float | None = None
    """Share of 20 ms blocks of digital zero, which the noise floor leaves out."""
    snr_db: float | None = None
    hum_hz: float | None = None
    """50 or 60: the mains whose lines are there; None where there are none."""
    hum_dbfs: float | None = None
    """All its lines together."""
    hum_prominence_db: float | None = None
    """Its most prominent line above the spectrum beside it."""
    bandwidth_hz: float | None = None
    """Highest frequency with speech; None without speech, and where noise may hide it."""
    dropouts: int | None = None
    gain_drift_db: float | None = None
    """Slow movement of the level of speech beyond the natural; None with less than three seconds of speech."""
    level_std: float | None = None
    """Standard deviation of the level of 50 ms blocks over 10 s on a 16-bit scale; None under 10 s."""

    overflows: int = 0
    overflow_ms: float = 0.0
    first_block_ms: float | None = None
    """None for a file."""
    longest_wait_ms: float | None = None
    """Longest time without a new block once the first had come; None for a file."""
    muted: bool | None = None
    """What the sound server says of the source at the end; None where there is none to ask."""

    tone_expected_hz: float | None = None
    tone_hz: float | None = None
    """The frequency found; None where no tone was asked for or none was found."""
    tone_dbfs: float | None = None
    thdn_db: float | None = None
    output_device: str | None = None
    """Where the tone was played; None where none was."""
    output_failure: StreamFailure | None = None
    output_failure_detail: str | None = None

    level_series: LevelSeries | None = None
    spectrum: Spectrum | None = None
