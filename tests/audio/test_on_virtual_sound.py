"""The command on real PortAudio streams over a virtual sound server, fine and with every fault that it can have."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.audio.signals import noise, sine, talk
from tests.command import report_of
from tests.rigs.sound import Node, VirtualSound
from voicediag.audio.files import FileRecording
from voicediag.audio.mic import measure
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest

pytestmark = pytest.mark.rig

NAMES = [
    "Headset Mic",
    "ヘッドセット マイク",
    "[red]x[/] \x1b[2J\x1b]0;title\x07",
    "‮evil‏",
    "L" * 300,
    "{ brackets } = and; 'quotes' #",
]


def result_of(report: dict[str, Any]) -> dict[str, Any]:
    (attempt,) = report["attempts"]
    assert attempt["result"] is not None, attempt
    result: dict[str, Any] = attempt["result"]
    return result


def ids(report: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in report["findings"]]


def mic_test(sound: VirtualSound, *arguments: str, duration: float = 1.5) -> dict[str, Any]:
    """Run `mic-test` at the virtual devices' own rate and return its report."""
    done = sound.voicediag("mic-test", "--json", "--rate", "48000", "--duration", str(duration), *arguments)
    assert done.stderr == ""
    assert done.returncode in (0, 1)
    return report_of(done)


# Listing -------------------------------------------------------------------------------------------------------------


def test_every_name_is_listed_as_it_is(sound: VirtualSound) -> None:
    for name in NAMES:
        sound.add_ghost(name)
    speaker = sound.add_speaker("Desk Speaker")
    done = sound.voicediag("devices", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    devices = result_of(report_of(done))["devices"]
    assert {device["name"] for device in devices if device["inputs"]} == set(NAMES)
    (output,) = (device for device in devices if device["name"] == speaker.name)
    assert (output["inputs"], output["outputs"] > 0, output["host_api"]) == (0, True, "ALSA")
    assert output["input_latency_low_ms"] is None
    assert output["output_latency_low_ms"] > 0


def test_no_name_reaches_the_terminal_alive(sound: VirtualSound) -> None:
    for name in NAMES:
        sound.add_ghost(name)
    done = sound.voicediag("devices")
    assert not set(done.stdout) & {"\x1b", "\x07", "‮", "‏"}
    assert "[red]x[/]" in done.stdout
    assert "\\x1b[2J" in done.stdout


def test_the_default_is_marked(sound: VirtualSound) -> None:
    sound.add_microphone("One")
    sound.add_speaker("Two")
    result = result_of(report_of(sound.voicediag("devices", "--json")))
    by_index = {device["index"]: device for device in result["devices"]}
    assert by_index[result["default_input"]]["name"] == "default"
    assert by_index[result["default_input"]]["is_default_input"]
    assert by_index[result["default_output"]]["is_default_output"]


def test_forty_lines_of_chatter_do_not_reach_the_user(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    sound.add_chatter(40)
    raw = sound.python("import os, sounddevice; sounddevice._terminate(); sounddevice._lib.Pa_Initialize()")
    assert raw.stderr.count("\n") >= 40, "the rig does not chatter"
    assert sound.voicediag("devices").stderr == ""
    with sound.playing(mic, talk(4)):
        assert mic_test(sound, "--device", mic.name)["status"] == "pass"


def test_a_machine_without_devices_is_a_finding(sound: VirtualSound) -> None:
    done = sound.voicediag("devices", "--json")
    assert done.returncode == 1
    assert ids(report_of(done)) == ["audio.no-input", "audio.no-output"]


# Recording -----------------------------------------------------------------------------------------------------------


def test_a_known_level_comes_back_as_it_is(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    with sound.playing(mic, sine(1000, 1, amplitude=0.5)):
        result = result_of(mic_test(sound, "--device", "headset", duration=2))
    assert result["rms_dbfs"] == pytest.approx(-9.03, abs=0.05)
    assert result["peak_dbfs"] == pytest.approx(-6.02, abs=0.05)
    assert result["dc_offset"] == pytest.approx(0, abs=1e-4)
    assert result["clipped_ratio"] == 0
    assert (result["recorded_s"], result["overflows"], result["failure"]) == (2.0, 0, None)
    assert 0 < result["first_block_ms"] < 5000
    assert result["muted"] is False


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 2), (44100, 1), (48000, 4)])
def test_any_rate_and_channels_can_be_asked_for(sound: VirtualSound, rate: int, channels: int) -> None:
    mic = sound.add_microphone("Headset Mic")
    with sound.playing(mic, np.column_stack([talk(4, rms=0.05)] * 2)):
        report = mic_test(sound, "--rate", str(rate), "--channels", str(channels))
    result = result_of(report)
    assert (result["rate_hz"], result["channel_count"], len(result["channels"])) == (rate, channels, channels)
    assert result["recorded_s"] == 1.5
    assert result["speech_level_dbfs"] is not None


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        (talk(6, rms=0.05), []),
        (talk(6, rms=0.001), ["mic.too-quiet"]),
        (np.clip(talk(6, rms=0.5), -0.9, 0.9), ["mic.clipping", "mic.too-loud"]),
        (noise(6, rms=0.001), ["mic.no-speech"]),
        (noise(6, rms=0.01), ["mic.no-speech", "mic.noisy"]),
        (np.zeros(48000), ["mic.silent"]),
    ],
    ids=["fine", "quiet", "clipped and loud", "nobody speaks", "nobody speaks in noise", "silent"],
)
def test_what_the_microphone_hears_is_judged(sound: VirtualSound, heard: np.ndarray, found: list[str]) -> None:
    mic = sound.add_microphone("Headset Mic")
    with sound.playing(mic, heard):
        report = mic_test(sound, duration=4)  # long enough to hold a pause wherever it begins
    assert sorted(ids(report)) == found


def test_a_muted_microphone_is_silent_and_known_to_be_muted(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    sound.mute(mic)
    with sound.playing(mic, talk(4)):
        report = mic_test(sound)
    assert ids(report) == ["mic.silent"]
    assert result_of(report)["muted"] is True
    assert {"metric": "muted", "value": "yes"}.items() <= report["findings"][0]["evidence"][1].items()


def test_what_is_saved_is_judged_the_same(sound: VirtualSound, tmp_path: Path) -> None:
    mic = sound.add_microphone("Headset Mic")
    with sound.playing(mic, talk(4)):
        live = result_of(mic_test(sound, "--save", str(tmp_path / "kept.wav")))
    assert live["saved"] == str(tmp_path / "kept.wav")
    read = measure(MicTestRequest(file=live["saved"]), Control())
    assert read.speech_level_dbfs == pytest.approx(live["speech_level_dbfs"], abs=1e-6)
    assert [each.peak_dbfs for each in read.channels] == pytest.approx([each["peak_dbfs"] for each in live["channels"]])


def test_a_full_disk_costs_the_file_and_not_the_numbers(sound: VirtualSound, tmp_path: Path) -> None:
    mic = sound.add_microphone("Headset Mic")
    code = """
import resource, signal, sys
from voicediag.audio.mic import measure
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
result = measure(MicTestRequest(duration_s=1.0, rate_hz=48000, save=sys.argv[1]), Control())
print(result.saved, result.recorded_s, result.rms_dbfs, result.save_error, sep="|")
"""
    with sound.playing(mic, sine(1000, 1, amplitude=0.5)):
        done = sound.python(code, str(tmp_path / "kept.wav"))
    saved, recorded, rms, error = done.stdout.strip().split("|")
    assert (saved, recorded) == ("None", "1.0")
    assert float(rms) == pytest.approx(-9.03, abs=0.3)
    assert error == f"cannot save '{tmp_path}/kept.wav': File too large"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_device_is_one_clear_line(sound: VirtualSound) -> None:
    sound.add_microphone("Jabra Evolve")
    done = sound.voicediag("mic-test", "--device", "Jabra Evolv 2")
    assert done.returncode == 3
    assert "no input device 'Jabra Evolv 2'; did you mean 'Jabra Evolve'?" in done.stderr
    assert "Traceback" not in done.stderr


# Faults while recording ----------------------------------------------------------------------------------------------


@pytest.fixture
def mics(sound: VirtualSound) -> Iterator[tuple[Node, Node]]:
    """A microphone that hears speech, and another that is there too."""
    first, other = sound.add_microphone("Headset Mic"), sound.add_microphone("Webcam Mic")
    with sound.playing(first, talk(6)), sound.playing(other, sine(300, 1, amplitude=0.9)):
        yield first, other


def fault_while_recording(
    sound: VirtualSound, fault: Callable[[], object], *arguments: str
) -> tuple[int, dict[str, Any], str]:
    """Start a recording of 4 s, let it record more than 1 s, do `fault`, and return how it ended."""
    process = sound.start_voicediag("mic-test", "--json", "--device", "Headset Mic", "--rate", "48000", *arguments)
    sound.wait_for_stream(process)
    time.sleep(1.5)
    fault()
    out, err = process.communicate(timeout=30)
    return process.returncode, json.loads(out), err.decode()


def is_what_was_recorded_before(result: dict[str, Any]) -> bool:
    """Whether the numbers are of the speech before the fault, and of nothing after it."""
    return bool(0.5 < result["recorded_s"] < 3 and -30 < result["rms_dbfs"] < -15)


def test_the_sound_server_dies(sound: VirtualSound, mics: tuple[Node, Node]) -> None:
    code, report, err = fault_while_recording(sound, sound.kill_server)
    assert (code, err) == (1, "")
    assert "audio.device-lost" in ids(report)
    assert result_of(report)["failure"] == "lost"
    assert is_what_was_recorded_before(result_of(report))


def test_the_source_goes_and_the_stream_is_moved_to_another(sound: VirtualSound, mics: tuple[Node, Node]) -> None:
    code, report, err = fault_while_recording(sound, lambda: sound.remove(mics[0]))
    assert (code, err) == (1, "")
    result = result_of(report)
    assert result["failure"] == "lost"
    assert "the sound server moved the stream" in result["failure_detail"]
    # The other microphone hears −4 dBFS: nothing of it may be in the numbers.
    assert is_what_was_recorded_before(result)


def test_every_source_goes(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    with sound.playing(mic, talk(6)):
        code, report, err = fault_while_recording(sound, lambda: sound.remove(mic))
    assert (code, err) == (1, "")
    assert result_of(report)["failure"] == "lost"


def test_the_source_is_suspended(sound: VirtualSound, mics: tuple[Node, Node]) -> None:
    code, report, err = fault_while_recording(sound, lambda: sound.suspend(mics[0]))
    assert (code, err) == (1, "")
    assert result_of(report)["failure"] == "stalled"
    assert is_what_was_recorded_before(result_of(report))
    assert "audio.device-lost" in ids(report)


def test_a_source_that_gives_nothing_from_the_start(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    sound.suspend(mic)
    report = mic_test(sound, "--device", mic.name)
    result = result_of(report)
    assert ids(report) == ["audio.device-lost"]
    assert (result["failure"], result["recorded_s"], result["rms_dbfs"]) == ("stalled", 0.0, None)


def test_the_sound_server_freezes(sound: VirtualSound, mics: tuple[Node, Node]) -> None:
    code, report, err = fault_while_recording(sound, sound.freeze_server)
    assert (code, err) == (1, "")
    assert result_of(report)["failure"] == "stalled"
    assert is_what_was_recorded_before(result_of(report))


def test_the_user_stops_it(sound: VirtualSound, mics: tuple[Node, Node]) -> None:
    process = sound.start_voicediag("mic-test", "--json", "--device", "Headset Mic", "--duration", "30")
    sound.wait_for_stream(process)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    report = json.loads(out)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert report["attempts"][0]["status"] == "interrupted"
    assert result_of(report)["failure"] is None
    assert 0.5 < result_of(report)["recorded_s"] < 10


# Faults before it ----------------------------------------------------------------------------------------------------


def test_a_frozen_sound_server_is_not_waited_for(sound: VirtualSound) -> None:
    sound.add_microphone("Headset Mic")
    sound.freeze_server()
    done = sound.voicediag("mic-test", "--json", timeout=20)
    assert done.returncode == 3
    assert ids(report_of(done)) == ["audio.no-portaudio"]
    assert "does not answer" in done.stderr


def test_a_dead_sound_server_leaves_no_device(sound: VirtualSound) -> None:
    sound.add_microphone("Headset Mic")
    sound.kill_server()
    done = sound.voicediag("mic-test", "--json")
    assert done.returncode == 3
    assert ids(report_of(done)) == ["audio.no-input"]


def test_the_server_comes_back(sound: VirtualSound) -> None:
    mic = sound.add_microphone("Headset Mic")
    sound.kill_server()
    sound.start_server()
    with sound.playing(mic, talk(4)):
        assert mic_test(sound)["status"] == "pass"


def test_a_listed_device_with_nothing_behind_it_is_absent(sound: VirtualSound) -> None:
    sound.add_ghost("Ghost Mic")
    report = mic_test(sound, "--device", "Ghost Mic")
    result = result_of(report)
    assert ids(report) == ["audio.device-missing"]
    assert result["failure"] == "absent"
    assert "No such entity" in result["failure_detail"]
    assert (result["recorded_s"], result["rms_dbfs"], result["channels"]) == (0, None, [])


def test_more_channels_than_there_are_is_said(sound: VirtualSound) -> None:
    sound.add_microphone("Headset Mic")
    report = mic_test(sound, "--channels", "60")
    assert result_of(report)["failure"] == "channels"
    assert ids(report) == ["audio.rate-unsupported"]


# The tone ------------------------------------------------------------------------------------------------------------


def test_a_tone_is_played_and_found(sound: VirtualSound) -> None:
    speaker = sound.add_speaker("Desk Speaker")
    sound.add_ear("Desk Mic", speaker)
    report = mic_test(sound, "--tone", "997", duration=2)
    result = result_of(report)
    assert ids(report) == []
    assert result["output_device"] == "default"
    assert result["tone_hz"] == pytest.approx(997, abs=0.05)
    assert result["tone_dbfs"] == pytest.approx(-12, abs=0.1)
    assert result["thdn_db"] < -60


def test_what_the_speaker_plays_is_a_clean_tone_with_soft_ends(sound: VirtualSound, tmp_path: Path) -> None:
    sound.add_microphone("Headset Mic")
    speaker = sound.add_speaker("Desk Speaker")
    with sound.listening(speaker, tmp_path / "out.wav"):
        report = mic_test(sound, "--tone", "997", "--output-device", "desk")
    assert "mic.tone-missing" in ids(report)
    assert result_of(report)["output_failure"] is None
    out, rate_hz = soundfile.read(tmp_path / "out.wav")
    heard = np.flatnonzero(np.abs(out) > 1e-4)
    tone = out[heard[0] : heard[-1]]
    assert 1.0 < len(tone) / rate_hz < 3
    middle = tone[4800:-4800]
    assert 10 * np.log10(np.mean(middle**2)) == pytest.approx(-12, abs=0.1)
    assert np.abs(tone[:240]).max() < 0.5 * np.abs(middle).max()
    assert np.abs(tone[-240:]).max() < 0.5 * np.abs(middle).max()
    saved = tmp_path / "tone.wav"
    soundfile.write(saved, tone, rate_hz, subtype="FLOAT")
    found = measure(MicTestRequest(file=str(saved), tone_hz=1000.0), Control())
    assert found.tone_hz == pytest.approx(997, abs=0.05)


@pytest.mark.parametrize(("fault", "failure"), [("remove", "lost"), ("suspend", "stalled")])
def test_the_output_fails_while_it_plays(sound: VirtualSound, fault: str, failure: str) -> None:
    mic, speaker = sound.add_microphone("Headset Mic"), sound.add_speaker("Desk Speaker")
    with sound.playing(mic, talk(6)):
        code, report, err = fault_while_recording(
            sound, lambda: getattr(sound, fault)(speaker), "--tone", "1000", "--duration", "4"
        )
    assert (code, err) == (1, "")
    result = result_of(report)
    assert (result["failure"], result["output_failure"], result["recorded_s"]) == (None, failure, 4.0)
    (lost,) = (finding for finding in report["findings"] if finding["id"] == "audio.device-lost")
    assert lost["subject"] == "default"
    assert "mic.tone-missing" not in ids(report)


def test_without_an_output_no_tone_can_be_asked_for(sound: VirtualSound) -> None:
    sound.add_microphone("Headset Mic")
    done = sound.voicediag("mic-test", "--tone", "1000", "--json")
    assert done.returncode == 3
    assert ids(report_of(done)) == ["audio.no-output"]


# The rig itself ------------------------------------------------------------------------------------------------------


def test_the_rig_ends_its_processes_on_every_way_out() -> None:
    started: list[subprocess.Popen[bytes]] = []
    with contextlib.suppress(KeyError), VirtualSound() as own:
        mic = own.add_microphone("Headset Mic")
        with own.playing(mic, talk(1)):
            started = [*own._processes]
            assert own._server is not None
            started.append(own._server)
            raise KeyError
    assert len(started) >= 3
    assert all(process.poll() is not None for process in started)
    assert not own.directory.exists()


def test_the_rig_listens_to_what_it_plays(sound: VirtualSound, tmp_path: Path) -> None:
    speaker = sound.add_speaker("Desk Speaker")
    with sound.listening(speaker, tmp_path / "out.wav"), sound.playing(speaker, sine(440, 1, amplitude=0.25)):
        time.sleep(0.7)
    assert FileRecording(str(tmp_path / "out.wav")).rate_hz == 48000
    samples, _ = soundfile.read(tmp_path / "out.wav")
    assert np.abs(samples).max() == pytest.approx(0.25, abs=0.01)
