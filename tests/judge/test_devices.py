from __future__ import annotations

from typing import Any

import pytest

from voicediag.judge.devices import judge_devices
from voicediag.model.request import DevicesRequest
from voicediag.model.results.audio import DevicesResult, Endpoint


def found(request: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    endpoint = Endpoint(
        kind="input", name="USB Mic", host_apis=("ALSA",), indices=(0,), channels=1, default_rate_hz=48000.0, **fields
    )
    result = DevicesResult(devices=(), default_input=None, default_output=None, endpoints=(endpoint,))
    judged = judge_devices(DevicesRequest(**request), result)
    return [(each.id, each.severity) for each in judged if each.subject == "USB Mic"]


@pytest.mark.parametrize(
    ("failure", "finding"),
    [
        ("busy", "audio.device-busy"),
        ("rate", "audio.rate-unsupported"),
        ("permission", "audio.permission-denied"),
        ("absent", "audio.device-missing"),
    ],
)
def test_a_device_that_a_call_would_take_fails(failure: str, finding: str) -> None:
    assert found({}, failure=failure, is_default=True) == [(finding, "fail")]
    assert found({}, failure=failure, is_communications=True) == [(finding, "fail")]
    assert found({"expect_inputs": ("usb",)}, failure=failure) == [(finding, "fail")]


def test_any_other_is_only_mentioned() -> None:
    assert found({}, failure="busy") == [("audio.device-busy", "info")]
    assert found({}, failure="absent") == []
    assert found({"kinds": "outputs"}, failure="busy") == []
    assert found({}, is_default=True) == []


def test_an_expected_name_may_be_the_completed_one() -> None:
    assert not any(
        each.id == "audio.device-missing"
        for each in judge_devices(
            DevicesRequest(expect_inputs=("usb mic",)),
            DevicesResult(
                devices=(),
                default_input=None,
                default_output=None,
                endpoints=(
                    Endpoint(
                        kind="input",
                        name="USB Mic",
                        host_apis=("MME",),
                        indices=(0,),
                        channels=1,
                        default_rate_hz=48000.0,
                    ),
                ),
            ),
        )
    )
