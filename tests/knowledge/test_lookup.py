"""Questions and their answers: codes in every dress, names, sentences, and what is no question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.knowledge import lookup, official
from voicediag.knowledge.lookup import QuestionError, explain
from voicediag.model.explanation import Explanation


def names(answer: Explanation) -> list[str]:
    return [str(match.code) if match.kind == "code" else match.name or "" for match in answer.matches]


@pytest.mark.parametrize(
    "query",
    [
        *("31403", " 31403 ", "E31403", "e31403", "error 31403", "Error: 31403", "#31403", "ERROR CODE 31403"),
        *("code=31403", "Twilio error 31403", "twilio-error-31403", "error_code: 31403", "31403:", "no. 31403"),
        *("ClientErrors.Forbidden", "clienterrors.forbidden"),
        *(
            "31403 what does it mean?",
            "Uncaught (in promise) Error 31403 at foo.js:17",
            "Got HANGUP (31403) from gateway",
        ),
    ],
)
def test_a_code_in_any_dress(query: str) -> None:
    answer = explain([query])
    assert names(answer) == ["31403"]
    assert (answer.unknown, answer.is_answered) == ((), True)
    assert answer.matches[0].name == "ClientErrors.Forbidden"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("AcquisitionFailedError", ["31402"]),
        ("acquisitionfailederror", ["31402"]),
        ("UserMediaErrors.AcquisitionFailedError", ["31402"]),
        ("AcquisitionFailedError (31402): no device", ["31402"]),
        ("ConnectionError", ["31005", "53000", "53405"]),
        ("one-way-audio", ["one-way-audio"]),
        ("One Way Audio", ["one-way-audio"]),
        ("ONE_WAY_AUDIO", ["one-way-audio"]),
        ("mic.clipping", ["mic.clipping"]),
        ("high-rtt", ["high-rtt"]),
        ("-9996", ["-9996"]),
        ("paInvalidDevice", ["-9996"]),
        ("saw constant-audio-input-level twice", ["constant-audio-input-level"]),
    ],
)
def test_a_name(query: str, found: list[str]) -> None:
    answer = explain([query])
    assert names(answer) == found
    assert {match.score for match in answer.matches} == {1.0}


def test_several_questions_are_answered_in_their_order_and_once() -> None:
    answer = explain(["31403", "mic.hum", "20003", "E31403"])
    assert names(answer) == ["31403", "mic.hum", "20003"]
    assert answer.query == ("31403", "mic.hum", "20003", "E31403")


def test_loose_words_are_one_sentence() -> None:
    assert names(explain(["one", "way", "audio"])) == ["one-way-audio"]
    assert names(explain(["twilio", "error", "31403"])) == ["31403"]


def test_an_unknown_code_tells_its_family_its_neighbors_and_the_page() -> None:
    answer = explain(["31299"])
    (unknown,) = answer.unknown
    assert (answer.matches, answer.is_answered) == ((), False)
    assert unknown.family == "312xx, Voice SDK: authorization"
    assert unknown.address == "https://www.twilio.com/docs/api/errors/31299"
    assert unknown.nearest
    assert all(isinstance(code, int) and code // 1000 == 31 for code in unknown.nearest)
    assert all(str(part) in unknown.reason for part in (31299, unknown.family, *unknown.nearest, unknown.address))


def test_a_known_and_an_unknown_question_are_both_answered() -> None:
    answer = explain(["31403", "99999"])
    assert names(answer) == ["31403"]
    assert [unknown.query for unknown in answer.unknown] == ["99999"]
    assert not answer.is_answered


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("0", "no Twilio code"),
        ("-1", "no PortAudio number"),
        ("999999999", "no Twilio code"),
        ("00000", "no Twilio code"),
        ("31403.5", "did you mean 31403?"),
        ("31403,5", "did you mean 31403?"),
        ("xyzzy plugh", "nothing is known about 'xyzzy plugh'"),
        ("Acquisitionfailederrer", "did you mean 'acquisitionfailederror'?"),
        ("\x1b[2J\x07", "nothing is known about '\\x1b[2J\\x07'"),
        ("٣١٤٠٣", "nothing is known"),
    ],
)
def test_what_is_not_known_gets_one_line(query: str, told: str) -> None:
    answer = explain([query])
    (unknown,) = answer.unknown
    assert answer.matches == ()
    assert told in unknown.reason
    assert "\n" not in unknown.reason
    assert "\x1b" not in unknown.reason


@pytest.mark.parametrize("queries", [[], [""], ["  \n"], ["31403", ""], ["x" * 2001], ["31403 " * 200_000]])
def test_what_is_no_question_raises(queries: list[str]) -> None:
    with pytest.raises(QuestionError) as error:
        explain(queries)
    assert len(str(error.value)) < 120


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_any_text_is_answered_or_refused(queries: list[str]) -> None:
    try:
        answer = explain(queries)
    except QuestionError:
        assert not all(query.strip() for query in queries)
        return
    assert answer.matches or answer.unknown
    assert all("\n" not in unknown.reason and len(unknown.reason) < 400 for unknown in answer.unknown)


@given(st.integers(10_000, 99_999))
def test_every_code_is_found_or_has_a_page(code: int) -> None:
    answer = explain([str(code)])
    if answer.matches:
        assert names(answer) == [str(code)]
    else:
        assert answer.unknown[0].address == official.CODE_PAGE.format(code)


def test_a_family_is_listed() -> None:
    answer = lookup.listing("314xx")
    assert {"31401", "31402", "31403"} <= set(names(answer))
    assert all(name.startswith("314") for name in names(answer))
    assert len(lookup.listing(None).matches) > 100
    assert lookup.listing("99").unknown
    for wrong in ("", "x", "-3", "314031", "3a"):
        with pytest.raises(QuestionError):
            lookup.listing(wrong)
