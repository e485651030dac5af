"""Maps beyond their edges, and the transpose."""

import numpy as np
import pytest
from oracle import white

from fwi.physics.scheme.padding import nearest_cells, replicate, sum_replicas


def test_cells_beyond_an_edge_repeat_the_nearest() -> None:
    assert nearest_cells(3, 2).tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert nearest_cells(1, 2).tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("axis", [0, 1])
def test_replicas_are_those_of_an_edge_padding(axis: int) -> None:
    values, widths = white((5, 7), 1), [(0, 0), (0, 0)]
    widths[axis] = 3, 3
    np.testing.assert_array_equal(replicate(values, 3, axis), np.pad(values, widths, "edge"))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(5, 7), (1, 2), (2, 1)])
def test_sum_is_the_transpose_of_replication(shape: tuple[int, int], axis: int) -> None:
    values = white(shape, 1)
    wide = replicate(values, 4, axis)
    other = white(wide.shape, 2)
    product = (values * sum_replicas(other, 4, axis)).sum()
    # Rounding of some sixty terms.
    assert (wide * other).sum() == pytest.approx(product, rel=1e-13, abs=1e-13)
