"""The words of a finding, as the report takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.knowledge.findings import words


def test_the_systems_fixes_come_first() -> None:
    general = words("mic.silent").fixes
    for system in ("linux", "windows", "macos"):
        found = words("mic.silent", system).fixes
        assert found[-len(general) :] == general
        assert len(found) > len(general)
    assert "pactl" in words("mic.silent", "linux").fixes[0]


@pytest.mark.parametrize(("direction", "codes"), [("input", (31402,)), ("output", (31403,)), (None, (31402, 31403))])
def test_an_input_raises_other_codes_than_an_output(direction: None, codes: tuple[int, ...]) -> None:
    assert words("audio.device-missing", direction=direction).codes == codes


@pytest.mark.parametrize(
    "unknown", ["", "mic", "mic.silent ", "MIC.SILENT", "31403", "one-way-audio", "mic.unheard-of"]
)
def test_what_is_no_finding_raises(unknown: str) -> None:
    with pytest.raises(KeyError):
        words(unknown)


@pytest.mark.parametrize(
    ("subject", "command"),
    [
        ("USB Headset (2-Kanal)", 'voicediag mic-test --device "USB Headset (2-Kanal)"'),
        ("ヘッドセット", 'voicediag mic-test --device "ヘッドセット"'),
        (None, "voicediag mic-test"),
        ('a"; rm -rf ~; "', "voicediag mic-test"),
        ("$(reboot)", "voicediag mic-test"),
        ("%PATH%", "voicediag mic-test"),
        ("[red]x[/] \x1b[2J", "voicediag mic-test"),
        ("", "voicediag mic-test"),
    ],
)
def test_a_subject_is_put_into_a_command_only_where_a_shell_leaves_it_alone(subject: str | None, command: str) -> None:
    assert words("mic.silent", subject=subject).confirm == (command,)


@given(st.text())
def test_no_subject_breaks_out_of_its_quotes(subject: str) -> None:
    (command,) = words("mic.silent", subject=subject).confirm
    inner = command.removeprefix("voicediag mic-test").removeprefix(' --device "').removesuffix('"')
    assert not set(inner) & set('"$`\\!%\n\r\0\x1b')
