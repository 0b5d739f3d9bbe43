"""Questions → answers: codes, names, and words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from voicediag.knowledge import official, store
from voicediag.knowledge.entry import Entry
from voicediag.model.explanation import Explanation, Match, Unknown
from voicediag.model.text import visible

LONGEST_QUESTION = 2_000
"""Characters. What is longer is a log, and is read as one from standard input."""

_CODE = re.compile(r"(?:twilio|error|err|warning|code|e|no\.?|[\s:=#_-])*(\d{5,6})[.:]?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*", re.ASCII)
_NEAREST = 3


class QuestionError(ValueError):
    """What was asked is no question. The message is one line for a person."""


def _found(name: str) -> list[Match]:
    return official.beside(name, [entry.as_match() for entry in store.entries(store.numbers_of(name))])


def _codes() -> list[int]:
    return [int(name) for name in store.names().keys if len(name) == 5 and name.isdigit()]


def family_of(code: int) -> str | None:
    """Return what the codes around `code` are about, such as `312xx, Voice SDK: authorization`; None if unknown."""
    text = str(code)
    best = max(
        (family for family in store.names().families if text.startswith(family.prefix)),
        key=lambda family: len(family.prefix),
        default=None,
    )
    return None if best is None else f"{best.prefix:x<5}, {best.title}"


def unknown_code(query: str, code: int) -> Unknown:
    """Return what can be said about a code of five digits that is not known."""
    codes = {*_codes(), *official.dictionary().codes}
    near = sorted((known for known in codes if known // 1000 == code // 1000), key=lambda known: abs(known - code))
    nearest = tuple(sorted(near[:_NEAREST]))
    family = family_of(code)
    address = official.CODE_PAGE.format(code)
    parts = [f"nothing is known about {code}"]
    if family is not None:
        parts.append(f"its family: {family}")
    if nearest:
        parts.append(f"nearest known: {', '.join(map(str, nearest))}")
    parts.append(f"Twilio's page: {address}")
    return Unknown(query=query, reason="; ".join(parts), family=family, nearest=nearest, address=address)


def _unknown_number(query: str) -> Unknown:
    shown = visible(query, 40)
    whole = re.split("[.,]", query.lstrip("+"))[0]
    if whole != query and store.numbers_of(whole):
        return Unknown(query=query, reason=f"'{shown}' is no code; did you mean {whole}?", nearest=(int(whole),))
    if query.startswith("-"):
        return Unknown(
            query=query, reason=f"{shown} is no PortAudio number that is known; they run from -10000 to -9971"
        )
    return Unknown(query=query, reason=f"'{shown}' is no Twilio code: those have five digits, from 10001 to 99999")


def _unknown_words(query: str) -> Unknown:
    import difflib  # costs more than all else here, and is needed for mistakes only

    shown = visible(query, 60)
    names = difflib.get_close_matches(store.normal(query)[:60], store.names().keys, n=1, cutoff=0.75)
    if names:
        return Unknown(
            query=query, reason=f"nothing is known about '{shown}'; did you mean '{names[0]}'?", nearest=(*names,)
        )
    return Unknown(query=query, reason=f"nothing is known about '{shown}'; see: voicediag explain --list")


def _by_itself(query: str) -> tuple[list[Match], list[Unknown]] | None:
    """Answer a code or a name; None where it must be read as words."""
    matches = _found(query)
    if matches:
        return matches, []
    code = _CODE.fullmatch(query)
    if code is not None and int(code[1]) >= 10_000:
        matches = _found(code[1])
        if matches or len(code[1]) == 5:
            return (matches, []) if matches else ([], [unknown_code(query, int(code[1]))])
    if _NUMBER.fullmatch(query):
        return [], [_unknown_number(query)]
    return None


def _searched(text: str) -> list[Match]:
    from voicediag.knowledge import search  # needed for words only, and not for a code

    hits = search.search(text)
    entries = store.entries([number for number, _ in hits])
    return [entry.as_match(score) for entry, (_, score) in zip(entries, hits, strict=True)]


def _in_words(text: str) -> tuple[list[Match], list[Unknown]]:
    """Answer a sentence or a pasted line: by the codes in it, else the names, else the words."""
    from voicediag.knowledge import pasted

    matches = _found(text) or pasted.named(text, _found)
    if matches:
        return matches, []
    code = pasted.called_code(text)
    if code is not None:
        return _searched(text) if _says_anything([text]) else [], [unknown_code(str(code), code)]
    matches = _searched(text)
    return matches, [] if matches else [_unknown_words(text)]


def _says_anything(words: list[str]) -> bool:
    from voicediag.knowledge import search

    return search.says_anything(" ".join(words))


def _once(matches: Iterable[Match]) -> tuple[Match, ...]:
    first: dict[tuple[str, int | None, str | None], Match] = {}
    for match in matches:
        first.setdefault((match.kind, match.code, match.name), match)
    return tuple(first.values())


def explain(queries: Sequence[str]) -> Explanation:
    """Answer each of `queries`. Those that are neither codes nor names are read together as one sentence.

    Raises QuestionError for an empty question and for one that is longer than any question.
    """
    asked = [query.strip() for query in queries]
    if not all(asked) or not asked:
        raise QuestionError("the question is empty; ask for a code, a symptom or a sentence")
    if sum(map(len, asked)) > LONGEST_QUESTION:
        raise QuestionError(
            f"the question has more than {LONGEST_QUESTION} characters; a log is read with --file FILE or <"
        )
    matches: list[Match] = []
    unknown: list[Unknown] = []
    words: list[str] = []
    for query in asked:
        answer = _by_itself(query)
        if answer is None:
            words.append(query)
        else:
            matches += answer[0]
            unknown += answer[1]
    if words and (_says_anything(words) or not (matches or unknown)):
        answer = _in_words(" ".join(words))
        matches += answer[0]
        unknown += answer[1]
    return Explanation(query=tuple(queries), matches=_once(matches), unknown=tuple(unknown))


def search_words(words: str) -> Explanation:
    """Answer `words` by searching, even where they are a name. Raises QuestionError as `explain` does."""
    if not words.strip() or len(words) > LONGEST_QUESTION:
        raise QuestionError("--search wants a few words")
    matches = tuple(_searched(words))
    return Explanation(query=(words,), matches=matches, unknown=() if matches else (_unknown_words(words),))


def listing(family: str | None) -> Explanation:
    """Return everything that is known, or the codes that begin with `family` (`31`, `312xx`).

    Raises QuestionError for a family that is no beginning of a code.
    """
    if family is None:
        everything = [entry.as_match() for entry in store.everything()]
        return Explanation(query=(), matches=(*everything, *official.others(everything)))
    prefix = family.lower().rstrip("x")
    if not re.fullmatch(r"\d{1,5}", prefix, re.ASCII):
        raise QuestionError(f"--family '{visible(family, 40)}' is no beginning of a code, such as 31 or 312")
    found = [entry.as_match() for entry in store.everything() if _is_in(entry, prefix)]
    found += official.others(found, prefix)
    known = sorted({f"{code // 1000}" for code in _codes()})
    reason = f"no code that begins with {prefix} is known; known beginnings: {', '.join(known)}"
    return Explanation(
        query=(family,), matches=tuple(found), unknown=() if found else (Unknown(query=family, reason=reason),)
    )


def _is_in(entry: Entry, prefix: str) -> bool:
    return entry.kind == "code" and str(entry.code).startswith(prefix)
