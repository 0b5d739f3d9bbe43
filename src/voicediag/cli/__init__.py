"""The person: argv in; text and exit code out."""


def main() -> None:
    """Run the command line."""
    from voicediag.cli.root import root

    root()
