"""STUN Binding: requests and responses (RFC 8489), over aioice's codec and its table of attributes.

Whatever the bytes, `parse` returns a message or raises `StunError`. `peek` looks at the header only.
"""

from __future__ import annotations

import struct
from typing import Any, Literal, NamedTuple

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
# An attribute below is comprehension-required (RFC 8489 section 14).
_OPTIONAL_FROM = 0x8000
# Those of RFC 3489 that RFC 8489 section 18.3 keeps reserved, UNKNOWN-ATTRIBUTES, and the three new in RFC 8489: they
# change nothing of what a Binding response says. The codec knows the others.
_UNDERSTOOD = frozenset({0x0002, 0x0007, 0x000A, 0x000B, 0x001C, 0x001D, 0x001E})


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

    A success response without an address or with an unknown comprehension-required attribute, and an error response
    without a code, are refused: RFC 8489 sections 6.3.3 and 6.3.4. Text that is not UTF-8 is no reason to refuse: what
    cannot be decoded reads "\N{REPLACEMENT CHARACTER}".
    """
    header = peek(data)
    if header is None:
        raise StunError("no STUN Binding message")
    attributes, unknown = _attributes(data, header.transaction_id)
    if unknown and header.kind == "success":
        raise StunError(f"a success response with the unknown attribute 0x{unknown[0]:04x}")
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


def _attributes(data: bytes, transaction_id: bytes) -> tuple[dict[str, Any], list[int]]:
    """Return the attributes by name, the first of each (RFC 8489 section 14), and the unknown ones that matter.

    The codec's own loop is not used: it refuses a message for a text that is not UTF-8, and cuts a short value
    silently. Raises `StunError`.
    """
    found: dict[str, Any] = {}
    unknown: list[int] = []
    position = HEADER_BYTES
    while position < len(data):
        number, length = struct.unpack_from("!HH", data, position)  # the header's length is a multiple of four
        value = data[position + 4 : position + 4 + length]
        after = position + 4 + length + -length % 4
        if after > len(data):
            raise StunError("an attribute ends outside the message")
        entry = codec.ATTRIBUTES_BY_TYPE.get(number)
        if entry is None:
            if number < _OPTIONAL_FROM and number not in _UNDERSTOOD:
                unknown.append(number)
        elif entry[1] not in found:
            try:
                found[entry[1]] = _value(entry, value, transaction_id)
            except (ValueError, struct.error) as error:
                raise StunError(f"malformed {entry[1]}: {error}") from None
            if entry[1] == "FINGERPRINT" and (
                found["FINGERPRINT"] != codec.message_fingerprint(data[:position]) or after != len(data)
            ):
                raise StunError("a wrong fingerprint")
        position = after
    return found, unknown


def _value(entry: codec.AttributeEntry, value: bytes, transaction_id: bytes) -> Any:
    unpack = entry[3]
    if unpack is codec.unpack_string:
        return value.decode("utf-8", "replace")
    if unpack is codec.unpack_error_code:
        number, _ = unpack(value[:4])
        return number, value[4:].decode("utf-8", "replace")
    if unpack is codec.unpack_xor_address:
        return unpack(value, transaction_id)
    return unpack(value)
