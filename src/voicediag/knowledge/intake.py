"""Takes Twilio's dictionary in: reads the published JSON, refuses what is none, stores it whole or not at all."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from voicediag.knowledge import official
from voicediag.knowledge.markup import plain
from voicediag.knowledge.official import Page
from voicediag.model.dictionary import Stored
from voicediag.model.explanation import Level

MOST_BYTES = 16 << 20
"""Eight times the dictionary of 2023."""
MOST_ENTRIES = 20_000
"""Ten times as many as there were."""
LONGEST_TEXT = 20_000
"""Characters in one text; the longest of 2023 has 3,642."""

_PIECE = 1 << 20
_BOMS_16 = (b"\xff\xfe", b"\xfe\xff")
_BOM_8 = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_TEXTS = ("message", "secondary_message", "description", "causes", "solutions", "docs", "product", "log_level")
_NOTHING = frozenset({"", "null", "placeholder", "error"})
"""What the dictionary of 2023 writes where it has no text."""
_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "notice": "notice"}
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T.{0,40})?", re.ASCII | re.DOTALL)
_PLACE = re.compile(r" - at `\$\[(\d+)\](?:\.(\w+))?.*`\Z", re.DOTALL)
_CAUSES = frozenset({"possible causes", "possible cause", "causes", "cause"})
_FIXES = frozenset({"possible solutions", "possible solution", "solutions", "solution"})
_OWN_HEADING = re.compile(r"(?:error|warning|notice)\b.{0,20}", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - it is an answer
    """The document is not taken. The message says why, on one line."""


class _Row(Struct, frozen=True, kw_only=True):
    """An entry as published. What else it holds is left."""

    code: int
    message: str | None = None
    log_level: str | None = None
    secondary_message: str | None = None
    docs: str | None = None
    causes: str | None = None
    solutions: str | None = None
    description: str | None = None
    product: str | None = None
    last_updated: str | None = None


def read_all(stream: BinaryIO) -> bytes:
    """Return everything in `stream`. Raises Refused beyond MOST_BYTES, of which no more is read, and OSError."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise Refused(f"it has more than {MOST_BYTES >> 20} MB")
        pieces.append(piece)
    return b"".join(pieces)


# --- the document


def _known_by_its_beginning(document: bytes) -> None:
    begin = document[:100].lstrip()
    if not begin:
        raise Refused("it is empty")
    if document.startswith(_BOMS_16) or document[1:2] == b"\0":
        raise Refused("it is UTF-16; JSON is UTF-8")
    if document.startswith(_GZIP):
        raise Refused("it is compressed (gzip); unpack it first")
    if begin[:1] == b"<":
        raise Refused("it is a web page, not JSON")
    if b"\0" in begin:
        raise Refused("it is binary, not JSON")


def _rows(document: bytes) -> list[_Row]:
    if document.count(b"{") > 10 * MOST_ENTRIES:  # before memory is spent on them
        raise Refused(f"it has more than {MOST_ENTRIES:,} entries")
    try:
        return msgspec.json.decode(document, type=list[_Row])
    except msgspec.ValidationError as error:
        raise Refused(_fault(str(error))) from None
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8") from None
    except RecursionError:
        raise Refused("it is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise Refused(f"it is no whole JSON: {error}") from None


def _fault(message: str) -> str:
    """Return msgspec's message with the entry counted as people do."""
    place = _PLACE.search(message)
    plainly = (message if place is None else message[: place.start()]).replace("`", "")
    if place is None:
        return f"it is no list of entries: {plainly}"
    field = f", {place[2]}" if place[2] else ""
    return f"entry {int(place[1]) + 1}{field}: {plainly}"


def _check(rows: list[_Row]) -> None:
    if not rows:
        raise Refused("it has no entries")
    if len(rows) > MOST_ENTRIES:
        raise Refused(f"it has more than {MOST_ENTRIES:,} entries")
    first: dict[int, int] = {}
    for number, row in enumerate(rows, 1):
        if not official.LEAST_CODE <= row.code <= official.MOST_CODE:
            raise Refused(f"entry {number}: {str(row.code)[:20]} is no code (three to six digits)")
        if row.code in first:
            raise Refused(f"entry {number}: the code {row.code} is that of entry {first[row.code]} too")
        first[row.code] = number
        for field in (*_TEXTS, "last_updated"):
            if len(getattr(row, field) or "") > LONGEST_TEXT:
                raise Refused(f"entry {number}, {field}: more than {LONGEST_TEXT:,} characters")


# --- an entry


def _given(text: str | None) -> str:
    return "" if text is None or text.strip().lower() in _NOTHING else text


def _lines(text: str | None) -> list[str]:
    return [block.text for block in plain(_given(text))]


def _inline(text: str | None) -> str:
    return " ".join(_lines(text))


class _Parts(Struct):
    summary: list[str]
    causes: list[str]
    fixes: list[str]


def _parts(text: str | None, title: str) -> _Parts:
    """Return what `text` says under its headings. Those that only repeat code and title are left out."""
    parts = _Parts([], [], [])
    section = parts.summary
    for block in plain(_given(text)):
        heading = block.text.rstrip(": ").lower()
        if block.kind != "heading":
            is_bullet = block.kind == "item" and section is parts.summary
            section.append(f"- {block.text}" if is_bullet else block.text)
        elif heading in _CAUSES:
            section = parts.causes
        elif heading in _FIXES:
            section = parts.fixes
        elif heading != title.rstrip(": ").lower() and not _OWN_HEADING.fullmatch(heading):
            section.append(block.text)
    return parts


def _page(row: _Row) -> Page:
    title = _inline(row.message) or _inline(row.secondary_message) or f"Error {row.code}"
    docs = _parts(row.docs, title)
    summary = docs.summary or _parts(row.description, title).summary or _lines(row.secondary_message) or [title]
    return Page(
        code=row.code,
        title=title,
        severity=_LEVELS.get((row.log_level or "").strip().lower()),
        product=_inline(row.product) or None,
        updated=_day(row.last_updated),
        summary=tuple(dict.fromkeys(summary)),  # some say everything twice
        causes=tuple(docs.causes or _lines(row.causes)),
        fixes=tuple(docs.fixes or _lines(row.solutions)),
    )


def _day(stamp: str | None) -> str | None:
    found = _DAY.fullmatch(stamp or "")
    return found[1] if found else None


def parse(document: bytes) -> list[Page]:
    """Return the entries of the published document by code. Raises Refused, which names the first fault.

    Harmless oddities are cleaned rather than refused: Markdown, HTML, CRLF, a byte order mark of UTF-8, fields that
    are missing or null, fields that are not known, dates that are none.
    """
    _known_by_its_beginning(document)
    rows = _rows(document.removeprefix(_BOM_8))
    _check(rows)
    return [_page(row) for row in sorted(rows, key=lambda row: row.code)]


# --- the store


def make(pages: list[Page], document: bytes, source: str, taken_at: str) -> tuple[bytes, Stored]:
    """Return the file that `official` reads, and what it says of itself."""
    import hashlib

    stored = Stored(
        count=len(pages),
        newest=max((page.updated for page in pages if page.updated is not None), default=None),
        taken_at=taken_at,
        source=source,
        sha256=hashlib.sha256(document).hexdigest(),
        bytes=len(document),
    )
    lines: list[bytes] = []
    rows: dict[int, tuple[int, int]] = {}
    offset = 0
    for page in pages:
        line = msgspec.json.encode(page) + b"\n"
        lines.append(line)
        rows[page.code] = (offset, len(line) - 1)
        offset += len(line)
    header = official.Header(stored=stored, size=offset, rows=rows)
    return b"".join((msgspec.json.encode(header), b"\n", *lines)), stored


def store(document: bytes, source: str, taken_at: str) -> Stored:
    """Put `document` in place of what is stored. Raises Refused or OSError, and then nothing has changed.

    `source` is the address or file it came from, `taken_at` the time, UTC.
    """
    content, stored = make(parse(document), document, source, taken_at)
    _replace(Path(official.path()), content)
    official.forget()
    return stored


def _replace(path: Path, content: bytes) -> None:
    import os
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def remove() -> bool:
    """Remove what is stored, and what a crash may have left half written. True where something was. Raises OSError."""
    path = Path(official.path())
    found = [path] if path.exists() else []
    found += path.parent.glob(f".{path.name}.*") if path.parent.is_dir() else ()
    for each in found:
        each.unlink(missing_ok=True)
    official.forget()
    return bool(found)
