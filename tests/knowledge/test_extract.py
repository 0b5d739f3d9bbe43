"""Codes out of a log: what is one, what only looks like one, and that no log of any shape breaks it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicediag.knowledge import extract, records, store
from voicediag.knowledge.extract import Seen


def counts(seen: Seen) -> dict[str, int]:
    numbers = list(seen.entries)
    return {entry.id: seen.entries[number].count for number, entry in zip(numbers, store.entries(numbers), strict=True)}


def of(text: str | bytes) -> dict[str, int]:
    return counts(extract.read(io.BytesIO(text.encode() if isinstance(text, str) else text)))


CODES = [
    ("[TwilioVoice][Call] AcquisitionFailedError (31402): The browser and end-user", "31402"),
    ("Uncaught TwilioError: AccessTokenExpired (20104)", "20104"),
    ("ConnectionError (31005): A connection error occurred", "31005"),
    ('{"level":"error","code":31402,"message":"x"}', "31402"),
    ('{"error_code": "13227"}', "13227"),
    ("{code: 20003, status: 401}", "20003"),
    ("errorCode=21211&x=1", "21211"),
    ("error 31005", "31005"),
    ("ERROR: 53405 media", "53405"),
    ("Error - 20003", "20003"),
    ("<Code>21215</Code>", "21215"),
    ("more_info https://www.twilio.com/docs/errors/21212 end", "21212"),
    ("see https://www.twilio.com/docs/api/errors/32205", "32205"),
    ("Error Domain=com.twilio.voice.error Code=31403 UserInfo", "31403"),
    ("E/CallActivity: Connect failure: CallException: 31005, Connection error", "31005"),
    ("31009: Transport error", "31009"),
    ("caught PermissionDeniedError: Permission denied", "31401"),
    ("MediaErrors.ConnectionError", "53405"),
    ("warning raised: high-rtt", "high-rtt"),
    ('{"name":"constant-audio-input-level","level":"WARNING"}', "constant-audio-input-level"),
]


@pytest.mark.parametrize(("line", "name"), CODES, ids=[line for line, _ in CODES])
def test_what_is_a_code_is_taken(line: str, name: str) -> None:
    assert of(line) == {name: 1}
    assert of(f"before\n{line}\nafter\n") == {name: 1}


@pytest.mark.parametrize(
    "line",
    [
        "connected to 10.0.0.1:31402 from port 31403",
        "31402 ms",
        "error after 31402 ms",
        "error: 31402 ms",
        "call to +14155531402 and +1 415 31402",
        "CA31402314023140231402314023140231402",
        "error 31402.5",
        "error 314021",
        "code 3140",
        "zip code: 10001",
        "country_code=20003",
        "20003 records in 31403 files",
        "packets lost 31005 of 53000",
        "2026-01-31 20003",
        "UDP 31402/udp open",
        "rtt=31403us",
        "decode 20003 frames",
        "pid 31402",
        "warning-cleared high-rtt",
        "Cleared warning: low-mos",
        "so-high-rtts",
        "ConnectionError: refused",
        "403 Forbidden",
    ],
)
def test_what_only_looks_like_one_is_not(line: str) -> None:
    assert of(line) == {}


def test_a_line_counts_once_and_knows_its_place() -> None:
    log = "a\nerror 31402, error 31402\nb\nAcquisitionFailedError (31402)\n"
    seen = extract.read(io.BytesIO(log.encode()))
    (tally,) = seen.entries.values()
    assert (tally.count, tally.first_line, tally.last_line) == (2, 2, 4)
    assert (seen.lines, seen.bytes) == (4, len(log))


@pytest.mark.parametrize(("log", "lines"), [(b"", 0), (b"\n", 1), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n\n", 3)])
def test_lines_are_counted(log: bytes, lines: int) -> None:
    assert extract.read(io.BytesIO(log)).lines == lines


def test_a_column_of_codes_is_read_by_its_heading() -> None:
    log = 'sid,"error_code",port\nNO1,31402,20003\n"NO2, too",13227,31403\nNO3,,21211\nNO4,"20003",1\n'
    assert of(log) == {"31402": 1, "13227": 1, "20003": 1}


def test_an_unknown_code_is_told_where_the_field_is_certain() -> None:
    seen = extract.read(io.BytesIO(b'{"error_code": 31999}\ncode 31998\nerror_code=99999\nerror_code=31999\n'))
    assert {code: tally.count for code, tally in seen.unknown.items()} == {31999: 2}
    answer = extract.explain_log(io.BytesIO(b"error_code=31999"), "x.log")
    assert (answer.matches, answer.is_answered) == ((), False)
    assert "31999" in answer.unknown[0].reason
    assert "line 1" in answer.unknown[0].reason


def test_unknown_codes_do_not_grow_without_end() -> None:
    log = "".join(f"error_code={code}\n" for code in range(31600, 31900))
    assert len(extract.read(io.BytesIO(log.encode())).unknown) <= extract.MOST_UNKNOWN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding: str) -> None:
    assert of("Fehler: ä\r\nError: 31402\r\n".encode(encoding)) == {"31402": 1}


def test_the_worst_comes_first() -> None:
    log = b"high-rtt\nhigh-rtt\nhigh-rtt\nerror 13227\nerror 31005\nerror 31402\nerror 31402\n"
    answer = extract.explain_log(io.BytesIO(log), "x.log")
    assert [match.code or match.name for match in answer.matches] == [31402, 31005, "high-rtt", 13227]
    assert not answer.is_answered


def test_a_clean_log_is_an_answer() -> None:
    assert extract.explain_log(io.BytesIO(b"all is well\n"), "x.log").is_answered


def pieces(log: bytes, block: int, longest: int, monkeypatch: pytest.MonkeyPatch) -> Seen:
    with monkeypatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        patch.setattr(records, "LONGEST_LINE", longest)
        return extract.read(io.BytesIO(log))


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_may_cut_anywhere(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = "\n".join(line for line, _ in CODES).encode()
    assert pieces(log, block, 4 << 20, monkeypatch) == extract.read(io.BytesIO(log))


def test_a_line_that_is_too_long_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    filler = b'{"a": "b", "n": 12, '
    log = b"x\n" + b"".join(filler * 20 + b'"code": 31402, ' for _ in range(20)) + b"\nerror 20003\n"
    seen = pieces(log, 256, 1024, monkeypatch)
    assert counts(seen) == {"31402": 1, "20003": 1}
    assert (seen.lines, seen.bytes) == (3, len(log))
    assert [tally.first_line for tally in seen.entries.values()] == [2, 3]


@settings(max_examples=200)
@given(st.binary(max_size=3000))
def test_any_bytes_are_read(log: bytes) -> None:
    seen = extract.read(io.BytesIO(log))
    assert seen.bytes == len(log)


@given(st.lists(st.sampled_from([*(line for line, _ in CODES), "", "noise 12345", "x" * 300]), max_size=30))
def test_the_counts_are_those_of_the_lines(lines: list[str]) -> None:
    expected: dict[str, int] = {}
    for line in lines:
        for name in of(line):
            expected[name] = expected.get(name, 0) + 1
    assert of("\n".join(lines)) == expected
