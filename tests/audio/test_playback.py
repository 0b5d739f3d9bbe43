from __future__ import annotations

import math

import numpy as np
import pytest

from voicediag.audio.playback import FADE_S, _Tone


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
