"""The table of edges, and everything that a user may write in its place."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.model.request import Target
from voicediag.network import edges
from voicediag.network.edges import EdgesError

PUBLIC = ["ashburn", "umatilla", "dublin", "frankfurt", "singapore", "tokyo", "sydney", "sao-paulo"]
SMALLEST = '[[edge]]\nname = "lab"\nstun = { host = "127.0.0.1" }\n'


def test_the_default_is_every_public_edge_and_roaming() -> None:
    targets = edges.public_targets()
    assert [target.name for target in targets] == [*PUBLIC, "roaming"]
    assert all(target.is_edge and target.port == 3478 for target in targets)
    hosts = {target.name: target.host for target in targets}
    assert hosts["ashburn"] == "ashburn.stun.twilio.com"
    assert hosts["roaming"] == "global.stun.twilio.com"


def test_the_packaged_table_is_complete() -> None:
    table = edges.packaged()
    by_kind = {kind: [edge.name for edge in table.edges if edge.kind == kind] for kind in ("interconnect", "turn-only")}
    assert len(by_kind["interconnect"]) == 8
    assert by_kind["turn-only"] == ["mumbai"]
    for edge in table.edges:
        assert edge.sources, edge.name
        assert set(edge.sources) <= set(table.sources), edge.name
        assert edge.legacy_region, edge.name
        assert edge.kind == "turn-only" or edge.signalling is not None, edge.name
        if edge.kind == "public":
            assert edge.stun is not None
            assert edge.turn is not None
            assert edge.stun_turn_ranges
            assert edge.stun.host == f"{edge.name}.stun.twilio.com"
            assert edge.signalling is not None
            assert edge.signalling.host == f"voice-js.{edge.name}.twilio.com"


def test_the_ranges_of_different_edges_do_not_overlap() -> None:
    networks = [
        (edge.name, ipaddress.ip_network(text)) for edge in edges.packaged().edges for text in edge.stun_turn_ranges
    ]
    for name, network in networks:
        for other_name, other in networks:
            assert name == other_name or not network.overlaps(other)


def test_the_media_range_is_the_documented_one() -> None:
    media = edges.packaged().media
    assert media is not None
    assert (media.ranges, media.first_port, media.last_port) == (("168.86.128.0/18",), 10000, 60000)


def test_importing_the_table_is_cheap() -> None:
    program = (
        "import sys; import voicediag.network.edges as e; e.public_targets();"
        "print([m for m in ('numpy', 'asyncio', 'aioice', 'ssl', 'socket', 'difflib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("asked", "found"), [("dublin", "dublin"), ("Sao-Paulo", "sao-paulo"), (" ROAMING ", "roaming")]
)
def test_an_edge_is_found_in_any_case(asked: str, found: str) -> None:
    assert edges.find(asked, edges.packaged()).name == found


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("ashbrun", "no edge 'ashbrun'; did you mean 'ashburn'?"),
        ("frankfrt", "no edge 'frankfrt'; did you mean 'frankfurt'?"),
        ("ie1", "no edge 'ie1'; ie1 is the old name of 'dublin'"),
    ],
)
def test_an_unknown_edge_names_the_nearest(asked: str, message: str) -> None:
    with pytest.raises(EdgesError) as raised:
        edges.find(asked, edges.packaged())
    assert str(raised.value) == message


@pytest.mark.parametrize("asked", ["", "zzzzzz", "x" * 5000, "\x1b[2J[red]", "\ud800"])
def test_anything_else_is_answered_in_one_harmless_line(asked: str) -> None:
    with pytest.raises(EdgesError) as raised:
        edges.find(asked, edges.packaged())
    message = str(raised.value)
    assert "ashburn" in message
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) < 500
    message.encode()


def test_an_edge_without_a_stun_server_says_so() -> None:
    with pytest.raises(EdgesError, match=r"'ashburn-ix' has no public STUN server"):
        edges.choose(edges.packaged(), ["ashburn-ix"])


def test_an_edge_named_twice_is_probed_once() -> None:
    assert [target.name for target in edges.choose(edges.packaged(), ["tokyo", "TOKYO", "dublin"])] == [
        "tokyo",
        "dublin",
    ]


def test_targets_replace_the_edges() -> None:
    assert edges.choose(edges.packaged(), ["tokyo"], ["lan=10.0.0.1"]) == (Target("lan", "10.0.0.1", 3478),)


def test_two_targets_of_one_name_must_be_the_same() -> None:
    assert len(edges.choose(edges.packaged(), (), ["a=host", "a=host:3478"])) == 1
    with pytest.raises(EdgesError, match="two different targets are called 'a'"):
        edges.choose(edges.packaged(), (), ["a=host", "a=other"])


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("lan=host", "host", 3478),
        ("lan=host:19302", "host", 19302),
        ("lan=127.0.0.1:1", "127.0.0.1", 1),
        ("lan=[::1]:3478", "::1", 3478),
        ("lan=[2001:db8::1]", "2001:db8::1", 3478),
        ("lan=2001:db8::1", "2001:db8::1", 3478),
        ("lan=fe80::1%eth0", "fe80::1%eth0", 3478),
        ("lan=bücher.example:65535", "bücher.example", 65535),
    ],
)
def test_a_target(text: str, host: str, port: int) -> None:
    assert edges.parse_target(text) == Target("lan", host, port, is_edge=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not NAME=HOST"),
        ("host:3478", "is not NAME=HOST"),
        ("=host", "the name must be"),
        ("a=", "the host is missing"),
        ("a=:3478", "the host is missing"),
        ("a=host:0", "port must be 1 to 65535"),
        ("a=host:65536", "port must be 1 to 65535"),
        ("a=host:-1", "port must be 1 to 65535"),
        ("a=host:", "port must be 1 to 65535"),
        ("a=host:٣", "port must be 1 to 65535"),
        ("a=host:" + "9" * 6000, "port must be 1 to 65535"),
        ("a=[::1", "written [ADDRESS]:PORT"),
        ("a=[::1]3478", "written [ADDRESS]:PORT"),
        ("a=[host]:3478", "no IPv6 address"),
        ("a=1:2:3", "no IPv6 address"),
        ("a=http://host", "port must be 1 to 65535"),
        ("a=host/path", "is no host name"),
        ("a=ho st", "is no host name"),
        ("a=\x1b[2J", "is no host name"),
        ("a\x1b[2J=host", "the name must be"),
        ("a=" + "x" * 300, "has 300 characters"),
        ("a=\ud800", "is no host name"),
        ("a=...", "'...' is no host name"),
        ("a=b..c:3478", "'b..c' is no host name"),
    ],
)
def test_no_target(text: str, message: str) -> None:
    with pytest.raises(EdgesError) as raised:
        edges.parse_target(text)
    assert message in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 400
    str(raised.value).encode()


@given(st.text())
def test_any_text_is_a_target_or_the_one_error(text: str) -> None:
    try:
        target = edges.parse_target(text)
    except EdgesError:
        return
    assert 1 <= target.port <= 65535
    assert target.host
    assert target.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "line 1"),
        ('[[edge]]\nname = "a"\nstun = {', "line 3"),
        ("", "edge"),
        ("edge = 1", "edge: Expected `array`"),
        ("edge = []", "edge: the table is empty"),
        ("[[edge]]\nname = 3", "edge 1, name: Expected `str`"),
        ('[[edge]]\nname = "A b"', "edge 1, name"),
        ('[[edge]]\nname = "a"\n[[edge]]\nname = "b"\nstun = 1', "edge 2 ('b'), stun"),
        ('[[edge]]\nname = "a"\nstun = { host = "h", port = 0 }', "edge 1 ('a'), stun.port"),
        ('[[edge]]\nname = "a"\nstun = { host = "h", port = 65536 }', "edge 1 ('a'), stun.port"),
        ('[[edge]]\nname = "a"\nstun = { host = "h", port = "3478" }', "edge 1 ('a'), stun.port: Expected `int`"),
        ('[[edge]]\nname = "a"\nstun = { host = "h i" }', "edge 1 ('a'), stun.host"),
        ('[[edge]]\nname = "a"\nstun = { port = 1 }', "edge 1 ('a'), stun"),
        (f'[[edge]]\nname = "a"\nstun = {{ host = "{"h" * 300}" }}', "edge 1 ('a'), stun.host"),
        ('[[edge]]\nname = "a"\nkind = "private"', "edge 1 ('a'), kind"),
        ('[[edge]]\nname = "a"\nstuns = 1', "unknown field `stuns`"),
        ('[[edge]]\nname = "a"\n[[edge]]\nname = "a"', "edge 'a' appears 2 times"),
        ('[[edge]]\nname = "a"\nstun_turn_ranges = ["10.0.0.0/33"]', "edge 'a', stun_turn_ranges: '10.0.0.0/33'"),
        ('[media]\nranges = ["x"]\nfirst_port = 1\nlast_port = 2\n[[edge]]\nname = "a"', "media, ranges"),
        ('[media]\nranges = []\nfirst_port = 3\nlast_port = 2\n[[edge]]\nname = "a"', "first_port is above"),
        ("edge = " + "[" * 3000, "lab.toml"),
        ("edge = " + "[" * 3000 + "]" * 3000, "lab.toml: nested too deep"),
        ("edge = " + "[" * 90 + "]" * 90, "edge 1: Expected `object`"),
        ("edge." + "a." * 3000 + "b = 1", "lab.toml"),
        ("edge = " + "9" * 5000, "a number or a date is out of range"),
        ('[[edge]]\nname = "a"\nstun = { host = "h", port = ' + "9" * 4000 + " }", "edge 1 ('a'), stun.port"),
        ("edge = 2026-02-30", "lab.toml"),
        ('[[edge]]\nname = "a"\nstun = { host = "127.0.0.1:3478" }', "stun.host: '127.0.0.1:3478' holds a port"),
        ('[[edge]]\nname = "a"\nstun = { host = "[::1]" }', "edge 1 ('a'), stun.host"),
        ('[[edge]]\nname = "a"\nturn = { host = "1:2:3" }', "turn.host: '1:2:3' is no IPv6 address"),
        ('[[edge]]\nname = "a"\nstun = { host = "..." }', "edge 'a', stun.host: '...' is no host name or address"),
        ('[[edge]]\nname = "a"\nstun = { host = "." }', "edge 'a', stun.host: '.' is no host name or address"),
    ],
)
def test_a_table_with_a_mistake_names_it(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(EdgesError) as raised:
        edges.load(str(file))
    assert message in str(raised.value)
    assert "lab.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(SMALLEST, encoding="utf-8")
    assert edges.choose(edges.load(str(file))) == (Target("lab", "127.0.0.1", 3478, is_edge=True),)


def test_a_byte_order_mark_before_the_table_is_none_of_it(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(SMALLEST, encoding="utf-8-sig")
    assert edges.choose(edges.load(str(file))) == (Target("lab", "127.0.0.1", 3478, is_edge=True),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = f"from voicediag.network import edges\nedges.load({str(pipe)!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert "no regular file" in done.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[2J=host", r"'a\x1b[2J=host'"), ("a=b\u202ec", r"'a=b\u202ec'"), ("a=\ud800", r"'a=\ud800'")],
)
def test_what_is_hostile_is_escaped_once(text: str, shown: str) -> None:
    with pytest.raises(EdgesError) as raised:
        edges.parse_target(text)
    assert shown in str(raised.value)
    with pytest.raises(EdgesError) as raised:
        edges.find(text, edges.packaged())
    assert shown in str(raised.value)


def test_a_table_without_anything_to_probe(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('[[edge]]\nname = "a"\n', encoding="utf-8")
    with pytest.raises(EdgesError, match="no public edge with a STUN server"):
        edges.choose(edges.load(str(file)))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"name = 1\n\xff\xfe")
    large = tmp_path / "large"
    large.write_bytes(b"#" * 2_000_000)
    for path, message in [
        (str(tmp_path / "absent"), "cannot read the edges file"),
        (str(tmp_path), "cannot read the edges file"),
        ("\0", "cannot read the edges file"),
        (str(binary), "line 2 is not UTF-8"),
        (str(large), "larger than"),
    ]:
        with pytest.raises(EdgesError, match=message):
            edges.load(path)


@given(st.text(max_size=300))
def test_any_text_is_a_table_or_the_one_error(text: str) -> None:
    for document in (text, SMALLEST + text):
        try:
            edges.parse_table(document, "here")
        except EdgesError as error:
            assert "\n" not in str(error)
