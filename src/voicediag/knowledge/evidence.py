"""Is this number a code, and does this name tell of a fault? By what stands around it in a log, never by itself.

A port, a count or a process id may have the value of a code. So a number needs a label (`error`, `code`, an error
class), Twilio's address for it, or a title; and what follows must not make a quantity of it.
"""

from __future__ import annotations

import re
from enum import IntEnum

REACH = 48
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
    rb"|err)))(?:[ _-]?code)?\Z|iscord|elnyx|\bORA-|errno",
    re.IGNORECASE,
)
_HTTP = re.compile(rb"\bHTTP[ _-]?(?:error|status)?[ :]*[1-5]\d\d\Z", re.IGNORECASE)
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
_NUMBERS = (b"no", b"nr", b"num", b"number", b"numbers")
_WITH = re.compile(
    rb"\b(?:fail(?:ed|ure|s)?|reject(?:ed|s)?|declined|refused|disconnect(?:ed|s)?|ended|threw|raised|returned|closed)"
    rb" (?:with|by|due to|because of)\Z",
    re.IGNORECASE,
)
_IS = re.compile(rb"\b(?:code|error|exception) (?:is|was)\Z", re.IGNORECASE)
_CAUSE = re.compile(rb"(?<![a-z])(?:reason|cause)\Z", re.IGNORECASE)
_CALLBACK = re.compile(rb"\bon[A-Z]\w*(?:Failure|Disconnected)\Z")
_MENTIONS = (b"with", b"by", b"to", b"of", b"is", b"was", b"reason", b"cause", b"failure", b"disconnected")
_LIST = re.compile(rb"(?:codes?|errors?)[\"']?\s*[:=]\s*\[[\"'\d\s,]*\Z", re.IGNORECASE)
_GOES_ON = re.compile(rb"[\"')]? [a-z]")


def judge(data: bytes, at: int) -> Verdict:
    """Return what the number of five digits is that stands at `at` of `data`."""
    before = data[max(0, at - REACH) : at]
    before = before[before.rfind(b"\n") + 1 :]
    label = before.rstrip(_BETWEEN)
    gap = before[len(label) :]
    lower = label.lower()
    if lower.endswith((b"code", b"codes")):
        verdict = _code(data, at, label, gap)
    elif lower.endswith(_ERRORS):
        verdict = _error(data, at, label, gap)
    elif lower.endswith(b"/errors/"):
        return _address(lower)
    elif lower.endswith(_LEVELS):
        verdict = _level(data, at, label, gap)
    elif lower.endswith(b"twilio"):
        verdict = Verdict.NO if gap.startswith((b"[", b"(", b"-")) else Verdict.CERTAIN
    else:
        verdict = Verdict.LIKELY if _is_other(data, at, label, gap) else Verdict.NO
    if verdict is Verdict.NO or _QUANTITY.match(data, at + 5):
        return Verdict.NO
    is_cell = b"," in gap and not _LIST.search(label + gap)
    is_part = gap in (b".", b"|") or (gap.endswith(b"-") and _is_negative(label, gap))
    return Verdict.NO if is_cell or is_part else verdict


def _is_negative(label: bytes, gap: bytes) -> bool:
    """Tell whether the hyphen at the end of `gap` is a sign: neither after a word nor one of two."""
    return (len(gap) > 1 and gap[-2:-1] != b"-") or not label[-1:].isalpha()


def _speaks_of_fault(data: bytes, at: int) -> bool:
    begin = data.rfind(b"\n", max(0, at - FAR), at) + 1 or max(0, at - FAR)
    return _FAULT.search(data, begin, at) is not None


def _code(data: bytes, at: int, label: bytes, gap: bytes) -> Verdict:
    """Judge what follows `code`, `errorCode`, `zip code` …"""
    is_list = label[-1:] in b"sS"
    if (is_list and b"[" not in gap) or _FOREIGN.search(label):
        return Verdict.NO
    domain = _DOMAIN.search(data, max(0, at - FAR), at) if gap == b"=" else None
    if domain is not None:  # Apple's NSError, which every framework has
        return Verdict.LIKELY if b"wilio" in domain[1] or b"TVO" in domain[1] else Verdict.NO
    stem = label[: -5 if is_list else -4]
    word = _WORD_BEFORE.search(stem)
    if word is None:
        return Verdict.NO if stem.endswith((b"-", b"_")) else Verdict.LIKELY
    name = word[1].lower()
    if name.endswith(_FAULTS):
        # `Error code: 10054` may be of the system; a field called error_code is Twilio's.
        return Verdict.LIKELY if stem.endswith(b" ") and not name.endswith(b"twilio") else Verdict.CERTAIN
    if gap == b"=" and stem.endswith(b" "):  # key=value
        return Verdict.NO if name in _OTHER_CODES else Verdict.LIKELY
    is_sentence = name in _SENTENCE and stem.endswith(b" ") and not _EXIT.search(stem)
    return Verdict.LIKELY if is_sentence and _speaks_of_fault(data, at) else Verdict.NO


def _error(data: bytes, at: int, label: bytes, gap: bytes) -> Verdict:
    """Judge what follows `error`, `ConnectionError`, `callErr` …"""
    lower = label.lower()
    word = next(word for word in _ERRORS if lower.endswith(word))
    is_twilio = lower.endswith((b"twilio" + word, b"twilio " + word, b"twilio_" + word))
    if is_twilio and not _LOGCAT_TAG.search(label + gap):
        return Verdict.CERTAIN
    is_part = label[-len(word) - 1 : -len(word)].isalpha()
    if is_part and label.endswith(word):  # stderr, mirror
        return Verdict.NO
    is_path = not is_part and label[-len(word) - 1 : -len(word)] == b"/"
    if is_path or _FOREIGN.search(label) or _LOGCAT_TAG.search(label + gap):
        return Verdict.NO
    return Verdict.LIKELY if is_part else _level(data, at, label, gap)


def _level(data: bytes, at: int, label: bytes, gap: bytes) -> Verdict:
    """Judge what follows a word that may be a log's level: in many logs a process id does."""
    if b":" in gap or b"=" in gap or b">" in gap or (label.endswith(b"error") and gap == b" "):
        return Verdict.LIKELY
    begin, end = line_around(data, at, at + 5)
    if _CLOCK.search(data, begin, end) is None or b"wilio" in data[begin:at]:
        return Verdict.LIKELY
    is_field = gap[-1:] in (b"[", b"(") or b"|" in gap
    return Verdict.LIKELY if not is_field and _SAYS.match(data, at + 5) else Verdict.NO


def _address(lower: bytes) -> Verdict:
    is_twilio = lower.endswith((b"docs/errors/", b"docs/api/errors/")) or b"twilio" in lower
    return Verdict.CERTAIN if is_twilio else Verdict.NO


def _is_other(data: bytes, at: int, label: bytes, gap: bytes) -> bool:
    """Judge a number whose label is none of the usual ones. Cheap questions come first: this is most of them."""
    if not label:
        begin = at - len(gap)
        if begin and data[begin - 1 : begin] != b"\n":
            return False
        return (_IN_BRACKETS if b"[" in gap else _TITLE).match(data, at + 5) is not None
    if label[-1:].isdigit():
        return _HTTP.search(label) is not None or (b"," in gap and _LIST.search(label + gap) is not None)
    if gap.endswith((b" [", b" (")) and _IN_BRACKETS.match(data, at + 5):
        return True
    word = label[label.rfind(b" ") + 1 :].lower()
    if word.endswith(_NUMBERS) and _NUMBERED.search(label):
        return True
    if word.endswith(b"errors") and b"[" in gap:
        return _LIST.search(label + gap) is not None
    if gap == b" (" and data[at + 5 : at + 6] == b")":
        is_quantity = _QUANTITIES_NAME.search(label) or _LOGCAT_TAG.search(label + gap)
        return not is_quantity and _speaks_of_fault(data, at)
    if not word.endswith(_MENTIONS) or b"[" in gap or _GOES_ON.match(data, at + 5):
        return False
    is_key = b":" in gap or b"=" in gap
    return bool(
        _WITH.search(label)
        or (_IS.search(label) and _speaks_of_fault(data, at))
        or (is_key and _CAUSE.search(label))
        or _CALLBACK.search(label)
    )


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
    begin, last = line_around(data, at, end)
    if _ABSENT.match(data, end) or _is_among_previous(data, at, end, last):
        return False
    if _PROPERTY.match(data, begin):
        block = block_of(data, at, FAR)
        begin = begin if block is None else block
        closing = _CLOSING.search(data, end, end + FAR)
        last = last if closing is None else closing.start()
    begin = max((joint.end() for joint in _OBJECTS.finditer(data, begin, at)), default=begin)
    following = _OBJECTS.search(data, end, last)
    last = last if following is None else following.start()
    best: tuple[int, bool] | None = None
    for state in _STATE.finditer(data, begin, last):
        if state.start() >= end:
            if state["now"] or state["then"]:  # the heading of another list
                continue
            distance = state.start() - end + 20 * _stops(data[end : state.start()])
        else:
            distance = at - state.end() + 20 * _stops(data[state.end() : at])
        if best is None or distance < best[0]:
            best = distance, state["cleared"] is None
    return best is None or best[1]


def _is_among_previous(data: bytes, at: int, end: int, last: int) -> bool:
    """Tell whether the mobile SDKs' list of the warnings of before has it too: then it is not new."""
    previous = data.find(b"revious", end, last)
    return previous >= 0 and data.find(data[at:end], previous, last) >= 0


def _stops(between: bytes) -> int:
    return between.count(b", ") + between.count(b"; ")
