"""How well `voicediag explain` finds what people ask in words, and how long the whole process takes.

Run: .venv/bin/python bench/search.py [--failures] [--held-out] [--time ROUNDS]

The questions are those of tests/knowledge/questions.toml. Of the half that the search was tuned on, `--failures` lists
what goes wrong; of the held-out half only the figures are printed, and that with `--held-out`: whoever reads its
failures has tuned on it. The exit code is 1 where a figure of the held-out half, or the time, misses its mark.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import startup

from voicediag.knowledge import lookup

QUESTIONS = Path(__file__).parents[1] / "tests" / "knowledge" / "questions.toml"
FIRST, WITHIN_THREE, REJECTED = 0.85, 0.95, 0.95
MOST_TIME = 10.0
TIMED = (
    "the customer hears herself with a delay",
    "sound of the cal keeps cuting off on wifi",
    "callers sound robotic",
)


class Figures(NamedTuple):
    """How many questions of a half were answered how well."""

    known: int
    first: int
    within_three: int
    nonsense: int
    rejected: int


def answered(question: str) -> list[frozenset[str]]:
    """Return the answers in their order, each as the names that it goes by in `want`."""
    names = []
    for match in lookup.explain([question]).matches:
        own = (
            {str(match.name), str(match.name).rpartition(".")[2]}
            if match.kind in ("code", "class")
            else {str(match.name)}
        )
        if match.kind in ("code", "portaudio"):
            own.add(str(match.code))
        names.append(frozenset(name.lower().replace("_", "-").replace(" ", "-") for name in own))
    return names


def place(question: str, want: list[str]) -> int | None:
    """Return where the first right answer stands, from 0; None where there is none."""
    right = {name.lower().replace("_", "-").replace(" ", "-") for name in want}
    return next((index for index, names in enumerate(answered(question)) if names & right), None)


def figures(questions: list[dict[str, object]], is_told: bool) -> Figures:
    """Return the figures of `questions`, and print what fails where `is_told`."""
    known = first = within_three = nonsense = rejected = 0
    for row in questions:
        ask, want = str(row["ask"]), [str(name) for name in row["want"]]  # type: ignore[attr-defined]
        if want:
            found = place(ask, want)
            known += 1
            first += found == 0
            within_three += found is not None and found < 3
            is_right = found == 0
        else:
            is_right = not answered(ask)
            nonsense += 1
            rejected += is_right
        if is_told and not is_right:
            seen = [(match.score, match.code or match.name) for match in lookup.explain([ask]).matches]
            print(f"{ask[:110]!r}\n    want {want}, found {seen}")
    return Figures(known, first, within_three, nonsense, rejected)


def timed(rounds: int) -> bool:
    """Print the whole process's time as a ratio to `python -c pass`; return whether it keeps its mark."""
    script = str(Path(sys.executable).with_name("voicediag"))
    kept = True
    for words in TIMED:
        nothing, taken = [], []
        for _ in range(rounds):
            nothing.append(startup.milliseconds([sys.executable, "-c", "pass"]))
            taken.append(startup.milliseconds([script, "explain", words]))
        ratio = statistics.median(taken) / statistics.median(nothing)
        kept &= ratio <= MOST_TIME
        print(f'| `explain "{words}"` | {statistics.median(taken):.1f} ms | {ratio:.1f} |')
    return kept


def main() -> int:
    """Print the figures as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failures", action="store_true", help="list what fails of the half that was tuned on")
    parser.add_argument("--held-out", action="store_true", help="give the figures of the held-out half too")
    parser.add_argument("--time", type=int, metavar="ROUNDS", help="measure whole processes as well")
    arguments = parser.parse_args()

    questions = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))["question"]
    kept = True
    print("| half | right entry first | within three | nonsense rejected |\n|---|---|---|---|")
    for half in ("tune", "held-out") if arguments.held_out else ("tune",):
        seen = figures([row for row in questions if row["half"] == half], is_told=arguments.failures and half == "tune")
        shares = seen.first / seen.known, seen.within_three / seen.known, seen.rejected / seen.nonsense
        print(
            f"| {half} | {seen.first}/{seen.known} = {shares[0]:.1%} | {seen.within_three}/{seen.known} ="
            f" {shares[1]:.1%} | {seen.rejected}/{seen.nonsense} = {shares[2]:.1%} |"
        )
        if half == "held-out":
            kept = all(share >= mark for share, mark in zip(shares, (FIRST, WITHIN_THREE, REJECTED), strict=True))
    if arguments.time:
        kept &= timed(arguments.time)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
