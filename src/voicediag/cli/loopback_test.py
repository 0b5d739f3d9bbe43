"""`voicediag loopback-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voicediag.cli.options import Duration, Number, output_of, output_options
from voicediag.model.request import LoopbackTestRequest

QUIETEST_DBFS = -60.0
PROBE_LOUDEST_DBFS = -6.0
"""The probe's peaks lie 5.5 dB above its level."""


@click.command(short_help="From speaker to microphone: delay, echo, distortion.")
@click.option("--input", "input_device", metavar="NAME|INDEX", help="The microphone. [default: system's]")
@click.option("--output-device", metavar="NAME|INDEX", help="The speaker. [default: system's]")
@click.option(
    "--tone", type=Number(20, 20000, "Hz"), default="1000", show_default=True, metavar="HZ", help="Its pitch."
)
@click.option(
    "--level",
    type=Number(QUIETEST_DBFS, PROBE_LOUDEST_DBFS, "dBFS"),
    default="-12",
    show_default=True,
    metavar="DBFS",
    help="Level of both sounds, plain RMS.",
)
@click.option(
    "--duration", type=Duration(5, 60), default="6", show_default=True, metavar="S", help="How long to record."
)
@click.option(
    "--rate", type=Number(4000, 384000, "Hz", whole=True), metavar="HZ", help="Sampling rate. [default: devices']"
)
@click.option("--channels", type=Number(1, 64, "channels", whole=True), metavar="N", help="Channels to record.")
@click.option("--save", metavar="FILE", help="Keep the recording as a WAV file.")
@output_options
def loopback_test(
    input_device: str | None,
    output_device: str | None,
    tone: float,
    level: float,
    duration: float,
    rate: int | None,
    channels: int | None,
    save: str | None,
    **shared: Any,
) -> None:
    """Play a hiss and a tone, record at once, and find both in the recording.

    Tells how long sound takes from the speaker's side of this machine to the microphone's, how much of it comes back
    (the echo that the other side of a call would hear), and how clean. Hold the earpiece to the microphone to test a
    headset, or leave it on to learn how well it keeps the two apart.
    """
    from voicediag.cli.runner import perform

    if save is not None and not Path(save).absolute().parent.is_dir():
        raise click.UsageError(f"--save '{save}': no directory '{Path(save).parent}'")
    perform(
        [
            LoopbackTestRequest(
                input_device=input_device,
                output_device=output_device,
                tone_hz=tone,
                level_dbfs=level,
                duration_s=duration,
                rate_hz=rate,
                channels=channels,
                save=save,
            )
        ],
        output_of(shared),
    )
