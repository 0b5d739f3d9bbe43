"""A small STUN Binding server that misbehaves on demand: the far end of tests and of the demonstration."""

from __future__ import annotations

import os
import socket
import threading
from enum import StrEnum
from typing import Self

from voicediag.wire import stun

SOFTWARE = "voicediag reflector"

_NAP_S = 0.05


class Behaviour(StrEnum):
    """How the server answers a Binding request."""

    GOOD = "good"
    SILENT = "silent"
    SHORT = "short"
    """A sound answer cut in the middle."""
    LONG = "long"
    """A sound answer with bytes after its end."""
    HUGE = "huge"
    """A sound header and 60 kB."""
    OTHER_ID = "other-id"
    OTHER_ADDRESS = "other-address"
    """From another port than the one asked."""
    NO_ADDRESS = "no-address"
    """A success response without the client's address."""
    BROKEN_ATTRIBUTE = "broken-attribute"
    """An attribute that claims more bytes than there are."""
    ERROR_400 = "error-400"
    ERROR_500 = "error-500"
    FOURTH_500 = "fourth-500"
    """Every fourth request is answered by an error, the others as they should be."""
    RANDOM = "random"
    """100 bytes of noise."""
    ECHO = "echo"
    """The request itself."""
    TWICE = "twice"


class StunServer:
    """A context manager: `with StunServer(Behaviour.SHORT) as server: server.address`. `behaviour` may be changed."""

    def __init__(self, behaviour: Behaviour = Behaviour.GOOD, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.behaviour = behaviour
        self.requests = 0
        """Binding requests that came."""
        self._host = host
        self._port = port
        self._closing = threading.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._sock.getsockname()[:2]
        return str(host), int(port)

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        self._other = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._sock.bind((self._host, self._port))
            self._other.bind((self._host, 0))
        except OSError:
            self._close()
            raise
        self._sock.settimeout(_NAP_S)
        self._thread = threading.Thread(target=self._work, name="stun-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(timeout=5)
        self._close()

    def _close(self) -> None:
        self._sock.close()
        self._other.close()

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                data, source = self._sock.recvfrom(65535)
            except OSError:  # the nap's end, or a client that has gone
                continue
            header = stun.peek(data)
            if header is None or header.kind != "request":
                continue
            self.requests += 1
            behaviour = self.behaviour
            sock = self._other if behaviour is Behaviour.OTHER_ADDRESS else self._sock
            if behaviour is Behaviour.FOURTH_500:
                behaviour = Behaviour.GOOD if self.requests % 4 else Behaviour.ERROR_500
            for answer in answers(behaviour, data, header.transaction_id, (source[0], source[1])):
                try:
                    sock.sendto(answer, source)
                except OSError:
                    break


def answers(behaviour: Behaviour, request: bytes, transaction_id: bytes, client: tuple[str, int]) -> list[bytes]:
    """Return the datagrams with which a server of that `behaviour` answers."""
    sound = stun.binding_success(transaction_id, client, SOFTWARE)
    match behaviour:
        case Behaviour.GOOD | Behaviour.OTHER_ADDRESS | Behaviour.FOURTH_500:
            return [sound]
        case Behaviour.SILENT:
            return []
        case Behaviour.SHORT:
            return [sound[: len(sound) // 2]]
        case Behaviour.LONG:
            return [sound + b"\0" * 100]
        case Behaviour.HUGE:
            return [_with_body(sound, b"\x80\x22\xea\x60" + b"x" * 60_000)]
        case Behaviour.OTHER_ID:
            return [stun.binding_success(os.urandom(stun.ID_BYTES), client)]
        case Behaviour.NO_ADDRESS:
            return [_with_body(sound, b"")]
        case Behaviour.BROKEN_ATTRIBUTE:
            return [_with_body(sound, b"\x00\x20\x00\xff\x00\x01\x00\x00\x00\x00\x00\x00")]
        case Behaviour.ERROR_400:
            return [stun.binding_error(transaction_id, 400, "Bad Request")]
        case Behaviour.ERROR_500:
            return [stun.binding_error(transaction_id, 500, "Server Error")]
        case Behaviour.RANDOM:
            return [os.urandom(100)]
        case Behaviour.ECHO:
            return [request]
        case Behaviour.TWICE:
            return [sound, sound]


def _with_body(message: bytes, body: bytes) -> bytes:
    """Return `message`'s header, its length made true, with another body."""
    return message[:2] + len(body).to_bytes(2, "big") + message[4 : stun.HEADER_BYTES] + body
