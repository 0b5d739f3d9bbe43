"""The commands that confirm a finding ask the server that it is about."""

from __future__ import annotations

import msgspec
import pytest

from tests.judge.test_network import edge, stream
from voicediag.model.attempt import NetCheckAttempt
from voicediag.model.finding import Finding
from voicediag.model.report import Host
from voicediag.model.results.network import EdgeResult, NetCheckResult
from voicediag.report import assemble


def confirm(*edges: EdgeResult, subject: str | None) -> tuple[str, ...]:
    result = NetCheckResult(codec="pcmu", requested_s=3.0, edges=edges, best_edge=None, unproven=())
    report = assemble.build(
        attempts=[NetCheckAttempt(status="completed", result=result)],
        findings=[Finding(id="net.high-latency", severity="warn", check="net-check", subject=subject)],
        status="warn",
        outcome=None,
        host=Host("", "", None, ""),
        started_at="",
        duration_s=0.0,
    )
    assert "Twilio" not in report.findings[0].title
    return report.findings[0].confirm


def own(name: str, host: str = "10.0.0.1") -> EdgeResult:
    return msgspec.structs.replace(edge(name, stream()), host=host, is_edge=False)


def test_an_edge_is_asked_by_the_knowledges_own_words() -> None:
    assert confirm(edge("tokyo", stream()), subject="tokyo") == ("voicediag net-check --duration 60s",)


@pytest.mark.parametrize(
    ("server", "option"),
    [
        (own("lab"), '--target "lab=10.0.0.1:3478"'),
        (own("my lab", "::1"), '--target "my lab=[::1]:3478"'),
    ],
)
def test_a_server_of_ones_own_is_asked_again(server: EdgeResult, option: str) -> None:
    assert confirm(server, own("other"), subject=server.edge) == (f"voicediag net-check {option} --duration 60s",)


def test_what_all_show_asks_all() -> None:
    asked = '--target "a=10.0.0.1:3478" --target "b=10.0.0.1:3478"'
    assert confirm(own("a"), own("b"), subject=None) == (f"voicediag net-check {asked} --duration 60s",)
    assert confirm(*(own(str(number)) for number in range(5)), subject=None) == ()


def test_a_name_on_which_a_shell_would_act_is_in_no_command() -> None:
    assert confirm(own("$(reboot)"), subject="$(reboot)") == ()
