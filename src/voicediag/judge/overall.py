"""From the attempts and findings of a run: its status, and the outcome of a whole `check`."""

from __future__ import annotations

from collections.abc import Sequence

from voicediag.model.attempt import Attempt, NetCheckAttempt
from voicediag.model.finding import Finding
from voicediag.model.report import Outcome, Status

NO_DEVICE = frozenset(
    {
        "audio.no-input",
        "audio.no-output",
        "audio.device-missing",
        "audio.device-busy",
        "audio.rate-unsupported",
        "audio.permission-denied",
        "audio.device-lost",
        "audio.stream-failed",
    }
)
"""With one of these, a call would have no device that it can use."""

BLOCKED = frozenset({"net.udp-blocked", "net.dns-failure", "net.signalling-blocked", "net.websocket-blocked"})
"""With one of these at every edge, a call could not be set up or would carry no sound."""


def status_of(attempts: Sequence[Attempt], findings: Sequence[Finding]) -> Status:
    """Judge a run as a whole.

    `fail`: a completed check has a failing finding. `error`: it was interrupted, or nothing that was asked for could
    be completed. `warn`: there is a lesser finding, or a check that was asked for did not complete. `pass`: the rest.
    """
    completed = {attempt.check for attempt in attempts if attempt.status == "completed"}
    asked = [attempt for attempt in attempts if attempt.status != "skipped"]
    if any(attempt.status == "interrupted" for attempt in asked):
        return "error"
    if any(finding.severity == "fail" and finding.check in completed for finding in findings):
        return "fail"
    if not completed:
        return "error"
    if len(completed) < len(asked) or any(finding.severity != "info" for finding in findings):
        return "warn"
    return "pass"


def _is_blocked(attempt: Attempt, failing: Sequence[Finding]) -> bool:
    """Tell whether no edge could carry a call, be it for one reason or for several."""
    if not isinstance(attempt, NetCheckAttempt) or attempt.result is None or not attempt.result.edges:
        return False
    blocked = {finding.subject for finding in failing if finding.id in BLOCKED and finding.check == attempt.check}
    return None in blocked or all(edge.edge in blocked for edge in attempt.result.edges)


def outcome_of(attempts: Sequence[Attempt], findings: Sequence[Finding]) -> Outcome:
    """Say in one word what a call from here would meet.

    Precedence: an interrupted run is `unknown`; then `no-device`, `blocked`; then `unknown` where a check that was
    asked for did not complete; then `degraded` with any warning or failure; else `ready`. The first two come before
    `unknown` because what was proved stays proved, whatever else could not be looked at.
    """
    asked = [attempt for attempt in attempts if attempt.status != "skipped"]
    completed = {attempt.check for attempt in asked if attempt.status == "completed"}
    failing = [finding for finding in findings if finding.severity == "fail"]
    if any(attempt.status == "interrupted" for attempt in asked):
        return "unknown"
    if any(finding.id in NO_DEVICE for finding in failing):
        return "no-device"
    if any(_is_blocked(attempt, failing) for attempt in asked if attempt.check in completed):
        return "blocked"
    if len(completed) < len(asked) or not asked:
        return "unknown"
    if any(finding.severity != "info" for finding in findings):
        return "degraded"
    return "ready"
