"""The record: report ⇄ JSON."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from voicediag.model.report import Report

# JSON leaves these as they are, but a terminal acts on them: C1 controls, DEL, bidirectional and invisible characters.
_UNSAFE = re.compile("[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def to_json(document: msgspec.Struct) -> str:
    """Return `document` as indented JSON in which every unsafe character is a \\u escape. Ends without a newline."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def from_json(text: str | bytes) -> Report:
    """Read a report back. Raises `msgspec.ValidationError` or `msgspec.DecodeError` for anything else."""
    return msgspec.json.decode(text, type=Report)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a report."""
    return msgspec.json.schema(Report)
