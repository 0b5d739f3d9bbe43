"""The form of one piece of knowledge, as the generated index holds it. docs/knowledge.md tells how one is written."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from voicediag.model.explanation import Kind, Level, Match, Reading, Source, Tier

System = Literal["linux", "windows", "macos"]
"""The operating systems whose fixes may differ."""


# A name that can stand between double quotes in every common shell without being changed by it.
_PLAIN = re.compile(r"[\w .,:;()\[\]{}+@/=#*'&-]{1,120}")
_SUBJECT_OPTION = re.compile(r" --[a-z-]+ \{subject\}")


def command(template: str, subject: str | None) -> str:
    """Return a command of `confirm` with `{subject}` filled in, or without the option where a shell would act on it."""
    if subject is None or not _PLAIN.fullmatch(subject):
        return _SUBJECT_OPTION.sub("", template)
    return template.replace("{subject}", f'"{subject}"')


class Entry(Struct, frozen=True, kw_only=True):
    """Everything known about one code, symptom, finding, warning or name."""

    id: str
    """Unique: the code as text (`31403`, `-9996`), or the name (`one-way-audio`, `mic.clipping`)."""
    kind: Kind
    tier: Tier
    code: int | None = None
    """Twilio's code, a SIP status or PortAudio's number."""
    sdk_class: str | None = None
    """`Namespace.Class` of the Voice SDKs."""
    title: str
    product: str | None = None
    severity: Level | None = None
    aliases: tuple[str, ...] = ()
    """What people call it."""
    readings: tuple[Reading, ...]
    """At least one; the first is the one to trust."""
    prevention: tuple[str, ...] = ()
    escalate: str | None = None
    related: tuple[int | str, ...] = ()
    symptoms: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    codes: tuple[int, ...] = ()
    """Findings only: the Twilio codes that the problem raises in a call."""
    codes_input: tuple[int, ...] = ()
    """Findings only: codes that it raises where the device is an input."""
    codes_output: tuple[int, ...] = ()
    """Findings only: codes that it raises where the device is an output."""
    warnings: tuple[str, ...] = ()
    """Findings only: the Voice SDK warnings that it raises."""
    fixes_on: dict[System, tuple[str, ...]] = field(default_factory=dict)
    """Fixes for one operating system, to be tried before the general ones."""

    @property
    def all_codes(self) -> tuple[int, ...]:
        """The codes for either kind of device."""
        return tuple(dict.fromkeys((*self.codes, *self.codes_input, *self.codes_output)))

    @property
    def fixes(self) -> tuple[str, ...]:
        """The general fixes of the first reading."""
        return self.readings[0].fixes

    def as_match(self, score: float = 1.0) -> Match:
        """Return it as an answer."""
        labels: tuple[tuple[System, str], ...] = (("windows", "Windows"), ("macos", "macOS"), ("linux", "Linux"))
        local = tuple(f"{label}: {fix}" for system, label in labels for fix in self.fixes_on.get(system, ()))
        reading = replace(self.readings[0], fixes=local + self.fixes) if local else self.readings[0]
        return Match(
            code=self.code,
            kind=self.kind,
            name=self.sdk_class if self.kind == "code" else self.id,
            title=self.title,
            readings=(reading, *self.readings[1:]),
            causes=reading.causes,
            fixes=reading.fixes,
            prevention=self.prevention,
            escalate=self.escalate,
            related=tuple(dict.fromkeys((*self.all_codes, *self.warnings, *self.related))),
            symptoms=self.symptoms,
            confirm=tuple(dict.fromkeys(command(template, None) for template in self.confirm)),
            score=score,
            product=self.product,
            severity=self.severity,
            tier=self.tier,
            sources=self.sources,
        )
