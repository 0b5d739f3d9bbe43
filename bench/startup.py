"""How long `voicediag` takes to start and end, as a ratio to `python -c pass` of the same environment.

Run: .venv/bin/python bench/startup.py [--rounds N]

Each round runs every command once and `python -c pass` right before it, so that a change of the machine's speed meets
both. Printed: medians, quartiles, and the ratio of medians. Ratios carry over to other machines; milliseconds do not.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

# Command line → most it may cost, as a ratio; None where nothing is demanded.
COMMANDS: dict[str, float | None] = {"--version": 5.5, "explain 31403": 7.0, "--help": None, "devices --help": None}


def milliseconds(command: list[str]) -> float:
    """Wall time of one whole process, its output thrown away."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    taken = (time.perf_counter() - begin) * 1000
    assert done.returncode == 0, (command, done.stderr)
    return taken


def main() -> int:
    """Measure, print a Markdown table, and exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    rounds: int = parser.parse_args().rounds

    # The environment's own interpreter and script: a version manager's shim would be measured with them.
    python = sys.executable
    script = str(Path(python).with_name("voicediag"))
    commands = {words: [script, *words.split()] for words in COMMANDS}
    for command in commands.values():
        milliseconds(command)  # bytecode and disk cache

    nothing: list[float] = []
    taken: dict[str, list[float]] = {words: [] for words in commands}
    for _ in range(rounds):
        for words, command in commands.items():
            nothing.append(milliseconds([python, "-c", "pass"]))
            taken[words].append(milliseconds(command))

    base = statistics.median(nothing)
    print(f"Python {sys.version.split()[0]}, {rounds} rounds; `python -c pass`: {base:.1f} ms\n")
    print("| command | median ms | quartiles ms | ratio | at most |")
    print("|---|---|---|---|---|")
    passed = True
    for words, times in taken.items():
        low, median, high = statistics.quantiles(times, n=4)
        ratio, most = median / base, COMMANDS[words]
        passed &= most is None or ratio <= most
        limit = "" if most is None else f"{most}"
        print(f"| `voicediag {words}` | {median:.1f} | {low:.1f}–{high:.1f} | {ratio:.1f} | {limit} |")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
