"""Asks the person at the terminal, where there is one."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time

import click

from voicediag.model.control import ToneQuestion
from voicediag.model.text import visible

PATIENCE_S = 60.0
_LOOK_S = 0.1
_WORDS = {"y": True, "yes": True, "n": False, "no": False}
_WHERE = {"left": "on the left side of", "right": "on the right side of", "both": "on"}


def ask_person(question: ToneQuestion, stop: threading.Event) -> bool | None:
    """Return the answer; None without a terminal, without an answer in a minute, or where `stop` is set meanwhile."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # A read cannot be called off: it waits beside, and not in `sys.stdin`, whose lock would be held at exit.
    threading.Thread(target=_read, args=(lines,), name="answer", daemon=True).start()
    deadline = time.monotonic() + PATIENCE_S
    click.echo(
        f"Did you hear the tone {_WHERE[question.side]} '{visible(question.device, 60)}'? [y/n] ", nl=False, err=True
    )
    while not stop.is_set() and time.monotonic() < deadline:
        try:
            line = lines.get(timeout=_LOOK_S)
        except queue.Empty:
            continue
        if not line:  # the terminal has gone away
            return None
        answer = _WORDS.get(line.decode("utf-8", "replace").strip().casefold())
        if answer is not None:
            return answer
        click.echo("Please answer y or n: ", nl=False, err=True)
    click.echo("", err=True)
    return None


def _read(lines: queue.SimpleQueue[bytes]) -> None:
    while True:
        try:
            line = os.read(0, 1024)
        except OSError:
            line = b""
        lines.put(line)
        if not line or line.strip().lower().decode("ascii", "replace") in _WORDS:
            return
