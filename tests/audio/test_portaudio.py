"""PortAudio that is missing, broken or given up. Each in a process of its own: it is loaded once in one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.audio.signals import talk
from tests.command import environment, report_of, voicediag

LIST = """
from voicediag.audio.devices import list_devices, portaudio_version
from voicediag.model.attempt import Unavailable
assert portaudio_version() is None
try:
    print(list_devices())
except Unavailable as error:
    print(error.cause, "|", error.reason)
"""

NOTHING = "pcm.default { type nosuchtype }\n"
"""A configuration with a name that nothing is behind."""


def python(code: str, home: Path, extra: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(home, extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def without_library(tmp_path: Path) -> dict[str, str]:
    """An environment in which the system has no PortAudio."""
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes.util\nreal = ctypes.util.find_library\n"
        "ctypes.util.find_library = lambda name: None if 'portaudio' in name else real(name)\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the library comes with the package")
def test_a_missing_library_is_a_reason_not_an_error(tmp_path: Path, without_library: dict[str, str]) -> None:
    done = python(LIST, tmp_path, without_library)
    assert done.stdout.startswith("no-portaudio | the PortAudio library could not be loaded"), done.stderr
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the library comes with the package")
def test_without_the_library_the_command_says_so_and_a_file_is_still_judged(
    tmp_path: Path, without_library: dict[str, str]
) -> None:
    done = voicediag(["devices", "--json"], tmp_path, without_library)
    assert done.returncode == 3
    assert [finding["id"] for finding in report_of(done)["findings"]] == ["audio.no-portaudio"]
    assert "Traceback" not in done.stderr
    soundfile.write(tmp_path / "a.wav", talk(3), 48000)
    done = voicediag(["mic-test", "--json", "--file", str(tmp_path / "a.wav")], tmp_path, without_library)
    assert (done.returncode, done.stderr, report_of(done)["status"]) == (0, "", "pass")


@pytest.mark.rig
def test_a_broken_sound_configuration_is_a_reason_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "alsa.conf").write_text("pcm.x { type\n")
    done = python(LIST, tmp_path, {"ALSA_CONFIG_PATH": str(tmp_path / "alsa.conf")})
    assert done.stdout.startswith("no-portaudio | PortAudio does not start"), done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.rig
@pytest.mark.parametrize("content", [None, "", "pcm {}", "pcm.x { type null }"])
def test_where_portaudio_would_abort_the_process_it_is_not_started(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "alsa.conf").write_text(content)
    done = python(LIST, tmp_path, {"ALSA_CONFIG_PATH": str(tmp_path / "alsa.conf")})
    assert done.stdout.startswith("no-portaudio | PortAudio cannot start: ALSA's configuration has no default device")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.rig
def test_no_sound_at_all_is_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "alsa.conf").write_text(NOTHING)
    done = python(LIST, tmp_path, {"ALSA_CONFIG_PATH": str(tmp_path / "alsa.conf")})
    assert "DevicesResult(devices=(), default_input=None, default_output=None" in done.stdout, done.stderr
    assert done.stderr == ""


@pytest.mark.rig
def test_each_life_of_portaudio_reads_the_list_anew(tmp_path: Path) -> None:
    config = tmp_path / "alsa.conf"
    config.write_text(NOTHING)
    code = f"""
from pathlib import Path
from voicediag.audio.devices import list_devices, portaudio_version
from voicediag.audio.portaudio import portaudio
assert not list_devices().devices
assert portaudio_version().startswith("PortAudio")
Path({str(config)!r}).write_text('pcm."New One" {{ type null }}\\npcm.default {{ type asym }}')
with portaudio():
    now = [device.name for device in list_devices().devices]
    Path({str(config)!r}).write_text({NOTHING!r})
    assert [device.name for device in list_devices().devices] == now
print(now, len(list_devices().devices))
"""
    done = python(code, tmp_path, {"ALSA_CONFIG_PATH": str(config)})
    assert done.stdout == "['New One'] 0\n", done.stderr
