"""A stream that did not open or did not last, as a finding: the same for every check that plays or records."""

from __future__ import annotations

from voicediag.model.finding import Direction, Evidence, Finding
from voicediag.model.results.audio import StreamFailure

BY_FAILURE: dict[StreamFailure, str] = {
    "absent": "audio.device-missing",
    "busy": "audio.device-busy",
    "rate": "audio.rate-unsupported",
    "channels": "audio.rate-unsupported",
    "permission": "audio.permission-denied",
    "driver": "audio.stream-failed",
    "lost": "audio.device-lost",
    "stalled": "audio.device-lost",
}


def failed(
    check: str, direction: Direction, failure: StreamFailure | None, detail: str | None, subject: str | None
) -> Finding | None:
    """Return the finding of a stream's failure; None where it did not fail."""
    if failure is None:
        return None
    return Finding(
        id=BY_FAILURE[failure],
        severity="fail",
        check=check,
        subject=subject,
        direction=direction,
        evidence=(Evidence("failure", failure, "", note=detail or ""),),
    )
