"""The impaired path in front of a real server, and what it truly did."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from voicediag.reflector.faults import Faults
from voicediag.reflector.relay import Row


class Trip(NamedTuple):
    """One probe as the relay saw it."""

    id: str
    asked_ns: int
    """Its arrival at the relay."""
    answered_ns: tuple[int, ...]
    """When each copy of an answer left for the client; empty for a lost probe."""

    @property
    def rtt_ms(self) -> float | None:
        """The round trip between the client's side of the relay and back; None where it was lost."""
        return (min(self.answered_ns) - self.asked_ns) / 1e6 if self.answered_ns else None


def trips(rows: Sequence[Row]) -> list[Trip]:
    """Pair the rows of both directions by transaction id, in the order in which the probes came."""
    answers: dict[str, list[int]] = {}
    for row in rows:
        if row.direction == "down" and row.id is not None:
            answers.setdefault(row.id, []).extend(row.departed_ns)
    asked = {row.id: row.arrived_ns for row in rows if row.direction == "up" and row.id is not None}
    ordered = sorted(asked.items(), key=lambda pair: pair[1])
    return [Trip(id, arrived, tuple(sorted(answers.get(id, ())))) for id, arrived in ordered]


def trips_by_departure(found: Sequence[Trip]) -> list[Trip]:
    """Return the answered ones in the order in which their first answers left."""
    return sorted((trip for trip in found if trip.answered_ns), key=lambda trip: min(trip.answered_ns))


class RelayProcess:
    """The relay as a process of its own. `truth()` can be read once it has been left."""

    def __init__(
        self,
        server: tuple[str, int],
        truth: Path,
        *,
        up: Faults | None = None,
        down: Faults | None = None,
        seed: int = 0,
    ) -> None:
        self._truth = truth
        self._setup = {
            "server": server,
            "truth": str(truth),
            "up": msgspec.to_builtins(up or Faults()),
            "down": msgspec.to_builtins(down or Faults()),
            "seed": seed,
        }

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "voicediag.reflector", json.dumps(self._setup)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        host, port = json.loads(line)["listening"]
        self.address = (str(host), int(port))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise

    def truth(self) -> list[Row]:
        """Return what the relay did, once it has ended."""
        return [msgspec.json.decode(line, type=Row) for line in self._truth.read_bytes().splitlines()]
