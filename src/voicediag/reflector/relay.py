"""The impaired path: a UDP relay between a client and a server that delays, drops, doubles and overtakes by plan.

It writes down the truth, one row a packet, so that what a measurement says of the path can be held against it.
"""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple, Self

from msgspec import Struct

from voicediag.reflector.faults import Direction, Drop, Faults
from voicediag.wire import stamp, stun

LOOPBACK = "127.0.0.1"

_NS_PER_S = 1_000_000_000
_MAX_BYTES = 65535
# Each client costs a socket; a relay for tests and demonstrations serves a handful.
_MAX_CLIENTS = 256
_NAP_S = 0.05

Address = tuple[str, int]


class Row(Struct, frozen=True, kw_only=True):
    """What happened to one packet. Times are of this machine's monotonic clock."""

    direction: Literal["up", "down"]
    """Up is from the client to the server."""
    client: int
    """The client's port: it tells streams apart."""
    number: int
    """The how many-th packet of its direction, from 0."""
    id: str | None
    """The STUN transaction id in hexadecimal; None for anything else."""
    size_bytes: int
    arrived_ns: int
    """By the kernel's stamp where there is one."""
    departed_ns: tuple[int, ...]
    """When each copy left; empty for a dropped packet."""
    dropped: Drop | None


class _Held(NamedTuple):
    """A packet that waits for its departure. Ordered by that."""

    depart_ns: int
    tie: int
    packet: _Packet
    """Never compared: no two ties are equal."""


class _Packet:
    """A packet on its way through."""

    __slots__ = ("arrived_ns", "client", "data", "departed_ns", "direction", "left", "number")

    def __init__(
        self, direction: Literal["up", "down"], client: _Client, number: int, data: bytes, arrived_ns: int
    ) -> None:
        self.direction = direction
        self.client = client
        self.number = number
        self.data = data
        self.arrived_ns = arrived_ns
        self.departed_ns: list[int] = []
        self.left = 0
        """Copies that have not left yet."""

    def row(self, dropped: Drop | None) -> Row:
        header = stun.peek(self.data)
        return Row(
            direction=self.direction,
            client=self.client.address[1],
            number=self.number,
            id=header.transaction_id.hex() if header is not None else None,
            size_bytes=len(self.data),
            arrived_ns=self.arrived_ns,
            departed_ns=tuple(self.departed_ns),
            dropped=dropped,
        )


class _Client(NamedTuple):
    """One client and the socket that stands for it before the server."""

    address: Address
    upstream: socket.socket


class Relay:
    """A context manager: `with Relay(("127.0.0.1", 3478), up=Faults(loss_ratio=0.1), seed=1) as relay: relay.address`.

    Listens on loopback only. Serves any number of clients, each with its own port towards the server.
    """

    def __init__(
        self,
        server: Address,
        *,
        up: Faults | None = None,
        down: Faults | None = None,
        seed: int = 0,
        port: int = 0,
        on_row: Callable[[Row], None] | None = None,
    ) -> None:
        self._server = server
        self._seed = seed
        self._faults = {"up": up or Faults(), "down": down or Faults()}
        self._port = port
        self._rows: list[Row] = []
        self._on_row = on_row or self._rows.append
        self._clients: dict[Address, _Client] = {}
        self._held: list[_Held] = []
        self._ties = itertools.count()
        self._numbers = {"up": itertools.count(), "down": itertools.count()}
        self._closing = threading.Event()

    @property
    def address(self) -> Address:
        """Where the client sends to."""
        host, port = self._front.getsockname()[:2]
        return str(host), int(port)

    def truth(self) -> tuple[Row, ...]:
        """Return the rows so far, in the order in which the packets left or were dropped; empty with `on_row`."""
        return tuple(self._rows)

    def __enter__(self) -> Self:
        self._front = _socket()
        try:
            self._front.bind((LOOPBACK, self._port))
        except OSError:
            self._front.close()
            raise
        self._directions = {name: Direction(faults, self._seed, name) for name, faults in self._faults.items()}
        self._first_ns: int | None = None
        self._thread = threading.Thread(target=self._work, name="relay", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(timeout=5)
        for held in self._held:
            held.packet.left -= 1
            if held.packet.left == 0:
                self._on_row(held.packet.row(None if held.packet.departed_ns else "closed"))
        self._held.clear()
        for client in self._clients.values():
            client.upstream.close()
        self._front.close()

    def _work(self) -> None:
        # select() rather than epoll: its timeout is in microseconds, epoll's in milliseconds.
        while not self._closing.is_set():
            now = time.monotonic_ns()
            wait = min(max(0, self._held[0].depart_ns - now) / _NS_PER_S, _NAP_S) if self._held else _NAP_S
            by_socket = {client.upstream: client for client in self._clients.values()}
            ready, _, _ = select.select([self._front, *by_socket], [], [], wait)
            self._let_go()
            for sock in ready:
                self._take(sock, by_socket.get(sock))

    def _let_go(self) -> None:
        """Send every copy whose time has come."""
        while self._held and self._held[0].depart_ns <= time.monotonic_ns():
            packet = heapq.heappop(self._held).packet
            packet.departed_ns.append(time.monotonic_ns())
            try:
                if packet.direction == "up":
                    packet.client.upstream.send(packet.data)
                else:
                    self._front.sendto(packet.data, packet.client.address)
            except OSError:
                pass  # no server, no client, a full queue: the packet is gone, as on any path
            packet.left -= 1
            if packet.left == 0:
                self._on_row(packet.row(None))

    def _take(self, sock: socket.socket, client: _Client | None) -> None:
        """Read what waits on `sock` and decide what becomes of it."""
        while True:
            try:
                data, stamp_ns, source = _receive(sock)
            except OSError:
                return
            now_ns, offset_ns = _clocks()
            arrived = now_ns if stamp_ns is None else min(stamp_ns - offset_ns, now_ns)
            sender = client or self._client_at(source)
            if sender is not None:
                self._decide("up" if client is None else "down", sender, data, arrived)
            self._let_go()

    def _client_at(self, address: Address) -> _Client | None:
        known = self._clients.get(address)
        if known is not None or len(self._clients) >= _MAX_CLIENTS:
            return known
        upstream = _socket(socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET)
        try:
            upstream.connect(self._server)
        except OSError:
            upstream.close()
            return None
        self._clients[address] = _Client(address, upstream)
        return self._clients[address]

    def _decide(self, direction: Literal["up", "down"], client: _Client, data: bytes, arrived_ns: int) -> None:
        self._first_ns = arrived_ns if self._first_ns is None else self._first_ns
        packet = _Packet(direction, client, next(self._numbers[direction]), data, arrived_ns)
        fate = self._directions[direction].fate(arrived_ns, arrived_ns - self._first_ns)
        if fate.dropped is not None:
            self._on_row(packet.row(fate.dropped))
            return
        packet.left = len(fate.depart_ns)
        for depart in fate.depart_ns:
            heapq.heappush(self._held, _Held(depart, next(self._ties), packet))


def _socket(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    option = stamp.option()
    if option is not None:
        sock.setsockopt(*option, 1)
    return sock


def _receive(sock: socket.socket) -> tuple[bytes, int | None, Address]:
    if stamp.option() is None:
        data, source = sock.recvfrom(_MAX_BYTES)
        return data, None, source
    data, ancillary, _, source = sock.recvmsg(_MAX_BYTES, stamp.ANCILLARY_BYTES)
    return data, stamp.from_ancillary(ancillary), source or ("", 0)


def _clocks() -> tuple[int, int]:
    """Return the monotonic clock and how far the wall clock is ahead of it, by the closest of three pairs of reads."""
    pairs = []
    for _ in range(3):
        before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        pairs.append((after - before, after, wall - (before + after) // 2))
    _, now, offset = min(pairs)
    return now, offset
