from __future__ import annotations

import math

import numpy as np
import pytest

from voicediag.audio.playback import FADE_S, Prepared, _Tone
from voicediag.model.request import Side


def played(seconds: float, block: int = 480, ending_at: float | None = None, level_dbfs: float = -12.0) -> np.ndarray:
    tone = _Tone(1000.0, level_dbfs, 48000)
    blocks = []
    for start in range(0, round(seconds * 48000), block):
        tone.ending = ending_at is not None and start >= ending_at * 48000
        blocks.append(tone.next(block))
    return np.concatenate(blocks).astype(np.float64)


def test_the_level_is_plain_rms() -> None:
    steady = played(1.0)[4800:]
    assert 10 * math.log10(np.mean(steady**2)) == pytest.approx(-12, abs=0.01)


def test_it_fades_in_and_out_and_is_silent_then() -> None:
    x = played(1.0, ending_at=0.5)
    fade = round(FADE_S * 48000)
    amplitude = math.sqrt(2) * 10 ** (-12 / 20)
    assert np.abs(x[: fade // 4]).max() < 0.2 * amplitude
    assert np.abs(x[24000 + fade :]).max() == 0
    assert np.abs(x[24000 + 3 * fade // 4 : 24000 + fade]).max() < 0.2 * amplitude
    # No step anywhere is larger than the steepest one of the tone itself: no click.
    assert np.abs(np.diff(x)).max() <= amplitude * 2 * math.pi * 1000 / 48000 * 1.001


def test_blocks_of_any_size_make_the_same_tone() -> None:
    assert np.allclose(played(0.1, block=480), played(0.1, block=96), atol=1e-7)


def handed(sound: Prepared, blocks: int, length: int = 480) -> np.ndarray:
    """What the sound puts on two channels, [frames, channels]."""
    out = np.full((blocks * length, 2), np.nan, dtype=np.float32)
    for start in range(0, len(out), length):
        sound.last_at = start / 48000
        sound.fill(out[start : start + length], sound.next(length))
    return out


def test_a_prepared_sound_waits_plays_once_and_is_over() -> None:
    samples = np.linspace(0.1, 1, 1000)
    sound = Prepared(samples, 48000)
    assert not handed(sound, 3).any()
    assert (sound.is_over, sound.played, sound.blocks) == (False, 0, [])
    sound.begin()
    out = handed(sound, 4)
    assert np.allclose(out[:1000], samples[:, None])
    assert not out[1000:].any()
    assert (sound.is_over, sound.played, sound.total) == (True, 1000, 1000)
    assert sound.blocks[:2] == [(0.0, 0), (0.01, 480)]


@pytest.mark.parametrize(("side", "silent"), [("left", 1), ("right", 0)])
def test_one_side_leaves_the_other_silent(side: Side, silent: int) -> None:
    sound = Prepared(np.ones(960), 48000, side)
    sound.begin()
    out = handed(sound, 2)
    assert not out[:, silent].any()
    assert (out[:, 1 - silent] == 1).all()


def test_a_prepared_sound_that_is_stopped_fades_out() -> None:
    sound = Prepared(np.ones(48000), 48000)
    sound.begin()
    handed(sound, 10)
    sound.ending = True
    out = handed(sound, 10)[:, 0]
    fade = round(FADE_S * 48000)
    assert out[0] == pytest.approx(1, abs=0.01)
    assert np.abs(np.diff(out[:fade])).max() < 0.01
    assert not out[fade:].any()
    assert sound.is_over


def test_a_sound_that_never_began_is_over_when_it_is_stopped() -> None:
    sound = Prepared(np.ones(48000), 48000)
    sound.ending = True
    assert sound.is_over
