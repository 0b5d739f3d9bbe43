from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.audio.blocks import FLOOR_DBFS, dbfs, finite, power_dbfs, reblock


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 30))
def test_reblocking_keeps_every_sample_in_order(lengths: list[int], length: int) -> None:
    whole = np.arange(sum(lengths), dtype=np.float32)[:, None]
    parts = np.split(whole, np.cumsum(lengths))
    blocks = list(reblock(parts, length))
    assert np.array_equal(np.concatenate([whole[:0], *blocks]), whole)
    assert [len(block) for block in blocks[:-1]] == [length] * len(blocks[:-1])
    assert all(0 < len(block) <= length for block in blocks)


@pytest.mark.parametrize(
    ("amplitude", "level"), [(1.0, 0.0), (0.5, -6.0206), (1e-6, -120.0), (1e-9, FLOOR_DBFS), (0.0, FLOOR_DBFS)]
)
def test_levels_have_a_floor(amplitude: float, level: float) -> None:
    assert dbfs(amplitude) == pytest.approx(level, abs=1e-4)
    assert power_dbfs(amplitude**2) == pytest.approx(level, abs=1e-4)


@given(st.lists(st.floats(width=32), min_size=1, max_size=40))
def test_what_is_no_number_is_counted_and_made_zero(values: list[float]) -> None:
    block = np.array(values, dtype=np.float32)[:, None]
    cleaned, bad = finite(block)
    assert bad == sum(not math.isfinite(value) for value in values)
    expected = [value if math.isfinite(value) else 0.0 for value in values]
    assert cleaned[:, 0].tolist() == expected
