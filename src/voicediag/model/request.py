"""What was asked of a check, parsed and within range."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class DevicesRequest(Struct, frozen=True, kw_only=True):
    """Which devices to list and which to expect."""

    kinds: Literal["all", "inputs", "outputs"] = "all"
    expect_inputs: tuple[str, ...] = ()
    """Parts of names, in any case."""
    expect_outputs: tuple[str, ...] = ()
    probe: bool = True
    """Try whether each device can be opened, and at which rates."""


class MicTestRequest(Struct, frozen=True, kw_only=True):
    """What to record or read, and how."""

    device: str | None = None
    """A part of a name or an index as text; None for the default input."""
    file: str | None = None
    """A recording to judge instead."""
    duration_s: float = 6.0
    rate_hz: int | None = None
    """None: the device's own default."""
    channels: int | None = None
    """None: what the device has, at most 2."""
    save: str | None = None
    """Where to keep the recording."""
    tone_hz: float | None = None
    """Play this tone while recording (with `file`: only look for it)."""
    output_device: str | None = None


Side = Literal["left", "right", "both"]
"""On which channels a test tone is played."""


class SpeakerTestRequest(Struct, frozen=True, kw_only=True):
    """What to play where, and who listens."""

    device: str | None = None
    """A part of a name or an index as text; None for the default output."""
    tone_hz: float = 1000.0
    level_dbfs: float = -12.0
    """Plain RMS: a full-scale sine is −3.01."""
    side: Side = "both"
    duration_s: float = 3.0
    rate_hz: int | None = None
    """None: the device's own default."""
    channels: int | None = None
    """Of the input that listens; None: what it has, at most 2."""
    listen: str | None = None
    """The input that listens instead of a person."""
    save: str | None = None
    """Where to keep what was recorded."""


class LoopbackTestRequest(Struct, frozen=True, kw_only=True):
    """What to play where, and where to listen."""

    input_device: str | None = None
    """A part of a name or an index as text; None for the default."""
    output_device: str | None = None
    tone_hz: float = 1000.0
    level_dbfs: float = -12.0
    """Plain RMS, of the probe and of the tone."""
    duration_s: float = 6.0
    """How long to record."""
    rate_hz: int | None = None
    """Of both devices; None: each one's own default."""
    channels: int | None = None
    """Of the input; None: what it has, at most 2."""
    save: str | None = None


class Target(Struct, frozen=True):
    """One thing to probe: an edge of Twilio's or a host that the user named."""

    name: str
    host: str
    port: int
    is_edge: bool = False
    """True for an entry of the edges table."""


class NetCheckRequest(Struct, frozen=True, kw_only=True):
    """Which targets to probe, how fast and for how long."""

    targets: tuple[Target, ...]
    duration_s: float = 10.0
    interval_ms: float = 20.0
    codec: Literal["pcmu", "opus"] = "pcmu"


Request = DevicesRequest | MicTestRequest | SpeakerTestRequest | LoopbackTestRequest | NetCheckRequest
