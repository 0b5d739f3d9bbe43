"""From `--edge`, `--target` and `--edges-file` to the targets of a path check."""

from __future__ import annotations

import click

from voicediag.model.request import Target
from voicediag.network import edges as table


def targets_of(edges: tuple[str, ...], targets: tuple[str, ...], edges_file: str | None) -> tuple[Target, ...]:
    """Return what to probe. Raises `click.UsageError` for an unknown edge, a bad target or a bad table."""
    try:
        return table.choose(table.load(edges_file), edges, targets)
    except table.EdgesError as error:
        raise click.UsageError(str(error)) from None


def complete_edge(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of edges for shell completion."""
    return [target.name for target in table.public_targets() if target.name.startswith(incomplete)]
