"""Is this number a code, and does this name tell of a fault? By what stands around it in a log, never by itself.

A port, a count or a process id may have the value of a code. So a number needs a label (`error`, `code`, an error
class), Twilio's address for it, or a title; and what follows must not make a quantity of it.
"""

from __future__ import annotations

import re
from enum import Enum, IntEnum
from functools import lru_cache

REACH = 64
"""How many bytes before a number are looked at for its label."""
FAR = 300
"""How many bytes around a name, on its line, may say what becomes of it."""


class Verdict(IntEnum):
    """What a number is."""

    NO = 0
    LIKELY = 1
    """A code, if such a code is known."""
    CERTAIN = 2
    """A code of Twilio's, even if nobody knows it."""


# --- numbers

# What may stand between a label and its number. The last ones are bytes of dashes, arrows and spaces in UTF-8.
_BETWEEN = b" \"'\\:=[]({})>#,.|-\xe2\x80\x93\x94\x86\x92\xc2\xa0\xef\xbc\x9a"
_QUANTITY = re.compile(
    rb"[ \t]?(?:(?:[mun]|\xc2\xb5)?s|[mk]?m|ft|secs?|seconds?|minutes?|hours?|days?|msecs?|milliseconds?|[kKMG]?i?B"
    rb"|bytes?|bits?|[kM]?b(?:it/s|ps)|[kMG]?Hz|px"
    rb"|(?:(?!(?:on|at|for|in|of|to|from|with|after|and|or|by) )[a-z]+ )?(?:packets|frames|samples|records|rows|times"
    rb"|lines|messages|ports?|calls|retries|tries|attempts|tokens|users|agents|members|items|entries|requests|events|errors"
    rb"|warnings|failures|points|characters|chars|tests|cases|steps|files|packages|archives|connections|sessions|clients"
    rb"|workers|threads|participants|occurrences|results|seconds|milliseconds))\b(?![=:])"
    rb"|(?: out)? of \d| is not | out of range|/(?:tcp|udp|\d)|[.:#-]\d|,\d{3}\b|\.[a-z]|%| --- \[",
)
_WORD_BEFORE = re.compile(rb"([A-Za-z]+)[ _-]*\Z")
_FAULTS = (b"error", b"err", b"exception", b"failure", b"fault", b"twilio", b"alert", b"warning", b"sdk", b"rejection")
"""Words of which a code may be."""
_SENTENCE = frozenset(
    b"with and code the a reason cause returned got disconnect registration call device voice".split()
)
"""Words after which `code` means one if the line speaks of a fault; other words make another code of it."""
_EXIT = re.compile(rb"\bexit", re.IGNORECASE)
_DOMAIN = re.compile(rb"Domain=(\S+) Code=\Z")
_OTHER_CODES = frozenset(
    b"zip postal area country dial exit status http response close char key bar qr sort promo coupon discount access"
    b" verification room product".split()
)
_ERRORS = (b"error", b"exception", b"err", b"failure", b"fault")
_LEVELS = (b"warning", b"warn", b"alert", b"fatal", b"critical")
# Errors of languages, systems and services that have numbers of their own.
_FOREIGN = re.compile(
    rb"(?:\b(?:Type|Range|Syntax|Reference|Value|Key|Index|Overflow|Attribute|Lookup|Assertion|Unicode\w*|Eval|URI|JSON\w*"
    rb"|NumberFormat|Illegal\w+|\w*OutOfBounds|Arithmetic|Memory|Import|ModuleNotFound|NotImplemented|Recursion"
    rb"|ZeroDivision|FileNotFound|BrokenPipe|NullPointer|ClassCast|Socket\w*|SSL\w*|Win|Win32|OS|IO)(?:Error|Exception)"
    rb"|(?:\b(?:(?:MS|My)?SQL|socket|winsock|WSA|Win32|Windows|system|parse|syntax|Oracle|ODBC)[ _-]*(?:error|exception"
    rb"|err)))(?:[ _-]?code)?\Z|\bORA-|errno",
    re.IGNORECASE,
)
_HTTP = re.compile(rb"\bHTTP[ _-]?(?:error|status)?[ :]*\d{3}\Z", re.IGNORECASE)
_REFUSED = re.compile(rb"(?<!\d)[45]\d\d\W*\Z")
_CLOCK = re.compile(rb"\d\d:\d\d:\d\d")
_SAYS = re.compile(rb"[\"'\])]*(?: ?[:|]| [-\xe2])[\"']? ?\S|[\"'\])]* [A-Z][a-z]\w+|, [A-Za-z]")
_TITLE = re.compile(rb"[\"'\])]*(?: ?[:|]| [-\xe2]\S{0,2}) ?[\"']?[A-Z][A-Za-z]{2}")
_IN_BRACKETS = re.compile(rb"(?: -|:) (?:\"|'|\xe2\x80[\x98\x9c])?[A-Z][a-z]")
_LOGCAT_TAG = re.compile(rb"(?:^|\s)[VDIWEFA]/[^(]{0,60}\(\s*\Z")
_FAULT = re.compile(
    rb"error|fail|exception|twilio|reject|refuse|unable|disconnect|declin|denied|busy|invalid|expired", re.IGNORECASE
)
_QUANTITIES_NAME = re.compile(
    rb"(?:(?i:(?<![a-z])(?:port|pid|tid|uid|gid|id|size|bytes|length|len|count|total|seq|sequence|line|offset|after|took"
    rb"|duration|rate|bitrate|ssrc|zip|room|extension|ext|queue|ticket|order|invoice|case|account|user|agent|number"
    rb"|build|version|pr|issue|worker|thread|process|session|position|rev|revision|year|time|timestamp|ms|job|task|row"
    rb"|item|test))|[a-z](?:Id|ID|Port|Count|Size|Length|Number|Time|Ms))\W*\Z"
)
_NUMBERED = re.compile(rb"(?:\b|_)(?:error|exception|warning)[ _-]?(?:no|nr|num|number|numbers)\Z", re.IGNORECASE)
_WITH = re.compile(
    rb"\b(?:fail(?:ed|ure|s)?|reject(?:ed|s)?|declined|refused|disconnect(?:ed|s)?|ended|threw|raised|returned|closed)"
    rb" (?:with|by|due to|because of)\Z",
    re.IGNORECASE,
)
_IS = re.compile(rb"\b(?:code|error|exception) (?:is|was)\Z", re.IGNORECASE)
_CAUSE = re.compile(rb"(?<![a-z])(?:reason|cause)\Z", re.IGNORECASE)
_CALLBACK = re.compile(rb"\bon[A-Z]\w*(?:Failure|Disconnected)\Z")
_LIST = re.compile(rb"(?:codes?|errors?)[\"']?\s*[:=]\s*\[[\"'\d\s,]*\Z", re.IGNORECASE)
_GOES_ON = re.compile(rb"[\"')]? [a-z]")


# What Twilio itself writes, which is most of what an export holds: known at a glance.
_FIELDS = (
    *(b'error_code": "', b'error_code":"', b'error_code": ', b'error_code":', b"ErrorCode=", b"/docs/errors/"),
    b"/docs/api/errors/",
)
_WORDS = 4
"""How many words before a number make its label, the empty one after a space included."""
_DIGITS = bytes(ord("0") if bytes([byte]).isdigit() else byte for byte in range(256))


class _Rule(Enum):
    """What a label says of the number after it."""

    NO = "no code"
    LIKELY = "a code"
    CERTAIN = "a code of Twilio's"
    STATUS = "a code, if the status before it is one of a refusal"
    LEVEL = "a code, unless it is a log's level and a process id follows"
    CELL = "the same, in a form in which logs write process ids"
    TITLE = "a code, if its title follows"
    BRACKETS = "a code, if its title follows in the same brackets"
    FAULT = "a code, if the line speaks of a fault"
    CLOSED = "a code, if the parenthesis closes and the line speaks of a fault"
    ENDS = "a code, if the sentence does not go on as if it were a quantity"
    ENDS_FAULT = "both"


def judge(data: bytes, at: int) -> Verdict:
    """Return what the number of five digits is that stands at `at` of `data`."""
    if _QUANTITY.match(data, at + 5):
        return Verdict.NO
    before = data[max(0, at - REACH) : at]
    if before.endswith(_FIELDS):
        return Verdict.CERTAIN
    begin = before.rfind(b"\n") + 1
    words = before[begin:].translate(_DIGITS).rsplit(b" ", _WORDS)
    is_whole = len(words) <= _WORDS and (begin > 0 or at <= REACH)
    rule = _rule(b" ".join(words[-_WORDS:]), is_whole)
    if rule is _Rule.NO:
        return Verdict.NO
    if b"iscord" in before or b"elnyx" in before:  # their codes are of five digits too
        return Verdict.NO
    if rule is _Rule.CERTAIN:
        return Verdict.CERTAIN
    return Verdict.LIKELY if rule is _Rule.LIKELY or _holds(rule, data, at) else Verdict.NO


def _holds(rule: _Rule, data: bytes, at: int) -> bool:
    """Tell whether the rest of the line is as `rule` wants it."""
    after = at + 5
    if rule is _Rule.TITLE:
        return _TITLE.match(data, after) is not None
    if rule is _Rule.BRACKETS:
        return _IN_BRACKETS.match(data, after) is not None
    if rule is _Rule.STATUS:
        return _REFUSED.search(data, max(0, at - 12), at) is not None
    if rule is _Rule.FAULT:
        return _speaks_of_fault(data, at)
    if rule is _Rule.CLOSED:
        closes = data[after : after + 1] == b")" and _speaks_of_fault(data, at)
        return closes or _IN_BRACKETS.match(data, after) is not None
    if rule in (_Rule.ENDS, _Rule.ENDS_FAULT):
        return not _GOES_ON.match(data, after) and (rule is _Rule.ENDS or _speaks_of_fault(data, at))
    begin, end = line_around(data, at, after)
    if b"wilio" in data[begin:at] or _CLOCK.search(data, begin, end) is None:
        return True
    return rule is _Rule.LEVEL and _SAYS.match(data, after) is not None


def _speaks_of_fault(data: bytes, at: int) -> bool:
    begin = data.rfind(b"\n", max(0, at - FAR), at) + 1 or max(0, at - FAR)
    return _FAULT.search(data, begin, at) is not None


@lru_cache(1 << 12)
def _rule(before: bytes, is_whole: bool) -> _Rule:
    """Return what the words right before a number say, their digits as zeros. `is_whole`: the line begins with them.

    A log repeats its labels: most are known by the time they come again.
    """
    label = before.rstrip(_BETWEEN)
    gap = before[len(label) :]
    if b"," in gap:  # another cell, or another element
        return _Rule.LIKELY if _LIST.search(before) else _Rule.NO
    if gap in (b".", b"|") or (gap.endswith(b"-") and _is_negative(label, gap)):
        return _Rule.NO
    lower = label.lower()
    if lower.endswith((b"code", b"codes")):
        return _code(label, gap)
    if lower.endswith(_ERRORS):
        return _error(label, gap)
    if lower.endswith(b"/errors/"):
        is_twilio = lower.endswith((b"docs/errors/", b"docs/api/errors/")) or b"twilio" in lower
        return _Rule.CERTAIN if is_twilio else _Rule.NO
    if lower.endswith(_LEVELS):
        return _level(label, gap)
    if lower.endswith(b"twilio"):
        return _Rule.NO if gap.startswith((b"[", b"(", b"-")) else _Rule.CERTAIN
    if not label:
        return _Rule.NO if not is_whole else _Rule.BRACKETS if b"[" in gap else _Rule.TITLE
    return _other(label, gap)


def _is_negative(label: bytes, gap: bytes) -> bool:
    """Tell whether the hyphen at the end of `gap` is a sign: neither after a word nor one of two."""
    return (len(gap) > 1 and gap[-2:-1] != b"-") or not label[-1:].isalpha()


def _code(label: bytes, gap: bytes) -> _Rule:
    """Judge what follows `code`, `errorCode`, `zip code` …"""
    is_list = label[-1:] in b"sS"
    if (is_list and b"[" not in gap) or _FOREIGN.search(label):
        return _Rule.NO
    domain = _DOMAIN.search(label + gap)
    if domain is not None:  # Apple's NSError, which every framework has
        return _Rule.LIKELY if b"wilio" in domain[1] or b"TVO" in domain[1] else _Rule.NO
    stem = label[: -5 if is_list else -4]
    word = _WORD_BEFORE.search(stem)
    if word is None:
        return _Rule.NO if stem.endswith((b"-", b"_")) else _Rule.LIKELY
    name = word[1].lower()
    if name.endswith(_FAULTS):
        # `Error code: 10054` may be of the system; a field called error_code is Twilio's.
        return _Rule.LIKELY if stem.endswith(b" ") and not name.endswith(b"twilio") else _Rule.CERTAIN
    if gap == b"=" and stem.endswith(b" "):  # key=value
        return _Rule.NO if name in _OTHER_CODES else _Rule.LIKELY
    is_sentence = name in _SENTENCE and stem.endswith(b" ") and not _EXIT.search(stem)
    return _Rule.FAULT if is_sentence else _Rule.NO


def _error(label: bytes, gap: bytes) -> _Rule:
    """Judge what follows `error`, `ConnectionError`, `callErr` …"""
    lower = label.lower()
    word = next(word for word in _ERRORS if lower.endswith(word))
    if _LOGCAT_TAG.search(label + gap):
        return _Rule.NO
    if lower.endswith((b"twilio" + word, b"twilio " + word, b"twilio_" + word)):
        return _Rule.CERTAIN
    before = label[-len(word) - 1 : -len(word)]
    is_part = before.isalpha()
    if (is_part and label.endswith(word)) or before == b"/" or _FOREIGN.search(label):  # stderr, mirror, a path
        return _Rule.NO
    return _Rule.LIKELY if is_part else _level(label, gap)


def _level(label: bytes, gap: bytes) -> _Rule:
    """Judge what follows a word that may be a log's level: in many logs a process id does."""
    if b":" in gap or b"=" in gap or b">" in gap or (label.endswith(b"error") and gap == b" "):
        return _Rule.LIKELY
    return _Rule.CELL if gap[-1:] in (b"[", b"(") or b"|" in gap else _Rule.LEVEL


def _other(label: bytes, gap: bytes) -> _Rule:
    """Judge a number whose label is none of the usual ones."""
    if _HTTP.search(label):
        return _Rule.STATUS
    if _NUMBERED.search(label) or (b"[" in gap and _LIST.search(label + gap)):
        return _Rule.LIKELY
    if gap == b" (":
        is_quantity = _QUANTITIES_NAME.search(label) or _LOGCAT_TAG.search(label + gap)
        return _Rule.NO if is_quantity else _Rule.CLOSED
    if gap.endswith((b" [", b" (")):
        return _Rule.BRACKETS
    if b"[" in gap:
        return _Rule.NO
    if _IS.search(label):
        return _Rule.ENDS_FAULT
    is_key = b":" in gap or b"=" in gap
    is_mention = _WITH.search(label) or (is_key and _CAUSE.search(label)) or _CALLBACK.search(label)
    return _Rule.ENDS if is_mention else _Rule.NO


# --- names

_STACK = re.compile(rb"\s+at\s|\s*#\d+\s")
_SOURCE = re.compile(rb"(?:@| )(?:https?|file|webpack[\w-]*|node)://|\.[jt]sx?\b|\s\[as ")
_CLOSING = re.compile(rb"\n\s*[}\]]")
_ABOUT_TWILIO = re.compile(rb"twilio|\bTVO|voice[ -]?sdk|voice/quickstart|VoiceActivity", re.IGNORECASE)
_ABOUT_SOUND = re.compile(
    rb"getUserMedia|mediaDevices|microphone|\bmic\b|setSinkId|setInputDevice|audio ?(?:source|input|output|helper)"
    rb"|audio ?device|speaker|TwilioVoice|AcquisitionFailed|Requested device|device not found|deviceId|media ?stream"
    rb"|Error\W{1,4}Permission (?:denied(?! to)|dismissed)|Permission denied by system",
    re.IGNORECASE,
)
_ABOUT_WARNINGS = re.compile(rb"warn", re.IGNORECASE)
_STATE = re.compile(
    rb"(?P<raised>(?:was_?)?cleared[\"']?\s*[:=]\s*(?:false|0|no|null)|raised|raising|(?P<now>current_?warnings?))"
    rb"|(?P<cleared>clear(?:ed|ing|s)?(?![a-z])|resolved|recovered|no longer|back to normal"
    rb"|(?P<then>previous_?warnings?))",
    re.IGNORECASE,
)
# How the JavaScript SDK logs them.
_EVENT, _CLEARED_EVENT = b"] #warning ", b"] #warning-cleared "
_ABSENT = re.compile(rb"[\"']?[ \t]*[:=][ \t]*[\"']?(?:0(?![.\d])|false|null|none|no\b|ok\b)", re.IGNORECASE)
_OBJECTS = re.compile(rb"\}\s*,\s*\{")
_PROPERTY = re.compile(
    rb"[ \t]+(?:[\"'][\w.-]+[\"']|code|error_?code|more_?info|message|name|group|description|explanation|title"
    rb"|details?|level)[ \t]*[:=]",
    re.IGNORECASE,
)


def line_around(data: bytes, at: int, end: int, far: int = FAR) -> tuple[int, int]:
    """Return where the line of `data[at:end]` begins and ends, at most `far` bytes away."""
    begin = data.rfind(b"\n", max(0, at - far), at) + 1 or max(0, at - far)
    last = data.find(b"\n", end, end + far)
    return begin, min(len(data), end + far) if last < 0 else last


def block_of(data: bytes, at: int, far: int) -> int | None:
    """Return where the line begins under which the property that holds `at` is indented; None where it is not so.

    Such lines (`  code: 20104,` below an error) are no records of their own.
    """
    begin = data.rfind(b"\n", max(0, at - far), at) + 1
    if not begin or not _PROPERTY.match(data, begin):
        return None
    indent = _indent(data, begin)
    while begin > max(0, at - far):
        begin = data.rfind(b"\n", max(0, at - far), begin - 1) + 1
        if not begin:
            return None
        if data[begin : begin + 1] not in (b"\n", b"\r", b"") and _indent(data, begin) < indent:
            return begin
    return None


def _indent(data: bytes, begin: int) -> int:
    end = begin
    while data[end : end + 1] in (b" ", b"\t"):
        end += 1
    return end - begin


def is_in_stack(data: bytes, at: int, end: int) -> bool:
    """Tell whether the name at `at` only says where in a program something happened."""
    begin, last = line_around(data, at, end)
    is_tag = data[at - 1 : at] == b"/" and data[at - 2 : at - 1] in (b"V", b"D", b"I", b"W", b"E", b"F")
    return is_tag or bool(_STACK.match(data, begin, last) or _SOURCE.match(data, end, last))


def is_about_twilio(data: bytes, at: int, end: int) -> bool:
    """Tell whether the line of a name speaks of Twilio."""
    return _ABOUT_TWILIO.search(data, *line_around(data, at, end)) is not None


def is_about_sound(data: bytes, at: int, end: int) -> bool:
    """Tell whether the line of a name speaks of opening a microphone or a speaker."""
    return _ABOUT_SOUND.search(data, *line_around(data, at, end)) is not None


def is_about_warnings(data: bytes, at: int, end: int) -> bool:
    """Tell whether the line of a name speaks of warnings."""
    return _ABOUT_WARNINGS.search(data, *line_around(data, at, end)) is not None


def is_raised(data: bytes, at: int, end: int) -> bool:
    """Tell whether the warning whose name is `data[at:end]` is raised there, and not cleared or absent."""
    before = data[max(0, at - len(_CLEARED_EVENT)) : at]
    if before.endswith((_EVENT, _CLEARED_EVENT)):
        return before.endswith(_EVENT)
    begin, last = line_around(data, at, end)
    if _ABSENT.match(data, end) or _is_among_previous(data, at, end, last):
        return False
    if _PROPERTY.match(data, begin):
        block = block_of(data, at, FAR)
        begin = begin if block is None else block
        closing = _CLOSING.search(data, end, end + FAR)
        last = last if closing is None else closing.start()
    if b"}" in data[begin:last]:
        begin = max((joint.end() for joint in _OBJECTS.finditer(data, begin, at)), default=begin)
        following = _OBJECTS.search(data, end, last)
        last = last if following is None else following.start()
    best: tuple[int, bool] | None = None
    for state in _STATE.finditer(data, begin, last):
        if state.start() >= end:
            if state["now"] or state["then"]:  # the heading of another list
                continue
            between = data[end : state.start()]
        else:
            between = data[state.end() : at]
        distance = len(between) + 20 * (between.count(b", ") + between.count(b"; "))
        if best is None or distance < best[0]:
            best = distance, state["cleared"] is None
    return best is None or best[1]


def _is_among_previous(data: bytes, at: int, end: int, last: int) -> bool:
    """Tell whether the mobile SDKs' list of the warnings of before has it too: then it is not new."""
    previous = data.find(b"revious", end, last)
    return previous >= 0 and data.find(data[at:end], previous, last) >= 0
