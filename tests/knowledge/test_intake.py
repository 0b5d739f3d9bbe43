"""Taking Twilio's dictionary in: whole, or refused with the first fault named."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.published import DOCS, document, entry, sample
from voicediag.knowledge import intake, official
from voicediag.knowledge.intake import LONGEST_TEXT, MOST_BYTES, MOST_ENTRIES, Refused, parse

FACTS = os.environ.get("VOICEDIAG_FACTS")
WHEN = "2026-01-31T12:00:00Z"


# --- what is refused


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"", "it is empty"),
        (b" \n ", "it is empty"),
        (b"not json", "it is no whole JSON"),
        (sample()[:-1], "it is no whole JSON"),
        (sample()[: len(sample()) // 2], "it is no whole JSON"),
        (sample() + b"[]", "it is no whole JSON"),
        (b"[]", "it has no entries"),
        (b"{}", "it is no list of entries"),
        (b"null", "it is no list of entries"),
        (b'"text"', "it is no list of entries"),
        (document(entry(31403), 5), "entry 2: Expected object, got int"),
        (document([entry(31403)]), "entry 1: Expected object, got array"),
        (document(entry(31403), {"message": "x"}), "entry 2: Object missing required field code"),
        (document(entry(31403) | {"code": "31403"}), "entry 1, code: Expected int, got str"),
        (document(entry(31403) | {"code": True}), "entry 1, code: Expected int, got bool"),
        (document(entry(31403) | {"code": None}), "entry 1, code: Expected int, got null"),
        (document(entry(31403) | {"code": 31403.5}), "entry 1, code: Expected int, got float"),
        (document(entry(99)), "entry 1: 99 is no code"),
        (document(entry(-31403)), "entry 1: -31403 is no code"),
        (document(entry(1_000_000)), "entry 1: 1000000 is no code"),
        (document(entry(1)).replace(b'"code": 1', b'"code": ' + b"9" * 400), "entry 1"),
        (document(entry(31403, docs=5)), "entry 1, docs: Expected str | null, got int"),
        (document(entry(31403, causes=["a"])), "entry 1, causes: Expected str | null, got array"),
        (document(entry(31403), entry(20003), entry(31403)), "entry 3: the code 31403 is that of entry 1 too"),
        (document(entry(31403, docs="a" * (LONGEST_TEXT + 1))), "entry 1, docs: more than 20,000 characters"),
        (document(entry(31403, last_updated="a" * (LONGEST_TEXT + 1))), "entry 1, last_updated: more than"),
        (document(*({"code": code} for code in range(100, 101 + MOST_ENTRIES))), "it has more than 20,000 entries"),
        (document(*[{}] * (10 * MOST_ENTRIES + 1)), "it has more than 20,000 entries"),
        (b'[{"code": 31403, "x": NaN}]', "it is no whole JSON"),
        (b'[{"code": NaN}]', "it is no whole JSON"),
        (b'[{"code": 31403, "message": "\xff\xfe"}]', "it is not UTF-8"),
        (b'[{"code": 31403, "message": "\\ud800"}]', "it is no whole JSON"),
        (b"[" * 100_000, "entry 1: Expected object, got array"),
        (b'[{"code": 31403, "x": ' + b"[" * 1_000_000, "it is nested too deeply"),
        (b'[{"code": 31403, "x": ' + b'{"a":' * 1_000 + b"1" + b"}" * 1_000 + b"}]", "it is nested too deeply"),
        (sample().decode().encode("utf-16"), "it is UTF-16"),
        (sample().decode().encode("utf-16-le"), "it is UTF-16"),
        (sample().decode().encode("utf-16-be"), "it is binary"),
        (gzip.compress(sample()), "it is compressed (gzip)"),
        (b"<!DOCTYPE html><html>login</html>", "it is a web page"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "it is binary"),
        (b"\x89PNG\r\n", "it is no"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_document_is_refused_with_its_first_fault(bad: bytes, why: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(bad)
    assert str(refused.value).startswith(why)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 300


def test_no_more_than_the_most_is_read() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20
            self.given += size
            return b"a" * size

    endless = Endless()
    with pytest.raises(Refused, match="more than 16 MB"):
        intake.read_all(endless)  # type: ignore[arg-type]
    assert endless.given <= MOST_BYTES + (1 << 20)
    assert intake.read_all(io.BytesIO(b"a" * MOST_BYTES)) == b"a" * MOST_BYTES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("message", "log_level", "secondary_message", "docs", "causes", "solutions", "description", "product")
ROWS = st.fixed_dictionaries(
    {"code": st.integers(90, 1_000_010) | JSON},
    optional={name: st.none() | st.text() | JSON for name in (*FIELDS, "last_updated", "else")},
)


@given(st.binary() | st.lists(ROWS | JSON, max_size=5).map(lambda rows: json.dumps(rows).encode()))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    try:
        pages = parse(data)
    except Refused as refused:
        assert str(refused)
    else:
        assert pages
        assert all(page.title for page in pages)


# --- what is cleaned


def one(**fields: Any) -> official.Page:
    (page,) = parse(document(entry(63016, **fields)))
    return page


def test_the_text_is_taken_apart_by_its_headings() -> None:
    page = one(message="Message outside the window", docs=DOCS, product="Programmable SMS")
    assert page == official.Page(
        code=63016,
        title="Message outside the window",
        severity="error",
        product="Programmable SMS",
        updated="2020-11-16",
        summary=("See the guide (https://www.twilio.com/docs/guide) first.",),
        causes=("The window is closed.", "The template is missing."),
        fixes=("Send a template.",),
    )


def test_other_fields_serve_where_the_text_says_nothing() -> None:
    page = one(docs=None, description="## Error - 63016\n\nWhat it is.", causes="* a\n* b", solutions="Do it.")
    assert (page.summary, page.causes, page.fixes) == (("What it is.",), ("a", "b"), ("Do it.",))
    assert one(docs=None, secondary_message="Second <b>words</b>.").summary == ("Second words.",)
    assert one(docs="placeholder", secondary_message="null").summary == ("Title of 63016",)


def test_missing_and_odd_fields_are_left_out() -> None:
    (page,) = parse(b'\xef\xbb\xbf[{"code": 31403, "new_field": {"x": [1.5]}, "message": null}]\r\n')
    assert page == official.Page(code=31403, title="Error 31403", summary=("Error 31403",))
    assert one(log_level="FATAL").severity is None
    assert one(log_level=" Warning ").severity == "warning"
    assert one(last_updated="yesterday").updated is None
    assert one(last_updated="2023-05-11").updated == "2023-05-11"
    assert one(message="a\r\nb\t<b>c</b>").title == "a b c"


def test_the_entries_are_in_order() -> None:
    assert [page.code for page in parse(sample())] == [403, 31403, 50000, 63016, 456001]


@pytest.mark.skipif(FACTS is None, reason="VOICEDIAG_FACTS names no folder with twilio-error-codes-2023.json")
def test_the_dictionary_of_2023_is_taken_whole(dictionary_file: Path) -> None:
    published = (Path(FACTS or "") / "twilio-error-codes-2023.json").read_bytes()
    stored = intake.store(published, "a file", WHEN)
    assert (stored.count, stored.newest) == (1953, "2023-05-11")
    with_causes = 0
    for row in json.loads(published):
        (match,) = official.dictionary().matches([row["code"]])
        assert match.code == row["code"]
        assert match.readings[0].summary
        with_causes += bool(match.causes)
    assert official.dictionary().trouble is None
    assert with_causes > 1500


# --- the store


def stored_matches() -> list[int | None]:
    return [match.code for match in official.dictionary().matches([403, 31403, 20003, 63016, 456001])]


def test_what_is_stored_is_found(dictionary_file: Path) -> None:
    assert stored_matches() == []
    stored = intake.store(sample(), "https://example.com/x.json", WHEN)
    assert (stored.count, stored.newest, stored.taken_at) == (5, "2023-05-11", WHEN)
    assert (stored.source, stored.bytes, len(stored.sha256)) == ("https://example.com/x.json", len(sample()), 64)
    assert official.dictionary().stored == stored
    assert stored_matches() == [403, 31403, 63016, 456001]


def test_a_new_one_takes_the_place_of_the_old(dictionary_file: Path) -> None:
    intake.store(sample(), "first", WHEN)
    intake.store(document(entry(20003)), "second", WHEN)
    assert stored_matches() == [20003]
    assert [path.name for path in dictionary_file.parent.iterdir()] == [dictionary_file.name]


def test_a_refused_one_changes_nothing(dictionary_file: Path) -> None:
    with pytest.raises(Refused):
        intake.store(b"[", "x", WHEN)
    assert not dictionary_file.parent.exists()
    intake.store(sample(), "first", WHEN)
    before = dictionary_file.read_bytes()
    with pytest.raises(Refused):
        intake.store(document(entry(20003), entry(20003)), "second", WHEN)
    assert dictionary_file.read_bytes() == before


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_failing_write_leaves_the_old(step: str, dictionary_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intake.store(sample(), "first", WHEN)
    before = dictionary_file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(OSError, match="No space left"):
            intake.store(document(entry(20003)), "second", WHEN)
    assert dictionary_file.read_bytes() == before
    assert [path.name for path in dictionary_file.parent.iterdir()] == [dictionary_file.name]


def test_a_folder_that_cannot_be_written(dictionary_file: Path) -> None:
    dictionary_file.parent.parent.mkdir()
    dictionary_file.parent.write_text("a file where the folder should be")
    with pytest.raises(OSError):
        intake.store(sample(), "x", WHEN)
    official.forget()
    assert (stored_matches(), official.dictionary().trouble) == ([], None)


def test_remove(dictionary_file: Path) -> None:
    assert intake.remove() is False
    intake.store(sample(), "x", WHEN)
    (dictionary_file.parent / f".{dictionary_file.name}.crashed").write_text("half")
    other = dictionary_file.parent / "installation-id"
    other.write_text("0123")
    assert intake.remove() is True
    assert list(dictionary_file.parent.iterdir()) == [other]
    assert stored_matches() == []
    assert intake.remove() is False
