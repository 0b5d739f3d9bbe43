"""Makes docs/codes.md, the list of all that `explain` knows. `--check` writes nothing and fails where it is stale."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from voicediag.knowledge import store
from voicediag.knowledge.entry import Entry

PAGE = Path(__file__).parent.parent / "docs" / "codes.md"
HEAD = """# Everything that `voicediag explain` knows

Made by `python scripts/codes.py`; do not edit. `voicediag explain NAME` shows a line's entry. Deep entries also say
how to prevent it, when to get help, and which command proves it; adjacent ones are codes of neighboring products.
"""
KINDS = {
    "symptom": "Symptoms",
    "finding": "Findings of this tool",
    "warning": "Warnings of the Voice SDKs and of RTC Diagnostics",
    "class": "Classes of the SDKs",
    "exception": "Exceptions of browsers",
    "sip": "SIP and HTTP statuses",
    "portaudio": "Errors of PortAudio",
    "tag": "Tags of Voice Insights",
}


def family(entry: Entry) -> str:
    """Return the title of the family that a code belongs to: that of the longest prefix."""
    fits = [each for each in store.names().families if entry.id.startswith(each.prefix)]
    best = max(fits, key=lambda each: len(each.prefix))
    return f"{best.prefix + 'x' * (5 - len(best.prefix))}: {best.title}"


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def page() -> str:
    """Return the whole page."""
    sections: dict[str, list[Entry]] = defaultdict(list)
    for entry in store.everything():
        sections[family(entry) if entry.kind == "code" else KINDS[entry.kind]].append(entry)
    parts = [HEAD]
    for title in sorted(sections, key=lambda title: (title in KINDS.values(), title)):
        rows = sorted(sections[title], key=lambda entry: entry.id)
        lines = [f"## {cell(title)}", "", "| name | title | depth | readings |", "|---|---|---|---|"]
        lines += [f"| {row.id} | {cell(row.title)} | {row.tier} | {len(row.readings)} |" for row in rows]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the page, or check it."""
    made = page()
    if "--check" in arguments:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print("docs/codes.md is stale: run python scripts/codes.py")
            return 1
        return 0
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
