"""The record: report ⇄ JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from voicediag.model.report import Report
from voicediag.model.text import escape_hostile


def to_json(document: msgspec.Struct) -> str:
    """Return `document` as indented JSON. Ends without a newline.

    What JSON leaves as it is but a terminal acts on (C1 controls, bidirectional and invisible characters) is written as
    its \\u escape; a lone surrogate, which no JSON reader would take, as U+FFFD.
    """
    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:
        escaped = json.dumps(msgspec.to_builtins(document), ensure_ascii=False)
        encoded = escaped.encode(errors="surrogatepass").decode(errors="replace").encode()
    text = msgspec.json.format(encoded, indent=2).decode()
    return escape_hostile(text, lambda character: json.dumps(character)[1:-1], keep="\n")


def from_json(text: str | bytes) -> Report:
    """Read a report back. Raises `msgspec.ValidationError` or `msgspec.DecodeError` for anything else."""
    return msgspec.json.decode(text, type=Report)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a report."""
    return msgspec.json.schema(Report)
