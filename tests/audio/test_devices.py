from __future__ import annotations

from typing import Any

import pytest

from voicediag.audio import devices as room
from voicediag.audio.devices import find_input, find_output, measure
from voicediag.model.attempt import Cause, Unavailable
from voicediag.model.control import Control
from voicediag.model.request import DevicesRequest
from voicediag.model.results.audio import Device, DevicesResult


def device(index: int, name: str, inputs: int = 0, outputs: int = 0) -> Device:
    return Device(
        index=index,
        name=name,
        host_api="ALSA",
        inputs=inputs,
        outputs=outputs,
        default_rate_hz=48000.0,
        input_latency_low_ms=None,
        input_latency_high_ms=None,
        output_latency_low_ms=None,
        output_latency_high_ms=None,
        is_default_input=False,
        is_default_output=False,
    )


LIST = DevicesResult(
    devices=(
        device(0, "Built-in Audio", inputs=2, outputs=2),
        device(1, "Jabra Evolve 65", inputs=1, outputs=2),
        device(2, "Jabra", inputs=1),
        device(3, "HDMI", outputs=8),
        device(4, "Jabra Evolve 65 (2)", inputs=1),
        device(5, "ヘッドセット [red]x[/] \x1b[2J", inputs=1),
    ),
    default_input=4,
    default_output=3,
)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (None, 4),
        ("0", 0),
        (" 1 ", 1),
        ("jabra", 2),  # an exact name before any part
        ("evolve", 4),  # of two that fit the default
        ("built", 0),
        ("ヘッド", 5),
        ("65 (2)", 4),
    ],
)
def test_an_input_is_found_by_index_name_or_part(wanted: str | None, index: int) -> None:
    assert find_input(LIST, wanted).index == index


def test_of_several_that_fit_without_the_default_the_first_is_taken() -> None:
    found = DevicesResult(devices=LIST.devices, default_input=0, default_output=None)
    assert find_input(found, "evolve").index == 1
    assert find_output(found, None).index == 0


def refusal(wanted: str | None, devices: DevicesResult = LIST, kind: str = "input") -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        (find_input if kind == "input" else find_output)(devices, wanted)
    assert "\n" not in caught.value.reason
    assert "\x1b" not in caught.value.reason
    return caught.value


def test_an_unknown_name_gets_the_nearest_one() -> None:
    error = refusal("Jabra Evolv 56")
    assert error.cause is Cause.DEVICE_MISSING
    assert error.subject == "Jabra Evolv 56"
    assert error.reason.startswith("no input device 'Jabra Evolv 56'; did you mean 'Jabra Evolve 65'? inputs: ")
    assert "and 1 more" not in error.reason
    assert "'HDMI'" not in error.reason


def test_an_unknown_name_that_is_near_to_none_gets_the_list() -> None:
    reason = refusal("zzz").reason
    assert "did you mean" not in reason
    assert "'Built-in Audio'" in reason


def test_an_index_of_the_other_direction_is_named() -> None:
    assert refusal("3").reason == "no input device '3': number 3, 'HDMI', has no input"
    assert refusal("2", kind="output").reason == "no output device '2': number 2, 'Jabra', has no output"


@pytest.mark.parametrize("wanted", ["99", "-1", "", "x\x1b[2J\n", "y" * 400])
def test_any_other_name_is_one_clear_line(wanted: str) -> None:
    error = refusal(wanted)
    assert error.cause is Cause.DEVICE_MISSING
    assert len(error.reason) < 500


def test_without_a_device_there_is_none_to_find() -> None:
    empty = DevicesResult(devices=(), default_input=None, default_output=None)
    assert refusal(None, empty).cause is Cause.NO_INPUT
    assert refusal("Jabra", empty, "output").cause is Cause.NO_OUTPUT


@pytest.mark.parametrize(
    ("asked", "indices", "defaults"),
    [
        ({}, [0, 1, 2, 3, 4, 5], (4, 3)),
        ({"kinds": "inputs"}, [0, 1, 2, 4, 5], (4, None)),
        ({"kinds": "outputs"}, [0, 1, 3], (None, 3)),
        ({"kinds": "inputs", "expect_outputs": ("HDMI",)}, [0, 1, 2, 3, 4, 5], (4, 3)),
    ],
)
def test_the_list_is_narrowed_to_what_was_asked(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], indices: list[int], defaults: tuple[int | None, int | None]
) -> None:
    monkeypatch.setattr(room, "list_devices", lambda: LIST)
    result = measure(DevicesRequest(**asked), Control())
    assert [each.index for each in result.devices] == indices
    assert (result.default_input, result.default_output) == defaults
