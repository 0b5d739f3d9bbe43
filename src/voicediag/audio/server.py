"""What the sound server knows and PortAudio cannot: which source a stream really sits on, and whether that is muted.

PulseAudio, and PipeWire through its PulseAudio side, are asked by `pactl`. Where there is none, every answer is None.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any, Literal, NamedTuple

from voicediag.model.text import visible

FROZEN_S = 3.0
"""No answer for that long, and the server is taken for frozen."""
_ANSWER_S = 1.0
Direction = Literal["input", "output"]
_LISTS: dict[Direction, tuple[str, str, str]] = {
    "input": ("source-outputs", "source", "sources"),
    "output": ("sink-inputs", "sink", "sinks"),
}


class Route(NamedTuple):
    """The server's device that this process's stream sits on, by the server's own number."""

    number: int
    name: str
    description: str
    muted: bool

    def moved_to(self, other: Route) -> str | None:
        """Return in words that `other` is another device; None where it is the same."""
        if self.number == other.number:
            return None
        own, new = (self.description, other.description)
        if own == new:
            own, new = (self.name, other.name)
        return f"the sound server moved the stream from '{visible(own, 80)}' to '{visible(new, 80)}'"


def is_frozen() -> bool:
    """Tell whether there is a sound server that takes connections and does not answer: PortAudio would wait for it."""
    try:
        _pactl("info", timeout_s=FROZEN_S)
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
    return False


def route(direction: Direction) -> Route | None:
    """Return where this process's first stream of that direction sits; None where that cannot be told."""
    streams, key, devices = _LISTS[direction]
    own = str(os.getpid())
    for stream in _listed(streams):
        properties = stream.get("properties")
        if isinstance(properties, dict) and properties.get("application.process.id") == own:
            index = stream.get(key)
            for device in _listed(devices):
                if device.get("index") == index:
                    name = str(device.get("name"))
                    description = str(device.get("description") or name)
                    return Route(int(device["index"]), name, description, device.get("mute") is True)
    return None


def _listed(kind: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(_pactl("-f", "json", "list", kind))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _pactl(*arguments: str, timeout_s: float = _ANSWER_S) -> str:
    program = shutil.which("pactl")
    if program is None:
        raise FileNotFoundError("pactl")
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=timeout_s,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")
