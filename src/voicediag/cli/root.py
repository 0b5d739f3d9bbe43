"""The command `voicediag`: the table of commands, settings, and how errors and exit codes come out."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import NoReturn

import click
from click.core import ParameterSource

from voicediag import __version__
from voicediag.cli.options import Group, name_environment
from voicediag.cli.streams import complain, make_usable

# Name → where the command lives, and its line in --help. A command is imported only when it is called.
COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("voicediag.cli.check:check", "Devices, microphone and path: one verdict."),
    "devices": ("voicediag.cli.devices:devices", "The microphones and speakers of this machine."),
    "mic-test": ("voicediag.cli.mic_test:mic_test", "Record, or read a file, and judge the microphone."),
    "speaker-test": ("voicediag.cli.speaker_test:speaker_test", "Play a tone, and ask or listen whether it comes out."),
    "loopback-test": (
        "voicediag.cli.loopback_test:loopback_test",
        "From speaker to microphone: delay, echo, distortion.",
    ),
    "net-check": ("voicediag.cli.net_check:net_check", "The path to every Twilio edge."),
    "explain": ("voicediag.cli.explain:explain", "What a code, symptom or log means, and what to do."),
    "dictionary": ("voicediag.cli.dictionary:dictionary", "Twilio's own error dictionary, for explain."),
    "schema": ("voicediag.cli.schema:schema", "The JSON schema of a report."),
}

COMPLETE = "_VOICEDIAG_COMPLETE"
"""The environment variable by which a shell asks for completions."""

EPILOG = """\
Settings are looked up in this order: the option; the environment (VOICEDIAG_<COMMAND>_<OPTION>, such as
VOICEDIAG_NET_CHECK_DURATION; Twilio's own TWILIO_EDGE); the settings file, with a table for each command ([net-check]
duration = "20s"). The file is {path}; VOICEDIAG_SETTINGS names another.

Exit codes: 0 nothing worse than a warning; 1 a failure was found (--strict: a warning too); 2 wrong usage; 3 nothing
that was asked for could be done; 130 interrupted.
"""


class Root(Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        name_environment(command, f"VOICEDIAG_{cmd_name}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say where settings come from and what exit codes mean."""
        from voicediag.cli.settings import settings_path

        with formatter.section("Settings and exit codes"):
            for paragraph in EPILOG.format(path=settings_path()).split("\n\n"):
                formatter.write_text(" ".join(paragraph.split()))


@click.group(
    cls=Root,
    invoke_without_command=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 80,
    },
)
@click.version_option(__version__, message="voicediag %(version)s")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Tells why calls over Twilio Voice go wrong, and what to do about it.

    Start with `voicediag check`. Every command takes --help, and --json for a document that programs can read.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        return
    from voicediag.cli.settings import apply_settings

    command = root.get_command(ctx, ctx.invoked_subcommand)
    assert command is not None
    apply_settings(ctx, ctx.invoked_subcommand, command)


def leave(code: int) -> NoReturn:
    """Flush and exit. A reader that has gone away is no error of ours."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        # The interpreter would flush again at exit, fail again, and print about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _whose(error: click.ClickException) -> str:
    """Name the settings file where a wrong value came from there."""
    parameter = getattr(error, "param", None)
    ctx = getattr(error, "ctx", None)
    if ctx is None or parameter is None or ctx.get_parameter_source(parameter.name) is not ParameterSource.DEFAULT_MAP:
        return ""
    from voicediag.cli.settings import settings_path

    return f"settings file '{settings_path()}': "


def run(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the code of the contract. Every error is one line."""
    make_usable()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = os.environ.get(COMPLETE)
    if wanted:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(root, {}, "voicediag", COMPLETE, wanted))
    code = 0
    try:
        # Not `root.main`: it would take a reader that has gone away for an error.
        with root.make_context("voicediag", sys.argv[1:] if argv is None else argv) as ctx:
            root.invoke(ctx)
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.ClickException as error:
        complain(" ".join((_whose(error) + error.format_message()).split()))
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:
        # What measures turns its own errors into results: this one came from writing the answer.
        complain(f"cannot write the answer: {error.strerror or error}")
        code = 3
    except Exception as error:  # a defect of ours must not look like a Python lesson
        if os.environ.get("VOICEDIAG_DEBUG"):
            raise
        complain(f"a defect in voicediag: {type(error).__name__}: {error} (VOICEDIAG_DEBUG=1 shows where)")
        code = 3
    leave(code)
