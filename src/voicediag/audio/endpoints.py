"""PortAudio's entries and the sound server's devices → one endpoint a physical device and direction. No I/O.

How an entry finds its endpoint, in this order:

- Names that are equal but for case, the n-th of a host API with the n-th of the others.
- MME's names end after 31 characters: the one that another API's name begins with.
- ALSA's `(hw:C,D)`: the sound server's device of that card.
- Ways to the default (MME's and DirectSound's first entry, ALSA's `default` and `pulse`) belong to the default.
- WDM-KS names a driver's pins and no endpoints: what fits none of WASAPI's is not a device that a browser has.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from voicediag.audio.server import Direction, ServerDevice, ServerState
from voicediag.model.results.audio import Device, DevicesResult, Endpoint

KINDS: tuple[Direction, Direction] = ("input", "output")
_MME_LONGEST = 31
# Which entry of an endpoint to use: the one nearest to what a browser opens.
_ORDER = (
    "Windows WASAPI",
    "Core Audio",
    "PulseAudio",
    "ALSA",
    "Windows DirectSound",
    "JACK Audio Connection Kit",
    "MME",
)
_ALSA_ROUTES = re.compile(
    r"(default|sysdefault|pulse|pipewire|jack|oss|null|dmix|dsnoop|front|rear|side|center_lfe|iec958|spdif|hdmi|modem"
    r"|phoneline|usbstream|lavrate|samplerate|samplerate_best|speex|speexrate|upmix|vdownmix|surround\d\d)(:.*)?"
)
_TO_DEFAULT = {"default", "pulse", "pipewire"}
_HARDWARE = re.compile(r"\(hw:(\d+),(\d+)\)\s*$")
# WDM-KS gives some Bluetooth names unresolved: "Headset (@System32\drivers\bthhfenum.sys,#2;%1 Hands-Free%0 ;(X))".
_UNRESOLVED = re.compile(r"@[^;]*;%1 ?([^%]*)%0\s*;\((.*?)\)")
_HANDS_FREE = re.compile(r"hands[- ]?free|\bHFP\b|\bHSP\b|\bAG Audio\b", re.IGNORECASE)
_MONITOR = re.compile(
    r"^monitor of |\bstereo ?mix\b|\bstereomix\b|what u hear|\bwave out mix\b|\[loopback\]", re.IGNORECASE
)
_VIRTUAL = re.compile(
    r"\bvirtual\b|VB-Audio|\bCABLE (in|out)put\b|voicemeeter|blackhole|soundflower|loopback audio|steam streaming"
    r"|nvidia broadcast|\bkrisp\b|zoomaudiodevice|microsoft teams audio|aggregate device|multi-output device"
    r"|\bnull output\b",
    re.IGNORECASE,
)


@dataclass
class _Found:
    """An endpoint while it is put together."""

    name: str
    key: str
    entries: list[Device] = field(default_factory=list)
    server: ServerDevice | None = None

    def has(self, api: str) -> bool:
        return any(entry.host_api == api for entry in self.entries)


def full_name(name: str) -> str:
    """Return `name` with what Windows leaves unresolved in it put into words."""
    return _UNRESOLVED.sub(lambda match: f"{match[2]} {match[1]}".strip(), name).strip()


def group(
    devices: DevicesResult,
    server: ServerState | None = None,
    api_defaults: dict[str, tuple[int, int]] | None = None,
    communications: dict[Direction, str | None] | None = None,
) -> tuple[Endpoint, ...]:
    """Return the endpoints, inputs first, in the server's or PortAudio's order.

    `api_defaults`: each host API's own default input and output, −1 for none. `communications`: the names of the
    system's communications defaults, where it has such.
    """
    endpoints: list[Endpoint] = []
    for side, kind in enumerate(KINDS):
        entries = [entry for entry in devices.devices if channels(entry, kind)]
        endpoints += _group_kind(
            kind,
            entries,
            server,
            devices.default_input if kind == "input" else devices.default_output,
            (api_defaults or {}).get("Windows WASAPI", (-1, -1))[side],
            (communications or {}).get(kind),
        )
    return tuple(endpoints)


def channels(entry: Device, kind: Direction) -> int:
    """Return how many channels of that direction an entry has."""
    return entry.inputs if kind == "input" else entry.outputs


def _rank(entry: Device) -> int:
    return _ORDER.index(entry.host_api) if entry.host_api in _ORDER else len(_ORDER)


def _group_kind(
    kind: Direction,
    entries: list[Device],
    server: ServerState | None,
    default: int | None,
    wasapi_default: int,
    communications: str | None,
) -> list[Endpoint]:
    found: list[_Found] = []
    if server is not None:
        found += [
            _Found(device.description, device.description.casefold(), server=device)
            for device in server.devices
            if device.kind == kind
        ]
    mappers = _mappers(entries)
    routes: list[Device] = []
    for entry in sorted(entries, key=_rank):
        if entry.index in mappers or (entry.host_api == "ALSA" and _ALSA_ROUTES.fullmatch(entry.name)):
            routes.append(entry)
            continue
        home = _home(entry, found)
        if home is None:
            if entry.host_api == "Windows WDM-KS" and any(other.has("Windows WASAPI") for other in found):
                continue
            name = full_name(entry.name)
            home = _Found(name, name.casefold())
            found.append(home)
        home.entries.append(entry)
    chosen = _default(found, server.defaults[kind] if server else None, (wasapi_default, default))
    for entry in sorted(routes, key=lambda entry: entry.index != default):
        to_default = entry.index in mappers or entry.name in _TO_DEFAULT
        if chosen is not None and to_default:
            chosen.entries.append(entry)
        elif chosen is None and (entry.index == default or not found):
            # Nobody can tell where it leads: then it is a line of its own.
            chosen = _Found(entry.name, entry.name.casefold(), [entry])
            found.append(chosen)
    return [_endpoint(kind, each, each is chosen, communications, server) for each in found]


def _mappers(entries: list[Device]) -> set[int]:
    """Return the entries of MME and DirectSound that stand for the default.

    PortAudio puts them first, whatever they are called in the system's language; a name of WASAPI's is a device.
    """
    real = [full_name(entry.name).casefold() for entry in entries if entry.host_api == "Windows WASAPI"]
    mappers: set[int] = set()
    for api in ("MME", "Windows DirectSound"):
        first = next((entry for entry in entries if entry.host_api == api), None)
        if first is not None and real and not any(name.startswith(first.name.strip().casefold()) for name in real):
            mappers.add(first.index)
    return mappers


def _home(entry: Device, found: list[_Found]) -> _Found | None:
    if entry.host_api == "ALSA" and (hardware := _HARDWARE.search(entry.name)):
        for each in found:
            device = each.server
            if device is not None and not device.is_monitor and device.card == (hardware[1], hardware[2]):
                return each
    key = full_name(entry.name).casefold()
    free = [each for each in found if not each.has(entry.host_api)]
    for each in free:
        if each.key == key:
            return each
    # Where several fit, nobody can tell which: the first that has none yet.
    if entry.host_api == "MME" and len(entry.name) >= _MME_LONGEST - 1:
        for each in free:
            if each.key.startswith(key):
                return each
    return None


def _default(found: list[_Found], server_name: str | None, indices: tuple[int, int | None]) -> _Found | None:
    if server_name is not None:
        return next((each for each in found if each.server is not None and each.server.name == server_name), None)
    for index in indices:
        for each in found:
            if any(entry.index == index for entry in each.entries):
                return each
    return None


def _endpoint(
    kind: Direction, found: _Found, is_default: bool, communications: str | None, server: ServerState | None
) -> Endpoint:
    device = found.server
    apis = [entry.host_api for entry in found.entries]
    if device is not None and server is not None:
        apis.insert(0, server.software)
    first = found.entries[0] if found.entries else None
    low = high = None
    if first is not None:
        low, high = (
            (first.input_latency_low_ms, first.input_latency_high_ms)
            if kind == "input"
            else (first.output_latency_low_ms, first.output_latency_high_ms)
        )
    rate_hz = float(device.rate_hz) if device is not None else first.default_rate_hz if first is not None else 0.0
    is_monitor = bool(device and device.is_monitor) or (kind == "input" and bool(_MONITOR.search(found.name)))
    return Endpoint(
        kind=kind,
        name=found.name,
        host_apis=tuple(dict.fromkeys(apis)),
        indices=tuple(entry.index for entry in found.entries),
        server_name=device.name if device is not None else None,
        channels=device.channels if device is not None else channels(first, kind) if first is not None else 0,
        default_rate_hz=rate_hz,
        latency_low_ms=low,
        latency_high_ms=high,
        is_default=is_default,
        is_communications=None if communications is None else found.key == communications.strip().casefold(),
        is_hands_free=bool(device and device.is_hands_free) or bool(_HANDS_FREE.search(found.name)),
        is_virtual=(device is not None and not device.is_hardware and not is_monitor)
        or bool(_VIRTUAL.search(found.name)),
        is_monitor=is_monitor,
        muted=device.muted if device is not None else None,
        failure="absent" if device is not None and not device.is_plugged else None,
        failure_detail="nothing is plugged in" if device is not None and not device.is_plugged else None,
    )


def is_hardware_entry(entry: Device) -> bool:
    """Tell whether an entry opens the card itself, past any sound server."""
    return entry.host_api == "ALSA" and _HARDWARE.search(entry.name) is not None


def keyed(endpoints: tuple[Endpoint, ...]) -> dict[tuple[str, str, int], Endpoint]:
    """Return the endpoints by what stays the same from one list to the next."""
    seen: Counter[tuple[str, str]] = Counter()
    result: dict[tuple[str, str, int], Endpoint] = {}
    for endpoint in endpoints:
        identity = (endpoint.kind, endpoint.server_name or endpoint.name)
        result[(*identity, seen[identity])] = endpoint
        seen[identity] += 1
    return result
