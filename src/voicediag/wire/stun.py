"""STUN Binding: requests and responses (RFC 8489), over aioice's codec and its table of attributes.

Whatever the bytes, `parse` returns a message or raises `StunError`. `peek` looks at the header only.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

from aioice import stun as codec

HEADER_BYTES = 20
ID_BYTES = 12
# A STUN message over UDP fits the path's MTU (RFC 8489 section 6.1); this is far above any Binding response.
MAX_BYTES = 1500

Kind = Literal["request", "indication", "success", "error"]
Address = tuple[str, int]

_COOKIE = codec.COOKIE
_HEADER = struct.Struct("!HHI12s")
_BINDING_REQUEST = struct.pack("!HHI", 0x0001, 0, _COOKIE)
_KINDS: dict[int, Kind] = {0x0001: "request", 0x0011: "indication", 0x0101: "success", 0x0111: "error"}


class StunError(ValueError):
    """The bytes are no sound STUN Binding message."""


class Header(NamedTuple):
    """The first 20 bytes."""

    kind: Kind
    transaction_id: bytes


class Message(NamedTuple):
    """A Binding message; None is an attribute that it does not carry."""

    kind: Kind
    transaction_id: bytes
    mapped_address: Address | None
    """XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of an old server."""
    error: tuple[int, str] | None
    """ERROR-CODE: number and reason phrase."""
    software: str | None
    has_fingerprint: bool


def binding_request(transaction_id: bytes) -> bytes:
    """Return a Binding request without attributes: 20 bytes. `transaction_id` is 12 random bytes."""
    return _BINDING_REQUEST + transaction_id


def binding_success(transaction_id: bytes, mapped: Address, software: str | None = None) -> bytes:
    """Return a Binding success response that tells the client its own address."""
    attributes: dict[str, object] = {"XOR-MAPPED-ADDRESS": mapped}
    if software is not None:
        attributes["SOFTWARE"] = software
    return bytes(codec.Message(codec.Method.BINDING, codec.Class.RESPONSE, transaction_id, attributes))


def binding_error(transaction_id: bytes, number: int, reason: str) -> bytes:
    """Return a Binding error response."""
    attributes: dict[str, object] = {"ERROR-CODE": (number, reason)}
    return bytes(codec.Message(codec.Method.BINDING, codec.Class.ERROR, transaction_id, attributes))


def peek(data: bytes) -> Header | None:
    """Return the header of a Binding message whose type, cookie and length agree; None for anything else."""
    if len(data) < HEADER_BYTES:
        return None
    number, length, cookie, transaction_id = _HEADER.unpack_from(data)
    kind = _KINDS.get(number)
    if kind is None or cookie != _COOKIE or length != len(data) - HEADER_BYTES or length % 4:
        return None
    return Header(kind, transaction_id)


def parse(data: bytes) -> Message:
    """Return the Binding message in `data`. Raises `StunError` for anything else, whatever the bytes.

    A success response without an address and an error response without a code are refused: RFC 8489 section 6.3.3
    asks for both.
    """
    header = peek(data)
    if header is None:
        raise StunError("no STUN Binding message")
    _check_attributes(data)
    try:
        attributes = codec.parse_message(data).attributes
    except (ValueError, struct.error, IndexError, KeyError, TypeError) as error:
        raise StunError(f"malformed STUN message: {error}") from None
    mapped: Address | None = attributes.get("XOR-MAPPED-ADDRESS") or attributes.get("MAPPED-ADDRESS")
    found: tuple[int, str] | None = attributes.get("ERROR-CODE")
    if header.kind == "success" and mapped is None:
        raise StunError("a success response without an address")
    if header.kind == "error" and (found is None or not 300 <= found[0] <= 699):
        raise StunError("an error response without a code")
    return Message(
        kind=header.kind,
        transaction_id=header.transaction_id,
        mapped_address=mapped,
        error=found,
        software=attributes.get("SOFTWARE"),
        has_fingerprint="FINGERPRINT" in attributes,
    )


def _check_attributes(data: bytes) -> None:
    """Raise `StunError` unless the attributes fill the message exactly: the codec cuts a short value silently."""
    position = HEADER_BYTES
    while position < len(data):
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        position += 4 + length + -length % 4
    if position != len(data):
        raise StunError("an attribute ends outside the message")
