"""A real STUN and TURN server: coturn on loopback, both address families, on free ports."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

USER, PASSWORD, REALM = "voicediag", "not-a-secret", "voicediag.test"

_START_S = 15.0
# A Binding request with a fixed id: any answer shows that the server is up.
_HELLO = bytes.fromhex("000100002112a442") + b"voicediag-up"


class Coturn:
    """A context manager: `with Coturn() as server: server.port`. Its log and files live in a directory of its own."""

    def __init__(self) -> None:
        program = shutil.which("turnserver") or "/usr/bin/turnserver"
        assert Path(program).exists(), "coturn is not installed; scripts/test installs it"
        self._program = program

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="coturn-")
        self.log = Path(self._directory.name) / "log"
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._directory.cleanup()

    def _start(self) -> None:
        self.port = free_port()
        self.relay_ports = (20000 + os.getpid() % 20000, 20000 + os.getpid() % 20000 + 500)
        directory = Path(self._directory.name)
        arguments = [
            self._program,
            "-n",
            *("--listening-ip", "127.0.0.1", "--listening-ip", "::1", "--relay-ip", "127.0.0.1"),
            *("--listening-port", str(self.port)),
            *("--min-port", str(self.relay_ports[0]), "--max-port", str(self.relay_ports[1])),
            *("--lt-cred-mech", "--user", f"{USER}:{PASSWORD}", "--realm", REALM),
            *("--no-tls", "--no-dtls", "--no-cli", "--no-rfc5780", "--allow-loopback-peers"),
            *("--db", str(directory / "db"), "--pidfile", str(directory / "pid")),
            *("--log-file", "stdout", "--simple-log"),
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + _START_S
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            while not self._answers(host, family):
                assert self._process.poll() is None, f"coturn ended:\n{self.log.read_text()}"
                assert time.monotonic() < end, f"coturn does not answer on {host}:\n{self.log.read_text()}"

    def _answers(self, host: str, family: socket.AddressFamily) -> bool:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.1)
            try:
                sock.connect((host, self.port))
                sock.send(_HELLO)
                return bool(sock.recv(1500))
            except ConnectionRefusedError:
                time.sleep(0.05)
                return False
            except OSError:
                return False


def free_port() -> int:
    """Return a port that is free for UDP and TCP on both loopback addresses."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            others = [
                socket.socket(socket.AF_INET, socket.SOCK_STREAM),
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
                socket.socket(socket.AF_INET6, socket.SOCK_STREAM),
            ]
            try:
                for sock in others:
                    sock.bind(("::1" if sock.family == socket.AF_INET6 else "127.0.0.1", port))
            except OSError:
                continue
            finally:
                for sock in others:
                    sock.close()
            return port
