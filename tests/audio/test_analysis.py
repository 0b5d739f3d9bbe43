from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.signals import Sound, noise, sine, stereo, talk
from voicediag.audio.analysis import Analysis, analyse
from voicediag.audio.blocks import Samples


def analysed(*channels: np.ndarray, rate_hz: int = 48000) -> Analysis:
    return analyse(Sound(stereo(*channels), rate_hz))


def test_the_numbers_of_a_recording_belong_together() -> None:
    found = analysed(talk(6, rms=0.1))
    assert found.channel == 0
    assert found.frames == 6 * 48000
    assert found.speech_ratio is not None
    assert found.speech_ratio > 0.4
    assert found.speech_level_dbfs is not None
    assert found.channels[0].rms_dbfs < found.speech_level_dbfs < found.channels[0].peak_dbfs
    assert found.noise_floor_dbfs == pytest.approx(-80, abs=1)
    assert found.level_series is not None
    assert len(found.level_series.t_ms) == 300
    assert found.spectrum is not None
    assert len(found.spectrum.frequency_hz) == 512


def test_where_nobody_spoke_there_is_no_speech_level() -> None:
    found = analysed(noise(6, rms=0.1))
    assert found.speech_ratio == 0
    assert found.speech_level_dbfs is None
    assert found.noise_floor_dbfs == pytest.approx(-20.3, abs=0.3)


def test_dc_is_in_the_plain_levels_and_in_nothing_else() -> None:
    plain, shifted = analysed(talk(6, rms=0.01)), analysed(talk(6, rms=0.01) + 0.3)
    assert shifted.channels[0].rms_dbfs == pytest.approx(-10.5, abs=0.1)
    assert shifted.channels[0].dc_offset == pytest.approx(0.3, abs=1e-3)
    assert shifted.speech_level_dbfs == pytest.approx(plain.speech_level_dbfs, abs=0.01)
    assert shifted.noise_floor_dbfs == pytest.approx(plain.noise_floor_dbfs, abs=0.1)
    assert shifted.speech_ratio == pytest.approx(plain.speech_ratio, abs=0.02)


def test_the_best_channel_is_judged_and_the_others_are_reported() -> None:
    speech = talk(6, rms=0.02)
    found = analysed(np.zeros(len(speech)), noise(6, rms=0.2), speech)
    assert found.channel == 2
    assert len(found.channels) == 3
    assert found.channels[0].peak_dbfs == -120


def test_of_two_channels_with_speech_the_louder_is_the_better() -> None:
    speech = talk(6, rms=0.1)
    assert analysed(speech * 0.1, speech).channel == 1
    assert analysed(speech, speech).channel == 0


def test_without_speech_the_loudest_channel_is_judged() -> None:
    assert analysed(np.zeros(48000), noise(1, rms=0.01), noise(1, rms=0.001)).channel == 1
    assert analysed(np.zeros(48000), np.zeros(48000)).channel == 0


def test_a_tone_counts_before_louder_noise() -> None:
    x = stereo(noise(3, rms=0.2), sine(1000, 3, amplitude=0.05))
    found = analyse(Sound(x), tone_hz=1000)
    assert found.channel == 1
    assert found.tone is not None
    assert found.tone.frequency_hz == pytest.approx(1000, abs=0.01)


def test_samples_that_are_no_numbers_are_counted_and_do_no_harm() -> None:
    x = stereo(talk(6))
    clean = analyse(Sound(x))
    x[1000:1010] = np.nan
    x[2000] = np.inf
    x[2001] = -np.inf
    found = analyse(Sound(x))
    assert found.nonfinite_samples == 12
    assert found.speech_level_dbfs == pytest.approx(clean.speech_level_dbfs, abs=0.05)


def test_absurd_samples_give_numbers() -> None:
    x = stereo(talk(2))
    x[5000] = 1e38
    found = analyse(Sound(x))
    assert found.channels[0].peak_dbfs == pytest.approx(760, abs=0.1)
    assert found.nonfinite_samples == 0


def test_nothing_recorded_is_nothing_measured() -> None:
    found = analyse(Sound(np.zeros((0, 2), dtype=np.float32)))
    assert found == Analysis(0, (), 0, *[None] * 14)


@pytest.mark.parametrize("rate_hz", [1000, 8000, 11025, 44100, 192000, 768000])
@pytest.mark.parametrize("frames", [1, 2, 159, 961])
def test_a_scrap_of_sound_gives_what_it_has(frames: int, rate_hz: int) -> None:
    found = analyse(Sound(np.full((frames, 2), 0.5, dtype=np.float32), rate_hz), tone_hz=440)
    assert found.frames == frames
    assert found.channels[0].rms_dbfs == pytest.approx(-6.02, abs=0.01)
    assert found.tone is None


@settings(max_examples=15, deadline=None)
@given(block=st.integers(1, 30_000), rate_hz=st.sampled_from([8000, 11025]))
def test_the_numbers_do_not_depend_on_how_the_sound_arrives(block: int, rate_hz: int) -> None:
    x = stereo(talk(2.5, rate_hz), noise(2.5, rate_hz))
    assert analyse(Sound(x, rate_hz, block=max(block, 200))) == analyse(Sound(x, rate_hz, block=len(x)))


def test_stopping_measures_what_was_read_by_then() -> None:
    stop = threading.Event()

    class Interrupted(Sound):
        def blocks(self) -> Iterator[Samples]:
            for number, block in enumerate(super().blocks()):
                if number == 20:
                    stop.set()
                yield block

    found = analyse(Interrupted(stereo(talk(20))), stop=stop)
    assert 3 * 48000 <= found.frames <= 5 * 48000
    assert found.speech_level_dbfs is not None


class Endless:
    """Seconds of the same noise, made as they are read."""

    rate_hz = 16000
    channels = 1

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._second = stereo(noise(1, 16000))

    def blocks(self) -> Iterator[Samples]:
        for _ in range(self._seconds):
            yield self._second.copy()


def test_memory_does_not_grow_with_length() -> None:
    def peak(seconds: int) -> int:
        tracemalloc.start()
        try:
            analyse(Endless(seconds), tone_hz=1000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(30)
    assert peak(600) < peak(60) + 500_000
