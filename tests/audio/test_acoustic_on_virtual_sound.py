"""speaker-test and loopback-test on real PortAudio streams over a virtual sound server, fine and with faults."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.audio.signals import talk
from tests.command import environment, report_of
from tests.rigs.sound import Node, VirtualSound

pytestmark = pytest.mark.rig

SHORT = ("--json", "--rate", "48000", "--duration", "1.5")


@pytest.fixture
def speaker(sound: VirtualSound) -> Node:
    """A speaker, and a microphone beside it that hears it."""
    node = sound.add_speaker("Desk Speaker")
    sound.add_ear("Desk Mic", node)
    return node


def result_of(report: dict[str, Any]) -> dict[str, Any]:
    (attempt,) = report["attempts"]
    result: dict[str, Any] = attempt["result"]
    assert result is not None, attempt
    return result


def ids(report: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in report["findings"]]


def loopback(sound: VirtualSound, *arguments: str) -> dict[str, Any]:
    done = sound.voicediag("loopback-test", "--json", "--rate", "48000", "--duration", "5", *arguments)
    assert done.stderr == ""
    return report_of(done)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=20)
    assert b"Traceback" not in err
    return process.returncode, json.loads(out)


# Loopback ------------------------------------------------------------------------------------------------------------


def test_a_cable_from_output_to_input(sound: VirtualSound, speaker: Node) -> None:
    report = loopback(sound)
    result = result_of(report)
    assert ids(report) == ["loopback.echo"]
    assert result["peak_to_sidelobe_db"] > 20
    assert result["echo_return_loss_db"] == pytest.approx(0, abs=0.2)
    # Buffers of both streams; nothing tells how long they are, but no sound comes back sooner than it was handed over.
    assert 5 < result["round_trip_ms"] < 250
    assert result["tone"]["tone_dbfs"] == pytest.approx(-12, abs=0.1)
    assert result["tone"]["thdn_db"] < -60
    assert (result["input"]["noise_dbfs"], result["output"]["failure"], result["input"]["failure"]) == (
        -120,
        None,
        None,
    )


@contextlib.contextmanager
def delayed(sound: VirtualSound, speaker: Node, frames: int) -> Iterator[str]:
    """Add an output that hands all it gets to `speaker`, half as strong, `frames` later."""
    response = np.zeros((16000, 2))
    response[frames] = 0.5
    path = sound.directory / f"delay-{frames}.wav"
    soundfile.write(path, response, 48000, subtype="FLOAT")
    module = sound.pactl(
        *("load-module", "module-virtual-surround-sink", f"sink_name=delay{frames}", f"master={speaker.sink}"),
        *(f"hrir={path}", "channels=2", "channel_map=front-left,front-right"),
    )
    node = Node(f"Later {frames}", f"delay{frames}", is_microphone=False, module=module)
    sound._nodes.append(node)
    sound._write_alsa()
    try:
        yield node.name
    finally:
        sound.remove(node)


def test_a_longer_way_is_longer_by_what_was_added(sound: VirtualSound, speaker: Node) -> None:
    with delayed(sound, speaker, 0) as now, delayed(sound, speaker, 9600) as later:
        trips = [result_of(loopback(sound, "--output-device", name))["round_trip_ms"] for name in (now, later)]
    # The added sink passes sound in pieces of its own, which blurs both by some milliseconds.
    assert trips[1] - trips[0] == pytest.approx(200, abs=15)


def test_what_does_not_arrive_is_said_with_what_to_try(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    sound.add_speaker("Desk Speaker")
    with sound.playing(mic, talk(6)):
        report = loopback(sound)
    assert ids(report) == ["loopback.no-signal"]
    assert "Hold the earpiece to the microphone" in " ".join(report["findings"][0]["fixes"])
    result = result_of(report)
    assert (result["round_trip_ms"], result["echo_return_loss_db"], result["tone"]) == (None, None, None)
    assert result["peak_to_sidelobe_db"] < 8


def test_the_output_is_suspended_meanwhile(sound: VirtualSound) -> None:
    mic, node = sound.add_microphone("Headset Mic"), sound.add_speaker("Desk Speaker")
    with sound.playing(mic, talk(6)):
        process = sound.start_voicediag("loopback-test", "--json", "--rate", "48000", "--duration", "5")
        sound.wait_for_stream(process, "sink-inputs")
        time.sleep(1.0)
        sound.suspend(node)
        code, report = ended(process)
    assert code == 1
    assert ids(report) == ["audio.device-lost"]
    assert report["findings"][0]["direction"] == "output"
    assert (result_of(report)["output"]["failure"], result_of(report)["input"]["failure"]) == ("stalled", None)


def test_the_sound_server_dies_meanwhile(sound: VirtualSound, speaker: Node) -> None:
    process = sound.start_voicediag("loopback-test", "--json", "--rate", "48000", "--duration", "30")
    sound.wait_for_stream(process, "sink-inputs")
    time.sleep(1.0)
    begun = time.monotonic()
    sound.kill_server()
    code, report = ended(process)
    assert time.monotonic() - begun < 15
    assert code == 1
    assert set(ids(report)) >= {"audio.device-lost"}
    assert "loopback.no-signal" not in ids(report)
    assert result_of(report)["input"]["failure"] == "lost"
    assert result_of(report)["output"]["failure"] == "lost"


def test_the_user_stops_it_and_keeps_what_was_recorded(sound: VirtualSound, speaker: Node) -> None:
    process = sound.start_voicediag("loopback-test", "--json", "--rate", "48000", "--duration", "30")
    sound.wait_for_stream(process, "sink-inputs")
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    code, report = ended(process)
    assert code == 130
    assert report["attempts"][0]["status"] == "interrupted"
    assert 0 < result_of(report)["input"]["recorded_s"] < 15
    assert report["findings"] == []


# Speaker -------------------------------------------------------------------------------------------------------------


def test_an_input_listens(sound: VirtualSound, speaker: Node) -> None:
    done = sound.voicediag("speaker-test", *SHORT, "--tone", "700", "--level", "-20", "--listen", "desk")
    report = report_of(done)
    result = result_of(report)
    assert (done.returncode, done.stderr, ids(report)) == (0, "", [])
    assert result["tone"]["tone_hz"] == pytest.approx(700, abs=0.05)
    assert result["tone"]["tone_dbfs"] == pytest.approx(-20, abs=0.1)
    assert result["tone"]["thdn_db"] < -60
    assert result["output"]["played_s"] == pytest.approx(1.5, abs=0.01)


def test_one_side_is_one_side(sound: VirtualSound, speaker: Node) -> None:
    done = sound.voicediag(
        "speaker-test", *SHORT, "--left", "--listen", "desk", "--save", str(sound.directory / "l.wav")
    )
    assert done.returncode == 0
    heard, _ = soundfile.read(sound.directory / "l.wav")
    assert np.abs(heard[:, 0]).max() == pytest.approx(np.sqrt(2) * 10 ** (-12 / 20), abs=0.01)
    assert np.abs(heard[:, 1]).max() < 1e-3


def test_a_muted_output_is_not_heard_and_known_to_be_muted(sound: VirtualSound, speaker: Node) -> None:
    sound.mute(speaker)
    report = report_of(sound.voicediag("speaker-test", *SHORT, "--listen", "desk"))
    assert ids(report) == ["speaker.no-signal"]
    assert any(evidence["metric"] == "muted" for evidence in report["findings"][0]["evidence"])


def test_where_nobody_can_be_asked_nothing_is_claimed(sound: VirtualSound, speaker: Node) -> None:
    done = sound.voicediag("speaker-test", *SHORT)
    report = report_of(done)
    assert done.returncode == 3
    assert "nobody could be asked" in done.stderr
    assert report["status"] == "error"
    assert result_of(report)["answer"] is None
    assert result_of(report)["output"]["played_s"] == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(("fault", "failure"), [("remove", "lost"), ("suspend", "stalled"), ("kill", "lost")])
def test_the_output_fails_while_it_plays(sound: VirtualSound, speaker: Node, fault: str, failure: str) -> None:
    if fault == "remove":
        sound.add_speaker("Other Speaker")  # the stream is moved there, silently
    process = sound.start_voicediag("speaker-test", "--json", "--device", "Desk Speaker", "--duration", "3")
    sound.wait_for_stream(process, "sink-inputs")
    time.sleep(0.7)
    faults = {"remove": lambda: sound.remove(speaker), "suspend": lambda: sound.suspend(speaker)}
    faults.get(fault, sound.kill_server)()
    code, report = ended(process)
    assert code == 1
    assert ids(report) == ["audio.device-lost"]
    assert result_of(report)["output"]["failure"] == failure
    assert result_of(report)["output"]["played_s"] < 3.01


@pytest.mark.parametrize(
    ("typed", "code", "found"), [(b"what?\nYes\n", 0, []), (b"n\n", 1, ["speaker.no-signal"]), (None, 130, [])]
)
def test_a_person_is_asked(
    sound: VirtualSound, speaker: Node, typed: bytes | None, code: int, found: list[str]
) -> None:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "voicediag", "speaker-test", "--duration", "1.5", "--json"],
            env=environment(sound.directory, sound.env),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        said = b""
        while b"[y/n]" not in said:
            said += os.read(ours, 4096)
        assert b"Did you hear the tone on 'default'?" in said
        if typed is None:
            process.send_signal(signal.SIGINT)
        else:
            os.write(ours, typed)
        out, _ = process.communicate(timeout=20)
    finally:
        os.close(ours)
        os.close(theirs)
    report = json.loads(out)
    assert process.returncode == code
    assert ids(report) == found
