"""`voicediag dictionary`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voicediag.cli.options import Group, color_option
from voicediag.cli.streams import complain, put
from voicediag.model.dictionary import PUBLISHED_AT

if TYPE_CHECKING:
    from voicediag.model.dictionary import Action, DictionaryDocument, Stored

F = TypeVar("F", bound=Callable[..., Any])


def _output_options(function: F) -> F:
    for option in reversed(
        (
            click.option("--json", "as_json", is_flag=True, help="Print a JSON document."),
            click.option("--output", "output_file", metavar="FILE", help="Write the JSON document to FILE too."),
            click.option("--quiet", is_flag=True, help="Show no progress."),
            color_option,
        )
    ):
        function = option(function)
    return function


@click.group(cls=Group, invoke_without_command=True, short_help="Twilio's own error dictionary, for explain.")
@click.pass_context
def dictionary(ctx: click.Context) -> None:
    """Keep a copy of Twilio's own error dictionary on this machine.

    `voicediag explain` then adds Twilio's words, with their date, below ours, and answers for every code in it.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _described(stored: Stored) -> str:
    from voicediag.model.text import visible

    codes = "1 code" if stored.count == 1 else f"{stored.count:,} codes"
    newest = "" if stored.newest is None else f", last changed on {visible(stored.newest, 10)}"
    return (
        f"Twilio's error dictionary: {codes}{newest}\n"
        f"  taken   {visible(stored.taken_at, 20)}\n"
        f"  from    {visible(stored.source, 2000)}\n"
        f"  sha256  {visible(stored.sha256, 64)}\n"
    )


def _give_out(document: DictionaryDocument, text: str, output: dict[str, Any]) -> None:
    from voicediag.report.document import to_json

    as_json = to_json(document) + "\n"
    is_json = output["as_json"] or output["output_file"] == "-"
    written = True
    if output["output_file"] not in (None, "-"):
        from voicediag.cli.files import write_file

        written = write_file(output["output_file"], as_json)
    written = put(as_json if is_json else text, is_json=is_json) and written
    if document.reason is not None:
        complain(document.reason)
    if document.reason is not None or not written:
        raise click.exceptions.Exit(3)


def _document(action: Action, changed: bool, reason: str | None = None) -> DictionaryDocument:
    from voicediag.knowledge import official
    from voicediag.model.dictionary import DictionaryDocument

    official.forget()
    now = official.dictionary()
    return DictionaryDocument(
        action=action, changed=changed, reason=reason or now.trouble, stored=now.stored, file=official.path()
    )


def _take(action: Action, source: str, read: Callable[[], bytes], output: dict[str, Any]) -> None:
    """Store what `read` returns, or say why nothing has changed."""
    from voicediag.knowledge import intake

    reason = None
    try:
        document = read()
        try:
            intake.store(document, source, _now())
        except OSError as error:
            reason = f"the dictionary cannot be stored ({error.strerror or error})"
    except intake.Refused as refused:
        reason = f"no dictionary from '{source}': {refused}"
    except OSError as error:
        reason = f"cannot read '{source}': {error.strerror or error}"
    if reason is not None:
        reason = f"{reason}; nothing was changed"
    answer = _document(action, changed=reason is None, reason=reason)
    text = "" if reason is not None or answer.stored is None else f"Stored. {_described(answer.stored)}"
    _give_out(answer, text, output)


def _address(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    from voicediag.knowledge.download import check_address
    from voicediag.knowledge.intake import Refused

    try:
        check_address(value)
    except Refused as refused:
        raise click.BadParameter(f"'{value}': {refused}", ctx, parameter) from None
    return value


@dictionary.command(short_help="Fetch it from Twilio and store it.")
@click.option(
    "--url",
    "--dictionary-url",
    "url",
    metavar="ADDRESS",
    default=PUBLISHED_AT,
    envvar="VOICEDIAG_DICTIONARY_URL",
    show_default="Twilio's",
    callback=_address,
    help="Where to fetch it from.",
)
@_output_options
def update(url: str, **output: Any) -> None:
    """Fetch the dictionary that Twilio publishes, and store it in place of what is stored.

    Takes at most 30 seconds, goes over HTTPS, honors HTTPS_PROXY, and sends no credentials. Where it fails, nothing
    is changed and the exit code is 3; a file that was fetched otherwise can be given to `dictionary import`.
    """
    from voicediag.knowledge.download import fetch

    is_watched = not output["quiet"] and sys.stderr.isatty()

    def tell(received: int) -> None:
        if is_watched:
            click.echo(f"\r{received / 1e6:.1f} MB ", err=True, nl=False)

    def read() -> bytes:
        try:
            return fetch(url, tell=tell)
        finally:
            if is_watched:
                click.echo("\r", err=True, nl=False)

    _take("update", url, read, output)


@dictionary.command("import", short_help="Store a file that was downloaded.")
@click.argument("file", metavar="FILE")
@_output_options
def import_(file: str, **output: Any) -> None:
    """Store the dictionary in FILE, as Twilio publishes it (JSON), in place of what is stored. - is standard input.

    A file that is no such dictionary is refused whole: nothing is changed, and the exit code is 3.
    """
    from voicediag.knowledge.intake import read_all

    def read() -> bytes:
        if file == "-":
            if sys.stdin is None:
                raise click.UsageError("standard input is closed")
            return read_all(sys.stdin.buffer)
        with open(file, "rb") as stream:  # noqa: PTH123 - a name with a NUL is ValueError with either
            return read_all(stream)

    _take("import", "standard input" if file == "-" else file, read, output)


@dictionary.command(short_help="What is stored, and from when.")
@_output_options
def status(**output: Any) -> None:
    """Say what is stored, from when and from where."""
    answer = _document("status", changed=False)
    text = "" if answer.reason is not None else "No dictionary of Twilio's is stored: voicediag dictionary update\n"
    _give_out(answer, text if answer.stored is None else _described(answer.stored), output)


@dictionary.command(short_help="Remove what is stored.")
@_output_options
def remove(**output: Any) -> None:
    """Remove the stored dictionary. `explain` then answers from its own entries alone."""
    from voicediag.knowledge import intake

    reason = None
    removed = False
    try:
        removed = intake.remove()
    except OSError as error:
        reason = f"the dictionary cannot be removed: {error.strerror or error}"
    text = "" if reason else "Removed.\n" if removed else "No dictionary of Twilio's was stored.\n"
    _give_out(_document("remove", changed=removed, reason=reason), text, output)
