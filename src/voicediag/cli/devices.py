"""`voicediag devices`."""

from __future__ import annotations

from typing import Any

import click

from voicediag.cli.options import output_of, output_options
from voicediag.model.request import DevicesRequest


@click.command(short_help="The microphones and speakers of this machine.")
@click.option("--input", "inputs_only", is_flag=True, help="List inputs only.")
@click.option("--output-devices", "outputs_only", is_flag=True, help="List outputs only.")
@click.option("--expect-input", multiple=True, metavar="NAME", help="Fail unless an input has NAME in its name.")
@click.option("--expect-output", multiple=True, metavar="NAME", help="Fail unless an output has NAME in its name.")
@output_options
def devices(
    inputs_only: bool, outputs_only: bool, expect_input: tuple[str, ...], expect_output: tuple[str, ...], **shared: Any
) -> None:
    """List what PortAudio sees: inputs, outputs, defaults, rates and latencies."""
    from voicediag.cli.runner import perform

    perform(
        [
            DevicesRequest(
                kinds="all" if inputs_only == outputs_only else "inputs" if inputs_only else "outputs",
                expect_inputs=expect_input,
                expect_outputs=expect_output,
            )
        ],
        output_of(shared),
    )
