"""Which codes, warnings and class names a log holds, how often and where. Constant memory, whatever the log."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterator
from functools import cache
from operator import methodcaller
from typing import BinaryIO, NamedTuple

from msgspec import UNSET, Struct
from msgspec.structs import replace

from voicediag.knowledge import evidence, lookup, official, store
from voicediag.knowledge.entry import Entry
from voicediag.knowledge.evidence import Verdict
from voicediag.knowledge.records import CONTEXT, INTERRUPTED, Lines, Piece, Progress, Records, Rows, pieces, records_of
from voicediag.model.explanation import Explanation, Kind, Level, Log, Match, Unknown

MOST_UNKNOWN = 100

_RANK: dict[Level | None, int] = {"error": 0, "warning": 1, "notice": 2, None: 3}


def _kind(character: int) -> int:
    """Return `d` for a digit, `w` for a letter, `n` for the end of a line, and a point for everything else."""
    byte = bytes([character])
    return b"d"[0] if byte.isdigit() else b"w"[0] if byte.isalpha() else b"n"[0] if byte in b"\r\n" else b"."[0]


# A log as the kinds of its characters: so numbers of five digits are found by the speed of C, among many others.
# A number alone on its line has nothing that could tell what it is.
_KINDS = bytes(map(_kind, range(256)))
_WITHIN = re.compile(rb"\.ddddd(?![dw])")
_AT_START = re.compile(rb"nddddd\.")

# Every name holds one of these, and little else does. Each costs a pass over the log, at some GB/s.
_ENDINGS = (b"Error", b"Exception", b"Failed")
# These are in every trace of a stack: a look at what stands before them spares a closer one.
_ANCHORS = (
    *(b"AccessToken", b"NoSupportedCodec", b"ConnectionDisconnected", b"InvalidApplicationSid"),
    *(b"ExpirationTimeExceeds", b"high-", b"low-", b"constant-audio-", b"-connecti", b"WARN_"),
)
_CAMEL_ANCHORS = (b"ighRtt", b"ighJitter", b"ighPacket", b"owMos", b"owBytes", b"onstantAudio", b"onnectivityLost")
"""These only where the log speaks of warnings."""
_BEFORE_ENDING = 5
_UNKNOWN_CODE = re.compile(
    rb"rror(?:s/|[ _-]?[cC]odes?[^\w\n]{1,8}|s?[^\w\n]{0,3}(?:\[|code[^\w\n]{1,6}))([1-9]\d{4})(?!\w)"
)
_WORD = re.compile(rb"[\w-]+(?:\.[\w-]+)*")
_LONGEST_NAME = 64
_WORD_BYTES = frozenset(b"-._") | frozenset(byte for byte in range(256) if bytes([byte]).isalnum())
_ITS_CODE = re.compile(rb"[^\w\n]{1,3}(?:code[^\w\n]{0,3})?([1-9]\d{4})\b", re.IGNORECASE)

# Names that the index leaves to us: they tell something only in the right company.
_MORE_NAMES = ("TwilioError", "CallException", "TwilioRestException", "AbortError", "SecurityError", "low-bitrate")
# Names that other software uses too.
_COMMON = frozenset(
    b"UnknownError AuthorizationError RegistrationError ConnectionTimeoutError TransportError AuthenticationFailed"
    b" MalformedRequestError RateExceededError PayloadSizeExceededError InvalidPhoneNumberError NoSupportedCodec"
    b" ApplicationNotFoundError ConnectionDisconnected InvalidArgumentError InvalidStateError NotSupportedError"
    b" AccessTokenExpired AccessTokenGrantsInvalid AccessTokenHeaderInvalid AccessTokenInvalid AccessTokenRejected"
    b" AccessTokenIssuerInvalid AccessTokenNotYetValid AccessTokenSignatureInvalid low-bitrate low-audio-level".split()
)
# Exceptions of old browsers that the SDK's classes are named like.
_OF_SOUND = frozenset({b"PermissionDeniedError"})
_NO_DEVICES = re.compile(rb"undefined \(reading 'getUserMedia'\)|(?<=mediaDevices is )undefined")

_SIP = re.compile(
    rb"SIP/2\.0 ([1-6]\d\d)\b|(?:sip_?response(?:_?(?:code|num))?)[\"']?\s*[:=]\s*[\"']?([1-6]\d\d)\b", re.IGNORECASE
)
_SIP_ANCHORS = ((b"SIP/2.0 ", 0), (b"ip_response", 1), (b"ipResponse", 1))
# Below 400 nothing went wrong, and these two are the challenge with which a request begins.
_CHALLENGES = frozenset({401, 407})
_LEAST_FAULT = 400
_PORTAUDIO = re.compile(rb"PortAudio|PaError|\bPa_\w|\[Errno -99|pyaudio|sounddevice", re.IGNORECASE)
_PORTAUDIO_NUMBER = re.compile(rb"-99\d\d(?![\d.])")


class Tally(Struct):
    """How often something occurs."""

    count: int = 0
    first_line: int = 0
    last_line: int = 0
    record: int = -1
    """The record in which it was counted last, and its place in the log."""
    at: int = -1

    def add(self, line: int, record: int, at: int) -> None:
        """Count an occurrence, unless its record was counted."""
        if self.record != record:
            self.count += 1
            self.first_line = self.first_line or line
            self.last_line = line
            self.record = record
            self.at = at


class Seen(Struct):
    """What a log holds."""

    entries: dict[int, Tally]
    """By the entry's number in the index."""
    unknown: dict[int, Tally]
    """Codes of Twilio's fields that are not known; at most MOST_UNKNOWN of them."""
    lines: int = 0
    bytes: int = 0
    stopped: str | None = None
    """Why reading ended early; None where the log was read to its end."""


class _Name(Struct, frozen=True):
    """Something that a log can call by its name."""

    entry: int
    kind: Kind


class _Hit(NamedTuple):
    """Something found in a piece."""

    at: int
    entry: int
    """The number of its entry; below zero it is a code that is not known, as a negative number."""
    lines_back: int = 0


def _spellings(entry: Entry) -> Iterator[str]:
    """Return the names of a warning in the Voice SDKs: `high-rtt`, `highRtt`, `WARN_HIGH_RTT` …"""
    words = "".join(word.capitalize() for word in entry.id.split("-"))
    yield from (entry.id, words, words[:1].lower() + words[1:], f"k{words}Warning", f"TVOCallQualityWarning{words}")
    yield "WARN_" + entry.id.upper().replace("-", "_")
    yield from (alias for alias in entry.aliases if alias.startswith(("WARN_", "TVOCallQualityWarning")))


@cache
def _names() -> dict[bytes, _Name]:
    """Return everything that a log can call by its name. Not to be changed."""
    spoken = store.names().spoken
    numbers = {**spoken, **{name: each[0] for name in _MORE_NAMES if (each := store.numbers_of(name))}}
    entries = dict(zip(numbers.values(), store.entries(list(numbers.values())), strict=True))
    names = {name.encode(): _Name(number, entries[number].kind) for name, number in numbers.items()}
    for number, entry in entries.items():
        if entry.kind == "warning":
            for name in _spellings(entry):
                # An alias that an entry claims is its own, whatever another's spelling would be.
                is_claimed = name in entry.aliases or name == entry.id
                if is_claimed or name.encode() not in names:
                    names[name.encode()] = _Name(number, "warning")
    return names


@cache
def _endings() -> frozenset[bytes]:
    """Return what stands before the frequent anchors in the names that end with one."""
    found = [(name, ending) for name in _names() for ending in _ENDINGS if name.endswith(ending)]
    return frozenset(name[: -len(ending)][-_BEFORE_ENDING:] for name, ending in found)


@cache
def _numbers_of_codes() -> dict[bytes, int]:
    keys = store.names().keys
    return {name.encode(): each[0] for name, each in keys.items() if len(name) == 5 and name.isdigit()}


class _Reader:
    """One pass over a log."""

    def __init__(self) -> None:
        keys = store.names().keys
        self.seen = Seen({}, {})
        self._codes = _numbers_of_codes()
        self._numbered = {name: each[0] for name, each in keys.items() if name.startswith(("-99", "sip-"))}
        self._no_devices = store.numbers_of("mediaDevices-undefined")
        self._names = _names()
        self._records: Records | None = None
        self._passed = 0
        """How many bytes were before the new part of the piece."""

    def read(self, stream: BinaryIO) -> Seen:
        """Read all of `stream`, or what there is of it when it is interrupted or breaks."""
        progress = Progress()
        line = 1
        ends_open = False
        try:
            for piece in pieces(stream, progress):
                self._take(piece, line)
                line += piece.data.count(b"\n", piece.start, piece.end)
                self._passed += piece.end - piece.start
                ends_open = not piece.data.endswith(b"\n", piece.start, piece.end)
                self.seen.lines = line if ends_open else line - 1
        except KeyboardInterrupt:
            progress.stopped = INTERRUPTED
        self.seen.bytes = progress.bytes
        self.seen.stopped = progress.stopped
        return self.seen

    def _take(self, piece: Piece, line: int) -> None:
        """Count what is in the new part of `piece`, which begins on `line`."""
        records = self._records = self._records or records_of(piece)
        records.enter(piece)
        hits = self._cells(records) if isinstance(records, Rows) else []
        hits += self._numbers(piece, records, {hit.at for hit in hits})
        hits.sort()
        places = [hit.at for hit in hits]
        hits += self._named(piece, places)
        hits += self._statuses(piece, places)
        hits += self._portaudio(piece)
        hits.sort()
        self._count(piece, hits, records, line)

    def _count(self, piece: Piece, hits: list[_Hit], records: Records, line: int) -> None:
        data, place = piece.data, piece.start
        passed = self._passed - piece.start
        for at, entry, lines_back in hits:
            line += data.count(b"\n", place, at)
            place = at
            known = self.seen.entries if entry >= 0 else self.seen.unknown
            tally = known.get(abs(entry))
            if tally is None:
                tally = known[abs(entry)] = Tally()
            elif isinstance(records, Lines) and data[data.rfind(b"\n", 0, at) + 1 : at][:1] in (b" ", b"\t"):
                block = evidence.block_of(data, at, CONTEXT)
                if block is not None and block + passed <= tally.at:
                    continue
            tally.add(line - lines_back, records.of(at, line), at + passed)

    # --- numbers

    def _numbers(self, piece: Piece, records: Records, taken: Container[int]) -> Iterator[_Hit]:
        """Find the codes that are known, each once a record, but not those at the places `taken`."""
        data, start, end = piece.data, piece.start, piece.end
        kinds = data.translate(_KINDS)
        codes, judge = self._codes, evidence.judge
        if start == 0 and kinds.startswith(b"ddddd.") and data[:5] in codes and judge(data, 0):
            yield _Hit(0, codes[data[:5]])
        for pattern in (_WITHIN, _AT_START):
            told: dict[int, int] = {}  # entry → where the record ends in which it was found
            for found in pattern.finditer(kinds, max(0, start - 1)):
                at = found.start() + 1
                entry = codes.get(data[at : at + 5])
                if entry is None:
                    continue
                if at >= end:
                    break
                if at >= told.get(entry, 0) and at not in taken and judge(data, at):
                    told[entry] = records.end(at)
                    yield _Hit(at, entry)
        for field in _UNKNOWN_CODE.finditer(data, start):
            at = field.start(1)
            if field[1] in codes or not start <= at < end:
                continue
            if judge(data, at) is Verdict.CERTAIN:
                yield from self._unknown(at, int(field[1]))

    def _unknown(self, at: int, code: int, lines_back: int = 0) -> Iterator[_Hit]:
        has_room = code in self.seen.unknown or len(self.seen.unknown) < MOST_UNKNOWN
        if has_room and (lookup.family_of(code) is not None or code in official.dictionary().codes):
            self.seen.unknown.setdefault(code, Tally())
            yield _Hit(at, -code, lines_back)

    def _cells(self, rows: Rows) -> list[_Hit]:
        hits: list[_Hit] = []
        for cell in rows.codes:
            entry = self._codes.get(cell.code)
            if entry is not None:
                hits.append(_Hit(cell.at, entry, cell.lines_back))
            elif rows.is_certain:
                hits += self._unknown(cell.at, int(cell.code), cell.lines_back)
        return hits

    # --- names

    def _named(self, piece: Piece, places: list[int]) -> Iterator[_Hit]:
        data, start, end, endings = piece.data, piece.start, piece.end, _endings()
        coded = frozenset(places)
        for anchor in _ENDINGS:
            after = len(anchor)
            for at in _places(data, anchor, start, end):
                if at + after + 2 in coded:  # `ConnectionError (31005)`: the number says it
                    continue
                if data[at - _BEFORE_ENDING : at] in endings or data[at + after : at + after + 2] == b"s.":
                    yield from self._name(data, at, places)
        speaks_of_warnings = b"arning" in data or b"WARN" in data
        for anchor in (*_ANCHORS, *(_CAMEL_ANCHORS if speaks_of_warnings else ())):
            for at in _places(data, anchor, start, end):
                yield from self._name(data, at, places)
        for at in _places(data, b"undefined", start, end):
            if self._no_devices and _NO_DEVICES.match(data, at):
                yield _Hit(at, self._no_devices[0])

    def _name(self, data: bytes, anchor: int, places: list[int]) -> Iterator[_Hit]:
        """Find the name around `anchor`, and take it where it tells of a fault."""
        begin, least = anchor, max(0, anchor - _LONGEST_NAME)
        while begin > least and data[begin - 1] in _WORD_BYTES:
            begin -= 1
        word = _WORD.match(data, begin)
        if word is None:
            return
        text = word[0]
        name = self._names.get(text)
        if name is None:
            text = text.rpartition(b".")[2]
            name = self._names.get(text)
        if name is not None and self._tells(data, word.end() - len(text), word.end(), text, name, places):
            yield _Hit(anchor, name.entry)

    def _tells(self, data: bytes, at: int, end: int, text: bytes, name: _Name, places: list[int]) -> bool:
        if name.kind == "warning":
            is_bare = text in _COMMON or text.isalnum()  # highRtt
            return (not is_bare or evidence.is_about_warnings(data, at, end)) and evidence.is_raised(data, at, end)
        number = _ITS_CODE.match(data, end)
        if number is not None and number[1] in self._codes and evidence.judge(data, number.start(1)):
            return False  # the number says it better
        if evidence.is_in_stack(data, at, end):
            return False
        if name.kind == "exception" or text in _OF_SOUND:
            return evidence.is_about_sound(data, at, end)
        if name.kind == "class" and _has_any(places, *evidence.line_around(data, at, end)):
            return False
        return text not in _COMMON or evidence.is_about_twilio(data, at, end)

    # --- numbers of three and four digits, where nothing else can be meant

    def _statuses(self, piece: Piece, places: list[int]) -> Iterator[_Hit]:
        data = piece.data
        for anchor, back in _SIP_ANCHORS:
            for at in _places(data, anchor, piece.start, piece.end):
                found = _SIP.match(data, max(0, at - back))
                status = 0 if found is None else int(found[1] or found[2])
                entry = self._numbered.get(f"sip-{status}")
                is_fault = status >= _LEAST_FAULT and status not in _CHALLENGES
                if entry is not None and is_fault and not self._is_told(data, at, places, status):
                    yield _Hit(at, entry)

    def _is_told(self, data: bytes, at: int, places: list[int], status: int) -> bool:
        """Tell whether a code on the same line stands for this status: the SDKs' 31486 is a SIP 486."""
        begin, end = evidence.line_around(data, at, at)
        near = places[bisect_left(places, begin) : bisect_left(places, end)]
        return any(data[place : place + 5] == b"31%d" % status for place in near)

    def _portaudio(self, piece: Piece) -> Iterator[_Hit]:
        data = piece.data
        for at in _places(data, b"-99", piece.start, piece.end):
            number = _PORTAUDIO_NUMBER.match(data, at)
            if number is not None and not data[max(0, at - 1) : at].isalnum():
                entry = self._numbered.get(number[0].decode())
                if entry is not None and _PORTAUDIO.search(data, *evidence.line_around(data, at, at)):
                    yield _Hit(at, entry)


_start = methodcaller("start")


@cache
def _pattern(text: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(text))


def _places(data: bytes, text: bytes, start: int, end: int) -> Iterator[int]:
    """Return where `text` begins in `data` from `start` to `end`."""
    return map(_start, _pattern(text).finditer(data, start, end + len(text) - 1))


def _has_any(places: list[int], begin: int, end: int) -> bool:
    """Tell whether one of `places`, which are in order, is from `begin` to `end`."""
    return bisect_left(places, begin) < bisect_left(places, end)


def read(stream: BinaryIO) -> Seen:
    """Return what `stream`, a log as bytes, holds. Raises OSError where nothing of it can be read."""
    return _Reader().read(stream)


def explain_log(stream: BinaryIO, name: str) -> Explanation:
    """Explain everything that the log called `name` holds, worst first. Raises OSError as `read`."""
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
    log = Log(name, seen.lines, seen.bytes, UNSET if seen.stopped is None else seen.stopped)
    return Explanation(query=(name,), matches=matches, unknown=tuple(unknown), log=log)


def _counted(match: Match, tally: Tally) -> Match:
    return replace(match, count=tally.count, first_line=tally.first_line, last_line=tally.last_line)


def _unknown_in_log(code: int, tally: Tally) -> Unknown:
    unknown = lookup.unknown_code(str(code), code)
    where = f"line {tally.first_line}" if tally.count == 1 else f"{tally.count} times, first on line {tally.first_line}"
    return replace(unknown, reason=f"{unknown.reason} ({where})")
