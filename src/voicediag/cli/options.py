"""Options and parameter types that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?", re.ASCII)
_SECONDS = {"ms": 0.001, None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Group(click.Group):
    """A group that names the nearest of its commands where there is none of that name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            ctx.fail(f"no command '{name}'{nearest(name, known)}")
        return super().resolve_command(ctx, args)


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """`10`, `90s`, `5m`, `8h` → seconds."""

    name = "duration"

    def __init__(self, least: float, most: float) -> None:
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds; refuses anything outside the range."""
        match = _DURATION.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no duration; write 10, 90s, 5m or 8h", param, ctx)
        seconds = float(match[1]) * _SECONDS[match[2]]
        if not self.least <= seconds <= self.most:
            self.fail(f"{value} is not between {self.least:g} and {self.most:g} seconds", param, ctx)
        return seconds


class Number(click.ParamType):  # type: ignore[type-arg]
    """A finite number within a range."""

    name = "number"

    def __init__(self, least: float, most: float, unit: str, whole: bool = False) -> None:
        self.least = least
        self.most = most
        self.unit = unit
        self.whole = whole

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | int:
        """Return the number; refuses NaN, infinity and anything outside the range."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or (self.whole and number != int(number)):
            kind = "whole number" if self.whole else "number"
            self.fail(f"{value!r} is no {kind}", param, ctx)
        if not self.least <= number <= self.most:
            self.fail(f"{value} is not between {self.least:g} and {self.most:g} {self.unit}", param, ctx)
        return int(number) if self.whole else number


class Output(NamedTuple):
    """How the answer is to be given."""

    as_json: bool
    file: str | None
    quiet: bool
    strict: bool
    color: str


def color_option(function: F) -> F:
    """Add `--color`."""
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        envvar="VOICEDIAG_COLOR",  # for all commands; see also name_environment
        help="When to color. NO_COLOR is honored.",
    )(function)


def output_options(function: F) -> F:
    """Add the options that every measuring command has. They arrive as keyword arguments; see `output_of`."""
    for option in reversed(
        (
            click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
            click.option(
                "--output", "output_file", metavar="FILE", type=click.Path(), help="Write the JSON report to FILE too."
            ),
            click.option("--quiet", is_flag=True, help="Show no progress."),
            click.option("--strict", is_flag=True, help="Exit with 1 for a warning too."),
            color_option,
        )
    ):
        function = option(function)
    return function


def output_of(options: dict[str, Any]) -> Output:
    """Take the shared options out of a command's keyword arguments."""
    return Output(
        as_json=options.pop("as_json"),
        file=options.pop("output_file"),
        quiet=options.pop("quiet"),
        strict=options.pop("strict"),
        color=options.pop("color"),
    )


def name_environment(command: click.Command, prefix: str) -> None:
    """Give each option its variable: PREFIX and the option's own long name. One that it has already comes second."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            name_environment(inner, f"{prefix}_{name}")
    for parameter in command.params:
        if not isinstance(parameter, click.Option):
            continue
        long = next(spelling for spelling in parameter.opts if spelling.startswith("--")).removeprefix("--")
        variable = f"{prefix}_{long}".upper().replace("-", "_")
        others = [parameter.envvar] if isinstance(parameter.envvar, str) else list(parameter.envvar or ())
        parameter.envvar = [variable, *(other for other in others if other != variable)]


_RANK = {ParameterSource.COMMANDLINE: 3, ParameterSource.ENVIRONMENT: 2, ParameterSource.DEFAULT_MAP: 1}


def rank(ctx: click.Context, parameter: str) -> int:
    """Return how strongly a parameter was given: 3 typed, 2 environment, 1 settings file, 0 not at all."""
    source = ctx.get_parameter_source(parameter)
    return 0 if source is None else _RANK.get(source, 0)


def weaker(ctx: click.Context, one: str, other: str, complaint: str) -> str | None:
    """Return which of two parameters that exclude each other gives way; None where one is not given at all.

    Raises `click.UsageError(complaint)` where both were given in the same way.
    """
    first, second = rank(ctx, one), rank(ctx, other)
    if not first or not second:
        return None
    if first == second:
        raise click.UsageError(complaint)
    return one if first < second else other


def nearest(wrong: str, known: list[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest of `known`, or nothing."""
    import difflib

    close = difflib.get_close_matches(wrong.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
