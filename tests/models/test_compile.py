"""Networks compile whole: one graph without a break, of the values and gradients that eager gives.

The graph of every model is traced, forward and backward, and run operation by operation (backend
"aot_eager", some 2 to 10 s a model). Code is generated for one network alone: on two processors
inductor and its C++ compiler take some 45 s for it, or 6 s from the cache of an earlier run.
"""

import copy
import shutil

import pytest
import torch
from torch import nn

from fwi.models import count_parameters, create_model, model_names, shots_of


@pytest.fixture(autouse=True)
def _nothing_compiled_before() -> None:
    """Forget other tests' graphs: a second network of a class would count as a recompilation."""
    torch.compiler.reset()


def smallest(name: str) -> nn.Module:
    """Build the variant of a model with the fewest parameters."""
    variants = [v for n, v in model_names() if n == name]
    torch.manual_seed(0)
    return create_model(name, min(variants, key=lambda variant: count_parameters(name, variant)))


def gathers(model: nn.Module) -> torch.Tensor:
    """Noise with the amplitudes of gathers: mostly small, now and then a direct wave."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, shots_of(model), 1000, 70, generator=generator) ** 3


def learn(network: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give a map in training, and the gradients of its mean absolute value in one vector."""
    velocity = network(inputs)
    velocity.abs().mean().backward()
    gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return velocity.detach(), torch.cat(gradients)


SLOW = {"caformer", "convformer", "hgnet"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in sorted({name for name, _ in model_names()})
    ],
)
def test_the_training_graph_is_whole_and_equal(name: str) -> None:
    model = smallest(name).train()
    traced = torch.compile(copy.deepcopy(model), backend="aot_eager", fullgraph=True, dynamic=False)
    inputs = gathers(model)
    torch.manual_seed(2)  # of dropout, where there is any
    expected, gradient = learn(model, inputs)
    torch.manual_seed(2)
    velocity, traced_gradient = learn(traced, inputs)
    # The same operations, some of them decomposed: a few float32 steps of some 3000 m/s.
    torch.testing.assert_close(velocity, expected, rtol=0, atol=0.01)
    # float32 rounding, which normalisations and attention over noise amplify: 5e-4 in CAFormer.
    assert (traced_gradient - gradient).norm() < 2e-3 * gradient.norm()


@pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="torch.compile needs a compiler"
)
@pytest.mark.slow
def test_generated_code_predicts_the_same_map() -> None:
    model = smallest("unet").eval()
    compiled = torch.compile(model, fullgraph=True, dynamic=False)
    with torch.inference_mode():
        expected = model(gathers(model))
        velocity = compiled(gathers(model))
    # Fused sums in another order: float32 rounding over some twenty layers, of some 3000 m/s.
    torch.testing.assert_close(velocity, expected, rtol=0, atol=0.05)
