"""Where Twilio is: the table of edges, and the targets that can be probed.

The packaged table is `edges.toml`; `--edges-file` replaces it by a file of the same form. Cheap to import, since the
command line uses it for its usage errors and for completion.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from voicediag.model.request import Target
from voicediag.model.text import has_hostile, visible

DEFAULT_PORT = 3478
"""STUN over UDP (RFC 8489 section 12.1)."""

# A table holds a few dozen edges; a file beyond this is something else.
_MAX_FILE_BYTES = 1_000_000
# RFC 1035 section 2.3.4.
_MAX_HOST = 253
_MAX_NAME = 64

Port = Annotated[int, Meta(ge=1, le=65535)]
EdgeName = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=_MAX_NAME)]
Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:%-]+$", max_length=_MAX_HOST)]
Kind = Literal["public", "roaming", "interconnect", "turn-only"]


class EdgesError(ValueError):
    """What was asked names no target: an unknown edge, a target or a table that cannot be read. One line of text."""


class Endpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """A host name or a literal address, and a port."""

    host: Host
    port: Port = DEFAULT_PORT


class Edge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the table; None and () where no source names a value."""

    name: EdgeName
    kind: Kind = "public"
    location: str = ""
    legacy_region: str | None = None
    """The name that older SDKs use."""
    signalling: Endpoint | None = None
    """Where the JavaScript SDK's WebSocket goes."""
    mobile_signalling: Endpoint | None = None
    stun: Endpoint | None = None
    turn: Endpoint | None = None
    signalling_ranges: tuple[str, ...] = ()
    stun_turn_ranges: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Keys of the table's `sources`."""


class Media(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a call's media go."""

    ranges: tuple[str, ...]
    first_port: Port
    last_port: Port
    sources: tuple[str, ...] = ()


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every edge that is known, in the table's order."""

    edges: tuple[Edge, ...] = msgspec.field(name="edge")
    media: Media | None = None
    sources: dict[str, str] = {}


@cache
def packaged() -> Table:
    """Return the table that comes with the package."""
    return parse_table((Path(__file__).parent / "edges.toml").read_text(encoding="utf-8"), "edges.toml")


def load(path: str | None = None) -> Table:
    """Return the packaged table, or the one in the file at `path`.

    Raises `EdgesError` where the file cannot be read or does not hold a table; it names the line or the field.
    """
    if path is None:
        return packaged()
    shown = visible(path)
    data: bytes | None = None
    try:
        # Asked before it is opened: opening a pipe without a writer would never return.
        if stat.S_ISREG(Path(path).stat().st_mode):
            with Path(path).open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise EdgesError(f"cannot read the edges file {shown}: {what}") from None
    if data is None:
        raise EdgesError(f"cannot read the edges file {shown}: it is no regular file")
    if len(data) > _MAX_FILE_BYTES:
        raise EdgesError(f"{shown}: larger than {_MAX_FILE_BYTES} bytes, so no table of edges")
    try:
        text = data.decode("utf-8-sig")  # Notepad opens a file with a byte order mark
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EdgesError(f"{shown}: line {line} is not UTF-8") from None
    return parse_table(text, shown)


def parse_table(text: str, where: str) -> Table:
    """Return the table that the TOML in `text` holds.

    Raises `EdgesError`, its message opened by `where`, that names the line or the field at fault.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = f"line {text.rstrip().count(chr(10)) + 1}, the last"
        raise EdgesError(f"{where}: {visible(str(error).replace('end of document', last))}") from None
    except RecursionError:
        raise EdgesError(f"{where}: nested too deep") from None
    except ValueError:  # an integer of thousands of digits, a date that no calendar has
        raise EdgesError(f"{where}: a number or a date is out of range") from None
    try:
        table = msgspec.convert(raw, Table)
    except msgspec.ValidationError as error:
        raise EdgesError(f"{where}: {_explain(str(error), raw)}") from None
    except (RecursionError, OverflowError):
        raise EdgesError(f"{where}: nested too deep, or a number out of range") from None
    fault = _fault_in(table)
    if fault is not None:
        raise EdgesError(f"{where}: {fault}")
    return table


def _explain(message: str, raw: dict[str, object]) -> str:
    """Turn msgspec's "Expected `int`, got `str` - at `$.edge[1].stun.port`" into words that name the edge."""
    problem, _, path = message.partition(" - at ")
    field = path.strip("`").removeprefix("$").removeprefix(".")
    found = re.match(r"edge\[(\d+)\]\.?(.*)", field)
    if found is None:
        return visible(f"{field}: {problem}" if field else problem)
    index, rest = int(found[1]), found[2]
    edges = raw.get("edge")
    entry = edges[index] if isinstance(edges, list) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    label = f"edge {index + 1}" + (f" ({name!r})" if isinstance(name, str) and rest != "name" else "")
    return visible(f"{label}, {rest}: {problem}" if rest else f"{label}: {problem}")


def _fault_in(table: Table) -> str | None:
    """Return what types alone cannot say about a table, or None where it is sound."""
    if not table.edges:
        return "edge: the table is empty"
    names = [edge.name for edge in table.edges]
    for name in names:
        if names.count(name) > 1:
            return f"edge {name!r} appears {names.count(name)} times"
    if table.media is not None and table.media.first_port > table.media.last_port:
        return "media: first_port is above last_port"
    for edge in table.edges:
        for field in ("signalling", "mobile_signalling", "stun", "turn"):
            endpoint: Endpoint | None = getattr(edge, field)
            wrong = None if endpoint is None else _fault_of_host(endpoint.host)
            if wrong is not None:
                return f"edge {edge.name!r}, {field}.host: {wrong}"
        for field in ("signalling_ranges", "stun_turn_ranges"):
            for text in getattr(edge, field):
                if not _is_network(text):
                    return f"edge {edge.name!r}, {field}: {_quoted(text)} is no address range"
    for text in table.media.ranges if table.media is not None else ():
        if not _is_network(text):
            return f"media, ranges: {_quoted(text)} is no address range"
    return None


def _is_network(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def find(name: str, table: Table) -> Edge:
    """Return the edge called `name`, in any case. Raises `EdgesError` that names the nearest one."""
    wanted = name.strip().casefold()
    for edge in table.edges:
        if edge.name == wanted:
            return edge
    raise EdgesError(f"no edge {_quoted(name)}; {_nearest(wanted, table)}")


def _nearest(wanted: str, table: Table) -> str:
    for edge in table.edges:
        if edge.legacy_region == wanted:
            return f"{wanted} is the old name of {edge.name!r}"
    import difflib

    names = [edge.name for edge in table.edges]
    close = difflib.get_close_matches(wanted[:_MAX_NAME], names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def target_of(edge: Edge) -> Target:
    """Return what to probe at `edge`. Raises `EdgesError` where it has no STUN server."""
    if edge.stun is None:
        raise EdgesError(
            f"edge {edge.name!r} has no public STUN server, so its UDP path cannot be probed without a call"
        )
    return Target(name=edge.name, host=edge.stun.host, port=edge.stun.port, is_edge=True)


def public_targets(table: Table | None = None) -> tuple[Target, ...]:
    """Return the default targets: every public edge and `roaming`, in the table's order."""
    chosen = (table or packaged()).edges
    return tuple(target_of(edge) for edge in chosen if edge.kind in ("public", "roaming") and edge.stun is not None)


def choose(table: Table, edge_names: Sequence[str] = (), target_texts: Sequence[str] = ()) -> tuple[Target, ...]:
    """Return what to probe: the targets given, else the edges named, else every public edge and `roaming`.

    One that is named twice is probed once. Raises `EdgesError` for an unknown edge, a target that cannot be read, two
    different targets of one name, and a table without anything to probe.
    """
    if target_texts:
        return _distinct(parse_target(text) for text in target_texts)
    if edge_names:
        return _distinct(target_of(find(name, table)) for name in edge_names)
    chosen = public_targets(table)
    if not chosen:
        raise EdgesError("the table has no public edge with a STUN server")
    return chosen


def _distinct(targets: Iterable[Target]) -> tuple[Target, ...]:
    known: dict[str, Target] = {}
    for target in targets:
        if known.setdefault(target.name, target) != target:
            raise EdgesError(f"two different targets are called {target.name!r}")
    return tuple(known.values())


def parse_target(text: str) -> Target:
    """Return the target that NAME=HOST[:PORT] describes; an IPv6 address with a port stands in brackets.

    Raises `EdgesError` that says which part is wrong.
    """
    shown = _quoted(text)
    name, separator, place = text.partition("=")
    if not separator:
        raise EdgesError(f"target {shown} is not NAME=HOST[:PORT]")
    name, place = name.strip(), place.strip()
    if not name or len(name) > _MAX_NAME or has_hostile(name):
        raise EdgesError(f"target {shown}: the name must be 1 to {_MAX_NAME} printable characters")
    host, port_text = _split_place(place, shown)
    if port_text is not None and not (
        port_text.isascii() and port_text.isdecimal() and 1 <= int(port_text[:6]) <= 65535
    ):
        raise EdgesError(f"target {shown}: the port must be 1 to 65535")
    if not host:
        raise EdgesError(f"target {shown}: the host is missing")
    if len(host) > _MAX_HOST:
        raise EdgesError(f"target {shown}: the host has {len(host)} characters; a name has at most {_MAX_HOST}")
    wrong = _fault_of_host(host)
    if wrong is not None:
        raise EdgesError(f"target {shown}: {wrong}")
    return Target(name=name, host=host, port=int(port_text) if port_text is not None else DEFAULT_PORT)


def _split_place(place: str, shown: str) -> tuple[str, str | None]:
    """Split HOST[:PORT]; the port is None where none was written."""
    if place.startswith("["):
        host, closed, rest = place[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise EdgesError(f"target {shown}: an IPv6 address with a port is written [ADDRESS]:PORT")
        if not _is_ipv6(host):
            raise EdgesError(f"target {shown}: {_quoted(host)} is no IPv6 address")
        return host, rest[1:] if rest else None
    if place.count(":") > 1:
        if not _is_ipv6(place):
            raise EdgesError(f"target {shown}: {_quoted(place)} is no IPv6 address")
        return place, None
    host, separator, port = place.partition(":")
    return host, port if separator else None


def _fault_of_host(host: str) -> str | None:
    """Return why `host` can be neither a name nor an address, or None where it can."""
    if ":" in host:
        if _is_ipv6(host):
            return None
        if host.count(":") == 1:
            return f"{_quoted(host)} holds a port, which belongs into port"
        return f"{_quoted(host)} is no IPv6 address"
    if has_hostile(host) or re.search(r"[\s/\\@?#\[\]]", host) or not all(host.removesuffix(".").split(".")):
        return f"{_quoted(host)} is no host name or address"
    return None


def _quoted(text: str) -> str:
    """Show text from outside in quotes; `!r` would write what `visible` has escaped a second time."""
    return f"'{visible(text, 80)}'"


def _is_ipv6(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
