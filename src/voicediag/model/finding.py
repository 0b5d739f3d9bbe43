"""A finding: one problem, what was seen, what it raises in a call, and what to do."""

from typing import Literal

from msgspec import Struct

Severity = Literal["info", "warn", "fail"]
Direction = Literal["input", "output"]
"""Which way a device carries sound."""


class Evidence(Struct, frozen=True):
    """One measured value beside the limit that judged it."""

    metric: str
    """The field's name in the result."""
    value: float | int | str | None
    unit: str
    """`ms`, `dBFS`, `ratio`, `Hz` …; empty for a word."""
    threshold: float | None = None
    """The limit, in the same unit; None where nothing numeric was judged."""
    source: str = ""
    """Whose limit it is."""
    note: str = ""
    """What a reader must know to read the value right."""


class Finding(Struct, frozen=True, kw_only=True):
    """One problem. `judge/` fills what was seen; the words come from `knowledge/` when the report is put together."""

    id: str
    severity: Severity
    check: str
    """The id of the check that found it."""
    subject: str | None = None
    """The device, edge or number it is about; None where it is about the whole."""
    direction: Direction | None = None
    """Where it is about a device: which way; a lost microphone raises other codes than a lost speaker."""
    title: str = ""
    evidence: tuple[Evidence, ...] = ()
    codes: tuple[int, ...] = ()
    """Twilio codes that this problem raises in a call."""
    warnings: tuple[str, ...] = ()
    """Voice SDK warnings that it raises."""
    symptoms: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    """What to do, in the order to try."""
    confirm: tuple[str, ...] = ()
    """Commands that prove it."""


RANK: dict[Severity, int] = {"fail": 0, "warn": 1, "info": 2}
"""Worst first."""
