"""Why a stream does not open, judged from data, and opening itself with a shim in PortAudio's place."""

from __future__ import annotations

import errno
import threading
from typing import Any

import pytest

from voicediag.audio import streams
from voicediag.audio.streams import NotOpened, Refusal, Wanted, classify, end, opened
from voicediag.model.results.audio import StreamFailure

PLAIN = Refusal(
    code=-9999,
    host_api="ALSA",
    host_error=None,
    said="",
    is_listed=True,
    opens_at_other_rate=False,
    opens_with_other_channels=False,
)


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"host_error": -errno.EBUSY}, "busy"),
        ({"host_error": -errno.EACCES}, "permission"),
        ({"host_error": -errno.ENODEV}, "absent"),
        ({"code": -9985}, "busy"),
        ({"code": -9985, "is_listed": False}, "absent"),
        # −9996 and −9997 mean many things (measured): what was tried counts.
        ({"code": -9996, "opens_at_other_rate": True}, "rate"),
        ({"code": -9997, "opens_at_other_rate": True}, "rate"),
        ({"code": -9997, "host_error": -errno.EBUSY}, "busy"),
        ({"code": -9998, "opens_with_other_channels": True}, "channels"),
        ({"code": -9997}, "rate"),
        ({"code": -9998}, "channels"),
        ({"code": -9993, "is_listed": False}, "absent"),
        ({"host_error": -errno.EIO, "said": "PulseAudio: Unable to create stream: No such entity"}, "absent"),
        ({"host_error": -errno.EIO, "said": "PulseAudio: Unable to connect: Access denied"}, "permission"),
        ({"host_error": -errno.EIO}, "driver"),
        ({"code": -9996}, "driver"),
        ({"host_api": "Windows WASAPI", "host_error": -2004287478}, "busy"),
        ({"host_api": "Windows WASAPI", "host_error": -2147024891}, "permission"),
        ({"host_api": "MME", "host_error": 4}, "busy"),
        ({"host_api": "JACK Audio Connection Kit", "host_error": 4}, "driver"),
    ],
)
def test_a_refusal_has_one_reason(changes: dict[str, Any], failure: StreamFailure) -> None:
    assert classify(PLAIN._replace(**changes)) == failure


class FakeError(Exception):
    """PortAudio's error: text, number, and the host's."""


class FakePortAudio:
    PortAudioError = FakeError


class FakeStream:
    """A stream that opens only as `takes` says; every one ever opened must have been closed."""

    takes: tuple[int, int] | None = (48000, 1)
    error: tuple[Any, ...] = ("Error opening InputStream: Invalid sample rate", -9997)
    left_open = 0

    def __init__(self, samplerate: int, channels: int, **_: Any) -> None:
        if (samplerate, channels) != self.takes:
            raise FakeError(*self.error)
        type(self).left_open += 1

    def start(self) -> None:
        pass

    def abort(self, ignore_errors: bool = False) -> None:
        pass

    def close(self, ignore_errors: bool = False) -> None:
        type(self).left_open -= 1


def opening(stream: type[FakeStream], rate_hz: int, channels: int, index: int | None = 0) -> NotOpened:
    wanted = Wanted(0, "Fake", "ALSA", rate_hz, channels, 2)
    with (
        pytest.raises(NotOpened) as caught,
        opened(FakePortAudio, stream, wanted, lambda: index, lambda *_: None),
    ):
        pytest.fail("it must not open")
    assert stream.left_open == 0
    return caught.value


def test_rate_and_channels_are_told_apart_by_trying() -> None:
    assert opening(FakeStream, 44100, 1).failure == "rate"
    assert opening(FakeStream, 48000, 2).failure == "channels"
    assert opening(FakeStream, 48000, 2, index=None).failure == "absent"


def test_a_busy_device_is_busy_at_every_rate() -> None:
    class Busy(FakeStream):
        takes = None
        error = ("Error opening InputStream: Device unavailable", -9985)

    refused = opening(Busy, 48000, 1)
    assert refused.failure == "busy"
    assert refused.detail == "Error opening InputStream: Device unavailable"


def test_the_hosts_own_words_are_kept() -> None:
    class Denied(FakeStream):
        takes = None
        error = ("Unanticipated host error", -9999, (0, -errno.EACCES, "Permission denied"))

    refused = opening(Denied, 48000, 1)
    assert refused.failure == "permission"
    assert refused.detail == "Unanticipated host error: Permission denied"


def test_a_stream_is_closed_on_every_way_out() -> None:
    wanted = Wanted(0, "Fake", "ALSA", 48000, 1, 2)
    with pytest.raises(KeyError), opened(FakePortAudio, FakeStream, wanted, lambda: 0, lambda *_: None):
        assert FakeStream.left_open == 1
        raise KeyError
    assert FakeStream.left_open == 0

    class Stubborn(FakeStream):
        def start(self) -> None:
            raise FakeError("will not start", -9999)

    assert opening(Stubborn, 48000, 1).failure == "driver"


def test_a_system_that_does_not_let_go_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up: list[bool] = []
    release = threading.Event()
    monkeypatch.setattr(streams, "END_DEADLINE_S", 0.05)
    monkeypatch.setattr(streams, "abandon", lambda: given_up.append(True))
    monkeypatch.setattr("sys.platform", "linux")

    class Hanging(FakeStream):
        def abort(self, ignore_errors: bool = False) -> None:
            release.wait(10)

    stream = Hanging(48000, 1)
    assert not end(stream)
    assert given_up == [True]
    release.set()
    assert end(FakeStream(48000, 1))
