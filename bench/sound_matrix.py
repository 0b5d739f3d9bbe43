"""The confusion matrix of the microphone test: which findings come of recordings whose faults are known.

`python bench/sound_matrix.py` takes about three minutes and needs espeak-ng. It writes the sound part of
docs/accuracy.md and ends with 1 where something was not met. The recordings are those of tests/audio/recordings.py: the
first family was used to set limits, the second never was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import soundfile

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.audio.recordings import FAULTS, FIRST, SECOND, Family, Made, faulty, healthy

from voicediag.audio.mic import measure
from voicediag.judge.audio import judge_mic
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest

DOCUMENT = Path(__file__).parent.parent / "docs" / "accuracy.md"
BEGIN, END = "<!-- sound: written by bench/sound_matrix.py -->", "<!-- end of sound -->"
RECALL, FALSE_ALARMS = 0.95, 0.02
FAULTY, HEALTHY = 24, 60
SHORT = {finding: finding.removeprefix("mic.") for finding in FAULTS}


class Seen(NamedTuple):
    """What came of one recording."""

    name: str
    fault: str
    severity: str
    found: tuple[str, ...]
    beside: tuple[str, ...]


def findings(made: Made) -> tuple[str, ...]:
    """The findings of a recording, by way of a 16-bit file."""
    with tempfile.TemporaryDirectory(prefix="matrix-") as directory:
        path = str(Path(directory) / "made.wav")
        soundfile.write(path, made.samples, made.rate_hz, subtype="PCM_16")
        request = MicTestRequest(file=path)
        return tuple(finding.id for finding in judge_mic(request, measure(request, Control())))


def seen(family: Family, fault: str, count: int) -> list[Seen]:
    """What came of all recordings with one fault; "" for the healthy ones."""
    made = faulty(family, fault, count) if fault else healthy(family, count)
    return [Seen(each.name, each.fault, each.severity, findings(each), each.beside) for each in made]


def _job(job: tuple[str, str]) -> list[Seen]:
    family = {"first": FIRST, "second": SECOND}[job[0]]
    return seen(family, job[1], FAULTY if job[1] else HEALTHY)


def share(found: int, of: int) -> str:
    """So many of so many."""
    return f"{found}/{of}"


def table(name: str, rows: list[Seen], failures: list[str]) -> list[str]:
    """The matrix of a family as Markdown: a line a fault, a column a finding."""
    columns = [*FAULTS]
    out = [
        "| recordings | clear | slight | not expected | " + " | ".join(SHORT[finding] for finding in columns) + " |",
        "|---" * (4 + len(columns)) + "|",
    ]
    for fault in (*FAULTS, ""):
        of_fault = [row for row in rows if row.fault == fault]
        counts = Counter(finding for row in of_fault for finding in set(row.found))
        wrong = [row for row in of_fault if set(row.found) - {fault} - set(row.beside)]
        cells = []
        for severity in ("clear", "slight"):
            some = [row for row in of_fault if row.severity == severity]
            hits = sum(fault in row.found for row in some)
            cells.append(share(hits, len(some)) if fault else "")
            if fault and severity == "clear" and hits < RECALL * len(some):
                failures.append(f"{name} family: {fault} found in {share(hits, len(some))} clear recordings")
        if not fault and len(wrong) > FALSE_ALARMS * len(of_fault):
            failures.append(f"{name} family: {share(len(wrong), len(of_fault))} healthy recordings have a finding")
        label = SHORT[fault] if fault else f"healthy ({len(of_fault)})"
        cells.append(share(len(wrong), len(of_fault)))
        cells += [str(counts[finding] or "·") for finding in columns]
        out.append(f"| {label} | " + " | ".join(cells) + " |")
    return out


def written(parts: list[str]) -> None:
    """Put the parts between the marks of the document; all else stays."""
    text = "\n".join([BEGIN, *parts, END])
    old = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else "# How often the findings are right\n"
    if BEGIN in old and END in old:
        head, _, rest = old.partition(BEGIN)
        new = head + text + rest.partition(END)[2]
    else:
        new = f"{old.rstrip()}\n\n{text}\n"
    DOCUMENT.write_text(new, encoding="utf-8")


HEAD = f"""
## Sound

Synthesised recordings of 12 s at 8 to 48 kHz: espeak-ng voices of six kinds a family, female and male, in several
languages, every second one in a synthesised room, with noise. Of each fault {FAULTY}, two thirds of them clear and
one third slight (near the limit, some on its other side); {HEALTHY} healthy ones, quiet and loud, with long pauses,
low music, one and two channels. The second family has other voices, noises, rooms and shapes of faults. It was written
before any limit was set; nothing was tuned on it. `mic.overflow` comes of PortAudio's report alone and is tested from
data.

*clear*, *slight*: where the finding was raised. *Not expected*: recordings with a finding that is neither the fault
nor true beside it (who is too loud also clips). The further columns count every finding. Asked for: {RECALL:.0%} of
the clear ones, at most {FALSE_ALARMS:.0%} of the healthy ones with any finding. All of it is synthesised: real voices,
rooms and devices are not in it.
"""


def main() -> int:
    """Write the document, print what was not met; 1 where something was not."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--family", choices=("first", "second"), help="print this family only, write nothing")
    options.add_argument("--wrong", action="store_true", help="name every recording that was judged wrong")
    chosen = options.parse_args()
    names = [chosen.family] if chosen.family else ["first", "second"]
    failures: list[str] = []
    with ProcessPoolExecutor(2) as pool:
        jobs = [(name, fault) for name in names for fault in (*FAULTS, "")]
        results = list(zip(jobs, pool.map(_job, jobs), strict=True))
    parts = [HEAD.strip("\n")]
    for name in names:
        rows = [row for (family, _), part in results if family == name for row in part]
        parts += ["", f"### The {name} family", "", *table(name, rows, failures)]
        for row in rows:
            if chosen.wrong and (set(row.found) - set(row.beside) != ({row.fault} - {""})):
                print(f"{row.name}, {row.severity}: {', '.join(row.found)}", file=sys.stderr)
    if chosen.family:
        print("\n".join(parts))
    else:
        written(parts)
    for failure in failures:
        print(f"NOT MET: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
