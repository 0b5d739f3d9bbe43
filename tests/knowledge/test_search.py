"""Questions in words. A larger set with figures comes with the tuning of the search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.knowledge import lookup, search, store


def found(question: str) -> list[str]:
    hits = search.search(question)
    return [entry.id for entry in store.entries([number for number, _ in hits])]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("callers sound robotic", "choppy-robotic-audio"),
        ("one way audio", "one-way-audio"),
        ("echo", "echo"),
        ("the customer hears herself with a delay", "echo"),
        ("customers can't hear me", "one-way-audio"),
        ("my headset is muted", "mic.silent"),
        ("the call keeps cutting out", "audio-cutting-out"),
        ("bufferbloat", "net.bufferbloat"),
        ("geo permissions", "21215"),
        ("websocket blocked by the proxy", "net.websocket-blocked"),
        ("mic volume goes up and down by itself", "mic.gain-pumping"),
    ],
)
def test_the_right_entry_is_among_the_first_three(question: str, first: str) -> None:
    assert first in found(question)[:3]


@pytest.mark.parametrize(
    "question", ["", "the and of", "xyzzy plugh", "how do I bake bread", "lorem ipsum dolor", "42"]
)
def test_nonsense_finds_nothing(question: str) -> None:
    assert found(question) == []


def test_scores_fall_and_stay_within_bounds() -> None:
    scores = [score for _, score in search.search("no audio from the headset microphone")]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


@pytest.mark.parametrize(("word", "other"), [("echoes", "echoing"), ("cuts", "cutting"), ("delayed", "delays")])
def test_inflections_share_a_stem(word: str, other: str) -> None:
    assert search.stem(word) == search.stem(other)


@given(st.text())
def test_any_question_gives_at_most_five_answers(question: str) -> None:
    assert len(search.search(question)) <= 5


def test_searching_for_a_name_searches() -> None:
    answer = lookup.search_words("echo")
    assert answer.matches[0].name == "echo"
    assert lookup.search_words("xyzzy").unknown
    with pytest.raises(lookup.QuestionError):
        lookup.search_words(" ")
