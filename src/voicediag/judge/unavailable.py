"""A check that could not look has a finding too: the one that says why."""

from __future__ import annotations

from voicediag.model.attempt import Attempt, Cause
from voicediag.model.finding import Evidence, Finding

FINDING_OF: dict[Cause, str] = {
    Cause.NO_PORTAUDIO: "audio.no-portaudio",
    Cause.NO_INPUT: "audio.no-input",
    Cause.NO_OUTPUT: "audio.no-output",
    Cause.DEVICE_MISSING: "audio.device-missing",
    Cause.FILE_UNREADABLE: "audio.file-unreadable",
}


def judge_unavailable(attempt: Attempt) -> tuple[Finding, ...]:
    """Return the finding for an attempt's `cause`; nothing where it has none."""
    if attempt.cause is None:
        return ()
    return (
        Finding(
            id=FINDING_OF[attempt.cause],
            severity="fail",
            check=attempt.check,
            subject=attempt.subject,
            direction=attempt.direction,
            evidence=(Evidence("reason", attempt.reason, ""),),
        ),
    )
