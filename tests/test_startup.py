"""What starting up may cost, counted in modules and never timed (bench/startup.py has the times)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import environment

# Each costs more than all of `voicediag --version` (docs/dependencies.md), or opens the way to one that does.
HEAVY = {
    "aiohttp",
    "aioice",
    "asyncio",
    "email",
    "http",
    "multiprocessing",
    "numpy",
    "psutil",
    "requests",
    "rich",
    "sounddevice",
    "soundfile",
    "ssl",
    "tomllib",
    "twilio",
    "xml",
}
# Modules beyond those of `import click` alone, of any origin. Raise one only with a figure from bench/startup.py.
MOST_MODULES = {"--version": 18, "--help": 42, "devices --help": 60, "explain 31403": 68}


def imported_by(arguments: list[str], home: Path) -> set[str]:
    """Every module that a Python process with these arguments imports, from the interpreter's own log."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(home),
        timeout=60,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    others = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert (done.returncode, others) == (0, []), done.stderr[-2000:]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


@pytest.mark.parametrize("command", sorted(MOST_MODULES))
def test_starts_light(command: str, tmp_path: Path) -> None:
    imported = imported_by(["-m", "voicediag", *command.split()], tmp_path)
    assert "voicediag.cli.root" in imported, "the log of imports is not understood"
    assert {name for name in imported if name.partition(".")[0] in HEAVY} == set()
    beyond = imported - imported_by(["-c", "import click"], tmp_path)
    assert len(beyond) <= MOST_MODULES[command], sorted(beyond)


def test_the_log_of_imports_shows_heavy_ones(tmp_path: Path) -> None:
    """The test above passes for want of a name, so the name must be there when the module is."""
    imported = imported_by(["-c", "import http.client, ssl"], tmp_path)
    assert {"http.client", "ssl", "email"} <= imported
