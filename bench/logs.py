"""How fast `voicediag explain` reads logs, how much memory it takes, and how well it tells codes from other numbers.

Run: .venv/bin/python bench/logs.py [--megabytes 10 100] [--kinds KIND ...]

Every log is made anew with a fixed seed in a temporary folder and read by a process of its own, the whole command
included, against which `voicediag --version` is measured. Peak memory is that of the process (ru_maxrss; POSIX only).
The exit code is 1 where 100 MB of an ordinary log take 3 s, memory grows with the log, or a half is read too badly.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.knowledge.test_extract_lines import HALVES, rows, score

SECONDS_A_100_MB = 3.0
GROWTH_MIB = 8.0
LEAST_PRECISION, LEAST_RECALL = 0.99, 0.97
_CHUNK = 2_000


def sid(chance: random.Random, kind: str) -> str:
    """A SID of Twilio's form."""
    return f"{kind}{chance.getrandbits(128):032x}"


def console(chance: random.Random) -> Iterator[str]:
    """A browser's console with the SDK's debug output; one line in 200 tells of an error or a warning."""
    while True:
        clock = f"2026-01-31T12:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(1000):03}Z"
        kind = chance.randrange(400)
        if kind == 0:
            yield f"{clock} [TwilioVoice][Call] Received an error from the gateway: ConnectionError (31005): HANGUP\n"
        elif kind == 1:
            yield f"{clock} [TwilioVoice][Call] #warning high-rtt\n"
        elif kind < 200:
            place = f"192.168.1.{chance.randrange(256)} {chance.randrange(10000, 65536)}"
            candidate = (
                f"candidate:{chance.getrandbits(31)} 1 udp {chance.getrandbits(31)} {place} typ host generation 0"
            )
            yield f"{clock} [TwilioVoice][PeerConnection] ICE Candidate: {json.dumps({'candidate': candidate})}\n"
        else:
            yield f"{clock} [TwilioVoice][EventPublisher] Publishing insights {sample(chance)}\n"


def sample(chance: random.Random) -> str:
    """One of the SDK's samples of a call."""
    return json.dumps(
        {
            "group": "quality-metrics-samples",
            "level": "INFO",
            "name": "metrics-sample",
            "payload": {
                "call_sid": sid(chance, "CA"),
                "rtt": chance.randrange(500),
                "jitter": chance.randrange(50),
                "total_bytes_sent": chance.randrange(10000, 99999),
                "total_packets_received": chance.randrange(10000, 99999),
                "mos": 4.2,
            },
        },
        separators=(",", ":"),
    )


def logcat(chance: random.Random) -> Iterator[str]:
    """An Android log: numbers of five digits everywhere, a Twilio error in one line of 500."""
    while True:
        pid = chance.randrange(10000, 32768)
        head = (
            f"01-31 12:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(1000):03} {pid} {pid + 7}"
        )
        if chance.randrange(500) == 0:
            yield f"{head} E VoiceActivity: Call Error: 31005, Connection error\n"
        else:
            yield (
                f"{head} D Twilio  : [Core](channel.cc:{chance.randrange(2000)}): seq {chance.randrange(65536)} size"
                f" {chance.randrange(1500)} to 10.0.0.{chance.randrange(256)}:{chance.randrange(10000, 20000)}\n"
            )


def alert(chance: random.Random) -> dict[str, object]:
    """An alert as Twilio's API lists it."""
    code = chance.choice((11200, 11205, 12100, 13227, 31005, 32205))
    return {
        "sid": sid(chance, "NO"),
        "error_code": str(code),
        "log_level": "error",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "resource_sid": sid(chance, "CA"),
        "alert_text": f"sourceComponent=14100&httpResponse=502&ErrorCode={code}&LogLevel=ERROR&Msg=Bad+Gateway",
        "date_created": f"2026-01-31T12:00:{chance.randrange(60):02}Z",
    }


def json_lines(chance: random.Random) -> Iterator[str]:
    """Alerts, one a line: every line holds a code three times."""
    while True:
        yield json.dumps(alert(chance)) + "\n"


def json_pretty(chance: random.Random) -> Iterator[str]:
    """Alerts as one indented array."""
    yield "[\n"
    while True:
        yield json.dumps(alert(chance), indent=2) + ",\n"


def json_line(chance: random.Random) -> Iterator[str]:
    """Alerts as one array on one line."""
    yield '{"meta":{"page":0},"alerts":['
    while True:
        yield json.dumps(alert(chance)) + ","


def table(chance: random.Random) -> Iterator[str]:
    """Alerts as CSV; one cell in ten has line feeds."""
    yield "Date,SID,Error Code,Level,Message,Resource SID,Request URL,Port\n"
    while True:
        code = chance.choice((11200, 12100, 13227, 31005))
        text = '"Got ""502"",\nsee the log"' if chance.randrange(10) == 0 else "HTTP retrieval failure"
        begin = f"2026-01-31T12:00:{chance.randrange(60):02}Z,{sid(chance, 'NO')},{code},ERROR,{text}"
        port = chance.randrange(10000, 65536)
        yield f"{begin},{sid(chance, 'CA')},https://example.com/voice/incoming?queue=4,{port}\n"


def numbers(chance: random.Random) -> Iterator[str]:
    """Nothing but numbers of five digits, one a line."""
    while True:
        yield f"{chance.randrange(10000, 99999)}\n"


def number_table(chance: random.Random) -> Iterator[str]:
    """Nothing but numbers of five digits, twelve a line."""
    while True:
        yield " ".join(str(chance.randrange(10000, 99999)) for _ in range(12)) + "\n"


def one_line(chance: random.Random) -> Iterator[str]:
    """One line without an end, of words and numbers."""
    while True:
        yield f"state={chance.randrange(10000, 99999)} port={chance.randrange(10000, 65536)} call {sid(chance, 'CA')} "


def stacks(chance: random.Random) -> Iterator[str]:
    """Stack traces: every line names an error or a place."""
    while True:
        yield "java.lang.RuntimeException: ConnectionError in TransportError handler, error while closing\n"
        for _ in range(6):
            yield f"    at com.example.ErrorHandler.onError(ErrorHandler.java:{chance.randrange(10000, 40000)})\n"


def warnings(chance: random.Random) -> Iterator[str]:
    """Every line raises or clears a warning."""
    while True:
        state = chance.choice(("warning", "warning-cleared"))
        yield f"[TwilioVoice][Call] #{state} {chance.choice(('high-rtt', 'low-mos', 'high-jitter'))}\n"


def text(lines: Callable[[random.Random], Iterator[str]], encoding: str = "utf-8") -> Callable[[Path, int], None]:
    """Return what writes `lines` to a file, up to a number of bytes. A part of 2,000 lines is repeated."""

    def write(path: Path, size: int) -> None:
        source = lines(random.Random(1))
        first = next(source) if lines in (json_pretty, json_line, table) else ""
        part = "".join(next(source) for _ in range(_CHUNK)).encode(encoding)
        with path.open("wb") as file:
            file.write(first.encode(encoding))
            while file.tell() < size:
                file.write(part[: size - file.tell()])

    return write


def binary(path: Path, size: int) -> None:
    """Write bytes of chance."""
    part = random.Random(1).randbytes(1 << 20)
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(part[: size - file.tell()])


def zeros(path: Path, size: int) -> None:
    """Write zeros, and every now and then a line of text."""
    part = b"\0" * 4000 + b"error 31402\n"
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(part[: size - file.tell()])


ORDINARY = {
    "browser console": text(console),
    "Android logcat": text(logcat),
    "JSON lines of alerts": text(json_lines),
    "JSON array of alerts, indented": text(json_pretty),
    "JSON array of alerts, one line": text(json_line),
    "CSV of alerts": text(table),
}
ODD = {
    "one line": text(one_line),
    "a number a line": text(numbers),
    "twelve numbers a line": text(number_table),
    "stack traces": text(stacks),
    "a warning a line": text(warnings),
    "console as UTF-16 with mark": text(console, "utf-16"),
    "console as UTF-16 without mark": text(console, "utf-16-le"),
    "console with carriage returns": text(lambda chance: (line.replace("\n", "\r") for line in console(chance))),
    "zeros": zeros,
    "bytes of chance": binary,
}


def run(*arguments: str) -> tuple[float, float]:
    """Return seconds and peak MiB of a whole `voicediag`."""
    script = str(Path(sys.executable).with_name("voicediag"))
    begin = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen([script, *arguments], stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), (arguments, process.returncode)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return taken, usage.ru_maxrss / unit


def main() -> int:
    """Measure, print two Markdown tables, and exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--kinds", nargs="+", default=[*ORDINARY, *ODD])
    options = parser.parse_args()
    passed = True

    print("| half | lines with | lines without | precision | recall |\n|---|---|---|---|---|")
    for half in HALVES:
        precision, recall, _ = score(half)
        passed &= precision >= LEAST_PRECISION and recall >= LEAST_RECALL
        with_codes = sum(bool(ids) for ids, _ in rows(half))
        print(f"| {half} | {with_codes} | {len(rows(half)) - with_codes} | {precision:.1%} | {recall:.1%} |")

    base, least = min(run("--version") for _ in range(5))
    print(f"\n`voicediag --version`: {base:.2f} s, {least:.0f} MiB\n")
    print("| log | " + " | ".join(f"{size} MB: s | MB/s | MiB" for size in options.megabytes) + " |")
    print("|---" * (1 + 3 * len(options.megabytes)) + "|")
    makers = {**ORDINARY, **ODD}
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            cells, peaks = [], []
            for size in options.megabytes:
                path = Path(folder) / "log"
                makers[kind](path, size * 1_000_000)
                taken, peak = min(run("explain", "--file", str(path), "--json") for _ in range(3))
                path.unlink()
                peaks.append(peak)
                cells.append(f"{taken:.2f} | {size / taken:.0f} | {peak:.0f}")
                passed &= kind not in ORDINARY or taken < SECONDS_A_100_MB * max(1.0, size / 100)
            passed &= max(peaks) - min(peaks) < GROWTH_MIB
            print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
