"""The step before the first: it finds out what cannot train, and leaves no trace."""

import numpy as np
import pytest
import torch
from batches import batch_of
from torch import nn

from fwi.config import TrainConfig
from fwi.data.batch import Batch
from fwi.models import create_model
from fwi.training.objectives import create_objective
from fwi.training.rehearsal import rehearse

CPU = torch.device("cpu")
TRAIN = TrainConfig(model="probe", precision="float32")


def batch(n: int = 2) -> Batch:
    """A batch of noise with maps of 8 x 8."""
    generator = torch.Generator().manual_seed(0)
    gathers = torch.randn(n, 5, 40, 8, generator=generator)
    return batch_of(gathers, torch.full((n, 8, 8), 3000.0))


class Probe(nn.Module):
    """A network of one layer, the middle of whose output can be spoilt."""

    n_shots = 1

    def __init__(self, rows: int = 8, spoilt: float = 1.0) -> None:
        super().__init__()
        self.layer = nn.Conv2d(5, 1, 1)
        self.rows, self.spoilt = rows, spoilt

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, 5, T, R) -> (B, 1, rows, 8)."""
        return self.layer(gathers.float())[:, :, : self.rows] * self.spoilt


@pytest.mark.parametrize("name", ["physics_unet", "velocitygan"])
def test_nothing_is_left_of_it(name: str) -> None:
    """Weights, statistics, the critic, its optimizer and the random numbers are as they were."""
    width = {"physics_unet": 1, "velocitygan": 0.03125}[name]
    objective = create_objective(create_model(name, width=width, map_shape=[8, 8]))
    before = {key: tensor.clone() for key, tensor in objective.state_dict().items()}
    state = torch.get_rng_state()
    rehearse(TRAIN, objective, batch(), CPU)
    assert torch.equal(torch.get_rng_state(), state)
    for key, tensor in objective.state_dict().items():
        assert torch.equal(tensor, before[key]), key
    assert all(parameter.grad is None for parameter in objective.parameters())
    assert not any(optimizer.state for optimizer in objective.optimizers)


def test_what_a_network_raises_is_one_sentence() -> None:
    class Failing(Probe):
        def forward(self, gathers: torch.Tensor) -> torch.Tensor:
            raise KeyError("a\nb")

    objective = create_objective(Failing())
    said = "model=probe cannot learn from batches of 2 with gathers of 5 x 40 x 8 and maps of 8 x 8"
    with pytest.raises(ValueError, match=said) as caught:
        rehearse(TRAIN, objective, batch(), CPU)
    assert "\n" not in str(caught.value)


def test_maps_of_another_size_are_refused() -> None:
    """A map of one row would be broadcast over the true ones, and learn nothing."""
    with pytest.raises(ValueError, match=r"must be \(8, 8\), as those of the store, got \(1, 8\)"):
        rehearse(TRAIN, create_objective(Probe(rows=1)), batch(), CPU)


@pytest.mark.parametrize(
    ("spoilt", "lr", "said"),
    [
        (float("nan"), 2e-3, "the loss is nan at step 0"),
        (float("inf"), 2e-3, "the loss is inf at step 0|the loss is nan at step 0"),
        (1.0, 3e38, "predicts NaN after one step; lower train.lr, got 3e"),
    ],
)
def test_what_is_not_finite_is_told(spoilt: float, lr: float, said: str) -> None:
    train = TrainConfig(model="probe", precision="float32").model_copy(update={"lr": lr})
    with pytest.raises(FloatingPointError, match=said):
        rehearse(train, create_objective(Probe(spoilt=spoilt)), batch(), CPU)


def test_a_batch_of_one_cell_is_refused_and_two_are_taken() -> None:
    """Batch normalisation of one value has no spread, which torch refuses in training alone."""
    model = create_model("inversionnet", width=0.03125, map_shape=[8, 8])
    with pytest.raises(ValueError, match=r"change train\.batch_size"):
        rehearse(TRAIN, create_objective(model), batch(1), CPU)
    rehearse(TRAIN, create_objective(model), batch(2), CPU)


def test_gathers_stay_as_they_are() -> None:
    one = batch()
    before = one.gathers.numpy().copy()
    rehearse(TRAIN, create_objective(Probe()), one, CPU)
    np.testing.assert_array_equal(one.gathers.numpy(), before)
