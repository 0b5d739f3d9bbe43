"""The microphone test: record or read, measure, and keep the recording where that was asked for."""

from __future__ import annotations

import sys
import threading
from typing import Any

from voicediag.audio.analysis import Analysis, analyse
from voicediag.audio.blocks import Recording
from voicediag.audio.capture import Capture, record
from voicediag.audio.devices import find_input, find_output, list_devices
from voicediag.audio.files import FileRecording, save_wav
from voicediag.audio.playback import Playback, playing_tone
from voicediag.audio.portaudio import portaudio
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest
from voicediag.model.results.audio import MicTestResult, StreamFailure
from voicediag.model.text import visible


def measure(request: MicTestRequest, control: Control) -> MicTestResult:
    """Measure a file or a device. Where `control.stop` is set meanwhile, what there is by then is measured.

    Raises `Unavailable`: `file-unreadable`, `no-portaudio`, `no-input`, `no-output`, `device-missing`.
    """
    if request.file is not None:
        return _from_file(request, request.file, control)
    return _from_device(request, control)


def _from_file(request: MicTestRequest, path: str, control: Control) -> MicTestResult:
    recording = FileRecording(path)
    numbers = _numbers(recording, request.tone_hz, control.stop)
    return MicTestResult(
        source="file",
        device=None,
        file=path,
        rate_hz=recording.rate_hz,
        channel_count=recording.channels,
        requested_s=None,
        file_error=recording.decode_error,
        **numbers,
    )


def _numbers(recording: Recording, tone_hz: float | None, stop: threading.Event | None) -> dict[str, Any]:
    """Return the fields of the result that come from the sound itself."""
    found = analyse(recording, tone_hz, stop)
    levels = found.channels[found.channel] if found.channel is not None else None
    return {
        "recorded_s": found.frames / recording.rate_hz,
        "channel": found.channel,
        "channels": found.channels,
        "nonfinite_samples": found.nonfinite_samples,
        "rms_dbfs": levels and levels.rms_dbfs,
        "peak_dbfs": levels and levels.peak_dbfs,
        "crest_db": levels and levels.crest_db,
        "dc_offset": levels and levels.dc_offset,
        "clipped_ratio": levels and levels.clipped_ratio,
        "speech_ratio": found.speech_ratio,
        "speech_level_dbfs": found.speech_level_dbfs,
        "activity_ratio": found.activity_ratio,
        "noise_floor_dbfs": found.noise_floor_dbfs,
        "zero_ratio": found.zero_ratio,
        "snr_db": _snr_db(found),
        "hum_hz": found.hum and found.hum.frequency_hz,
        "hum_dbfs": found.hum and found.hum.level_dbfs,
        "hum_prominence_db": found.hum and found.hum.prominence_db,
        "bandwidth_hz": found.bandwidth_hz,
        "dropouts": found.dropouts,
        "gain_drift_db": found.gain_drift_db,
        "level_std": found.level_std,
        "tone_expected_hz": tone_hz,
        "tone_hz": found.tone and found.tone.frequency_hz,
        "tone_dbfs": found.tone and found.tone.level_dbfs,
        "thdn_db": found.tone and found.tone.thdn_db,
        "level_series": found.level_series,
        "spectrum": found.spectrum,
    }


def _snr_db(found: Analysis) -> float | None:
    if found.speech_level_dbfs is None or found.noise_floor_dbfs is None:
        return None
    return found.speech_level_dbfs - found.noise_floor_dbfs


def _from_device(request: MicTestRequest, control: Control) -> MicTestResult:
    # One life of PortAudio for all of it: indices hold only as long.
    with portaudio():
        devices = list_devices()
        device = find_input(devices, request.device)
        output = None if request.tone_hz is None else find_output(devices, request.output_device)
        rate_hz = request.rate_hz or round(device.default_rate_hz)
        channels = request.channels or min(2, device.inputs)
        playback = Playback()
        tone = None
        if output is not None and request.tone_hz is not None:
            tone = playing_tone(output, request.tone_hz, playback)
        capture = record(device, rate_hz, channels, request.duration_s, control, alongside=tone)
    # The recording is complete: Ctrl-C must not cost its numbers.
    numbers = _numbers(capture, request.tone_hz, stop=None)
    failure, detail = _failure(capture)
    saved, save_error = _save(request.save, capture)
    return MicTestResult(
        source="device",
        device=device.name,
        file=None,
        rate_hz=rate_hz,
        channel_count=channels,
        requested_s=request.duration_s,
        failure=failure,
        failure_detail=detail,
        saved=saved,
        save_error=save_error,
        overflows=capture.overflows,
        overflow_ms=capture.overflow_ms,
        first_block_ms=capture.first_block_ms,
        longest_wait_ms=capture.longest_wait_ms,
        muted=capture.muted,
        output_device=None if output is None else output.name,
        output_failure=playback.failure,
        output_failure_detail=playback.detail,
        **numbers,
    )


def _failure(capture: Capture) -> tuple[StreamFailure | None, str | None]:
    """Return why the recording failed, in a word and in words; None where it did not."""
    # Documented by Apple and not seen here: no error, but zeros. A device that is muted in itself gives noise mostly.
    if sys.platform == "darwin" and capture.failure is None and len(capture.samples) and not capture.samples.any():
        return "permission", "macOS gives digital silence to a program that may not use the microphone"
    return capture.failure, capture.detail


def _save(path: str | None, capture: Capture) -> tuple[str | None, str | None]:
    """Keep the recording; return where, or why not. What was measured must not be lost over it."""
    if path is None or not len(capture.samples):
        return None, None
    try:
        save_wav(path, capture.blocks(), capture.rate_hz, capture.channels)
    except OSError as error:
        return None, f"cannot save '{visible(path)}': {error.strerror or error}"
    return path, None
