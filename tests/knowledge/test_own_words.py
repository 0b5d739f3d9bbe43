"""No run of words is Twilio's: the entries are compared with the dictionary of 2023 where that is at hand."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from voicediag.knowledge import build

RUN = 12
FACTS = os.environ.get("VOICEDIAG_FACTS")
WORD = re.compile(r"[a-z0-9]+")


def runs(text: str) -> Iterator[tuple[str, ...]]:
    words = WORD.findall(text.lower().replace("'", ""))
    return (tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1))


@pytest.fixture(scope="module")
def theirs() -> set[int]:
    """The runs of the dictionary, as hashes: a million tuples would be too much."""
    if FACTS is None:
        pytest.skip("VOICEDIAG_FACTS names no folder with twilio-error-codes-2023.json")
    dictionary = json.loads((Path(FACTS) / "twilio-error-codes-2023.json").read_text(encoding="utf-8"))
    fields = ("message", "secondary_message", "docs", "causes", "solutions", "description")
    found = {hash(run) for entry in dictionary for field in fields for run in runs(entry.get(field) or "")}
    assert len(found) > 10_000, "the dictionary was not read"
    return found


@pytest.mark.parametrize("path", build.entry_files(), ids=lambda path: path.stem)
def test_no_sentence_is_copied(path: Path, theirs: set[int]) -> None:
    copied = [
        f"{draft.id}: {' '.join(run)}"
        for _, draft in build.read([path]).drafts
        for text in build.texts(draft)
        if text != draft.title  # a title names the error as Twilio does
        for run in runs(text)
        if hash(run) in theirs
    ]
    assert copied == []


def test_a_run_is_found() -> None:
    text = "One two three four five six seven eight nine ten eleven twelve, thirteen"
    assert len(list(runs(text))) == 2
