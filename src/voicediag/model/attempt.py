"""An attempt: how one check ended, and what it measured. "Could not look" is a value here, never an exception."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from voicediag.model.finding import Direction
from voicediag.model.results.acoustic import Listened, LoopbackTestResult, SpeakerTestResult
from voicediag.model.results.audio import DevicesResult, MicTestResult
from voicediag.model.results.network import NetCheckResult

Status = Literal["completed", "unavailable", "skipped", "interrupted", "crashed"]


class Cause(StrEnum):
    """Why a check could not look. Each has a finding (`judge/unavailable.py`)."""

    NO_PORTAUDIO = "no-portaudio"
    NO_INPUT = "no-input"
    NO_OUTPUT = "no-output"
    DEVICE_MISSING = "device-missing"
    FILE_UNREADABLE = "file-unreadable"


class Unavailable(Exception):  # noqa: N818 - a state of the world, not an error of the program
    """Raised by a measuring room that cannot begin. It becomes an attempt with status `unavailable`."""

    def __init__(
        self,
        cause: Cause | None,
        reason: str,
        subject: str | None = None,
        direction: Direction | None = None,
        result: Result | None = None,
    ) -> None:
        super().__init__(reason)
        self.result = result
        """What was done and measured all the same."""
        self.direction = direction
        self.cause = cause
        self.reason = reason
        self.subject = subject


class _Attempt(Struct, frozen=True, kw_only=True, tag_field="check"):
    status: Status
    reason: str | None = None
    """Why it did not complete, in one line; None for a completed check."""
    cause: Cause | None = None
    """The same as a word for programs; None where there is no finding for it."""
    subject: str | None = None
    """What the reason is about (a device, a file), None where it is about no one thing."""
    direction: Direction | None = None
    """Where it is about a device: which way."""
    duration_s: float = 0.0

    @property
    def check(self) -> str:
        """The check's id, which is its command's name."""
        return str(self.__struct_config__.tag)


class DevicesAttempt(_Attempt, frozen=True, kw_only=True, tag="devices"):
    """How `devices` ended."""

    result: DevicesResult | None = None


class MicTestAttempt(_Attempt, frozen=True, kw_only=True, tag="mic-test"):
    """How `mic-test` ended."""

    result: MicTestResult | None = None


class SpeakerTestAttempt(_Attempt, frozen=True, kw_only=True, tag="speaker-test"):
    """How `speaker-test` ended."""

    result: SpeakerTestResult | None = None


class LoopbackTestAttempt(_Attempt, frozen=True, kw_only=True, tag="loopback-test"):
    """How `loopback-test` ended."""

    result: LoopbackTestResult | None = None


class NetCheckAttempt(_Attempt, frozen=True, kw_only=True, tag="net-check"):
    """How `net-check` ended."""

    result: NetCheckResult | None = None


Attempt = DevicesAttempt | MicTestAttempt | SpeakerTestAttempt | LoopbackTestAttempt | NetCheckAttempt
Result = DevicesResult | MicTestResult | SpeakerTestResult | LoopbackTestResult | NetCheckResult


def save_error_of(attempt: Attempt) -> str | None:
    """Return why a recording could not be kept; None where it was, or was not to be."""
    match attempt:
        case MicTestAttempt(result=MicTestResult() as mic):
            return mic.save_error
        case SpeakerTestAttempt(result=SpeakerTestResult(listened=Listened() as listened)):
            return listened.save_error
        case LoopbackTestAttempt(result=LoopbackTestResult() as loopback):
            return loopback.input.save_error
        case _:
            return None
