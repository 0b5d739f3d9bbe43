"""What the path checks measured. Milliseconds throughout; None is "not measured", never 0."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class RoundTrip(Struct, frozen=True, kw_only=True):
    """Round-trip times of the answered probes."""

    min: float
    median: float
    mean: float
    p95: float
    p99: float
    max: float
    stddev: float


class Jitter(Struct, frozen=True, kw_only=True):
    """RFC 3550 section 6.4.1 smoothed estimate over round-trip transit differences, in order of arrival."""

    final: float
    mean: float
    max: float


class Ipdv(Struct, frozen=True, kw_only=True):
    """Absolute difference of successive round trips (RFC 3393)."""

    mean: float
    p95: float
    max: float


class Interval(Struct, frozen=True):
    """A 95 % interval."""

    low: float
    high: float


class Timer(Struct, frozen=True, kw_only=True):
    """The tool's own error: how late its probes left."""

    late_median_ms: float
    late_p99_ms: float
    late_max_ms: float


class Series(Struct, frozen=True):
    """One point a probe, at most 3,000; longer runs keep every n-th."""

    t_ms: tuple[float, ...]
    """Sending time since the start of the stream."""
    rtt_ms: tuple[float | None, ...]
    """None is a lost probe, or one that a STUN error answered."""


Reason = Literal["refused", "timeout", "unreachable", "send-failed", "bad-answers"]
"""Why nothing usable came back: ICMP port unreachable or a firewall of this machine, silence, no route or no address
to send from, the system would not send for want of something else, or only answers that are no success response to
what was asked."""


ClosedBy = Literal["refused", "unreachable"]


class Closed(Struct, frozen=True, kw_only=True):
    """A path that answered, and then was refused to the end of the run."""

    after_ms: float
    """When the last probe left that was answered, since the start of the stream."""
    reason: ClosedBy
    probes: int
    """Probes due since then. They count nowhere else: neither as sent nor as lost."""


DnsError = Literal["not-found", "temporary", "timeout", "invalid", "failed"]
"""Why a name gave no address: there is none, the resolver could not tell now, it did not answer in time, the text can
be no name, or the system's resolver failed otherwise."""


class StunStream(Struct, frozen=True, kw_only=True):
    """A stream of STUN Binding requests at the pace of voice, and what came back."""

    address: str
    port: int
    interval_ms: float
    clock: Literal["kernel", "user"]
    """Whose stamp tells the arrival."""
    sent: int
    unsent: int
    """Probes that the system did not take, or that were left out because the machine was too late for them."""
    skipped: int = 0
    """Those of `unsent` for which the machine was too late."""
    open: int = 0
    """Probes that could still have been answered when the user stopped the run: neither sent nor lost."""
    refused: int = 0
    """How often the system told of a refusal."""
    unreachable: int = 0
    """How often it told that there is no route."""
    closed: Closed | None = None
    """Where the path answered and then was refused to the end: all counts and numbers are of the time before, only
    `series` is of the whole run."""
    received: int
    lost: int
    duplicated: int
    reordered: int
    late: int
    errors: int = 0
    """Probes answered by a STUN error response and nothing else: neither received nor lost."""
    foreign: int
    """Datagrams that were no answer to any probe: wrong id or malformed."""
    loss_ratio: float | None
    """None where nothing was sent."""
    loss_interval: Interval | None
    """Wilson."""
    loss_resolution: float | None
    """1 / sent."""
    loss_burst_max: int | None
    """Longest run of probes lost or late."""
    burst_density: float | None
    """RFC 3611 section 4.7.2, Gmin 16: the share lost or late inside bursts; 0 without a burst, None where nothing was
    sent."""
    gap_density: float | None
    """The same outside bursts."""
    worst_200ms_loss_ratio: float | None
    worst_15s_loss_ratio: float | None
    rtt_ms: RoundTrip | None
    jitter_ms: Jitter | None
    """None under 20 answers."""
    ipdv_ms: Ipdv | None
    pdv_ms: float | None
    one_way_estimate_ms: float | None
    """Half the median round trip: an estimate."""
    one_way_loss_estimate: float | None
    """1 − √(1 − share lost or late), as if both directions lost alike; what both scores are fed. None under 20
    answers."""
    mouth_to_ear_ms: float | None
    """The delay that the E-model is fed: `one_way_estimate_ms` + 20 ms packet + 60 ms buffer. None under 20 answers."""
    mos: float | None
    """ITU-T G.107 for PCMU; None for Opus, which has no ITU value, and under 20 answers."""
    mos_interval: Interval | None
    """`mos` over the interval of the loss."""
    r_factor: float | None
    mos_twilio: float | None
    """By the formula of Twilio's JavaScript Voice SDK, from the median round trip, the mean jitter and
    `one_way_loss_estimate`; None under 20 answers."""
    mos_twilio_interval: Interval | None
    """`mos_twilio` over the interval of the loss."""
    mapped_address: str | None
    """This machine's address and port as the server saw them."""
    server: str | None
    """The SOFTWARE attribute."""
    reason: Reason | None
    """None where at least one answer came, and where the run was stopped before silence meant anything."""
    detail: str | None = None
    """The system's own words for the last error that it told of the path; None where it told of none."""
    error_codes: tuple[int, ...]
    """STUN error responses met, each once."""
    clock_step_ms: float | None
    """Largest jump between wall and monotonic clock during the run; None where there was none."""
    timer: Timer | None
    series: Series | None


class EdgeResult(Struct, frozen=True, kw_only=True):
    """One edge or target."""

    edge: str
    host: str
    port: int
    is_edge: bool
    addresses: tuple[str, ...]
    """What the name resolved to, in the order in which the system would try them."""
    tried: tuple[str, ...] = ()
    """Those that were asked, in that order; `stun.address` is the one measured: the first that answered, else the first
    with a route."""
    dns_ms: float | None
    """None for a literal address and where no answer came."""
    dns_error: DnsError | None
    stun: StunStream | None
    """None where the name gave no address."""


class NetCheckResult(Struct, frozen=True, kw_only=True):
    """Every edge at once."""

    codec: Literal["pcmu", "opus"]
    requested_s: float
    edges: tuple[EdgeResult, ...]
    best_edge: str | None
    """The edge with the best score, then the shortest round trip; None where none answered to the end."""
    unproven: tuple[str, ...]
    """What no probe can prove without a call."""
