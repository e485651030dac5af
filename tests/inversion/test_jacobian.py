"""The dense Jacobian against the exact products."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import fwi
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.inversion.band import EXACT, Band, make_band, noise_band
from fwi.inversion.green import Green
from fwi.inversion.jacobian import exact_column, gram, jacobian, receiver_spacing, thinned_rows
from fwi.inversion.noise import rounding_noise
from fwi.inversion.room import Room

# Sources below the receivers, three of them, none at a receiver's place; another grid and step.
OTHER = AcquisitionGeometry(
    nz=24, nx=40, dx=12.0, dt=1.25e-3, nt=640, source_x=(36.0, 240.0, 420.0), source_depth=36.0,
    receiver_x=tuple(np.arange(0.0, 480.0, 24.0)), receiver_depth=12.0, frequency=12.0,
    sponge_width=60,
)  # fmt: skip


class Case:
    """A map, linearised, with its Jacobian in a band by reciprocity."""

    def __init__(self, velocity: np.ndarray, geometry: AcquisitionGeometry, peak: float) -> None:
        self.geometry = geometry
        maps = torch.from_numpy(velocity[None].astype(np.float32))
        self.linear = fwi.linearize(maps, geometry)
        observed = self.linear.gathers[0]
        self.band: Band = make_band(observed, torch.full_like(observed, 1e-5), geometry, peak)
        room, highest = Room(), self.band.sampled / geometry.dt
        green = Green(velocity.astype(np.float64), float(velocity.min()), geometry, highest, room)
        self.rows = jacobian(self.linear, green, geometry, self.band, room)

    def error(self, cell: int) -> float:
        """Distance of a column from the exact one, relative."""
        exact = self.band.rows(exact_column(self.linear, self.geometry, cell))
        return float((self.rows[cell] - exact).norm() / exact.norm())


def curved(geometry: AcquisitionGeometry) -> np.ndarray:
    """Three curved layers."""
    z, x = np.indices((geometry.nz, geometry.nx)) / geometry.nz
    depth = z + 0.06 * np.sin(5 * x)
    return np.select([depth < 0.3, depth < 0.6], [1800.0, 2600.0], 3500.0)


@pytest.fixture(scope="module", params=["openfwi 8 Hz", "openfwi 15 Hz", "other 6 Hz"])
def case(request: pytest.FixtureRequest) -> Case:
    name, peak, _ = request.param.split()
    geometry = OPENFWI if name == "openfwi" else OTHER
    return Case(curved(geometry), geometry, float(peak))


def flat(geometry: AcquisitionGeometry, *places: tuple[float, float]) -> list[int]:
    """Numbers of cells at shares of depth and length."""
    return [
        round(z * (geometry.nz - 1)) * geometry.nx + round(x * (geometry.nx - 1)) for z, x in places
    ]


def test_interior_columns_are_those_of_the_scheme(case: Case) -> None:
    whole = case.band.low_pass is None
    # Without a low-pass columns end at 45 Hz, three times the peak: a Ricker's second derivative
    # has 1 % of its energy above, more where a cell lies beside a source.
    most = 0.05 if whole else 0.005
    for cell in flat(case.geometry, (0.5, 0.5), (0.2, 0.1), (0.9, 0.8), (0.1, 0.55)):
        assert case.error(cell) < most


def test_columns_of_the_edge_sum_over_the_padding(case: Case) -> None:
    # The padding is thinned and faded out; of a sponge half as wide more is left beyond.
    places = (0.0, 0.3), (0.4, 0.0), (0.7, 1.0), (1.0, 0.4)
    for cell in flat(case.geometry, *places):
        assert case.error(cell) < (0.06 if case.geometry.sponge_width == 120 else 0.16)


def test_the_whole_padding_makes_columns_of_the_edge_exact() -> None:
    g, velocity = OPENFWI, curved(OPENFWI)
    linear = fwi.linearize(torch.from_numpy(velocity[None].astype(np.float32)), g)
    observed = linear.gathers[0]
    errors = torch.from_numpy(rounding_noise(observed.numpy().astype(np.float16)))
    band = noise_band(observed, errors.float(), g, EXACT)
    error = {}
    for whole in (False, True):
        green = Green(
            velocity, float(velocity.min()), g, band.sampled / g.dt, Room(), whole=whole
        )  # fmt: skip
        rows = jacobian(linear, green, g, band, Room())
        for cell in flat(g, (0.0, 0.3), (0.4, 0.0), (0.7, 1.0), (1.0, 0.4)):
            exact = band.rows(exact_column(linear, g, cell))
            error[whole, cell] = float((rows[cell] - exact).norm() / exact.norm())
    cut, taken = (
        np.array([e for (whole, _), e in error.items() if whole is w]) for w in (False, True)
    )
    # The first one lies in the sources' row, where frequencies above the sampled ones are strong.
    assert (taken < [0.04, 0.003, 0.003, 0.003]).all()
    assert (cut[1:] > 5 * taken[1:]).all()


def test_columns_of_the_corners_are_exact(case: Case) -> None:
    for cell in flat(case.geometry, (0, 0), (0, 1), (1, 0), (1, 1)):
        assert case.error(cell) < 1e-5  # float32


def test_gram_matrix_is_the_hessian_of_the_misfit(case: Case) -> None:
    g, room = case.geometry, Room()
    hessian = gram(case.rows, room)
    torch.testing.assert_close(hessian, hessian.T, rtol=0, atol=0)
    direction = torch.randn(g.nz, g.nx, generator=torch.Generator().manual_seed(0))
    data = case.band.apply(case.linear.jvp(direction[None])[0])
    exact = case.linear.vjp(case.band.adjoint(data)[None])[0].flatten().float()
    product = hessian @ direction.flatten()
    # What is above the sampled frequencies is missing, and bfloat16 products are 1e-3 off.
    assert float((product - exact).norm() / exact.norm()) < 0.03


def test_gram_matrix_does_not_depend_on_the_blocks() -> None:
    rows = torch.randn(37, 3, 50, generator=torch.Generator().manual_seed(0))
    columns = rows.flatten(1).double()
    for blocks in (1, 5):
        product = gram(rows, Room(), blocks).double()
        scale = columns.norm(dim=1)
        # bfloat16 keeps 8 bits, where a processor has it.
        off = (product - columns @ columns.T).abs() / (scale[:, None] * scale)
        assert float(off.max()) < 2**-8


def test_the_settings_of_torch_are_left_as_they_were() -> None:
    before = torch.get_float32_matmul_precision()
    gram(torch.ones(3, 4), Room())
    assert torch.get_float32_matmul_precision() == before


def test_receivers_are_thinned_where_waves_are_long() -> None:
    band = Band(5.0, None, torch.ones(1, 10, 1), 35.7, 14.0, 0.0)
    assert receiver_spacing(OPENFWI, 1500.0, band) == 4
    assert receiver_spacing(OPENFWI, 1500.0, replace(band, spacing=11.1)) == 1


def test_a_thinned_jacobian_and_thinned_data_are_of_one_scale(case: Case) -> None:
    g, every = case.geometry, 2
    green = Green(curved(g), float(curved(g).min()), g, case.band.sampled / g.dt, Room(), None)
    rows = jacobian(case.linear, green, g, case.band, Room(), every)
    cell = flat(g, (0.5, 0.5))[0]
    exact = thinned_rows(case.band, exact_column(case.linear, g, cell), every)
    assert exact.shape == rows[cell].shape
    assert float((rows[cell] - exact).norm() / exact.norm()) < 0.05  # as of all receivers
    assert float(exact.norm() / case.rows[cell].norm()) == pytest.approx(1, abs=0.1)
