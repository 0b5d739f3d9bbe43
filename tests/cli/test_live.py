"""The live meter and the table of edges, as text."""

from __future__ import annotations

import pytest
from rich.console import Console

from voicediag.cli.live import meter, path_table, playing, sparkline
from voicediag.model.control import LevelProgress, PathProgress, PathRow, PlayProgress


@pytest.mark.parametrize("rms_dbfs", [-120.0, -60.0, -30.0, -3.0, 0.0])
@pytest.mark.parametrize("width", [40, 79, 120])
def test_the_meter_fits_one_line(rms_dbfs: float, width: int) -> None:
    line = meter(LevelProgress(1.0, 6.0, rms_dbfs, rms_dbfs), rms_dbfs, width)
    assert line.startswith("speak now, 5 s left  [")
    assert len(line) <= max(width, 62)


def test_the_bar_grows_with_the_level_and_marks_the_held_peak() -> None:
    bars = [meter(LevelProgress(0, 6, level, level), -6.0, 79).count("█") for level in (-60.0, -40.0, -20.0)]
    assert bars[0] < bars[1] < bars[2]
    assert "|" in meter(LevelProgress(0, 6, -40.0, -6.0), -6.0, 79)


def test_a_lost_probe_is_marked() -> None:
    assert sparkline((1.0, None, 2.0)) == "▅x█"
    assert sparkline(()) == ""
    assert sparkline((0.0, None)) == "▁x"


def test_the_table_shows_no_number_before_there_is_one() -> None:
    console = Console(width=80, record=True, force_terminal=False)
    rows = (
        PathRow("[red]ashburn", 10, 9, 1, 12.3, 1.5, (12.0, None)),
        PathRow("tokyo", 0, 0, 0, None, None),
    )
    console.print(path_table(PathProgress(1.0, 10.0, rows)))
    text = console.export_text()
    assert "[red]ashburn" in text
    assert "12.3" in text
    assert "1/10" in text
    assert "9 s left" in text
    assert "0.0" not in text


@pytest.mark.parametrize("elapsed_s", [0.0, 1.0, 3.0, 9.0])
def test_the_bar_of_a_playing_sound_fits_and_fills(elapsed_s: float) -> None:
    line = playing(PlayProgress(elapsed_s, 3.0), 79)
    assert len(line) == 79
    assert line.startswith(f"playing, {max(0.0, 3 - elapsed_s):.0f} s left  [")
    assert line.endswith("█]") == (elapsed_s >= 3)
