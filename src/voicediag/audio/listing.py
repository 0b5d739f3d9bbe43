"""A process of its own that lists devices: reads a line, writes a list as JSON, until its input ends.

PortAudio reads the system's devices once, and reading them anew kills every open stream of its process. This one never
has a stream.
"""

from __future__ import annotations

import contextlib
import signal
import sys

import msgspec

from voicediag.audio.devices import list_endpoints
from voicediag.model.attempt import Unavailable
from voicediag.model.results.audio import DevicesResult


class Listing(msgspec.Struct, frozen=True):
    """One answer: a list, or why there is none."""

    found: DevicesResult | None = None
    error: str | None = None


def main() -> None:
    """Answer until standard input ends. The argument `probe` has each device tried at its default rate."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when a Ctrl-C ends this
    probing = "probe" in sys.argv[1:]
    out = sys.stdout.buffer
    for _ in sys.stdin.buffer:
        try:
            listing = Listing(found=list_endpoints(probing="default" if probing else "none"))
        except Unavailable as unavailable:
            listing = Listing(error=unavailable.reason)
        out.write(encoded(listing) + b"\n")
        out.flush()


def encoded(listing: Listing) -> bytes:
    """Return one line of JSON; a name's lone surrogates become question marks."""
    try:
        return msgspec.json.encode(listing)
    except UnicodeEncodeError:
        import json

        text = json.dumps(msgspec.to_builtins(listing), ensure_ascii=False)
        return text.encode("utf-8", "replace")


if __name__ == "__main__":
    main()
