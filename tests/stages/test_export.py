"""export: what onnxruntime makes of the file is what torch makes of the checkpoint."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from fwi.config import Config, load_config
from fwi.inference import export as onnx_file
from fwi.inference.checkpoint import Description, save_checkpoint
from fwi.inference.predictor import Predictor, load
from fwi.models import count_parameters, create_model, model_names, shots_of
from fwi.stages import export

TINY = {"stem_channels": [4, 8], "decoder_channels": [8, 8, 8, 8]}  # of a unet


def smallest(name: str) -> str:
    """Name the variant of a model with the fewest parameters."""
    variants = [v for n, v in model_names() if n == name]
    return min(variants, key=lambda variant: count_parameters(name, variant))


def gathers(model: nn.Module, batch: int) -> torch.Tensor:
    """Noise with the amplitudes of gathers, of another seed than the stage's own."""
    generator = torch.Generator().manual_seed(100 + batch)
    return torch.randn(batch, shots_of(model), 1000, 70, generator=generator) ** 3


def checkpointed(path: Path, name: str, variant: str, **options: object) -> nn.Module:
    """Save a network with random weights, and batch statistics of gathers, as a checkpoint."""
    torch.manual_seed(0)
    model = create_model(name, variant, **options).train()
    with torch.no_grad():
        model(gathers(model, 2))
    save_checkpoint(path, Description(name, variant, options), model.state_dict())
    return model.eval()


def configure(checkpoint: Path, *overrides: str) -> Config:
    """Configure the export of a checkpoint to model.onnx beside it."""
    out = checkpoint.parent / "model.onnx"
    return load_config(None, [f"export.checkpoint={checkpoint}", f"export.out={out}", *overrides])


def run_file(path: Path, inputs: torch.Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"gathers": inputs.numpy()})


def assert_same(got: np.ndarray, expected: torch.Tensor) -> None:
    # float32 in another order: 1e-4 of the range, but no less than four of its steps at 4500 m/s.
    tolerance = max(1e-4 * float(np.ptp(expected.numpy())), 2e-3)
    np.testing.assert_allclose(got, expected.numpy(), rtol=0, atol=tolerance)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A checkpoint of a small network."""
    checkpointed(tmp_path / "tiny", "unet", "resnet10t", **TINY)
    return tmp_path / "tiny"


# Their graphs take a processor ten seconds and more to write.
SLOW = {"caformer", "convformer", "convnext", "hgnet", "vit"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in sorted({name for name, _ in model_names()})
    ],
)
def test_onnxruntime_equals_torch_at_any_batch(name: str, tmp_path: Path) -> None:
    model = checkpointed(tmp_path / "one", name, smallest(name))
    result = export.run(configure(tmp_path / "one"))
    assert result.n_bytes == result.path.stat().st_size
    assert ("first guess alone" in result.note) == (name == "corrector")
    assert {path.name for path in tmp_path.iterdir()} == {"one", "model.onnx"}
    for batch in (1, 2, 5):
        inputs = gathers(model, batch)
        with torch.inference_mode():
            expected = model(inputs)
        (got,) = run_file(result.path, inputs)
        assert_same(got, expected)


def test_a_confidence_head_is_a_second_output(tmp_path: Path) -> None:
    options = {**TINY, "confidence": True, "n_families": 10}
    model = checkpointed(tmp_path / "one", "unet", "resnet10t", **options)
    result = export.run(configure(tmp_path / "one"))
    session = onnxruntime.InferenceSession(result.path, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    assert (taken.name, taken.type) == ("gathers", "tensor(float)")
    assert taken.shape == ["batch", 5, 1000, 70]
    assert [given.name for given in session.get_outputs()] == ["velocity", "error"]
    inputs = gathers(model, 2)
    with torch.inference_mode():
        expected = model.predict_all(inputs)
    velocity, error = run_file(result.path, inputs)
    assert_same(velocity, expected.velocity)
    assert_same(error, expected.error)


def test_the_opset_is_the_one_asked_for(tiny: Path) -> None:
    assert export.run(configure(tiny, "export.opset=18")).opset == 18


def test_the_runs_best_goes_beside_it_by_default(tmp_path: Path) -> None:
    checkpointed(tmp_path / "a" / "checkpoints" / "best", "unet", "resnet10t", **TINY)
    result = export.run(load_config(None, ["name=a", f"runs={tmp_path}"]))
    assert result.path == tmp_path / "a" / "model.onnx"


def test_a_file_that_is_there_needs_force(tiny: Path, refused: Callable[..., str]) -> None:
    out = tiny.parent / "model.onnx"
    out.write_text("mine")
    said = refused("export", tiny, "--out", out)
    assert said.endswith("model.onnx exists; choose another name, or --force to replace it")
    assert out.read_text() == "mine"
    assert export.run(configure(tiny), force=True).n_bytes > 1000


def drift(module: nn.Module, args: object, velocity: torch.Tensor) -> torch.Tensor:
    """Answer otherwise than the graph."""
    return velocity if torch.compiler.is_exporting() else velocity + 1


def count(module: nn.Module, args: object, velocity: torch.Tensor) -> torch.Tensor:
    """Take the batch size of the example for a constant, which len() does."""
    return velocity + torch.zeros(len(velocity), 1, 1, 1)


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (drift, r"velocity of the ONNX file must be within .* m/s of torch's, got 1 m/s"),
        (count, r"must take batches of any size to be exported, got one of 2 alone"),
    ],
)
def test_a_graph_that_is_not_the_network_is_not_kept(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, hook: Callable[..., torch.Tensor], said: str
) -> None:
    def hooked(path: str, device: str) -> Predictor:
        predictor = load(path, device=device)
        predictor.model.register_forward_hook(hook)
        return predictor

    monkeypatch.setattr(export, "load", hooked)
    with pytest.raises(ValueError, match=said):
        export.run(configure(tiny))
    assert list(tiny.parent.iterdir()) == [tiny]


def test_weights_beyond_one_file_are_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "_LARGEST", 1000)
    with pytest.raises(ValueError, match=r"for one ONNX file, got .* GB; choose a smaller variant"):
        export.run(configure(tiny))
    assert list(tiny.parent.iterdir()) == [tiny]


def test_missing_packages_are_one_line(
    tiny: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    said = refused("export", tiny, "--out", tiny.parent / "model.onnx")
    assert said == (
        "fwi: export needs onnxruntime, which is not installed; run pip install 'fwi[export]'"
    )


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"garbage"])
def test_damaged_weights_are_one_line(
    tiny: Path, refused: Callable[..., str], damage: Callable[[bytes], bytes]
) -> None:
    weights = tiny / "weights.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    said = refused("export", tiny, "--out", tiny.parent / "model.onnx")
    assert "weights.safetensors is not a readable safetensors file" in said
    assert list(tiny.parent.iterdir()) == [tiny]


def test_missing_checkpoint_is_one_line(tmp_path: Path, refused: Callable[..., str]) -> None:
    said = refused("export", tmp_path / "none", "--out", tmp_path / "model.onnx")
    assert "none is not a checkpoint" in said
