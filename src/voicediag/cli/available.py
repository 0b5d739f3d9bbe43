"""Which of the commands that the knowledge names can be typed in this version."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import click

from voicediag.cli.root import COMMANDS, root


def can_run(command_line: str) -> bool:
    """Tell whether `command_line` (`voicediag COMMAND OPTION …`) names a command and options that exist."""
    try:
        words = shlex.split(command_line)
    except ValueError:
        return False
    if len(words) < 2 or words[0] != "voicediag" or words[1] not in COMMANDS:
        return False
    command = root.get_command(click.Context(root), words[1])
    assert command is not None
    known = {spelling for parameter in command.params for spelling in parameter.opts}
    return all(word.partition("=")[0] in known for word in words[2:] if word.startswith("--"))


def runnable(command_lines: Iterable[str]) -> tuple[str, ...]:
    """Keep the command lines that can be typed. The knowledge may be ahead of the commands."""
    return tuple(line for line in command_lines if can_run(line))
