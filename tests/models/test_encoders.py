"""Encoders of timm over gathers: nothing of the record is lost, and weights arrive."""

from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file
from torch import nn

from fwi.models import create_model
from fwi.models.encoders import TimmEncoder, _tile, explain_missing

NAMES = ["convnext_atto", "hgnetv2_b0", "caformer_s18", "resnet10t", "repvit_m0_9"]


@pytest.mark.parametrize("name", NAMES)
def test_grids_halve_from_72_and_the_whole_record_is_seen(name: str) -> None:
    torch.manual_seed(0)
    encoder = TimmEncoder(name, 5).eval()
    gathers = torch.randn(1, 5, 1000, 70, requires_grad=True)
    maps = encoder(gathers)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels, side, side)
        for channels, side in zip(encoder.channels, (72, 36, 18, 9), strict=True)
    ]
    (maps[0] * torch.randn_like(maps[0])).sum().backward()
    # Not a sample of any shot or receiver is without influence on the finest map.
    assert (gathers.grad != 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_not_blown_up(name: str) -> None:
    """A norm of each place alone divides what is nearly nothing by what is nearly nothing."""
    torch.manual_seed(0)
    encoder = TimmEncoder(name, 5).eval()
    gathers = torch.randn(1, 5, 1000, 70)
    gathers[:, :, :400] = 0
    with torch.inference_mode():
        single, double = encoder(gathers), encoder.double()(gathers.double())
    for a, b in zip(single, double, strict=True):
        # float32 rounding through some twenty layers; it was 1e-2 where silence was blown up.
        assert (a - b).abs().max() < 2e-5 * b.abs().max()


def write_weights(name: str, path: Path) -> dict[str, torch.Tensor]:
    """Write random weights as timm publishes them, for three-channel images."""
    torch.manual_seed(1)
    state = timm.create_model(name).state_dict()
    state = {k: torch.randn_like(v) if v.is_floating_point() else v for k, v in state.items()}
    save_file(state, path)
    return state


@pytest.mark.parametrize("name", ["convnext_atto", "hgnetv2_b0", "caformer_s18"])
def test_local_weights_fill_every_stage(name: str, tmp_path: Path) -> None:
    state = write_weights(name, tmp_path / "w.safetensors")
    encoder = TimmEncoder(name, 5, pretrained=tmp_path / "w.safetensors")
    for i, stage in enumerate(encoder.stages):
        for key, value in stage.state_dict().items():
            torch.testing.assert_close(value, state[f"stages.{i}.{key}"], rtol=0, atol=0)


def test_the_stem_adapts_to_shots_and_starts_the_fold(tmp_path: Path) -> None:
    state = write_weights("convnext_atto", tmp_path / "w.safetensors")
    encoder = TimmEncoder("convnext_atto", 5, pretrained=str(tmp_path / "w.safetensors"))
    first = state["stem.0.weight"]
    # timm repeats three channels over five and scales by 3 / 5.
    expected = torch.cat([first, first[:, :2]], 1) * 3 / 5
    torch.testing.assert_close(encoder.stem[0].weight.detach(), expected)
    folded = encoder.fold[0].weight.detach()
    torch.testing.assert_close(folded[:, :5], folded[:, 5:10], rtol=0, atol=0)
    torch.testing.assert_close(folded[:, :5], _tile(expected, folded)[:, :5])  # float32 rounding


def test_tiling_keeps_what_a_constant_image_gives() -> None:
    source = torch.arange(1.0, 9).reshape(4, 2, 1, 1).expand(4, 2, 4, 4)
    target = torch.empty(8, 6, 4, 3)
    constant = torch.ones(1, 1, 4, 4)
    before = nn.functional.conv2d(constant.expand(1, 2, 4, 4), source).flatten()
    after = nn.functional.conv2d(constant.expand(1, 6, 4, 4)[..., :3], _tile(source, target))
    torch.testing.assert_close(after.flatten(), before.repeat(2))


def test_unet_takes_local_weights_too(tmp_path: Path) -> None:
    state = write_weights("resnet10t", tmp_path / "w.safetensors")
    model = create_model("unet", "resnet10t", pretrained=tmp_path / "w.safetensors")
    loaded = model.body[1].encoder.model.state_dict()
    torch.testing.assert_close(
        loaded["layer3.0.conv1.weight"], state["layer3.0.conv1.weight"], rtol=0, atol=0
    )


def test_instance_norm_takes_the_weights_over(tmp_path: Path) -> None:
    state = write_weights("convnext_atto", tmp_path / "w.safetensors")
    model = create_model(
        "convnext", "atto", instance_norm=True, pretrained=tmp_path / "w.safetensors"
    )
    norms = [m for m in model.body.encoder.modules() if isinstance(m, nn.InstanceNorm2d)]
    kept = [m for m in model.body.encoder.modules() if isinstance(m, nn.LayerNorm)]
    # One in the stem, one a block (2, 2, 6, 2) and one before each of three halvings.
    assert (len(norms), kept) == (1 + 12 + 3, [])
    torch.testing.assert_close(norms[0].weight.detach(), state["stem.1.weight"], rtol=0, atol=0)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    write_weights("hgnetv2_b0", tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="do not fit convnext_atto: they hold nothing for"):
        TimmEncoder("convnext_atto", 5, pretrained=tmp_path / "w.safetensors")


@pytest.mark.parametrize("model", ["hgnet", "unet"])
@pytest.mark.parametrize("lost", ["running_mean", "running_var"])
def test_weights_without_running_statistics_are_refused(
    model: str, lost: str, tmp_path: Path
) -> None:
    encoder = {"hgnet": "hgnetv2_b0", "unet": "resnet10t"}[model]
    # Fresh: its shifts are zero and its scales one, as running statistics start.
    state = timm.create_model(encoder).state_dict()
    state = {key: value for key, value in state.items() if not key.endswith(lost)}
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=f"they hold nothing for .*{lost}; give the whole file"):
        create_model(model, pretrained=tmp_path / "w.safetensors")


def test_unusable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(FileNotFoundError, match="do not exist; check the path"):
        TimmEncoder("convnext_atto", 5, pretrained=path)
    path.write_bytes(b"not weights, but long enough")
    with pytest.raises(ValueError, match="pretrained weights of convnext_atto are not readable"):
        TimmEncoder("convnext_atto", 5, pretrained=path)
    (tmp_path / "w.pth").write_bytes(b"pickled")
    with pytest.raises(ValueError, match=r"must be true or a .safetensors file"):
        TimmEncoder("convnext_atto", 5, pretrained=tmp_path / "w.pth")


def test_without_a_network_the_error_says_what_to_do() -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"convnext_atto could not be fetched .*give train"),
        explain_missing("convnext_atto", pretrained=True),
    ):
        raise LocalEntryNotFoundError("what the hub's library raises in the end")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("convnext_ato", "got 'convnext_ato'; did you mean 'convnext_atto'"),
        ("efficientnet_b0", "got 'efficientnet_b0'"),
    ],
)
def test_encoders_that_do_not_fit_are_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TimmEncoder(name, 5)


def test_models_without_an_encoder_refuse_weights() -> None:
    with pytest.raises(
        TypeError, match=r"physics_unet has no pretrained encoder; leave train.pretrained false"
    ):
        create_model("physics_unet", pretrained=True)


def test_encoders_that_timm_publishes_no_weights_of_are_named() -> None:
    with pytest.raises(ValueError, match="timm publishes no weights for caformer_tiny; give the"):
        create_model("caformer", "tiny", pretrained=True)
