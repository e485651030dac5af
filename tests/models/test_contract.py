"""What every registered network keeps to; a new one is tested without an edit here."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fwi.geometry import flip_gathers
from fwi.inference.checkpoint import Description, load_model, save_checkpoint
from fwi.inference.precision import autocast, choose_precision
from fwi.inference.predictor import Predictor
from fwi.models import count_parameters, create_model, model_names, shots_of
from fwi.schedules import one_cycle

_LARGEST = 7.5e6  # parameters that a processor can still run and train in seconds
_SIZES = {names: count_parameters(*names) for names in model_names()}
_SMALL = [names for names, size in _SIZES.items() if size <= _LARGEST]
every_model = pytest.mark.parametrize(("name", "variant"), _SMALL)


@pytest.mark.parametrize("name", sorted({name for name, _ in _SIZES}))
def test_every_model_has_a_variant_small_enough(name: str) -> None:
    assert min(size for (n, _), size in _SIZES.items() if n == name) <= _LARGEST


def test_caformer_b36_has_the_published_encoder() -> None:
    with torch.device("meta"):
        encoder = create_model("caformer", "b36").body.encoder
    # 93.3 M are published, to a tenth; of the whole 123.7 M, whose decoder is not quite known.
    assert abs(sum(p.numel() for p in encoder.parameters()) / 1e6 - 93.3) < 0.05
    assert abs(_SIZES["caformer", "b36"] / 1e6 - 122.3) < 0.05


@pytest.mark.parametrize(("name", "variant"), model_names())
def test_every_variant_gives_maps_in_shape(name: str, variant: str) -> None:
    # The meta device computes shapes alone, so that large variants cost nothing.
    with torch.device("meta"):
        model = create_model(name, variant).eval()
        assert model(torch.empty(2, 5, 1000, 70)).shape == (2, 1, 70, 70)


@cache
def network(name: str, variant: str) -> nn.Module:
    """Build a network once, in eval; tests leave its weights alone."""
    torch.manual_seed(0)
    return create_model(name, variant).eval()


def gathers(batch: int = 2, shots: int = 6, nt: int = 1000) -> torch.Tensor:
    """Noise with the amplitudes of gathers: mostly small, now and then a direct wave."""
    generator = torch.Generator().manual_seed(batch * 10_000 + nt)
    return torch.randn(batch, shots, nt, 70, generator=generator) ** 3


@every_model
@pytest.mark.parametrize(("shots", "nt"), [(5, 1000), (6, 1000), (5, 250)])
def test_gives_one_finite_map_a_sample(name: str, variant: str, shots: int, nt: int) -> None:
    model = network(name, variant)
    with torch.inference_mode():
        velocity = model(gathers(2, max(shots, shots_of(model)), nt))
    assert velocity.shape == (2, 1, 70, 70)
    assert velocity.dtype == torch.float32
    assert torch.isfinite(velocity).all()


@every_model
def test_is_finite_in_bfloat16_and_takes_float16(name: str, variant: str) -> None:
    model = network(name, variant)
    with torch.inference_mode():
        exact = model(gathers())
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model(gathers().half())
    assert rounded.shape == exact.shape
    assert rounded.dtype == torch.float32
    # bfloat16 has eight bits: 2.4 parts in a hundred of the output's spread at most, in hgnet b0.
    assert (rounded - exact).abs().mean() < 0.05 * max(float(exact.std()), 1.0)


@every_model
def test_six_shots_are_taken_where_asked_for(name: str, variant: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, variant, n_shots=6).eval()
    one = gathers(1).requires_grad_()
    velocity = model(one)
    assert velocity.shape == (1, 1, 70, 70)
    velocity.square().sum().backward()
    assert (one.grad.abs().amax((0, 2, 3)) > 0).all()  # each of the six matters


@every_model
def test_further_shots_are_ignored(name: str, variant: str) -> None:
    model = network(name, variant)
    six = gathers()
    poisoned = six.clone()
    poisoned[:, shots_of(model) :] = torch.nan
    with torch.inference_mode():
        torch.testing.assert_close(model(poisoned), model(six), rtol=0, atol=0)


@every_model
def test_every_parameter_gets_a_finite_gradient(name: str, variant: str) -> None:
    torch.manual_seed(0)
    # Under batch statistics a shift before a norm has no effect, and a gradient of rounding alone.
    model = create_model(name, variant).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # a branch whose last scale starts at 0 passes none
            parameter += 0.02 * torch.randn_like(parameter)
    model(gathers()).square().mean().backward()
    for key, parameter in model.named_parameters():
        assert parameter.requires_grad, key
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key


@every_model
def test_eval_is_deterministic_and_samples_are_independent(name: str, variant: str) -> None:
    model = network(name, variant)
    three = gathers(3)
    with torch.inference_mode():
        together = model(three)
        torch.testing.assert_close(model(three), together, rtol=0, atol=0)
        # Another batch size may take another convolution algorithm: float32 rounding over some
        # twenty layers, of outputs of some 3000 m/s.
        torch.testing.assert_close(model(three[1:2]), together[1:2], rtol=0, atol=0.05)


@every_model
def test_weights_survive_a_checkpoint(name: str, variant: str, tmp_path: Path) -> None:
    model = network(name, variant)
    save_checkpoint(tmp_path / "one", Description(name, variant, {}), model.state_dict())
    loaded, description = load_model(tmp_path / "one")
    assert (description.model, description.variant) == (name, variant)
    assert not loaded.training
    for key, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], value, rtol=0, atol=0)


@every_model
def test_flip_average_of_flipped_gathers_is_the_flipped_map(name: str, variant: str) -> None:
    predictor = Predictor(deepcopy(network(name, variant)))  # which moves it to a GPU
    six = gathers(1).numpy()
    straight = predictor.predict(six)
    assert (
        np.abs(straight - straight[..., ::-1]).max() > 1e-3
    )  # a symmetric map would prove nothing
    # The same two predictions are added, in the other order.
    flipped = np.ascontiguousarray(flip_gathers(six))
    np.testing.assert_array_equal(predictor.predict(flipped), straight[..., ::-1])


# The others' encoders take a processor half a minute each.
QUICK = {"unet", "inversionnet", "velocitygan", "physics_unet", "corrector"}
LARGER = {
    ("convnext", "femto"),
    ("convnext", "v2-femto"),
    ("hgnet", "b1"),
}  # of a size that is here


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        pytest.param(*pair, marks=() if pair[0] in QUICK else pytest.mark.slow, id="-".join(pair))
        for pair in _SMALL
        if pair not in LARGER
    ],
)
def test_four_samples_are_learned_by_heart(name: str, variant: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, variant).train()
    depth = torch.linspace(1500, 4500, 70)[None, :, None].expand(4, 70, 70)
    velocity = depth.clone()
    for i in range(4):
        velocity[i, 15 * i : 15 * i + 15] = 2000 + 500 * i
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0)
    losses = []
    cpu = torch.device("cpu")
    precision = choose_precision("auto", cpu)
    for step in range(150):  # the trainer's recipe: its precision, one cycle, gradients clipped
        optimizer.param_groups[0]["lr"] = one_cycle(step, 150, 2e-3, 0.15)
        with autocast(precision, cpu):
            loss = (model(gathers(4))[:, 0] - velocity).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 3.0)
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] < losses[0] / 10:
            return
    pytest.fail(
        f"the loss went from {losses[0]:.0f} to {losses[-1]:.0f} m/s in {len(losses)} steps"
    )
