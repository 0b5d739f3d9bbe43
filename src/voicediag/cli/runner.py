"""Runs the checks that a command asks for, gives out the report, and ends with the exit code of the contract."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

import click

from voicediag.checks import check_for, run
from voicediag.cli.available import runnable
from voicediag.cli.files import check_writable, write_file
from voicediag.cli.live import progress_display
from voicediag.cli.options import Output
from voicediag.cli.streams import complain, put, wants_color
from voicediag.host.machine import describe
from voicediag.judge.overall import outcome_of, status_of
from voicediag.model.attempt import Attempt, save_error_of
from voicediag.model.control import Control
from voicediag.model.finding import Finding
from voicediag.model.report import Report
from voicediag.model.request import Request
from voicediag.report.assemble import build
from voicediag.report.document import to_json

PATIENCE_S = 1.0
EXIT_FOUND = 1
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
    """The first Ctrl-C asks the measurement to stop; another, no sooner than a second later, ends the program.

    Two in quick succession are one wish (a key that bounces, a shell that signals the group too): the second must not
    cost what was measured. One while the answer is being printed lets it be finished.
    """
    asked_at: float | None = None

    def on_interrupt(_: int, __: FrameType | None) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if asked_at is not None and now - asked_at > PATIENCE_S:
            raise KeyboardInterrupt
        asked_at = now if asked_at is None else asked_at
        control.stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def measure(requests: Sequence[Request], output: Output, whole: bool, control: Control) -> Report:
    """Run `requests` one after the other and put the report together. `whole`: give the outcome of a `check`."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    begun = time.monotonic()
    attempts: list[Attempt] = []
    findings: list[Finding] = []
    with progress_display(output) as display:
        control.on_progress, control.on_question = display
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


def give_out(report: Report, output: Output) -> bool:
    """Print the report and write its file. Returns False where something could not be written.

    Nothing measured is lost: what cannot go to standard output goes to standard error.
    """
    document = to_json(report) + "\n"
    as_json = output.as_json or output.file == "-"
    whole = output.file in (None, "-") or write_file(str(output.file), document)
    for attempt in report.attempts:
        error = save_error_of(attempt)
        if error is not None:
            complain(f"cannot save the recording: {error}")
            whole = False
    seen_already = not as_json and sys.stdout.isatty() and sys.stderr.isatty()
    for attempt in report.attempts:
        if attempt.status in ("unavailable", "crashed") and not seen_already:
            complain(f"{attempt.check}: {attempt.reason}")
    if as_json:
        text = document
    else:
        from voicediag.report.terminal import render

        terminal = sys.stdout.isatty()
        width = min(shutil.get_terminal_size().columns, 100) if terminal else 80
        text = render(report, width=width, color=wants_color(output.color, terminal))
    return put(text, is_json=as_json) and whole


def perform(requests: Sequence[Request], output: Output, whole: bool = False) -> NoReturn:
    """Measure, give out the report, and exit with the right code."""
    check_writable(output.file)
    control = Control()
    with stopped_by_interrupt(control):
        report = measure(requests, output, whole, control)
        written = give_out(report, output)
    code = exit_code(report, output.strict)
    raise click.exceptions.Exit(code if written or code != 0 else EXIT_NOTHING_DONE)
