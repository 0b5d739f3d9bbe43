"""Virtual sound: a PulseAudio server of its own with null sinks, and named ALSA devices over them for PortAudio.

    with VirtualSound() as sound:
        mic = sound.add_microphone("Headset Mic")
        with sound.playing(mic, wav):                      # the WAV is what the microphone hears, again and again
            done = sound.voicediag("mic-test", "--json")   # the command in its own process, on this sound

A *microphone* is a null sink whose monitor the ALSA device records: what is played into the sink is what is heard. A
*speaker* is a null sink that the ALSA device plays to: its monitor is what came out. The first of each kind is the
default. Names may be anything but `"` and a line feed.

`sound.env` has what a process needs to be on this sound (no home directory, so it can be joined with any other
environment). PortAudio reads its list once a process: everything that touches it runs in a subprocess.

What can be done at run time: `add_microphone`, `add_speaker`, `add_ear` (a microphone that hears a speaker),
`add_ghost` (a device whose source does not exist), `remove`, `mute`, `suspend`, `kill_server`, `start_server`,
`freeze_server`, `thaw_server`, `add_chatter`; `reset` puts everything back. Closed on every way out; only its own
processes are ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import soundfile

from tests.command import voicediag

RATE_HZ = 48000
_START_S = 15.0
_PROGRAMS = ("pulseaudio", "pactl", "pacat", "parec")


@dataclass(frozen=True)
class Node:
    """One virtual device."""

    name: str
    """The ALSA device, which is PortAudio's name for it."""
    sink: str
    """The null sink; its monitor is `sink.monitor`."""
    is_microphone: bool
    module: str | None
    """The number that `pactl unload-module` takes; None for an ear, which goes with its speaker."""


class VirtualSound:
    """See the module."""

    def __init__(self) -> None:
        for program in _PROGRAMS:
            assert shutil.which(program), f"{program} is not installed; scripts/test installs it"

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="sound-")
        self.directory = Path(self._directory.name)
        self.directory.chmod(0o755)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None
        self._next = 0
        self._nodes: list[Node] = []
        self._ghosts: list[str] = []
        self._chatter = 0
        self._frozen = False
        self.env = {
            "PULSE_SERVER": f"unix:{self.directory / 'native'}",
            "PULSE_COOKIE": str(self.directory / "cookie"),
            "PULSE_RUNTIME_PATH": str(self.directory / "pulse"),
            "ALSA_CONFIG_PATH": str(self.directory / "alsa.conf"),
        }
        try:
            self.start_server()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            _end(process)
        self.kill_server()
        self._directory.cleanup()

    # The server ------------------------------------------------------------------------------------------------------

    def start_server(self) -> None:
        """Start the sound server; the devices that were there before come back."""
        log = (self.directory / "log").open("ab")
        with log:
            self._server = subprocess.Popen(
                [
                    "pulseaudio",
                    *("-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"),
                    *("-L", f"module-native-protocol-unix socket={self.directory / 'native'} auth-anonymous=1"),
                ],
                env=self._environment({"HOME": str(self.directory), "XDG_RUNTIME_DIR": str(self.directory)}),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_S
        while subprocess.run(["pactl", "info"], env=self._environment(), capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.02)
        before, self._nodes = self._nodes, []
        for node in before:
            if node.module is None:
                self._nodes.append(node)
                self._wake(node)
            else:
                self._load(node.name, node.sink, node.is_microphone)
        self._write_alsa()

    def kill_server(self) -> None:
        """Kill the sound server without a word, as a crash does."""
        if self._server is not None:
            self.thaw_server()
            self._server.kill()
            self._server.wait()
            self._server = None
            self._write_alsa()

    def freeze_server(self) -> None:
        """Stop the server's process: it takes connections and never answers."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        self._frozen = True

    def thaw_server(self) -> None:
        """Let a frozen server go on."""
        if self._server is not None and self._frozen:
            self._server.send_signal(signal.SIGCONT)
        self._frozen = False

    # Devices ---------------------------------------------------------------------------------------------------------

    def add_microphone(self, name: str) -> Node:
        """Add a microphone, awake: it delivers silence at once (an idle null sink needs up to 2 s for its first)."""
        return self._add(name, is_microphone=True)

    def add_speaker(self, name: str) -> Node:
        """Add a speaker."""
        return self._add(name, is_microphone=False)

    def add_ear(self, name: str, speaker: Node) -> Node:
        """Add a microphone that hears what `speaker` plays, as one that stands beside it does."""
        ear = Node(name, speaker.sink, is_microphone=True, module=None)
        self._nodes.append(ear)
        self._wake(ear)
        self._write_alsa()
        return ear

    def add_ghost(self, name: str) -> None:
        """Add an ALSA input that is listed though its source does not exist."""
        self._ghosts.append(name)
        self._write_alsa()

    def add_chatter(self, lines: int) -> None:
        """Add ALSA devices that cannot be opened: each makes PortAudio's listing print at least one line."""
        self._chatter = lines
        self._write_alsa()

    def remove(self, node: Node) -> None:
        """Take a device away from the server, as unplugging does. Its ALSA name stays for those who have read it."""
        if node.module is not None:
            self.pactl("unload-module", node.module)
        self._nodes = [other for other in self._nodes if other is not node]
        self._write_alsa()

    def mute(self, node: Node, on: bool = True) -> None:
        """Mute a microphone, or a speaker."""
        if node.is_microphone:
            self.pactl("set-source-mute", f"{node.sink}.monitor", str(int(on)))
        else:
            self.pactl("set-sink-mute", node.sink, str(int(on)))

    def suspend(self, node: Node, on: bool = True) -> None:
        """Suspend a device: it takes and gives nothing, while streams on it stay open."""
        self.pactl("suspend-sink", node.sink, str(int(on)))

    def reset(self) -> None:
        """Put everything back to a running server without devices."""
        self.thaw_server()
        for process in reversed(self._processes):
            _end(process)
        self._processes = []
        self._ghosts, self._chatter = [], 0
        if self._server is None or self._server.poll() is not None:
            self._nodes = []
            self.start_server()
        for node in tuple(self._nodes):
            self.remove(node)
        self._write_alsa()

    # Sound in and out ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def playing(self, node: Node, sound: Path | npt.NDArray[np.float64], seconds: float = 120.0) -> Iterator[None]:
        """Let `node` hear a file of libsndfile's, or an array at 48 kHz, repeated for up to `seconds`.

        The context begins when the first of it is there, about 50 ms of silence before it included.
        """
        if isinstance(sound, Path):
            samples, rate_hz = soundfile.read(sound, dtype="float32", always_2d=True)
        else:
            samples, rate_hz = np.asarray(sound, dtype=np.float32).reshape(len(sound), -1), RATE_HZ
        repeated = np.tile(samples, (max(1, int(seconds * rate_hz / len(samples))), 1))
        self._next += 1
        source = self.directory / f"play-{self._next}.raw"
        repeated.astype("<f4").tofile(source)
        with source.open("rb") as raw:
            player = self._start(
                ["pacat", "--playback", *_format(rate_hz, samples.shape[1]), f"--device={node.sink}"], stdin=raw
            )
        try:
            self.wait_for_stream(player, "sink-inputs")
            yield
        finally:
            _end(player)
            self._processes.remove(player)
            source.unlink()

    @contextlib.contextmanager
    def listening(self, node: Node, to: Path, channels: int = 1) -> Iterator[None]:
        """Write what `node` carries to a float WAV at 48 kHz, complete when the context has ended."""
        raw = to.with_suffix(".raw")
        with raw.open("wb") as out:
            listener = self._start(["parec", *_format(RATE_HZ, channels), f"--device={node.sink}.monitor"], stdout=out)
        try:
            self.wait_for_stream(listener)
            yield
        finally:
            _end(listener)
            self._processes.remove(listener)
            samples = np.fromfile(raw, dtype="<f4")
            whole = len(samples) // channels * channels
            soundfile.write(to, samples[:whole].reshape(-1, channels), RATE_HZ, subtype="FLOAT")
            raw.unlink()

    # Programs on this sound ------------------------------------------------------------------------------------------

    def voicediag(self, *arguments: str, home: Path | None = None, timeout: float = 60) -> Any:
        """Run the command on this sound to its end (tests/command.py)."""
        return voicediag(arguments, home or self.directory, self.env, timeout=timeout)

    def start_voicediag(self, *arguments: str, extra: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the command on this sound, so that something can be done to the sound while it runs."""
        return self._start(
            [sys.executable, "-m", "voicediag", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            extra={"HOME": str(self.directory), "PYTHONWARNINGS": "error", **(extra or {})},
        )

    def wait_for_stream(self, process: subprocess.Popen[bytes], kind: str = "source-outputs") -> None:
        """Wait until `process` has a stream open: it records (`source-outputs`) or plays (`sink-inputs`)."""
        deadline = time.monotonic() + _START_S
        while f'application.process.id = "{process.pid}"' not in self.pactl("list", kind):
            assert process.poll() is None, "the process ended without one"
            assert time.monotonic() < deadline, f"no stream of {process.args!r}"
            time.sleep(0.02)

    def python(self, code: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run Python code on this sound; warnings are errors."""
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *arguments],
            env=self._environment({"HOME": str(self.directory)}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def pactl(self, *arguments: str) -> str:
        """Run `pactl` on the server and return what it printed."""
        done = subprocess.run(
            ["pactl", *arguments], env=self._environment(), capture_output=True, text=True, timeout=10, check=False
        )
        assert done.returncode == 0, f"pactl {arguments}: {done.stderr}"
        return done.stdout.strip()

    # Inside ----------------------------------------------------------------------------------------------------------

    def _environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "LC_ALL": "C.UTF-8", **self.env, **(extra or {})}

    def _start(
        self,
        command: list[str],
        stdin: Any = subprocess.DEVNULL,
        stdout: Any = subprocess.DEVNULL,
        stderr: Any = subprocess.DEVNULL,
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=self._environment(extra), stdin=stdin, stdout=stdout, stderr=stderr)
        self._processes.append(process)
        return process

    def _add(self, name: str, is_microphone: bool) -> Node:
        assert not set(name) & {'"', "\n"}, "ALSA's configuration cannot hold it"
        self._next += 1
        node = self._load(name, f"{'mic' if is_microphone else 'speaker'}{self._next}", is_microphone)
        self._write_alsa()
        return node

    def _load(self, name: str, sink: str, is_microphone: bool) -> Node:
        # Without rewinds the sink renders 50 ms at a time instead of up to 2 s, and never plays a stretch twice.
        arguments = [f"sink_name={sink}", f"rate={RATE_HZ}", "channels=2", "norewinds=1"]
        if re.fullmatch(r"[\w .-]+", name):  # others would need the module's own quoting
            arguments.append(f"sink_properties='device.description=\"{name}\"'")
        module = self.pactl("load-module", "module-null-sink", *arguments)
        node = Node(name, sink, is_microphone, module)
        self._nodes.append(node)
        if is_microphone:
            self._wake(node)
        return node

    def _wake(self, node: Node) -> None:
        """Keep a listener on the monitor, and wait until it hears: then others hear at once too."""
        listener = self._start(["parec", "--latency-msec=10", f"--device={node.sink}.monitor"], stdout=subprocess.PIPE)
        assert listener.stdout is not None
        assert listener.stdout.read(1), "the null sink delivers nothing"
        # Its output is thrown away from here on, or it would block.
        with contextlib.suppress(OSError):
            drain = self._start(["cat"], stdin=listener.stdout)
            assert drain.poll() is None
        listener.stdout.close()

    def _write_alsa(self) -> None:
        lines: list[str] = []
        for node in self._nodes:
            if node.is_microphone:
                lines.append(f'pcm."{node.name}" {{ type asym capture.pcm {_pulse(node.sink + ".monitor")} }}')
            else:
                lines.append(f'pcm."{node.name}" {{ type asym playback.pcm {_pulse(node.sink)} }}')
        lines += [f'pcm."{ghost}" {{ type asym capture.pcm {_pulse("nowhere")} }}' for ghost in self._ghosts]
        lines += [f"pcm.broken{n} {{ type asym capture.pcm nothing{n} }}" for n in range(self._chatter)]
        first = {node.is_microphone: node.name for node in reversed(self._nodes)}
        words = [("capture", first.get(True)), ("playback", first.get(False))]
        default = " ".join(f'{word}.pcm "{name}"' for word, name in words if name is not None)
        # PortAudio aborts the process where there is no default, even one that leads nowhere.
        lines.append(f"pcm.default {{ type asym {default} }}")
        path = self.directory / "alsa.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pulse(device: str) -> str:
    return f'{{ type pulse device "{device}" }}'


def _format(rate_hz: int, channels: int) -> list[str]:
    return ["--raw", "--format=float32le", f"--rate={rate_hz}", f"--channels={channels}", "--latency-msec=20"]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
