"""The words of a finding: what the report says about a problem that `judge/` found."""

from __future__ import annotations

from msgspec import Struct

from voicediag.knowledge import store
from voicediag.knowledge.entry import System, command
from voicediag.model.finding import Direction


class FindingWords(Struct, frozen=True):
    """What a finding means, what it raises in a call, and what to do."""

    title: str
    codes: tuple[int, ...]
    """Twilio codes that it raises in a call."""
    warnings: tuple[str, ...]
    """Voice SDK warnings that it raises."""
    symptoms: tuple[str, ...]
    fixes: tuple[str, ...]
    """In the order to try; those of the operating system first."""
    confirm: tuple[str, ...]
    """Commands that prove it."""


def words(
    finding_id: str, os: System | None = None, subject: str | None = None, direction: Direction | None = None
) -> FindingWords:
    """Return the words of the finding `finding_id` for the operating system `os`.

    `direction` tells whether the finding is about an input or an output, which may raise different codes; None gives
    those of both.

    `subject` (a device's name) is put into the commands; where it is None, or holds what a shell would act on, the
    option that would name it is left out. Raises KeyError for an id that is no finding's.
    """
    for entry in store.entries(store.numbers_of(finding_id)):
        if entry.kind == "finding" and entry.id == finding_id:
            local = entry.fixes_on.get(os, ()) if os is not None else ()
            codes = entry.codes
            if direction != "output":
                codes += entry.codes_input
            if direction != "input":
                codes += entry.codes_output
            confirm = dict.fromkeys(command(template, subject) for template in entry.confirm)
            return FindingWords(entry.title, codes, entry.warnings, entry.symptoms, local + entry.fixes, tuple(confirm))
    raise KeyError(finding_id)
