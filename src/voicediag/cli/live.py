"""What a person sees while a check runs: a level meter or a table of edges, on standard error, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from voicediag.cli.ask import ask_person
from voicediag.cli.options import Output
from voicediag.model.control import LevelProgress, PathProgress, PlayProgress, Progress, ToneQuestion
from voicediag.model.text import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

METER_FLOOR_DBFS = -60.0
BLOCKS = " ▁▂▃▄▅▆▇█"


def meter(progress: LevelProgress, hold_dbfs: float, width: int) -> str:
    """One line: time left, a bar for the level with the held peak marked, and the numbers."""
    left = max(0.0, progress.total_s - progress.elapsed_s)
    head = f"speak now, {left:.0f} s left  "
    tail = f"  {progress.rms_dbfs:6.1f} dBFS  peak {hold_dbfs:6.1f}"
    room = max(10, width - len(head) - len(tail) - 2)

    def place(dbfs: float) -> int:
        return round(room * min(1.0, max(0.0, 1 - dbfs / METER_FLOOR_DBFS)))

    filled = place(progress.rms_dbfs)
    bar = ["█" if column < filled else "·" for column in range(room)]
    bar[min(room - 1, max(0, place(hold_dbfs) - 1))] = "|"
    return f"{head}[{''.join(bar)}]{tail}"


def sparkline(values: tuple[float | None, ...]) -> str:
    """One character a value, scaled to the largest; `x` is a lost probe."""
    known = [value for value in values if value is not None]
    top = max(known, default=0.0)
    return "".join(
        "x" if value is None else BLOCKS[1 + min(7, int(8 * value / top))] if top > 0 else BLOCKS[1] for value in values
    )


def playing(progress: PlayProgress, width: int) -> str:
    """One line: time left, and a bar for the time gone."""
    left = max(0.0, progress.total_s - progress.elapsed_s)
    head = f"playing, {left:.0f} s left  "
    room = max(10, width - len(head) - 2)
    filled = round(room * min(1.0, progress.elapsed_s / progress.total_s)) if progress.total_s else room
    return f"{head}[{'█' * filled}{'·' * (room - filled)}]"


def path_table(progress: PathProgress) -> RenderableType:
    """A row an edge: round trip, jitter, loss so far, and the last answers."""
    from rich.table import Table
    from rich.text import Text

    left = max(0.0, progress.total_s - progress.elapsed_s)
    table = Table(
        box=None,
        pad_edge=False,
        caption=f"{left:.0f} s left, Ctrl-C ends",
        caption_justify="left",
        caption_style="",
        header_style="",
    )
    table.add_column("edge")
    for title in ("rtt ms", "jitter ms", "lost"):
        table.add_column(title, justify="right")
    table.add_column("last answers", no_wrap=True)
    for row in progress.rows:
        table.add_row(
            Text(visible(row.edge, 24)),
            "–" if row.rtt_ms is None else f"{row.rtt_ms:.1f}",
            "–" if row.jitter_ms is None else f"{row.jitter_ms:.1f}",
            f"{row.lost}/{row.sent}",
            Text(sparkline(row.recent_rtt_ms[-30:])),
        )
    return table


class Display(NamedTuple):
    """What a running check has of the terminal."""

    tell: Callable[[Progress], None]
    ask: Callable[[ToneQuestion, threading.Event], bool | None]


@contextlib.contextmanager
def progress_display(output: Output) -> Iterator[Display]:
    """Yield what shows progress and asks. It shows nothing when piped or with `--quiet`."""
    if output.quiet or not sys.stderr.isatty():
        yield Display(lambda _: None, ask_person)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, no_color=True, highlight=False, markup=False, emoji=False)
    held = -120.0
    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:

        def tell(progress: Progress) -> None:
            nonlocal held
            match progress:
                case LevelProgress():
                    held = max(held - 0.5, progress.peak_dbfs)
                    live.update(Text(meter(progress, held, console.width - 1)), refresh=True)
                case PlayProgress():
                    live.update(Text(playing(progress, console.width - 1)), refresh=True)
                case PathProgress():
                    live.update(path_table(progress), refresh=True)

        def ask(question: ToneQuestion, stop: threading.Event) -> bool | None:
            live.stop()
            return ask_person(question, stop)

        yield Display(tell, ask)
