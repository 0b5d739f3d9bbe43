"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.rigs.coturn import Coturn
from tests.rigs.sound import VirtualSound
from voicediag.knowledge import official

# The same examples at every run: what fails here fails for everybody. HYPOTHESIS_PROFILE=default draws new ones.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session", autouse=True)
def no_dictionary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the developer has stored of Twilio's dictionary out of the tests of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(official, "path", lambda: str(tmp_path_factory.getbasetemp() / "none.jsonl"))
        official.forget()
        yield


@pytest.fixture
def dictionary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test stores Twilio's dictionary. Nothing is there yet, nor the folder."""
    path = tmp_path / "data" / "voicediag" / "twilio-dictionary.jsonl"
    monkeypatch.setattr(official, "path", lambda: str(path))
    official.forget()
    yield path
    official.forget()


@pytest.fixture(scope="session")
def coturn() -> Iterator[Coturn]:
    """A real STUN and TURN server on loopback."""
    with Coturn() as server:
        yield server


@pytest.fixture(scope="session")
def virtual_sound() -> Iterator[VirtualSound]:
    """A sound server of its own with virtual devices, for the whole run. Use `sound`, which tidies up."""
    with VirtualSound() as sound:
        yield sound


@pytest.fixture
def sound(virtual_sound: VirtualSound) -> Iterator[VirtualSound]:
    """The virtual sound without any device; whatever a test does to it is undone."""
    virtual_sound.reset()
    yield virtual_sound
    virtual_sound.reset()
