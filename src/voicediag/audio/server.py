"""What the sound server knows and PortAudio cannot: which source a stream really sits on, and whether that is muted.

PulseAudio, and PipeWire through its PulseAudio side, are asked by `pactl`. Where there is none, every answer is None.
"""

from __future__ import annotations

import json
import os
import re
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


_PROFILES = ("bluetooth.protocol", "api.bluez5.profile", "device.profile.name")


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


class ServerDevice(NamedTuple):
    """A source or a sink of the sound server."""

    kind: Direction
    name: str
    description: str
    channels: int
    rate_hz: int
    muted: bool
    is_monitor: bool
    is_hardware: bool
    is_hands_free: bool
    is_plugged: bool
    """False where the active port says that nothing is plugged in."""
    card: tuple[str, str] | None
    """ALSA's numbers of card and device."""


class ServerState(NamedTuple):
    """What the sound server has."""

    software: str
    devices: tuple[ServerDevice, ...]
    defaults: dict[Direction, str | None]


def ask_server() -> ServerState | None:
    """Return the sound server's devices and defaults; None where there is no server or it does not answer."""
    try:
        info = json.loads(_pactl("-f", "json", "info"))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if not isinstance(info, dict):
        return None
    found: list[ServerDevice] = []
    for kind, (_, _, listed) in _LISTS.items():
        found += [device for entry in _listed(listed) if (device := read_device(kind, entry)) is not None]
    pipewire = "pipewire" in str(info.get("server_name")).casefold()
    defaults: dict[Direction, str | None] = {
        "input": _text(info.get("default_source_name")),
        "output": _text(info.get("default_sink_name")),
    }
    return ServerState("PipeWire" if pipewire else "PulseAudio", tuple(found), defaults)


def read_device(kind: Direction, entry: dict[str, Any]) -> ServerDevice | None:
    """Read one entry of `pactl -f json list sources` or `sinks`; None where it has no name."""
    name = _text(entry.get("name"))
    if name is None:
        return None
    raw = entry.get("properties")
    properties: dict[str, Any] = raw if isinstance(raw, dict) else {}
    # "s16le 2ch 48000Hz"
    specification = re.fullmatch(r"\S+ (\d{1,3})ch (\d{1,7})Hz", str(entry.get("sample_specification")))
    profile = " ".join(str(properties.get(key, "")) for key in _PROFILES).casefold()
    card, number = _text(properties.get("alsa.card")), _text(properties.get("alsa.device"))
    ports = entry.get("ports")
    active = [
        port
        for port in (ports if isinstance(ports, list) else [])
        if isinstance(port, dict) and port.get("name") == entry.get("active_port")
    ]
    flags = entry.get("flags")
    return ServerDevice(
        kind=kind,
        name=name,
        description=_text(entry.get("description")) or name,
        channels=int(specification[1]) if specification else 0,
        rate_hz=int(specification[2]) if specification else 0,
        muted=entry.get("mute") is True,
        is_monitor=bool(_text(entry.get("monitor_source"))) if kind == "input" else False,
        is_hardware="HARDWARE" in flags if isinstance(flags, list) else True,
        is_hands_free=any(word in profile for word in ("headset", "handsfree", "hands_free", "hfp", "hsp")),
        is_plugged=not any(port.get("availability") == "not available" for port in active),
        card=None if card is None or number is None else (card, number),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


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
