"""A small fixed part of bench/sound_matrix.py: of each fault a clear recording of each family, and healthy ones."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import soundfile

from tests.audio.recordings import FAULTS, FIRST, SECOND, Family, Made, faulty, healthy
from voicediag.audio.mic import measure
from voicediag.judge.audio import judge_mic
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest


def findings(made: Made, directory: Path) -> set[str]:
    path = directory / "made.wav"
    soundfile.write(path, made.samples, made.rate_hz, subtype="PCM_16")
    request = MicTestRequest(file=str(path))
    return {finding.id for finding in judge_mic(request, measure(request, Control()))}


@pytest.mark.parametrize("family", [FIRST, SECOND], ids=["first", "second"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_clear_fault_is_found_and_nothing_that_is_not_there(family: Family, fault: str, tmp_path: Path) -> None:
    (made,) = faulty(family, fault, 1)
    found = findings(made, tmp_path)
    assert fault in found
    if family is FIRST:  # nothing is held to the second beyond what it was made for
        assert found - {fault} <= set(made.beside)


@pytest.mark.parametrize("family", [FIRST, SECOND], ids=["first", "second"])
def test_what_is_healthy_has_no_finding(family: Family, tmp_path: Path) -> None:
    for made in itertools.islice(healthy(family, 8), 8):
        assert findings(made, tmp_path) == set(), made.name
