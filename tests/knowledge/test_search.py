"""Questions in words. How many of those in questions.toml are answered rightly, bench/search.py tells."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, convert

from voicediag.knowledge import build, lookup, search, store, wording
from voicediag.model.explanation import Match


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of questions.toml."""

    ask: str
    want: list[str]
    half: str


QUESTIONS = convert(
    tomllib.loads((Path(__file__).parent / "questions.toml").read_text(encoding="utf-8"))["question"], list[Question]
)


def found(question: str) -> list[str]:
    hits = search.search(question)
    return [entry.id for entry in store.entries([number for number, _ in hits])]


def label(match: Match) -> str:
    return str(match.code) if match.kind == "code" else str(match.name)


def explained(*question: str) -> list[str]:
    return [label(match) for match in lookup.explain(question).matches]


# --- the set of questions


def test_the_questions_are_many_and_in_two_halves() -> None:
    assert len(QUESTIONS) >= 300
    halves = Counter(question.half for question in QUESTIONS)
    assert set(halves) == {"tune", "held-out"}
    assert abs(halves["tune"] - halves["held-out"]) <= 2
    assert len({question.ask for question in QUESTIONS}) == len(QUESTIONS)


def test_every_answer_that_a_question_wants_has_an_entry() -> None:
    """Else a missing entry would count as a bad search."""
    own = {store.normal(entry.id) for entry in store.everything()}
    own |= {store.normal(name) for entry in store.everything() for name in [(entry.sdk_class or "").rpartition(".")[2]]}
    wanted = {name for question in QUESTIONS for name in question.want}
    assert sorted(name for name in wanted if store.normal(name) not in own) == []


def test_the_half_that_was_tuned_on_stays_answered() -> None:
    """Leaves some room below what bench/search.py prints, so that an entry can be added without tuning anew."""
    tune = [question for question in QUESTIONS if question.half == "tune"]
    known = [question for question in tune if question.want]
    seen = [[store.normal(name) for name in explained(question.ask)] for question in known]
    want = [{store.normal(name) for name in question.want} for question in known]
    first = sum(not right.isdisjoint(names[:1]) for names, right in zip(seen, want, strict=True))
    within_three = sum(not right.isdisjoint(names[:3]) for names, right in zip(seen, want, strict=True))
    nonsense = [question.ask for question in tune if not question.want]
    assert first / len(known) >= 0.88
    assert within_three / len(known) >= 0.95
    assert sum(explained(question) == [] for question in nonsense) / len(nonsense) >= 0.94


# --- ranking


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("the customer hears herself with a delay", "echo"),
        ("customers can't hear me", "one-way-audio"),
        ("I can't hear them but they can hear me", "one-way-audio"),
        ("neither of us can hear the other", "no-audio"),
        ("the call keeps cutting out", "audio-cutting-out"),
        ("mic volume goes up and down by itself", "microphone-level-changes"),
        ("people say that I sound like a machine", "choppy-robotic-audio"),
        ("my headset is muted", "mic.silent"),
        ("geo permissions for calls to Peru", "21215"),
        ("websocket blocked by the proxy", "net.websocket-blocked"),
        ("bufferbloat on our office router", "net.bufferbloat"),
    ],
)
def test_the_right_entry_comes_first(question: str, first: str) -> None:
    assert found(question)[0] == first


def test_from_and_to_are_told_apart_although_they_are_little_words() -> None:
    sender, callee = found("the From number is not verified")[:3], found("the To number is not verified")[:3]
    assert ("21210" in sender, "21210" in callee) == (True, False)
    assert ("21219" in sender, "21219" in callee) == (False, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("echoes", "echoing"),
        ("cuts", "cutting"),
        ("delayed", "delays"),
        ("recognise", "recognized"),
        ("unauthorised", "unauthorized"),
        ("behaviour", "behavior"),
        ("signalling", "signaling"),
        ("cancelled", "canceled"),
        ("connection", "connecting"),
    ],
)
def test_inflections_and_spellings_share_a_stem(one: str, other: str) -> None:
    assert wording.stem(one) == wording.stem(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can't hear them", "i cannot hear them"),
        ("she doesn’t hear us", "she does not hear us"),
        ("getUserMedia", "get user media"),
        ("the mike", "the microphone"),
        ("sound cuts in and out", "dropouts of the audio"),
        ("calls won't go through", "calls do not connect"),
    ],
)
def test_what_is_said_for_one_thing_is_one_thing(one: str, other: str) -> None:
    table = build.lexicon()
    assert set(wording.terms(one, table)) == set(wording.terms(other, table)) != set()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("micropone permision denyed", "microphone permission denied"),
        ("high jiter on my netwrok", "high jitter on my network"),
        ("robotik voice", "robotic voice"),
        ("head set disconected", "headset disconnected"),
        ("web hook certificat expired", "webhook certificate expired"),
        ("MICROPHONE DEVICE IN USE BY ANOTHER APPLICATION", "microphone device in use by another application"),
    ],
)
def test_typing_errors_and_capitals_do_not_matter(written: str, meant: str) -> None:
    assert found(written)[0] == found(meant)[0]


def test_a_term_that_several_phrases_claim_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wording.toml").write_text(
        'stop = ""\ntopic = ""\nhint = ""\n[same]\na = "same thing"\nb = "same things"\n'
    )
    with pytest.raises(build.Wrong, match="same thing"):
        build.lexicon(tmp_path)


# --- what is no question


@pytest.mark.parametrize(
    "question",
    [
        *("", "the and of", "xyzzy plugh", "lorem ipsum dolor", "42", "hello", "thank you very much", "?!"),
        *("how do I bake bread", "what is the capital of Australia", "bitcoin price", "how to change a flat tyre"),
        *("git merge conflict in my branch", "best hotel with pool and breakfast", "my knee hurts after running"),
        *("как приготовить борщ", "今天天气怎么样", "🎉🎉🎉", "\x00\x01\x1b[2J", "ﬁ ß ı"),
    ],
)
def test_nonsense_finds_nothing(question: str) -> None:
    assert found(question) == []


@given(st.text())
def test_any_text_has_at_most_five_answers(question: str) -> None:
    assert len(search.search(question)) <= 5


@pytest.mark.parametrize("filler", ["x", "word ", "🙂", "нет ", "a.b-", "qzvw", "\x00", "echoo ", "1 "])
def test_a_megabyte_is_a_question_like_any_other(filler: str) -> None:
    """What lies beyond the longest question is not looked at, so that it costs no time."""
    text = "echo on the line " + filler * (1_000_000 // len(filler))
    assert search.search(text) == search.search(text[: search.LONGEST])


# --- scores


def test_scores_fall_and_are_shares_of_one() -> None:
    scores = [score for _, score in search.search("no audio from the headset microphone")]
    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)
    assert sum(scores) <= 1.001


def test_one_clear_answer_scores_high_and_two_close_ones_lower() -> None:
    assert search.search("websocket blocked by the proxy")[0][1] > 0.9
    one, other = search.search("could not create local sdp")[:2]  # 53400 is the client's, 53401 the server's
    assert one[1] < 0.7
    assert other[1] > 0.3


# --- what a line names


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("call failed with 31402 after 20 s", "31402"),
        ("UNCAUGHT NOTALLOWEDERROR: PERMISSION DENIED", "NotAllowedError"),
        ("SIP/2.0 486 Busy Here", "SIP-486"),
        ("got sip 503 from the carrier", "SIP-503"),
        ("HTTP/1.1 502 Bad Gateway", "HTTP-502"),
        ("sounddevice.PortAudioError: Error opening InputStream [PaErrorCode -9996]", "-9996"),
        ("warning high-rtt raised twice", "high-rtt"),
        ("HIGH_PACKET_LOSS on the carrier edge", "high-packet-loss"),
    ],
)
def test_what_a_line_names_is_its_answer(line: str, first: str) -> None:
    answer = lookup.explain([line])
    assert label(answer.matches[0]) == first or str(answer.matches[0].code) == first
    assert answer.matches[0].score == 1


@pytest.mark.parametrize(
    "text", ["my zip code is 10001", "order number: 21211", "it cost 20003 dollars", "$31005", "we lost 13224 packets"]
)
def test_a_number_of_something_else_is_no_code(text: str) -> None:
    assert all(match.score < 1 for match in lookup.explain([text]).matches)


def test_a_word_that_is_also_an_alias_is_not_all_of_a_sentence() -> None:
    assert explained("jitter on wi-fi")[0] == "jitter"
    assert explained("wi-fi") == ["host.wifi"]


def test_an_unknown_code_in_a_sentence_is_told_beside_what_the_words_find() -> None:
    answer = lookup.explain(["Twilio error 31999: one way audio since then"])
    assert label(answer.matches[0]) == "one-way-audio"
    assert [unknown.family for unknown in answer.unknown] == ["319xx, Media Streams"]
    assert not answer.is_answered
    assert explained("Twilio error 31999, what is it?") == []


def test_searching_for_a_name_searches() -> None:
    answer = lookup.search_words("echo")
    assert answer.matches[0].name == "echo"
    assert answer.matches[0].score < 1
    assert lookup.search_words("xyzzy").unknown
    with pytest.raises(lookup.QuestionError):
        lookup.search_words(" ")
