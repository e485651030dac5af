"""Networks on a GPU give the maps of the processor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from fwi.models import count_parameters, create_model, model_names

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]
_BY_SIZE = sorted(model_names(), key=lambda names: -count_parameters(*names))
SMALLEST = sorted({name: variant for name, variant in _BY_SIZE}.items())


@pytest.fixture
def exact_products() -> Iterator[None]:
    """Switch off TF32, which rounds the factors of convolutions to ten bits."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.mark.usefixtures("exact_products")
@pytest.mark.parametrize(("name", "variant"), SMALLEST)
def test_maps_are_those_of_the_processor(name: str, variant: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, variant).eval()
    gathers = torch.randn(2, 5, 1000, 70)
    with torch.inference_mode():
        here = model(gathers)
        there = model.cuda()(gathers.cuda()).cpu()
    # Sums of float32 in another order, of maps between 1500 and 4500 m/s.
    torch.testing.assert_close(there, here, rtol=0, atol=0.5)
