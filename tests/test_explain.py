"""`voicediag explain` as a person and a script meet it: text, JSON, exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.command import environment, voicediag
from tests.test_startup import HEAVY, imported_by
from voicediag.cli.explain import explain
from voicediag.knowledge import lookup, store
from voicediag.knowledge.entry import Entry
from voicediag.model.explanation import Explanation, Log, Match, Reading, Unknown
from voicediag.report import explanation as report

LOG = b"AcquisitionFailedError (31402)\nok\nerror 31402\nwarning high-rtt\n"


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(explain, list(arguments), input=stdin)


def document(result: Result) -> dict[str, Any]:
    read = json.loads(result.stdout)
    assert isinstance(read, dict)
    return read


# --- exit codes and streams


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["31403"], 0),
        (["31403", "mic.silent", "AcquisitionFailedError"], 0),
        (["callers sound robotic"], 0),
        (["-9996"], 0),
        (["--", "-9996"], 0),
        (["--search", "echo"], 0),
        (["--list"], 0),
        (["--list", "--family", "31"], 0),
        (["31299"], 1),
        (["31403", "31299"], 1),
        (["0"], 1),
        (["-1"], 1),
        (["999999999"], 1),
        (["31403.5"], 1),
        (["xyzzy plugh"], 1),
        (["--", "--bogus"], 1),
        (["--search", "xyzzy"], 1),
        (["--family", "99"], 1),
        (["--file", "/nonexistent/console.log"], 1),
        (["--file", "/"], 1),
        ([""], 2),
        (["x" * 1_000_000], 2),
        (["--bogus"], 2),
        (["-x"], 2),
        (["31403", "--search", "echo"], 2),
        (["--list", "--file", "x"], 2),
        (["--family", "abc"], 2),
        (["--search", ""], 2),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else str(value),
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    result = run(*arguments)
    assert result.exit_code == code, result.output[-500:]
    assert bool(result.stderr) == (code != 0), "a failure is explained on standard error, a success says nothing there"


@pytest.mark.parametrize("query", ["31299", "0", "-1", "999999999", "31403.5", "xyzzy", "", "\x1b[2J", "x" * 100_000])
def test_a_bad_question_gets_one_clear_line_and_no_traceback(query: str, tmp_path: Path) -> None:
    done = voicediag(["explain", query], tmp_path)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith("voicediag: ")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr
    assert len(done.stderr) < 400


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    done = voicediag(["explain", "--jsno", "31403"], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--jsno" in done.stderr


def test_a_terminal_is_never_waited_for(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "voicediag", "explain"],
            stdin=slave,
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            timeout=30,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing to explain" in done.stderr


def test_it_starts_light(tmp_path: Path) -> None:
    imported = imported_by(["-m", "voicediag", "explain", "31403"], tmp_path)
    assert "voicediag.knowledge.store" in imported
    assert {name for name in imported if name.partition(".")[0] in HEAVY | {"difflib"}} == set()


def test_one_answer_reads_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    entries = store.entries

    def watched(numbers: list[int]) -> list[Entry]:
        asked.extend(numbers)
        return entries(numbers)

    monkeypatch.setattr(store, "entries", watched)
    monkeypatch.setattr(store, "everything", lambda: pytest.fail("all entries were read"))
    assert run("31403").exit_code == 0
    assert len(asked) == 1


# --- text


@pytest.mark.parametrize(
    "entry", [entry for entry in store.everything() if entry.tier == "deep" or entry.kind != "code"], ids=lambda e: e.id
)
def test_the_text_fits_80_columns_and_says_everything(entry: Entry) -> None:
    answer = Explanation(query=(entry.id,), matches=(entry.as_match(),))
    text = report.render(answer)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "{subject}" not in text, "a place in a command was not filled"
    flat = " ".join(text.split())
    for part in (entry.title, *(reading.summary for reading in entry.readings), *entry.fixes):
        assert " ".join(part.split()) in flat or part in flat.replace("1. ", ""), part


def test_the_answer_comes_first() -> None:
    text = run("31402").stdout
    lines = text.splitlines()
    assert lines[0] == "31402  UserMedia Acquisition Failed"
    order = ["Is this you?", "Fix", "Prevent", "Get help", "Confirm", "See also", "Sources"]
    places = [lines.index(heading) for heading in order]
    assert places == sorted(places)


def test_31403_shows_both_readings_with_source_and_fixes() -> None:
    text = run("31403").stdout
    first, second = text.index("Reading 1 of 2: Forbidden"), text.index("Reading 2 of 2: The selected output device")
    assert "by Twilio's dictionary" in text[first:second]
    assert "by An undated article on 31403" in text[second:]
    assert text[first:second].count("\nFix\n") == text[second:].count("\nFix\n") == 1
    assert text.count("Is this you?") == 2


def test_headings_are_bold_only_where_color_is_on() -> None:
    assert "\x1b[" not in run("31403").stdout
    assert "\x1b[1mFix\x1b[0m" in run("31403", "--color", "always").stdout
    assert "\x1b[" not in run("31403", "--color", "never").stdout


def test_a_cause_that_nobody_documents_says_so() -> None:
    reading = Reading(
        source="x",
        title="T",
        summary="S.",
        causes=("A.", "B.", "C."),
        cause_bases=("documented", "inferred", "sdk-source"),
    )
    match = Match(code=31999, kind="code", name=None, title="T", readings=(reading,))
    text = report.render(Explanation(query=("31999",), matches=(match,)))
    assert "  - A.\n  - B. [inferred]\n  - C. [read in the SDK's source]\n" in text
    bare = msgspec.structs.replace(match, readings=(msgspec.structs.replace(reading, causes=(), cause_bases=()),))
    assert "No cause is documented." in report.render(Explanation(query=("31999",), matches=(bare,)))


def test_a_list_has_a_line_for_each() -> None:
    lines = run("--family", "314").stdout.splitlines()
    assert "31403  Forbidden" in lines
    everything = run("--list").stdout.splitlines()
    assert len(everything) == len(store.everything())
    assert max(map(len, everything)) <= 80


@pytest.mark.parametrize(
    ("scores", "in_full"), [((0.9, 0.05), 1), ((0.5, 0.3, 0.29), 2), ((0.5, 0.1), 1), ((1.0, 1.0, 1.0), 3), ((0.7,), 1)]
)
def test_of_a_search_the_best_and_one_that_comes_close_are_shown_in_full(
    scores: tuple[float, ...], in_full: int
) -> None:
    reading = Reading(source="x", title="T", summary="All of it.")
    matches = tuple(
        Match(code=31990 + number, kind="code", name=None, title=f"T{number}", readings=(reading,), score=score)
        for number, score in enumerate(scores)
    )
    answer = Explanation(query=("words",), matches=matches)
    for text in (report.render(answer), report.to_markdown(answer)):
        assert text.count("All of it.") == in_full
        assert ("Less likely" in text) == (in_full < len(scores))
        places = [text.index(f"T{number}") for number in range(len(scores))]
        assert places == sorted(places)
        assert all((f"{score:.2f}" in text) == (score < 1) for score in scores)


def test_markdown() -> None:
    text = run("31403", "--markdown").stdout
    assert text.startswith("## 31403: Forbidden\n")
    assert "### Reading 2 of 2" in text
    assert "<Dial>" not in run("13227", "--markdown").stdout


# --- JSON


def test_the_document_is_that_of_the_contract() -> None:
    read = document(run("31403", "one-way-audio", "--json"))
    assert list(read)[:3] == ["schema", "query", "matches"]
    assert (read["schema"], read["query"]) == ("voicediag.explanation/1", ["31403", "one-way-audio"])
    code, symptom = read["matches"]
    assert (code["code"], code["kind"], code["name"]) == (31403, "code", "ClientErrors.Forbidden")
    assert (symptom["code"], symptom["kind"], symptom["name"]) == (None, "symptom", "one-way-audio")
    for match in (code, symptom):
        assert match["causes"] == match["readings"][0]["causes"]
        assert match["fixes"] == match["readings"][0]["fixes"]
        for key in ("causes", "fixes", "prevention", "related", "symptoms", "confirm"):
            assert isinstance(match[key], list)
        assert set(match["readings"][0]) >= {
            "source",
            "date",
            "sdk",
            "title",
            "summary",
            "causes",
            "fixes",
            "tell_apart",
        }
        assert match["score"] == 1.0
        assert not {"count", "first_line", "last_line"} & set(match)


def test_a_findings_fixes_are_those_of_all_systems_and_its_commands_can_be_run() -> None:
    match = document(run("mic.silent", "--json"))["matches"][0]
    assert match["fixes"] == match["readings"][0]["fixes"]
    assert [fix.partition(":")[0] for fix in match["fixes"][:3]] == ["Windows", "macOS", "Linux"]
    assert match["confirm"] == ["voicediag mic-test"]


def test_a_code_without_a_class_has_no_name() -> None:
    assert document(run("20003", "--json"))["matches"][0]["name"] is None


def test_every_name_in_the_document_is_accepted() -> None:
    for match in lookup.listing(None).matches:
        name = match.name if match.name is not None else str(match.code)
        assert match in lookup.explain([name]).matches, name


def test_nothing_found_has_no_matches() -> None:
    read = document(result := run("31299", "--json"))
    assert (read["matches"], result.exit_code) == ([], 1)
    assert read["unknown"][0]["family"].startswith("312xx")


def test_the_document_can_be_read_back() -> None:
    text = run("31403", "echo", "--json").stdout
    again = msgspec.json.decode(text, type=Explanation)
    assert report.to_json(again) + "\n" == text


def test_the_document_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    result = run("31403", "--output", str(file))
    assert result.exit_code == 0
    assert result.stdout.startswith("31403  Forbidden")
    assert json.loads(file.read_text(encoding="utf-8"))["query"] == ["31403"]


# --- logs


def test_a_log_on_standard_input(tmp_path: Path) -> None:
    done = voicediag(["explain"], tmp_path, stdin=LOG)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "standard input: 4 lines; 2 things, worst first"
    assert lines[1] == "  31402  UserMedia Acquisition Failed: 2 times, lines 1 to 3"
    assert lines[2] == "  high-rtt  High round-trip time: once, line 4"
    assert done.stdout.count("UserMedia Acquisition Failed") == 2, "each is explained once"


def test_a_log_in_a_file_as_json(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(LOG)
    read = document(result := run("--file", str(log), "--json"))
    assert result.exit_code == 1
    assert [(m["code"], m["count"], m["first_line"], m["last_line"]) for m in read["matches"]] == [
        (31402, 2, 1, 3),
        (None, 1, 4, 4),
    ]
    assert read["log"] == {"name": str(log), "lines": 4, "bytes": len(LOG)}


def test_a_clean_log(tmp_path: Path) -> None:
    done = voicediag(["explain", "--file", "-"], tmp_path, stdin=b"all is well\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "standard input: 1 line; nothing of Twilio's\n", "")
    assert voicediag(["explain"], tmp_path).returncode == 0


def test_the_name_of_a_log_is_made_visible() -> None:
    answer = Explanation(query=("x",), matches=(), log=Log("\x1b[2J.log", 1, 2))
    assert report.render(answer) == "\\x1b[2J.log: 1 line; nothing of Twilio's\n"


def test_what_is_unknown_is_said_after_what_is_known() -> None:
    unknown = Unknown(query="x", reason="nothing")
    assert not Explanation(query=("x",), matches=(), unknown=(unknown,)).is_answered
    result = run("31403", "31299")
    assert result.stdout.startswith("31403")
    assert result.stderr.startswith("voicediag: nothing is known about 31299")
