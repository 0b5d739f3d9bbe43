"""Fetches a document over HTTPS, whole or not at all, within a time and a size. Nothing is sent but the request."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from voicediag import __version__
from voicediag.knowledge.intake import MOST_BYTES, Refused

if TYPE_CHECKING:
    import http.client
    import socket
    import urllib.request

DEADLINE_S = 30.0

_MOST_REDIRECTIONS = 5
_LONGEST_ADDRESS = 2_000
_PIECE = 1 << 16
_GRACE_S = 1.0
_ENCODINGS = ("", "identity", "gzip", "x-gzip")

Tell = Callable[[int], None]
"""Is told how many bytes have come, ten times a second."""


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine by its name or address."""
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(address: str) -> bool:
    """Raise Refused unless `address` may be fetched from: HTTPS, or HTTP on this machine. True where it is HTTPS."""
    from urllib.parse import urlsplit

    if not address.isascii() or not address.isprintable() or " " in address or len(address) > _LONGEST_ADDRESS:
        raise Refused("an address has no spaces and only ASCII characters")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(f"it is no address: {error}") from None
    if not host:
        raise Refused("it is no address, such as https://example.com/file.json")
    if parts.username is not None or parts.password is not None:
        raise Refused("an address with a user or password in it is not fetched from")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise Refused(f"only https is fetched from, not '{parts.scheme}'")
    return parts.scheme == "https"


class _Transfer:
    """One fetch, run in a thread of its own: what blocks there (a name server, a slow sender) does not block us."""

    def __init__(self, address: str, deadline_s: float) -> None:
        self.address = address
        self.deadline_s = deadline_s
        self.received = 0
        self.document = b""
        self.error: Exception | None = None
        self.done = threading.Event()
        self.is_closed = False
        self.sockets: list[socket.socket] = []

    def run(self) -> None:
        try:
            self.document = self._fetch()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            self.error = error
        finally:
            self.done.set()

    def opened(self, sock: socket.socket) -> None:
        """Take note of a connection, so that it can be ended from outside."""
        self.sockets.append(sock)
        if self.is_closed:
            self.close()

    def close(self) -> None:
        """End every connection: whoever waits for one is woken."""
        import socket

        self.is_closed = True
        for sock in self.sockets:
            # Not SSLSocket's own: it would take the TLS state from under the thread that reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _fetch(self) -> bytes:
        import urllib.request

        request = urllib.request.Request(  # noqa: S310 - check_address has seen it
            self.address,
            headers={
                "User-Agent": f"voicediag/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
        )
        with _opener(self).open(request, timeout=self.deadline_s) as response:
            return self._body(response)

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        import zlib

        if response.status != 200:
            raise Refused(f"it answered {response.status} {response.reason}")
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise Refused(f"it sends '{encoding}', which was not asked for")
        promised = response.length
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
        if promised is not None and promised > MOST_BYTES:
            raise Refused(f"it has more than {MOST_BYTES >> 20} MB")
        pieces: list[bytes] = []
        size = 0
        while piece := response.read1(_PIECE):
            self.received += len(piece)
            if unpack is not None:
                try:
                    piece = unpack.decompress(piece, MOST_BYTES + 1 - size)
                except zlib.error:
                    raise Refused("what it sends as gzip is none") from None
            size += len(piece)
            if size > MOST_BYTES:
                raise Refused(f"it has more than {MOST_BYTES >> 20} MB")
            pieces.append(piece)
        if promised is not None and self.received < promised:
            raise Refused(f"it ended after {self.received:,} of {promised:,} bytes")
        if unpack is not None and not unpack.eof:
            raise Refused(f"it ended in the middle, after {self.received:,} compressed bytes")
        return b"".join(pieces)


def _opener(transfer: _Transfer) -> urllib.request.OpenerDirector:
    """Return what opens an address: with the proxies of the environment, and no credentials, cookies or files."""
    import http.client
    import ssl
    import urllib.request

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            transfer.opened(self.sock)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            transfer.opened(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req, context=ssl.create_default_context())

    class Redirections(urllib.request.HTTPRedirectHandler):
        max_redirections = _MOST_REDIRECTIONS

        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            fp.close()  # the base class would read a body of any length
            try:
                is_https = check_address(newurl)
            except Refused as refused:
                raise Refused(f"it redirects to '{newurl[:200]}': {refused}") from None
            if not is_https and req.full_url.startswith("https:"):
                raise Refused(f"it redirects from https to '{newurl[:200]}'")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return urllib.request.build_opener(PlainHandler, SecureHandler, Redirections)


def fetch(address: str, deadline_s: float = DEADLINE_S, tell: Tell | None = None) -> bytes:
    """Return the document at `address`. Raises Refused, which says why there is none, within `deadline_s`.

    HTTPS only (HTTP on this machine), at most MOST_BYTES, at most five redirections and none away from HTTPS, through
    the proxies that the environment names (`HTTPS_PROXY`).
    """
    check_address(address)
    transfer = _Transfer(address, deadline_s)
    worker = threading.Thread(target=transfer.run, name="voicediag-download", daemon=True)
    ends = time.monotonic() + deadline_s
    worker.start()
    try:
        # In short waits: on Windows Ctrl-C does not end a long one.
        while not transfer.done.wait(min(0.1, max(ends - time.monotonic(), 0.0))):
            if tell is not None:
                tell(transfer.received)
            if time.monotonic() >= ends:
                raise Refused(f"it was not there after {deadline_s:g} s; {transfer.received:,} bytes had come")
    finally:
        transfer.close()
        worker.join(_GRACE_S)
    if transfer.error is not None:
        raise Refused(_why(transfer.error)) from transfer.error
    return transfer.document


def _why(error: Exception) -> str:
    """Return what went wrong, for a person."""
    import http.client
    import urllib.error

    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"it answered {error.code} {error.reason}".split("\n")[0]
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return _why(error.reason)
    if isinstance(error, http.client.IncompleteRead):
        return "it ended in the middle"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError):
        return str(error.strerror or getattr(error, "reason", None) or error)
    return f"it does not speak HTTP as it should ({type(error).__name__})"
