"""The nearest point of a lattice: a quadratic's minimum over variables of a few values each.

    |J y + r|^2 / 2 + sum (y_i - mean_i)^2 / (2 spread_i^2) + penalties of the values taken

Variables are decided one after the other, the first ones known best, while those that follow stay
free: that cost is a term of a triangular sum. The best so many beginnings are kept. Two wrong
neighbours make up for each other, in which moves of one variable or two get stuck. Of 907 cells at
interfaces, from a misfit of 3.8 million where the truth leaves 6,000, one search left 68,000 with
500 beginnings (1 s) and 47,000 with 2,000 (3 s); the best moves of one and two cells, some
forbidden for a while, 112,000; annealing over 30 million moves 202,000 or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import cho_solve

from fwi.arrays import Array
from fwi.inversion.cholesky import factorize

_NUMBERS = 300_000  # beginnings times variables: what a step of theirs takes is 2.4 MB


@dataclass(frozen=True)
class Choices:
    """What each variable may be.

    Attributes:
        first: number of each variable's first option, and after the last one's, (n + 1,).
        values: of the options, variable by variable.
        penalties: likewise.
    """

    first: Array
    values: Array
    penalties: Array


def decide(
    curvature: Array,
    slope: Array,
    mean: Array,
    spread: Array,
    choices: Choices,
    kept: int | None = None,
) -> Array:
    """Choose an option for each variable.

    Args:
        curvature: J' J, (n, n).
        slope: J' r, (n,); both of one J, else the weakest directions make no sense.
        mean: what undecided variables are near, (n,).
        spread: how near, (n,).
        choices: the options, the variables that are known best first.
        kept: beginnings that are followed; by default 300,000 over the variables.

    Returns:
        Numbers of the options taken, (n,).

    Raises:
        FloatingPointError: if the curvature is not positive (`factorize`).

    Source:
        Z. Guo, P. Nilsson, IEEE J. Sel. Areas Commun. 24 (2006), the K-best sphere decoder.
    """
    n = len(slope)
    kept = kept or max(1, _NUMBERS // n)
    backwards = slice(None, None, -1)  # the last one of a triangular sum stands alone
    matrix = (curvature + np.diag(spread**-2.0))[backwards, backwards].copy()
    upper = factorize(torch.from_numpy(matrix)).numpy().T
    free = cho_solve((upper, False), (mean / spread**2 - slope)[backwards])
    cost, taken, sums = np.zeros(1), np.zeros((1, n), np.int64), np.zeros((1, n))
    for place in reversed(range(n)):
        options = np.arange(*choices.first[n - 1 - place : n + 1 - place])
        off = choices.values[options] - free[place]
        terms = 0.5 * (sums[:, place, None] + upper[place, place] * off) ** 2
        every = (cost[:, None] + terms + choices.penalties[options]).ravel()
        best = np.argpartition(every, kept)[:kept] if len(every) > kept else np.arange(len(every))
        parents, option = np.divmod(best, len(options))
        cost, taken, sums = every[best], taken[parents], sums[parents]
        taken[:, place] = options[option]
        sums[:, :place] += np.outer(off[option], upper[:place, place])
    return taken[cost.argmin(), backwards]
