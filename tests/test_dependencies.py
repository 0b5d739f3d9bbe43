"""docs/dependencies.md says why for each library that pyproject.toml names, and nothing about others."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def rows(heading: str) -> list[list[str]]:
    """The cells of each line of the table under a heading."""
    section = DOCUMENT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "][
        1:
    ]


def test_each_library_and_its_oldest_release() -> None:
    documented = {
        match[1] + ">=" + match[2]
        for row in rows("At run time")
        if (match := re.fullmatch(r"\[(\S+)\]\(\S+\) ≥ ([\d.]+)", row[0]))
    }
    assert documented == set(PROJECT["project"]["dependencies"])


def test_each_tool() -> None:
    documented = {match[1] for row in rows("To develop") if (match := re.match(r"\[(\S+)\]\(https://pypi", row[0]))}
    needed = PROJECT["dependency-groups"]["dev"] + PROJECT["build-system"]["requires"]
    assert documented == {re.split(r"[<>=~]", requirement)[0] for requirement in needed}


def test_every_cell_is_filled() -> None:
    for row in rows("At run time") + rows("To develop"):
        assert all(row), row
