"""Opening and ending PortAudio streams: why one does not open, and an end that cannot hang."""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from voicediag.audio.portaudio import abandon
from voicediag.audio.quiet import heard
from voicediag.model.results.audio import StreamFailure

END_DEADLINE_S = 2.0
COMMON_RATES_HZ = (48000, 44100, 16000, 8000)

_INVALID_RATE = -9997
_INVALID_CHANNELS = -9998
_DEVICE_UNAVAILABLE = -9985

# By the host's own error number, as PortAudio hands it on. Only ALSA's were seen here; the others are from the
# documentation of their system and unverified.
_BY_HOST_ERROR: dict[str, dict[int, StreamFailure]] = {
    "ALSA": {
        -errno.EBUSY: "busy",
        -errno.EACCES: "permission",
        -errno.EPERM: "permission",
        -errno.ENODEV: "absent",
        -errno.ENOENT: "absent",
        -errno.ENXIO: "absent",
        -errno.ECONNREFUSED: "absent",
    },
    "Windows WASAPI": {
        0x8889000A - (1 << 32): "busy",  # AUDCLNT_E_DEVICE_IN_USE
        0x80070005 - (1 << 32): "permission",  # E_ACCESSDENIED
        0x88890004 - (1 << 32): "absent",  # AUDCLNT_E_DEVICE_INVALIDATED
        0x88890008 - (1 << 32): "rate",  # AUDCLNT_E_UNSUPPORTED_FORMAT
    },
    "MME": {
        2: "absent",  # MMSYSERR_BADDEVICEID
        4: "busy",  # MMSYSERR_ALLOCATED
        32: "rate",  # WAVERR_BADFORMAT
    },
    "Core Audio": {
        0x21646576: "absent",  # '!dev', kAudioHardwareBadDeviceError
        0x686F6721: "permission",  # 'hog!', kAudioDevicePermissionsError
    },
}
# By what the driver said on standard error meanwhile.
_BY_WORDS: tuple[tuple[str, StreamFailure], ...] = (
    ("resource busy", "busy"),
    ("access denied", "permission"),
    ("permission denied", "permission"),
    ("no such entity", "absent"),
    ("no such device", "absent"),
    ("no such file", "absent"),
    ("connection refused", "absent"),
    ("connection terminated", "absent"),
)


class Refusal(NamedTuple):
    """What is known of a stream that did not open."""

    code: int
    """PortAudio's number."""
    host_api: str
    host_error: int | None
    said: str
    """The driver's own words."""
    is_listed: bool
    """Whether a fresh list still has the device."""
    opens_at_other_rate: bool
    opens_with_other_channels: bool


def classify(refusal: Refusal) -> StreamFailure:
    """Return the reason of a refusal. What was tried counts more than PortAudio's number, which is often wrong."""
    known = _BY_HOST_ERROR.get(refusal.host_api, {}).get(refusal.host_error or 0)
    if known is not None:
        return known
    if not refusal.is_listed:
        return "absent"
    if refusal.opens_at_other_rate:
        return "rate"
    if refusal.opens_with_other_channels:
        return "channels"
    said = refusal.said.casefold()
    for words, failure in _BY_WORDS:
        if words in said:
            return failure
    by_code: dict[int, StreamFailure] = {
        _DEVICE_UNAVAILABLE: "busy",
        _INVALID_RATE: "rate",
        _INVALID_CHANNELS: "channels",
    }
    return by_code.get(refusal.code, "driver")


class NotOpened(Exception):  # noqa: N818 - a state of the world
    """A stream did not open."""

    def __init__(self, failure: StreamFailure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


class Wanted(NamedTuple):
    """The stream to open."""

    device: int
    name: str
    host_api: str
    rate_hz: int
    channels: int
    most_channels: int


@contextlib.contextmanager
def opened(
    sounddevice: Any, stream_class: Any, wanted: Wanted, find_again: Callable[[], int | None], callback: Any
) -> Iterator[Any]:
    """Open and start a stream, yield it, and end it within `END_DEADLINE_S`. Raises `NotOpened`.

    `find_again` tells the device's index in a fresh list, None where it is gone; it is asked only when the stream does
    not open.
    """
    heard()
    try:
        stream = _start(stream_class, wanted, callback)
    except sounddevice.PortAudioError as error:
        raise _not_opened(sounddevice, stream_class, wanted, find_again, error) from error
    try:
        yield stream
    finally:
        end(stream)


def _start(stream_class: Any, wanted: Wanted, callback: Any) -> Any:
    # Neither clipping nor dither: the samples are to be those of the device.
    stream = stream_class(
        device=wanted.device,
        samplerate=wanted.rate_hz,
        channels=wanted.channels,
        dtype="float32",
        callback=callback,
        clip_off=True,
        dither_off=True,
    )
    try:
        stream.start()
    except BaseException:
        end(stream)
        raise
    return stream


def _not_opened(
    sounddevice: Any, stream_class: Any, wanted: Wanted, find_again: Callable[[], int | None], error: Exception
) -> NotOpened:
    said = last_words(heard())
    index = find_again()
    listed = index is not None
    again = wanted._replace(device=-1 if index is None else index)

    def opens(rate_hz: int, channels: int) -> bool:
        try:
            end(_start(stream_class, again._replace(rate_hz=rate_hz, channels=channels), _ignore))
        except sounddevice.PortAudioError:
            return False
        return True

    counts = {1, min(2, wanted.most_channels), wanted.most_channels} - {wanted.channels}
    host = error.args[2] if len(error.args) > 2 else None
    refusal = Refusal(
        code=int(error.args[1]) if len(error.args) > 1 else 0,
        host_api=wanted.host_api,
        host_error=int(host[1]) if host else None,
        said=said,
        is_listed=listed,
        opens_at_other_rate=listed
        and any(opens(rate, wanted.channels) for rate in COMMON_RATES_HZ if rate != wanted.rate_hz),
        opens_with_other_channels=listed
        and any(opens(wanted.rate_hz, count) for count in sorted(counts) if count <= wanted.most_channels),
    )
    words = [str(error.args[0]) if error.args else str(error), str(host[2]) if host else "", said]
    return NotOpened(classify(refusal), ": ".join(word for word in words if word))


def _ignore(*_: Any) -> None:
    return


def last_words(text: str) -> str:
    """Return the driver's last line that is none of PortAudio's own about its source code."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Expression ")]
    return lines[-1].rpartition(") ")[2] if lines else ""


def end(stream: Any) -> bool:
    """End a stream at once and return True; False where the system would not let go of it in time.

    Never by `stop()`, which waits for buffers that a suspended device never takes or gives. Where sound goes through a
    server's socket even the rest can wait for half a minute, so there it happens beside.
    """
    if sys.platform != "linux":
        _close(stream)
        return True
    ended = threading.Event()

    def close() -> None:
        _close(stream)
        ended.set()

    threading.Thread(target=close, name="end of stream", daemon=True).start()
    if ended.wait(END_DEADLINE_S):
        return True
    abandon()
    return False


def _close(stream: Any) -> None:
    # What a dying stream says is of no use any more: everything there was to measure is measured.
    with contextlib.suppress(Exception):
        stream.abort(ignore_errors=True)
    with contextlib.suppress(Exception):
        stream.close(ignore_errors=True)
