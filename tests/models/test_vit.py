"""Vision transformers: the two layouts, the trunks of timm that they take apart, their weights."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from fwi.models import count_parameters, create_model
from fwi.models.tokens import ToImage, Trunk
from fwi.models.vit import vit
from fwi.models.vit_bodies import ShotsBody, fold_time, side_by_side

GATHERS = torch.randn(2, 6, 1000, 70, generator=torch.Generator().manual_seed(1)) ** 3
every_layout = pytest.mark.parametrize("variant", ["image-tiny", "shots-tiny"])

# Absolute positions with registers, attention pooling, a norm after pooling, rotary positions
# beside absolute ones, rotations learned in each block.
every_kind = pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vit_tiny_patch16_224", {"reg_tokens": 4}),
        ("vit_base_patch16_siglip_224", {"embed_dim": 48, "num_heads": 3}),
        ("vit_little_patch16_reg4_gap_256", {}),
        ("eva02_tiny_patch14_224", {}),
        ("vit_small_patch16_rope_mixed_224", {}),
    ],
)


def tone(hertz: float, rate: int) -> torch.Tensor:
    """Sample a second of a tone at the centres of `rate` intervals."""
    return torch.sin(2 * torch.pi * hertz * (torch.arange(rate) + 0.5) / rate)


def test_image_holds_every_receiver_of_every_shot_side_by_side() -> None:
    levels = torch.arange(12.0).view(1, 3, 1, 4)
    image = side_by_side(levels.expand(1, 3, 1000, 4))
    assert image.shape == (1, 1, 350, 12)
    # Weights of a filter sum to 1 up to float32 rounding.
    torch.testing.assert_close(image, torch.arange(12.0).expand_as(image), rtol=1e-5, atol=1e-5)


def test_resampling_keeps_the_band_of_the_wavelet() -> None:
    gathers = tone(30, 1000)[None, None, :, None].expand(1, 1, 1000, 2)
    rows = side_by_side(gathers)[0, 0, :, 0]
    # Inside the record; the cubic kernel passes 99 % of an amplitude at 30 Hz.
    torch.testing.assert_close(rows[5:-5], tone(30, 350)[5:-5], rtol=0, atol=0.02)


def test_resampling_removes_what_would_alias() -> None:
    gathers = tone(390, 1000)[None, None, :, None].expand(1, 1, 1000, 2)
    # Above twice the new Nyquist frequency the kernel stops all but a few parts in a hundred.
    assert side_by_side(gathers)[..., 5:-5, :].abs().max() < 0.05


def test_folding_puts_four_samples_of_a_receiver_side_by_side() -> None:
    image = fold_time(GATHERS)
    assert image.shape == (2, 6, 250, 280)
    for i, k, r in [(0, 0, 0), (7, 3, 0), (249, 2, 69), (100, 1, 35)]:
        torch.testing.assert_close(image[..., i, 4 * r + k], GATHERS[..., 4 * i + k, r])


def test_each_token_becomes_its_rectangle_of_pixels() -> None:
    to_image = ToImage(8, 3, (2, 5), (12, 12))
    tokens = torch.randn(1, 2, 5, 8)
    with torch.inference_mode():
        image, values = to_image(tokens), to_image.linear(tokens).view(1, 2, 5, 3, 6, 3)
    assert image.shape == (1, 3, *to_image.size) == (1, 3, 12, 15)
    for row, column in [(0, 0), (1, 3)]:
        pixels = image[..., 6 * row : 6 * row + 6, 3 * column : 3 * column + 3]
        torch.testing.assert_close(pixels, values[:, row, column])


@every_kind
def test_a_trunk_gives_the_patches_that_timm_gives(name: str, options: dict) -> None:
    trunk = Trunk(name, 1, (48, 32), (16, 8), depth=3, **options).eval()
    image = torch.randn(2, 1, 48, 32)
    with torch.inference_mode():
        expected = trunk.vit.fc_norm(trunk.vit.forward_features(image))
        got = trunk(image)
        tokens, ropes = trunk.embed(image)
        halves = trunk.finish(trunk.run(trunk.run(tokens, ropes, 0, 1), ropes, 1, 3))
    assert got.shape == (2, 3, 4, trunk.width)
    torch.testing.assert_close(got.flatten(1, 2), expected[:, -12:], rtol=0, atol=0)
    torch.testing.assert_close(halves, got, rtol=0, atol=0)


@every_kind
def test_every_weight_of_a_trunk_gets_a_gradient(name: str, options: dict) -> None:
    torch.manual_seed(0)
    trunk = Trunk(name, 1, (48, 32), (16, 8), depth=2, **options)
    nn.Linear(trunk.width, 1)(trunk(torch.randn(2, 1, 48, 32))).square().mean().backward()
    for key, parameter in trunk.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().max() > 0, key


def test_zeros_on_all_sides_fill_the_last_patches() -> None:
    trunk = Trunk("vit_tiny_patch16_224", 1, (45, 30), (16, 8), depth=1).eval()
    image = torch.randn(1, 1, 45, 30)
    padded = torch.zeros(1, 1, 48, 32)
    padded[..., 1:46, 1:31] = image
    with torch.inference_mode():
        expected = trunk.vit.forward_features(padded)[:, 1:]
        torch.testing.assert_close(trunk(image).flatten(1, 2), expected, rtol=0, atol=0)


def test_only_its_embedding_tells_a_shot_from_another() -> None:
    torch.manual_seed(0)
    trunk = Trunk("eva02_tiny_patch14_224", 1, (250, 280), (25, 28), depth=2)
    body = ShotsBody(trunk, 5, 1, 4).eval()
    gathers = torch.asinh(10 * GATHERS[:1, :5]) / 2
    with torch.inference_mode():
        body.shots.normal_()  # as strong as the patches' own embeddings
        assert (body(gathers) - body(gathers.flip(1))).abs().max() > 1e-2
        body.shots.zero_()
        # The mean adds the same five shots, in another order: float32 rounding.
        torch.testing.assert_close(body(gathers), body(gathers.flip(1)), rtol=0, atol=1e-4)


def test_blocks_before_the_mean_see_one_shot_alone() -> None:
    network = create_model("vit", "shots-tiny").eval()
    body, seen = network.body, []
    for block in body.trunk.vit.blocks:
        block.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    with torch.inference_mode():
        network(GATHERS)
    assert seen == [2 * 5] * body.per_shot + [2] * (body.trunk.depth - body.per_shot)


@every_layout
def test_takes_six_shots(variant: str) -> None:
    network = create_model("vit", variant, n_shots=6).eval()
    changed = GATHERS.clone()
    changed[:, 5] *= -1
    with torch.inference_mode():
        velocity = network(GATHERS)
        assert velocity.shape == (2, 1, 70, 70)
        assert (network(changed) - velocity).abs().max() > 1e-3


@every_layout
def test_compiles_to_one_graph(variant: str) -> None:
    network = create_model("vit", variant).eval()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.inference_mode():
        # The same kernels run in the same order.
        torch.testing.assert_close(compiled(GATHERS), network(GATHERS), rtol=0, atol=1e-3)


def test_an_image_ends_in_a_sigmoid_unless_told_otherwise() -> None:
    assert create_model("vit", "image-tiny").head.output == "sigmoid"
    assert create_model("vit", "image-tiny", output="linear").head.output == "linear"
    assert create_model("vit", "shots-tiny").head.output == "linear"


def test_the_large_variant_is_eva02_l_with_eight_blocks_before_the_mean() -> None:
    with torch.device("meta"):
        body = create_model("vit", "shots-large").body
    assert (body.per_shot, body.trunk.depth, body.trunk.grid) == (8, 24, (18, 20))
    # The paper says 304 M, which its own patches and head are part of.
    assert count_parameters("vit", "shots-large") == pytest.approx(304e6, rel=0.01)


@pytest.mark.parametrize(
    ("variant", "name"),
    [("image-tiny", "vit_tiny_patch16_224"), ("shots-tiny", "eva02_tiny_patch14_224")],
)
def test_starts_from_weights_in_timms_format(tmp_path: Path, variant: str, name: str) -> None:
    torch.manual_seed(0)
    source = timm.create_model(name).state_dict()
    save_file(source, tmp_path / "trunk.safetensors")
    body = create_model("vit", variant, pretrained=tmp_path / "trunk.safetensors").body
    trunk = (body.first if variant == "image-tiny" else body.trunk).vit
    for key, weight in trunk.blocks.state_dict().items():
        torch.testing.assert_close(weight, source[f"blocks.{key}"], rtol=0, atol=0)
    # Interpolated positions keep their mean, in which 192 numbers of spread 0.02 / 14 differ.
    means = [p[:, -100:].mean(1).flatten() for p in (trunk.pos_embed, source["pos_embed"])]
    assert torch.corrcoef(torch.stack(means))[0, 1] > 0.5
    kernels = trunk.patch_embed.proj
    assert kernels.weight.shape[1] == 1
    torch.testing.assert_close(kernels.bias, source["patch_embed.proj.bias"], rtol=0, atol=0)


def test_patches_of_one_channel_start_as_the_sum_over_colours(tmp_path: Path) -> None:
    source = timm.create_model("vit_tiny_patch16_224", depth=1).state_dict()
    save_file(source, tmp_path / "trunk.safetensors")
    path = tmp_path / "trunk.safetensors"
    trunk = Trunk("vit_tiny_patch16_224", 1, (64, 64), (16, 16), path, depth=1)
    expected = source["patch_embed.proj.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(trunk.vit.patch_embed.proj.weight, expected)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"stem.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="do not fit eva02_tiny_patch14_224: they hold nothing"):
        create_model("vit", "shots-tiny", pretrained=path)


def test_weights_of_fewer_blocks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "shallow.safetensors"
    save_file(timm.create_model("eva02_tiny_patch14_224", depth=8).state_dict(), path)
    with pytest.raises(ValueError, match=r"they hold nothing for blocks\.8\."):
        create_model("vit", "shots-tiny", pretrained=path)


@pytest.mark.parametrize(
    ("variant", "name", "lost"),
    [
        ("image-tiny", "vit_tiny_patch16_224", "pos_embed"),
        ("image-tiny", "vit_tiny_patch16_224", "cls_token"),
        ("image-tiny", "vit_tiny_patch16_224", "norm.weight"),
        ("shots-tiny", "eva02_tiny_patch14_224", "pos_embed"),
        ("shots-tiny", "eva02_tiny_patch14_224", "cls_token"),
        ("shots-tiny", "eva02_tiny_patch14_224", "fc_norm.bias"),
    ],
)
def test_weights_without_a_part_of_the_trunk_are_refused(
    tmp_path: Path, variant: str, name: str, lost: str
) -> None:
    source = timm.create_model(name).state_dict()
    del source[lost]
    save_file(source, tmp_path / "trunk.safetensors")
    with pytest.raises(ValueError, match=f"they hold nothing for {lost};"):
        create_model("vit", variant, pretrained=tmp_path / "trunk.safetensors")


def test_published_weights_of_a_deeper_trunk_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = timm.create_model("eva02_tiny_patch14_224").state_dict()
    loader = "timm.models._builder.load_state_dict_from_hf"
    monkeypatch.setattr(loader, lambda *args, **options: dict(source))
    trunk = create_model("vit", "shots-tiny", pretrained=True).body.trunk.vit
    for key, weight in trunk.blocks.state_dict().items():
        torch.testing.assert_close(weight, source[f"blocks.{key}"], rtol=0, atol=0)


def test_weights_that_do_not_exist_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors do not exist"):
        create_model("vit", "image-tiny", pretrained=tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trunk": "resnet18"}, "trunk must be a ViT or EVA of timm, got 'resnet18'"),
        ({"trunk_options": {"patch_drop_rate": 0.1}}, "patch_drop_rate must be 0"),
        ({"per_shot": 0}, "per_shot must be 1 to 9 blocks, got 0"),
        ({"per_shot": 10}, "per_shot must be 1 to 9 blocks, got 10"),
        ({"layout": "image-shots"}, "unknown layout 'image-shots'"),
    ],
)
def test_wrong_options_are_refused(options: dict, message: str) -> None:
    defaults = {"trunk_options": {"depth": 9}, "trunk": "eva02_tiny_patch14_224", "per_shot": 3}
    with pytest.raises(ValueError, match=message):
        vit(**{"layout": "shots", **defaults, **options})


def test_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unknown option 'widht' of vit"):
        create_model("vit", "image-tiny", widht=3)
