"""The impaired path as a process of its own, so that a benchmark does not share its interpreter lock.

`python -m voicediag.reflector SETUP` writes one line with its address to standard output and runs until standard input
ends. SETUP is JSON: `{"server": ["127.0.0.1", 3478], "up": {"delay_ms": 20}, "truth": "truth.jsonl"}`. The file holds
one `Row` a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from voicediag.reflector.faults import Faults
from voicediag.reflector.relay import Relay, Row


class Setup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the one argument holds."""

    server: tuple[str, int]
    truth: str
    """The file for the rows."""
    up: Faults = Faults()
    down: Faults = Faults()
    seed: int = 0
    port: int = 0


class Listening(Struct, frozen=True):
    """The line on standard output."""

    listening: tuple[str, int]


def main(argument: str) -> None:
    """Run the relay that `argument`, JSON, describes."""
    setup = msgspec.json.decode(argument, type=Setup)
    encode = msgspec.json.Encoder().encode
    with Path(setup.truth).open("wb") as file:

        def write(row: Row) -> None:
            file.write(encode(row) + b"\n")

        relay = Relay(setup.server, up=setup.up, down=setup.down, seed=setup.seed, port=setup.port, on_row=write)
        with relay:
            sys.stdout.write(encode(Listening(relay.address)).decode() + "\n")
            sys.stdout.flush()
            sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
