"""Durations, numbers and the settings file."""

from __future__ import annotations

import click
import pytest

from voicediag.cli.options import Duration, Number, nearest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10", 10), ("90s", 90), ("5m", 300), ("1.5", 1.5), ("500ms", 0.5), ("1h", 3600), (" 10 s", 10)],
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration(0.1, 28800).convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1e3", "nan", "inf", "10 10", "0", "9h", "1d", "٣"])
def test_bad_durations_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration(0.1, 28800).convert(text, None, None)


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf", "3", "20001", "100.5", None])
def test_bad_numbers_are_refused(text: str | None) -> None:
    with pytest.raises(click.BadParameter):
        Number(20, 20000, "Hz", whole=True).convert(text, None, None)


def test_numbers() -> None:
    assert Number(20, 20000, "Hz", whole=True).convert("440", None, None) == 440
    assert Number(20, 20000, "Hz").convert("440.5", None, None) == 440.5


def test_the_nearest_is_named_only_when_near() -> None:
    assert nearest("ashbrun", ["ashburn", "dublin"]) == "; did you mean 'ashburn'?"
    assert nearest("zzz", ["ashburn", "dublin"]) == ""
