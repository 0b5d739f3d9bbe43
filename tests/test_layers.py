"""The house: which room may know which (docs/architecture.md). Imports inside functions count."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "voicediag"
MEASURING = {"audio", "network", "account", "host", "reflector"}
MAY_KNOW: dict[str, set[str]] = {
    "model": set(),
    "wire": set(),
    "knowledge": {"model"},
    "audio": {"model"},
    "host": {"model"},
    "account": {"model"},
    "network": {"wire", "model"},
    "reflector": {"wire", "model"},
    "judge": {"model"},
    "checks": MEASURING | {"judge", "model"},
    "report": {"knowledge", "model"},
    "cli": {"checks", "report", "judge", "knowledge", "model", "wire"} | MEASURING,
    "__main__": {"cli"},
    "__init__": set(),
}
# Outside libraries that only some rooms may know.
ONLY_IN: dict[str, set[str]] = {
    "click": {"cli/"},
    "rich": {"cli/", "report/terminal.py"},
    "sounddevice": {"audio/"},
    "soundfile": {"audio/"},
    "twilio": {"account/"},
    "aioice": {"wire/", "network/"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module name that `path` imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def our_rooms(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("voicediag.")} - {"__version__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_knows_only_the_rooms_below_it(path: Path) -> None:
    room = room_of(path)
    assert room in MAY_KNOW, f"{room} is no room of the house"
    unknown = our_rooms(imported(path)) - MAY_KNOW[room] - {room}
    assert not unknown, f"{path.relative_to(PACKAGE)} must not import {sorted(unknown)}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_outside_libraries_stay_in_their_rooms(path: Path) -> None:
    relative = path.relative_to(PACKAGE).as_posix()
    for name in imported(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        assert allowed is None or any(relative.startswith(place) for place in allowed), f"{relative} imports {name}"


def test_the_table_has_no_circle() -> None:
    done: set[str] = set()

    def visit(room: str, above: tuple[str, ...]) -> None:
        assert room not in above, " → ".join((*above, room))
        if room not in done:
            for below in MAY_KNOW[room]:
                visit(below, (*above, room))
            done.add(room)

    for room in MAY_KNOW:
        visit(room, ())
