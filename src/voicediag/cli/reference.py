"""Makes docs/commands.md out of the commands' own help: `python -m voicediag.cli.reference > docs/commands.md`."""

from __future__ import annotations

import click

from voicediag.cli.root import COMMANDS, root

HEAD = """# Commands

Made by `python -m voicediag.cli.reference`; do not edit. Exit codes and settings stand in `voicediag --help`.
"""


def reference() -> str:
    """Return the page: each command with its help at 80 columns."""
    parts = [HEAD]
    with click.Context(root, info_name="voicediag") as above:
        for name in COMMANDS:
            command = root.get_command(above, name)
            assert command is not None
            parts += _helps(command, name, above)
    return "\n".join(parts)


def _helps(command: click.Command, name: str, above: click.Context) -> list[str]:
    """Return the help of `command`, and that of the commands in it."""
    with click.Context(command, info_name=name, parent=above, max_content_width=80, terminal_width=80) as ctx:
        level = "#" * len(ctx.command_path.split())
        parts = [f"{level} {ctx.command_path.partition(' ')[2]}\n\n```\n{command.get_help(ctx)}\n```\n"]
        for inner, part in command.commands.items() if isinstance(command, click.Group) else ():
            parts += _helps(part, inner, ctx)
    return parts


if __name__ == "__main__":
    click.echo(reference(), nl=False)
