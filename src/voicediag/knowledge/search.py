"""Questions in words: which entries answer them, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from voicediag.knowledge import store, wording
from voicediag.knowledge.entry import Entry
from voicediag.model.explanation import Kind, Tier

LONGEST = 4_000
"""Characters of a question that are read."""
_MOST_TERMS = 80
_MOST = 5

# How likely somebody who asks in words means an entry of this kind and tier.
_KINDS: dict[Kind, float] = {
    "symptom": 1.0,
    "code": 0.93,
    "finding": 0.93,
    "warning": 0.93,
    "exception": 0.93,
    "class": 0.93,
    "portaudio": 0.9,
    "sip": 0.88,
    "tag": 0.85,
}
_TIERS: dict[Tier, float] = {"deep": 1.0, "core": 0.985, "adjacent": 0.87}

_FIELDS = (1.0, 0.9, 0.55, 0.35, 0.18)
"""How much a term counts by where the entry uses it: name, title, summary, cause, fix."""
_PHRASE = 1.5
"""How much the best of an entry's names counts, as a whole, beside the single terms."""
_LONGEST_PHRASE = 12.0
"""Rarity from which a name that is said in full is not a better answer for being longer."""
_ALIKE = 0.8
"""Ratio of difflib from which a word that is not known is one that is, misspelled."""
_MOST_MENDED = 30
_MENDED = 0.8
"""How much a word counts that was misspelled."""
_STRANGE, _MOST_STRANGE = 3.0, 3
"""How much a word counts that no entry uses, and how many of them do."""
_WHOLE = 22.0
"""Rarity from which a question is told in full; a long story has more words than any answer."""
_CANDIDATES = 80
_SURE = 0.45
_NEAR = 0.45
"""How near to the best a second answer must be to be told beside it."""
_CONTRAST = 8
"""Power of the nearness that makes of it how much likelier the better answer is."""
_MOST_SCORE = 0.99
"""1 is for what was asked for by its name."""


class Ranking(Struct, frozen=True):
    """The answers to a question, whether they are good or not."""

    entries: list[tuple[int, float]]
    """Numbers of entries, the best first, each with the rarity of what it shares with the question."""
    sureness: float
    """How likely the best is an answer at all and the question about calls, 0 to 1."""


def prior(entry: Entry) -> float:
    """Return how likely an entry is meant by what kind it is, 0 to 1."""
    return round(_KINDS[entry.kind] * _TIERS[entry.tier], 3)


def _split(word: str, index: store.Index) -> tuple[str, str] | None:
    """Return the two words that `word` is made of."""
    for cut in range(3, len(word) - 2):
        parts = wording.stem(word[:cut]), word[cut:]
        if all(index.has(part) and part not in index.words.stop for part in parts):
            return parts
    return None


def _corrected(word: str, index: store.Index) -> str:
    """Return the word of telephony that `word` was meant to be, or itself. A short one begins as it should."""
    import difflib  # needed for what is misspelled only

    found = difflib.get_close_matches(word, index.spelling, n=1, cutoff=_ALIKE)
    return found[0] if found and (len(word) >= 6 or found[0][0] == word[0]) else word


def _mended(stems: list[str], index: store.Index) -> Iterator[str]:
    """Yield the stems as the index knows them: what was written in two words or in one, and what is misspelled."""
    rest = pairwise([*stems, ""])
    most = _MOST_MENDED
    for word, after in rest:
        if index.has(word) or len(word) < 4 or not (word.isalpha() and most):
            yield word
            continue
        most -= 1
        if after and index.has(word + after):
            next(rest)
            yield word + after
        else:
            parts = _split(word, index) if len(word) >= 8 else None
            yield from parts or (_corrected(word, index),)


def _phrase(names: list[str], rarity: dict[str, float], index: store.Index) -> float:
    """Return the rarity of the best of `names`, less what of it is not in the question."""
    best = 0.0
    for name in names:
        terms = name.split()
        said = sum(rarity.get(term, 0.0) for term in terms)
        if said:
            whole = said + sum(index.rarity(term) for term in terms if term not in rarity)
            best = max(best, min(said, _LONGEST_PHRASE) * (said / whole) ** 2)
    return best


def _sureness(share: float, rarity: float, asked: list[str], plain: frozenset[str], index: store.Index) -> float:
    """Return how likely it is that an entry answers the question. A logistic regression over tuning questions.

    `share` is how much of the question the entry covers, `rarity` what they share, `plain` the terms that were spelled
    as they should be.
    """
    words = index.words
    topics = sum(term in words.topic for term in asked if term in plain)
    hints = sum(term in (words.hint if term in plain else words.topic) for term in asked)
    strange = sum(term not in index.terms and term.isalpha() for term in asked) / len(asked)
    odds = -5.3 + 4.6 * share + 0.15 * min(rarity, 20) + 3.5 * min(topics, 2) + 1.4 * min(hints, 3) - 4 * strange
    return 1 / (1 + math.exp(-odds))


def rank(question: str) -> Ranking:
    """Rank the entries by what they share with `question`.

    Every term counts by its rarity among the entries (inverse document frequency) and by the field that uses it; what
    a name of the entry says as a whole counts once more.
    """
    index = store.search_index()
    text = question[:LONGEST]
    plain = frozenset(wording.terms(text, index.words))
    asked = list(dict.fromkeys(wording.terms(text, index.words, lambda stems: _mended(stems, index))))[:_MOST_TERMS]
    rarity = {term: index.rarity(term) * (1.0 if term in plain else _MENDED) for term in asked if term in index.terms}
    if not rarity:
        return Ranking([], 0.0)
    shared: dict[int, float] = {}
    for term, weight in rarity.items():
        for packed in index.terms[term]:
            number, field = divmod(packed, store.FIELDS)
            shared[number] = shared.get(number, 0.0) + weight * _FIELDS[field]
    best = sorted(shared, key=lambda number: -shared[number] * index.prior[number])[:_CANDIDATES]
    entries = [
        (number, (shared[number] + _PHRASE * _phrase(index.names[number], rarity, index)) * index.prior[number])
        for number in best
    ]
    entries.sort(key=lambda pair: (-pair[1], pair[0]))
    strange = sum(term not in index.terms and term.isalpha() for term in asked)
    whole = (1 + _PHRASE) * min(sum(rarity.values()) + min(strange, _MOST_STRANGE) * _STRANGE, _WHOLE)
    return Ranking(entries, _sureness(entries[0][1] / whole, entries[0][1], asked, plain, index))


def says_anything(text: str) -> bool:
    """Tell whether there is anything in `text` to search for: more than numbers, and that it is about Twilio."""
    terms = wording.terms(text[:LONGEST], store.search_index().words)
    return any(term != "twilio" and not term.isdigit() for term in terms)


def search(question: str) -> list[tuple[int, float]]:
    """Return the numbers of the entries that answer `question`, best first, each with its score from 0 to 1.

    The scores are about how likely each is the one that was meant; together they are at most 1.
    """
    ranking = rank(question)
    if ranking.sureness < _SURE:
        return []
    best = ranking.entries[0][1]
    near = [(number, value / best) for number, value in ranking.entries[:_MOST] if value >= _NEAR * best]
    whole = sum(nearness**_CONTRAST for _, nearness in near) / ranking.sureness
    return [(number, min(round(nearness**_CONTRAST / whole, 3), _MOST_SCORE)) for number, nearness in near]
