"""`voicediag speaker-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voicediag.cli.options import Duration, Number, output_of, output_options
from voicediag.model.request import Side, SpeakerTestRequest

LOUDEST_DBFS = -3.01
"""A full-scale sine, in plain RMS. The default is far below −6: nothing louder is played unless asked for."""


@click.command(short_help="Play a tone, and ask or listen whether it comes out.")
@click.option("--device", metavar="NAME|INDEX", help="The output. [default: system's]")
@click.option(
    "--tone", type=Number(20, 20000, "Hz"), default="1000", show_default=True, metavar="HZ", help="Its pitch."
)
@click.option(
    "--level",
    type=Number(-80, LOUDEST_DBFS, "dBFS"),
    default="-12",
    show_default=True,
    metavar="DBFS",
    help="Its level, plain RMS; -3.01 is a full-scale sine.",
)
@click.option("--left", is_flag=True, help="Play on the left side only.")
@click.option("--right", is_flag=True, help="Play on the right side only.")
@click.option(
    "--duration", type=Duration(1.5, 60), default="3", show_default=True, metavar="S", help="How long to play."
)
@click.option(
    "--listen", metavar="INPUT", help="Let this input listen, by a part of its name or its index, instead of asking."
)
@click.option(
    "--rate", type=Number(4000, 384000, "Hz", whole=True), metavar="HZ", help="Sampling rate. [default: device's]"
)
@click.option("--channels", type=Number(1, 64, "channels", whole=True), metavar="N", help="Channels to listen to.")
@click.option("--save", metavar="FILE", help="Keep what was heard as a WAV file.")
@output_options
def speaker_test(
    device: str | None,
    tone: float,
    level: float,
    left: bool,
    right: bool,
    duration: float,
    listen: str | None,
    rate: int | None,
    channels: int | None,
    save: str | None,
    **shared: Any,
) -> None:
    """Play a tone on an output, and find out whether it comes out.

    On a terminal you are asked whether you heard it. With --listen an input answers: at which level, and how distorted.
    """
    from voicediag.cli.runner import perform

    if left and right:
        raise click.UsageError("--left and --right do not go together; without either both sides play")
    if listen is None and (save is not None or channels is not None):
        raise click.UsageError(f"{'--save' if save is not None else '--channels'} needs --listen")
    if save is not None and not Path(save).absolute().parent.is_dir():
        raise click.UsageError(f"--save '{save}': no directory '{Path(save).parent}'")
    side: Side = "left" if left else "right" if right else "both"
    perform(
        [
            SpeakerTestRequest(
                device=device,
                tone_hz=tone,
                level_dbfs=level,
                side=side,
                duration_s=duration,
                rate_hz=rate,
                channels=channels,
                listen=listen,
                save=save,
            )
        ],
        output_of(shared),
    )
