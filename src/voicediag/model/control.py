"""How a running check hears that it should stop, and how it tells what it sees while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct


class LevelProgress(Struct, frozen=True):
    """The sound of the last moment, for a live meter."""

    elapsed_s: float
    total_s: float
    rms_dbfs: float
    peak_dbfs: float


class PlayProgress(Struct, frozen=True):
    """A test sound is playing."""

    elapsed_s: float
    total_s: float


class PathRow(Struct, frozen=True):
    """One edge so far; a number is None until there is one."""

    edge: str
    sent: int
    received: int
    lost: int
    rtt_ms: float | None
    """The median so far."""
    jitter_ms: float | None
    recent_rtt_ms: tuple[float | None, ...] = ()
    """The last answers, oldest first; None is a probe without an answer. For a sparkline."""


class PathProgress(Struct, frozen=True):
    """The state of a running path measurement."""

    elapsed_s: float
    total_s: float
    rows: tuple[PathRow, ...]


Progress = LevelProgress | PlayProgress | PathProgress


def _silent(_: Progress) -> None:
    return


class ToneQuestion(Struct, frozen=True):
    """What a person is asked when nothing but an ear can tell: was the tone heard?"""

    device: str
    side: str
    """`left`, `right` or `both`."""


def _nobody(_: ToneQuestion, __: threading.Event) -> bool | None:
    return None


class Control:
    """Handed to every measuring function. `stop` is set by Ctrl-C: return at once what was measured so far."""

    def __init__(self, on_progress: Callable[[Progress], None] = _silent) -> None:
        self.stop = threading.Event()
        self.on_progress = on_progress
        self.on_question: Callable[[ToneQuestion, threading.Event], bool | None] = _nobody

    def tell(self, progress: Progress) -> None:
        """Show `progress` (a few times a second is enough). Must not be called from an audio callback."""
        self.on_progress(progress)

    def ask(self, question: ToneQuestion) -> bool | None:
        """Ask the person in front; None where there is nobody, nobody answers, or `stop` is set meanwhile."""
        return self.on_question(question, self.stop)
