"""How well codes and names are told from what looks like them, on lines of the shapes that real logs have.

A line of the .tsv files: what it holds, or a hyphen; a tab; the text, where ↵ is a line feed. The reader was
made with the tuned half; the held-out half was written from other logs and is only measured. bench/README.md has both.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from voicediag.knowledge import extract, store

HALVES = ("tuned", "held_out")


def rows(half: str) -> list[tuple[set[str], str]]:
    """Return the lines of a half, each with the ids of the entries that it tells of."""
    found = []
    text = (Path(__file__).parent / f"log_lines_{half}.tsv").read_text(encoding="utf-8")
    for row in text.splitlines():
        ids, _, line = row.partition("\t")
        found.append((set() if ids == "-" else set(ids.split()), line.replace("↵", "\n")))
    return found


def found_in(text: str) -> set[str]:
    """Return the ids of the entries that the reader finds in a log."""
    seen = extract.read(io.BytesIO(text.encode()))
    return {entry.id for entry in store.entries(list(seen.entries))}


def score(half: str) -> tuple[float, float, list[str]]:
    """Return precision, recall and the lines that are read wrongly."""
    right = wrong = missed = 0
    faults = []
    for ids, text in rows(half):
        got = found_in(text)
        right, wrong, missed = right + len(ids & got), wrong + len(got - ids), missed + len(ids - got)
        if ids != got:
            faults.append(f"{text!r}: {sorted(got)} instead of {sorted(ids)}")
    return right / (right + wrong), right / (right + missed), faults


@pytest.mark.parametrize("half", HALVES)
def test_codes_are_told_from_other_numbers(half: str) -> None:
    precision, recall, faults = score(half)
    assert precision >= 0.99, faults
    assert recall >= 0.97, faults


def test_the_halves_are_large_and_have_no_line_in_common() -> None:
    tuned, held_out = ([text for _, text in rows(half)] for half in HALVES)
    assert not set(tuned) & set(held_out)
    for half in HALVES:
        assert sum(bool(ids) for ids, _ in rows(half)) >= 120
        assert sum(not ids for ids, _ in rows(half)) >= 250


def test_every_expected_name_is_known() -> None:
    unknown = {name for half in HALVES for ids, _ in rows(half) for name in ids if not store.numbers_of(name)}
    assert unknown <= {"21602", "21608"}, "messaging codes are no entries"


def test_among_other_lines_the_same_is_found() -> None:
    lines = [text for half in HALVES for _, text in rows(half)]
    apart = set().union(*(found_in(line) for line in lines))
    assert found_in("plain\n" + "\n".join(lines)) == apart
