"""Every code that must have an entry has one, as deep as it must be."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from voicediag.knowledge import store
from voicediag.knowledge.entry import Entry

REQUIRED: dict[str, list[int]] = tomllib.loads((Path(__file__).parent / "codes.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def codes() -> dict[int, Entry]:
    return {entry.code: entry for entry in store.everything() if entry.kind == "code" and entry.code is not None}


def test_no_code_is_missing(codes: dict[int, Entry]) -> None:
    assert sorted({*REQUIRED["core"], *REQUIRED["adjacent"]} - set(codes)) == []


def test_each_is_as_deep_as_it_must_be(codes: dict[int, Entry]) -> None:
    assert [code for code in REQUIRED["core"] if codes[code].tier == "adjacent"] == []
    assert [code for code in REQUIRED["deep"] if codes[code].tier != "deep"] == []


def test_a_core_code_says_what_to_do_and_where_it_is_from(codes: dict[int, Entry]) -> None:
    for code in REQUIRED["core"]:
        entry = codes[code]
        assert entry.product, code
        assert entry.severity, code
        assert entry.sources, code
        assert all(reading.summary and reading.fixes for reading in entry.readings), code
        assert all(len(reading.causes) == len(reading.cause_bases) for reading in entry.readings), code


@pytest.mark.parametrize("code", [31403, 31201, 31901, 31209, 21211, 21217])
def test_where_sources_disagree_there_are_readings(codes: dict[int, Entry], code: int) -> None:
    readings = codes[code].readings
    assert len(readings) >= 2
    assert all(reading.source and reading.tell_apart for reading in readings)


@pytest.mark.parametrize(("old", "new"), [(31201, 31402), (31208, 31401), (31003, 53405), (31901, 53000)])
def test_renumberings_are_told_both_ways(codes: dict[int, Entry], old: int, new: int) -> None:
    assert new in codes[old].related
    assert old in codes[new].related
