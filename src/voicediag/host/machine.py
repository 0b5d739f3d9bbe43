"""What machine this is, as far as a report says."""

from __future__ import annotations

import contextlib
import platform
import secrets
from pathlib import Path

from voicediag.model.report import Host


def installation_id() -> str | None:
    """Return the random id of this installation, made at the first call; None where it cannot be kept."""
    from platformdirs import user_data_path

    path = Path(user_data_path("voicediag", appauthor=False)) / "installation-id"
    try:
        known = path.read_text(encoding="ascii").strip()
        if len(known) == 16 and all(character in "0123456789abcdef" for character in known):
            return known
    except (OSError, ValueError):
        pass
    made = secrets.token_hex(8)
    if not Path.home().is_dir():
        return None  # a home that is not there is not ours to make
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made + "\n", encoding="ascii")
    except OSError:
        return None
    return made


def describe(portaudio: str | None) -> Host:
    """Describe this machine. `portaudio` is the library's version text, None where it was not loaded."""
    name = platform.system() or "unknown"
    release = platform.release()
    if name == "Linux":
        with contextlib.suppress(OSError):  # no os-release file: the kernel's release stays
            release = platform.freedesktop_os_release().get("PRETTY_NAME", release)
    elif name == "Darwin":
        name, release = "macOS", platform.mac_ver()[0]
    return Host(
        os=f"{name} ({release})" if name == "Linux" else f"{name} {release}",
        python=platform.python_version(),
        portaudio=portaudio,
        id=installation_id(),
    )
