"""The person: argv in; text and exit code out. One command a file."""


def main() -> None:
    """Run the command line and exit."""
    import os
    import signal

    # Until the commands are loaded, Ctrl-C would end in a traceback of an import. One that is ignored stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from voicediag.cli.root import run

    run()
