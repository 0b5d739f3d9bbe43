"""`voicediag check`."""

from __future__ import annotations

from typing import Any

import click

from voicediag.cli.options import output_of, output_options, weaker
from voicediag.cli.targets import complete_edge, targets_of
from voicediag.model.request import DevicesRequest, MicTestRequest, NetCheckRequest

# (recording, probing) in seconds: together under the whole command's 10, 30 and 60 s.
QUICK_S = (3.0, 3.0)
DEFAULT_S = (6.0, 10.0)
FULL_S = (10.0, 30.0)


@click.command(short_help="Devices, microphone and path: one verdict.")
@click.option("--quick", is_flag=True, help="About 10 seconds.")
@click.option("--full", is_flag=True, help="About 45 seconds: finds rarer trouble.")
@click.option("--expect-input", multiple=True, metavar="NAME", help="Fail unless an input has NAME in its name.")
@click.option("--expect-output", multiple=True, metavar="NAME", help="Fail unless an output has NAME in its name.")
@click.option("--device", metavar="NAME|INDEX", help="The microphone to test. [default: system's]")
@click.option(
    "--edge",
    "edges",
    multiple=True,
    metavar="NAME",
    envvar="TWILIO_EDGE",
    shell_complete=complete_edge,
    help="An edge; repeatable. [default: every public edge and roaming]",
)
@click.option(
    "--target", "targets", multiple=True, metavar="NAME=HOST[:PORT]", help="Any STUN server instead; repeatable."
)
@click.option("--edges-file", metavar="FILE", help="Another table of edges, in the form of the packaged one.")
@output_options
@click.pass_context
def check(
    ctx: click.Context,
    /,
    quick: bool,
    full: bool,
    expect_input: tuple[str, ...],
    expect_output: tuple[str, ...],
    device: str | None,
    edges: tuple[str, ...],
    targets: tuple[str, ...],
    edges_file: str | None,
    **shared: Any,
) -> None:
    """Look at devices, microphone and path, and give one verdict.

    The verdict is one of: ready, degraded, blocked, no device, could not tell.

    Speak while it records.
    """
    from voicediag.cli.runner import perform

    match weaker(ctx, "quick", "full", "--quick and --full do not go together") if quick and full else None:
        case "quick":
            quick = False
        case "full":
            full = False
    record_s, probe_s = QUICK_S if quick else FULL_S if full else DEFAULT_S
    match weaker(ctx, "edges", "targets", "--edge and --target do not go together"):
        case "edges":
            edges = ()
        case "targets":
            targets = ()
    perform(
        [
            DevicesRequest(expect_inputs=expect_input, expect_outputs=expect_output),
            MicTestRequest(device=device, duration_s=record_s),
            NetCheckRequest(targets=targets_of(edges, targets, edges_file), duration_s=probe_s),
        ],
        output_of(shared),
        whole=True,
    )
