"""Fetching over HTTP: whole, or refused with the reason, in bounded time and size. The server is on loopback."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.published import sample
from voicediag.knowledge import download
from voicediag.knowledge.download import check_address, fetch
from voicediag.knowledge.intake import Refused

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers by the table of its server, and keeps what was asked."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        with contextlib.suppress(OSError):
            self.server.answers[self.path](self)

    do_CONNECT = do_GET  # noqa: N815 - the base class looks for it

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def raw(answer: bytes) -> Answer:
    """Answer with these bytes and close."""

    def write(handler: Handler) -> None:
        handler.wfile.write(answer)

    return write


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {"/": lambda handler: handler.send(sample())}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that goes away is what some tests are about


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.over.set()
        made.shutdown()
        thread.join()


def refusal(address: str, deadline_s: float = 20.0) -> str:
    with pytest.raises(Refused) as refused:
        fetch(address, deadline_s)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert isinstance(port, int)
        return port


def test_the_document_comes_whole(server: Server) -> None:
    assert fetch(server.address + "/") == sample()
    ((_, headers),) = server.asked
    assert headers["User-Agent"].startswith("voicediag/")
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & set(headers)


def test_a_document_without_a_length_comes_whole(server: Server) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answers = {
        "/closed": raw(b"HTTP/1.0 200 OK\r\n\r\nhello world"),
        "/chunks": raw(head + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
    }
    assert fetch(f"{server.address}/closed") == b"hello world"
    assert fetch(f"{server.address}/chunks") == b"hello world"


def test_gzip_is_unpacked(server: Server) -> None:
    packed = gzip.compress(sample())
    server.answers = {
        "/gzip": lambda handler: handler.send(packed, Content_Encoding="gzip"),
        "/half": lambda handler: handler.send(packed[: len(packed) // 2], Content_Encoding="gzip"),
        "/none": lambda handler: handler.send(sample(), Content_Encoding="gzip"),
        "/br": lambda handler: handler.send(sample(), Content_Encoding="br"),
        "/bomb": lambda handler: handler.send(gzip.compress(bytes(64 << 20)), Content_Encoding="gzip"),
    }
    assert fetch(f"{server.address}/gzip") == sample()
    assert refusal(f"{server.address}/half").startswith("it ended in the middle")
    assert refusal(f"{server.address}/none") == "what it sends as gzip is none"
    assert refusal(f"{server.address}/br") == "it sends 'br', which was not asked for"
    assert refusal(f"{server.address}/bomb") == "it has more than 16 MB"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "it answered 404 Not Found"),
        (500, "it answered 500 Internal Server Error"),
        (401, "it answered 401 Unauthorized"),
        (304, "it answered 304 Not Modified"),
        (204, "it answered 204"),
        (206, "it answered 206"),
    ],
)
def test_anything_but_200_is_named(status: int, told: str, server: Server) -> None:
    server.answers = {"/": lambda handler: handler.send(b"", status)}
    assert refusal(server.address + "/").startswith(told)
    assert len(server.asked) == 1, "a password is not tried"


def test_a_document_that_ends_early_is_refused(server: Server) -> None:
    def reset(handler: Handler) -> None:
        handler.send(sample()[:100], Content_Length=str(len(sample())))
        handler.wfile.flush()
        linger = struct.pack("ii", 1, 0)  # so that closing sends a reset
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()

    server.answers = {
        "/short": lambda handler: handler.send(sample()[:100], Content_Length="1000"),
        "/reset": reset,
        "/chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n500\r\nhello"),
        "/nothing": lambda handler: None,
        "/garbage": raw(b"SSH-2.0-x\r\n"),
    }
    assert refusal(f"{server.address}/short") == "it ended after 100 of 1,000 bytes"
    assert refusal(f"{server.address}/reset") in (
        "Connection reset by peer",
        f"it ended after 100 of {len(sample())} bytes",
    )
    assert refusal(f"{server.address}/chunks") == "it ended in the middle"
    assert refusal(f"{server.address}/nothing")
    assert refusal(f"{server.address}/garbage") == "it does not speak HTTP as it should (BadStatusLine)"


def test_a_huge_document_is_refused(server: Server) -> None:
    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(bytes(1 << 20))

    server.answers = {"/told": lambda handler: handler.send(b"x", Content_Length=str(1 << 40)), "/endless": endless}
    assert refusal(f"{server.address}/told") == "it has more than 16 MB"
    assert refusal(f"{server.address}/endless") == "it has more than 16 MB"


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.0 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    ],
    ids=["nothing", "a header without end", "a body without end"],
)
def test_a_slow_sender_meets_the_deadline(begin: bytes, drop: bytes, server: Server) -> None:
    """No single wait is long here: only a deadline for the whole ends it."""
    ended = threading.Event()

    def trickle(handler: Handler) -> None:
        try:
            handler.wfile.write(begin)
            while not server.over.wait(0.02):
                handler.wfile.write(drop)
        finally:
            ended.set()

    server.answers = {"/": trickle}
    assert refusal(server.address + "/", deadline_s=0.4).startswith("it was not there after 0.4 s; ")
    assert not [thread for thread in threading.enumerate() if thread.name == "voicediag-download"]
    assert not drop or ended.wait(20), "the connection was closed"


def test_progress_is_told(server: Server) -> None:
    told: list[int] = []
    released = threading.Event()

    def slow(handler: Handler) -> None:
        handler.send(sample()[:100], Content_Length=str(len(sample())))
        handler.wfile.flush()
        released.wait(20)
        handler.wfile.write(sample()[100:])

    def tell(received: int) -> None:
        told.append(received)
        if received == 100:
            released.set()

    server.answers = {"/": slow}
    assert fetch(server.address + "/", tell=tell) == sample()
    assert 100 in told


def redirect(address: str, status: int = 302) -> Answer:
    return lambda handler: handler.send(b"", status, Location=address)


def test_redirections_are_followed_within_bounds(server: Server) -> None:
    server.answers |= {
        "/once": redirect("/"),
        "/moved": redirect(f"{server.address}/once", 308),
        "/loop": redirect("/loop"),
        "/plain": redirect("http://example.com/x.json"),
        "/file": redirect("file:///etc/passwd"),
        "/ftp": redirect("ftp://example.com/x"),
        "/user": redirect("https://user:secret@example.com/x"),
        "/tls": redirect(f"https://127.0.0.1:{closed_port()}/x"),
        "/space": redirect("http://127.0.0.1:1/\x85"),
        **{f"/chain{n}": redirect(f"/chain{n + 1}") for n in range(10)},
    }
    assert fetch(f"{server.address}/once") == sample()
    assert fetch(f"{server.address}/moved") == sample()
    assert refusal(f"{server.address}/loop").startswith("it answered 302")
    assert refusal(f"{server.address}/chain0").startswith("it answered 302")
    assert len([path for path, _ in server.asked if path.startswith("/chain")]) <= 6
    assert refusal(f"{server.address}/plain") == (
        "it redirects to 'http://example.com/x.json': only https is fetched from, not 'http'"
    )
    assert "302" in refusal(f"{server.address}/file")
    assert "ftp" in refusal(f"{server.address}/ftp")
    assert "password" in refusal(f"{server.address}/user")
    assert refusal(f"{server.address}/tls") == "Connection refused"
    assert refusal(f"{server.address}/space")


def test_a_redirection_with_an_endless_body_is_not_read(server: Server) -> None:
    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n")
        while True:
            handler.wfile.write(bytes(1 << 20))

    server.answers["/endless"] = endless
    assert fetch(f"{server.address}/endless") == sample()


def test_what_is_not_reached_is_named(server: Server) -> None:
    assert refusal(f"http://127.0.0.1:{closed_port()}/") == "Connection refused"
    assert "SSL" in refusal(server.address.replace("http:", "https:") + "/").upper()


def test_the_proxy_of_the_environment_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.address)
    server.answers["www.example.com:443"] = lambda handler: handler.send(b"", 403)
    assert refusal("https://www.example.com/x.json") == "Tunnel connection failed: 403 Forbidden"
    ((path, headers),) = server.asked
    assert path == "www.example.com:443"
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & set(headers)


def test_nothing_of_netrc_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from pathlib import Path

    (Path(str(tmp_path)) / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    server.answers = {"/": lambda handler: handler.send(b"", 401, WWW_Authenticate='Basic realm="x"')}
    assert refusal(server.address + "/") == "it answered 401 Unauthorized"
    assert ["Authorization" in headers for _, headers in server.asked] == [False]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "no address"),
        ("www.twilio.com/x.json", "no address"),
        ("https://", "no address"),
        ("https:///x", "no address"),
        ("http://www.twilio.com/x.json", "only https"),
        ("http://127.0.0.1.example.com/", "only https"),
        ("http://10.0.0.1/", "only https"),
        ("ftp://127.0.0.1/", "only https"),
        ("file:///etc/passwd", "no address"),
        ("file://localhost/etc/passwd", "only https"),
        ("https://user@example.com/", "user or password"),
        ("https://:secret@example.com/", "user or password"),
        ("https://example.com:99999/", "no address"),
        ("https://[::1/", "no address"),
        ("https://exa mple.com/", "no spaces"),
        ("https://example.com/\r\nX: y", "no spaces"),
        ("https://exämple.com/", "ASCII"),
        ("https://example.com/" + "x" * 3000, "an address has"),
    ],
)
def test_an_address_that_is_not_fetched_from(address: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_address(address)
    with pytest.raises(Refused, match=why):
        fetch(address)


@pytest.mark.parametrize(
    ("address", "is_https"),
    [
        ("https://www.twilio.com/docs/api/errors/twilio-error-codes.json", True),
        ("HTTPS://WWW.TWILIO.COM:443/x", True),
        ("http://127.0.0.1:8000/x", False),
        ("http://localhost/x", False),
        ("http://[::1]:1/x", False),
    ],
)
def test_an_address_that_is(address: str, is_https: bool) -> None:
    assert check_address(address) is is_https


def test_an_interrupt_ends_it(server: Server) -> None:
    ended = threading.Event()

    def trickle(handler: Handler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            while not server.over.wait(0.02):
                handler.wfile.write(b"x")
        finally:
            ended.set()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    server.answers = {"/": trickle}
    with pytest.raises(KeyboardInterrupt):
        fetch(server.address + "/", tell=interrupt)
    assert ended.wait(20)
    assert not [thread for thread in threading.enumerate() if thread.name == "voicediag-download"]


def test_the_deadline_is_within_thirty_seconds() -> None:
    assert download.DEADLINE_S <= 30
