"""Beside programs that we did not write: sox for levels, espeak-ng for voices."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.signals import noise, sine
from voicediag.audio.mic import measure
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest
from voicediag.model.results.audio import MicTestResult

pytestmark = pytest.mark.rig

TEXT = "Please call me back tomorrow about the invoice that you sent last week."


def read(path: Path) -> MicTestResult:
    return measure(MicTestRequest(file=str(path)), Control())


def spoken(path: Path, voice: str, *effects: str, rate_hz: int = 48000) -> Path:
    raw = path.with_suffix(".espeak.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(raw), TEXT], check=True)
    # The rate first: converted afterwards, what is clipped is flat no more.
    subprocess.run(["sox", "-R", str(raw), str(path), "rate", str(rate_hz), "norm", "-6", *effects], check=True)
    return path


@pytest.mark.parametrize(
    ("name", "subtype", "rate_hz"),
    [
        ("a.wav", "PCM_16", 48000),
        ("a.wav", "PCM_U8", 8000),
        ("a.wav", "FLOAT", 44100),
        ("a.flac", "PCM_24", 96000),
        ("a.wav", "ULAW", 8000),
    ],
)
def test_levels_are_those_of_sox(tmp_path: Path, name: str, subtype: str, rate_hz: int) -> None:
    left = sine(440, 2, rate_hz, 0.4) + 0.05
    right = noise(2, rate_hz, 0.02, slope=1)
    soundfile.write(tmp_path / name, np.column_stack((left, right)), rate_hz, subtype=subtype)
    done = subprocess.run(["sox", str(tmp_path / name), "-n", "stats"], capture_output=True, text=True, check=True)
    labels = ("DC offset", "Pk lev dB", "RMS lev dB")
    lines = {line[:10].strip(): line[10:].split() for line in done.stderr.splitlines()}
    theirs = {label: [float(word) for word in lines[label]] for label in labels}
    ours = read(tmp_path / name).channels
    for channel, levels in enumerate(ours, start=1):  # their first column is of all channels together
        assert levels.rms_dbfs == pytest.approx(theirs["RMS lev dB"][channel], abs=0.1)
        assert levels.peak_dbfs == pytest.approx(theirs["Pk lev dB"][channel], abs=0.1)
        assert levels.dc_offset == pytest.approx(theirs["DC offset"][channel], abs=1e-4)


@pytest.mark.parametrize("voice", ["en", "en-us+f3", "de+m5", "fr+f5", "ja", "en+whisper"])
def test_every_voice_is_speech(tmp_path: Path, voice: str) -> None:
    result = read(spoken(tmp_path / "a.wav", voice))
    assert result.speech_ratio is not None
    assert result.speech_ratio > 0.5
    assert result.speech_level_dbfs is not None
    assert result.clipped_ratio == 0


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
@pytest.mark.parametrize("gain_db", [-20, -45])
def test_voices_are_speech_at_any_rate_and_level(tmp_path: Path, rate_hz: int, gain_db: int) -> None:
    result = read(spoken(tmp_path / "a.wav", "en", "gain", str(gain_db), rate_hz=rate_hz))
    full = read(spoken(tmp_path / "b.wav", "en"))
    assert result.speech_ratio == pytest.approx(full.speech_ratio, abs=0.15)
    assert full.speech_level_dbfs is not None
    assert result.speech_level_dbfs == pytest.approx(full.speech_level_dbfs + gain_db, abs=0.5)


def test_a_voice_clipped_by_sox_is_clipped(tmp_path: Path) -> None:
    result = read(spoken(tmp_path / "a.wav", "en", "gain", "20", "gain", "-12"))
    assert result.clipped_ratio is not None
    assert result.clipped_ratio > 0.005
    assert result.peak_dbfs == pytest.approx(-12, abs=0.1)
