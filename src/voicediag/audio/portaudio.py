"""PortAudio's life: loaded when needed, muted while it lives, ended on every way out."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

from voicediag.audio.alsa import has_default
from voicediag.audio.quiet import quiet
from voicediag.audio.server import is_frozen
from voicediag.model.attempt import Cause, Unavailable
from voicediag.model.text import visible

_lock = threading.Lock()
_users = 0
_abandoned = False


@contextlib.contextmanager
def portaudio() -> Iterator[Any]:
    """Yield the `sounddevice` module with PortAudio running; its device list is as of the outermost context's start.

    Raises `Unavailable` (`no-portaudio`) where the library is missing or does not start.
    """
    with quiet():
        sounddevice = _begin()
        try:
            yield sounddevice
        finally:
            _end(sounddevice)


def portaudio_version() -> str | None:
    """Return the library's own version text; None where this process has not loaded it."""
    sounddevice = sys.modules.get("sounddevice")
    return None if sounddevice is None else str(sounddevice.get_portaudio_version()[1])


def abandon() -> None:
    """Give PortAudio up: a call into it does not come back. It is not used or ended any more, not at exit either."""
    global _abandoned
    _abandoned = True
    sounddevice = sys.modules.get("sounddevice")
    if sounddevice is not None:
        atexit.unregister(sounddevice._exit_handler)


def refresh(sounddevice: Any) -> None:
    """Read the device list anew. Kills every open stream."""
    sounddevice._terminate()
    sounddevice._initialize()


def _begin() -> Any:
    global _users
    with _lock:
        if _abandoned or (not _users and is_frozen()):
            raise Unavailable(
                Cause.NO_PORTAUDIO, "PortAudio cannot be used: the sound server takes connections but does not answer"
            )
        if not has_default():
            raise Unavailable(
                Cause.NO_PORTAUDIO,
                "PortAudio cannot start: ALSA's configuration has no default device"
                " (are alsa-lib's data files installed?)",
            )
        try:
            import sounddevice  # starts PortAudio when it is imported for the first time

            if not sounddevice._initialized:
                sounddevice._initialize()
        except OSError as error:
            raise Unavailable(
                Cause.NO_PORTAUDIO, f"the PortAudio library could not be loaded: {visible(str(error))}"
            ) from error
        except Exception as error:  # PortAudioError: its class cannot be named before the import worked
            if type(error).__name__ != "PortAudioError":
                raise
            raise Unavailable(
                Cause.NO_PORTAUDIO,
                f"PortAudio does not start (is the sound configuration broken?): {visible(str(error))}",
            ) from error
        _users += 1
        return sounddevice


def _end(sounddevice: Any) -> None:
    global _users
    with _lock:
        _users -= 1
        if not _users and not _abandoned and sounddevice._initialized:
            with contextlib.suppress(sounddevice.PortAudioError):
                sounddevice._terminate()
