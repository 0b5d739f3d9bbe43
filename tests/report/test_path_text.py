"""The path's part of the text: what the table of figures cannot say."""

from __future__ import annotations

import msgspec
import pytest

from tests.judge.test_network import blocked, edge, stream
from tests.report.sample import REPORT
from voicediag.model.attempt import NetCheckAttempt
from voicediag.model.results.network import Closed, NetCheckResult, StunStream
from voicediag.report.terminal import render


def text(stun: StunStream, *tried: str) -> str:
    probed = edge("lab", stun, tried=tried)
    result = NetCheckResult(codec="pcmu", requested_s=3.0, edges=(probed,), best_edge=None, unproven=())
    attempt = NetCheckAttempt(status="completed", result=result)
    report = msgspec.structs.replace(REPORT, attempts=(attempt,), findings=())
    return " ".join(render(report, width=100, color=False).split())


@pytest.mark.parametrize(
    ("stun", "shown"),
    [
        (
            stream(sent=85, received=85, unsent=65, skipped=65),
            "lab: 65 of 150 probes not sent: this machine was too late for them",
        ),
        (stream(sent=85, received=85, unsent=65), "lab: 65 of 150 probes not sent: the system did not take them"),
        (
            stream(received=375, errors=125, error_codes=(500, 400)),
            "lab: 125 of 500 probes answered by a STUN error (500, 400)",
        ),
        (
            stream(sent=70, received=70, closed=Closed(after_ms=1400, reason="refused", probes=80)),
            "lab: answered until 1.4 s, then refused; 80 probes since then, none answered",
        ),
        (blocked(None, sent=0, lost=0, open=45), "lab no answer yet when stopped, 45 probes open"),
        (blocked(None, sent=0, lost=0), "lab nothing was sent"),
        (
            blocked("unreachable", sent=0, lost=0, detail="No route\x1b[2J"),
            r"lab no route (No route\x1b[2J), 0 sent to 192.0.2.1 port 3478",
        ),
        (
            blocked("bad-answers", errors=500, lost=0, error_codes=(500,)),
            "lab answers, but none to what was asked (STUN error 500), 500 sent to 192.0.2.1 port 3478",
        ),
        (blocked("timeout"), "lab no answer over UDP, 500 sent to 192.0.2.1 port 3478"),
    ],
)
def test_what_the_figures_do_not_say(stun: StunStream, shown: str) -> None:
    assert shown in text(stun)


def test_a_clean_path_needs_no_note() -> None:
    assert "lab:" not in text(stream())


def test_another_address_than_the_first_is_named() -> None:
    assert "lab: 2001:db8::1 gave no sound answer; 192.0.2.1 was measured" in text(stream(), "2001:db8::1", "192.0.2.1")
    assert "lab:" not in text(stream(), "192.0.2.1", "2001:db8::1")
    assert "port 3478; none of its 2 addresses answered" in text(blocked("timeout"), "192.0.2.1", "2001:db8::1")
