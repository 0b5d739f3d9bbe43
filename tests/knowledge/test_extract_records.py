"""What a record is in each kind of log, so that everything is counted once, and where it stands."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable

import pytest

from voicediag.knowledge import extract, records, store
from voicediag.knowledge.extract import Seen


def told(seen: Seen) -> dict[str, tuple[int, int, int]]:
    """Return for each entry: count, first line, last line."""
    numbers = list(seen.entries)
    tallies = [(entry.id, seen.entries[number]) for number, entry in zip(numbers, store.entries(numbers), strict=True)]
    return {name: (tally.count, tally.first_line, tally.last_line) for name, tally in tallies}


def read(log: str | bytes) -> dict[str, tuple[int, int, int]]:
    return told(extract.read(io.BytesIO(log.encode() if isinstance(log, str) else log)))


def alert(code: int, number: int, **more: object) -> dict[str, object]:
    """Return an alert as Twilio's Monitor lists them: the code in a field, in an address and in a text."""
    return {
        "sid": f"NO{number:032x}",
        "error_code": str(code),
        "more_info": f"https://www.twilio.com/docs/api/errors/{code}",
        "alert_text": f'Msg="a \\"quoted\\" {{brace}} and [bracket" &ErrorCode={code}&LogLevel=ERROR',
        "request_variables": [{"name": "CallSid", "value": "x"}, {"name": "code", "value": "20003"}],
        "service_sid": None,
        **more,
    }


ALERTS = [alert(11200, 1), alert(13227, 2), alert(11200, 3), alert(11200, 4)]
FORMS: dict[str, Callable[[], str]] = {
    "array, indented": lambda: json.dumps(ALERTS, indent=2),
    "array, one line": lambda: json.dumps(ALERTS),
    "array, compact": lambda: json.dumps(ALERTS, separators=(",", ":")),
    "array, an object a line": lambda: "[\n" + ",\n".join(json.dumps(each) for each in ALERTS) + "\n]\n",
    "list of the API, indented": lambda: json.dumps({"meta": {"page": 0, "key": "alerts"}, "alerts": ALERTS}, indent=4),
    "list of the API, one line": lambda: json.dumps({"meta": {"page": 0}, "alerts": ALERTS}),
    "JSON lines": lambda: "".join(json.dumps(each) + "\n" for each in ALERTS),
    "documents, indented": lambda: "\n".join(json.dumps(each, indent=2) for each in ALERTS),
    "within a text": lambda: "alerts of today:\n" + json.dumps(ALERTS, indent=2) + "\ndone\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_an_object_of_a_json_export_is_a_record(form: str) -> None:
    found = read(FORMS[form]())
    assert found["11200"][0] == 3
    assert found["13227"][0] == 1
    assert set(found) == {"11200", "13227"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block", [1, 13, 100])
def test_where_blocks_end_does_not_matter(form: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = FORMS[form]()
    whole = read(log)
    monkeypatch.setattr(records, "BLOCK", block)
    assert read(log) == whole


def test_lines_of_a_json_export_are_told() -> None:
    log = json.dumps([alert(11200, 1), alert(11200, 2)], indent=2)
    lines = [number for number, line in enumerate(log.splitlines(), 1) if '"error_code"' in line]
    assert read(log)["11200"] == (2, lines[0], lines[1])


def test_after_a_document_a_line_is_a_record() -> None:
    log = json.dumps({"settings": {"edge": "ashburn"}}, indent=2) + "\nerror 31005\nfine\nerror 31005\n"
    assert read(log) == {"31005": (2, 6, 8)}


def test_what_is_indented_below_an_error_is_part_of_it() -> None:
    dump = (
        "AcquisitionFailedError: AcquisitionFailedError (31402): no media\n"
        "    at new AcquisitionFailedError (generated.ts:422:1)\n"
        "    at Call.accept (call.ts:700:1) {\n"
        "  code: 31402,\n"
        "  moreInfo: 'https://www.twilio.com/docs/errors/31402',\n"
        "}\n"
    )
    assert read("x\n" + dump + dump) == {"31402": (2, 2, 8)}


def test_indented_lines_of_their_own_count() -> None:
    assert read("call\n  error 31005\n  error 31005\n") == {"31005": (2, 2, 3)}
    assert read("    code: 20003\n    code: 20003\n") == {"20003": (2, 1, 2)}


TABLE = (
    'Date,SID,"Error Code",Message,Port\n'
    '2026-01-31,NO1,11200,"Got ""502"", see\nhttps://www.twilio.com/docs/errors/11200\nport 31402",31403\n'
    "2026-01-31,NO2,13227,geo,20003\n"
    '2026-01-31,NO3,"11200","x, y",\n'
    "2026-01-31,NO4,,nothing,31005\n"
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_row_of_a_table_is_a_record(delimiter: str, ending: str) -> None:
    table = TABLE.replace(",", delimiter).replace("\n", ending)
    assert read(table) == {"11200": (2, 2, 6), "13227": (1, 5, 5)}


def test_a_table_of_alerts_may_lack_its_codes_column() -> None:
    assert read("date,level,message\n1,error,error 31005\n2,error,31402\n") == {"31005": (1, 2, 2)}


def test_an_unknown_code_of_a_table_is_told_below_a_heading_that_is_certain() -> None:
    assert set(extract.read(io.BytesIO(b"id,error_code\n1,31999\n")).unknown) == {31999}
    assert not extract.read(io.BytesIO(b"id,code\n1,10017\n")).unknown


@pytest.mark.parametrize("block", [1, 20, 77])
def test_a_row_may_lie_in_two_pieces(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLE + 'a,b,31005,"' + "long\n" * 600 + '",1\n' + "a,b,31005,c,d\n" * 3
    whole = read(table)
    assert whole["31005"] == (4, 8, 611)
    monkeypatch.setattr(records, "BLOCK", block)
    assert read(table) == whole


def test_a_lost_quotation_mark_does_not_swallow_the_rest() -> None:
    table = 'id,error_code\n1,"31005\n' + "2,20003\n" * 20_000
    assert read(table)["20003"][0] > 5_000


def test_one_line_of_many_objects() -> None:
    chance = random.Random(7)
    codes = [chance.choice((11200, 12100, 13227, 31005)) for _ in range(3_000)]
    log = json.dumps([alert(code, number) for number, code in enumerate(codes)])
    assert len(log) > 3 * records.LONGEST_LINE
    found = read(log)
    assert {name: count for name, (count, _, _) in found.items()} == {str(c): codes.count(c) for c in set(codes)}
    assert {(first, last) for _, first, last in found.values()} == {(1, 1)}


@pytest.mark.parametrize(
    ("log", "name", "count"),
    [
        ('[{"name":"high-rtt","group":"network-quality-warning-raised"},'
         '{"name":"high-rtt","group":"network-quality-warning-cleared"},'
         '{"name":"high-rtt","group":"network-quality-warning-raised"}]', "high-rtt", 2),
        ("[TwilioVoice][Call] #warning low-mos\n[TwilioVoice][Call] #warning-cleared low-mos\n", "low-mos", 1),
    ],
)  # fmt: skip
def test_a_warning_counts_when_raised(log: str, name: str, count: int) -> None:
    assert {key: value[0] for key, value in read(log).items()} == {name: count}
    pretty = json.dumps(json.loads(log), indent=2) if log.startswith("[{") else log
    assert {key: value[0] for key, value in read(pretty).items()} == {name: count}


def test_a_har_file_has_a_record_an_entry() -> None:
    def entry(code: int, number: int) -> dict[str, object]:
        text = json.dumps({"code": code, "message": "x", "status": 400})
        return {
            "time": 31402.5, "connection": "20003", "request": {"url": "https://api.example", "headersSize": 20003},
            "response": {"bodySize": 31005, "content": {"text": text}}, "_n": number,
            "_webSocketMessages": [{"type": "receive", "data": json.dumps({"payload": {"error": {"code": code}}})}],
        }  # fmt: skip

    har = {"log": {"version": "1.2", "pages": [], "entries": [entry(20101, 1), entry(31202, 2), entry(20101, 3)]}}
    for indent in (None, 2):
        found = read(json.dumps(har, indent=indent))
        assert {name: value[0] for name, value in found.items()} == {"20101": 2, "31202": 1}
