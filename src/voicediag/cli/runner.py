"""Runs the checks that a command asks for, gives out the report, and ends with the exit code of the contract."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from voicediag.checks import check_for, run
from voicediag.cli.available import runnable
from voicediag.cli.live import progress_display
from voicediag.cli.options import Output
from voicediag.cli.root import complain
from voicediag.host.machine import describe
from voicediag.judge.overall import outcome_of, status_of
from voicediag.model.attempt import Attempt, MicTestAttempt
from voicediag.model.control import Control
from voicediag.model.finding import Finding
from voicediag.model.report import Report
from voicediag.model.request import Request
from voicediag.report.assemble import build
from voicediag.report.document import to_json

EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_NOTHING_DONE = 3
EXIT_INTERRUPTED = 130


def exit_code(report: Report, strict: bool) -> int:
    """Return the exit code of the contract for a finished run."""
    if any(attempt.status == "interrupted" for attempt in report.attempts):
        return EXIT_INTERRUPTED
    if report.status == "error":
        return EXIT_NOTHING_DONE
    if report.status == "fail" or (strict and report.status == "warn"):
        return EXIT_FOUND
    return 0


@contextlib.contextmanager
def stopped_by_interrupt(control: Control) -> Iterator[None]:
    """The first Ctrl-C asks the measurement to stop; a second one ends the program at once."""

    def on_interrupt(_: int, __: FrameType | None) -> None:
        if control.stop.is_set():
            raise KeyboardInterrupt
        control.stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def measure(requests: Sequence[Request], output: Output, whole: bool) -> Report:
    """Run `requests` one after the other and put the report together. `whole`: give the outcome of a `check`."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    begun = time.monotonic()
    attempts: list[Attempt] = []
    findings: list[Finding] = []
    with progress_display(output) as tell:
        control = Control(tell)
        with stopped_by_interrupt(control):
            for request in requests:
                attempt, found = run(request, control)
                attempts.append(attempt)
                findings.extend(found)
    findings = without_repeats(findings)
    portaudio = None
    if any(check_for(request).needs_sound for request in requests):
        from voicediag.audio.devices import portaudio_version

        portaudio = portaudio_version()
    return build(
        attempts=attempts,
        findings=findings,
        status=status_of(attempts, findings),
        outcome=outcome_of(attempts, findings) if whole else None,
        host=describe(portaudio),
        started_at=started_at,
        duration_s=time.monotonic() - begun,
        runnable=runnable,
    )


def without_repeats(findings: Sequence[Finding]) -> list[Finding]:
    """Keep the first of findings that say the same of the same thing (two checks can meet one missing device)."""
    seen: dict[tuple[str, str | None], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.id, finding.subject), finding)
    return list(seen.values())


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a crash leaves the old file or none. Raises OSError."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")  # /dev/stdout, a named pipe: nothing to replace
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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


def check_writable(output: Output) -> None:
    """Refuse an `--output` that cannot work before anything is measured. Raises `click.UsageError`."""
    if output.file is None:
        return
    path = Path(output.file)
    if path.is_dir():
        raise click.UsageError(f"--output '{path}' is a directory")
    if not path.parent.is_dir():
        raise click.UsageError(f"--output '{path}': no directory '{path.parent}'")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise click.UsageError(f"--output '{path}' cannot be written")


def wants_color(output: Output, stream_is_terminal: bool) -> bool:
    """Decide about color: `--color`, else NO_COLOR, else whether somebody looks."""
    if output.color != "auto":
        return output.color == "always"
    return stream_is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def give_out(report: Report, output: Output) -> bool:
    """Print the report and write its file. Returns False where something could not be written.

    Nothing measured is lost: what cannot go to standard output goes to standard error.
    """
    whole = True
    document = to_json(report) + "\n"
    if output.file is not None:
        try:
            write_atomically(Path(output.file), document)
        except OSError as error:
            complain(f"cannot write '{output.file}': {error.strerror or error}")
            whole = False
    for attempt in report.attempts:
        if isinstance(attempt, MicTestAttempt) and attempt.result is not None and attempt.result.save_error is not None:
            complain(f"cannot save the recording: {attempt.result.save_error}")
            whole = False
    seen_already = not output.as_json and sys.stdout.isatty() and sys.stderr.isatty()
    for attempt in report.attempts:
        if attempt.status in ("unavailable", "crashed") and not seen_already:
            complain(f"{attempt.check}: {attempt.reason}")
    if output.as_json:
        text = document
    else:
        from voicediag.report.terminal import render

        terminal = sys.stdout.isatty()
        width = min(shutil.get_terminal_size().columns, 100) if terminal else 80
        text = render(report, width=width, color=wants_color(output, terminal))
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # whoever read has seen enough
    except OSError as error:
        complain(f"cannot write to standard output ({error.strerror or error}); the answer follows here")
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        whole = False
    return whole


def perform(requests: Sequence[Request], output: Output, whole: bool = False) -> NoReturn:
    """Measure, give out the report, and exit with the right code."""
    check_writable(output)
    report = measure(requests, output, whole)
    written = give_out(report, output)
    code = exit_code(report, output.strict)
    raise click.exceptions.Exit(code if written or code != 0 else EXIT_NOTHING_DONE)
