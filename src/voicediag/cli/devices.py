"""`voicediag devices`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from voicediag.cli.options import Duration, Output, output_of, output_options
from voicediag.model.request import DevicesRequest
from voicediag.model.text import visible

if TYPE_CHECKING:
    from voicediag.model.results.audio import DeviceEvent

A_WEEK_S = 7 * 86400.0


@click.command(short_help="The microphones and speakers of this machine.")
@click.option("--input", "inputs_only", is_flag=True, help="List inputs only.")
@click.option("--output-devices", "outputs_only", is_flag=True, help="List outputs only.")
@click.option("--expect-input", multiple=True, metavar="NAME", help="Fail unless an input has NAME in its name.")
@click.option("--expect-output", multiple=True, metavar="NAME", help="Fail unless an output has NAME in its name.")
@click.option("--no-probe", is_flag=True, help="Only list; do not try which devices open, and at which rates.")
@click.option("--watch", "watching", is_flag=True, help="Follow changes, a line each, until Ctrl-C.")
@click.option("--for", "seconds", type=Duration(0.1, A_WEEK_S), metavar="DURATION", help="With --watch: end after it.")
@output_options
def devices(
    inputs_only: bool,
    outputs_only: bool,
    expect_input: tuple[str, ...],
    expect_output: tuple[str, ...],
    no_probe: bool,
    watching: bool,
    seconds: float | None,
    **shared: Any,
) -> None:
    """List inputs and outputs, a line a device: defaults, rates, latencies, and which cannot be used now and why."""
    request = DevicesRequest(
        kinds="all" if inputs_only == outputs_only else "inputs" if inputs_only else "outputs",
        expect_inputs=expect_input,
        expect_outputs=expect_output,
        probe=not no_probe,
    )
    output = output_of(shared)
    if watching:
        if output.file is not None:
            raise click.UsageError("--watch writes no report: --output does not go with it")
        _watch(request, seconds, output)
    if seconds is not None:
        raise click.UsageError("--for needs --watch")
    from voicediag.cli.runner import perform

    perform([request], output)


def _watch(request: DevicesRequest, seconds: float | None, output: Output) -> NoReturn:
    from voicediag.audio.watch import watch
    from voicediag.cli.runner import EXIT_INTERRUPTED, EXIT_NOTHING_DONE, stopped_by_interrupt
    from voicediag.cli.streams import complain
    from voicediag.model.attempt import Unavailable
    from voicediag.model.control import Control

    control = Control()
    reader_gone = False

    def tell(event: DeviceEvent) -> None:
        nonlocal reader_gone
        text = _json_line(event) if output.as_json else describe(event)
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            reader_gone = True
            control.stop.set()
            # Nothing may be flushed to it when the program ends.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    with stopped_by_interrupt(control):
        try:
            watch(request, control.stop, tell, seconds)
        except Unavailable as unavailable:
            complain(f"devices: {unavailable.reason}")
            raise click.exceptions.Exit(EXIT_NOTHING_DONE) from unavailable
    raise click.exceptions.Exit(EXIT_INTERRUPTED if control.stop.is_set() and not reader_gone else 0)


def _json_line(event: DeviceEvent) -> str:
    import json

    import msgspec

    # ASCII: whatever a name holds, a terminal and any locale take it.
    return json.dumps(msgspec.to_builtins(event))


def describe(event: DeviceEvent) -> str:
    """Return one line for a person."""
    device = visible(event.device, 120) if event.device is not None else "none"
    line = f"{event.at}  {event.event:<15}  {event.kind:<6}  {device}"
    if event.reason is not None:
        line += f" ({visible(event.reason, 40)})"
    if event.fallback is not None:
        line += f"; go on with {visible(event.fallback, 120)}"
    return line
