"""A log as pieces of bytes, and where in it a record ends. Constant memory, whatever the log.

A record is a line. Where the whole log is one JSON document it is an object: of the first array of objects, or of
several documents. In a table whose heading names a column of codes it is a row.
"""

from __future__ import annotations

import codecs
import csv
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO, Final, NamedTuple

from msgspec import Struct

BLOCK = 1 << 18
LONGEST_LINE = 1 << 18
"""A line beyond this is read in pieces; its number stays the same."""
CONTEXT = 1 << 10
"""How many bytes around a word can be looked at to know what it is."""
INTERRUPTED: Final = "interrupted"

_HEAD = 1 << 12
_LEAST_UTF_16 = 16
_LONGEST_ROW = 1 << 16


class Progress(Struct):
    """How much was read."""

    bytes: int = 0
    stopped: str | None = None
    """Why reading ended early; None where the log was read to its end."""


class Piece(Struct, frozen=True):
    """Part of a log: `data` from `start` to `end` is new. What is around it stands in another piece too."""

    data: bytes
    start: int
    end: int
    is_last: bool = False


# --- bytes


def _chunks(stream: BinaryIO, progress: Progress) -> Iterator[bytes]:
    """Yield what is there to read. An interruption, or an error after the first bytes, is the end of the log.

    `read1` returns what a pipe holds. `read` waits for more, and loses what it has when it is interrupted.
    """
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    try:
        while chunk := read(BLOCK):
            progress.bytes += len(chunk)
            yield chunk
    except KeyboardInterrupt:
        progress.stopped = INTERRUPTED
    except OSError as error:
        if not progress.bytes:
            raise
        progress.stopped = error.strerror or type(error).__name__


def _encoding(head: bytes) -> str | None:
    """Return the encoding that hides ASCII; None for UTF-8 and its like. Without a mark the zeros tell it."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) >= _LEAST_UTF_16:
        even, odd = head[::2].count(0) / len(head[::2]), head[1::2].count(0) / len(head[1::2])
        if max(even, odd) > 0.6 and min(even, odd) < 0.1:
            return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _text(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the log in an encoding in which ASCII is ASCII, with line feeds where it has carriage returns only."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD:
            break
    encoding = _encoding(head[:_HEAD])
    decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)(errors="replace")
    has_returns: bool | None = None
    for chunk in chain((head,), chunks):
        data = chunk if decoder is None else decoder.decode(chunk).encode()
        if has_returns is None:
            data = data.removeprefix(codecs.BOM_UTF8)
            has_returns = b"\n" not in data and data.count(b"\r") > 1
        yield data.replace(b"\r", b"\n") if has_returns else data


# Colors and other terminal sequences: the letter that ends one would stick to the number behind it.
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\))")
_LONGEST_SEQUENCE = 256


def _uncolored(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Put a space in the place of each terminal sequence, also of one that two blocks share."""
    kept = b""
    for block in blocks:
        data, kept = kept + block, b""
        if b"\x1b" in data:
            data = _SEQUENCE.sub(b" ", data)
            open_at = data.find(b"\x1b", max(0, len(data) - _LONGEST_SEQUENCE))
            if open_at >= 0:
                data, kept = data[:open_at], data[open_at:]
        yield data
    if kept:
        yield kept


def pieces(stream: BinaryIO, progress: Progress) -> Iterator[Piece]:
    """Yield the log in pieces that end with a line where they can. Raises OSError where nothing can be read."""
    kept, start = b"", 0
    for block in _uncolored(_text(_chunks(stream, progress))):
        data = kept + block
        latest = max(start, len(data) - CONTEXT)
        end = data.rfind(b"\n", start, latest) + 1
        if not end:
            if len(data) - start < LONGEST_LINE:
                kept = data
                continue
            end = latest
        yield Piece(data, start, end)
        begin = max(0, end - CONTEXT)
        kept, start = data[begin:], end - begin
    if len(kept) > start:
        yield Piece(kept, start, len(kept), is_last=True)


# --- records


class Lines:
    """Every line is a record."""

    def __init__(self) -> None:
        self._data = b""

    def enter(self, piece: Piece) -> None:
        """Go on to the new part of `piece`."""
        self._data = piece.data

    def end(self, at: int) -> int:
        """Return where in the piece the record ends that holds the place `at`, or the piece itself."""
        end = self._data.find(b"\n", at)
        return len(self._data) if end < 0 else end

    def of(self, at: int, line: int) -> int:
        """Return the number of the record that holds the place `at` of the piece; places come in their order."""
        return line


class _Marked:
    """Records whose beginnings are marked as a piece is entered."""

    def __init__(self) -> None:
        self._before = 0
        """How many records began before this piece."""
        self._starts: list[int] = []
        """Where records begin, in order; those beyond the piece's end too."""
        self._end = 0
        self._text_from: int | None = None
        """From where on lines are records; None where they are not."""

    def of(self, at: int, line: int) -> int:
        """Return the number of the record that holds the place `at` of the piece, on `line`."""
        number = self._before + bisect_right(self._starts, at)
        return number if self._text_from is None or at < self._text_from else number + line

    def end(self, at: int) -> int:
        """Return where in the piece the record ends that holds the place `at`, or the piece itself."""
        if self._text_from is not None and at >= self._text_from:
            return at
        after = bisect_right(self._starts, at)
        return self._starts[after] if after < len(self._starts) else self._end

    def _move_to(self, piece: Piece) -> None:
        """Keep the marks beyond the last piece's end: they are counted from there."""
        passed = bisect_right(self._starts, self._end - 1)
        self._before += passed
        self._starts = [mark + piece.start - self._end for mark in self._starts[passed:]]
        self._end = piece.end


_OPENING = re.compile(rb"\{")
_TEXT = re.compile(rb"\n[^\s,{}\[\]]")
_LONGEST_GAP = 200
"""How much white space may be between an object and what precedes it."""
_STRING = re.compile(rb"\"[^\"]*\"")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))


class _Nesting:
    """How deep in a JSON text one is. Takes text that is no JSON for whatever it looks like."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_in_string = False
        self._escape = b""

    def pass_over(self, text: bytes) -> None:
        """Go on by `text`. All work is done by methods of bytes: there may be 100 MB of it."""
        if self._escape or b"\\" in text:
            text = self._escape + text
            slashes = len(text) - len(text.rstrip(b"\\"))
            self._escape = b"\\" * (slashes % 2)
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        text = text.translate(None, _NOT_STRUCTURE)
        if self.is_in_string:
            text = b'"' + text
        # Two quotes side by side are an empty string or the joint of two strings: without them the rest is as it was.
        text = text.replace(b'""', b"")
        self.is_in_string = b'"' in text and text.count(b'"') % 2 == 1
        if b'"' in text:
            text = _STRING.sub(b"", text).partition(b'"')[0]
        if text:
            self.depth += text.count(b"{") + text.count(b"[") - text.count(b"}") - text.count(b"]")


class Objects(_Marked):
    """Records of a JSON document: the objects of its first array of objects, or the documents, if there are several.

    Where the document ends and other text goes on, a line is a record.
    """

    def __init__(self) -> None:
        super().__init__()
        self._nesting = _Nesting()
        self._level: int | None = None

    def enter(self, piece: Piece) -> None:
        """Go on to the new part of `piece`."""
        self._move_to(piece)
        if self._text_from is not None:
            self._text_from = 0
            return
        data, place = piece.data, piece.start
        text_from = self._text_after(piece)
        for opening in _OPENING.finditer(data, piece.start, piece.end):
            at = opening.start()
            before = data[max(0, at - _LONGEST_GAP) : at].rstrip()
            is_next = before.endswith(b",") and before[:-1].rstrip().endswith(b"}")
            is_other = before.endswith((b"[", b"}"))
            if not (is_next or is_other):
                continue
            if text_from is not None and at > text_from:
                break
            self._nesting.pass_over(data[place:at])
            place = at
            if not self._nesting.is_in_string and self._is_record(before[-1:], self._nesting.depth):
                self._starts.append(at)
        self._nesting.pass_over(data[place : piece.end if text_from is None else text_from])
        self._text_from = text_from

    def _text_after(self, piece: Piece) -> int | None:
        """Return where lines begin that are no JSON; None where none do."""
        for line in _TEXT.finditer(piece.data, max(0, piece.start - 1), piece.end):
            before = piece.data[max(0, line.start() - _LONGEST_GAP) : line.start()].rstrip()
            if before.endswith((b"}", b"]")):
                return line.start() + 1
        return None

    def _is_record(self, before: bytes, depth: int) -> bool:
        if before == b"[":
            self._level = depth if self._level is None else self._level
        elif depth == 0:
            self._level = 0
        return self._level == depth


_CODE_COLUMNS = frozenset(
    {b"code", b"error", b"errorcode", b"errcode", b"errornumber", b"twiliocode", b"twilioerror", b"twilioerrorcode"}
    | {b"alertcode", b"warningcode", b"errorwarningcode", b"errorcodes", b"lasterrorcode"}
)
_VAGUE = frozenset({b"code", b"error"})
_HEADING = re.compile(rb"[ \"']*[A-Za-z][A-Za-z _/()-]*[ \"']*")
_NOT_IN_NAMES = bytes(set(range(256)) - set(b"abcdefghijklmnopqrstuvwxyz"))
_CELL = re.compile(rb"[ \"'=]*(?:(?:error|warning|code|e)[ :#=-]*)?([1-9]\d{4})(?:\.0+)?(?![\w.])", re.IGNORECASE)


class Cell(NamedTuple):
    """A code in a column of codes."""

    at: int
    """Its place in the piece; the piece's beginning where it stands before that."""
    code: bytes
    lines_back: int
    """How many lines before that place it stands."""


class Rows(_Marked):
    """Records of a table: its rows, whose quoted cells may hold line feeds."""

    def __init__(self, column: int, delimiter: bytes, *, is_certain: bool) -> None:
        super().__init__()
        self.is_certain = is_certain
        """False for a heading like `code`, below which other codes may stand too."""
        self._column = column
        self._delimiter = delimiter
        cells = rb"(?:[^\n%s]*%s){%d}" % (delimiter, re.escape(delimiter), column)
        self._plain_row = re.compile(cells + _CELL.pattern, _CELL.flags)
        self._open = b""
        """What was seen of a row that has not ended."""
        self._is_in_quotes = False
        self.codes: list[Cell] = []
        """What the column of codes holds in the new part of the piece."""

    def enter(self, piece: Piece) -> None:
        """Go on to the new part of `piece`."""
        self._move_to(piece)
        self.codes = []
        place, data, plain_row = piece.start, piece.data, self._plain_row
        while place < piece.end:
            after = data.find(b"\n", place, piece.end) + 1 or piece.end
            if not self._open:
                self._starts.append(place)
                if data.find(b'"', place, after) < 0:
                    row = plain_row.match(data, place, after)
                    if row is not None:
                        self.codes.append(Cell(row.start(1), row[1], 0))
                    place = after
                    continue
            line = data[place:after]
            self._open += line
            self._is_in_quotes ^= line.count(b'"') % 2 == 1
            # A cell that does not end within a page or so is no cell: somebody's quotation mark is missing.
            if not self._is_in_quotes or len(self._open) > _LONGEST_ROW:
                self._take_quoted(after, piece.start)
                self._open, self._is_in_quotes = b"", False
            place = after

    def _take_quoted(self, end: int, start: int) -> None:
        row = self._open
        try:
            cells = next(csv.reader([row.decode("latin-1")], delimiter=self._delimiter.decode()))
        except (csv.Error, StopIteration):
            return
        code = _CELL.match(cells[self._column].encode("latin-1")) if len(cells) > self._column else None
        if code is not None:
            offset = max(0, row.find(code[1], sum(map(len, cells[: self._column])) + self._column))
            before = start - (end - len(row) + offset)
            lines_back = row.count(b"\n", offset, offset + before) if before > 0 else 0
            self.codes.append(Cell(start - min(0, before), code[1], lines_back))


Records = Lines | Objects | Rows


def records_of(first: Piece) -> Records:
    """Return what the records are of the log whose first piece this is."""
    text = first.data[first.start :].lstrip()
    if re.match(rb"\{\s*[\"}]|\[\s*\{\s*[\"}]", text):
        line, _, rest = text.partition(b"\n")
        nesting = _Nesting()
        nesting.pass_over(line)
        is_line_whole = line.startswith(b"{") and nesting.depth == 0 and not nesting.is_in_string
        return Lines() if is_line_whole and rest.strip() else Objects()
    return _table(text[: text.find(b"\n") + 1]) or Lines()


def _table(heading: bytes) -> Rows | None:
    for delimiter in (b",", b";", b"\t", b"|"):
        cells = heading.rstrip(b"\r\n").split(delimiter)
        names = [cell.lower().translate(None, _NOT_IN_NAMES) if _HEADING.fullmatch(cell) else b"" for cell in cells]
        columns = [number for number, name in enumerate(names) if name in _CODE_COLUMNS]
        if len(names) > 1 and columns and heading.endswith(b"\n"):
            column = min(columns, key=lambda number: names[number] in _VAGUE)
            return Rows(column, delimiter, is_certain=names[column] not in _VAGUE)
    return None
