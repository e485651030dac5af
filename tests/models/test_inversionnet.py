"""InversionNet in OpenFWI's sizes: its parameters, its one vector, its hyperbolic tangent."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fwi.models import count_parameters, create_model
from fwi.models.inversionnet import InversionBody, inversionnet
from fwi.models.network import Network


def narrow(**options: object) -> nn.Module:
    """Build a network of few channels, whose structure is that of the wide one."""
    torch.manual_seed(0)
    return inversionnet(width=1 / 8, **options)


def test_has_the_published_number_of_parameters() -> None:
    # Published to a tenth of a million; the biases that a normalisation cancels are left out here.
    assert abs(count_parameters("inversionnet", "base") / 1e6 - 24.4) < 0.05


def test_small_variant_is_small_and_cheap() -> None:
    assert count_parameters("inversionnet", "small") < 13e6
    model = create_model("inversionnet", "small").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 5, 1000, 70))
    assert counter.get_total_flops() / 2 < 2e9


def test_time_and_receivers_shrink_to_one_vector_and_the_map_grows_out_of_it() -> None:
    body = InversionBody(5, 1 / 8).eval()
    sizes = []
    for layer in body.layers:
        layer.register_forward_hook(lambda *call: sizes.append(tuple(call[2].shape[-2:])))
    body(torch.zeros(1, 5, 1000, 70))
    expected = [(500, 70), (250, 70), (250, 70), (125, 70), (125, 70), (63, 70), (63, 70)]
    expected += [(32, 35), (32, 35), (16, 18), (16, 18), (8, 9), (8, 9), (1, 1)]
    expected += [(side, side) for side in (5, 10, 20, 40, 80) for _ in range(2)]
    assert sizes == expected


def test_every_cell_depends_on_every_trace() -> None:
    model = narrow().eval()
    gathers = torch.randn(1, 5, 1000, 70).requires_grad_()
    model(gathers)[0, 0, 69, 0].backward()
    assert (gathers.grad.abs().amax(2) > 0).all()


def test_features_are_the_middle_of_the_decoded_ones() -> None:
    body = InversionBody(5, 1 / 8).eval()
    gathers = torch.randn(2, 5, 1000, 70)
    with torch.inference_mode():
        whole = body.layers(gathers)
        # The body orders its memory otherwise, so sums have another order: float32 rounding.
        torch.testing.assert_close(body(gathers), whole[..., 5:75, 5:75], rtol=1e-4, atol=1e-5)


def test_output_starts_as_the_hyperbolic_tangent_of_normalised_values() -> None:
    model = narrow()
    assert isinstance(model, Network)
    features = torch.randn(3, model.body.channels, 70, 70) * 5
    y = model.head.conv(features).double()
    y = (y - y.mean()) / (y.var(correction=0) + 1e-5).sqrt()
    # float32 rounding of some 3000 m/s, over one convolution.
    torch.testing.assert_close(
        model.head(features).double(), 3000 + 1500 * torch.tanh(y), rtol=0, atol=0.01
    )


def test_map_cannot_leave_the_range_of_openfwi() -> None:
    wild = narrow().train()(torch.randn(4, 5, 1000, 70) * 1e6)
    assert 1500 <= wild.min() < wild.max() <= 4500


def test_other_outputs_and_heads_can_be_had() -> None:
    model = narrow(output="linear", norm=False, gain=None, confidence=True, n_families=10)
    said = model.predict_all(torch.randn(2, 5, 1000, 70))
    assert isinstance(model.head.norm, nn.Identity)
    assert said.error.shape == said.velocity.shape == (2, 1, 70, 70)
    assert said.family.shape == (2, 10)


def test_scale_of_a_linear_output_starts_at_one() -> None:
    assert narrow(output="linear").head.norm.weight.item() == 1


@pytest.mark.parametrize("width", [0, 0.01, -1])
def test_width_that_leaves_a_layer_empty_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match=f"width must be at least 1/32, got {width:g}; 1 is"):
        inversionnet(width=width)
