"""The validator: each kind of mistake that a writer can make is named, with the file and the entry."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from voicediag.knowledge import build, store

GOOD = """
[[entry]]
code = 31999
title = "Something"
summary = "It is something."
fixes = ["Do something."]
sources = ["page@2026-01-31"]
"""
SOURCES = '[[source]]\nid = "own"\ntitle = "Own"\naddress = "docs/x.md"\n'
FAMILIES = '[[family]]\nprefix = "31"\ntitle = "the Voice SDKs"\n'


def data(folder: Path, text: str) -> Path:
    (folder / "sources.toml").write_text(SOURCES, encoding="utf-8")
    (folder / "families.toml").write_text(FAMILIES, encoding="utf-8")
    (folder / "codes.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_short_entry_is_enough(tmp_path: Path) -> None:
    built, missing = build.build(data(tmp_path, GOOD))
    assert missing == []
    assert set(built.files) == {"entries.jsonl", "names.json", "search.json"}
    assert b"2026-01-31" in built.files["entries.jsonl"]
    assert build.build(tmp_path) == (built, []), "the same entries give the same bytes"


MISTAKES = [
    (GOOD.replace("title", "titel"), "31999: Object contains unknown field `titel`"),
    (GOOD.replace("code = 31999", 'code = "31999"'), "31999: Expected `int | null`, got `str` - at `$.code`"),
    (GOOD.replace("code = 31999", "code = 319"), "five digits"),
    (GOOD.replace("code = 31999", 'name = "x y"\nkind = "warning"'), "'x y' is no name"),
    (GOOD.replace("code = 31999", 'kind = "warning"\ncode = 3'), "needs a `name`"),
    (GOOD + 'severity = "bad"', "31999: Invalid enum value 'bad'"),
    (GOOD.replace('fixes = ["Do something."]', ""), "no `fixes`"),
    (GOOD.replace('sources = ["page@2026-01-31"]', ""), "no `sources`"),
    (GOOD.replace("page@2026-01-31", "nowhere"), "source 'nowhere' is not in sources.toml"),
    (GOOD + 'tier = "deep"', "tier deep needs `prevention`"),
    (GOOD + "related = [31999]", "is related to itself"),
    (GOOD + 'symptoms = ["hiccups"]', "'hiccups' is no symptom"),
    (GOOD + 'confirm = ["voicediag fix-it"]', "'voicediag fix-it' is no command of ours"),
    (GOOD + 'confirm = ["rm -rf /"]', "is no command of ours"),
    (GOOD + f'confirm = ["voicediag explain {"x" * 76}"]', "would not fit its line"),
    (GOOD + 'warnings = ["high-rtt"]', "belong to findings"),
    (GOOD + 'serves = ["2-17"]', "'2-17' is no point of a digest"),
    (GOOD.replace("It is something.", "It is `something`."), "backtick"),
    (GOOD.replace("It is something.", "\\u001b[2J"), "control character"),
    (GOOD.replace("It is something.", " "), "an empty text"),
    (GOOD.replace("It is something.", "x" * 701), "more than 700 characters"),
    (GOOD + GOOD, "31999: is also in codes.toml"),
    (GOOD + '[[entry.reading]]\nsource = "own"\ntitle = "T"\nsummary = "S"\nfixes = ["F"]', "need `tell_apart`"),
    (GOOD + "[other]\nx = 1", "unknown table or key 'other'"),
    ("[[entry]\n", "codes.toml:"),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_a_mistake_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(build.Wrong) as wrong:
        build.build(data(tmp_path, text))
    problems = [problem for problem in wrong.value.args if told in problem]
    assert problems, wrong.value.args
    assert all(problem.startswith("codes.toml: ") for problem in problems)


def test_a_name_that_nobody_wrote_yet_is_told_and_left_out(tmp_path: Path) -> None:
    built, missing = build.build(data(tmp_path, GOOD + "related = [31998]"))
    assert missing == ["codes.toml: 31999: related 31998 has no entry"]
    assert b'"related":[]' in built.files["entries.jsonl"]


def test_a_text_that_four_codes_share_is_refused(tmp_path: Path) -> None:
    codes = "".join(GOOD.replace("31999", str(31990 + number)) for number in range(4))
    with pytest.raises(build.Wrong) as wrong:
        build.build(data(tmp_path, codes))
    assert "31990, 31991, 31992, 31993: share the text 'It is something.'…" in wrong.value.args
    assert not any("'Something'" in problem for problem in wrong.value.args), "a title may be shared: it is Twilio's"


@pytest.mark.parametrize(
    ("written", "text", "basis"),
    [
        ("Plain.", "Plain.", "documented"),
        ("inferred: It follows.", "It follows.", "inferred"),
        ("sdk-source: It is\n  read.", "It is read.", "sdk-source"),
        ("guessed: It is so.", "guessed: It is so.", "documented"),
    ],
)
def test_a_cause_tells_its_basis(tmp_path: Path, written: str, text: str, basis: str) -> None:
    built, _ = build.build(data(tmp_path, f'{GOOD}causes = ["""{written}"""]'))
    assert f'"causes":["{text}"],"cause_bases":["{basis}"]'.encode() in built.files["entries.jsonl"]


def test_the_command_checks_files_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text(GOOD.replace("title", "titel"), encoding="utf-8")
    assert build.main(["--check", str(own)]) == 1
    assert capsys.readouterr().err.startswith("own.toml: 31999: Object contains unknown field `titel`")
    own.write_text(GOOD, encoding="utf-8")
    assert build.main(["--check", str(own)]) == 0
    assert capsys.readouterr().err == "in order\n"


NAMED = """
[[entry]]
kind = "{kind}"
name = "{name}"
title = "Something"
aliases = [{alias}]
summary = "It is something."
fixes = ["Do something."]
sources = ["own"]
"""


def names(built: build.Built) -> store.Names:
    return msgspec.json.decode(built.files["names.json"], type=store.Names)


def test_who_is_called_so_comes_before_who_is_also_called_so(tmp_path: Path) -> None:
    text = NAMED.format(kind="tag", name="a", alias='"lost packets"') + NAMED.format(
        kind="tag", name="lost-packets", alias=""
    )
    assert names(build.build(data(tmp_path, text))[0]).keys["lost-packets"] == [1, 0]


def test_a_log_is_not_searched_for_names_that_anything_throws(tmp_path: Path) -> None:
    text = "".join(NAMED.format(kind="exception", name=name, alias="") for name in ("AbortError", "NotReadableError"))
    found = names(build.build(data(tmp_path, text))[0])
    assert set(found.spoken) == {"NotReadableError"}
    assert "aborterror" in found.keys
