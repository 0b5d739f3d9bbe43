"""`voicediag mic-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voicediag.cli.options import Duration, Number, output_of, output_options, weaker
from voicediag.model.request import MicTestRequest


@click.command(short_help="Record, or read a file, and judge the microphone.")
@click.option(
    "--device", metavar="NAME|INDEX", help="The input, by a part of its name or its index. [default: system's]"
)
@click.option("--file", metavar="FILE", help="Judge a recording instead of recording.")
@click.option(
    "--duration", type=Duration(0.5, 600), default="6", show_default=True, metavar="S", help="How long to record."
)
@click.option(
    "--rate", type=Number(4000, 384000, "Hz", whole=True), metavar="HZ", help="Sampling rate. [default: device's]"
)
@click.option("--channels", type=Number(1, 64, "channels", whole=True), metavar="N", help="Channels to record.")
@click.option("--save", metavar="FILE", help="Keep the recording as a WAV file.")
@click.option("--tone", type=Number(20, 20000, "Hz"), metavar="HZ", help="Play a tone meanwhile and look for it.")
@click.option("--output-device", metavar="NAME|INDEX", help="Where to play the tone. [default: system's]")
@output_options
@click.pass_context
def mic_test(
    ctx: click.Context,
    /,
    device: str | None,
    file: str | None,
    duration: float,
    rate: int | None,
    channels: int | None,
    save: str | None,
    tone: float | None,
    output_device: str | None,
    **shared: Any,
) -> None:
    """Record a few seconds of speech, or read a recording, and judge it.

    Speak as you would in a call while it records.
    """
    from voicediag.cli.runner import perform

    if file is not None:
        for option in ("device", "duration", "rate", "channels", "save", "output_device"):
            name = "--" + option.replace("_", "-")
            weaker(ctx, option, "file", f"--file does not go with {name}")
        device = rate = channels = save = output_device = None
    if output_device is not None and tone is None:
        raise click.UsageError("--output-device needs --tone")
    if save is not None and not Path(save).absolute().parent.is_dir():
        raise click.UsageError(f"--save '{save}': no directory '{Path(save).parent}'")
    perform(
        [
            MicTestRequest(
                device=device,
                file=file,
                duration_s=duration,
                rate_hz=rate,
                channels=channels,
                save=save,
                tone_hz=tone,
                output_device=output_device,
            )
        ],
        output_of(shared),
    )
