"""Text from outside reaches no terminal with its escape codes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.model.text import has_hostile, visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("[red]x[/] \x1b[2J", "[red]x[/] \\x1b[2J"),
        ("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
        ("\x9b2J", "\\x9b2J"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("日本語 Headset", "日本語 Headset"),
        ("", ""),
    ],
)
def test_what_acts_on_a_terminal_is_written_as_its_escape(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * 400) == "x" * 299 + "…"
    assert visible("x" * 300) == "x" * 300
    assert len(visible("\x1b" * 200)) == 300


def test_a_tower_of_combining_marks_is_cut() -> None:
    assert visible("e" + "\u0301" * 100) == "e" + "\u0301" * 8


@given(st.text(max_size=500))
def test_the_result_is_one_printable_line(text: str) -> None:
    shown = visible(text)
    assert not has_hostile(shown)
    assert len(shown) <= 300
    assert all(unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"} for character in shown)
    shown.encode()
