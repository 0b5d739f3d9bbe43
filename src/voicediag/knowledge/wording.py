"""Text → terms: the words of a question or an entry, in one spelling for all that people say for one thing.

The same is done to entries when the index is built, and to questions. The tables are data/wording.toml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from voicediag.knowledge.store import Lexicon

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z0-9]+")
_ADDRESS = re.compile(r"https?://\S+|[\w.+-]{1,64}@[\w.-]+")
_NOT = re.compile(r"\b(ca|wo|do|does|did|is|are|was|were|could|would|should|has|have|had)n['’]?t\b")
_APOSTROPHE = re.compile(r"['’]s?\b")
_BRITISH = ((re.compile(r"is(?=(?:e|es|ed|er|ing|ation|ations)\Z)"), "iz"), (re.compile(r"our(?=s?\Z)"), "or"))
_PLURALS = (("ies", "y"), ("oes", "o"), ("sses", "ss"), ("xes", "x"), ("shes", "sh"), ("ches", "ch"), ("s", ""))
_LONG = ("ations", "ation", "ating", "ated", "ate", "ion", "ment", "ness", "ically")
_SUFFIXES = ("ingly", "edly", "ing", "ely", "ed", "ly", "e")
_LONGEST_PHRASE = 5


def stem(word: str) -> str:
    """Return the part of `word` that its inflections share: `echoes` → `echo`, `recognised` → `recogniz`."""
    if len(word) > 6:
        for british, american in _BRITISH:
            word = british.sub(american, word)
    for plural, singular in _PLURALS:
        if word.endswith(plural) and len(word) > len(plural) + 2 and not word.endswith(("ss", "us", "is")):
            word = word.removesuffix(plural) + singular
            break
    for suffixes, shortest in ((_LONG, 4), (_SUFFIXES, 3)):
        suffix = next((end for end in suffixes if word.endswith(end) and len(word) - len(end) >= shortest), None)
        if suffix is not None:
            word = word.removesuffix(suffix)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, negations in full, `getUserMedia` as three; not those of addresses."""
    text = _HUMP.sub(" ", _ADDRESS.sub(" ", text)).lower()
    plain = _APOSTROPHE.sub("", _NOT.sub(r"\1 not", text))
    return _WORD.findall(plain.replace("cannot", "can not"))


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text)]


def lexicon(stop: str, same: Mapping[str, str], topic: str, hint: str) -> Lexicon:
    """Return the tables of data/wording.toml in the form that is used."""
    empty = frozenset(stem(word) for word in stop.split())
    whole = {" ".join(_stems(phrase)): term for term, said in same.items() for phrase in said.split(", ")}
    bare = {}
    for phrase, term in whole.items():
        parts = phrase.split()
        if len(parts) > 1 and not empty.intersection(parts):
            bare[" ".join(whole.get(part, part) for part in parts)] = term
    table = Lexicon(whole, bare, empty, frozenset(), frozenset())
    sets = [frozenset(term for word in words.split() for term in terms(word, table)) for words in (topic, hint)]
    return Lexicon(whole, bare, empty, sets[0], sets[1] - sets[0])


def _joined(parts: list[str], phrases: Mapping[str, str]) -> list[str]:
    """Replace phrases, the longest first, by their terms."""
    found: list[str] = []
    at = 0
    while at < len(parts):
        for length in range(min(_LONGEST_PHRASE, len(parts) - at), 0, -1):
            term = phrases.get(" ".join(parts[at : at + length]))
            if term is not None:
                break
        found += [parts[at]] if term is None else term.split()
        at += length
    return found


def terms(text: str, table: Lexicon, mend: Callable[[list[str]], Iterable[str]] = list) -> list[str]:
    """Return the telling terms of `text`, in order. `mend` may correct the stems of its words."""
    parts = _joined(list(mend(_stems(text))), table.whole)
    return _joined([part for part in parts if part not in table.stop], table.bare)
