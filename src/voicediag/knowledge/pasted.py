"""What a sentence or a pasted line names: codes, PortAudio numbers, statuses, warnings, classes.

A line of a log is read with more care, by what stands around a number (evidence.py); here somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from voicediag.knowledge import store
from voicediag.model.explanation import Match

_CODE = re.compile(
    r"(?<![\w.:+$€£-])[1-9]\d{4}"
    r"(?![\w%]|[.:,-]\d| ?(?:ms|s|bytes|hz|kbps|km|miles|dollars|euros|packets|rows|lines|people|times|steps)\b)",
    re.IGNORECASE | re.ASCII,
)
_OTHER_NUMBER = re.compile(
    r"\b(?:zip|postal|post|postcode|area|pin|order|invoice|ticket|room|case|page|build)"
    r"(?:[ _-]?(?:code|number|no|id))?(?: is)?[\s:=#.]*\Z",
    re.IGNORECASE | re.ASCII,
)
_CALLED_CODE = re.compile(r"\b(?:error|code)\W{0,3}([1-9]\d{4})(?![\w.,:-]\d|\w)", re.IGNORECASE | re.ASCII)
_PORTAUDIO = re.compile(r"(?<![\w.])-(?:99\d\d|10000)(?![\w.])", re.ASCII)
_STATUS = re.compile(r"\b(SIP|HTTP)(?:/\d(?:\.\d)?)?[ -]+([1-6]\d\d)\b(?!\.)", re.IGNORECASE | re.ASCII)
_NAME = re.compile(r"[A-Za-z]\w*(?:[.-]\w+)+|[A-Za-z]+_\w+|[A-Z][a-z]+[A-Z]\w+|[A-Za-z]{10,}", re.ASCII)
_HUMP = re.compile(r"[a-z][A-Z]|\w_\w", re.ASCII)

Find = Callable[[str], list[Match]]
"""Finds the entries of a name, with Twilio's own words."""


def _codes(text: str) -> Iterator[str]:
    return (
        found[0]
        for found in _CODE.finditer(text)
        if not _OTHER_NUMBER.search(text, max(found.start() - 30, 0), found.start())
    )


def _of_code(code: str, find: Find) -> list[Match]:
    """Find a number of a sentence. A round one that only Twilio's dictionary knows may count anything."""
    matches = find(code)
    is_theirs_only = all(match.kind == "dictionary" for match in matches)
    return [] if is_theirs_only and code.endswith("000") else matches


def _is_own_name(word: str, match: Match) -> bool:
    """Tell whether `word` is the very name of an entry, and no word that a sentence can have as well."""
    if match.name is None or (word.isalpha() and not _HUMP.search(match.name)):
        return False
    return store.normal(word) in (store.normal(match.name), store.normal(match.name.rpartition(".")[2]))


def _of_name(word: str, find: Find) -> list[Match]:
    """Find what a word of a sentence names: `high-rtt`, `NOTFOUNDERROR`, `setSinkId`; not `wi-fi`, not `forbidden`."""
    matches = find(word) if store.numbers_of(word) else []
    return matches if _HUMP.search(word) else [match for match in matches if _is_own_name(word, match)]


def _kinds_of_names(text: str, find: Find) -> Iterator[list[Match]]:
    """Yield what is found by each kind of name, the surest kind first."""
    yield [match for code in dict.fromkeys(_codes(text)) for match in _of_code(code, find)]
    yield [match for number in dict.fromkeys(_PORTAUDIO.findall(text)) for match in find(number)]
    statuses = (f"{kind}-{status}" for kind, status in _STATUS.findall(text))
    yield [match for status in dict.fromkeys(statuses) for match in find(status)]
    yield [match for name in dict.fromkeys(_NAME.findall(text)) for match in _of_name(name, find)]


def named(text: str, find: Find) -> list[Match]:
    """Return what `text` names: codes, else numbers of PortAudio, else statuses, else names."""
    return next(filter(None, _kinds_of_names(text, find)), [])


def called_code(text: str) -> int | None:
    """Return the first number of `text` that is called an error or a code; None where there is none."""
    found = _CALLED_CODE.search(text)
    return None if found is None else int(found[1])
