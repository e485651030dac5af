"""The classical networks against torchvision's, and their sizes against those published."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
import torchvision
from layer_oracle import LIBRARIES, Values, arrays_of, draw
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from fwi.core.activations import Dropout, ReLU
from fwi.core.builders import (
    alexnet,
    cifar_resnet,
    googlenet,
    googlenet_bn,
    lenet,
    resnet,
    vgg,
)
from fwi.core.builders.bricks import Bricks
from fwi.core.builders.inception import halve
from fwi.core.builders.residual import bottleneck
from fwi.core.containers import Concat, Sequential
from fwi.core.convolution import Conv2d
from fwi.core.description import build, describe
from fwi.core.layer import Array, Layer
from fwi.core.linear import Linear
from fwi.core.losses import mse
from fwi.core.normalisation import BatchNorm
from fwi.core.pooling import MaxPool2d
from fwi.core.stored import fill_weights, weights
from fwi.core.watching import watched

# float64 rounds at 1e-16; 20 to 60 layers of sums of some thousand values stay far below this.
EXACT = 1e-10


def no_draw(name: str, shape: tuple[int, ...], rng: object, dtype: str = "float32") -> Values:
    return np.broadcast_to(np.zeros((), dtype), shape)


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let weights take no memory: VGG's first linear layer alone would ask for 1.2 GB."""
    monkeypatch.setattr("fwi.core.linear.initial", no_draw)
    monkeypatch.setattr("fwi.core.convolution.initial", no_draw)


def count(layer: Layer) -> int:
    return sum(math.prod(value.shape) for value in arrays_of(layer, "params").values())


def torchvision_model(name: str, **options: object) -> nn.Module:
    """Make a model of torchvision's without memory."""
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None, **options)


def torchvision_googlenet() -> nn.Module:
    return torchvision_model("googlenet", aux_logits=False, init_weights=False)


# Ours, torchvision's, and the number of parameters that torchvision's pages give.
PEERS: dict[str, tuple[Callable[[], Layer], int]] = {
    "alexnet": (alexnet, 61_100_840),
    "vgg11": (lambda: vgg(11), 132_863_336),
    "vgg13": (lambda: vgg(13), 133_047_848),
    "vgg16": (lambda: vgg(16), 138_357_544),
    "vgg19": (lambda: vgg(19), 143_667_240),
    "vgg11_bn": (lambda: vgg(11, batch_norm=True), 132_868_840),
    "vgg13_bn": (lambda: vgg(13, batch_norm=True), 133_053_736),
    "vgg16_bn": (lambda: vgg(16, batch_norm=True), 138_365_992),
    "vgg19_bn": (lambda: vgg(19, batch_norm=True), 143_678_248),
    "googlenet": (googlenet_bn, 6_624_904),
    "resnet18": (lambda: resnet(18), 11_689_512),
    "resnet34": (lambda: resnet(34), 21_797_672),
    "resnet50": (lambda: resnet(50), 25_557_032),
    "resnet101": (lambda: resnet(101), 44_549_160),
    "resnet152": (lambda: resnet(152), 60_192_808),
}


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("name", PEERS)
def test_every_parameter_has_the_shape_of_torchvisions(name: str) -> None:
    make, published = PEERS[name]
    ours = make()
    theirs = torchvision_googlenet() if name == "googlenet" else torchvision_model(name)
    shapes = [value.shape for value in arrays_of(ours, "params").values()]
    assert shapes == [tuple(parameter.shape) for parameter in theirs.parameters()]
    assert count(ours) == published


def our_steps(layer: Layer) -> Iterator[tuple[object, ...]]:
    for _, part in layer.walk():
        if isinstance(part, Conv2d):
            shape = part.params["weight"].shape
            yield "Conv2d", shape, part.stride, part.padding, "bias" in part.params
        elif isinstance(part, Linear):
            yield "Linear", part.params["weight"].shape
        elif isinstance(part, BatchNorm):
            yield "BatchNorm2d", part.features, part.epsilon, part.momentum
        elif isinstance(part, MaxPool2d):
            yield "MaxPool2d", part.kernel, part.stride, part.padding
        elif isinstance(part, Dropout):
            yield "Dropout", part.rate
        elif isinstance(part, ReLU):
            yield ("ReLU",)


def their_steps(model: nn.Module) -> Iterator[tuple[object, ...]]:
    for part in model.modules():
        if isinstance(part, nn.Conv2d):
            shape = tuple(part.weight.shape)
            yield "Conv2d", shape, part.stride, part.padding, part.bias is not None
        elif isinstance(part, nn.Linear):
            yield "Linear", tuple(part.weight.shape)
        elif isinstance(part, nn.BatchNorm2d):
            yield "BatchNorm2d", part.num_features, part.eps, part.momentum
        elif isinstance(part, nn.MaxPool2d):
            yield "MaxPool2d", *[(size, size) for size in (part.kernel_size, part.stride)], (0, 0)
        elif isinstance(part, nn.Dropout):
            yield "Dropout", part.p
        elif isinstance(part, nn.ReLU):
            yield ("ReLU",)


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("name", [name for name in PEERS if name.startswith(("alex", "vgg"))])
def test_chains_do_the_steps_of_torchvisions_in_its_order(name: str) -> None:
    assert list(our_steps(PEERS[name][0]())) == list(their_steps(torchvision_model(name)))


def test_lenet_has_the_papers_layers() -> None:
    parts = dict(lenet().walk())
    counts = [count(part) for part in parts.values() if isinstance(part, Conv2d | Linear)]
    # LeCun et al. 1998, section II.B: C1 156, C5 48,120, F6 10,164. C3 connected in full has
    # 16 (6 * 25 + 1) and ten linear outputs 10 (84 + 1).
    assert counts == [156, 2416, 48_120, 10_164, 850]
    assert count(lenet()) == 61_706


@pytest.mark.usefixtures("light")
def test_googlenet_has_the_papers_parameters() -> None:
    arrays = arrays_of(googlenet(), "params")
    # BVLC's Caffe model of the paper, without the auxiliary classifiers: 6,998,552.
    sizes = {kind: 0 for kind in ("weight", "bias")}
    for path, value in arrays.items():
        sizes[path.rpartition(".")[2]] += value.size
    assert sizes == {"weight": 6_990_272, "bias": 8_280}


@pytest.mark.parametrize("make", [googlenet, googlenet_bn])
def test_googlenets_maps_have_the_sizes_of_the_papers_table(make: Callable[..., Layer]) -> None:
    sizes: list[tuple[int, ...]] = []

    def see(path: str, part: Layer, x: Array, y: Array) -> None:
        if isinstance(part, Concat):
            sizes.append(tuple(y.shape[2:]))

    # A 64th of the channels: ImageNet's sizes at hardly any cost.
    layer = make(width=1 / 64)
    with watched(layer, see):
        layer.forward(np.zeros((1, 3, 224, 224), "float32"))
    # Szegedy et al., table 1: inception 3a-b, 4a-e, 5a-b.
    assert sizes == [(28, 28)] * 2 + [(14, 14)] * 5 + [(7, 7)] * 2


# He et al., table 6, in millions.
PUBLISHED = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("depth", PUBLISHED)
def test_cifar_resnets_have_the_papers_parameters(depth: int) -> None:
    n = (depth - 2) // 6
    # Weights of 3 x 3 kernels and two numbers a channel of batch norm; ten classes.
    units = [(3, 16)] + [(16, 16)] * (2 * n)
    units += [(16, 32)] + [(32, 32)] * (2 * n - 1) + [(32, 64)] + [(64, 64)] * (2 * n - 1)
    expected = sum(9 * inputs * outputs + 2 * outputs for inputs, outputs in units) + 65 * 10
    found = count(cifar_resnet(depth))
    assert found == expected
    assert found / 1e6 == pytest.approx(PUBLISHED[depth], abs=0.05 if depth == 110 else 0.005)
    # Two projections by 1 x 1 kernels with batch norm.
    assert count(cifar_resnet(depth, shortcut="B")) == expected + 16 * 32 + 64 + 32 * 64 + 128


def shake_norms(layer: Layer) -> Layer:
    """Move batch norms off 1 and 0, so that none hides a mistake."""
    rng = np.random.default_rng(1)
    for _, part in layer.walk():
        if isinstance(part, BatchNorm):
            part.params = {k: v + rng.normal(0, 0.3, v.shape) for k, v in part.params.items()}
    return layer


def hand_over(layer: Layer, model: nn.Module) -> None:
    """Copy our parameters to torch's model, in order."""
    model.double()
    with torch.no_grad():
        pairs = zip(model.parameters(), arrays_of(layer, "params").values(), strict=True)
        for theirs, ours in pairs:
            assert tuple(theirs.shape) == ours.shape
            theirs.copy_(torch.tensor(ours))


def gap(ours: Array, theirs: Tensor) -> float:
    """Find the largest difference, as a part of the largest value."""
    a, b = torch.as_tensor(ours), theirs.detach()
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    return float((a - b).abs().max() / b.abs().max())


def largest_gap(layer: Layer, model: nn.Module, x: Values, library: str = "numpy") -> float:
    """Compare y, dL/dx, all dL/dw and running statistics in training, then y outside it."""
    hand_over(shake_norms(layer), model)
    there = torch.tensor(x, requires_grad=True)
    expected = model.train()(there)
    target = draw(*expected.shape, seed=2)
    nn.functional.mse_loss(expected, torch.tensor(target)).backward()

    change = LIBRARIES[library]
    layer.convert(change)
    y = layer.forward(change(x), training=True)
    image = layer.backward(mse(y, change(target))[1])
    running = [b for name, b in model.named_buffers() if name.endswith(("mean", "var"))]
    with torch.no_grad():
        later = model.eval()(there)
    pairs = [(y, expected), (image, there.grad), (layer.forward(change(x)), later)]
    grads = [parameter.grad for parameter in model.parameters()]
    pairs += zip(arrays_of(layer, "grads").values(), grads, strict=True)
    pairs += zip(arrays_of(layer, "state").values(), running, strict=True)
    return max(gap(ours, theirs) for ours, theirs in pairs)


def test_resnet_agrees_with_torchvisions() -> None:
    layer = resnet(18, n_classes=7, dtype="float64")
    model = torchvision.models.resnet18(weights=None, num_classes=7)
    assert largest_gap(layer, model, draw(2, 3, 40, 36)) < EXACT


def test_googlenet_with_batch_norm_agrees_with_torchvisions() -> None:
    layer = googlenet_bn(7, dropout=0.0, dtype="float64")
    model = torchvision.models.GoogLeNet(7, aux_logits=False, init_weights=False, dropout=0.0)
    # Even and odd maps meet the poolings, so that windows do and do not hang over the edge.
    assert largest_gap(layer, model, draw(4, 3, 64, 50)) < EXACT


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(("stride", "inputs"), [(1, 8), (1, 16), (2, 8)])
def test_bottleneck_agrees_with_torchvisions(stride: int, inputs: int, library: str) -> None:
    layer = bottleneck(Bricks(1.0, 0, "float64"), inputs, 16, stride)
    norm = nn.BatchNorm2d(16)
    project = nn.Sequential(nn.Conv2d(inputs, 16, 1, stride, bias=False), norm)
    same = stride == 1 and inputs == 16
    model = Bottleneck(inputs, 4, stride, None if same else project)
    assert largest_gap(layer, model, draw(4, inputs, 5, 6), library) < EXACT


class Zeros(nn.Module):
    """Option A in torch: every second place, and zeros for the new channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Double the channels and halve the maps."""
        return torch.cat([x[:, :, ::2, ::2], torch.zeros_like(x)[:, :, ::2, ::2]], 1)


def cifar_resnet_in_torch(n: int, channels: int, shortcut: str) -> nn.Module:
    """Build the paper's network of torchvision's blocks, for ten classes."""
    stem = nn.Conv2d(3, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
    blocks: list[nn.Module] = [BasicBlock(channels, channels) for _ in range(n)]
    for c in (channels, 2 * channels):
        project = nn.Sequential(nn.Conv2d(c, 2 * c, 1, 2, bias=False), nn.BatchNorm2d(2 * c))
        blocks.append(BasicBlock(c, 2 * c, 2, Zeros() if shortcut == "A" else project))
        blocks += [BasicBlock(2 * c, 2 * c) for _ in range(n - 1)]
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * channels, 10)
    return nn.Sequential(*stem, *blocks, *head)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_cifar_resnet_agrees_with_torch(shortcut: str, library: str) -> None:
    layer = cifar_resnet(14, shortcut=shortcut, width=0.25, dtype="float64")
    model = cifar_resnet_in_torch(2, 4, shortcut)
    assert largest_gap(layer, model, draw(4, 3, 12, 9), library) < EXACT


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("size", [3, 4, 7, 8])
def test_halving_pools_as_torchs_with_a_hanging_window(kernel: int, size: int) -> None:
    x = np.maximum(draw(2, 3, size, size + 1), 0)
    model = nn.MaxPool2d(kernel, 2, ceil_mode=True)
    assert largest_gap(Sequential(*halve(kernel)), model, x) < EXACT


# Small and narrow: what can be run in no time.
NARROW: dict[str, tuple[Callable[..., Layer], int]] = {
    "lenet": (lambda **o: lenet(5, 2, 16, width=0.5, **o), 16),
    "alexnet": (lambda **o: alexnet(5, 2, 63, width=1 / 32, **o), 63),
    "vgg": (lambda **o: vgg(11, 5, 2, 32, width=1 / 32, **o), 32),
    "vgg_bn": (lambda **o: vgg(13, 5, 2, (32, 32), batch_norm=True, width=1 / 32, **o), 32),
    "googlenet": (lambda **o: googlenet(5, 2, width=1 / 16, **o), 40),
    "googlenet_bn": (lambda **o: googlenet_bn(5, 2, width=1 / 16, **o), 40),
    "resnet": (lambda **o: resnet(34, 5, 2, width=1 / 16, **o), 40),
    "resnet_deep": (lambda **o: resnet(50, 5, 2, width=1 / 16, **o), 40),
    "cifar_resnet": (lambda **o: cifar_resnet(8, 5, 2, width=0.5, **o), 12),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NARROW)
def test_narrow_networks_classify_and_every_parameter_gets_a_gradient(
    name: str, dtype: str
) -> None:
    make, size = NARROW[name]
    layer, x = make(dtype=dtype), draw(4, 2, size, size).astype(dtype)
    y = layer.forward(x, training=True)
    image = layer.backward(draw(4, 5, seed=2).astype(dtype))
    assert y.shape == (4, 5)
    assert image.shape == x.shape
    params, grads = arrays_of(layer, "params"), arrays_of(layer, "grads")
    assert {k: v.shape for k, v in grads.items()} == {k: v.shape for k, v in params.items()}
    for value in (y, image, *grads.values()):
        assert value.dtype == dtype
        assert np.isfinite(value).all()


@pytest.mark.parametrize("name", NARROW)
def test_networks_can_be_described_and_built_again(name: str) -> None:
    make, size = NARROW[name]
    layer, x = make(), draw(2, 2, size, size).astype("float32")
    again = build(describe(layer))
    fill_weights(again, weights(layer))
    assert np.array_equal(again.forward(x), layer.forward(x))


@pytest.mark.parametrize("name", NARROW)
def test_no_two_layers_start_alike_and_the_seed_decides(name: str) -> None:
    make, _ = NARROW[name]
    first, same, other = (arrays_of(make(rng=seed), "params") for seed in (0, 0, 1))
    drawn = [key for key, value in first.items() if value.ndim > 1]
    # Draws that restart at the seed differ in scale only, so have the same signs.
    signs = [np.sign(first[key].ravel()[:32]) for key in drawn if first[key].size >= 32]
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(signs, 2))
    assert all(np.array_equal(first[key], same[key]) for key in drawn)
    assert not any(np.array_equal(first[key], other[key]) for key in drawn)


@pytest.mark.parametrize(("make", "rate"), [(googlenet, 0.4), (googlenet_bn, 0.2)])
def test_googlenet_drops_as_published(make: Callable[..., Layer], rate: float) -> None:
    rates = [part.rate for _, part in make(width=1 / 16).walk() if isinstance(part, Dropout)]
    # The paper's section 5, and torchvision's default.
    assert rates == [rate]


def test_forms_that_were_never_published_are_refused() -> None:
    with pytest.raises(ValueError, match="depth must be one of 11, 13, 16, 19, got 12"):
        vgg(12)
    with pytest.raises(ValueError, match="depth must be one of 18, 34, 50, 101, 152, got 20"):
        resnet(20)
    with pytest.raises(ValueError, match=r"depth must be 6n \+ 2, n at least 1, got 18"):
        cifar_resnet(18)
    with pytest.raises(ValueError, match=r"depth must be 6n \+ 2, n at least 1, got 2"):
        cifar_resnet(2)
    with pytest.raises(ValueError, match="shortcut must be one of A, B, got 'C'"):
        cifar_resnet(20, shortcut="C")


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (lambda size: lenet(size=size, width=0.1), 16),
        (lambda size: alexnet(size=size, width=0.02), 63),
        (lambda size: vgg(11, size=size, width=0.02), 32),
    ],
    ids=["lenet", "alexnet", "vgg"],
)
def test_images_too_small_are_refused_when_building(
    make: Callable[[int], Layer], least: int
) -> None:
    assert count(make(least)) > 0
    with pytest.raises(ValueError, match=f"size must be enough for all layers, got {least - 1}"):
        make(least - 1)


@pytest.mark.parametrize("width", [0, -1, math.nan, math.inf])
def test_widths_that_cannot_be_are_refused(width: float) -> None:
    with pytest.raises(ValueError, match="width must be above 0"):
        lenet(width=width)
