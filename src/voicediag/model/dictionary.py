"""Twilio's own error dictionary, as far as its copy on this machine describes itself."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

DICTIONARY_SCHEMA: Final = "voicediag.dictionary/1"

PUBLISHED_AT: Final = "https://www.twilio.com/docs/api/errors/twilio-error-codes.json"
"""Where Twilio publishes it."""

Action = Literal["update", "import", "status", "remove"]


class Stored(Struct, frozen=True, kw_only=True):
    """What is stored, and where it came from."""

    count: int
    """How many codes."""
    newest: str | None
    """The day on which Twilio last changed an entry (`2023-05-11`); None where no entry bears a date."""
    taken_at: str
    """When it was fetched or imported, UTC (`2026-01-31T12:00:00Z`)."""
    source: str
    """The address, or the file."""
    sha256: str
    """Of the document as it came."""
    bytes: int
    """Of the document as it came."""


class DictionaryDocument(Struct, frozen=True, kw_only=True):
    """The JSON document of `voicediag dictionary …`."""

    schema: Literal["voicediag.dictionary/1"] = DICTIONARY_SCHEMA
    action: Action
    changed: bool
    """True where what is stored is another than before."""
    reason: str | None
    """Why it could not be done, one line; None where it was."""
    stored: Stored | None
    """What is stored now; None where nothing is, or where it cannot be read."""
    file: str
    """Where it is stored, or would be."""
