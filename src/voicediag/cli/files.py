"""Files that commands write: whole, or not there at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import click

from voicediag.cli.streams import complain


def check_writable(file: str | None) -> None:
    """Refuse an `--output` that cannot work before anything is done. Raises `click.UsageError`."""
    if file is None or file == "-":
        return
    if not file:
        raise click.UsageError("--output is empty")
    path = Path(file)
    if path.is_dir():
        raise click.UsageError(f"--output '{path}' is a directory")
    if not path.parent.is_dir():
        raise click.UsageError(f"--output '{path}': no directory '{path.parent}'")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise click.UsageError(f"--output '{path}' cannot be written")


def write_file(file: str, text: str) -> bool:
    """Write `text` to `file`, atomically; where that fails, complain and return False."""
    try:
        write_atomically(Path(file), text)
    except OSError as error:
        complain(f"cannot write '{file}': {error.strerror or error}")
        return False
    return True


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a crash leaves the old file or none. A link keeps being one. Raises OSError."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")  # /dev/stdout, a named pipe: nothing to replace
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".voicediag-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; a report gets what the user's umask gives to any new file.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(path.stat().st_mode if path.exists() else 0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
