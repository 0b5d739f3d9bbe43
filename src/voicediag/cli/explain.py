"""`voicediag explain`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from voicediag.cli.options import color_option, rank
from voicediag.cli.streams import complain, put, wants_color

if TYPE_CHECKING:
    from voicediag.model.explanation import Explanation

_NEGATIVE = re.compile(r"-\d[\d.,]*", re.ASCII)


def _log(name: str) -> Explanation:
    """Explain a log by its file name, `-` for standard input. Raises click.FileError with exit code 1."""
    from voicediag.knowledge.extract import explain_log

    if name == "-":
        if sys.stdin is None:
            raise click.UsageError("standard input is closed")
        try:
            return explain_log(sys.stdin.buffer, "standard input")
        except OSError as error:
            raise click.FileError("standard input", error.strerror) from error
    try:
        with open(name, "rb") as stream:  # noqa: PTH123 - see knowledge/store.py
            return explain_log(stream, name)
    except OSError as error:
        raise click.FileError(name, error.strerror) from error


def _answer(
    queries: tuple[str, ...], file: str | None, words: str | None, as_list: bool, family: str | None
) -> Explanation:
    from voicediag.knowledge import lookup

    asked = [bool(queries), file is not None, words is not None, as_list or family is not None]
    if sum(asked) > 1:
        raise click.UsageError("ask one thing: codes or words, or --file, or --search, or --list")
    try:
        if queries:
            return lookup.explain(queries)
        if words is not None:
            return lookup.search_words(words)
        if as_list or family is not None:
            return lookup.listing(family)
    except lookup.QuestionError as error:
        raise click.UsageError(str(error)) from error
    if file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise click.UsageError("nothing to explain; give a code, a symptom or a sentence, or a log with < or --file")
    return _log("-" if file is None else file)


def _that_can_be_typed(answer: Explanation) -> Explanation:
    """Leave out the commands that this version does not have."""
    from msgspec.structs import replace

    from voicediag.cli.available import runnable

    return replace(answer, matches=tuple(replace(match, confirm=runnable(match.confirm)) for match in answer.matches))


class _Explain(click.Command):
    """A command that takes negative numbers for questions and any other unknown option for a mistake."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and refuse what only looks like a question. After `--` everything is one."""
        options = args[: args.index("--")] if "--" in args else args[:]  # parsing empties `args`
        rest = super().parse_args(ctx, args)
        for query in ctx.params.get("queries") or ():
            if query.startswith("-") and query in options and not _NEGATIVE.fullmatch(query):
                raise click.NoSuchOption(query, ctx=ctx)
        return rest


@click.command(
    cls=_Explain,
    short_help="What a code, symptom or log means, and what to do.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("queries", nargs=-1, metavar="[CODE|NAME|WORDS]...")
@click.option("--file", metavar="FILE", help="Read a log: every code and warning in it, worst first. - is stdin.")
@click.option("--search", "words", metavar="WORDS", help="Search, even for words that are a name.")
@click.option("--list", "as_list", is_flag=True, help="List all that is known.")
@click.option("--family", metavar="DIGITS", help="List the codes that begin with DIGITS, such as 31.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print it as Markdown, for a ticket or a wiki.")
@click.option("--output", "output_file", metavar="FILE", help="Write the JSON to FILE too.")
@click.option("--quiet", is_flag=True, expose_value=False, help="Show no progress; there is none here.")
@color_option
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    queries: tuple[str, ...],
    file: str | None,
    words: str | None,
    as_list: bool,
    family: str | None,
    as_json: bool,
    as_markdown: bool,
    output_file: str | None,
    color: str,
) -> None:
    """Say what a code, an SDK class or warning, a symptom, or a log means, and what to do.

    \b
    voicediag explain 31403
    voicediag explain "callers sound robotic"
    voicediag explain one-way-audio
    voicediag explain < console.log

    Exits with 0 when everything asked was found, or a log is clean; with 1 otherwise.
    """
    from voicediag.knowledge import official
    from voicediag.report import explanation as report

    # What was typed sets aside what the environment or the settings file would ask.
    ways = ("queries", "file", "words", "as_list", "family")
    strongest = max(rank(ctx, way) for way in ways)
    asked = {way: ctx.params[way] if rank(ctx, way) == strongest else None for way in ways}
    as_list, family = bool(asked["as_list"]), asked["family"]
    if output_file is not None:
        from voicediag.cli.files import check_writable, write_file

        check_writable(output_file)
    answer = _that_can_be_typed(_answer(asked["queries"] or (), asked["file"], asked["words"], as_list, family))
    written = output_file in (None, "-") or write_file(str(output_file), report.to_json(answer) + "\n")
    as_json = as_json or output_file == "-"
    is_bold = wants_color(color, sys.stdout.isatty())
    if as_json:
        text = report.to_json(answer) + "\n"
    elif as_markdown:
        text = report.to_markdown(answer)
    elif as_list or family is not None:
        text = report.render_list(answer)
    else:
        text = report.render(answer, bold=(lambda part: click.style(part, bold=True)) if is_bold else str)
    written = put(text, is_json=as_json) and written
    for unknown in answer.unknown:
        complain(unknown.reason)
    trouble = official.dictionary().trouble
    if trouble is not None:
        complain(trouble)
    if answer.log is not None and answer.log.stopped:
        complain(f"{answer.log.name}: reading stopped early: {answer.log.stopped}; what came before is explained")
        if answer.log.stopped == "interrupted":
            ctx.exit(130)
    ctx.exit(1 if not answer.is_answered else 0 if written else 3)
