"""Makes docs/seeds.md: which command, finding, entry and test serves each point of the digests under seeds/.

`python scripts/seeds.py` writes it; `--check` writes nothing, and fails where it is stale, where a point is served by
nothing, or where a marker names a point that does not exist.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from voicediag.knowledge import build

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "seeds.md"
POINT = re.compile(r"^- \*\*(\d{3}-\d{2})\*\* (.+)$", re.MULTILINE)
MARKED = re.compile(r"# seed: ([\d, -]+)")
QUOTED = re.compile(r"[\"'](\d{3}-\d{2})[\"']")

HEAD = """# What serves the user's documents

Made by `python scripts/seeds.py`; do not edit. The points are those of the digests in [seeds/](../seeds/README.md).
Commands are those that the entries name to confirm; tests are those that bear the point's number.
"""


def points() -> dict[str, dict[str, str]]:
    """Return the points of each digest, by its file's name."""
    digests = sorted((ROOT / "seeds").glob("[0-9]*.md"))
    return {digest.name: dict(sorted(POINT.findall(digest.read_text(encoding="utf-8")))) for digest in digests}


def marked_in(paths: Iterable[Path]) -> dict[str, set[str]]:
    """Return which of the files bear each point's number."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        numbers = {number.strip() for line in MARKED.findall(text) for number in line.split(",")}
        for number in numbers | set(QUOTED.findall(text)):
            found[number].add(path.relative_to(ROOT).as_posix())
    return found


def served() -> tuple[dict[str, dict[str, set[str]]], set[str]]:
    """Return what serves each point, by column; and every number that is named anywhere."""
    columns: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    named: set[str] = set()
    for _, draft in build.read(build.entry_files()).drafts:
        for number in draft.serves:
            named.add(number)
            columns[number]["findings" if draft.kind == "finding" else "entries"].add(draft.id)
            columns[number]["commands"] |= {command.split()[1] for command in draft.confirm}
    for column, folder in (("tests", "tests"), ("code", "src")):
        for number, files in marked_in(sorted((ROOT / folder).rglob("*.py"))).items():
            named.add(number)
            columns[number][column] |= files
    return columns, named


def page(digests: dict[str, dict[str, str]], columns: dict[str, dict[str, set[str]]]) -> str:
    """Return the page."""
    lines = [HEAD]
    for digest, texts in digests.items():
        lines += [
            f"## [{digest}](../seeds/{digest})",
            "",
            "| point | what | commands | findings | entries | tests and code |",
        ]
        lines.append("|---|---|---|---|---|---|")
        for number, text in texts.items():
            cells = columns[number]
            what = text.replace("|", "\\|").replace("<", "&lt;")
            rest = [cells["commands"], cells["findings"], cells["entries"], cells["tests"] | cells["code"]]
            lines.append(f"| {number} | {what} | {' | '.join(', '.join(sorted(cell)) for cell in rest)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Run. Returns the exit code."""
    digests = points()
    columns, named = served()
    known = {number for texts in digests.values() for number in texts}
    problems = [f"{number} is served by no entry" for number in sorted(known) if not columns[number]["entries"]]
    problems += [f"{number} is tested by nothing" for number in sorted(known) if not columns[number]["tests"]]
    problems += [f"{number} is named, and is no point of a digest" for number in sorted(named - known)]
    text = page(digests, columns)
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        problems.append("docs/seeds.md is stale: run python scripts/seeds.py")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
