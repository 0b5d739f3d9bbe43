"""The report as text: the answer first, at 80 columns, nothing hostile, nothing by color alone."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from tests.report.sample import REPORT
from voicediag.model.text import has_hostile
from voicediag.report.terminal import render

SGR = re.compile("\x1b\\[[0-9;]*m")


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = render(REPORT, width=width, color=False).splitlines()
    assert max(cell_len(line) for line in lines) <= width


def test_without_color_no_escape_code_is_left() -> None:
    text = render(REPORT, width=80, color=False)
    assert not has_hostile(text.replace("\n", ""))


def test_color_adds_nothing_but_color() -> None:
    colored = render(REPORT, width=80, color=True)
    assert colored != render(REPORT, width=80, color=False)
    plain = "\n".join(line.rstrip() for line in SGR.sub("", colored).splitlines())
    assert plain == render(REPORT, width=80, color=False).rstrip("\n")
    assert "\x1b[2J" not in colored


def test_the_answer_comes_first() -> None:
    first = render(REPORT, width=80, color=False).splitlines()[0]
    assert first.startswith("INTERRUPTED  Calls will work, but not well")


def test_everything_found_is_shown() -> None:
    text = render(REPORT, width=80, color=False)
    for shown in (
        "[red]x[/] \\x1b[2J",
        "日本語",
        "mic-test  unavailable: no device '\\x1b'",
        "the stream failed (lost): PortAudio error\\x0a-9999",
        "the name does not exist",
        "FAIL  The microphone clips",
        "[mic.clipping]",
        "clipped_ratio 0.0312 ratio, limit 0.005",
        "In a call: 31402; SDK warning constant-audio-input-level",
        "2. Move the microphone away from the mouth.",
        "Confirm: voicediag mic-test",
        "Not proven: the media range",
    ):
        assert shown in text
