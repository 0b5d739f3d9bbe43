"""How true the path's numbers are: against the impaired path's own log, and beside tools that we did not write.

`python bench/path.py` takes about 45 s and needs coturn, irtt, fping, tcpdump and tshark, and root for tcpdump and
fping. It prints what was seen beside what was asked for, and ends with 1 where something was not met.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.rigs.coturn import Coturn, free_port
from tests.rigs.path import RelayProcess, Trip, trips, trips_by_departure

from voicediag.model.control import Control
from voicediag.model.request import NetCheckRequest, Target
from voicediag.model.results.network import NetCheckResult, StunStream
from voicediag.network.check import measure
from voicediag.reflector.faults import Faults

LOOPBACK = "127.0.0.1"
UP = Faults(delay_ms=20, jitter_ms=6, jitter="exponential", loss_ratio=0.01, burst_ratio=0.002, burst_length=6)
DOWN = Faults(delay_ms=20, jitter_ms=4, jitter="normal", loss_ratio=0.01, duplicate_ratio=0.01, reorder_ratio=0.01)

failures: list[str] = []


def show(what: str, seen: str, asked: str, met: bool) -> None:
    """Print one line of the result."""
    print(f"{what:<46} {seen:<26} {asked:<22} {'met' if met else 'NOT MET'}")
    if not met:
        failures.append(what)


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def probe(*targets: Target, duration_s: float) -> NetCheckResult:
    return measure(NetCheckRequest(targets=targets, duration_s=duration_s), Control())


def only(result: NetCheckResult) -> StunStream:
    stream = result.edges[0].stun
    assert stream is not None
    return stream


@contextmanager
def captured(port: int, directory: Path) -> Iterator[Path]:
    """Let tcpdump write down what passes loopback at UDP `port`."""
    file = directory / "capture.pcap"
    arguments = ["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-w", str(file), f"udp port {port}"]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "listening on" not in (line := process.stderr.readline()):
        assert line, "tcpdump ended"
    try:
        yield file
    finally:
        time.sleep(0.5)
        process.terminate()
        process.communicate(timeout=10)


def by_tshark(file: Path, port: int) -> dict[str, float]:
    """Return tshark's stun.time of each answered probe, in ms."""
    fields = ["-T", "fields", "-e", "stun.id", "-e", "stun.time", "-E", "separator=,"]
    # Coturn's own side of the relay is another port, so every request is seen once.
    arguments = ["tshark", "-r", str(file), "-d", f"udp.port=={port},stun", "-Y", "stun.time", *fields]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    found: dict[str, float] = {}
    for line in done.stdout.splitlines():
        id, _, seconds = line.partition(",")
        found.setdefault(id.replace(":", "").removeprefix("0x"), float(seconds) * 1000)
    return found


def rfc3550(transits: list[float]) -> list[float]:
    """RFC 3550 appendix A.8 with integer nanoseconds, scaled by 16: not the code that is being measured."""
    scaled, estimates = 0, []
    for before, after in pairwise(round(transit * 1e6) for transit in transits):
        scaled += abs(after - before) - ((scaled + 8) >> 4)
        estimates.append(scaled / 16 / 1e6)
    return estimates


def answered(found: list[Trip]) -> list[float]:
    return [trip.rtt_ms for trip in found if trip.rtt_ms is not None]


def against_the_truth(coturn: Coturn, directory: Path) -> None:
    heading("Impaired path, 10 s at 20 ms, against its log")
    relay = RelayProcess((LOOPBACK, coturn.port), directory / "truth", up=UP, down=DOWN, seed=20)
    with relay, captured(relay.address[1], directory) as capture:
        stream = only(probe(Target("impaired", *relay.address), duration_s=10))
    truth = trips(relay.truth())
    true_median = statistics.median(answered(truth))
    true_jitter = statistics.fmean(rfc3550(answered(trips_by_departure(truth))))
    true_lost = sum(not trip.answered_ns for trip in truth)
    true_copies = sum(max(0, len(trip.answered_ns) - 1) for trip in truth)
    assert stream.rtt_ms is not None
    assert stream.jitter_ms is not None
    error = stream.rtt_ms.median - true_median
    show("median round trip, error", f"{error:+.3f} ms of {true_median:.3f}", "≤ 0.3 ms", abs(error) <= 0.3)
    show("lost", f"{stream.lost} of {stream.sent}", f"{true_lost} of {len(truth)}", stream.lost == true_lost)
    show("copies", str(stream.duplicated), str(true_copies), stream.duplicated == true_copies)
    difference = stream.jitter_ms.mean - true_jitter
    near = abs(difference) <= max(0.1, 0.05 * true_jitter)
    show("mean jitter, error", f"{difference:+.4f} ms of {true_jitter:.3f}", "≤ 5 % or 0.1 ms", near)

    theirs = by_tshark(capture, relay.address[1])
    assert theirs, "tshark saw no STUN"
    their_median = statistics.median(theirs.values())
    their_error = their_median - true_median
    print(f"{'tcpdump and tshark on the same packets':<46} {their_error:+.3f} ms of {true_median:.3f}")
    apart = stream.rtt_ms.median - their_median
    show("ours less tshark's median", f"{apart:+.3f} ms", "≤ 0.1 ms", abs(apart) <= 0.1)
    show("answered, as tshark counts", str(stream.received), str(len(theirs)), stream.received == len(theirs))


def ten_at_once(coturn: Coturn) -> None:
    heading("Ten targets at once, 4 s")
    walls: dict[int, float] = {}
    streams: dict[int, StunStream] = {}
    for count in (1, 10):
        began = time.perf_counter()
        targets = [Target(f"target-{index}", LOOPBACK, coturn.port) for index in range(count)]
        streams[count] = only(probe(*targets, duration_s=4))
        walls[count] = time.perf_counter() - began
    ratio = walls[10] / walls[1]
    show("wall time of ten", f"{walls[10]:.3f} s", f"≤ 1.1 x {walls[1]:.3f} s", ratio <= 1.1)
    for count, stream in streams.items():
        assert stream.timer is not None
        assert stream.rtt_ms is not None
        late = f"{stream.timer.late_median_ms:.3f} / {stream.timer.late_p99_ms:.3f} ms"
        trip = f"{stream.rtt_ms.median * 1000:.0f} / {stream.rtt_ms.p99 * 1000:.0f} µs"
        print(f"  {count:>2} at once: sent late by {late}, round trip {trip} (median / p99)")


@contextmanager
def irtt_server() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        ["irtt", "server", "-b", f"{LOOPBACK}:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def by_irtt(port: int, seconds: int, file: Path) -> list[float]:
    """Return irtt's round trips in ms."""
    arguments = ["irtt", "client", "-i", "20ms", "-d", f"{seconds}s", "-l", "172", "-Q", "-o", str(file)]
    subprocess.run([*arguments, f"{LOOPBACK}:{port}"], check=True, capture_output=True, timeout=60)
    report = json.loads(file.read_text())
    return [trip["delay"]["rtt"] / 1e6 for trip in report["round_trips"] if trip["lost"] == "false"]


def by_fping(count: int) -> list[float]:
    """Return fping's round trips in ms; the kernel answers these."""
    arguments = ["fping", "-p", "20", "-C", str(count), "-q", LOOPBACK]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    return [float(trip) for trip in done.stderr.split(":", 1)[1].split() if trip != "-"]


def beside_others(coturn: Coturn, directory: Path) -> None:
    """Compare on a clean path; nothing is asked for, since the three far ends differ.

    irtt takes its server's own time out of its round trips; coturn's is in ours, and the kernel answers fping.
    """
    heading("Clean loopback at 20 ms beside irtt and fping, three rounds of 3 s each in turn")
    ours: list[float] = []
    irtt: list[float] = []
    fping: list[float] = []
    with irtt_server() as port:
        for number in range(3):
            stream = only(probe(Target("clean", LOOPBACK, coturn.port), duration_s=3))
            assert stream.series is not None
            ours += [trip for trip in stream.series.rtt_ms if trip is not None]
            irtt += by_irtt(port, 3, directory / f"irtt-{number}.json")
            fping += by_fping(150)
    rows = {"voicediag to coturn": ours, "irtt to irtt": irtt, "fping to the kernel": fping}
    for name, values in rows.items():
        print(f"  {name:<22} {statistics.median(values) * 1000:7.1f} / {p99(values) * 1000:7.1f} µs (median / p99)")
    for name, theirs in (("irtt", irtt), ("fping", fping)):
        median = statistics.median(ours) / statistics.median(theirs)
        print(f"  ours as a ratio to {name}'s: median {median:.2f}, p99 {p99(ours) / p99(theirs):.2f}")


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def main() -> int:
    for program in ("turnserver", "irtt", "fping", "tcpdump", "tshark"):
        if shutil.which(program) is None:
            print(f"{program} is not installed")
            return 2
    with tempfile.TemporaryDirectory() as name, Coturn() as coturn:
        against_the_truth(coturn, Path(name))
        ten_at_once(coturn)
        beside_others(coturn, Path(name))
    print()
    print("all met" if not failures else f"not met: {', '.join(failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
