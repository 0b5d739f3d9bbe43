"""What `explain` answers: the codes, symptoms and findings that were asked for, each with its readings."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

EXPLANATION_SCHEMA: Final = "voicediag.explanation/1"

Kind = Literal["code", "warning", "class", "exception", "sip", "portaudio", "tag", "symptom", "finding", "dictionary"]
Basis = Literal["documented", "sdk-source", "inferred"]
"""Where a cause comes from: somebody's documentation, an SDK's own source as read, or our conclusion."""
Level = Literal["error", "warning", "notice"]
Tier = Literal["deep", "core", "adjacent"]


class Source(Struct, frozen=True):
    """Something that can be looked up."""

    id: str
    title: str
    address: str
    date: str | None = None
    """As exact as it is known: `2025-02-22`, `2023-05`; None where the source bears no date."""


class Reading(Struct, frozen=True, kw_only=True):
    """One meaning of a name. Most names have one; some have several, by source or by SDK generation."""

    source: str
    """Whose reading it is."""
    date: str | None = None
    sdk: str | None = None
    """The SDK generations that it holds for; None where it holds for all."""
    title: str
    summary: str
    causes: tuple[str, ...] = ()
    """Likeliest first; empty where nobody documents one."""
    cause_bases: tuple[Basis, ...] = ()
    """The basis of each cause, in the same order."""
    fixes: tuple[str, ...] = ()
    """In the order to try."""
    tell_apart: str | None = None
    """How to know that it is this reading and no other."""


class Match(Struct, frozen=True, kw_only=True):
    """One thing that is known, as an answer to a question."""

    code: int | None
    """Twilio's code, a SIP status or PortAudio's number; None where there is none."""
    kind: Kind
    name: str | None
    """What `explain NAME` accepts: for a code its SDK class, None where it has none."""
    title: str
    readings: tuple[Reading, ...]
    causes: tuple[str, ...] = ()
    """Those of the first reading, as `fixes`."""
    fixes: tuple[str, ...] = ()
    prevention: tuple[str, ...] = ()
    escalate: str | None = None
    """When to get help, and whose."""
    related: tuple[int | str, ...] = ()
    """Codes as numbers, everything else by name."""
    symptoms: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    """Commands that confirm or exclude it."""
    score: float = 1.0
    """How well it answers, 0 to 1; 1 for what was asked by its own name."""
    product: str | None = None
    severity: Level | None = None
    tier: Tier = "core"
    sources: tuple[Source, ...] = ()
    count: int | UnsetType = UNSET
    """In a log: how many records hold it."""
    first_line: int | UnsetType = UNSET
    last_line: int | UnsetType = UNSET


class Unknown(Struct, frozen=True, kw_only=True):
    """A question that nothing answers, and the way on."""

    query: str
    reason: str
    """One line in plain words."""
    family: str | None = None
    """What the codes around it are about; None for what is no code or in no family."""
    nearest: tuple[int | str, ...] = ()
    """The closest known codes or names."""
    address: str | None = None
    """Twilio's page for a code of that number; None for what is no code."""


class Log(Struct, frozen=True):
    """What was read when a log was asked about."""

    name: str
    lines: int
    bytes: int
    stopped: str | UnsetType = UNSET
    """Why reading ended early: `interrupted`, or the system's reason. Absent where the log was read to its end."""


class Explanation(Struct, frozen=True, kw_only=True):
    """The answer to one call of `explain`."""

    schema: Literal["voicediag.explanation/1"] = EXPLANATION_SCHEMA
    query: tuple[str, ...]
    matches: tuple[Match, ...]
    """Best first; in a log worst first."""
    unknown: tuple[Unknown, ...] = ()
    log: Log | None = None
    """None where no log was read."""

    @property
    def is_answered(self) -> bool:
        """True where everything asked was found, or a log is clean to its end."""
        if self.log is not None:
            return not self.matches and not self.unknown and self.log.stopped is UNSET
        return bool(self.matches) and not self.unknown
