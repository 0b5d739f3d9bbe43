"""The person: argv in; text and exit code out. One command a file."""


def main() -> None:
    """Run the command line and exit."""
    from voicediag.cli.root import run

    run()
