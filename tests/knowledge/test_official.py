"""Looking up in Twilio's dictionary, and what `explain` makes of it."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from tests.published import document, entry, sample
from voicediag.knowledge import intake, lookup, official
from voicediag.knowledge.extract import explain_log
from voicediag.knowledge.official import path as path_of_the_user
from voicediag.model.explanation import Explanation, Match
from voicediag.report import explanation as report

WHEN = "2026-01-31T12:00:00Z"


@pytest.fixture
def stored(dictionary_file: Path) -> Path:
    intake.store(sample(), "https://example.com/x.json", WHEN)
    return dictionary_file


def kinds(matches: tuple[Match, ...]) -> list[tuple[int | None, str]]:
    return [(match.code, match.kind) for match in matches]


def test_the_folder_is_that_of_the_user_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from platformdirs import user_data_dir

    for value in (None, str(tmp_path), "", " ", "relative/path"):
        if value is None:
            monkeypatch.delenv("XDG_DATA_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_DATA_HOME", value)
        assert path_of_the_user() == str(
            Path(user_data_dir("voicediag", appauthor=False)) / "twilio-dictionary.jsonl"
        ), value


# --- answers


def test_twilios_words_stand_below_ours(stored: Path) -> None:
    ours, theirs = lookup.explain(["31403"]).matches
    assert (ours.kind, theirs.kind) == ("code", "dictionary")
    assert (theirs.code, theirs.name, theirs.title, theirs.severity) == (31403, None, "Title of 31403", "error")
    assert theirs.readings[0].source == "Twilio's own words"
    assert theirs.readings[0].date == "2023-05-11"
    assert theirs.readings[0].summary == "Their words on 31403."
    assert theirs.sources[0].title == "Twilio's dictionary as stored on 2026-01-31"
    assert theirs.sources[0].address == "https://www.twilio.com/docs/api/errors/31403"


@pytest.mark.parametrize(
    ("queries", "found"),
    [
        (["63016"], [(63016, "dictionary")]),
        (["error 63016"], [(63016, "dictionary")]),
        (["we get 63016 for some people"], [(63016, "dictionary")]),
        (["456001"], [(456001, "dictionary")]),
        (["E456001"], [(456001, "dictionary")]),
        (["ClientErrors.Forbidden"], [(31403, "code"), (31403, "dictionary")]),
        (["31403", "31403"], [(31403, "code"), (31403, "dictionary")]),
        (["63016", "31403"], [(63016, "dictionary"), (31403, "code"), (31403, "dictionary")]),
        (["50000"], [(50000, "dictionary")]),
        (["20003"], [(20003, "code")]),
    ],
)
def test_every_code_in_it_is_answered(queries: list[str], found: list[tuple[int, str]], stored: Path) -> None:
    answer = lookup.explain(queries)
    assert kinds(answer.matches) == found
    assert answer.is_answered


def test_a_round_number_in_a_sentence_is_no_code_of_theirs(stored: Path) -> None:
    assert 50000 not in [match.code for match in lookup.explain(["echo for 50000 people"]).matches]


def test_words_are_answered_as_before(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ["callers sound robotic"]
    with_it = lookup.explain(question)
    intake.remove()
    assert lookup.explain(question) == with_it


def test_an_unknown_code_is_told_their_neighbors(stored: Path) -> None:
    answer = lookup.explain(["63017"])
    assert answer.matches == ()
    assert answer.unknown[0].nearest == (63016,)


def test_lists_have_their_codes_too(stored: Path) -> None:
    assert kinds(lookup.listing("63").matches) == [(63016, "dictionary")]
    assert [match.kind for match in lookup.listing("31403").matches] == ["code"]
    assert (456001, "dictionary") in kinds(lookup.listing(None).matches)
    assert "63016  Message outside the window\n" in report.render_list(lookup.listing("63"))


def test_a_log_knows_them(stored: Path) -> None:
    log = b"error_code: 63016\nerror_code: 31403\nerror_code: 63016\n port 63016\nerror_code: 63999\n"
    answer = explain_log(io.BytesIO(log), "x.log")
    assert {(m.code, m.kind, m.count, m.first_line, m.last_line) for m in answer.matches} == {
        (63016, "dictionary", 2, 1, 3),
        (31403, "code", 1, 2, 2),
    }
    assert [unknown.query for unknown in answer.unknown] == []


def test_the_text_names_whose_words_and_from_when(stored: Path) -> None:
    text = report.render(lookup.explain(["31403", "63016"]))
    ours, rule, theirs = text.partition("-" * 80)
    assert ours.startswith("31403  Forbidden")
    assert rule
    assert "31403  Title of 31403\nTwilio's own words, 2023-05-11 · Programmable Voice · error\n" in theirs
    assert "  - The window is closed.\n" in theirs
    assert "  1. Send a template.\n" in theirs
    assert max(map(len, text.splitlines())) <= 80
    markdown = report.to_markdown(lookup.explain(["63016"]))
    assert markdown.startswith("## 63016: Message outside the window\n\nTwilio's own words, 2020-11-16 ·")


def test_a_code_without_a_date_says_so_by_leaving_it_out(dictionary_file: Path) -> None:
    intake.store(document(entry(63016, last_updated=None)), "x", WHEN)
    assert "Twilio's own words · Programmable Voice" in report.render(lookup.explain(["63016"]))


HOSTILE = "\x1b[2J\u202eevil <script>alert(1)</script> [x](javascript:y) ![i](http://t.example/?q=1)"


def test_hostile_texts_are_harmless(dictionary_file: Path) -> None:
    words = "word " * 30 + "x" * 200
    row = entry(
        63016, message=HOSTILE, product=HOSTILE, docs=f"{HOSTILE}\n\n{words}\n\n#### Causes\n* {HOSTILE}{words}"
    )
    intake.store(document(row), HOSTILE, WHEN)
    answer = lookup.explain(["63016"])
    text = report.render(answer)
    assert "\\x1b[2J" in text
    assert max(map(len, text.splitlines())) <= 80
    for output in (text, report.to_markdown(answer), report.to_json(answer)):
        assert not {"\x1b", "\u202e"} & set(output)
    markdown = report.to_markdown(answer)
    assert "<script" not in markdown
    assert "](" not in markdown


def test_the_document_can_be_read_back(stored: Path) -> None:
    text = report.to_json(lookup.explain(["31403", "63016"]))
    assert report.to_json(msgspec.json.decode(text, type=Explanation)) == text


# --- a store that is none


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    at = content.index(b'{"code":31403')
    header, _, body = content.partition(b"\n")
    damaged = {
        "empty": b"",
        "cut in the first line": content[:50],
        "cut at the end": content[:-10],
        "longer": content + b"x",
        "another format": content.replace(b"stored-dictionary/1", b"stored-dictionary/2"),
        "binary": bytes(range(256)) * 40,
        "not UTF-8": content.replace(b"example.com", b"\xff\xfe\xff\xfe\xff\xfe\xff\xff\xff\xff\xff"),
        "nested": b'{"x":' * 100_000,
        "an entry is damaged": content[:at] + b"X" + content[at + 1 :],
        "an entry is another's": content[:at] + b'{"code":31404' + content[at + 13 :],
        "a place is wrong": header.replace(b'"31403":[', b'"31403":[-') + b"\n" + body,
        "a place is too far": header.replace(b'"31403":[', b'"31403":[9999999999999999999999') + b"\n" + body,
    }[how]
    assert damaged != content
    path.write_bytes(damaged)


@pytest.mark.parametrize(
    "how",
    [
        *("empty", "cut in the first line", "cut at the end", "longer", "another format", "binary", "not UTF-8"),
        *("nested", "an entry is damaged", "an entry is another's", "a place is wrong", "a place is too far"),
    ],
)
def test_a_damaged_one_is_left_out_and_told_in_one_line(how: str, stored: Path) -> None:
    damage(stored, how)
    official.forget()
    answer = lookup.explain(["31403"])
    assert kinds(answer.matches) == [(31403, "code")]
    assert answer.is_answered
    trouble = official.dictionary().trouble
    assert trouble is not None
    assert trouble.startswith("Twilio's stored dictionary is left out")
    assert len(trouble.splitlines()) == 1
    intake.store(sample(), "x", WHEN)
    assert kinds(lookup.explain(["31403"]).matches) == [(31403, "code"), (31403, "dictionary")]


def test_one_that_cannot_be_opened(dictionary_file: Path) -> None:
    dictionary_file.mkdir(parents=True)
    assert kinds(lookup.explain(["31403"]).matches) == [(31403, "code")]
    assert "directory" in (official.dictionary().trouble or "")


def test_one_that_vanishes_after_it_was_opened(stored: Path) -> None:
    assert official.dictionary().codes
    stored.unlink()
    assert kinds(lookup.explain(["31403"]).matches) == [(31403, "code")]
    assert "No such file" in (official.dictionary().trouble or "")


def test_without_one_nothing_is_opened(dictionary_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = open

    def watched(path: str, mode: str) -> object:
        opened.append(path)
        return real(path, mode)

    monkeypatch.setattr(official, "open", watched, raising=False)
    assert lookup.explain(["31403"]).is_answered
    assert opened == []
    intake.store(sample(), "x", WHEN)
    lookup.explain(["31403"])
    assert set(opened) == {str(dictionary_file)}
