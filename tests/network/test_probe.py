"""The stream engine against a server that misbehaves, in this process and within fractions of a second."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from voicediag.model.control import Control, PathProgress, Progress
from voicediag.network import clocks, probe
from voicediag.network.probe import Destination, Observation, Plan, run
from voicediag.network.statistics import NS_PER_MS
from voicediag.reflector.faults import Faults
from voicediag.reflector.relay import Relay
from voicediag.reflector.stun_server import SOFTWARE, Behaviour, StunServer
from voicediag.wire import stamp

SHORT = Plan(duration_s=0.1, interval_ms=5, answer_wait_s=0.1)
# Ends as soon as everything is answered: the wait is only there for a machine that stalls.
PATIENT = Plan(duration_s=0.1, interval_ms=5, answer_wait_s=10)


def to(address: tuple[str, int], name: str = "a") -> Destination:
    return Destination(name, (address[0],), address[1])


def one(behaviour: Behaviour = Behaviour.GOOD, plan: Plan = PATIENT) -> Observation:
    with StunServer(behaviour) as server:
        return run([to(server.address)], plan, Control())[0]


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    """Every test leaves as many descriptors and threads as it found."""

    def descriptors() -> int:
        place = Path("/proc/self/fd")
        return len(list(place.iterdir())) if place.exists() else 0

    before, threads = descriptors(), threading.active_count()
    yield
    assert descriptors() == before
    assert threading.active_count() == threads


def test_every_probe_of_a_good_path_is_answered() -> None:
    seen = one()
    assert len(seen.rows.sent_ns) + len(seen.unsent_due_ns) == 20
    assert sorted(seen.rows.answer_to) == list(range(len(seen.rows.sent_ns)))
    assert (seen.reason, seen.foreign, seen.error_codes) == (None, 0, ())
    assert seen.mapped is not None
    assert seen.mapped[0] == "127.0.0.1"
    assert seen.software == SOFTWARE
    assert all(
        came >= seen.rows.sent_ns[of] for of, came in zip(seen.rows.answer_to, seen.rows.arrived_ns, strict=True)
    )


def test_the_schedule_is_absolute() -> None:
    seen = one()
    steps = [later - earlier for earlier, later in pairwise(seen.rows.due_ns)]
    assert len(steps) > 5
    assert all(step % 5_000_000 == 0 for step in steps)
    assert all(sent >= due for sent, due in zip(seen.rows.sent_ns, seen.rows.due_ns, strict=True))


def test_targets_are_staggered() -> None:
    with StunServer() as server:
        first, second = run([to(server.address, "a"), to(server.address, "b")], PATIENT, Control())
    assert (second.rows.due_ns[0] - first.rows.due_ns[0]) % 5_000_000 == 2_500_000
    for stream in (first, second):
        assert len(stream.rows.answer_to) == len(stream.rows.sent_ns) > 5


def test_arrivals_are_the_kernels_where_it_stamps() -> None:
    assert one().clock_is_kernel == (stamp.option() is not None)


def test_without_kernel_stamps_the_clock_after_the_read_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "option", lambda: None)
    seen = one()
    assert not seen.clock_is_kernel
    assert len(seen.rows.answer_to) == len(seen.rows.sent_ns) > 5


def test_a_copy_is_filed_as_a_second_answer() -> None:
    seen = one(Behaviour.TWICE)
    sent = len(seen.rows.sent_ns)
    assert len(set(seen.rows.answer_to)) == sent
    # The copy of the last answer may come after the run has ended.
    assert 2 * sent - 1 <= len(seen.rows.answer_to) <= 2 * sent


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour.SHORT,
        Behaviour.LONG,
        Behaviour.HUGE,
        Behaviour.OTHER_ID,
        Behaviour.NO_ADDRESS,
        Behaviour.BROKEN_ATTRIBUTE,
        Behaviour.RANDOM,
        Behaviour.ECHO,
    ],
)
def test_a_hostile_answer_is_no_answer(behaviour: Behaviour) -> None:
    seen = one(behaviour, SHORT)
    assert not seen.rows.answer_to
    assert 0 < seen.foreign <= len(seen.rows.sent_ns)
    assert seen.reason == "bad-answers"
    assert seen.mapped is None


@pytest.mark.parametrize(("behaviour", "code"), [(Behaviour.ERROR_400, 400), (Behaviour.ERROR_500, 500)])
def test_an_error_response_is_kept_as_such(behaviour: Behaviour, code: int) -> None:
    seen = one(behaviour, SHORT)
    assert (seen.reason, seen.error_codes) == ("bad-answers", (code,))
    assert 0 < len(seen.errored) <= len(seen.rows.sent_ns)
    assert seen.foreign == 0


def test_an_answer_from_another_address_never_comes_through() -> None:
    seen = one(Behaviour.OTHER_ADDRESS, SHORT)
    assert not seen.rows.answer_to
    assert seen.reason == "timeout"


def test_silence_is_a_timeout() -> None:
    seen = one(Behaviour.SILENT, SHORT)
    assert (seen.reason, seen.foreign) == ("timeout", 0)
    assert seen.rows.sent_ns


def test_hostile_answers_among_good_ones_do_not_count() -> None:
    with StunServer() as server:
        control = Control()
        stream: list[Observation] = []
        thread = threading.Thread(target=lambda: stream.extend(run([to(server.address)], SHORT, control)))
        thread.start()
        while server.requests < 5:
            time.sleep(0.001)
        server.behaviour = Behaviour.RANDOM
        thread.join()
    seen = stream[0]
    assert seen.reason is None
    assert 5 <= len(seen.rows.answer_to) < 20
    assert seen.foreign > 0


def test_a_refused_port_is_refused_and_ends_early() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    began = time.monotonic()
    seen = run([to(address)], Plan(duration_s=30, interval_ms=20), Control())[0]
    assert seen.reason == "refused"
    assert 5 <= len(seen.rows.sent_ns) < 500
    assert time.monotonic() - began < 15


def test_a_refusal_does_not_end_the_other_streams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    with StunServer() as server:
        refused, good = run([to(address), to(server.address)], SHORT, Control())
    assert refused.reason == "refused"
    assert good.reason is None
    assert good.rows.answer_to


def test_a_server_that_starts_late_is_not_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    stream: list[Observation] = []
    plan = Plan(duration_s=0.4, interval_ms=10, answer_wait_s=0.1)
    thread = threading.Thread(target=lambda: stream.extend(run([to(address)], plan, Control())))
    thread.start()
    time.sleep(0.1)
    with StunServer(port=address[1]):
        thread.join()
    assert stream[0].reason is None
    assert stream[0].rows.answer_to


def test_no_route_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Routeless(socket.socket):
        def connect(self, *_: object) -> None:
            raise OSError(errno.ENETUNREACH, "no route")

    monkeypatch.setattr(socket, "socket", Routeless)
    seen = run([Destination("a", ("192.0.2.1",), 3478)], SHORT, Control())[0]
    assert (seen.reason, len(seen.rows.sent_ns), seen.address) == ("unreachable", 0, "192.0.2.1")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EPERM, "refused"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.EADDRNOTAVAIL, "unreachable"),
        (errno.ENOBUFS, "send-failed"),
    ],
)
def test_a_system_that_does_not_send(monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    class Mute(socket.socket):
        def send(self, *_: object) -> int:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", Mute)
    began = time.monotonic()
    seen = run([Destination("a", ("127.0.0.1",), 3478)], Plan(duration_s=30), Control())[0]
    assert (seen.reason, seen.detail, len(seen.rows.sent_ns)) == (reason, os.strerror(number), 0)
    assert len(seen.unsent_due_ns) >= 5
    assert time.monotonic() - began < 15


def test_the_first_address_with_a_route_is_probed() -> None:
    with StunServer() as server:
        host, port = server.address
        seen = run([Destination("a", ("not-an-address", host), port)], SHORT, Control())[0]
    assert (seen.address, seen.reason) == (host, None)


@pytest.mark.parametrize("address", ["fe80::1%no-such-scope", "fe80::1"])
def test_an_address_that_cannot_be_used_here_is_unreachable(address: str) -> None:
    seen = run([Destination("a", (address,), 3478)], SHORT, Control())[0]
    assert (seen.reason, len(seen.rows.sent_ns), seen.address) == ("unreachable", 0, address)
    assert seen.detail


def too_many(*_: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_stream_for_which_there_is_no_socket_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = socket.socket

    class Scarce(socket.socket):
        left = 1

        def __init__(self, *arguments: int) -> None:
            Scarce.left -= 1
            if Scarce.left < 0:
                too_many()
            super().__init__(*arguments)

    with StunServer() as server:
        monkeypatch.setattr(socket, "socket", Scarce)
        good, without = run([to(server.address), to(server.address)], PATIENT, Control())
        monkeypatch.setattr(socket, "socket", opened)
    assert (good.reason, without.reason, without.detail) == (None, "send-failed", os.strerror(errno.EMFILE))
    assert good.rows.answer_to


def test_a_system_without_a_selector_left_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "DefaultSelector", too_many)
    seen = run([Destination("a", ("127.0.0.1",), 3478)], SHORT, Control())[0]
    assert (seen.reason, seen.detail, seen.address) == ("send-failed", os.strerror(errno.EMFILE), "127.0.0.1")


def test_a_socket_that_cannot_be_watched_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(selectors.DefaultSelector):
        def register(self, *_: object) -> selectors.SelectorKey:
            raise ValueError("too many file descriptors in select()")

    monkeypatch.setattr(selectors, "DefaultSelector", Full)
    seen = run([Destination("a", ("127.0.0.1",), 3478)], SHORT, Control())[0]
    assert (seen.reason, seen.detail) == ("send-failed", "too many file descriptors in select()")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_more_targets_than_descriptors_leave_a_whole_report() -> None:
    limit = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (20, 20))"
    targets = "[Target(str(n), '127.0.0.1', 9) for n in range(30)]"
    program = f"""
from voicediag.model.control import Control
from voicediag.model.request import NetCheckRequest, Target
from voicediag.network import check
{limit}
result = check.measure(NetCheckRequest(targets={targets}, duration_s=0.1), Control(), answer_wait_s=0.1)
print(len(result.edges), sum(edge.stun.reason == "send-failed" for edge in result.edges))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    count, without = map(int, done.stdout.split())
    assert count == 30
    assert 10 <= without < 30


def test_no_address_sends_nothing() -> None:
    seen = run([Destination("a", (), 3478)], SHORT, Control())[0]
    assert (seen.reason, len(seen.rows.sent_ns)) == ("send-failed", 0)


def test_no_destinations_give_no_observations() -> None:
    assert run([], SHORT, Control()) == []


def test_a_stop_returns_what_was_measured() -> None:
    control = Control()
    with StunServer() as server:
        threading.Timer(0.2, control.stop.set).start()
        began = time.monotonic()
        seen = run([to(server.address)], Plan(duration_s=60), control)[0]
    assert time.monotonic() - began < 20
    assert seen.reason is None
    assert 0 < len(seen.rows.sent_ns) < 1000
    # What was still open is gone: neither sent nor lost.
    assert len(seen.rows.answer_to) == len(seen.rows.sent_ns)


def test_probes_open_at_the_stop_are_neither_sent_nor_lost() -> None:
    control = Control()
    with StunServer(Behaviour.SILENT) as server:
        threading.Timer(0.2, control.stop.set).start()
        seen = run([to(server.address)], Plan(duration_s=60), control)[0]
    assert len(seen.rows.sent_ns) == 0
    assert seen.open > 0
    assert seen.reason is None


def test_probes_long_unanswered_at_the_stop_are_lost() -> None:
    control = Control()
    plan = Plan(duration_s=60, interval_ms=10, answer_wait_s=0.1)
    with StunServer(Behaviour.SILENT) as server:
        threading.Timer(0.5, control.stop.set).start()
        seen = run([to(server.address)], plan, control)[0]
    assert len(seen.rows.sent_ns) > 0
    assert seen.reason == "timeout"


def test_a_stop_before_the_start() -> None:
    control = Control()
    control.stop.set()
    with StunServer() as server:
        seen = run([to(server.address)], Plan(duration_s=60), control)[0]
    assert seen.reason is None
    assert len(seen.rows.sent_ns) <= 1


def filed(plan: Plan, sent_ms: list[int], answers: list[tuple[int, float]], control: Control) -> Observation:
    """What is observed where probes left at `sent_ms`, and answers (probe, ms) were read."""
    engine = probe._Engine([Destination("a", (), 3478)], plan, control)
    engine.close()
    stream = probe._Stream(Destination("a", ("192.0.2.1",), 3478), None, "192.0.2.1", None, False)
    stream.due.extend(at * NS_PER_MS for at in sent_ms)
    stream.sent.extend(at * NS_PER_MS for at in sent_ms)
    stream.answer_to.extend(of for of, _ in answers)
    stream.arrived.extend(round(at * NS_PER_MS) for _, at in answers)
    stream.answered.update(of for of, _ in answers)
    return engine.observe(stream)


def test_an_answer_may_come_until_the_wait_after_the_last_probe_and_not_later() -> None:
    seen = filed(Plan(answer_wait_s=2), [0, 20], [(0, 2020), (1, 2020.001)], Control())
    assert (seen.rows.answer_to, seen.rows.arrived_ns, len(seen.rows.sent_ns)) == ([0], [2020 * NS_PER_MS], 2)
    seen = filed(Plan(answer_wait_s=2), [0, 20], [(0, 2021), (1, 2022)], Control())
    assert (seen.rows.answer_to, seen.reason) == ([], "timeout")


def test_progress_is_told_from_the_callers_thread() -> None:
    told: list[tuple[Progress, int]] = []
    with StunServer() as server:
        plan = Plan(duration_s=0.6, interval_ms=10, answer_wait_s=10)
        run([to(server.address)], plan, Control(lambda state: told.append((state, threading.get_ident()))))
    assert {thread for _, thread in told} == {threading.get_ident()}
    last = told[-1][0]
    assert isinstance(last, PathProgress)
    row = last.rows[0]
    assert (row.edge, row.received, row.lost) == ("a", row.sent, 0)
    assert row.sent > 30
    assert row.rtt_ms is not None
    assert row.rtt_ms > 0
    assert row.jitter_ms is not None
    assert len(row.recent_rtt_ms) == 30
    assert all(trip is not None for trip in row.recent_rtt_ms)


def test_an_error_of_ours_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(probe, "_kind_of", broken)
    with StunServer() as server, pytest.raises(RuntimeError, match="a defect"):
        run([to(server.address)], Plan(duration_s=30), Control())


def test_a_stalled_machine_leaves_probes_out_instead_of_sending_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = time.sleep
    stalls = iter([0.3])

    def sleep(seconds: float) -> None:
        slept(seconds + next(stalls, 0.0))

    with StunServer() as server:
        monkeypatch.setattr(time, "sleep", sleep)
        seen = run([to(server.address)], Plan(duration_s=0.5, interval_ms=10, answer_wait_s=0.1), Control())[0]
    assert seen.skipped == len(seen.unsent_due_ns) >= 10
    assert len(seen.rows.sent_ns) + len(seen.unsent_due_ns) == 50


def test_a_step_of_the_wall_clock_is_noticed_and_does_not_touch_the_times(monkeypatch: pytest.MonkeyPatch) -> None:
    real = clocks.read
    began = time.monotonic_ns()

    def read() -> clocks.Reading:
        now = real()
        stepped = now.monotonic_ns - began > 50_000_000
        return clocks.Reading(now.monotonic_ns, now.wall_ns + (3_600_000_000_000 if stepped else 0))

    monkeypatch.setattr(clocks, "read", read)
    seen = one()
    assert seen.clock_step_ns == pytest.approx(3_600_000_000_000, abs=5_000_000)
    trips = [came - seen.rows.sent_ns[of] for of, came in zip(seen.rows.answer_to, seen.rows.arrived_ns, strict=True)]
    assert len(trips) == len(seen.rows.sent_ns) > 5
    assert all(0 <= trip < 2_000_000_000 for trip in trips)


@pytest.mark.parametrize(
    ("stamp_ns", "now", "sent_offset", "expected"),
    [
        (None, clocks.Reading(100, 1100), 1000, clocks.Arrival(100, 0)),
        (1090, clocks.Reading(100, 1100), 1000, clocks.Arrival(90, 0)),
        (1090, clocks.Reading(100, 1100), 900, clocks.Arrival(90, 0)),  # slewed, not stepped
        (1010, clocks.Reading(100, 1100), 1000, clocks.Arrival(100, 0)),  # before the sending
        (9_000_000, clocks.Reading(100, 1100), 1000, clocks.Arrival(100, 0)),  # after the reading
        (1090, clocks.Reading(100, 5_001_100), 1000, clocks.Arrival(100, 5_000_000)),
        (1090, clocks.Reading(100, 1100), 5_001_000, clocks.Arrival(100, -5_000_000)),
    ],
)
def test_which_clock_tells_an_arrival(
    stamp_ns: int | None, now: clocks.Reading, sent_offset: int, expected: clocks.Arrival
) -> None:
    assert clocks.arrival(stamp_ns, now, 50, sent_offset) == expected


def test_the_two_clocks_are_read_as_one_moment() -> None:
    before = time.monotonic_ns()
    reading = clocks.read()
    after = time.monotonic_ns()
    assert before <= reading.monotonic_ns <= after
    assert abs(reading.wall_ns - time.time_ns()) < 10_000_000_000


def test_loss_and_copies_are_counted_exactly() -> None:
    faults = Faults(loss_ratio=0.2, duplicate_ratio=0.2)
    with StunServer() as server, Relay(server.address, up=faults, down=faults, seed=7) as relay:
        seen = run([to(relay.address)], Plan(duration_s=0.5, interval_ms=5, answer_wait_s=0.3), Control())[0]
    truth = relay.truth()
    answers = {row.id for row in truth if row.direction == "down" and row.departed_ns}
    copies = sum(len(row.departed_ns) for row in truth if row.direction == "down")
    assert len(set(seen.rows.answer_to)) == len(answers) < len(seen.rows.sent_ns)
    assert len(seen.rows.answer_to) == copies
