"""`voicediag net-check`."""

from __future__ import annotations

from typing import Any

import click

from voicediag.cli.options import Duration, Number, output_of, output_options, weaker
from voicediag.cli.targets import complete_edge, targets_of
from voicediag.model.request import NetCheckRequest

QUICK_S = 3.0


@click.command(short_help="The path to every Twilio edge.")
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
@click.option(
    "--duration", type=Duration(0.2, 3600), default="10", show_default=True, metavar="S", help="How long to probe."
)
@click.option(
    "--interval", type=Number(5, 1000, "ms"), default="20", show_default=True, metavar="MS", help="Time between probes."
)
@click.option("--quick", is_flag=True, help="Probe for 3 seconds.")
@click.option(
    "--codec", type=click.Choice(["pcmu", "opus"]), default="pcmu", show_default=True, help="Codec to score for."
)
@click.option("--edges-file", metavar="FILE", help="Another table of edges, in the form of the packaged one.")
@output_options
@click.pass_context
def net_check(
    ctx: click.Context,
    /,
    edges: tuple[str, ...],
    targets: tuple[str, ...],
    duration: float,
    interval: float,
    quick: bool,
    codec: Any,
    edges_file: str | None,
    **shared: Any,
) -> None:
    """Measure the path to Twilio's edges: round trip, jitter and loss.

    Sends STUN Binding requests over UDP at the pace of voice, to all edges at once.
    """
    from voicediag.cli.runner import perform

    if quick and weaker(ctx, "quick", "duration", "--quick and --duration do not go together") != "quick":
        duration = QUICK_S
    match weaker(ctx, "edges", "targets", "--edge and --target do not go together"):
        case "edges":
            edges = ()
        case "targets":
            targets = ()
    request = NetCheckRequest(
        targets=targets_of(edges, targets, edges_file), duration_s=duration, interval_ms=interval, codec=codec
    )
    perform([request], output_of(shared))
