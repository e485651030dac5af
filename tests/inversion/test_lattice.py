"""The nearest point of a lattice."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.arrays import Array
from fwi.inversion.lattice import Choices, decide


def choices(options: list[list[float]], penalty: float = 0.0) -> Choices:
    first = np.cumsum([0, *map(len, options)])
    values = np.concatenate(options)
    return Choices(first, values, np.where(values == 0, 0.0, penalty))


def cost(y: Array, matrix: Array, data: Array, mean: Array, spread: Array, penalty: float) -> float:
    off = 0.5 * ((y - mean) / spread) ** 2
    return 0.5 * float(((matrix @ y + data) ** 2).sum()) + off.sum() + penalty * (y != 0).sum()


@given(seed=st.integers(0, 10_000), penalty=st.sampled_from([0.0, 0.7]))
def test_the_best_of_all_points_is_found_where_all_are_followed(seed: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    n = 6
    options = [[0.0, *rng.normal(0, 3, rng.integers(1, 3)).tolist()] for _ in range(n)]
    matrix, data = rng.normal(0, 1, (9, n)), rng.normal(0, 4, 9)
    mean, spread = rng.normal(0, 1, n), rng.uniform(0.5, 3, n)
    points = [np.array(point) for point in product(*options)]
    costs = [cost(point, matrix, data, mean, spread, penalty) for point in points]
    asked = choices(options, penalty)
    taken = decide(matrix.T @ matrix, matrix.T @ data, mean, spread, asked, kept=1000)
    found = cost(asked.values[taken], matrix, data, mean, spread, penalty)
    assert found == pytest.approx(min(costs), rel=1e-9)


def test_a_point_that_moves_of_one_do_not_reach_is_found() -> None:
    # Neighbours make up for each other: data see their sum well, and their difference hardly.
    n, rng = 40, np.random.default_rng(0)
    smooth = np.exp(-0.5 * (np.subtract.outer(np.arange(n), np.arange(n)) / 1.5) ** 2)
    true = np.where(rng.random(n) < 0.5, 0.0, 1.0)
    matrix = 1000 * smooth
    data = -matrix @ true
    asked = choices([[0.0, 1.0]] * n)
    spread = np.full(n, 0.5)
    taken = decide(matrix.T @ matrix, matrix.T @ data, np.full(n, 0.5), spread, asked)
    np.testing.assert_array_equal(asked.values[taken], true)


def test_one_beginning_alone_decides_each_variable_once() -> None:
    asked = choices([[0.0, 2.0], [0.0, 2.0]])
    taken = decide(np.eye(2), np.array([-1.9, -0.2]), np.zeros(2), np.full(2, 100.0), asked, kept=1)
    np.testing.assert_array_equal(asked.values[taken], [2.0, 0.0])
