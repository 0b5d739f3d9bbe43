"""Devices over time: what came, went, stopped working, and what a call would go on with."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Self

import msgspec

from voicediag.audio.endpoints import KINDS, keyed
from voicediag.audio.listing import Listing
from voicediag.audio.server import Direction
from voicediag.model.attempt import Cause, Unavailable
from voicediag.model.request import DevicesRequest
from voicediag.model.results.audio import DeviceEvent, Endpoint

POLL_S = 0.8
_ANSWER_S = 8.0
_LISTS_A_PROCESS = 500
"""Then another process takes over: nothing that a driver leaks lasts."""
Event = Literal["added", "removed", "default-changed", "unusable", "recovered"]


def watch(
    request: DevicesRequest, stop: threading.Event, on_event: Callable[[DeviceEvent], None], seconds: float | None
) -> None:
    """Tell `on_event` every change until `stop` is set or `seconds` are over. Raises `Unavailable` (`no-portaudio`).

    A list that cannot be had (a sound server that does not answer) changes nothing; the next one is compared with the
    last that there was.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    before: tuple[Endpoint, ...] | None = None
    with _Lister(request.probe) as lister:
        while not stop.is_set() and (ends is None or time.monotonic() < ends):
            begun = time.monotonic()
            listing = lister.ask(stop)
            if listing is None or listing.found is None:
                if before is None and listing is not None:
                    raise Unavailable(Cause.NO_PORTAUDIO, listing.error or "PortAudio gave no list")
            else:
                now = tuple(each for each in listing.found.endpoints if request.kinds in ("all", f"{each.kind}s"))
                if before is not None:
                    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                    for event in changes(before, now, request, at):
                        on_event(event)
                before = now
            pause = POLL_S - (time.monotonic() - begun)
            if ends is not None:
                pause = min(pause, ends - time.monotonic())
            stop.wait(max(0.0, pause))


def changes(
    before: tuple[Endpoint, ...], now: tuple[Endpoint, ...], request: DevicesRequest, at: str
) -> list[DeviceEvent]:
    """Return what is different, in the order: removed, added, default, unusable, recovered. No I/O."""
    old, new = keyed(before), keyed(now)
    events: list[DeviceEvent] = []

    def tell(event: Event, endpoint: Endpoint, reason: str | None = None, was: Endpoint | None = None) -> None:
        lost = event in ("removed", "unusable") and in_use(was or endpoint, request)
        choice = fallback(now, endpoint.kind, request) if lost else None
        events.append(
            DeviceEvent(
                at=at,
                event=event,
                kind=endpoint.kind,
                device=endpoint.name,
                fallback=None if choice is None else choice.name,
                reason=reason,
            )
        )

    for key in old:
        if key not in new:
            tell("removed", old[key])
    for key in new:
        if key not in old:
            tell("added", new[key])
    for kind in KINDS:
        events += _default_change(kind, old, new, at)
    for key, endpoint in new.items():
        reason, earlier = why_unusable(endpoint), old.get(key)
        reason_before = None if earlier is None else why_unusable(earlier)
        if reason is not None and reason_before is None:
            tell("unusable", endpoint, reason, earlier)
        elif reason is None and reason_before is not None:
            tell("recovered", endpoint)
    return events


def _default_change(
    kind: Direction, old: dict[tuple[str, str, int], Endpoint], new: dict[tuple[str, str, int], Endpoint], at: str
) -> list[DeviceEvent]:
    def defaults(endpoints: dict[tuple[str, str, int], Endpoint]) -> list[tuple[str, str, int]]:
        # Windows's two defaults can change one without the other.
        by_use = [
            [key for key, each in endpoints.items() if key[0] == kind and each.is_default],
            [key for key, each in endpoints.items() if key[0] == kind and each.is_communications],
        ]
        return [use[0] if use else (kind, "", -1) for use in by_use]

    changed = [(was, now) for was, now in zip(defaults(old), defaults(new), strict=True) if was != now]
    devices = dict.fromkeys(new[now].name if now in new else None for _, now in changed)
    return [DeviceEvent(at=at, event="default-changed", kind=kind, device=device, fallback=None) for device in devices]


def why_unusable(endpoint: Endpoint) -> str | None:
    """Return in a word why a call could not use it now; None where it could."""
    if endpoint.failure is not None:
        return "exclusive" if endpoint.exclusive else endpoint.failure
    return "muted" if endpoint.muted else None


def in_use(endpoint: Endpoint, request: DevicesRequest) -> bool:
    """Tell whether a call could have been on it: a default, or one that this workplace should have."""
    return endpoint.is_default or endpoint.is_communications is True or _expected(endpoint, request) is not None


def fallback(endpoints: tuple[Endpoint, ...], kind: Direction, request: DevicesRequest) -> Endpoint | None:
    """Return the device to go on with; None where none is left that works.

    In this order: one that was expected (in the order they were named); the communications default; the default, which
    is what the Voice SDK itself takes; hardware in wide-band; a headset in hands-free; a virtual device. Never what
    hears an output, or what cannot be used.
    """

    def place(endpoint: Endpoint) -> tuple[int, int]:
        expected = _expected(endpoint, request)
        if expected is not None:
            return (0, expected)
        rules = (
            endpoint.is_communications is True,
            endpoint.is_default,
            not endpoint.is_hands_free and not endpoint.is_virtual,
            endpoint.is_hands_free,
        )
        return (1 + rules.index(True) if True in rules else 1 + len(rules), 0)

    usable = [each for each in endpoints if each.kind == kind and not each.is_monitor and why_unusable(each) is None]
    return min(usable, key=place, default=None)


def _expected(endpoint: Endpoint, request: DevicesRequest) -> int | None:
    wanted = request.expect_inputs if endpoint.kind == "input" else request.expect_outputs
    name = endpoint.name.casefold()
    return next((place for place, part in enumerate(wanted) if part.strip().casefold() in name), None)


class _Lister:
    """The listing process, and its next one where it does not answer."""

    def __init__(self, probing: bool) -> None:
        self._command = [sys.executable, "-m", "voicediag.audio.listing", *(["probe"] if probing else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self, stop: threading.Event) -> Listing | None:
        """Return a fresh list; None where there was no answer, or when `stop` is set."""
        if self._process is None or self._asked >= _LISTS_A_PROCESS:
            self._end()
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        self._asked += 1
        deadline = time.monotonic() + _ANSWER_S
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
            while not stop.is_set() and time.monotonic() < deadline:
                with contextlib.suppress(queue.Empty):
                    return msgspec.json.decode(self._answers.get(timeout=0.1), type=Listing)
        except (OSError, msgspec.MsgspecError):
            pass
        self._end()
        return None

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        # A queue of its own: what an earlier process still says is nobody's answer.
        self._answers, self._asked = queue.SimpleQueue(), 0
        threading.Thread(target=_read, args=(self._process, self._answers), name="listing", daemon=True).start()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()


def _read(process: subprocess.Popen[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            answers.put(line)
    answers.put(b"")  # no list: it ended
