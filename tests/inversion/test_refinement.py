"""Refinement: from a first map to the one that explains the gathers."""

from dataclasses import replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.ndimage import gaussian_filter

import fwi
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.inversion import Refined, refine
from fwi.inversion.exact import finished, rounded
from fwi.inversion.labelled import Labelled
from fwi.inversion.labels import relabel
from fwi.inversion.ladder import KINDS, Kind, approach, finish, is_lost, rescue
from fwi.inversion.methods import METHODS
from fwi.inversion.noise import rounding_noise
from fwi.inversion.problem import Problem, as_tensor
from fwi.inversion.routing import kind_of, may_be_flat

# A quarter of a map, four shots: a step takes a fraction of a second.
SMALL = AcquisitionGeometry(
    nz=26, nx=30, nt=420, sponge_width=60,
    source_x=(0.0, 100.0, 200.0, 290.0), receiver_x=tuple(np.arange(0.0, 300.0, 10.0)),
)  # fmt: skip

Map = npt.NDArray[np.float32]


def layers() -> Map:
    z, x = np.indices((26, 30))
    depth = z + 2 * np.sin(x / 6)
    return np.select([depth < 8, depth < 17], [1800.0, 2500.0], 3300.0).astype(np.float32)


@pytest.fixture(scope="module")
def gathers() -> npt.NDArray[np.float16]:
    return fwi.simulate(layers()[None], SMALL).astype(np.float16)


@pytest.fixture(scope="module")
def refined(gathers: npt.NDArray[np.float16]) -> Refined:
    start = gaussian_filter(layers(), 3.0, mode="nearest")
    return refine(gathers, start, "CurveVel_A", geometry=SMALL, seconds=300).samples[0]


def test_every_cell_is_found(refined: Refined) -> None:
    assert np.abs(refined.start - layers()).mean() > 100
    np.testing.assert_array_equal(refined.velocity, layers())
    assert refined.exact
    assert refined.converged
    assert not refined.reverted


def test_residual_falls_to_the_noise(refined: Refined) -> None:
    assert refined.start_residual > 100
    # The known errors are estimated a little too large: the data carry no accumulated one here.
    assert 0.3 < refined.residual < 1.1
    assert "exact, layered" in str(refined)


def test_steps_keep_what_they_promise(refined: Refined) -> None:
    # A step of the exact quadratic from near the truth: actual and promised decrease agree.
    ratios = np.array([step.ratio for step in refined.steps])
    assert np.median(np.abs(ratios - 1)) < 0.2
    assert [step.peak for step in refined.steps] == sorted(step.peak for step in refined.steps)


def test_a_wrong_start_is_never_made_worse(gathers: npt.NDArray[np.float16]) -> None:
    start = np.full((26, 30), 4400.0, np.float32)
    result = refine(gathers, start, "CurveVel_A", geometry=SMALL, seconds=1e-3).samples[0]
    assert not result.converged
    assert result.residual <= result.start_residual
    assert "NOT converged" in str(result)
    if result.reverted:
        np.testing.assert_array_equal(result.velocity, start)


def test_time_that_is_up_ends_a_refinement(gathers: npt.NDArray[np.float16]) -> None:
    result = refine(gathers, "trend", "Style_A", geometry=SMALL, seconds=0.01).samples[0]
    assert len(result.steps) == 1


def test_samples_are_numbered(gathers: npt.NDArray[np.float16]) -> None:
    seen = set()
    both = np.concatenate([gathers, gathers])
    result = refine(
        both, "trend", ["CurveVel_A", "auto"], geometry=SMALL, seconds=0.5,
        watch=lambda i, progress: seen.add(i),
    )  # fmt: skip
    assert seen == {0, 1}
    assert result.velocity.shape == (2, 26, 30)
    assert result.converged.shape == result.exact.shape == (2,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g[:, :, :100], r"gathers must be \(n, 4, 420, 30\), got \(1, 4, 100, 30\)"),
        (lambda g: np.where(g > 0.1, np.nan, g), "gathers must be finite"),
        (lambda g: 0 * g, "sample 0 must hold a wave, got zeros alone"),
    ],
)
def test_bad_gathers_are_refused(gathers: npt.NDArray, change, message: str) -> None:  # noqa: ANN001
    with pytest.raises(ValueError, match=message):
        refine(change(gathers), "trend", geometry=SMALL)


def test_bad_starts_and_families_are_refused(gathers: npt.NDArray[np.float16]) -> None:
    with pytest.raises(ValueError, match=r"start must be \(n, 26, 30\), got \(1, 70, 70\)"):
        refine(gathers, np.full((70, 70), 2000.0), geometry=SMALL)
    with pytest.raises(ValueError, match="start must be maps, None or 'trend', got 'best'"):
        refine(gathers, "best", geometry=SMALL)
    with pytest.raises(KeyError, match="did you mean 'CurveVel_B' or 'CurveVel_A'"):
        refine(gathers, "trend", "CurveVel", geometry=SMALL)
    with pytest.raises(ValueError, match="family must name one family or 1, one a sample, got 2"):
        refine(gathers, "trend", ["auto", "auto"], geometry=SMALL)


def test_every_family_has_a_ladder() -> None:
    assert set(KINDS) == set(fwi.families.NAMES)
    for kind in get_args(Kind):
        start = torch.full((9, 9), 2500.0, dtype=torch.float64)
        rungs = [*approach(kind, start, 15.0), *finish(kind, start, 15.0)]
        peaks = [rung.peak for rung in rungs]
        assert peaks == sorted(peaks)
        assert peaks[-1] == 15.0
    assert kind_of("auto") is None
    assert is_lost(0.5)
    assert not is_lost(0.05)
    assert rescue(start)[0].damping == 0.1


@pytest.mark.parametrize(("family", "flat"), [("FlatVel_A", True), ("CurveVel_A", False)])
def test_flat_layers_are_known_by_their_gathers(family: str, flat: bool) -> None:
    observed = torch.from_numpy(fwi.simulate(fwi.families.sample(family, 1, 4))[0])
    problem = Problem(observed, torch.full_like(observed, 1e-5), OPENFWI)
    assert may_be_flat(problem) is flat
    # One shot and its own mirror image is enough; without a pair of offsets nothing is claimed.
    one = replace(OPENFWI, source_x=(340.0,))
    assert may_be_flat(Problem(observed[2:3], problem.sigma[2:3], one)) is flat
    alone = replace(OPENFWI, source_x=(0.0,), receiver_x=(690.0,))
    assert not may_be_flat(Problem(observed[:1, :, -1:], problem.sigma[:1, :, -1:], alone))


def test_wrong_cells_and_a_lost_region_are_put_right(gathers: npt.NDArray[np.float16]) -> None:
    true = layers()
    true[-1, 20:22] = 4000.0  # a layer of which the map shows two cells
    observed = fwi.simulate(true[None], SMALL)[0].astype(np.float16)
    problem = Problem(as_tensor(observed), as_tensor(rounding_noise(observed)), SMALL)
    smooth = true.astype(np.float64)
    step = np.argwhere(np.diff(true, axis=0) != 0)[::12]
    for z, x in step:  # cells at an interface that lean to its other side
        smooth[z, x] = 0.3 * true[z, x] + 0.7 * true[z + 1, x]
    found, residual = relabel(
        problem, smooth, lambda: False, lambda map_: np.array_equal(map_, true)
    )
    np.testing.assert_array_equal(found, true)
    assert residual < 1.0


def test_a_search_that_fails_leaves_the_map(
    gathers: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise FloatingPointError("the matrix must be positive")

    monkeypatch.setattr("fwi.inversion.labels.decide", fail)
    problem = Problem(as_tensor(gathers[0]), as_tensor(rounding_noise(gathers[0])), SMALL)
    near = layers().astype(np.float64)
    near[12, 3] += 2  # in doubt, and explained all the same
    near = near + np.random.default_rng(0).normal(0, 1e-3, near.shape)
    map_ = torch.from_numpy(near)
    other = gathers[0] + np.float16(1e-3)  # which no map meets in every sample
    left = finished(problem, map_, "layered", other, lambda: False)
    assert torch.equal(left, rounded(problem, map_, "layered"))


def test_a_search_keeps_values_at_which_the_scheme_is_stable(
    gathers: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Far from the truth the data may ask for any shift: the simulator refuses 7,366 m/s.
    def far(problem: Problem, here: Labelled, places: npt.NDArray) -> tuple[npt.NDArray, ...]:
        n = len(places)
        shifts = np.zeros((len(here.values), n + 1))
        shifts[:, -1] = -1e4
        return np.eye(n), np.zeros(n), shifts

    monkeypatch.setattr("fwi.inversion.labels.equations", far)
    problem = Problem(as_tensor(gathers[0]), as_tensor(rounding_noise(gathers[0])), SMALL)
    doubtful = layers().astype(np.float64)
    doubtful[12, 5:25:4] += 40.0
    found, residual = relabel(problem, doubtful, lambda: False, lambda _: False)
    assert np.isfinite(residual)
    assert found.max() <= problem.limits[1]


def test_nothing_is_moved_when_time_is_up(gathers: npt.NDArray[np.float16]) -> None:
    problem = Problem(as_tensor(gathers[0]), as_tensor(rounding_noise(gathers[0])), SMALL)
    wrong = layers().astype(np.float64)
    wrong[8:10] += 100.0
    found, residual = relabel(problem, wrong, lambda: True, lambda _: False)
    np.testing.assert_array_equal(found, wrong)
    assert residual > 1.0


def test_of_several_starts_the_one_that_explains_most_is_gone_on_with(
    gathers: npt.NDArray[np.float16],
) -> None:
    near = gaussian_filter(layers(), 3.0, mode="nearest")
    far = np.full_like(near, 4400.0)
    result = refine(
        gathers, np.stack([far, near])[None], "CurveVel_A", geometry=SMALL, seconds=300
    ).samples[0]
    np.testing.assert_array_equal(result.velocity, layers())
    np.testing.assert_array_equal(result.start, far)


def test_a_start_beyond_the_bounds_is_brought_to_them_and_it_is_said(
    gathers: npt.NDArray[np.float16],
) -> None:
    start = np.full((26, 30), 9000.0, np.float32)
    result = refine(gathers, start, "CurveVel_A", geometry=SMALL, seconds=1e-3).samples[0]
    assert "brought to them" in result.notes[0]
    assert "brought to them" in str(result)
    assert np.isfinite(result.velocity).all()


def test_noisy_gathers_keep_a_map_near_a_first_guess_and_it_is_said(
    gathers: npt.NDArray[np.float16],
) -> None:
    level = 0.05 * np.sqrt(np.mean(gathers.astype(float) ** 2))  # 26 dB below
    noisy = gathers + level * np.random.default_rng(0).standard_normal(gathers.shape)
    start = gaussian_filter(layers(), 3.0, mode="nearest")
    result = refine(noisy.astype(np.float16), start, geometry=SMALL, seconds=60).samples[0]
    assert result.kind == "near"
    assert any("near the start" in note for note in result.notes)
    assert result.converged
    error = np.abs(result.velocity - layers())
    assert error.mean() < np.abs(start - layers()).mean()
    assert result.std is not None
    assert (error < 2 * result.std).mean() > 0.8  # a normal distribution's share: 0.954
    known = refine(noisy.astype(np.float16), start, "CurveVel_A", geometry=SMALL, seconds=1e-3)
    assert known.samples[0].kind == "layered"


def test_every_method_takes_a_sample(gathers: npt.NDArray[np.float16]) -> None:
    start = gaussian_filter(layers(), 3.0, mode="nearest")
    for method in METHODS:
        result = refine(
            gathers, start, "CurveVel_A", geometry=SMALL, method=method, seconds=2.0
        ).samples[0]
        assert result.residual < result.start_residual, method
    with pytest.raises(KeyError, match="unknown method 'dens'; did you mean 'dense'"):
        refine(gathers, start, geometry=SMALL, method="dens")


def test_deviations_and_draws(refined: Refined, gathers: npt.NDArray[np.float16]) -> None:
    assert refined.exact
    assert not refined.std.any()  # no cell can be wrong
    start = gaussian_filter(layers(), 3.0, mode="nearest")
    short = refine(
        gathers, start, "CurveVel_A", geometry=SMALL, seconds=1e-3, draws=2
    ).samples[0]  # fmt: skip
    assert short.std.shape == (26, 30)
    assert (short.std > 0).all()
    assert short.draws.shape == (2, 26, 30)


def test_conjugate_gradients_alone_take_smooth_and_lost_maps(
    gathers: npt.NDArray[np.float16],
) -> None:
    # Processes are dense matrices, which this method has no room for: squares stand for them.
    start = np.full((26, 30), 4400.0, np.float32)
    result = refine(gathers, start, "Style_A", geometry=SMALL, method="cg", seconds=5.0).samples[0]
    assert result.residual < result.start_residual
    assert result.std is None
    assert result.draws is None


def test_no_draws_are_none(refined: Refined) -> None:
    assert refined.draws is None
