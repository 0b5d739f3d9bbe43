"""The settings file: TOML, a table for each command, the options' own names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from voicediag.cli.options import nearest


def settings_path() -> Path:
    """Return where the settings file is or would be."""
    named = os.environ.get("VOICEDIAG_SETTINGS")
    if named:
        return Path(named)
    # Click's own, where platformdirs would be asked elsewhere: importing that costs every command 5 ms.
    return Path(click.get_app_dir("voicediag")) / "settings.toml"


def read(path: Path) -> dict[str, Any]:
    """Read the file; {} where there is none. Raises `click.UsageError` where it cannot be read or parsed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if os.environ.get("VOICEDIAG_SETTINGS"):
            raise click.UsageError(f"no settings file '{path}' (VOICEDIAG_SETTINGS)") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"settings file '{path}': {error}") from None
    import tomllib  # here, because most machines have no settings file

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not only TOMLDecodeError: a number may be too long, a list too deep
        raise click.UsageError(f"settings file '{path}': {error}") from None


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Map each long option's name, without its dashes, to the option; for a group also those of its commands."""
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    return {name: option for each in inner for name, option in options_of(each).items()} | {
        spelling.removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for spelling in parameter.opts
        if spelling.startswith("--") and spelling != "--help"
    }


def apply_settings(ctx: click.Context, name: str, command: click.Command) -> None:
    """Make the file's values the defaults of the command that is about to run.

    A key outside any table holds for every command that has such an option. Raises `click.UsageError` for a table
    that is no command and for a key that is no option.
    """
    path = settings_path()
    settings = read(path)
    if not settings:
        return
    group = ctx.command
    assert isinstance(group, click.Group)
    commands = group.list_commands(ctx)
    known = options_of(command)
    shared: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            if key not in commands:
                raise click.UsageError(f"settings file '{path}': no command '{key}'{nearest(key, commands)}")
        elif key in known:
            shared[key] = value
        elif not any(key in options_of(other) for other in _all(ctx, group)):
            raise click.UsageError(f"settings file '{path}': no option '{key}'")
    try:
        ctx.default_map = {name: _defaults(name, command, settings.get(name, {}), shared)}
    except KeyError as wrong:
        raise click.UsageError(f"settings file '{path}': {wrong.args[0]}") from None


def _defaults(name: str, command: click.Command, table: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the default of each parameter of `command`; for a group, those of each of its commands.

    `table` is that of the command: in a group's, a key holds for all of its commands, and a table for one of them.
    `shared` holds the keys from outside. Raises KeyError for a key that is no option.
    """
    known = options_of(command)
    inner = command.commands if isinstance(command, click.Group) else {}
    for key, value in table.items():
        if key not in (inner if isinstance(value, dict) else known):
            raise KeyError(f"{name} has no option '{key}'{nearest(key, [*known, *inner])}")
    given = shared | {key: value for key, value in table.items() if not isinstance(value, dict)}
    if not inner:
        return {str(known[key].name): _as_typed(value, known[key]) for key, value in given.items() if key in known}
    return {part: _defaults(f"{name} {part}", inner[part], table.get(part, {}), given) for part in inner}


def _as_typed(value: Any, option: click.Option) -> Any:
    """Return a TOML value in the form in which click takes what was typed: text, or a list of it."""
    if isinstance(value, list):
        return [str(item) for item in value] if option.multiple else str(value)
    text = value if isinstance(value, bool) else str(value)
    return [text] if option.multiple else text


def _all(ctx: click.Context, group: click.Group) -> list[click.Command]:
    found = (group.get_command(ctx, name) for name in group.list_commands(ctx))
    return [command for command in found if command is not None]
