"""Correctors: what they are told of a map, and that it helps."""

import numpy as np
import pytest
import torch
from batches import batch_of

import fwi
from fwi import families
from fwi.inference.predictor import Predictor
from fwi.models import create_model
from fwi.physics.misfit import residual
from fwi.training.objectives import create_objective


def samples() -> tuple[np.ndarray, np.ndarray]:
    maps = families.sample("CurveFault_A", 3, rng=0)
    return fwi.simulate(maps), maps


def corrector(passes: int = 2) -> torch.nn.Module:
    torch.manual_seed(0)
    return create_model("corrector", passes=passes).eval()


def test_the_true_map_leaves_nothing() -> None:
    gathers, maps = samples()
    assert np.abs(residual(maps, gathers)).max() == 0


def test_six_shots_are_compared_with_six() -> None:
    _, maps = samples()
    six = fwi.simulate(maps[:1], fwi.geometry.OPENFWI_SIX_SHOTS)
    assert np.abs(residual(maps[:1], six)).max() == 0
    with pytest.raises(ValueError, match=r"gathers must be \(B, 5, 1000, 70\) or"):
        residual(maps[:1], six[:, :4])


def test_a_pass_reads_the_map_and_its_residual() -> None:
    gathers, maps = samples()
    model, observed = corrector(), torch.from_numpy(gathers)
    other = torch.from_numpy(maps[::-1].copy())[:, None]
    left = residual(other[:, 0], observed)
    with torch.inference_mode():
        torch.testing.assert_close(model.mend(observed, other), model(observed, left, other))
        assert (model(observed, left, other) - model(observed, 0 * left, other)).abs().max() > 1e-3


def test_passes_follow_each_other() -> None:
    gathers = torch.from_numpy(samples()[0])
    with torch.inference_mode():
        one = corrector(1).predict_all(gathers).velocity
        three = corrector(3).predict_all(gathers).velocity
        model = corrector()
        torch.testing.assert_close(model.mend(gathers, model.mend(gathers, one)), three)
    assert (three - one).abs().max() > 1e-3


def test_predictor_mends_maps_of_others() -> None:
    gathers, maps = samples()
    predictor = Predictor(corrector(), batch_size=2, precision="float32")
    better = predictor.correct(gathers, maps)
    with torch.inference_mode():
        observed, start = (torch.from_numpy(a).to(predictor.device) for a in (gathers, maps))
        expected = predictor.model.mend(observed, start[:, None])
    # Another batch size may take another convolution algorithm: float32 rounding.
    np.testing.assert_allclose(better, expected[:, 0].cpu().numpy(), atol=0.05)
    with pytest.raises(ValueError, match=r"velocity must be \(3, 70, 70\)"):
        predictor.correct(gathers, maps[:2])
    with pytest.raises(TypeError, match="correct needs a corrector, got a Network"):
        Predictor(create_model("unet")).correct(gathers, maps)


def test_every_pass_counts_in_the_loss_and_is_learned_from() -> None:
    gathers, maps = (torch.from_numpy(a) for a in samples())
    model = corrector(3)
    objective = create_objective(model).eval()
    first = model(gathers)
    second = model.mend(gathers, first)
    made = [first, second, model.mend(gathers, second)]
    errors = [(one[:, 0] - maps).abs().mean() for one in made]
    loss = objective(batch_of(gathers, maps))
    torch.testing.assert_close(loss, sum(errors) / 3)
    loss.backward()
    # A pass alone has a gradient of its own; the whole one differs from the first pass's.
    whole = model.head.conv.weight.grad.clone()
    model.zero_grad()
    errors[0].backward()
    assert (whole - model.head.conv.weight.grad / 3).abs().max() > 0.1 * whole.abs().max()


def test_passes_must_be_positive() -> None:
    with pytest.raises(ValueError, match="passes must be at least 1, got 0"):
        create_model("corrector", passes=0)
