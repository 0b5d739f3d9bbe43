"""Changes among endpoints, and what a call would go on with."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from voicediag.audio.watch import changes, fallback
from voicediag.model.request import DevicesRequest
from voicediag.model.results.audio import Endpoint

REQUEST = DevicesRequest()


def mic(name: str, **more: Any) -> Endpoint:
    return Endpoint(
        kind="input", name=name, host_apis=("ALSA",), indices=(0,), channels=1, default_rate_hz=48000.0, **more
    )


def told(before: list[Endpoint], now: list[Endpoint], request: DevicesRequest = REQUEST) -> list[tuple[Any, ...]]:
    events = changes(tuple(before), tuple(now), request, "2026-01-31T12:00:00.000Z")
    return [(each.event, each.device, each.fallback, each.reason) for each in events]


HEADSET, ARRAY = mic("Headset", is_default=True), mic("Array")


def test_nothing_changed() -> None:
    assert told([HEADSET, ARRAY], [ARRAY, HEADSET]) == []


def test_the_default_unplugged() -> None:
    assert told([HEADSET, ARRAY], [replace(ARRAY, is_default=True)]) == [
        ("removed", "Headset", "Array", None),
        ("default-changed", "Array", None, None),
    ]


def test_another_one_unplugged_needs_no_fallback() -> None:
    assert told([HEADSET, ARRAY], [HEADSET]) == [("removed", "Array", None, None)]


def test_the_last_one_unplugged() -> None:
    assert told([HEADSET], []) == [("removed", "Headset", None, None), ("default-changed", None, None, None)]


def test_a_second_of_the_same_name() -> None:
    assert told([ARRAY], [ARRAY, ARRAY]) == [("added", "Array", None, None)]


def test_an_expected_one_has_a_fallback_though_it_is_no_default() -> None:
    request = DevicesRequest(expect_inputs=("arr",))
    assert told([HEADSET, ARRAY], [HEADSET], request) == [("removed", "Array", "Headset", None)]


def test_unusable_and_recovered() -> None:
    busy = replace(HEADSET, failure="busy")
    assert told([HEADSET, ARRAY], [busy, ARRAY]) == [("unusable", "Headset", "Array", "busy")]
    assert told([busy, ARRAY], [replace(busy, exclusive=True), ARRAY]) == []
    assert told([busy], [HEADSET]) == [("recovered", "Headset", None, None)]
    assert told([], [replace(ARRAY, muted=True)]) == [
        ("added", "Array", None, None),
        ("unusable", "Array", None, "muted"),
    ]


def test_the_two_defaults_of_windows_change_apart() -> None:
    before = [replace(HEADSET, is_communications=False), replace(ARRAY, is_communications=True)]
    now = [replace(HEADSET, is_communications=True), replace(ARRAY, is_communications=False)]
    assert told(before, now) == [("default-changed", "Headset", None, None)]


def test_the_order_of_fallbacks() -> None:
    order = [
        mic("Expected 1"),
        mic("Expected 2"),
        mic("Communications", is_communications=True),
        mic("Default", is_default=True),
        mic("Plain"),
        mic("Hands-Free", is_hands_free=True),
        mic("Virtual", is_virtual=True),
    ]
    request = DevicesRequest(expect_inputs=("expected 1", "expected 2"))
    never = [mic("Monitor", is_monitor=True), mic("Busy", failure="busy"), mic("Muted", muted=True)]
    left = [*never, *reversed(order)]
    chosen: list[str] = []
    while (best := fallback(tuple(left), "input", request)) is not None:
        chosen.append(best.name)
        left.remove(best)
    assert chosen == [each.name for each in order]
    assert fallback(tuple(order), "output", request) is None
