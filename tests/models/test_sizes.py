"""Networks of maps of other sizes: the grids, and that every architecture makes them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.models import create_model, map_shape_of, model_names
from fwi.models.sizes import GRID, MAP, RECORD, ROW, check_map_shape, grid_of, record_of

FIRST = {name: variant for name, variant in reversed(model_names())}
SIDES = st.integers(8, 1024)


def test_openfwi_s_sizes_are_those_they_always_were() -> None:
    assert (MAP, RECORD, GRID) == ((70, 70), (1000, 70), (72, 72))
    assert record_of(MAP) == RECORD


@given(SIDES, SIDES)
def test_a_grid_holds_the_map_and_its_record(rows: int, columns: int) -> None:
    """Divisible by eight, no smaller than the map, and no sample of the record is cut off."""
    (height, width), (samples, receivers) = grid_of((rows, columns)), record_of((rows, columns))
    assert height % 8 == width % 8 == 0
    assert rows + 2 <= height < rows + 10
    assert columns + 2 <= width < columns + 10
    assert samples <= ROW * height
    assert receivers == columns


@pytest.mark.parametrize("shape", [(140, 140), (64, 128), (9, 200), (8, 8)])
@pytest.mark.parametrize("name", sorted(set(FIRST) - {"corrector"}))
def test_every_architecture_makes_maps_of_any_size(name: str, shape: tuple[int, int]) -> None:
    with torch.device("meta"):  # shapes alone
        model = create_model(name, FIRST[name], map_shape=list(shape)).eval()
        assert map_shape_of(model) == shape
        for record in ((1000, 70), (300, shape[1])):
            assert model(torch.empty(2, 5, *record)).shape == (2, 1, *shape)


@pytest.mark.parametrize("bad", [(7, 8), (8, 1025), (8,), (8, 8, 8), "88", 8, (8.0, 8), None])
def test_sizes_that_are_none_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"map_shape must be two whole numbers of 8 to 1024"):
        check_map_shape(bad)  # type: ignore[arg-type]
