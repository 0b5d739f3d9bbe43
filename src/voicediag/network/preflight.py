"""Which of a name's addresses to measure: all are asked a few times before the streams begin.

A name's first address may be dead while the next one serves. A stream cannot find that out in time, so each address
gets a few Binding requests, those of all names at once, and the first in the resolver's order that answers is measured.
A name with one address is not asked. Only two sockets are needed, since only answers matter here and no refusals.
"""

from __future__ import annotations

import ipaddress
import os
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from voicediag.network.probe import Destination
from voicediag.wire import stun

PATIENCE_S = 0.6
"""An address that answers later gives way to another that has answered."""
LONGEST_S = 2.0
"""How long to wait where no address at all answers: as long as an answer may take."""
MOST = 16
"""Addresses of one name that are asked; no server has more on purpose."""

_ASKED_AT_S = (0.0, 0.15, 0.35, 0.7)
_NAP_S = 0.05


class _State(IntEnum):
    """What is known of an address, the best first."""

    GOOD = 0
    WRONG = 1
    """It answered, but not with a success."""
    SILENT = 2
    UNUSABLE = 3
    """The system has no way to send to it."""


@dataclass
class _Candidate:
    """One address of one name."""

    text: str
    family: int
    place: tuple[Any, ...]
    state: _State = _State.SILENT


def order(
    destinations: Sequence[Destination], stop: threading.Event, longest_s: float = LONGEST_S
) -> list[Destination]:
    """Return `destinations`, the addresses of each that answered before those that did not, else in their own order.

    Takes one round trip where the first addresses answer, `PATIENCE_S` where only others do, `longest_s` (at least
    `PATIENCE_S`) where none does, and no time for a name with one address. Ends at once where `stop` is set. Raises
    nothing: where the system has no sockets left, everything stays as it is.
    """
    names = [_candidates(destination) if len(destination.addresses) > 1 else [] for destination in destinations]
    if any(names):
        try:
            with _Asking([candidate for candidates in names for candidate in candidates]) as asking:
                asking.run(names, stop, max(longest_s, PATIENCE_S))
        except OSError:
            pass
    return [
        destination._replace(addresses=_sorted(candidates) + destination.addresses[len(candidates) :])
        for destination, candidates in zip(destinations, names, strict=True)
    ]


def _candidates(destination: Destination) -> list[_Candidate]:
    found = []
    for address in destination.addresses[:MOST]:
        try:
            family, _, _, _, place = socket.getaddrinfo(
                address, destination.port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
            )[0]
        except OSError:
            found.append(_Candidate(address, socket.AF_UNSPEC, (), _State.UNUSABLE))
        else:
            found.append(_Candidate(address, family, place))
    return found


def _sorted(candidates: Sequence[_Candidate]) -> tuple[str, ...]:
    return tuple(candidate.text for candidate in sorted(candidates, key=lambda candidate: candidate.state))


def _is_decided(candidates: Sequence[_Candidate], waited_s: float) -> bool:
    """Tell whether waiting on could not, or after `PATIENCE_S` should not, choose another address."""
    if waited_s >= PATIENCE_S and any(candidate.state is _State.GOOD for candidate in candidates):
        return True
    for candidate in candidates:
        if candidate.state is _State.GOOD:
            return True
        if candidate.state is _State.SILENT:
            return False
    return True


def _key(place: tuple[Any, ...]) -> tuple[bytes, int]:
    """Return what two notations of one address and port have in common."""
    return ipaddress.ip_address(str(place[0]).partition("%")[0]).packed, int(place[1])


class _Asking:
    """One unconnected socket a family, and who was asked what."""

    def __init__(self, candidates: Sequence[_Candidate]) -> None:
        self._candidates = candidates
        self._asked: dict[bytes, _Candidate] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._open = ExitStack()

    def __enter__(self) -> _Asking:
        try:
            self._selector = self._open.enter_context(selectors.DefaultSelector())
            for family in {candidate.family for candidate in self._candidates if candidate.place}:
                self._add_socket(family)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _add_socket(self, family: int) -> None:
        """Open the socket of `family`; where the system does not have it, its addresses cannot be used."""
        try:
            sock = self._open.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        except OSError:
            return
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ)
        self._sockets[family] = sock

    def run(self, names: Sequence[Sequence[_Candidate]], stop: threading.Event, longest_s: float) -> None:
        """Ask, and wait until every name is decided."""
        began = time.monotonic()
        times = list(_ASKED_AT_S)
        while not stop.is_set():
            waited = time.monotonic() - began
            if times and waited >= times[0]:
                del times[0]
                self._ask()
            if waited >= longest_s or all(_is_decided(candidates, waited) for candidates in names):
                return
            for key, _ in self._selector.select(_NAP_S):
                assert isinstance(key.fileobj, socket.socket)
                self._read(key.fileobj)

    def _ask(self) -> None:
        """Send one request to every address that has not answered."""
        for candidate in self._candidates:
            if candidate.state is not _State.SILENT:
                continue
            sock = self._sockets.get(candidate.family)
            transaction_id = os.urandom(stun.ID_BYTES)
            self._asked[transaction_id] = candidate
            try:
                if sock is None:
                    candidate.state = _State.UNUSABLE
                else:
                    sock.sendto(stun.binding_request(transaction_id), candidate.place)
            except (BlockingIOError, InterruptedError, ConnectionError):
                pass  # a full queue; on Windows also what became of an earlier request
            except OSError:
                candidate.state = _State.UNUSABLE

    def _read(self, sock: socket.socket) -> None:
        for _ in range(1000):
            try:
                data, source = sock.recvfrom(stun.MAX_BYTES + 1)
            except ConnectionError:  # Windows' word for a refusal, of whom it does not tell
                continue
            except OSError:
                return
            header = stun.peek(data)
            candidate = self._asked.get(header.transaction_id) if header is not None else None
            if candidate is not None and _key(source) == _key(candidate.place):
                candidate.state = min(candidate.state, _state_of(data))


def _state_of(data: bytes) -> _State:
    try:
        return _State.GOOD if stun.parse(data).kind == "success" else _State.WRONG
    except stun.StunError:
        return _State.WRONG
