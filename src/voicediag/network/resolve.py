"""Names to addresses, all at once, each with its time or with the reason why there is none."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from voicediag.model.results.network import DnsError
from voicediag.model.text import has_hostile

DEADLINE_S = 3.0

# Where several Twilio hosts are asked at once the resolver must not be flooded by a file of thousands.
_MAX_AT_ONCE = 64
# RFC 1035 section 2.3.4.
_MAX_NAME = 253
_TICK_S = 0.05

_WORDS: tuple[tuple[str, DnsError], ...] = (
    ("EAI_NONAME", "not-found"),
    ("EAI_NODATA", "not-found"),
    ("EAI_ADDRFAMILY", "not-found"),
    ("EAI_AGAIN", "temporary"),
)
# Which of these names exist differs between systems.
_ERRORS: dict[int, DnsError] = {getattr(socket, name): word for name, word in _WORDS if hasattr(socket, name)}


class Resolution(NamedTuple):
    """What became of one name."""

    addresses: tuple[str, ...]
    """IPv4 and IPv6, in the order in which the system would try them (RFC 6724); empty where there are none."""
    ms: float | None
    """How long the answer took; None for a literal address and where no answer came."""
    error: DnsError | None


_LOOKUP = Callable[[str], "list[str]"]


def lookup(host: str) -> list[str]:
    """Return the addresses of `host` by the system's resolver. Blocks for as long as that takes; raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return [str(address[0]) for *_, address in found]


def resolve_all(
    hosts: Iterable[str],
    *,
    deadline_s: float = DEADLINE_S,
    stop: threading.Event | None = None,
    look: _LOOKUP = lookup,
) -> dict[str, Resolution]:
    """Resolve every one of `hosts` at the same time and return one resolution a host.

    Returns after `deadline_s` at the latest; a name without an answer by then has the error "timeout". Where `stop`
    is set, returns at once; a name that was still being asked then has neither addresses nor an error.
    """
    results: dict[str, Resolution] = {}
    waiting: list[str] = []
    for host in dict.fromkeys(hosts):
        known = _without_asking(host)
        if known is None:
            waiting.append(host)
        else:
            results[host] = known
    results.update(_ask(waiting, time.monotonic() + deadline_s, stop or threading.Event(), look))
    return results


def _without_asking(host: str) -> Resolution | None:
    """Return the resolution of a literal address or of what cannot be a name, else None."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return Resolution((host,), None, None)
    labels = host.rstrip(".").split(".")
    # The system's resolver would cut a name at a NUL and ask for another one.
    if not host or len(host) > _MAX_NAME or has_hostile(host) or any(not label or len(label) > 63 for label in labels):
        return Resolution((), None, "invalid")
    return None


def _ask(hosts: list[str], deadline: float, stop: threading.Event, look: _LOOKUP) -> dict[str, Resolution]:
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[str, Resolution]] = queue.SimpleQueue()
    for host in hosts:
        todo.put(host)

    def work() -> None:
        while not stop.is_set() and time.monotonic() < deadline:
            try:
                host = todo.get_nowait()
            except queue.Empty:
                return
            answers.put((host, _look_up(host, look)))

    # Daemons, since nothing can interrupt the system's resolver: a name server that is silent must not keep the
    # process alive.
    for _ in range(min(len(hosts), _MAX_AT_ONCE)):
        threading.Thread(target=work, name="resolve", daemon=True).start()
    results: dict[str, Resolution] = {}
    while len(results) < len(hosts) and not stop.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            host, resolution = answers.get(timeout=min(left, _TICK_S))
        except queue.Empty:
            continue
        results[host] = resolution
    unanswered: DnsError | None = None if stop.is_set() else "timeout"
    return {host: results.get(host, Resolution((), None, unanswered)) for host in hosts}


def _look_up(host: str, look: _LOOKUP) -> Resolution:
    began = time.monotonic()
    try:
        addresses = tuple(dict.fromkeys(look(host)))
    except socket.gaierror as error:
        return Resolution((), (time.monotonic() - began) * 1000, _ERRORS.get(error.errno or 0, "failed"))
    except ValueError:  # a label that IDNA refuses, a NUL
        return Resolution((), None, "invalid")
    except OSError:
        return Resolution((), (time.monotonic() - began) * 1000, "failed")
    return Resolution(addresses, (time.monotonic() - began) * 1000, None if addresses else "not-found")
