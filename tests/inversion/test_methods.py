"""Ways down a band's objective: they agree, and what each is made of is exact."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import fwi
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.inversion.jacobian import exact_column
from fwi.inversion.methods import METHODS, choose
from fwi.inversion.methods.choice import dense_memory
from fwi.inversion.methods.coordinates import Coordinates
from fwi.inversion.methods.probes import probed_diagonal, squared_probes
from fwi.inversion.methods.sparse import CellByCell, diagonal
from fwi.inversion.objective import look, objective_about
from fwi.inversion.priors import Gaussian, Nothing, Prior, Reference, Variation
from fwi.inversion.priors.within import Within
from fwi.inversion.problem import Problem
from fwi.inversion.rung import Progress, Rung, State
from fwi.inversion.unknowns import SLOWNESS_SQUARED, VELOCITY, Unknown

TINY = AcquisitionGeometry(
    nz=12, nx=16, dx=15.0, dt=1.5e-3, nt=240, source_x=(0.0, 105.0, 225.0), source_depth=15.0,
    receiver_x=tuple(np.arange(0.0, 240.0, 15.0)), receiver_depth=15.0, frequency=12.0,
    sponge_width=30,
)  # fmt: skip
Z, X = np.indices((12, 16))
START = State(torch.from_numpy(1900.0 + 60.0 * Z), 1900.0)


def problem_of(bump: float, **how: tuple[float, float]) -> Problem:
    """A map that differs from the start by a bump, m/s; float32 gathers with errors of 1e-3."""
    true = START.velocity.numpy() + bump * np.exp(-((Z - 5) ** 2 + (X - 8) ** 2) / 8)
    observed = torch.from_numpy(fwi.simulate(true[None].astype(np.float32), TINY, threads=1)[0])
    sigma = torch.full_like(observed, 1e-3 * float(observed.std()))
    return Problem(observed, sigma, TINY, 1, **how)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return problem_of(60.0)


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def solved(problem: Problem) -> dict[str, tuple[State, list[Progress]]]:
    """Every method's map where a prior as strong as the data leaves more than the noise.

    s then stays at its floor, and the objective is one and the same for all.
    """
    rung = Rung(
        12.0, (Reference(START.velocity, 0.3),) * 3, tolerance=0.01, goal=0.0, builds=2,
        stagnation=1.0,
    )  # fmt: skip
    found = {}
    for name, descend in METHODS.items():
        told: list[Progress] = []
        found[name] = descend(problem, START, rung, told.append, never), told
    return found


# Steps of one quadratic solved to 5 % of its slope; twice 120 quasi-Newton steps; and 240 steps
# of a length that is only by chance that of what is left.
@pytest.mark.parametrize(("name", "most"), [("cg", 2e-3), ("lbfgs", 0.01), ("adam", 0.15)])
def test_methods_find_the_map_of_the_dense_one(
    solved: dict[str, tuple[State, list[Progress]]], name: str, most: float
) -> None:
    dense, other = solved["dense"][0].velocity, solved[name][0].velocity
    assert float((dense - START.velocity).abs().max()) > 20
    assert float((other - dense).norm() / (dense - START.velocity).norm()) < most


@pytest.mark.parametrize("name", list(METHODS))
def test_methods_lower_the_residual_and_say_so(
    solved: dict[str, tuple[State, list[Progress]]], name: str
) -> None:
    state, told = solved[name]
    assert told[-1].after < 0.3 * told[0].before
    assert told[-1].state.vmin == state.vmin
    torch.testing.assert_close(told[-1].state.velocity, state.velocity, rtol=0, atol=0)
    assert math.isnan(told[0].ratio) == (name in ("adam", "lbfgs"))


@pytest.mark.parametrize("name", list(METHODS))
def test_maps_stay_within_limits(name: str) -> None:
    # The true map passes both bounds: 1,900 to 2,660 m/s.
    bounded = problem_of(200.0, bounds=(1950.0, 2400.0))
    start = State(START.velocity.clamp(*bounded.bounds), 1950.0)
    rung = Rung(12.0, (Variation(p=2.0),), builds=2)
    told: list[Progress] = []
    METHODS[name](bounded, start, rung, told.append, never)
    low, high = bounded.limits if name in ("cg", "dense") else bounded.bounds
    for step in told:
        assert low - 1e-6 <= float(step.state.velocity.min())
        assert float(step.state.velocity.max()) <= high + 1e-6
        assert low <= step.state.vmin <= high
    assert told[-1].after < told[0].before


@pytest.mark.parametrize("name", list(METHODS))
def test_methods_end_when_time_is_up(problem: Problem, name: str) -> None:
    told: list[Progress] = []
    rung = Rung(12.0, (Variation(), Variation()), builds=5, goal=0.0)
    METHODS[name](problem, START, rung, told.append, lambda: True)
    assert len(told) == 1


@pytest.mark.parametrize("name", list(METHODS))
def test_methods_end_at_the_goal(problem: Problem, name: str) -> None:
    told: list[Progress] = []
    goal = 0.7 * problem.relative(problem.band(12.0), START.velocity, START.vmin)
    rung = Rung(12.0, (Variation(p=2.0),), builds=5, goal=goal)
    METHODS[name](problem, START, rung, told.append, never)
    assert told[-1].after < goal
    assert len(told) <= 2


def test_damped_low_bands_are_fitted_too(problem: Problem) -> None:
    for name in METHODS:
        told: list[Progress] = []
        METHODS[name](problem, START, Rung(6.0, (Variation(),), damping=0.1), told.append, never)
        assert told[-1].after < told[0].before


@pytest.mark.parametrize("peak", [6.0, 12.0])
def test_probes_give_the_diagonal_of_exact_columns(problem: Problem, peak: float) -> None:
    band = problem.band(peak)
    at = look(problem, band, START)
    exact = torch.tensor(
        [
            2 * band.misfit(exact_column(at.linear, TINY, cell))
            for cell in range(START.velocity.numel())
        ]
    ).view(12, 16)
    probes = 200
    ratio = squared_probes(band, at, probes) / exact
    # The square of a sum of random signs has a variance of twice its mean's square at most: a
    # cell's mean is off by 0.1, all of them alike where waves are long. 4.5 times that is rarely
    # passed by any of 192.
    deviation = math.sqrt(2 / probes)
    assert float((ratio - 1).abs().max()) < 4.5 * deviation
    # Cells of one wavelength share their errors, so that a mean is hardly better known.
    assert abs(float(ratio.mean()) - 1) < 3 * deviation
    few = probed_diagonal(TINY, band, at, 4)
    # Four probes alone are 0.7 off, and as often low by far as high.
    assert float((few / exact).log().std()) < 0.5
    assert float((squared_probes(band, at, 4) / exact).log().std()) > 0.7


PRIORS: dict[str, Prior] = {
    "variation": Variation(10.0, 0.5, across=3.0),
    "variation along a curve": Variation(10.0, 0.5, curve=torch.arange(16) % 5),
    "reference": Reference(START.velocity, 100.0),
    "nothing": Nothing(),
    "within": Within(Variation(), (2000.0, 2300.0)),
}


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
def test_sparse_factor_solves_with_the_dense_sum(prior: Prior) -> None:
    generator = torch.Generator().manual_seed(0)
    velocity = START.velocity + 50 * torch.randn(12, 16, generator=generator).double()
    misfit = torch.rand(12, 16, generator=generator).double() * 1e-4
    slope = SLOWNESS_SQUARED.slope(velocity)
    slope[3, :5] = 0.0  # held cells
    curvature = prior.curvature(velocity)
    matrix = torch.diag(misfit.flatten() / 0.1**2)
    curvature.add_to(matrix)
    matrix = slope.flatten()[:, None] * matrix * slope.flatten()
    matrix.diagonal().add_(150.0**-2)
    values = torch.randn(192, generator=generator).double()
    factor = CellByCell(misfit).factorize(0.1, curvature, slope, 150.0)
    torch.testing.assert_close(factor.solve(values), torch.linalg.solve(matrix, values))


@pytest.mark.parametrize("prior", [*PRIORS.values(), Gaussian("style", (12, 16))])
def test_diagonal_of_a_prior_is_that_of_its_matrix(prior: Prior) -> None:
    curvature = prior.curvature(START.velocity)
    matrix = torch.zeros(192, 192, dtype=torch.float64)
    curvature.add_to(matrix)
    torch.testing.assert_close(diagonal(curvature), matrix.diagonal())


@pytest.mark.parametrize("unknown", [VELOCITY, SLOWNESS_SQUARED])
def test_slope_is_the_derivative_of_the_objective(
    monkeypatch: pytest.MonkeyPatch, problem: Problem, unknown: Unknown
) -> None:
    # In float64 all through: the undamped band alone has no float32 filter.
    monkeypatch.setattr(
        Problem,
        "_batch",
        lambda self, v, vmin: (v[None], torch.tensor([vmin], dtype=torch.float64)),
    )
    exact = replace(problem, observed=problem.observed.double(), sigma=problem.sigma.double())
    rung, generator = Rung(12.0, (), unknown=unknown), torch.Generator().manual_seed(0)
    band = exact.band(12.0)
    at = look(exact, band, START)
    objective = objective_about(exact, rung, Variation(), band, at)
    scale = 0.5 + torch.rand(193, generator=generator).double()
    coordinates = Coordinates(exact, objective, unknown, START, scale)
    x = 5 * torch.randn(193, generator=generator).double()
    direction = torch.randn(193, generator=generator).double()
    direction[-1] = 3.0  # vmin's part counts
    step = 1e-3
    ends = [coordinates.evaluate(x + side * step * direction).value for side in (1, -1)]
    slope = float(coordinates.evaluate(x).slope @ direction)
    # Central differences: step^2 of the third derivative, and float64 sums over step.
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_a_step_is_what_a_move_undoes(power: int) -> None:
    unknown, to = Unknown(power), START.velocity.flip(0)
    moved = unknown.move(START.velocity, unknown.step(START.velocity, to), (1000.0, 5000.0))
    torch.testing.assert_close(moved, to)


def test_a_process_is_refused_where_its_matrix_would_have_to_be_sparse(problem: Problem) -> None:
    rung = Rung(12.0, (Gaussian("style", (12, 16)),))
    with pytest.raises(TypeError, match=r"type Dense; use Variation, with p=2 .* method='dense'"):
        METHODS["cg"](problem, START, rung, lambda step: None, never)
    for name in ("adam", "lbfgs"):
        told: list[Progress] = []
        METHODS[name](problem, START, rung, told.append, never)
        assert told[-1].after < told[0].before


def test_methods_are_chosen_by_what_the_dense_one_takes() -> None:
    assert choose(OPENFWI) == "dense"
    # Jacobian .62 GB, four matrices .38, fields of 70 stations, with the whole padding, .83.
    assert dense_memory(OPENFWI) == pytest.approx(1.83, rel=0.02)
    large = replace(OPENFWI, nz=221, nx=601)
    assert choose(large) == "cg"
    assert choose(large, "lbfgs") == "lbfgs"
    with pytest.raises(KeyError, match="unknown method 'lbfg'; did you mean 'lbfgs'"):
        choose(OPENFWI, "lbfg")
    with pytest.raises(KeyError, match="unknown method 'newton'; known: adam, auto, cg, dense"):
        METHODS[choose(OPENFWI, "newton")]
