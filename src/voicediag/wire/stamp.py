"""The kernel's own receive stamp of a datagram: which socket option asks for it, and how its bytes are read.

Only Linux is known here. Elsewhere `option()` is None and the caller stamps with its own clock after the read.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable

ANCILLARY_BYTES = 64
"""Room for one stamp in `recvmsg`."""

# SO_TIMESTAMPNS of include/uapi/asm-generic/socket.h; CPython has no name for it. The same number tells the stamp's
# control message. The few architectures with other numbers refuse it or send no stamp, which the caller notices.
_SO_TIMESTAMPNS = 35
_SOL_SOCKET = 1
_NS_PER_S = 1_000_000_000


def option() -> tuple[int, int] | None:
    """Return level and number of the socket option that turns nanosecond stamps on; None where the system has none."""
    return (_SOL_SOCKET, _SO_TIMESTAMPNS) if sys.platform == "linux" else None


def from_ancillary(messages: Iterable[tuple[int, int, bytes]]) -> int | None:
    """Return the stamp among `recvmsg`'s control messages, in ns of the wall clock; None where there is none."""
    for level, kind, data in messages:
        if level == _SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            # struct timespec: two 64-bit fields, two 32-bit ones on a 32-bit system.
            form = {16: "@qq", 8: "@ii"}.get(len(data))
            if form is None:
                return None
            seconds, nanoseconds = struct.unpack(form, data)
            return int(seconds) * _NS_PER_S + int(nanoseconds)
    return None
