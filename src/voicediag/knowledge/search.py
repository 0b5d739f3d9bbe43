"""Questions in words: which entries answer them, and how well."""

from __future__ import annotations

import math
import re

from voicediag.knowledge import store

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+")
# Words that say nothing about the trouble. "no", "not" and "one" do.
_STOP = (
    "a about after all also am an and any are as at be because been but by can cant could did do does doing don dont"
    " error code for from get gets getting had has have having he her him his how i if in into is isn isnt it its just"
    " keep keeps like me my of on or our please she so some that the their them then there they this those to too"
    " twilio up us very was we were what when where which while who why will with would you your s t m re ve d"
)
STOP = frozenset(_STOP.split())
_PLURALS = (("ies", "y"), ("oes", "o"), ("sses", "ss"), ("xes", "x"), ("shes", "sh"), ("ches", "ch"), ("s", ""))
_SUFFIXES = ("ingly", "edly", "ing", "ely", "ed", "ly", "er", "e")
_MOST = 5
_ENOUGH = 0.34
"""A score below this is a coincidence of one word in several, not an answer."""
_NEAR = 0.6
"""How near to the best a second answer must be to be shown beside it."""
# Someone who describes trouble in words wants the symptom rather than one finding or code of many behind it.
_PREFERENCE = {"s": 1.0, "f": 0.92, "w": 0.9, "c": 0.94}


def stem(word: str) -> str:
    """Return the part of `word` that its inflections share (`echoes`, `echoing` → `echo`)."""
    for plural, singular in _PLURALS:
        if word.endswith(plural) and len(word) > len(plural) + 2 and not word.endswith(("ss", "us", "is")):
            word = word.removesuffix(plural) + singular
            break
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def stems(text: str) -> list[str]:
    """Return the stems of the telling words of `text`, in order."""
    plain = text.lower().replace("'", "").replace("’", "")
    return [stem(word) for word in _WORD.findall(plain) if word not in STOP]


def words_of_class(sdk_class: str | None) -> list[str]:
    """Return the name of a class as words: `UserMediaErrors.AcquisitionFailedError` → `Acquisition Failed Error`."""
    return [] if sdk_class is None else [_HUMP.sub(" ", sdk_class.rpartition(".")[2])]


def search(question: str) -> list[tuple[int, float]]:
    """Return the numbers of the entries that answer `question`, best first, each with its score from 0 to 1.

    Every word counts by its rarity among the entries (inverse document frequency), and by how prominently an entry
    uses it. A word that no entry knows counts against all answers.
    """
    index = store.search_index()
    total = len(index.kinds)
    asked = list(dict.fromkeys(stems(question)))
    weight = {word: math.log(1 + total / (len(index.stems.get(word, ())) or 0.5)) for word in asked}
    whole = sum(weight.values())
    if not whole:
        return []
    scores: dict[int, float] = {}
    for word in asked:
        for number, prominence in index.stems.get(word, ()):
            scores[number] = scores.get(number, 0.0) + prominence * weight[word] / whole
    ranked = sorted(
        ((number, score * _PREFERENCE.get(index.kinds[number], 0.9)) for number, score in scores.items()),
        key=lambda pair: (-pair[1], pair[0]),
    )
    best = ranked[0][1] if ranked else 0.0
    return [(number, round(min(score, 1.0), 3)) for number, score in ranked if score >= max(_ENOUGH, _NEAR * best)][
        :_MOST
    ]
