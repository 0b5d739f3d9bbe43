"""Standard streams, which may be closed, narrow or gone."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from typing import Any

import click

from voicediag.model.text import visible

# One cell for one cell, so that what fits 80 columns still does.
STAND_INS = {
    "–": "-", "—": "-", "−": "-", "·": "|", "…": "~", "×": "x", "≤": "<", "≥": ">", "→": ">", "±": "~", "°": "o",
    "“": '"', "”": '"', "‘": "'", "’": "'", "µ": "u", "█": "#", "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "=",
    "▆": "=", "▇": "#",
}  # fmt: skip
NARROW = "voicediag-narrow"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """What an encoding without our characters prints instead: a stand-in, else the escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(STAND_INS.get(c) or c.encode("ascii", "backslashreplace").decode() for c in wrong), error.end


def make_usable() -> None:
    """Put the null device in the place of closed streams, and let no character end the program.

    Without this a socket could get descriptor 1, and what is printed would go over the network.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(os.devnull, os.O_RDWR)
        while descriptor < 2:
            descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115
    codecs.register_error(NARROW, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=NARROW)


def complain(message: str) -> None:
    """One line on standard error; nothing where that is closed."""
    with contextlib.suppress(OSError):
        click.echo(f"voicediag: {visible(message, 1000)}", err=True)


def put(text: str, *, is_json: bool) -> bool:
    """Write the answer to standard output; where that fails, to standard error. Returns False where it failed.

    JSON is UTF-8 whatever the locale. A reader that has gone away has seen enough: that is no failure.
    """
    try:
        if is_json and (raw := getattr(sys.stdout, "buffer", None)) is not None:
            sys.stdout.flush()
            raw.write(text.encode())
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    except OSError as error:
        complain(f"cannot write to standard output ({error.strerror or error}); the answer follows here")
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return False
    return True


def wants_color(color: str, is_terminal: bool) -> bool:
    """Decide about color: `--color`, else NO_COLOR and TERM, else whether somebody looks."""
    if color != "auto":
        return color == "always"
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
