"""The posterior against dense algebra on exact columns, its draws, and truths of the prior."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.signal import resample

import fwi
from fwi.geometry import AcquisitionGeometry
from fwi.inversion.cholesky import factorize
from fwi.inversion.ladder import KINDS
from fwi.inversion.posterior import LAWS, Law, Posterior, calibrated, coverage, posterior
from fwi.inversion.priors import Gaussian
from fwi.inversion.priors.gaussian import PROCESSES, Part, Process
from fwi.inversion.problem import Problem

# 168 cells: so few that every column is taken from the exact product.
TINY = AcquisitionGeometry(
    nz=12, nx=14, nt=300, sponge_width=60,
    source_x=(10.0, 120.0), receiver_x=tuple(np.arange(0.0, 140.0, 10.0)),
)  # fmt: skip
SIGMA = 0.05  # of the gathers' errors: they and the prior tell about as much
SPONGE_STD = 60.0

Array = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def prior() -> Gaussian:
    """A process of 20 m/s, over which gathers are nearly linear."""
    with pytest.MonkeyPatch.context() as patch:
        process = Process((Part(20.0, 2.0, 3.0),), 2000.0, 30.0, 5.0, 1.0, 4.0)
        patch.setitem(PROCESSES, "tiny", process)
        return Gaussian("tiny", (TINY.nz, TINY.nx))


@pytest.fixture(scope="module")
def middle() -> torch.Tensor:
    """The process's mean."""
    rows = torch.arange(TINY.nz, dtype=torch.float64)[:, None]
    return (2000.0 + 30.0 * rows).repeat(1, TINY.nx)


@pytest.fixture(scope="module")
def columns(middle: torch.Tensor) -> Array:
    """Exact derivatives of the gathers by every cell and, last, by the sponge's velocity."""
    linear = fwi.linearize(middle[None].float(), TINY, vmin=torch.tensor([2000.0]), threads=1)
    units = torch.eye(middle.numel()).view(-1, 1, TINY.nz, TINY.nx)
    cells = [linear.jvp(unit)[0].double().numpy() for unit in units]
    sponge = linear.jvp(torch.zeros(1, TINY.nz, TINY.nx), torch.ones(1))[0].double().numpy()
    return np.stack([*cells, sponge]).reshape(len(cells) + 1, -1)


def sampled() -> float:
    """Time samples to an independent one: two a period of three times the wavelet's peak."""
    return 0.5 / (3 * TINY.frequency * TINY.dt)


def exact_precision(columns: Array, prior: Gaussian, middle: torch.Tensor, sigma: float) -> Array:
    """Precision of the map and the sponge's velocity, as the formula has it."""
    precision = columns @ columns.T / (sigma**2 * sampled())
    precision[:-1, :-1] += prior.curvature(middle).matrix.numpy()
    precision[-1, -1] += SPONGE_STD**-2
    return precision


@pytest.fixture(scope="module")
def covariance(columns: Array, prior: Gaussian, middle: torch.Tensor) -> Array:
    return np.linalg.inv(exact_precision(columns, prior, middle, SIGMA))


def gathers(velocity: torch.Tensor, vmin: float) -> torch.Tensor:
    sponge = torch.tensor([vmin], dtype=torch.float64)
    return fwi.simulate(velocity[None].float(), TINY, vmin=sponge, threads=1)[0]


def problem(observed: torch.Tensor) -> Problem:
    return Problem(observed, torch.full_like(observed, SIGMA), TINY, threads=1)


@pytest.fixture(scope="module")
def found(prior: Gaussian, middle: torch.Tensor) -> Posterior:
    return posterior(problem(gathers(middle, 2000.0)), middle, 2000.0, prior)


def test_deviations_are_those_of_the_dense_inverse(
    found: Posterior, covariance: Array, prior: Gaussian, middle: torch.Tensor
) -> None:
    std = np.sqrt(covariance.diagonal()[:-1]).reshape(TINY.nz, TINY.nx)
    alone = torch.linalg.inv(prior.curvature(middle).matrix).diagonal().sqrt().numpy()
    assert (std.ravel() / alone).min() < 0.2  # the data tell much here,
    assert (std.ravel() / alone).max() > 0.8  # and little there
    # 0.003 at most in one run: columns by reciprocity are some percent off at the edges, products
    # of bfloat16 1e-3, rows end at 45 Hz, and weak directions are the prior's.
    np.testing.assert_allclose(found.std, std, rtol=0.02)


def test_draws_have_the_covariance_of_the_dense_inverse(
    found: Posterior, covariance: Array, middle: torch.Tensor
) -> None:
    n = 4000
    off = found.sample(n, seed=1).reshape(n, -1) - middle.numpy().ravel()
    whitened = np.linalg.solve(np.linalg.cholesky(covariance[:-1, :-1]), off.T)
    # Whitened, the draws' covariance is the identity; its eigenvalues spread by 2 sqrt(168 / n).
    eigenvalues = np.linalg.eigvalsh(whitened @ whitened.T / n)
    spread = np.sqrt(middle.numel() / n)
    assert eigenvalues.min() > (1 - spread) ** 2 - 0.05
    assert eigenvalues.max() < (1 + spread) ** 2 + 0.05
    assert np.abs(off.mean(0)).max() < 5 * found.std.max() / np.sqrt(n)


def test_draws_follow_their_seed(found: Posterior) -> None:
    np.testing.assert_array_equal(found.sample(2, seed=3), found.sample(2, seed=3))
    assert (found.sample(1, seed=3) != found.sample(1, seed=4)).any()


def test_truths_of_the_prior_are_covered_as_often_as_claimed(
    found: Posterior, columns: Array, covariance: Array, prior: Gaussian, middle: torch.Tensor
) -> None:
    rng, before = np.random.default_rng(0), gathers(middle, 2000.0).double().numpy()
    factor = torch.linalg.cholesky(torch.linalg.inv(prior.curvature(middle).matrix)).numpy()
    shares = []
    for _ in range(40):
        truth = middle.numpy() + (factor @ rng.normal(size=middle.numel())).reshape(middle.shape)
        vmin = 2000.0 + SPONGE_STD * rng.normal()
        observed = gathers(torch.from_numpy(truth), vmin).double().numpy() + noise(rng)
        best = covariance @ columns @ (observed - before).ravel() / (SIGMA**2 * sampled())
        shares.append(coverage(truth, middle.numpy() + best[:-1].reshape(middle.shape), found.std))
    one, two = np.mean(shares, 0)
    # A map has some ten independent errors, so that forty give their share to 0.02.
    assert one == pytest.approx(0.683, abs=0.05)
    assert two == pytest.approx(0.954, abs=0.03)


def noise(rng: np.random.Generator) -> Array:
    """Errors that are independent at the independent samples, and nothing above."""
    few = rng.normal(0, SIGMA, (2, round(TINY.nt / sampled()), 14))
    return resample(few, TINY.nt, axis=1)


def test_a_law_adds_the_step_that_is_left(
    columns: Array, prior: Gaussian, middle: torch.Tensor
) -> None:
    truth = middle + 40 * torch.cos(torch.arange(14.0, dtype=torch.float64) / 3)
    observed = gathers(truth, 2040.0)
    residual = (observed - gathers(middle, 2000.0)).double().numpy().ravel()
    # A residual of s errors is taken for errors s times as large.
    s = np.sqrt((residual**2).mean()) / SIGMA
    assert s > 1
    precision = exact_precision(columns, prior, middle, s * SIGMA)
    step = np.linalg.solve(precision, columns @ residual / ((s * SIGMA) ** 2 * sampled()))
    variance = np.linalg.inv(precision).diagonal()
    expected = np.sqrt(variance + step**2)[:-1].reshape(middle.shape)
    plain = posterior(problem(observed), middle, 2000.0, prior)
    np.testing.assert_allclose(plain.std, np.sqrt(variance)[:-1].reshape(middle.shape), rtol=0.02)
    law = posterior(problem(observed), middle, 2000.0, prior, Law(1.0))
    # Steps go to 40 m/s, and a little wrong ones to 0.7 m/s elsewhere.
    np.testing.assert_allclose(law.std, expected, rtol=0.02, atol=1.0)
    assert (law.std / plain.std).max() > 1.1
    # Draws are stretched cell by cell as the deviations are.
    stretched = law.std / plain.std * (plain.sample(5, 0) - middle.numpy())
    off = law.sample(5, 0) - middle.numpy()
    np.testing.assert_allclose(off, stretched, atol=0.01)  # float32 of 2,000 m/s

    other = posterior(problem(observed), middle, 2000.0, prior, Law(2.0, 1.5))
    np.testing.assert_allclose(other.std, 2 * law.std**1.5, rtol=1e-5)


def test_every_kind_of_a_family_has_a_law(middle: torch.Tensor) -> None:
    grid = TINY.nz, TINY.nx
    assert set(LAWS) == {*KINDS.values(), "near"}
    for kind in LAWS:
        prior, law = calibrated(kind, middle)
        result = posterior(problem(gathers(middle, 2000.0)), middle, 2000.0, prior, law)
        assert result.std.shape == grid
        assert (result.std > 0).all()
    with pytest.raises(KeyError, match="no law was fitted for 'free'"):
        calibrated("free", middle)


def test_coverage_counts_cells() -> None:
    true, std = np.zeros((2, 3)), np.ones((2, 3))
    velocity = np.array([[0.5, -1.0, 1.5], [-1.9, 3.0, -9.0]])
    assert coverage(true, velocity, std) == (2 / 6, 4 / 6)
    assert coverage(true, true, 0 * std) == (1.0, 1.0)


def test_what_cannot_be_computed_is_refused(prior: Gaussian, middle: torch.Tensor) -> None:
    silent = problem(gathers(middle, 2000.0))
    with pytest.raises(ValueError, match="at most 10000 cells, got 12000; take a coarser grid"):
        posterior(silent, torch.full((100, 120), 2000.0), 2000.0, prior)
    with pytest.raises(FloatingPointError, match="give a stronger prior"):
        factorize(-torch.eye(3, dtype=torch.float64))
    # What rounding takes from a positive matrix is given back.
    weak = torch.tensor([[1.0, 1.0], [1.0, 1.0 - 1e-9]], dtype=torch.float64)
    assert factorize(weak).isfinite().all()
