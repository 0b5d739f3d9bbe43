"""The stream engine: STUN Binding requests at the pace of voice to every target at once.

One connected socket a target, since an unconnected one never hears of a refusal. One thread sends on an absolute
schedule, one receives; the caller's thread tells the progress and ends the run. Nothing is computed here but
times: rows come out, `statistics` makes numbers of them.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from voicediag.model.control import Control, PathProgress, PathRow
from voicediag.model.results.network import ClosedBy, Reason
from voicediag.network import clocks
from voicediag.network.statistics import NS_PER_MS, Rows
from voicediag.wire import stamp, stun

ANSWER_WAIT_S = 2.0
"""An answer may come until this long after the last probe."""

NS_PER_S = 1_000_000_000
# A machine that slept or stalled must not send what it missed in one burst: that would measure the burst.
_TOO_LATE_INTERVALS = 10
# A stream without any answer ends after this many refusals (or sends that the system refused) and this long: ten times
# what one lost ICMP message would cost, and short of a run's full length.
_FAILURES_TO_END = 5
_END_AFTER_NS = 500 * NS_PER_MS
# Long sleeps are cut so that a stop is heard.
_NAP_S = 0.05
_TELL_EVERY_S = 0.25
_SPARK = 30
_RECENT = 1000
# No route, no address of that family, or (EINVAL, of a link-local address without its scope) none that could be used.
_UNREACHABLE = {
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ENETDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EINVAL,
    getattr(errno, "EHOSTDOWN", errno.EHOSTUNREACH),
}
# A firewall of this very machine forbids to send.
_FORBIDDEN = {errno.EPERM, errno.EACCES}


class Destination(NamedTuple):
    """One stream to measure."""

    name: str
    addresses: tuple[str, ...]
    """Literal addresses; the first to which there is a route is probed."""
    port: int


class Plan(NamedTuple):
    """How to probe."""

    duration_s: float = 10.0
    interval_ms: float = 20.0
    answer_wait_s: float = ANSWER_WAIT_S


class Observation(NamedTuple):
    """What happened to one stream."""

    address: str
    clock_is_kernel: bool
    start_ns: int
    rows: Rows
    errored: frozenset[int]
    """The probes, as indices, to which the answer was a STUN error response."""
    unsent_due_ns: Sequence[int]
    """When the probes that did not leave were due."""
    skipped: int
    """How many of them because the machine was too late."""
    open: int
    """Probes that a stop left open; they are in no row."""
    refused: int
    unreachable: int
    last_failure: tuple[int, ClosedBy] | None
    """When the system last told of a refusal or of no route, and of which."""
    foreign: int
    reason: Reason | None
    """Why no answer came; None where one came or where the run was stopped too early to tell."""
    detail: str | None
    """The system's own words for the last error; None where it told of none."""
    error_codes: tuple[int, ...]
    clock_step_ns: int
    """The jump of largest size, with its sign; 0 where there was none."""
    mapped: tuple[str, int] | None
    software: str | None


def _column() -> array[int]:
    return array("q")


@dataclass
class _Stream:
    """One target's socket and what has happened on it. The sender writes the first block, the receiver the second."""

    destination: Destination
    sock: socket.socket | None
    address: str
    receive: Callable[[], tuple[bytes, int | None]] | None
    is_kernel: bool
    refusal: Reason | None = None
    """Why there is no socket to send on."""
    detail: str | None = None

    due: array[int] = field(default_factory=_column)
    sent: array[int] = field(default_factory=_column)
    offsets: array[int] = field(default_factory=_column)
    """Wall minus monotonic at sending."""
    by_id: dict[bytes, int] = field(default_factory=dict)
    unsent_due: array[int] = field(default_factory=_column)
    skipped: int = 0
    send_failures: int = 0
    is_ended: bool = False

    answer_to: array[int] = field(default_factory=_column)
    arrived: array[int] = field(default_factory=_column)
    answered: set[int] = field(default_factory=set)
    errored: dict[int, int] = field(default_factory=dict)
    """When the first error response to a probe came."""
    settled: set[int] = field(default_factory=set)
    """The probes answered, be it by an error."""
    foreign: int = 0
    refused: int = 0
    unreachable: int = 0
    last_failure: tuple[int, ClosedBy] | None = None
    step_ns: int = 0
    error_codes: list[int] = field(default_factory=list)
    mapped: tuple[str, int] | None = None
    software: str | None = None
    sound_body: bytes | None = None
    """The attributes of an answer that was parsed and found sound; the next with the same need not be."""

    @property
    def is_hopeless(self) -> bool:
        """Nothing came back but refusals, often and long enough to believe them."""
        failures = self.refused + self.unreachable + self.send_failures
        if self.answered or self.errored or failures < _FAILURES_TO_END:
            return False
        return not self.sent or self.sent[-1] - self.sent[0] >= _END_AFTER_NS or self.send_failures >= failures

    @property
    def is_settled(self) -> bool:
        """Nothing more is to be expected."""
        return self.sock is None or self.is_ended or len(self.settled) == len(self.sent)

    def note_error(self, error: OSError) -> None:
        """Count what the system says of the path, be it at sending or at receiving."""
        self.detail = _words(error)
        match _reason_of(error):
            case "refused":
                self.refused += 1
                self.last_failure = time.monotonic_ns(), "refused"
            case "unreachable":
                self.unreachable += 1
                self.last_failure = time.monotonic_ns(), "unreachable"
            case _:
                self.send_failures += 1

    def reason(self, *, has_sent: bool) -> Reason | None:
        """Why no answer came, the most telling first. `has_sent`: a probe waited for its answer to the end."""
        if self.foreign or self.errored:
            return "bad-answers"
        if self.refused:
            return "refused"
        if self.unreachable:
            return "unreachable"
        if self.send_failures:
            return "send-failed"
        return "timeout" if has_sent else None


def run(destinations: Sequence[Destination], plan: Plan, control: Control) -> list[Observation]:
    """Probe all `destinations` at once and return what happened to each, in their order.

    Takes `plan.duration_s` + `plan.answer_wait_s` and a little at the most; ends early when every probe was answered or
    every stream has proved hopeless, and at once when `control.stop` is set: a probe that could still have been
    answered then is in no row. Every socket is closed on return. Raises nothing of the path's making.
    """
    engine = _Engine(destinations, plan, control)
    try:
        engine.run()
    finally:
        engine.close()
    return engine.observations()


def _reason_of(error: OSError) -> Reason:
    """Return what an error of the system says of the path."""
    if isinstance(error, ConnectionRefusedError | ConnectionResetError):  # the latter is Windows' word for it
        return "refused"
    if error.errno in _FORBIDDEN:
        return "refused"
    # gaierror for a literal address: a scope that this machine does not have.
    return "unreachable" if isinstance(error, socket.gaierror) or error.errno in _UNREACHABLE else "send-failed"


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _open(destination: Destination) -> _Stream:
    """Connect a socket to the first address that has a route; a stream without one tells why."""
    failure: Reason = "send-failed"
    detail: str | None = None
    for address in destination.addresses:
        sock: socket.socket | None = None
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                address, destination.port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
            )[0]
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            is_kernel = _turn_stamps_on(sock)
            sock.connect(place)
        except OSError as error:
            failure, detail = _reason_of(error), _words(error)
            if sock is not None:
                sock.close()
            continue
        return _Stream(destination, sock, address, _receiver(sock, is_kernel), is_kernel)
    return _without_socket(destination, failure, detail)


def _without_socket(destination: Destination, reason: Reason, detail: str | None) -> _Stream:
    address = destination.addresses[0] if destination.addresses else ""
    return _Stream(destination, None, address, None, False, reason, detail)


def _selector() -> tuple[selectors.BaseSelector | None, str | None]:
    """Return what watches the sockets, or the system's words for why there is none."""
    try:
        return selectors.DefaultSelector(), None
    except OSError as error:
        return None, _words(error)


def _turn_stamps_on(sock: socket.socket) -> bool:
    option = stamp.option()
    if option is None or not hasattr(sock, "recvmsg"):
        return False
    try:
        sock.setsockopt(*option, 1)
    except OSError:
        return False
    return True


def _receiver(sock: socket.socket, is_kernel: bool) -> Callable[[], tuple[bytes, int | None]]:
    """Return the function that reads one datagram and its stamp. One byte above the largest shows what was cut."""
    if not is_kernel:
        return lambda: (sock.recv(stun.MAX_BYTES + 1), None)

    def receive() -> tuple[bytes, int | None]:
        data, ancillary, _, _ = sock.recvmsg(stun.MAX_BYTES + 1, stamp.ANCILLARY_BYTES)
        return data, stamp.from_ancillary(ancillary)

    return receive


class _Engine:
    """The threads of one run."""

    def __init__(self, destinations: Sequence[Destination], plan: Plan, control: Control) -> None:
        self._selector, fault = _selector()  # before the sockets, which may be more than the system allows
        self._streams = [
            _open(destination) if fault is None else _without_socket(destination, "send-failed", fault)
            for destination in destinations
        ]
        self._live = [stream for stream in self._streams if self._is_watched(stream)]
        self._plan = plan
        self._control = control
        self._interval_ns = round(plan.interval_ms * NS_PER_MS)
        self._count = max(1, round(plan.duration_s * NS_PER_S / self._interval_ns))
        self._meters = [_Meter(stream, plan) for stream in self._streams]
        self._ended = threading.Event()
        self._sender_done = threading.Event()
        self._threads: list[threading.Thread] = []
        self._step_ns = 0
        self._start_ns = self._stopped_ns = time.monotonic_ns()
        self._failure: BaseException | None = None

    def _is_watched(self, stream: _Stream) -> bool:
        """Listen on the socket of `stream`; False where it has none or the system watches no more of them."""
        if stream.sock is None or self._selector is None:
            return False
        try:
            self._selector.register(stream.sock, selectors.EVENT_READ, stream)
        except (OSError, ValueError) as error:
            stream.sock.close()
            stream.sock, stream.refusal, stream.detail = None, "send-failed", str(error)
            return False
        return True

    def run(self) -> None:
        """Start the threads, tell the progress, and return when there is nothing left to wait for."""
        # The first probe leaves once both threads stand.
        self._start_ns = time.monotonic_ns() + 5 * NS_PER_MS
        self._threads = [
            threading.Thread(target=self._guard, args=(self._receive_all,), name="probe-receive", daemon=True),
            threading.Thread(target=self._guard, args=(self._send_all,), name="probe-send", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        told_at = time.monotonic()
        wait_until: float | None = None
        stop = self._control.stop
        while not stop.wait(_NAP_S / 2 if self._sender_done.is_set() else _NAP_S):
            now = time.monotonic()
            if self._failure is not None:
                raise self._failure
            if now - told_at >= _TELL_EVERY_S:
                told_at = now
                self._tell()
            if self._sender_done.is_set():
                wait_until = wait_until or now + self._plan.answer_wait_s
                if now >= wait_until or all(stream.is_settled for stream in self._live):
                    break
        self._stopped_ns = time.monotonic_ns()
        self._tell()

    def _guard(self, work: Callable[[], None]) -> None:
        """Hand an error of a thread, which can only be one of ours, to the caller's thread."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in `run`
            self._failure = error

    def close(self) -> None:
        """End the threads and close every socket."""
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=2.0)
        if self._selector is not None:
            self._selector.close()
        for stream in self._streams:
            if stream.sock is not None:
                stream.sock.close()

    def _tell(self) -> None:
        elapsed = (time.monotonic_ns() - self._start_ns) / NS_PER_S
        total = self._plan.duration_s
        rows = tuple(meter.row() for meter in self._meters)
        self._control.tell(PathProgress(elapsed_s=min(max(elapsed, 0.0), total), total_s=total, rows=rows))

    # The sending thread.

    def _send_all(self) -> None:
        try:
            phase_ns = self._interval_ns / max(1, len(self._live))
            last_offset: int | None = None
            for turn in range(self._count):
                for place, stream in enumerate(self._live):
                    if stream.is_ended:
                        continue
                    due = self._start_ns + turn * self._interval_ns + round(place * phase_ns)
                    if not self._sleep_until(due):
                        return
                    last_offset = self._send(stream, due, last_offset)
                if all(stream.is_ended for stream in self._live):
                    return
        finally:
            self._sender_done.set()

    def _sleep_until(self, due_ns: int) -> bool:
        """Sleep until `due_ns`; False where the run ended before."""
        while True:
            if self._ended.is_set() or self._control.stop.is_set():
                return False
            left = (due_ns - time.monotonic_ns()) / NS_PER_S
            if left <= 0:
                return True
            time.sleep(min(left, _NAP_S))

    def _send(self, stream: _Stream, due: int, last_offset: int | None) -> int | None:
        """Send one probe and return the difference of the clocks at that moment."""
        assert stream.sock is not None
        if time.monotonic_ns() > due + _TOO_LATE_INTERVALS * self._interval_ns:
            stream.unsent_due.append(due)
            stream.skipped += 1
            return last_offset
        transaction_id = os.urandom(stun.ID_BYTES)
        # Filed before it leaves, since the answer may be read before `send` returns; the times are filled in there.
        stream.by_id[transaction_id] = len(stream.sent)
        stream.due.append(due)
        stream.sent.append(0)
        stream.offsets.append(0)
        is_sent = self._hand_over(stream, stun.binding_request(transaction_id))
        offset = stream.offsets[-1]
        if not is_sent:
            del stream.by_id[transaction_id]
            for column in (stream.offsets, stream.due, stream.sent):
                column.pop()
            stream.unsent_due.append(due)
        if stream.is_hopeless:
            stream.is_ended = True
        if last_offset is not None and abs(offset - last_offset) >= clocks.STEP_NS:
            self._step_ns = max(self._step_ns, offset - last_offset, key=abs)
        return offset

    @staticmethod
    def _hand_over(stream: _Stream, packet: bytes) -> bool:
        """Note the time and give `packet` to the system; False where it was not taken.

        A refusal belongs to an earlier probe and keeps this one from leaving, so that it gets a second try.
        """
        assert stream.sock is not None
        send = stream.sock.send
        for _ in range(2):
            now = clocks.read()
            stream.sent[-1], stream.offsets[-1] = now.monotonic_ns, now.offset_ns
            try:
                send(packet)
                return True
            except OSError as error:
                stream.note_error(error)
                if not isinstance(error, ConnectionRefusedError | ConnectionResetError):
                    return False
        return False

    # The receiving thread.

    def _receive_all(self) -> None:
        while self._live and self._selector is not None and not self._ended.is_set():
            for key, _ in self._selector.select(_NAP_S):
                self._drain(key.data)

    def _drain(self, stream: _Stream) -> None:
        """Read everything that waits on one socket, at most one queue's worth."""
        assert stream.receive is not None
        for _ in range(1000):
            try:
                data, stamp_ns = stream.receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno == errno.EMSGSIZE or getattr(error, "winerror", None) == 10040:
                    stream.foreign += 1  # Windows: a datagram larger than the buffer
                    continue
                stream.note_error(error)
                if error.errno == errno.EBADF:
                    return
                continue
            self._take(stream, data, stamp_ns, clocks.read())

    @staticmethod
    def _take(stream: _Stream, data: bytes, stamp_ns: int | None, now: clocks.Reading) -> None:
        """File one datagram: an answer to a probe of this stream, a refusal by the server, or foreign."""
        header = stun.peek(data)
        probe = stream.by_id.get(header.transaction_id) if header is not None else None
        kind = None if probe is None else _kind_of(stream, data)
        if probe is None or kind is None:
            stream.foreign += 1
            return
        came = clocks.arrival(stamp_ns, now, stream.sent[probe], stream.offsets[probe])
        stream.step_ns = max(stream.step_ns, came.step_ns, key=abs)
        stream.settled.add(probe)
        if kind == "error":
            stream.errored.setdefault(probe, came.at_ns)
            return
        stream.answer_to.append(probe)
        stream.arrived.append(came.at_ns)
        stream.answered.add(probe)

    # After the run.

    def observations(self) -> list[Observation]:
        """Return what happened to each stream, in the order of the destinations."""
        return [self.observe(stream) for stream in self._streams]

    def observe(self, stream: _Stream) -> Observation:
        """Return what happened to `stream`, without the probes that the user's stop left open."""
        rows, errored = self._rows(stream)
        reason = None if rows.answer_to else stream.refusal or stream.reason(has_sent=bool(rows.sent_ns))
        return Observation(
            address=stream.address,
            clock_is_kernel=stream.is_kernel,
            start_ns=self._start_ns,
            rows=rows,
            errored=errored,
            unsent_due_ns=stream.unsent_due,
            skipped=stream.skipped,
            open=len(stream.sent) - len(rows.sent_ns),
            refused=stream.refused,
            unreachable=stream.unreachable,
            last_failure=stream.last_failure,
            foreign=stream.foreign,
            reason=reason,
            detail=stream.detail,
            error_codes=tuple(stream.error_codes),
            clock_step_ns=max(self._step_ns, stream.step_ns, key=abs),
            mapped=stream.mapped,
            software=stream.software,
        )

    def _rows(self, stream: _Stream) -> tuple[Rows, frozenset[int]]:
        """Return the rows, and which of their probes were answered by an error only.

        Left out are answers that came after the deadline and probes that a stop left open.
        """
        patience = round(self._plan.answer_wait_s * NS_PER_S)
        # Answers are read a little longer than they may come, until the next look at the clock.
        deadline = stream.sent[-1] + patience if stream.sent else 0
        in_time = [
            (probe, arrived)
            for probe, arrived in zip(stream.answer_to, stream.arrived, strict=True)
            if arrived <= deadline
        ]
        answered = {probe for probe, _ in in_time}
        errored = {probe for probe, arrived in stream.errored.items() if arrived <= deadline} - answered
        settled = answered | errored
        kept = [
            probe
            for probe, sent in enumerate(stream.sent)
            if probe in settled or not self._control.stop.is_set() or sent + patience <= self._stopped_ns
        ]
        place = {probe: index for index, probe in enumerate(kept)}
        rows = Rows(
            [stream.due[probe] for probe in kept],
            [stream.sent[probe] for probe in kept],
            [place[probe] for probe, _ in in_time],
            [arrived for _, arrived in in_time],
        )
        return rows, frozenset(place[probe] for probe in errored)


def _kind_of(stream: _Stream, data: bytes) -> Literal["success", "error"] | None:
    """Tell what a response is, None where it is no sound one; keep what it says of this machine and the server."""
    body = data[stun.HEADER_BYTES :]
    header = stun.peek(data)
    if header is not None and header.kind == "success" and body == stream.sound_body:
        return "success"
    try:
        message = stun.parse(data)
    except stun.StunError:
        return None
    if message.kind == "error" and message.error is not None:
        if message.error[0] not in stream.error_codes:
            stream.error_codes.append(message.error[0])
        return "error"
    if message.kind != "success":
        return None
    if stream.mapped is None:
        stream.mapped, stream.software = message.mapped_address, message.software
    # A fingerprint covers the header, so it has to be computed each time.
    stream.sound_body = None if message.has_fingerprint else body
    return "success"


class _Meter:
    """One stream's running numbers, for progress only. Reads what the threads append, and never waits for them."""

    def __init__(self, stream: _Stream, plan: Plan) -> None:
        self._stream = stream
        self._patience_ns = round(plan.answer_wait_s * NS_PER_S)
        self._seen = 0
        self._open_from = 0
        self._lost = 0
        self._trips: deque[float] = deque(maxlen=_RECENT)
        self._by_probe: dict[int, float] = {}
        self._jitter: float | None = None

    def row(self) -> PathRow:
        """Return the state of the stream: median and jitter of the answers so far (the median of the last 1,000)."""
        stream = self._stream
        for index in range(self._seen, len(stream.arrived)):
            probe = stream.answer_to[index]
            self._seen = index + 1
            if probe in self._by_probe:
                continue
            trip = (stream.arrived[index] - stream.sent[probe]) / NS_PER_MS
            if self._trips:
                before = self._jitter or 0.0
                self._jitter = before + (abs(trip - self._trips[-1]) - before) / 16
            self._trips.append(trip)
            self._by_probe[probe] = trip
        now, sent = time.monotonic_ns(), len(stream.sent)
        while self._open_from < sent and stream.sent[self._open_from] + self._patience_ns <= now:
            self._lost += self._open_from not in stream.answered and self._open_from not in stream.errored
            self._open_from += 1
        ordered = sorted(self._trips)
        spark = tuple(self._by_probe.get(probe) for probe in range(max(0, sent - _SPARK), sent))
        for old in list(self._by_probe)[:-_RECENT]:
            del self._by_probe[old]
        return PathRow(
            edge=stream.destination.name,
            sent=sent,
            received=len(stream.answered),
            lost=self._lost,
            rtt_ms=ordered[len(ordered) // 2] if ordered else None,
            jitter_ms=self._jitter,
            recent_rtt_ms=spark,
        )
