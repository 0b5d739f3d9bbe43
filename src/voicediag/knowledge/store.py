"""The generated index, read piece by piece: a small table of names, and one line of entries for each answer."""

from __future__ import annotations

import os.path
from functools import cache
from math import log

import msgspec
from msgspec import Struct

from voicediag.knowledge.entry import Entry

# Not pathlib: importing it costs more than all the reading done here, and `explain` must answer at once.
_FOLDER = os.path.join(os.path.dirname(__file__), "index")  # noqa: PTH118, PTH120


class Family(Struct, frozen=True, forbid_unknown_fields=True):
    """A range of codes: all that begin with `prefix`."""

    prefix: str
    title: str


class Names(Struct, frozen=True):
    """What `names.json` holds."""

    keys: dict[str, list[int]]
    """A name in the form of `normal` → the numbers of its entries."""
    rows: list[tuple[int, int]]
    """For each entry: where its line begins in `entries.jsonl`, and how many bytes it has."""
    families: list[Family]
    spoken: dict[str, int]
    """Names that a log spells as they are (warnings, classes that only one entry bears, exceptions) → the entry."""


class Lexicon(Struct, frozen=True):
    """The tables in the form that is used. Phrases are stems with spaces between."""

    whole: dict[str, str]
    """A phrase as it is said → the term for it."""
    bare: dict[str, str]
    """A phrase of terms, with nothing left between them that says nothing → the term for it."""
    stop: frozenset[str]
    """Stems that say nothing."""
    topic: frozenset[str]
    """Terms of which a question about telephony has one."""
    hint: frozenset[str]
    """Terms of which it has several."""


FIELDS = 8
"""In an index of terms: the number of an entry times this, plus the number of the field."""


class Index(Struct, frozen=True):
    """What `search.json` holds."""

    words: Lexicon
    terms: dict[str, list[int]]
    """Term → the entries that use it, each with the most telling field that does (0 is a name; see FIELDS)."""
    names: list[list[str]]
    """For each entry its names and titles as terms."""
    prior: list[float]
    """For each entry how likely it is meant."""
    stems: frozenset[str]
    """Further stems that are spelled correctly, as parts of phrases."""
    spelling: list[str]
    """The stems towards which typing errors are mended."""

    def has(self, stem: str) -> bool:
        """Tell whether the stem is known, so that it is no typing error."""
        words = self.words
        return stem in self.terms or stem in words.whole or stem in words.stop or stem in self.stems

    def rarity(self, term: str) -> float:
        """Return the inverse document frequency of a term that entries use."""
        return log(1 + len(self.prior) / len(self.terms[term]))


def normal(name: str) -> str:
    """Return `name` as the table of names spells it: lower case, words joined by hyphens."""
    return "-".join(name.lower().replace("_", " ").replace("-", " ").split()) if name[:1] != "-" else name.lower()


def path(name: str) -> str:
    """Return where the generated file `name` lies."""
    return os.path.join(_FOLDER, name)  # noqa: PTH118


def _read(name: str) -> bytes:
    with open(path(name), "rb") as file:  # noqa: PTH123
        return file.read()


@cache
def names() -> Names:
    """Return the table of names."""
    return msgspec.json.decode(_read("names.json"), type=Names)


@cache
def search_index() -> Index:
    """Return the table of words."""
    return msgspec.json.decode(_read("search.json"), type=Index)


@cache
def _decoder() -> msgspec.json.Decoder[Entry]:
    return msgspec.json.Decoder(Entry)


def entries(numbers: list[int]) -> list[Entry]:
    """Return the entries of these numbers, in their order. Reads no other."""
    rows = names().rows
    found = []
    with open(path("entries.jsonl"), "rb") as file:  # noqa: PTH123
        for number in numbers:
            offset, length = rows[number]
            file.seek(offset)
            found.append(_decoder().decode(file.read(length)))
    return found


def everything() -> list[Entry]:
    """Return all entries in the order of their ids."""
    return [_decoder().decode(line) for line in _read("entries.jsonl").splitlines() if line]


def numbers_of(name: str) -> list[int]:
    """Return the numbers of the entries called `name`; empty where there is none."""
    return names().keys.get(normal(name), [])
