from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.signals import sine, stereo, talk
from voicediag.audio.files import FileRecording, save_wav
from voicediag.audio.mic import measure
from voicediag.model.attempt import Cause, Unavailable
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest
from voicediag.model.results.audio import MicTestResult


def measured(path: Path | str, **asked: Any) -> MicTestResult:
    return measure(MicTestRequest(file=str(path), **asked), Control())


def refusal(path: Path | str) -> str:
    """The one line that says why `path` cannot be read."""
    with pytest.raises(Unavailable) as caught:
        measured(path)
    assert caught.value.cause is Cause.FILE_UNREADABLE
    assert caught.value.subject == str(path)
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_U8"),
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "PCM_32"),
        ("a.wav", "FLOAT"),
        ("a.wav", "DOUBLE"),
        ("a.wav", "ULAW"),
        ("a.flac", "PCM_16"),
        ("a.aiff", "PCM_16"),
        ("a.ogg", "VORBIS"),
    ],
)
def test_every_format_gives_the_same_levels(tmp_path: Path, name: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, sine(1000, 2, 44100, amplitude=0.5), 44100, subtype=subtype)
    result = measured(tmp_path / name)
    assert result.source == "file"
    assert result.rate_hz == 44100
    assert result.recorded_s == pytest.approx(2.0)
    assert result.rms_dbfs == pytest.approx(-9.03, abs=0.1)
    assert result.peak_dbfs == pytest.approx(-6.02, abs=0.3 if subtype in ("ULAW", "VORBIS") else 0.1)
    assert result.clipped_ratio == 0
    assert result.file_error is None


@pytest.mark.parametrize("rate_hz", [8000, 96000, 192000])
def test_every_rate_is_read(tmp_path: Path, rate_hz: int) -> None:
    soundfile.write(tmp_path / "a.wav", talk(2, rate_hz), rate_hz)
    result = measured(tmp_path / "a.wav")
    assert result.rate_hz == rate_hz
    assert result.rms_dbfs == pytest.approx(-20, abs=0.1)
    assert result.speech_level_dbfs is not None


def test_eight_channels_are_all_reported(tmp_path: Path) -> None:
    speech = talk(2, 16000)
    soundfile.write(tmp_path / "a.wav", np.column_stack([speech * 0.1 * n for n in range(8)]), 16000, subtype="FLOAT")
    result = measured(tmp_path / "a.wav")
    assert result.channel_count == len(result.channels) == 8
    assert result.channel == 7
    assert result.channels[0].peak_dbfs == -120


@pytest.mark.parametrize("frames", [1, 2, 100])
def test_a_scrap_is_measured(tmp_path: Path, frames: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(frames, 0.5), 48000)
    result = measured(tmp_path / "a.wav")
    assert result.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert result.recorded_s == frames / 48000
    assert result.speech_ratio is None


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_no_sound_do_no_harm(tmp_path: Path, subtype: str) -> None:
    x = talk(2)
    x[10], x[20], x[30], x[40] = np.nan, np.inf, -np.inf, 1e38
    soundfile.write(tmp_path / "a.wav", x, 48000, subtype=subtype)
    result = measured(tmp_path / "a.wav")
    assert result.nonfinite_samples == 3
    assert result.peak_dbfs == pytest.approx(760, abs=0.1)
    assert result.rms_dbfs is not None


def test_doubles_that_no_float_holds_are_no_numbers_either(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.5, 1e300, -1e300, 0.5]), 48000, subtype="DOUBLE")
    result = measured(tmp_path / "a.wav")
    assert result.nonfinite_samples == 2
    assert result.peak_dbfs == pytest.approx(-6.02, abs=0.01)


def test_a_truncated_file_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(1000, 4, amplitude=0.5), 48000, subtype="PCM_16")
    os.truncate(path, 44 + 2 * 48000 + 1)  # one second, and half a sample
    result = measured(path)
    assert result.recorded_s == pytest.approx(1.0)
    assert result.rms_dbfs == pytest.approx(-9.03, abs=0.01)


def test_a_broken_stream_gives_what_came_before_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, talk(20, rms=0.1), 48000)
    os.truncate(path, path.stat().st_size // 2)
    result = measured(path)
    assert 2 < result.recorded_s < 18
    assert result.rms_dbfs == pytest.approx(-20, abs=1)
    assert result.file_error


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "interview.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not a sound at all" * 50)
    (tmp_path / "notes.raw").write_bytes(bytes(1000))
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 48000)
    assert "there is no such file; did you mean 'interview.wav'?" in refusal(tmp_path / "intervew.wav")
    assert "there is no such file" in refusal(tmp_path / "no" / "such" / "place.wav")
    assert "it is a directory" in refusal(tmp_path)
    assert "Format not recognised" in refusal(tmp_path / "text.wav")
    assert "it is empty" in refusal(tmp_path / "interview.wav")
    assert "it holds no samples" in refusal(tmp_path / "none.wav")
    assert "no header" in refusal(tmp_path / "notes.raw")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file" in refusal(tmp_path / "pipe.wav")


def test_a_hostile_name_stays_on_its_line() -> None:
    reason = refusal("no\n\x1b[2Jsuch.wav")
    assert "\x1b" not in reason
    assert "\\x1b[2J" in reason


def test_a_name_that_no_system_takes_is_refused() -> None:
    assert "cannot read" in refusal("a\0b.wav")
    assert "cannot read" in refusal("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="no user ids on this system")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(10), 48000)
    path.chmod(0)
    code = (
        "import os, sys\n"
        "from voicediag.audio.files import FileRecording\n"
        "from voicediag.model.attempt import Unavailable\n"
        "if os.getuid() == 0:\n"
        "    import numpy; os.setgroups([]); os.setuid(65534)\n"
        "try:\n    FileRecording(sys.argv[1])\n"
        "except Unavailable as error:\n    print(error.cause, error.reason)\n"
    )
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        if parent.owner() != "root" or parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("file-unreadable"), done.stderr
    assert "ermission denied" in done.stdout


def rate_patched(path: Path, rate_hz: int) -> Path:
    soundfile.write(path, np.zeros(100), 48000, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[24:28] = rate_hz.to_bytes(4, "little")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("rate_hz", [1, 7, 999, 768_001, 2_000_000_000])
def test_a_rate_that_is_none_of_sound_is_refused(tmp_path: Path, rate_hz: int) -> None:
    assert "none of sound" in refusal(rate_patched(tmp_path / "a.wav", rate_hz))


def test_more_sound_than_a_second_can_hold_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((3, 64)), 192_000)
    assert "64 channels at 192000 Hz" in refusal(tmp_path / "a.wav")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_in_a_file_it_is_measured_or_refused(data: st.DataObject, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz-{os.getpid()}.wav"
    soundfile.write(path, sine(1000, 0.05, 8000), 8000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        result = measured(path)
    except Unavailable as error:
        assert error.cause is Cause.FILE_UNREADABLE
    else:
        assert result.channels


def test_what_is_saved_reads_back_the_same(tmp_path: Path) -> None:
    samples = stereo(sine(440, 0.1, amplitude=1.5), sine(880, 0.1, amplitude=1e-6))
    save_wav(str(tmp_path / "a.wav"), iter([samples[:1000], samples[1000:]]), 48000, 2)
    read, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    assert rate_hz == 48000
    assert np.array_equal(read, samples)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]


def test_a_failing_save_keeps_the_old_file(tmp_path: Path) -> None:
    def blocks() -> Any:
        yield np.zeros((10, 1), dtype=np.float32)
        raise OSError(28, "No space left on device")

    (tmp_path / "a.wav").write_text("the old one")
    with pytest.raises(OSError, match="No space left"):
        save_wav(str(tmp_path / "a.wav"), blocks(), 48000, 1)
    assert (tmp_path / "a.wav").read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]


def test_a_recording_is_opened_anew_for_each_walk(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", talk(1), 48000)
    recording = FileRecording(str(tmp_path / "a.wav"))
    first, second = list(recording.blocks()), list(recording.blocks())
    assert sum(map(len, first)) == sum(map(len, second)) == 48000
