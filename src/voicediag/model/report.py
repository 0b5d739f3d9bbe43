"""The report: everything that a run measured and judged. JSON is the record; text and HTML are views of it."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from voicediag.model.attempt import Attempt
from voicediag.model.finding import Finding

REPORT_SCHEMA: Final = "voicediag.report/1"

Status = Literal["pass", "warn", "fail", "error"]
Outcome = Literal["ready", "degraded", "blocked", "no-device", "unknown"]


class Tool(Struct, frozen=True):
    """What made the report."""

    name: str
    version: str


class Host(Struct, frozen=True):
    """The machine it was made on."""

    os: str
    python: str
    portaudio: str | None
    """The library's own version text; None where it was not loaded."""
    id: str | None
    """Random, made once for an installation, not the host's name; None where it could not be kept."""


class Report(Struct, frozen=True, kw_only=True):
    """One run."""

    schema: Literal["voicediag.report/1"] = REPORT_SCHEMA
    tool: Tool
    started_at: str
    """RFC 3339, UTC."""
    duration_s: float
    host: Host
    status: Status
    outcome: Outcome | None = None
    """`check` and `demo` only."""
    verdict: str
    attempts: tuple[Attempt, ...]
    findings: tuple[Finding, ...]
    """Worst first."""
