"""Status and outcome from attempts and findings."""

from __future__ import annotations

import pytest

from voicediag.judge.overall import outcome_of, status_of
from voicediag.judge.unavailable import FINDING_OF, judge_unavailable
from voicediag.model.attempt import Attempt, Cause, DevicesAttempt, MicTestAttempt, NetCheckAttempt
from voicediag.model.finding import Finding, Severity
from voicediag.model.report import Outcome, Status
from voicediag.model.results.network import EdgeResult, NetCheckResult

DEVICES = DevicesAttempt(status="completed")
MIC = MicTestAttempt(status="completed")


def edge(name: str) -> EdgeResult:
    return EdgeResult(
        edge=name, host="h", port=3478, is_edge=True, addresses=(), dns_ms=None, dns_error="not-found", stun=None
    )


NET = NetCheckAttempt(
    status="completed",
    result=NetCheckResult(
        codec="pcmu", requested_s=10.0, edges=(edge("tokyo"), edge("dublin")), best_edge=None, unproven=()
    ),
)
NO_SOUND = MicTestAttempt(status="unavailable", reason="no library", cause=Cause.NO_PORTAUDIO)
STOPPED = NetCheckAttempt(status="interrupted")
CRASHED = NetCheckAttempt(status="crashed", reason="ValueError: x")
SKIPPED = NetCheckAttempt(status="skipped")


def found(name: str, severity: Severity, check: str, subject: str | None = None) -> Finding:
    return Finding(id=name, severity=severity, check=check, subject=subject)


LOSS_WARN = found("net.packet-loss", "warn", "net-check", "tokyo")
LOSS_FAIL = found("net.packet-loss", "fail", "net-check", "tokyo")
BLOCKED_ALL = found("net.udp-blocked", "fail", "net-check")
NO_NAME_OTHER = found("net.dns-failure", "fail", "net-check", "dublin")
BLOCKED_ONE = found("net.udp-blocked", "fail", "net-check", "tokyo")
NO_PORTAUDIO = found("audio.no-portaudio", "fail", "mic-test")
NO_INPUT = found("audio.no-input", "fail", "devices")
INFO = found("net.clock-step", "info", "net-check")

CASES: list[tuple[str, list[Attempt], list[Finding], Status, Outcome]] = [
    ("nothing wrong", [DEVICES, MIC, NET], [], "pass", "ready"),
    ("a note only", [DEVICES, MIC, NET], [INFO], "pass", "ready"),
    ("a warning", [DEVICES, MIC, NET], [LOSS_WARN], "warn", "degraded"),
    ("a failure", [DEVICES, MIC, NET], [LOSS_FAIL], "fail", "degraded"),
    ("blocked everywhere", [DEVICES, MIC, NET], [BLOCKED_ALL], "fail", "blocked"),
    ("blocked at one edge", [DEVICES, MIC, NET], [BLOCKED_ONE], "fail", "degraded"),
    ("blocked everywhere, for two reasons", [DEVICES, MIC, NET], [BLOCKED_ONE, NO_NAME_OTHER], "fail", "blocked"),
    ("no device", [DEVICES, MIC, NET], [NO_INPUT, BLOCKED_ALL], "fail", "no-device"),
    ("sound could not be looked at", [NO_SOUND, NET], [NO_PORTAUDIO], "warn", "unknown"),
    ("no sound, and blocked", [NO_SOUND, NET], [NO_PORTAUDIO, BLOCKED_ALL], "fail", "blocked"),
    ("nothing could be done", [NO_SOUND], [NO_PORTAUDIO], "error", "unknown"),
    ("a crash counts", [MIC, CRASHED], [], "warn", "unknown"),
    ("only a crash", [CRASHED], [], "error", "unknown"),
    ("interrupted", [MIC, STOPPED], [], "error", "unknown"),
    ("skipped counts for nothing", [MIC, SKIPPED], [], "pass", "ready"),
]


@pytest.mark.parametrize(
    ("attempts", "findings", "status", "outcome"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_status_and_outcome(attempts: list[Attempt], findings: list[Finding], status: Status, outcome: Outcome) -> None:
    assert status_of(attempts, findings) == status
    assert outcome_of(attempts, findings) == outcome


def test_every_cause_has_its_finding() -> None:
    assert set(FINDING_OF) == set(Cause)


def test_an_unavailable_check_says_why() -> None:
    (finding,) = judge_unavailable(NO_SOUND)
    assert (finding.id, finding.severity, finding.check) == ("audio.no-portaudio", "fail", "mic-test")
    assert finding.evidence[0].value == "no library"
    assert judge_unavailable(CRASHED) == ()
