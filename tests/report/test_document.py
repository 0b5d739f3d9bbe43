"""The JSON record: readable back, safe on a terminal, true to its schema."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.sample import REPORT
from voicediag.model.text import has_hostile
from voicediag.report.document import from_json, to_json


def test_a_report_reads_back_as_it_was() -> None:
    assert from_json(to_json(REPORT)) == REPORT


def test_the_contract_names() -> None:
    document = json.loads(to_json(REPORT))
    assert document["schema"] == "voicediag.report/1"
    assert list(document) == [
        "schema",
        "tool",
        "started_at",
        "duration_s",
        "host",
        "status",
        "outcome",
        "verdict",
        "attempts",
        "findings",
    ]
    assert {"check", "status", "reason", "duration_s", "result"} <= set(document["attempts"][0])
    assert set(document["findings"][0]) >= {
        "id",
        "severity",
        "check",
        "subject",
        "title",
        "evidence",
        "codes",
        "warnings",
        "symptoms",
        "fixes",
        "confirm",
    }
    assert set(document["findings"][0]["evidence"][0]) >= {"metric", "value", "unit", "threshold", "source"}


@given(st.text())
def test_no_text_reaches_a_terminal_unescaped(text: str) -> None:
    report = msgspec.structs.replace(REPORT, verdict=text)
    written = to_json(report)
    assert not has_hostile(written.replace("\n", ""))
    assert from_json(written).verdict == text


def test_a_lone_surrogate_is_replaced() -> None:
    report = msgspec.structs.replace(REPORT, verdict="no file 'a\udcffb'")
    verdict = from_json(to_json(report)).verdict
    assert verdict.startswith("no file 'a\ufffd")
    assert verdict.endswith("b'")


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"schema": "voicediag.report/9"}', b"\xff", b"null"])
def test_what_is_no_report_is_refused(broken: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        from_json(broken)


def test_not_a_number_becomes_null(tmp_path: Path) -> None:
    assert '"duration_s": null' in to_json(msgspec.structs.replace(REPORT, duration_s=float("nan")))
