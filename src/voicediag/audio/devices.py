"""The devices that PortAudio sees, and which of them a name means."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Literal

from msgspec.structs import replace

from voicediag.audio.endpoints import group
from voicediag.audio.portaudio import portaudio
from voicediag.audio.portaudio import portaudio_version as portaudio_version
from voicediag.audio.probing import probe
from voicediag.audio.server import ask_server
from voicediag.audio.windows import communications_defaults
from voicediag.model.attempt import Cause, Unavailable
from voicediag.model.control import Control
from voicediag.model.request import DevicesRequest
from voicediag.model.results.audio import Device, DevicesResult
from voicediag.model.text import visible

Kind = Literal["input", "output"]
_NONE_OF: dict[Kind, Cause] = {"input": Cause.NO_INPUT, "output": Cause.NO_OUTPUT}


def measure(request: DevicesRequest, control: Control) -> DevicesResult:
    """List the kinds of devices that `request` asks for or expects. Raises `Unavailable` (`no-portaudio`)."""
    found = list_endpoints(probing="rates" if request.probe else "none")
    inputs = request.kinds in ("all", "inputs") or bool(request.expect_inputs)
    outputs = request.kinds in ("all", "outputs") or bool(request.expect_outputs)
    kinds = {kind for kind, wanted in (("input", inputs), ("output", outputs)) if wanted}
    return DevicesResult(
        devices=tuple(device for device in found.devices if (inputs and device.inputs) or (outputs and device.outputs)),
        default_input=found.default_input if inputs else None,
        default_output=found.default_output if outputs else None,
        endpoints=tuple(endpoint for endpoint in found.endpoints if endpoint.kind in kinds),
    )


def list_endpoints(probing: Literal["none", "default", "rates"]) -> DevicesResult:
    """List every device, and each endpoint once. Raises `Unavailable` (`no-portaudio`).

    `probing`: whether each is tried, and at its default rate or at all of them.
    """
    server = ask_server()
    with portaudio() as sounddevice:
        found = list_devices()
        api_defaults = {
            str(api["name"]): (int(api["default_input_device"]), int(api["default_output_device"]))
            for api in sounddevice.query_hostapis()
        }
        endpoints = group(found, server, api_defaults, communications_defaults())
        if probing != "none":
            endpoints = probe(sounddevice, endpoints, found.devices, all_rates=probing == "rates")
    return replace(found, endpoints=endpoints)


def list_devices() -> DevicesResult:
    """List every device, in PortAudio's order. Raises `Unavailable` (`no-portaudio`)."""
    with portaudio() as sounddevice:
        apis = [str(api["name"]) for api in sounddevice.query_hostapis()]
        default_input, default_output = (index if index >= 0 else None for index in sounddevice.default.device)
        count = sounddevice._lib.Pa_GetDeviceCount()
        devices = tuple(
            _device(_query(sounddevice, index), apis, default_input, default_output) for index in range(max(0, count))
        )
    return DevicesResult(devices=devices, default_input=default_input, default_output=default_output)


def _query(sounddevice: Any, index: int) -> dict[str, Any]:
    try:
        return dict(sounddevice.query_devices(index))
    except UnicodeDecodeError:
        # sounddevice gives up on a name that is no text; the rest of the entry is still good.
        info = sounddevice._lib.Pa_GetDeviceInfo(index)
        return {
            "name": sounddevice._ffi.string(info.name).decode("utf-8", "backslashreplace"),
            "index": index,
            "hostapi": info.hostApi,
            "max_input_channels": info.maxInputChannels,
            "max_output_channels": info.maxOutputChannels,
            "default_samplerate": info.defaultSampleRate,
            "default_low_input_latency": info.defaultLowInputLatency,
            "default_high_input_latency": info.defaultHighInputLatency,
            "default_low_output_latency": info.defaultLowOutputLatency,
            "default_high_output_latency": info.defaultHighOutputLatency,
        }


def _device(entry: dict[str, Any], apis: list[str], default_input: int | None, default_output: int | None) -> Device:
    inputs, outputs = int(entry["max_input_channels"]), int(entry["max_output_channels"])

    def latency_ms(key: str, channels: int) -> float | None:
        return round(1000 * float(entry[key]), 3) if channels else None

    return Device(
        index=entry["index"],
        name=entry["name"],
        host_api=apis[entry["hostapi"]],
        inputs=inputs,
        outputs=outputs,
        default_rate_hz=float(entry["default_samplerate"]),
        input_latency_low_ms=latency_ms("default_low_input_latency", inputs),
        input_latency_high_ms=latency_ms("default_high_input_latency", inputs),
        output_latency_low_ms=latency_ms("default_low_output_latency", outputs),
        output_latency_high_ms=latency_ms("default_high_output_latency", outputs),
        is_default_input=entry["index"] == default_input,
        is_default_output=entry["index"] == default_output,
    )


def find_input(devices: DevicesResult, wanted: str | None) -> Device:
    """Return the input that `wanted` means: an index as text, a name, or a part of one in any case; None: the default.

    Of several that fit, an exact name comes first, then the default, then the first of the list. Raises `Unavailable`
    (`no-input`, `device-missing`).
    """
    return _find(devices, wanted, "input", devices.default_input, lambda device: device.inputs > 0)


def find_output(devices: DevicesResult, wanted: str | None) -> Device:
    """Return the output that `wanted` means, as `find_input` does. Raises `Unavailable` (`no-output`, …)."""
    return _find(devices, wanted, "output", devices.default_output, lambda device: device.outputs > 0)


def _find(
    devices: DevicesResult, wanted: str | None, kind: Kind, default: int | None, fits: Callable[[Device], bool]
) -> Device:
    usable = [device for device in devices.devices if fits(device)]
    if not usable:
        raise Unavailable(_NONE_OF[kind], f"this machine has no audio {kind} device", wanted, kind)
    # The default first, so that it wins wherever several fit.
    usable.sort(key=lambda device: device.index != default)
    if wanted is None:
        return usable[0]
    asked = wanted.strip().casefold()
    tests: tuple[Callable[[Device], bool], ...] = (
        lambda device: str(device.index) == asked,
        lambda device: device.name.strip().casefold() == asked,
        lambda device: bool(asked) and asked in device.name.casefold(),
    )
    for test in tests:
        for device in usable:
            if test(device):
                return device
    raise Unavailable(Cause.DEVICE_MISSING, _missing(wanted, kind, devices, usable), wanted, kind)


def _missing(wanted: str, kind: Kind, devices: DevicesResult, usable: list[Device]) -> str:
    line = f"no {kind} device '{visible(wanted, 80)}'"
    other = next((device for device in devices.devices if str(device.index) == wanted.strip()), None)
    if other is not None:
        return f"{line}: number {other.index}, '{visible(other.name, 80)}', has no {kind}"
    names = {device.name.casefold(): device.name for device in usable}
    near = difflib.get_close_matches(wanted.casefold(), names, n=1, cutoff=0.4)
    # One line: more names than these help nobody.
    hint = f"did you mean '{visible(names[near[0]], 80)}'? " if near else ""
    listed = ", ".join(f"'{visible(name, 40)}'" for name in list(names.values())[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{line}; {hint}{kind}s: {listed}{more}"
