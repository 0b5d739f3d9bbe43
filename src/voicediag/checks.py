"""The table of checks, and the one way to run a line of it.

Heavy imports sit inside the functions: listing the checks costs nothing.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from voicediag.model.attempt import (
    Attempt,
    DevicesAttempt,
    LoopbackTestAttempt,
    MicTestAttempt,
    NetCheckAttempt,
    SpeakerTestAttempt,
    Unavailable,
)
from voicediag.model.control import Control
from voicediag.model.finding import Finding
from voicediag.model.request import (
    DevicesRequest,
    LoopbackTestRequest,
    MicTestRequest,
    NetCheckRequest,
    Request,
    SpeakerTestRequest,
)
from voicediag.model.results.acoustic import LoopbackTestResult, SpeakerTestResult
from voicediag.model.results.audio import DevicesResult, MicTestResult
from voicediag.model.results.network import NetCheckResult

Findings = tuple[Finding, ...]


def _measure_devices(request: DevicesRequest, control: Control) -> DevicesResult:
    from voicediag.audio.devices import measure

    return measure(request, control)


def _judge_devices(request: DevicesRequest, result: DevicesResult) -> Findings:
    from voicediag.judge.devices import judge_devices

    return judge_devices(request, result)


def _measure_mic(request: MicTestRequest, control: Control) -> MicTestResult:
    from voicediag.audio.mic import measure

    return measure(request, control)


def _judge_mic(request: MicTestRequest, result: MicTestResult) -> Findings:
    from voicediag.judge.audio import judge_mic

    return judge_mic(request, result)


def _measure_speaker(request: SpeakerTestRequest, control: Control) -> SpeakerTestResult:
    from voicediag.audio.duplex import measure_speaker

    return measure_speaker(request, control)


def _judge_speaker(request: SpeakerTestRequest, result: SpeakerTestResult) -> Findings:
    from voicediag.judge.acoustic import judge_speaker

    return judge_speaker(request, result)


def _measure_loopback(request: LoopbackTestRequest, control: Control) -> LoopbackTestResult:
    from voicediag.audio.duplex import measure_loopback

    return measure_loopback(request, control)


def _judge_loopback(request: LoopbackTestRequest, result: LoopbackTestResult) -> Findings:
    from voicediag.judge.acoustic import judge_loopback

    return judge_loopback(request, result)


def _measure_net(request: NetCheckRequest, control: Control) -> NetCheckResult:
    from voicediag.network.check import measure

    return measure(request, control)


def _judge_net(request: NetCheckRequest, result: NetCheckResult) -> Findings:
    from voicediag.judge.network import judge_net

    return judge_net(request, result)


class Check(NamedTuple):
    """One line of the table. `measure` raises `Unavailable` where it cannot begin, and nothing else on purpose."""

    id: str
    title: str
    needs_sound: bool
    request: type[Request]
    attempt: type[Attempt]
    # A line's three callables agree on their request and result types; the table as a whole cannot say so.
    measure: Callable[[Any, Control], Any]
    judge: Callable[[Any, Any], Findings]


CHECKS: tuple[Check, ...] = (
    Check("devices", "Audio devices", True, DevicesRequest, DevicesAttempt, _measure_devices, _judge_devices),
    Check("mic-test", "Microphone", True, MicTestRequest, MicTestAttempt, _measure_mic, _judge_mic),
    Check("speaker-test", "Speaker", True, SpeakerTestRequest, SpeakerTestAttempt, _measure_speaker, _judge_speaker),
    Check(
        "loopback-test",
        "Speaker to microphone",
        True,
        LoopbackTestRequest,
        LoopbackTestAttempt,
        _measure_loopback,
        _judge_loopback,
    ),
    Check("net-check", "Path to Twilio", False, NetCheckRequest, NetCheckAttempt, _measure_net, _judge_net),
)


def check_for(request: Request) -> Check:
    """Return the line of the table that serves `request`."""
    return next(check for check in CHECKS if check.request is type(request))


def run(request: Request, control: Control) -> tuple[Attempt, Findings]:
    """Run one check to its end, whatever that is. Never raises but for `KeyboardInterrupt`.

    An interrupted measurement keeps its result and is not judged: limits are made for the whole of it.
    """
    from voicediag.judge.unavailable import judge_unavailable

    check = check_for(request)
    begun = time.monotonic()

    def attempt(**fields: Any) -> Attempt:
        return check.attempt(duration_s=round(time.monotonic() - begun, 3), **fields)

    if control.stop.is_set():
        return attempt(status="interrupted", reason="stopped before it began"), ()
    try:
        result = check.measure(request, control)
        if control.stop.is_set():
            return attempt(status="interrupted", reason="stopped by the user", result=result), ()
        return attempt(status="completed", result=result), check.judge(request, result)
    except Unavailable as unavailable:
        ended = attempt(
            status="unavailable",
            reason=unavailable.reason,
            cause=unavailable.cause,
            result=unavailable.result,
            subject=unavailable.subject,
            direction=unavailable.direction,
        )
        return ended, judge_unavailable(ended)
    except Exception as error:  # noqa: BLE001 - a bug in one check must not lose what the others measured
        if os.environ.get("VOICEDIAG_DEBUG"):
            traceback.print_exc()
        return attempt(status="crashed", reason=f"{type(error).__name__}: {error}"), ()
