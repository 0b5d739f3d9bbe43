"""Which codes, warnings and class names a log holds, how often and where. Constant memory, whatever the log."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from voicediag.knowledge import lookup, official, store
from voicediag.model.explanation import Explanation, Level, Log, Match, Unknown

BLOCK = 1 << 20
LONGEST_LINE = 4 << 20
"""A line beyond this is read in pieces; its number stays the same."""
MOST_UNKNOWN = 100
_CONTEXT = 48
"""How many bytes before and after a number decide what it is."""
_RECORD = 500
"""How many bytes around a warning's name may say that it was cleared."""
_ROW = 10_000
"""How much of a row of a table is looked at to know the column."""

_NUMBER = re.compile(rb"(?<![\w.+-])[1-9]\d{4}(?![\w%]|[.:-]\d)")
# What stands before a code: a word for it and then nothing but punctuation; or the dictionary's address.
_BEFORE = re.compile(
    rb"(?:(?:error|err|code|warning|exception|twilio)(?:[_ -]?(?:code|number|no|id))?[\"']?[\s\"':=\[({#,>.-]{0,6}"
    rb"|/errors/)\Z",
    re.IGNORECASE,
)
# A field that is certainly Twilio's: here a code that we do not know is still reported.
_CERTAIN = re.compile(
    rb"(?:twilio[ _-]?error|error[_ ]?code)[\"']?[\s\"':=]{1,4}\Z|docs(?:/api)?/errors/\Z", re.IGNORECASE
)
_OTHER_CODE = re.compile(
    rb"(?:zip|postal|post|area|country|dial|exit|char|key|byte|de|en|op|bar|status|close)[ _-]?code[\s\"':=]*\Z",
    re.IGNORECASE,
)
_UNIT = re.compile(
    rb"\s?(?:(?:[mun]|\xc2\xb5)?s|secs?|seconds?|minutes?|bytes?|[kM]?i?B|[kM]?b(?:it/s|ps)|k?Hz|px|packets|frames"
    rb"|samples|records|rows|times|lines|messages|ports?)\b|/(?:tcp|udp)",
    re.IGNORECASE,
)
_LINE_START = re.compile(rb"(?:\A|\n)\W{0,4}\Z")
_TITLE_AFTER = re.compile(rb"\]?(?: ?[:-]) [A-Z]")
_CODE_COLUMN = re.compile(rb"\"?(?:error[ _]?code|code)\"?\s*", re.IGNORECASE)
_QUOTED = re.compile(rb"\"[^\"]*\"")
_RANK: dict[Level | None, int] = {"error": 0, "warning": 1, "notice": 2, None: 3}


class Tally(Struct):
    """How often something occurs: one a line, for a record is a line."""

    count: int = 0
    first_line: int = 0
    last_line: int = 0

    def add(self, line: int) -> None:
        """Count an occurrence on `line`, unless that line was counted."""
        if self.last_line != line:
            self.count += 1
            self.first_line = self.first_line or line
            self.last_line = line


class Seen(Struct):
    """What a log holds."""

    entries: dict[int, Tally]
    """By the entry's number in the index."""
    unknown: dict[int, Tally]
    """Codes of Twilio's fields that are not known; at most MOST_UNKNOWN of them."""
    lines: int = 0
    bytes: int = 0


def _blocks(stream: BinaryIO, seen: Seen) -> Iterator[bytes]:
    """Yield the log as UTF-8 (or any encoding in which ASCII is ASCII); UTF-16 is known by its mark."""
    decoder: codecs.IncrementalDecoder | None = None
    is_first = True
    while block := stream.read(BLOCK):
        seen.bytes += len(block)
        if is_first and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        is_first = False
        yield block if decoder is None else decoder.decode(block).encode()


def _pieces(stream: BinaryIO, seen: Seen) -> Iterator[tuple[bytes, int]]:
    """Yield pieces that end with a line, and where in each the new part begins; a very long line in several."""
    kept, start = b"", 0
    for block in _blocks(stream, seen):
        data = kept + block
        end = data.rfind(b"\n") + 1
        if end <= start and len(data) >= LONGEST_LINE:
            end = max(data.rfind(b" ", -_CONTEXT), data.rfind(b",", -_CONTEXT)) + 1 or len(data)
        if end <= start:
            kept = data
            continue
        yield data[:end], start
        context = 0 if data[end - 1 : end] == b"\n" else min(_CONTEXT, end)
        kept, start = data[end - context :], context
    if len(kept) > start:
        yield kept, start


def _column(header: bytes) -> int | None:
    """Return which column of a CSV holds codes by its first line; None where none does."""
    cells = header.strip().split(b",")
    return next((i for i, cell in enumerate(cells) if len(cells) > 1 and _CODE_COLUMN.fullmatch(cell.strip())), None)


def _column_of(before: bytes) -> int | None:
    """Return the column of the cell which begins where `before` (the line up to there) ends; None inside of one."""
    plain = _QUOTED.sub(b"", before.removesuffix(b'"'))
    return plain.count(b",") if plain.endswith(b",") or not plain else None


class _Reader:
    """One pass over a log."""

    def __init__(self) -> None:
        names = store.names()
        self.seen = Seen({}, {})
        self.codes = {
            name.encode(): numbers[0] for name, numbers in names.keys.items() if len(name) == 5 and name.isdigit()
        }
        self.names = {name.encode(): number for name, number in names.spoken.items()}
        self.column: int | None = None

    def take(self, data: bytes, start: int, first_line: int) -> None:
        """Read `data` from `start`, which is on line `first_line`."""
        hits = [(match.start(), match.group()) for match in _NUMBER.finditer(data, start)]
        for name in self.names:
            at = data.find(name, start)
            while at >= 0:
                hits.append((at, name))
                at = data.find(name, at + 1)
        hits.sort()
        line, place = first_line, start
        for at, word in hits:
            line += data.count(b"\n", place, at)
            place = at
            if word in self.names:
                self._name(data, at, word, line)
            else:
                self._number(data, at, word, line)

    def _name(self, data: bytes, at: int, name: bytes, line: int) -> None:
        end = at + len(name)
        around = data[at - 1 : at] if at else b""
        if _is_word(around) or _is_word(data[end : end + 1]):
            return
        if b"cleared" not in _before(data, at, _RECORD).lower() + _after(data, end, _RECORD).lower():
            self.seen.entries.setdefault(self.names[name], Tally()).add(line)

    def _number(self, data: bytes, at: int, word: bytes, line: int) -> None:
        # A log has many numbers and few codes: what can be told cheaply is told first.
        entry = self.codes.get(word)
        before = _before(data, at, _CONTEXT)
        if entry is None and self.column is None and b"rror" not in before and b"RROR" not in before:
            return
        if entry is not None and (tally := self.seen.entries.get(entry)) is not None and tally.last_line == line:
            return
        after = _after(data, at + len(word), _CONTEXT)
        if _UNIT.match(after) or _OTHER_CODE.search(before):
            return
        in_column = self.column is not None and _column_of(_before(data, at, _ROW)) == self.column
        if entry is None:
            if in_column or _CERTAIN.search(before):
                self._unknown(int(word), line)
        elif in_column or _BEFORE.search(before) or (_LINE_START.search(before) and _TITLE_AFTER.match(after)):
            self.seen.entries.setdefault(entry, Tally()).add(line)

    def _unknown(self, code: int, line: int) -> None:
        has_room = code in self.seen.unknown or len(self.seen.unknown) < MOST_UNKNOWN
        if has_room and (lookup.family_of(code) is not None or code in official.dictionary().codes):
            self.seen.unknown.setdefault(code, Tally()).add(line)

    def read(self, stream: BinaryIO) -> Seen:
        """Read all of `stream`."""
        line = 1
        ends_open = False
        for data, start in _pieces(stream, self.seen):
            if line == 1 and start == 0:
                self.column = _column(data[: data.find(b"\n") + 1 or 1000])
            self.take(data, start, line)
            line += data.count(b"\n", start)
            ends_open = not data.endswith(b"\n")
        self.seen.lines = line if ends_open else line - 1
        return self.seen


def _before(data: bytes, at: int, most: int) -> bytes:
    """Return what stands before `at` on its line, at most so many bytes."""
    begin = max(0, at - most)
    return data[max(begin, data.rfind(b"\n", begin, at) + 1) : at]


def _after(data: bytes, at: int, most: int) -> bytes:
    """Return what stands from `at` on its line, at most so many bytes."""
    return data[at : at + most].partition(b"\n")[0]


def _is_word(character: bytes) -> bool:
    return character.isalnum() or character in (b"_", b"-")


def read(stream: BinaryIO) -> Seen:
    """Return what `stream`, a log as bytes, holds. Raises OSError as reading it does."""
    return _Reader().read(stream)


def explain_log(stream: BinaryIO, name: str) -> Explanation:
    """Explain everything that the log called `name` holds, worst first. Raises OSError as reading it does."""
    seen = read(stream)
    numbers = list(seen.entries)
    found: list[tuple[Match, Tally]] = []
    for number, entry in zip(numbers, store.entries(numbers), strict=True):
        found.append((entry.as_match(), seen.entries[number]))
    unknown: list[Unknown] = []
    for code, tally in seen.unknown.items():
        theirs = official.dictionary().matches([code])
        found += [(match, tally) for match in theirs]
        unknown += [] if theirs else [_unknown_in_log(code, tally)]
    found.sort(key=lambda pair: (_RANK[pair[0].severity], -pair[1].count, pair[1].first_line))
    matches = tuple(_counted(match, tally) for match, tally in found)
    return Explanation(query=(name,), matches=matches, unknown=tuple(unknown), log=Log(name, seen.lines, seen.bytes))


def _counted(match: Match, tally: Tally) -> Match:
    return replace(match, count=tally.count, first_line=tally.first_line, last_line=tally.last_line)


def _unknown_in_log(code: int, tally: Tally) -> Unknown:
    unknown = lookup.unknown_code(str(code), code)
    where = f"line {tally.first_line}" if tally.count == 1 else f"{tally.count} times, first on line {tally.first_line}"
    return replace(unknown, reason=f"{unknown.reason} ({where})")
