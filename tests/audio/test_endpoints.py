"""Lists as PortAudio gives them on Windows, macOS and Linux → one endpoint a device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.audio.endpoints import full_name, group, keyed
from voicediag.audio.server import ServerDevice, ServerState, read_device
from voicediag.model.results.audio import Device, DevicesResult, Endpoint

MME, DS, WASAPI, KS = "MME", "Windows DirectSound", "Windows WASAPI", "Windows WDM-KS"


def entry(index: int, api: str, name: str, inputs: int, outputs: int) -> Device:
    return Device(
        index=index,
        name=name,
        host_api=api,
        inputs=inputs,
        outputs=outputs,
        default_rate_hz=48000.0 if api == WASAPI else 44100.0,
        input_latency_low_ms=float(index) if inputs else None,
        input_latency_high_ms=90.0 if inputs else None,
        output_latency_low_ms=float(index) if outputs else None,
        output_latency_high_ms=90.0 if outputs else None,
        is_default_input=False,
        is_default_output=False,
    )


def listed(
    rows: list[tuple[str, str, int, int]], default_input: int | None = None, default_output: int | None = None
) -> DevicesResult:
    return DevicesResult(
        devices=tuple(entry(index, *row) for index, row in enumerate(rows)),
        default_input=default_input,
        default_output=default_output,
    )


def rows(endpoints: tuple[Endpoint, ...], kind: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(each.name, each.indices) for each in endpoints if each.kind == kind]


WINDOWS = listed(
    [
        (MME, "Microsoft Sound Mapper - Input", 2, 0),  # 0
        (MME, "Headset Microphone (Jabra Evolv", 1, 0),
        (MME, "Microphone Array (Realtek(R) Au", 4, 0),
        (MME, "Headset (Jabra Elite 75t Hands-", 1, 0),
        (MME, "Microsoft Sound Mapper - Output", 0, 2),  # 4
        (MME, "Speakers (Realtek(R) Audio)", 0, 8),
        (MME, "Headset Earphone (Jabra Evolve ", 0, 2),
        (DS, "Primary Sound Capture Driver", 2, 0),  # 7
        (DS, "Headset Microphone (Jabra Evolve 65)", 1, 0),
        (DS, "Microphone Array (Realtek(R) Audio)", 4, 0),
        (DS, "Headset (Jabra Elite 75t Hands-Free AG Audio)", 1, 0),
        (DS, "Primary Sound Driver", 0, 2),  # 11
        (DS, "Speakers (Realtek(R) Audio)", 0, 8),
        (DS, "Headset Earphone (Jabra Evolve 65)", 0, 2),
        (WASAPI, "Speakers (Realtek(R) Audio)", 0, 2),  # 14
        (WASAPI, "Headset Earphone (Jabra Evolve 65)", 0, 2),
        (WASAPI, "Microphone Array (Realtek(R) Audio)", 4, 0),
        (WASAPI, "Headset Microphone (Jabra Evolve 65)", 1, 0),
        (WASAPI, "Headset (Jabra Elite 75t Hands-Free AG Audio)", 1, 0),
        (KS, "Stereo Mix (Realtek HD Audio Stereo input)", 2, 0),  # 19
        (KS, "Headset Microphone (Jabra Evolve 65)", 1, 0),
        (KS, "Headset (@System32\\drivers\\bthhfenum.sys,#2;%1 Hands-Free AG Audio%0\r\n;(Jabra Elite 75t))", 1, 0),
        (KS, "Speakers (Realtek HD Audio output)", 0, 8),
    ],
    default_input=0,
    default_output=4,
)


def test_a_headset_on_windows_is_one_line_with_its_full_name() -> None:
    found = group(WINDOWS, None, {WASAPI: (17, 14)})
    assert rows(found, "input") == [
        ("Microphone Array (Realtek(R) Audio)", (16, 9, 2)),
        ("Headset Microphone (Jabra Evolve 65)", (17, 8, 1, 20, 0, 7)),
        ("Headset (Jabra Elite 75t Hands-Free AG Audio)", (18, 10, 3, 21)),
    ]
    assert rows(found, "output") == [
        ("Speakers (Realtek(R) Audio)", (14, 12, 5, 4, 11)),
        ("Headset Earphone (Jabra Evolve 65)", (15, 13, 6)),
    ]
    headset = found[1]
    assert headset.host_apis == (WASAPI, DS, MME, KS)
    assert (headset.is_default, headset.default_rate_hz, headset.latency_low_ms) == (True, 48000.0, 17.0)
    assert [each.name for each in found if each.is_default] == [headset.name, "Speakers (Realtek(R) Audio)"]
    assert [each.name for each in found if each.is_hands_free] == ["Headset (Jabra Elite 75t Hands-Free AG Audio)"]


def test_the_communications_default_is_marked_by_name() -> None:
    found = group(WINDOWS, None, {WASAPI: (16, 14)}, {"input": "Headset Microphone (Jabra Evolve 65)", "output": None})
    assert [each.name for each in found if each.is_communications] == ["Headset Microphone (Jabra Evolve 65)"]
    assert [each.name for each in found if each.is_default and each.kind == "input"] == [
        "Microphone Array (Realtek(R) Audio)"
    ]
    assert {each.is_communications for each in found if each.kind == "output"} == {None}


def test_the_mappers_of_a_swedish_windows_are_no_devices() -> None:
    found = group(
        listed(
            [
                (MME, "Microsoft Sound Mapper - Output", 0, 2),
                (MME, "Högtalare (Razer Kraken TE - Ga", 0, 2),
                (MME, "Högtalare (USB Audio CODEC )", 0, 2),
                (DS, "Primär ljuddrivrutin", 0, 2),
                (DS, "Högtalare (Razer Kraken TE - Game)", 0, 2),
                (DS, "Högtalare (USB Audio CODEC )", 0, 2),
                (WASAPI, "Högtalare (USB Audio CODEC )", 0, 2),
                (WASAPI, "Högtalare (Razer Kraken TE - Game)", 0, 2),
            ],
            default_output=0,
        ),
        None,
        {WASAPI: (-1, 6)},
    )
    assert rows(found, "output") == [
        ("Högtalare (USB Audio CODEC )", (6, 5, 2, 0, 3)),
        ("Högtalare (Razer Kraken TE - Game)", (7, 4, 1)),
    ]


def test_two_devices_of_one_name_stay_two() -> None:
    same = "Speakers (Realtek(R) Audio)"
    found = group(listed([(MME, "Mapper", 0, 2), (MME, same, 0, 2), (MME, same, 0, 2), (WASAPI, same, 0, 2)]))
    assert rows(found, "output") == [(same, (3, 1)), (same, (2,))]
    assert [key[2] for key in keyed(found)] == [0, 1]


def test_names_that_mme_cuts_to_the_same_are_given_out_once_each() -> None:
    cut = "Microphone (Logitech USB Headse"
    found = group(
        listed(
            [
                (MME, "Mapper", 2, 0),
                (MME, cut, 1, 0),
                (MME, cut, 1, 0),
                (WASAPI, "Microphone (Logitech USB Headset H340)", 1, 0),
                (WASAPI, "Microphone (Logitech USB Headset H570)", 1, 0),
            ]
        )
    )
    assert [name for name, _ in rows(found, "input")] == [
        "Microphone (Logitech USB Headset H340)",
        "Microphone (Logitech USB Headset H570)",
    ]
    assert sorted(index for _, indices in rows(found, "input") for index in indices) == [1, 2, 3, 4]


def test_a_mac() -> None:
    found = group(
        listed(
            [
                ("Core Audio", "MacBook Pro Microphone", 1, 0),
                ("Core Audio", "MacBook Pro Speakers", 0, 2),
                ("Core Audio", "BlackHole 2ch", 2, 2),
                ("Core Audio", "USB Headset", 1, 2),
                ("Core Audio", "USB Headset", 1, 2),
            ],
            default_input=0,
            default_output=1,
        )
    )
    assert rows(found, "input") == [
        ("MacBook Pro Microphone", (0,)),
        ("BlackHole 2ch", (2,)),
        ("USB Headset", (3,)),
        ("USB Headset", (4,)),
    ]
    assert [each.name for each in found if each.is_default] == ["MacBook Pro Microphone", "MacBook Pro Speakers"]
    assert {each.name for each in found if each.is_virtual} == {"BlackHole 2ch"}


LINUX = listed(
    [
        ("ALSA", "HDA NVidia: HDMI 0 (hw:0,3)", 0, 8),
        ("ALSA", "sof-hda-dsp: - (hw:1,0)", 2, 2),
        ("ALSA", "sysdefault", 0, 8),
        ("ALSA", "hdmi", 0, 8),
        ("ALSA", "surround40", 0, 8),
        ("ALSA", "pipewire", 64, 64),
        ("ALSA", "pulse", 32, 32),
        ("ALSA", "default", 32, 32),
        ("JACK Audio Connection Kit", "Built-in Audio", 2, 2),
    ],
    default_input=7,
    default_output=7,
)


def server_device(kind: str, name: str, description: str, card: tuple[str, str] | None, **more: bool) -> ServerDevice:
    return ServerDevice(
        kind="input" if kind == "input" else "output",
        name=name,
        description=description,
        channels=2,
        rate_hz=48000,
        muted=False,
        is_monitor=more.get("is_monitor", False),
        is_hardware=more.get("is_hardware", True),
        is_hands_free=more.get("is_hands_free", False),
        is_plugged=more.get("is_plugged", True),
        card=card,
    )


PIPEWIRE = ServerState(
    "PipeWire",
    (
        server_device("output", "sink.pci", "Built-in Audio", ("1", "0")),
        server_device("output", "sink.hdmi", "HDMI", ("0", "3"), is_plugged=False),
        server_device("input", "sink.pci.monitor", "Monitor of Built-in Audio", ("1", "0"), is_monitor=True),
        server_device("input", "bluez.1", "WH-1000XM4", None, is_hands_free=True),
    ),
    {"input": "bluez.1", "output": "sink.pci"},
)


def test_linux_with_a_sound_server() -> None:
    found = group(LINUX, PIPEWIRE)
    assert rows(found, "output") == [("Built-in Audio", (1, 8, 7, 5, 6)), ("HDMI", (0,))]
    built_in, hdmi = (each for each in found if each.kind == "output")
    assert built_in.host_apis == ("PipeWire", "ALSA", "JACK Audio Connection Kit")
    assert (built_in.is_default, built_in.default_rate_hz, built_in.channels) == (True, 48000.0, 2)
    assert (hdmi.failure, hdmi.failure_detail) == ("absent", "nothing is plugged in")
    headset = next(each for each in found if each.name == "WH-1000XM4")
    assert (headset.is_default, headset.is_hands_free, headset.indices) == (True, True, (7, 5, 6))
    assert [each.name for each in found if each.is_monitor] == ["Monitor of Built-in Audio"]


def test_a_monitor_is_not_the_card_that_it_listens_to() -> None:
    monitor = next(each for each in group(LINUX, PIPEWIRE) if each.is_monitor)
    assert monitor.indices == ()


def test_linux_without_a_sound_server() -> None:
    found = group(LINUX)
    names = [name for name, _ in rows(found, "output")]
    assert names == ["HDA NVidia: HDMI 0 (hw:0,3)", "sof-hda-dsp: - (hw:1,0)", "Built-in Audio", "default"]
    assert [each.name for each in found if each.is_default] == ["default", "default"]


def test_plain_alsa_without_hardware_is_one_line() -> None:
    found = group(listed([("ALSA", "pulse", 32, 32), ("ALSA", "default", 32, 32)], 1, 1))
    assert rows(found, "input") == [("default", (1, 0))]


def test_no_device_is_no_endpoint() -> None:
    assert group(listed([])) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([MME, DS, WASAPI, KS, "ALSA", "Core Audio", "ASIO"]),
            st.one_of(st.text(max_size=40), st.sampled_from(["default", "x (hw:1,0)", "A" * 31, "A" * 40])),
            st.integers(0, 2),
            st.integers(0, 2),
        ),
        max_size=12,
    )
)
def test_no_entry_is_in_two_endpoints_of_a_direction(table: list[tuple[str, str, int, int]]) -> None:
    found = group(listed(table, 0 if table else None, 0 if table else None), PIPEWIRE)
    for kind in ("input", "output"):
        indices = [index for each in found if each.kind == kind for index in each.indices]
        assert len(indices) == len(set(indices))
    assert len(keyed(found)) == len(found)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        (
            "Headset (@System32\\drivers\\bthhfenum.sys,#2;%1 Hands-Free%0\r\n;(WH-1000XM4))",
            "Headset (WH-1000XM4 Hands-Free)",
        ),
        (" plain ", "plain"),
        ("@;%1", "@;%1"),
    ],
)
def test_names_that_windows_leaves_unresolved(name: str, full: str) -> None:
    assert full_name(name) == full


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["name", "description", "ports", "flags", "properties", "sample_specification", "active_port"]),
        JSON,
    )
)
def test_any_answer_of_a_server_is_read(answer: dict[str, object]) -> None:
    device = read_device("input", answer)
    assert (device is None) == (not isinstance(answer.get("name"), str) or not answer["name"])
