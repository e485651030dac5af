"""Style maps against closed forms, scipy, the full sets' statistics and real maps kept apart."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fwi import families
from fwi.families.chains import LOBE, Chains
from fwi.families.painting import paint
from fwi.families.textures import noise, strokes

Maps = npt.NDArray[np.float64]

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "openfwi_maps"
RECIPES = {name: families.recipe(name) for name in ("Style_A", "Style_B")}
ROWS = np.arange(70.0)
STILL = np.zeros((2, 70, 70))  # no warp

both = pytest.mark.parametrize("family", list(RECIPES))


@cache
def drawn(family: str) -> Maps:
    """Draw 1,000 maps of a family once for all tests."""
    return families.sample(family, 1000, rng=2021).astype(np.float64)


@both
def test_no_image_leaves_the_line(family: str) -> None:
    """An image of no weight leaves the background, linear in depth between its two ends."""
    recipe = replace(RECIPES[family], weight=(0, 0), slowest=(1600, 1600), fastest=(4290, 4290))
    line = np.linspace(1600, 4290, 70)[:, None].repeat(70, axis=1)
    np.testing.assert_allclose(recipe(np.random.default_rng(0)), line, rtol=1e-14)


@both
def test_nothing_but_image_is_the_image(family: str) -> None:
    """An image of full weight goes from the slowest to the fastest by its greys."""
    recipe = replace(RECIPES[family], weight=(1, 1), slowest=(2000, 2000), fastest=(3000, 3000))
    image = recipe.image(np.random.default_rng(3))
    velocity = recipe(np.random.default_rng(3))
    np.testing.assert_allclose((velocity - 2000) / 1000, image, atol=1e-12)
    assert image.min() >= 0
    assert image.max() <= 1
    if recipe.smooth is not None:  # stretched, not clipped
        assert (image.min(), image.max()) == (0, 1)


@both
def test_background_and_image_weigh_what_they_should(family: str) -> None:
    """A weight in between blends the line and the image."""
    fixed = replace(RECIPES[family], slowest=(1500, 1500), fastest=(4500, 4500))
    line, image, blend = (
        replace(fixed, weight=(w, w))(np.random.default_rng(4)) for w in (0, 1, 0.25)
    )
    np.testing.assert_allclose(blend, 0.75 * line + 0.25 * image, rtol=1e-13)


@both
def test_bodies_cover_their_share(family: str) -> None:
    """Lobes do not run out before they cover their share but in 1 map of 100."""
    recipe, rng = RECIPES[family], np.random.default_rng(0)
    covers = []
    for _ in range(200):
        cover = rng.uniform(*recipe.cover)
        body = paint(recipe.chains(rng), STILL, recipe.rim, recipe.seam, cover)[2]
        covers.append(body.mean() >= cover - 1e-9)
    assert np.mean(covers) >= 0.97  # 1 in 100 and three times its sampling error


def one(**values: float) -> npt.NDArray[np.void]:
    """Return one lobe of grey 1 amid the map, 8 by 5 cells unless told."""
    lobe = np.zeros(1, LOBE)
    for name, value in (
        {"row": 35, "column": 30, "along": 8, "across": 5, "grey": 1} | values
    ).items():
        lobe[name] = value
    return lobe


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2])
@pytest.mark.parametrize(("hatch", "area"), [(0.0, np.pi * 40), (2.0, 4 * 40)])
def test_one_lobe_is_an_ellipse_or_a_slab(angle: float, hatch: float, area: float) -> None:
    """What one lobe covers has the area and the moments of its shape."""
    body = paint(one(angle=angle, hatch=hatch), STILL, rim=1, seam=0, cover=1)[2]
    # An outline of 41 to 52 cells, each known to a part of a cell with either sign.
    assert body.sum() == pytest.approx(area, rel=0.03)
    z, x = ROWS[:, None] - 35, ROWS[None, :] - 30
    assert (body * z).sum() / area == pytest.approx(0, abs=0.05)
    assert (body * x).sum() / area == pytest.approx(0, abs=0.05)
    # Rows count downward, so an axis that rises to the right has z x < 0.
    moment = area / (3 if hatch else 4) * (64 - 25) * np.cos(angle) * np.sin(angle)
    assert (body * z * x).sum() == pytest.approx(-moment, rel=0.1, abs=5)


def test_a_later_lobe_hides_an_earlier_one() -> None:
    lobes = np.concatenate([one(grey=0.9, busy=1.0), one(grey=0.4, column=36)])
    painted, grey, body, busy = paint(lobes, STILL, rim=1, seam=0, cover=1)
    assert len(painted) == 2
    assert (grey[35, 34], busy[35, 34]) == (0.4, 0)  # both lie here
    assert (grey[35, 24], busy[35, 24]) == (0.9, 1)  # only the first
    assert (body[35, 34], body[35, 60]) == (1, 0)


def test_painting_stops_once_the_share_is_covered() -> None:
    lobes = np.concatenate([one(column=c) for c in (10, 30, 50)])
    one_covers = paint(lobes[:1], STILL, 1, 0, 1)[2].mean()
    painted, *_, body, _ = paint(lobes, STILL, 1, 0, cover=1.5 * one_covers)
    assert len(painted) == 2
    assert body[35, 50] == 0


def test_a_warp_moves_outlines() -> None:
    """A warp of 3 columns throughout draws the lobe 3 columns to the left."""
    warp = np.stack([np.zeros((70, 70)), np.full((70, 70), 3.0)])
    moved = paint(one(), warp, 1, 0, 1)[2]
    np.testing.assert_array_equal(moved, paint(one(column=27), STILL, 1, 0, 1)[2])


def test_noise_has_the_covariance_that_it_says() -> None:
    """Covariance along rows and columns is Gaussian, with the length of its axis."""
    rng = np.random.default_rng(0)
    fields = np.stack([noise(rng, 6, 3) for _ in range(400)])
    assert fields.mean() == pytest.approx(0, abs=0.02)
    for axis, length in ((2, 6), (1, 3)):
        for lag in (0, 1, 3, 6, 12):
            near = np.take(fields, range(70 - lag), axis)
            far = np.take(fields, range(lag, 70), axis)
            # 400 maps of some 60 independent patches: 2 / sqrt(24,000) = 0.013, thrice.
            expected = np.exp(-(lag**2) / (2 * length**2))
            assert (near * far).mean() == pytest.approx(expected, abs=0.04)


def test_strokes_are_straight_and_stay_inside() -> None:
    top, left = np.array([-1.0, 66.0]), np.array([5.0, 68.0])
    cells, stroke = strokes(top, left, np.array([-1.0, 1.0]), np.array([4.0, 9.0]))
    found = sorted(zip(stroke, *cells, strict=True))
    assert found == [(0, 0, 4), (0, 1, 3), (0, 2, 2), (1, 66, 68), (1, 67, 69)]
    none = np.empty(0)
    assert strokes(none, none, none, none)[1].size == 0


@pytest.mark.parametrize(
    "chains", [Chains(single=1, slabs=0), Chains(single=0, slabs=1), Chains(busy=0), Chains(n=1)]
)
def test_a_picture_of_one_kind_is_drawn_too(chains: Chains) -> None:
    """Recipes at their ends, with no tents or hardly a lobe, still give maps."""
    for recipe in RECIPES.values():
        velocity = replace(recipe, chains=chains)(np.random.default_rng(0))
        assert np.isfinite(velocity).all()
        assert np.ptp(velocity) > 1000


def test_greys_are_bimodal_as_the_real_ones() -> None:
    """Style_B's image is dark in one half and bright in a quarter of its cells, seldom between."""
    # Four real maps, after their lower line: 46-49 % below 0.2, 7-9 % in 0.3-0.5 and 20-23 % in
    # 0.7-0.9, each known to about 3 %, as the line and the brightest cell are.
    rng = np.random.default_rng(0)
    images = np.stack([RECIPES["Style_B"].image(rng) for _ in range(100)])
    for low, high, share in ((0, 0.2, 0.48), (0.3, 0.5, 0.07), (0.7, 0.9, 0.22)):
        assert ((images >= low) & (images < high)).mean() == pytest.approx(share, abs=0.04)


def as_picture(velocity: Maps) -> Maps:
    """Round to 256 levels of a map's own range, as the real maps were."""
    step = np.ptp(velocity) / 255
    return velocity.min() + step * np.rint((velocity - velocity.min()) / step)


def flattened(velocity: Maps) -> Maps:
    """Remove the mean and the depth slope."""
    depth = ROWS - ROWS.mean()
    slope = velocity.mean(axis=1) @ depth / (depth @ depth)
    rest: Maps = velocity - velocity.mean() - slope * depth[:, None]
    return rest


def lagged(axis: int, lag: int) -> Callable[[Maps], float]:
    """Return a function for the autocorrelation of what `flattened` leaves."""

    def correlation(velocity: Maps) -> float:
        rest = flattened(velocity)
        near, far = np.take(rest, range(70 - lag), axis), np.take(rest, range(lag, 70), axis)
        return float((near * far).mean() / (rest**2).mean())

    return correlation


def step(axis: int, quantile: float) -> Callable[[Maps], float]:
    """Return a function for a quantile of the steps from cell to cell, m/s."""
    return lambda v: float(np.quantile(np.abs(np.diff(flattened(v), axis=axis)), quantile))


def greys(quantile: float) -> Callable[[Maps], float]:
    """Return a function for a quantile of what `flattened` leaves, m/s."""
    return lambda v: float(np.quantile(flattened(v), quantile))


def octave(low: float, high: float) -> Callable[[Maps], float]:
    """Return a function for the log of the power share of wavenumbers in a ring, 1/cell."""

    def power(velocity: Maps) -> float:
        window = np.hanning(70)
        spectrum = np.abs(np.fft.fft2(flattened(velocity) * window * window[:, None])) ** 2
        k = np.hypot(np.fft.fftfreq(70)[:, None], np.fft.fftfreq(70))
        return float(np.log(spectrum[(k >= low) & (k < high)].sum() / spectrum.sum()))

    return power


FEATURES: dict[str, Callable[[Maps], float]] = {
    **{f"lag {lag} along x": lagged(1, lag) for lag in (1, 3, 6, 10)},
    **{f"lag {lag} along z": lagged(0, lag) for lag in (1, 3, 6)},
    **{f"step {q} along x": step(1, q) for q in (0.5, 0.75, 0.9, 0.99)},
    **{f"step {q} along z": step(0, q) for q in (0.75, 0.9, 0.99)},
    **{f"grey {q}": greys(q) for q in (0.05, 0.5, 0.75, 0.95)},
    "octave 0.06": octave(0.06, 0.12),
    "octave 0.12": octave(0.12, 0.25),
    "mean": lambda v: float(v.mean()),
    "spread": lambda v: float(v.std()),
    "fastest": lambda v: float(v.max()),
}


def kept_apart(family: str) -> list[Maps]:
    """Return the real maps with odd numbers, which nothing was fitted to."""
    if not (REAL / "pictures.npz").exists():
        pytest.skip("the real data folder ../shared/data is absent")
    with np.load(REAL / "pictures.npz", allow_pickle=False) as pictures:
        maps = [*pictures[family], np.load(REAL / f"{family}.npy", allow_pickle=False)]
    return [m.astype(np.float64) for m in maps[1::2]]


@both
def test_real_maps_kept_apart_could_have_been_generated(family: str) -> None:
    """Nine in ten features of real maps lie in the central 98 % of generated ones."""
    real = kept_apart(family)
    outside = []
    generated = [as_picture(m) for m in drawn(family)[:400]]
    for name, feature in FEATURES.items():
        low, high = np.quantile([feature(m) for m in generated], (0.01, 0.99))
        outside += [(name, low, v, high) for v in map(feature, real) if not low <= v <= high]
    # Were real maps generated ones, one in fifty would lie outside, the ones of a map together.
    assert len(outside) <= 0.1 * len(FEATURES) * len(real), outside


def test_the_recipes_differ_where_the_families_do() -> None:
    """Style_A is smooth, Style_B has the edges of its picture."""
    steep = {f: np.quantile(np.abs(np.diff(drawn(f), axis=2)), 0.99) for f in RECIPES}
    assert steep["Style_A"] < 200  # real maps: 102-196 m/s
    assert steep["Style_B"] > 350  # real maps: 418-456 m/s
