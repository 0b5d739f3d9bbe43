"""`devices` and `devices --watch` over a virtual sound server whose devices come and go."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.command import report_of
from tests.rigs.sound import VirtualSound

pytestmark = pytest.mark.rig

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def sound() -> Iterator[VirtualSound]:
    with VirtualSound() as sound:
        yield sound


class Watching:
    """A running `devices --watch --json`, and its lines as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def until(self, event: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found: dict[str, Any] = json.loads(self._lines.get(timeout=max(0.01, deadline - time.monotonic())))
            assert {"at", "event", "kind", "device", "fallback"} <= found.keys()
            if found["event"] == event and fits(found):
                return found


def test_what_cannot_be_opened_is_told_by_trying(sound: VirtualSound) -> None:
    sound.reset()
    for number in range(5):
        sound.add_microphone(f"Mic {number}")
        sound.add_speaker(f"Speaker {number}")
    sound.add_ghost("Ghost")
    done = sound.voicediag("devices", "--json")
    assert done.stderr == ""
    report = report_of(done)
    endpoints = report["attempts"][0]["result"]["endpoints"]
    # The sink behind each microphone bears its name too, as an output.
    by_name = {each["name"]: each for each in endpoints if each["kind"] == "input"}
    assert by_name["Mic 3"]["rates_hz"] == [8000, 16000, 44100, 48000]
    assert (by_name["Mic 3"]["failure"], by_name["Mic 3"]["probed"]) == (None, True)
    assert (by_name["Ghost"]["failure"], by_name["Ghost"]["rates_hz"]) == ("absent", [])
    assert [each["kind"] for each in endpoints if each["is_default"]] == ["input", "output"]
    assert report["findings"] == []
    unprobed = report_of(sound.voicediag("devices", "--json", "--no-probe"))["attempts"][0]["result"]["endpoints"]
    assert {each["probed"] for each in unprobed} == {False}


def test_trying_does_not_disturb_a_stream(sound: VirtualSound) -> None:
    sound.reset()
    sound.add_microphone("Mic")
    sound.add_speaker("Speaker")
    recording = sound.start_voicediag("mic-test", "--json", "--rate", "48000", "--duration", "3")
    sound.wait_for_stream(recording)
    for _ in range(3):
        assert sound.voicediag("devices", "--json").stderr == ""
    out, _ = recording.communicate(timeout=30)
    result = json.loads(out)["attempts"][0]["result"]
    assert (result["failure"], result["overflows"]) == (None, 0)


def test_every_change_is_told_and_a_restart_survived(sound: VirtualSound) -> None:
    sound.reset()
    sound.add_microphone("Mic")
    watching = Watching(sound.start_voicediag("devices", "--watch", "--json"))
    try:
        # The first list is what later ones are compared with: go on adding until it was there.
        added = None
        for number in range(12):
            sound.add_ghost(f"Ghost {number}")
            try:
                added = json.loads(watching._lines.get(timeout=1.5))
            except queue.Empty:
                continue
            break
        assert added is not None
        assert added["event"] == "added"
        headset = sound.add_microphone("ヘッドセット \x1b[2J")
        watching.until("added", lambda event: event["device"] == headset.name)
        sound.pactl("set-default-source", f"{headset.sink}.monitor")
        watching.until("default-changed", lambda event: event["kind"] == "input")
        sound.mute(headset)
        assert watching.until("unusable", lambda event: event["reason"] == "muted")["fallback"] == "Mic"
        sound.mute(headset, on=False)
        watching.until("recovered")
        sound.remove(headset)
        watching.until("removed", lambda event: event["device"] == headset.name)
        sound.kill_server()
        watching.until("removed", lambda event: event["device"] == "Mic")
        sound.start_server()
        watching.until("added", lambda event: event["device"] == "Mic")
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(timeout=PATIENCE_S) == 130
    finally:
        watching.process.kill()
        watching.process.wait()


def test_watching_ends_in_time(sound: VirtualSound) -> None:
    done = sound.voicediag("devices", "--watch", "--for", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
