"""Whether each endpoint could be opened now, and at which rates, without starting a stream on any.

Pa_IsFormatSupported opens an ALSA device and sets it up without starting it; on Windows it asks without opening, so a
stream is opened there as well, and not started (unverified). A card that the sound server drives is left alone: the
server holds it, and the server's own word counts.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from msgspec.structs import replace

from voicediag.audio.endpoints import channels, is_hardware_entry
from voicediag.audio.portaudio import abandon
from voicediag.audio.quiet import heard
from voicediag.audio.streams import Refusal, classify, last_words
from voicediag.model.results.audio import Device, Endpoint

RATES_HZ = (8000, 16000, 44100, 48000)
DEADLINE_S = 1.0
_PATIENCE_S = 0.5


def probe(
    sounddevice: Any, endpoints: tuple[Endpoint, ...], devices: tuple[Device, ...], all_rates: bool = True
) -> tuple[Endpoint, ...]:
    """Return the endpoints with `rates_hz` and `failure`; those not reached within `DEADLINE_S` as they were.

    The defaults come first. Where a driver does not come back PortAudio is given up (`abandon`).
    """
    by_index = {device.index: device for device in devices}
    done = list(endpoints)
    order = sorted(range(len(endpoints)), key=lambda position: not endpoints[position].is_default)
    deadline = time.monotonic() + DEADLINE_S

    def work() -> None:
        for position in order:
            if time.monotonic() > deadline:
                return
            entry = _entry(endpoints[position], by_index)
            if entry is not None and endpoints[position].failure is None:
                done[position] = _probed(sounddevice, endpoints[position], entry, all_rates)

    worker = threading.Thread(target=work, name="probing", daemon=True)
    worker.start()
    worker.join(DEADLINE_S + _PATIENCE_S)
    if worker.is_alive():
        abandon()
    return tuple(done)


def _entry(endpoint: Endpoint, by_index: dict[int, Device]) -> Device | None:
    for index in endpoint.indices:
        entry = by_index[index]
        if endpoint.server_name is None or not is_hardware_entry(entry):
            return entry
    return None


def _probed(sounddevice: Any, endpoint: Endpoint, entry: Device, all_rates: bool) -> Endpoint:
    most = channels(entry, endpoint.kind)
    default_hz = int(entry.default_rate_hz)
    # A card's microphone may come with two channels only.
    counts = list(dict.fromkeys((1 if endpoint.kind == "input" else min(2, most), min(2, most), most)))
    rates = list(dict.fromkeys((default_hz, *RATES_HZ)))
    first: Exception | None = None
    said = ""
    for count in counts:
        taken: list[int] = []
        for rate_hz in rates if all_rates else rates[:1]:
            heard()
            error = _refused(sounddevice, endpoint.kind, entry, count, rate_hz)
            if error is None:
                taken.append(rate_hz)
            elif first is None:
                first, said = error, last_words(heard())
        if taken:
            listed = tuple(rate_hz for rate_hz in RATES_HZ if rate_hz in taken) if all_rates else None
            opened = replace(endpoint, probed=True, rates_hz=listed)
            if default_hz in taken:
                return opened
            return replace(opened, failure="rate", failure_detail=f"its own rate of {default_hz} Hz is refused")
    if not all_rates:
        return _probed(sounddevice, endpoint, entry, all_rates=True)
    return _unusable(endpoint, entry, first, said)


def _refused(sounddevice: Any, kind: str, entry: Device, count: int, rate_hz: int) -> Exception | None:
    check = sounddevice.check_input_settings if kind == "input" else sounddevice.check_output_settings
    stream = sounddevice.RawInputStream if kind == "input" else sounddevice.RawOutputStream
    try:
        check(device=entry.index, channels=count, dtype="float32", samplerate=rate_hz)
        if sys.platform == "win32" and rate_hz == int(entry.default_rate_hz):
            stream(device=entry.index, channels=count, dtype="float32", samplerate=rate_hz).close()
    except (sounddevice.PortAudioError, ValueError) as error:
        refusal: Exception = error
        return refusal
    return None


def _unusable(endpoint: Endpoint, entry: Device, error: Exception | None, said: str) -> Endpoint:
    arguments = error.args if error is not None else ()
    host = arguments[2] if len(arguments) > 2 else None
    failure = classify(
        Refusal(
            code=arguments[1] if len(arguments) > 1 and isinstance(arguments[1], int) else 0,
            host_api=entry.host_api,
            host_error=int(host[1]) if host else None,
            said=said,
            is_listed=True,
            opens_at_other_rate=False,
            opens_with_other_channels=False,
        )
    )
    words = [str(arguments[0]) if arguments else "", str(host[2]) if host else "", said]
    return replace(
        endpoint,
        probed=True,
        rates_hz=(),
        failure=failure,
        failure_detail=": ".join(dict.fromkeys(word for word in words if word)) or None,
        # A stream in shared mode, which is what was opened, is refused as in use only by an exclusive one.
        exclusive=failure == "busy" and entry.host_api == "Windows WASAPI",
    )
