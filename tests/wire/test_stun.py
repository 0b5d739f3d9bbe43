"""The codec, on bytes that others made: the vectors of RFC 5769 and what coturn answered."""

from __future__ import annotations

import struct

import pytest
from aioice import stun as codec
from hypothesis import example, given
from hypothesis import strategies as st

from voicediag.wire import stun

RFC_ID = bytes.fromhex("b7e7a701bc34d686fa87dfae")
RFC_PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
# RFC 5769 sections 2.1, 2.2 and 2.3.
RFC_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
RFC_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
RFC_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a147"
    "0113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
# Coturn 4.6.1, asked with the id 00..0b: Binding over IPv4 and IPv6, Binding with an unknown attribute, Allocate.
COTURN_ID = bytes(range(12))
COTURN_IPV4 = bytes.fromhex(
    "0101003c2112a442000102030405060708090a0b002000080001fca35e12a443000100080001ddb17f000001802b0008"
    "0001debb7f00000180220014436f7475726e2d342e362e312027476f72737427"
)
COTURN_IPV6 = bytes.fromhex(
    "010100602112a442000102030405060708090a0b0020001400028c6c2112a442000102030405060708090a0a00010014"
    "0002ad7e00000000000000000000000000000001802b00140002debb0000000000000000000000000000000180220014"
    "436f7475726e2d342e362e312027476f72737427"
)
COTURN_ERROR = bytes.fromhex(
    "0111003c2112a442000102030405060708090a0b0009001800000414556e6b6e6f776e20417474726962757465000000"
    "000a00027fff000080220014436f7475726e2d342e362e312027476f72737427"
)
COTURN_ALLOCATE = bytes.fromhex(
    "011300542112a442000102030405060708090a0b0009001000000401556e617574686f72697a65640015001062373362"
    "34303833343338343838360014000e766f696365646961672e74657374000080220014436f7475726e2d342e362e312027476f72737427"
)
SOUND = [RFC_REQUEST, RFC_IPV4, RFC_IPV6, COTURN_IPV4, COTURN_IPV6, COTURN_ERROR]


def test_rfc_5769_request() -> None:
    message = stun.parse(RFC_REQUEST)
    assert message == stun.Message("request", RFC_ID, None, None, "STUN test client", True)
    assert codec.parse_message(RFC_REQUEST).check_message_integrity(RFC_PASSWORD)


@pytest.mark.parametrize(
    ("data", "address"), [(RFC_IPV4, "192.0.2.1"), (RFC_IPV6, "2001:db8:1234:5678:11:2233:4455:6677")]
)
def test_rfc_5769_responses(data: bytes, address: str) -> None:
    assert stun.parse(data) == stun.Message("success", RFC_ID, (address, 32853), None, "test vector", True)
    assert codec.parse_message(data).check_message_integrity(RFC_PASSWORD)


@pytest.mark.parametrize(("data", "address"), [(COTURN_IPV4, ("127.0.0.1", 56753)), (COTURN_IPV6, ("::1", 44414))])
def test_what_coturn_answers(data: bytes, address: tuple[str, int]) -> None:
    message = stun.parse(data)
    assert message.mapped_address == address
    assert message.mapped_address == codec.parse_message(data).attributes["MAPPED-ADDRESS"]
    assert (message.kind, message.transaction_id, message.error) == ("success", COTURN_ID, None)
    assert message.software == "Coturn-4.6.1 'Gorst'"


def test_an_error_of_coturn() -> None:
    message = stun.parse(COTURN_ERROR)
    assert (message.kind, message.transaction_id) == ("error", COTURN_ID)
    assert message.error is not None
    assert message.error[0] == 420


def test_an_answer_of_another_method_is_none_of_ours() -> None:
    assert stun.peek(COTURN_ALLOCATE) is None
    with pytest.raises(stun.StunError):
        stun.parse(COTURN_ALLOCATE)


def test_what_we_write_is_what_the_rfc_says() -> None:
    assert stun.binding_request(RFC_ID).hex() == "000100002112a442" + RFC_ID.hex()
    written = stun.binding_success(RFC_ID, ("192.0.2.1", 32853))
    assert written.hex() == "0101000c2112a442" + RFC_ID.hex() + "002000080001a147e112a643"
    assert stun.parse(stun.binding_error(RFC_ID, 500, "Server Error")).error == (500, "Server Error")


def test_an_old_server_without_xor_is_understood() -> None:
    data = bytes.fromhex("0101000c2112a442") + RFC_ID + bytes.fromhex("000100080001ddb17f000001")
    assert stun.parse(data).mapped_address == ("127.0.0.1", 56753)


@pytest.mark.parametrize("data", SOUND, ids=["request", "ipv4", "ipv6", "coturn4", "coturn6", "error"])
def test_peek_agrees_with_parse(data: bytes) -> None:
    message = stun.parse(data)
    assert stun.peek(data) == (message.kind, message.transaction_id)


@pytest.mark.parametrize("data", SOUND, ids=["request", "ipv4", "ipv6", "coturn4", "coturn6", "error"])
def test_every_cut_and_every_trailing_byte_is_refused(data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(stun.StunError):
            stun.parse(data[:end])
    with pytest.raises(stun.StunError):
        stun.parse(data + b"\0")


@pytest.mark.parametrize(
    "body",
    [
        "",  # no address at all
        "002000080001",  # an attribute cut short, length field of the message true
        "00200008000aa147e112a643",  # an unknown family
        "0020000400012147",  # too short for its family
        "002000ff0001000000000000",  # claims more than there is
        "8022000400000000ffff",  # a tail that is no attribute
        "002000080001a147e112a6437ffe0000",  # an unknown attribute that must be understood
        "0024000200000000002000080001a147e112a643",  # PRIORITY of two bytes: struct.error inside the codec
        "002000080001a147e112a64380280004deadbeef",  # a wrong fingerprint
    ],
)
def test_a_success_that_is_none(body: str) -> None:
    payload = bytes.fromhex(body)
    with pytest.raises(stun.StunError):
        stun.parse(struct.pack("!HHI", 0x0101, len(payload), codec.COOKIE) + RFC_ID + payload)


@pytest.mark.parametrize(
    ("extra", "software"),
    [
        ("80220004ff616263", "\N{REPLACEMENT CHARACTER}abc"),  # SOFTWARE that is not UTF-8
        ("80220000", ""),
        ("fffe000441424344", None),  # unknown, and free to be
        ("000400080001ddb17f000001000500080001ddb27f000001", None),  # SOURCE- and CHANGED-ADDRESS of RFC 3489
        ("000b00080001ddb17f000001", None),  # its REFLECTED-FROM
    ],
)
def test_what_need_not_be_understood_does_no_harm(extra: str, software: str | None) -> None:
    payload = bytes.fromhex("002000080001a147e112a643" + extra)
    data = struct.pack("!HHI", 0x0101, len(payload), codec.COOKIE) + RFC_ID + payload
    message = stun.parse(data)
    assert (message.mapped_address, message.software) == (("192.0.2.1", 32853), software)


def test_an_error_whose_reason_is_not_utf_8_keeps_its_number() -> None:
    payload = bytes.fromhex("0009000600000500ffff0000")
    data = struct.pack("!HHI", 0x0111, len(payload), codec.COOKIE) + RFC_ID + payload
    assert stun.parse(data).error == (500, "\N{REPLACEMENT CHARACTER}" * 2)


@given(st.binary(max_size=200))
@example(b"")
@example(bytes(20))
def test_any_bytes_give_a_message_or_the_one_error(data: bytes) -> None:
    _either(data)


@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    st.integers(0, 120),
)
def test_mutated_messages_give_a_message_or_the_one_error(
    data: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    mutated = bytearray(data)
    for position, value in changes:
        mutated[position % len(mutated)] = value
    _either(bytes(mutated))
    _either(bytes(mutated[:cut]))


@given(
    st.sampled_from([0x0001, 0x0011, 0x0101, 0x0111]),
    st.lists(st.tuples(st.sampled_from([entry[0] for entry in codec.ATTRIBUTES]), st.binary(max_size=24)), max_size=4),
)
def test_any_attributes_give_a_message_or_the_one_error(kind: int, attributes: list[tuple[int, bytes]]) -> None:
    body = b"".join(
        struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4) for number, value in attributes
    )
    _either(struct.pack("!HHI", kind, len(body), codec.COOKIE) + RFC_ID + body)


def _either(data: bytes) -> None:
    try:
        message = stun.parse(data)
    except stun.StunError:
        return
    assert stun.peek(data) == (message.kind, message.transaction_id)
    assert message.kind != "success" or message.mapped_address is not None
    assert message.kind != "error" or message.error is not None
