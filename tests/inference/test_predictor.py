"""A predictor from files to maps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fwi.geometry import flip_gathers
from fwi.inference.checkpoint import Description, save_checkpoint
from fwi.inference.predictor import Predictor, load
from fwi.models import create_model

OPTIONS = {"stem_channels": [4, 8], "decoder_channels": [8, 8, 8, 8]}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a best checkpoint of a small network with fresh weights."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    torch.manual_seed(3)
    model = create_model("unet", "resnet10t", **OPTIONS)
    description = Description("unet", "resnet10t", OPTIONS, epoch=4)
    save_checkpoint(folder / "checkpoints" / "best", description, model.state_dict())
    return folder


@pytest.fixture(scope="module")
def gathers() -> np.ndarray:
    """Five samples of noise, six shots."""
    return np.random.default_rng(0).normal(size=(5, 6, 1000, 70)).astype(np.float32)


def test_run_and_checkpoint_folders_hold_the_same_network(
    run_folder: Path, gathers: np.ndarray
) -> None:
    from_run, from_checkpoint = load(run_folder), load(run_folder / "checkpoints" / "best")
    assert from_run.fingerprint() == from_checkpoint.fingerprint()
    assert from_run.description is not None
    assert from_run.description.epoch == 4
    maps = from_run.predict(gathers[:2])
    assert maps.shape == (2, 70, 70)
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(from_checkpoint.predict(gathers[:2]), maps)


def test_a_path_may_be_a_string(run_folder: Path) -> None:
    assert load(str(run_folder)).fingerprint() == load(run_folder).fingerprint()


def test_fingerprint_tells_networks_apart(run_folder: Path) -> None:
    predictor = load(run_folder)
    before = predictor.fingerprint()
    with torch.no_grad():
        next(predictor.model.parameters()).add_(1e-6)
    assert predictor.fingerprint() != before


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_missing_checkpoint_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a checkpoint"):
        load(tmp_path / name)


def test_batch_size_changes_nothing(run_folder: Path, gathers: np.ndarray) -> None:
    predictors = [load(run_folder, size) for size in (1, 2, 32)]
    for predictor in predictors:
        predictor.precision = "float32"  # the processor's choice may be bfloat16
    one, two, all_at_once = (p.predict(gathers) for p in predictors)
    # A batch size may choose the convolution's algorithm: float32 rounding over some twenty
    # layers, of outputs of some 3000 m/s.
    np.testing.assert_allclose(one, all_at_once, rtol=0, atol=0.05)
    np.testing.assert_allclose(two, all_at_once, rtol=0, atol=0.05)


def test_averaging_makes_a_mirrored_input_a_mirrored_map(
    run_folder: Path, gathers: np.ndarray
) -> None:
    predictor = load(run_folder)
    straight = predictor.predict(gathers[:1])
    np.testing.assert_array_equal(predictor.predict(flip_gathers(gathers[:1])), straight[..., ::-1])
    assert not np.array_equal(predictor.predict(gathers[:1], tta=False), straight)


def test_float16_gathers_are_taken(run_folder: Path, gathers: np.ndarray) -> None:
    half = gathers[:1].astype(np.float16)
    predictor = load(run_folder)
    np.testing.assert_array_equal(
        predictor.predict(half), predictor.predict(half.astype(np.float32))
    )


def test_input_is_left_alone(run_folder: Path, gathers: np.ndarray) -> None:
    mine = gathers[:1].copy()
    mine.flags.writeable = False
    load(run_folder).predict(mine)
    np.testing.assert_array_equal(mine, gathers[:1])


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.zeros((1, 4, 1000, 70)), ValueError, "at least 5 shots for this network"),
        (np.zeros((5, 1000, 70)), ValueError, "add a batch axis"),
        (np.zeros((0, 5, 1000, 70)), ValueError, r"got \(0, 5, 1000, 70\)"),
        (np.zeros((1, 5, 1000, 70), bool), TypeError, "must hold real numbers, got bool"),
        (np.full((1, 5, 1000, 70), np.nan), ValueError, "gathers must be finite, got 350000 NaN"),
    ],
    ids=["shots", "rank", "empty", "truth", "nan"],
)
def test_bad_gathers_are_refused(
    run_folder: Path, bad: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        load(run_folder).predict(bad)


def test_any_network_with_a_shot_count_predicts() -> None:
    class First(nn.Module):
        n_shots = 1

        def forward(self, gathers: torch.Tensor) -> torch.Tensor:
            return gathers[:, :1, :70].float()

    one = np.random.default_rng(1).normal(size=(3, 1, 1000, 70)).astype(np.float32)
    maps = Predictor(First(), batch_size=2)
    maps.precision = "float32"
    np.testing.assert_array_equal(maps.predict(one, tta=False), one[:, 0, :70])


def test_every_head_is_heard(gathers: np.ndarray) -> None:
    torch.manual_seed(3)
    model = create_model("unet", "resnet10t", **OPTIONS, confidence=True, n_families=10)
    predictor = Predictor(model, batch_size=2, precision="float32")
    said = predictor.predict_all(gathers, tta=False)
    assert said.velocity.shape == said.error.shape == (5, 70, 70)
    with torch.inference_mode():
        expected = predictor.model.predict_all(torch.from_numpy(gathers).to(predictor.device))
    # Another batch size may take another convolution algorithm: float32 rounding.
    np.testing.assert_allclose(said.error, expected.error[:, 0].cpu().numpy(), rtol=1e-4)
    np.testing.assert_allclose(said.family, expected.family.softmax(1).cpu().numpy(), rtol=1e-4)
    both = predictor.predict_all(gathers)
    mirrored = predictor.predict_all(flip_gathers(gathers), tta=False)
    np.testing.assert_allclose(both.error, (said.error + mirrored.error[..., ::-1]) / 2, rtol=1e-6)
    np.testing.assert_allclose(both.family, (said.family + mirrored.family) / 2, rtol=1e-6)
    np.testing.assert_array_equal(both.velocity, predictor.predict(gathers))


def test_networks_without_further_heads_say_nothing_of_them(
    run_folder: Path, gathers: np.ndarray
) -> None:
    said = load(run_folder).predict_all(gathers[:1])
    assert said.error is None
    assert said.family is None


@pytest.mark.parametrize("device", ["gpu", "cuda:99", 7])
def test_a_device_that_is_not_there_is_refused(run_folder: Path, device: str) -> None:
    with pytest.raises(ValueError, match="device must be auto, cpu or a GPU that is there, got"):
        load(run_folder, device=device)
