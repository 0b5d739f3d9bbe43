"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rigs.coturn import Coturn


@pytest.fixture(scope="session")
def coturn() -> Iterator[Coturn]:
    """A real STUN and TURN server on loopback."""
    with Coturn() as server:
        yield server
