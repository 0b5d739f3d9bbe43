"""Whether PortAudio survives its start on Linux, where it aborts the whole process if ALSA has no default device."""

from __future__ import annotations

import ctypes
import sys


def has_default() -> bool:
    """Tell whether ALSA's configuration names a default device; True where there is no ALSA or it cannot be asked.

    PortAudio 19.6 asserts that a name is left over after the plain ones (`devIdx < numDeviceNames` in
    pa_linux_alsa.c), which `default` or `dmix` is, even where nothing is behind it. There is neither where alsa-lib
    came without its configuration files, as in small containers. A configuration with mistakes in it is PortAudio's
    own to refuse.
    """
    if sys.platform != "linux":
        return True
    try:
        alsa = ctypes.CDLL("libasound.so.2")
        if alsa.snd_config_update() < 0:
            return True
        root = ctypes.c_void_p.in_dll(alsa, "snd_config")
        found = ctypes.c_void_p()
        return bool(root.value) and any(
            alsa.snd_config_search(root, name, ctypes.byref(found)) == 0 for name in (b"pcm.default", b"pcm.dmix")
        )
    except (OSError, AttributeError, ValueError):
        return True
