from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from voicediag.audio.capture import Capture
from voicediag.audio.mic import _failure


@pytest.mark.parametrize(
    ("platform", "samples", "failure"),
    [
        ("darwin", np.zeros((100, 1)), "permission"),
        ("darwin", np.full((100, 1), 1e-7), None),
        ("darwin", np.zeros((0, 1)), None),
        ("linux", np.zeros((100, 1)), None),
    ],
)
def test_zeros_on_macos_are_a_missing_permission(
    monkeypatch: pytest.MonkeyPatch, platform: str, samples: np.ndarray, failure: str | None
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert _failure(Capture(48000, samples.astype(np.float32)))[0] == failure


@pytest.mark.parametrize("failure", ["lost", "stalled"])
def test_a_failure_of_the_stream_is_told_as_it_is(failure: Literal["lost", "stalled"]) -> None:
    capture = Capture(48000, np.zeros((10, 1), dtype=np.float32), failure=failure, detail="in words")
    assert _failure(capture) == (failure, "in words")
