"""From `--edge`, `--target` and `--edges-file` to the targets of a path check."""

from __future__ import annotations

import click

from voicediag.model.request import Target
from voicediag.network.edges import EdgesError, load, parse_target


def targets_of(edges: tuple[str, ...], targets: tuple[str, ...], edges_file: str | None) -> tuple[Target, ...]:
    """Return what to probe. Raises `click.UsageError` for an unknown edge, a bad target or a bad table."""
    if edges and targets:
        raise click.UsageError("--edge and --target do not go together")
    try:
        if targets:
            parsed = tuple(parse_target(text) for text in targets)
            names = [target.name for target in parsed]
            for name in names:
                if names.count(name) > 1:
                    raise click.UsageError(f"--target '{name}' is named twice")
            return parsed
        table = load(edges_file)
        if not edges:
            return table.public_targets()
        return tuple(table.target(name) for name in dict.fromkeys(edges))
    except EdgesError as error:
        raise click.UsageError(str(error)) from None


def complete_edge(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of edges for shell completion."""
    return [edge.name for edge in load(None).edges if edge.name.startswith(incomplete)]
