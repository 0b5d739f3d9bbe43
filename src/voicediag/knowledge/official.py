"""Twilio's own dictionary, where the user has stored it: looked up one code at a time, in Twilio's words.

One file: a line that describes it and says where each code's line is, then a line for each code. `intake.py` writes it.
"""

from __future__ import annotations

import os.path
import sys
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import BinaryIO, Final, Literal

import msgspec
from msgspec import Struct

from voicediag.model.dictionary import Stored
from voicediag.model.explanation import Level, Match, Reading, Source
from voicediag.model.text import visible

FORMAT: Final = "voicediag.stored-dictionary/1"
LEAST_CODE, MOST_CODE = 100, 999_999
"""Most of Twilio's codes have five digits; the dictionary of 2023 has five of three digits and two of six."""
CODE_PAGE = "https://www.twilio.com/docs/api/errors/{}"

_FILE = "twilio-dictionary.jsonl"
_LONGEST_HEADER = 4 << 20
_LONGEST_LINE = 4_000
_LONGEST_TITLE = 400


class Page(Struct, frozen=True, kw_only=True):
    """What the dictionary says about one code, as plain lines."""

    code: int
    title: str
    severity: Level | None = None
    product: str | None = None
    updated: str | None = None
    """The day of its last change; None where it bears none."""
    summary: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()


class Header(Struct, frozen=True, kw_only=True):
    """The first line of the file."""

    format: Literal["voicediag.stored-dictionary/1"] = FORMAT
    stored: Stored
    size: int
    """Bytes after this line."""
    rows: dict[int, tuple[int, int]]
    """Code → where its line begins after this one, and how many bytes it has."""


class Unreadable(Exception):  # noqa: N818 - it is a state of the file
    """What is stored cannot be read. The message says why."""


class Dictionary:
    """The stored dictionary. It is empty where nothing is stored, and where that cannot be read: then see `trouble`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.trouble: str | None = None
        """Why something that is stored could not be read, one line; None where all is well so far."""
        self.stored: Stored | None = None
        self._rows: dict[int, tuple[int, int]] = {}
        self._begin = 0
        try:
            os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            return  # nothing is stored, or nothing can be on this machine
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - see store.py
                header = self._header(file)
        except (OSError, Unreadable) as error:
            self._trouble(error)
        else:
            self.stored, self._rows = header.stored, header.rows

    def _header(self, file: BinaryIO) -> Header:
        line = file.readline(_LONGEST_HEADER)
        try:
            header = msgspec.json.decode(line, type=Header)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreadable("its first line is damaged") from None
        self._begin = len(line)
        if os.fstat(file.fileno()).st_size != self._begin + header.size:
            raise Unreadable("it is not as long as it was")
        return header

    def _trouble(self, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else str(error)
        self.trouble = (
            f"Twilio's stored dictionary is left out, it cannot be read ({why}); store it anew: voicediag dictionary"
            f" update ('{visible(self.path)}')"
        )

    @property
    def codes(self) -> Collection[int]:
        """Every code that it has."""
        return self._rows.keys()

    def _pages(self, codes: Sequence[int]) -> Iterator[Page]:
        with open(self.path, "rb") as file:  # noqa: PTH123
            for code in codes:
                offset, length = self._rows[code]
                try:
                    file.seek(self._begin + offset)
                    page = msgspec.json.decode(file.read(length), type=Page)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
                    raise Unreadable(f"the entry of {code} is damaged") from None
                if page.code != code:
                    raise Unreadable(f"the entry of {code} is in another's place")
                yield page

    def matches(self, codes: Sequence[int]) -> list[Match]:
        """Return what it says about those of `codes` that it has, in their order."""
        found: list[Match] = []
        known = [code for code in codes if code in self._rows]
        if not known or self.stored is None:
            return found
        try:
            for page in self._pages(known):
                found.append(as_match(page, self.stored))
        except (OSError, Unreadable) as error:
            self._trouble(error)
        return found


def as_match(page: Page, stored: Stored) -> Match:
    """Return `page` as an answer, every text of it made safe to show."""

    def lines(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(visible(text, _LONGEST_LINE) for text in texts)

    causes, fixes = lines(page.causes), lines(page.fixes)
    title = visible(page.title, _LONGEST_TITLE)
    reading = Reading(
        source="Twilio's own words",
        date=None if page.updated is None else visible(page.updated, 10),
        title=title,
        summary="\n".join(lines(page.summary)),
        causes=causes,
        cause_bases=tuple("documented" for _ in causes),
        fixes=fixes,
    )
    taken_on = visible(stored.taken_at, 20)[:10]
    source = Source("dictionary", f"Twilio's dictionary as stored on {taken_on}", CODE_PAGE.format(page.code))
    return Match(
        code=page.code,
        kind="dictionary",
        name=None,
        title=title,
        readings=(reading,),
        causes=causes,
        fixes=fixes,
        product=None if page.product is None else visible(page.product, 100),
        severity=page.severity,
        tier="adjacent",
        sources=(source,),
    )


def path() -> str:
    """Return where the dictionary is stored, or would be: in the folder that platformdirs calls the user's data."""
    # Not by asking platformdirs: importing it would cost every `explain` a good part of its time.
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = os.environ.get("XDG_DATA_HOME", "").strip() or "~/Library/Application Support"
    else:
        named = os.environ.get("XDG_DATA_HOME", "").strip()
        base = named if os.path.isabs(named) else "~/.local/share"  # noqa: PTH117
    return os.path.join(os.path.expanduser(base), "voicediag", _FILE)  # noqa: PTH111, PTH118


@cache
def dictionary() -> Dictionary:
    """Return the user's dictionary, opened once a process."""
    return Dictionary(path())


def forget() -> None:
    """Read the dictionary again at the next question: what is stored has changed."""
    dictionary.cache_clear()


def beside(name: str, ours: Sequence[Match]) -> list[Match]:
    """Return `ours`, the answers to `name`, with Twilio's words below each code; alone where we have none."""
    found: list[Match] = []
    told: set[int] = set()
    for match in ours:
        found.append(match)
        if match.kind == "code" and match.code is not None:
            told.add(match.code)
            found += dictionary().matches([match.code])
    if name.isascii() and name.isdigit() and len(name) <= len(str(MOST_CODE)) and int(name) not in told:
        found += dictionary().matches([int(name)])
    return found


def others(ours: Sequence[Match], prefix: str = "") -> list[Match]:
    """Return Twilio's entries of the codes that begin with `prefix` and are not among `ours`, in order."""
    known = {match.code for match in ours if match.kind == "code"}
    return dictionary().matches(sorted(c for c in dictionary().codes if c not in known and str(c).startswith(prefix)))
