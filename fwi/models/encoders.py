"""Encoders of timm over gathers: one adapter that folds time and keeps every receiver.

The strides of an encoder's stem become (s, 1): time is folded, the receivers are not. What is left
of the time axis is folded by a second layer, a convolution or a mean, so that 1000 x 70 samples
become a grid of 72 x 72 before the first stage; the stages halve it to 36, 18 and 9.

Source: timm (Apache 2), Wightman, doi 10.5281/zenodo.4414861.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Literal

import timm
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from fwi.models.sizes import GRID, Shape
from fwi.registry import nearest

_TIME_FOLD = 16  # time samples a row, so 1152 in all
_LEVELS = 4

Pretrained = bool | str | Path  # true asks timm's hub, a path names a file of weights


class TimmEncoder(nn.Module):
    """Feature maps of a timm encoder over gathers, at 72, 36, 18 and 9 cells a side.

    Args:
        name: a timm network of four stages behind a stem of stride 2 or 4, with `features_only`.
        n_shots: channels of the gathers.
        time_fold: how the stem's rows come down to 72: "conv", started from the tiled weights of
            the stem's first convolution where they are pretrained, or "pool", their mean.
        pretrained: true takes timm's published weights, a path those of a local safetensors file
            in timm's format.
        grid: rows and columns of the first map, see `fwi.models.sizes`.
        **options: of `timm.create_model`, such as `drop_path_rate`.

    Attributes:
        channels: of the feature maps, shallow first.

    Raises:
        ValueError: if timm does not know the name, or its structure does not fit.
        FileNotFoundError: if pretrained weights are not to be had.
    """

    def __init__(
        self,
        name: str,
        n_shots: int,
        time_fold: Literal["conv", "pool"] = "conv",
        pretrained: Pretrained = False,
        grid: Shape = GRID,
        **options: Any,
    ) -> None:
        super().__init__()
        self.grid = grid
        network = _create(name, n_shots, pretrained, options)
        check_loaded(network, name, pretrained)
        parts = list(network.named_children())
        levels = network.feature_info.get_dicts()
        first = [part for part, _ in parts].index(_module_name(levels[0]))
        self.stem = nn.Sequential(*(module for _, module in parts[:first]))
        self.stages = nn.ModuleList(module for _, module in parts[first:])
        self.channels = [level["num_chs"] for level in levels]
        rate = _keep_receivers(self.stem)
        if _TIME_FOLD % rate:
            raise ValueError(f"the stem of {name} must halve time 1 to 4 times, got stride {rate}")
        self.fold = _fold(self.stem, _TIME_FOLD // rate, time_fold, tiled=bool(pretrained))

    def forward(self, gathers: torch.Tensor) -> list[torch.Tensor]:
        """(B, S, 1000, 70) -> four maps, shallow first."""
        down = self.grid[0] * _TIME_FOLD - gathers.shape[-2]
        across = self.grid[1] - gathers.shape[-1]
        gathers = F.pad(gathers, (across // 2, across - across // 2, down // 2, down - down // 2))
        image = self.fold(self.stem(gathers.contiguous(memory_format=torch.channels_last)))
        image = _fit(image, self.grid)
        features = []
        for stage in self.stages:
            image = stage(image)
            features.append(image)
        return features


def overlay(pretrained: Pretrained) -> dict[str, Any]:
    """Tell timm which weights are asked for: its own, or those of a file.

    Raises:
        FileNotFoundError: if the file does not exist.
    """
    if isinstance(pretrained, bool):
        return {}
    if not Path(pretrained).is_file():
        raise FileNotFoundError(f"the pretrained weights {pretrained} do not exist; check the path")
    if Path(pretrained).suffix != ".safetensors":
        raise ValueError(
            f"pretrained must be true or a .safetensors file, which runs no code, got "
            f"{pretrained}; convert it with safetensors.torch.save_file"
        )
    return {"file": str(pretrained), "hf_hub_id": None, "url": ""}


@contextmanager
def explain_missing(name: str, pretrained: Pretrained) -> Iterator[None]:
    """Say in one sentence why the weights of a timm network, if asked for, could not be loaded."""
    if not pretrained:
        yield
        return
    known = timm.get_pretrained_cfg(name.removeprefix("tu-"))
    if isinstance(pretrained, bool) and (known is None or not known.has_weights):
        raise ValueError(
            f"timm publishes no weights for {name}; give the path of a file, or leave "
            "train.pretrained false"
        )
    try:
        yield
    except OSError as error:  # what every library between here and the hub raises
        raise FileNotFoundError(
            f"the pretrained weights of {name} could not be fetched ({type(error).__name__}); "
            "give train.pretrained the path of their .safetensors file, or leave it false"
        ) from None
    except SafetensorError as error:
        raise ValueError(
            f"the pretrained weights of {name} are not readable: {error}; fetch the file again"
        ) from None
    except RuntimeError as error:
        raise ValueError(
            f"the pretrained weights do not fit {name}: {' '.join(str(error).split())[:200]}; "
            "give the file of this very network"
        ) from None


def check_loaded(
    module: nn.Module, name: str, pretrained: Pretrained, adapted: Sequence[str] = ()
) -> None:
    """Make sure that a local file filled an encoder: timm passes over what it does not find.

    Tensors are looked for by name, and where timm renames those of a file, by value.

    Args:
        module: the encoder; running statistics count as its parameters do.
        name: of the network.
        pretrained: see `TimmEncoder`.
        adapted: last names of tensors that timm fits to this network's size, as it does with the
            weights of the first convolution; the file must hold them under that name.

    Raises:
        ValueError: if the encoder has a tensor that the file does not.
    """
    if isinstance(pretrained, bool):
        return
    held = load_file(pretrained)
    names = {key.replace(".", "_") for key in held}  # as `features_only` flattens them
    lasts = {_last(key) for key in held}
    values = {tensor.float().numpy().tobytes() for tensor in held.values()}
    statistics = {(_last(key), tensor.float().numpy().tobytes()) for key, tensor in held.items()}
    buffers = {key for key, _ in module.named_buffers()}
    first = next(key for key, m in module.named_modules() if isinstance(m, nn.Conv2d)) + ".weight"
    state = {key: t for key, t in module.state_dict().items() if t.is_floating_point()}
    unnamed = [key for key in state if key.replace(".", "_") not in names]
    renamed = 2 * len(unnamed) > len(state)
    for key in unnamed:
        value, last = state[key].float().numpy().tobytes(), _last(key)
        if last in adapted:
            found = last in lasts
        elif key == first:
            found = renamed
        elif key in buffers:
            found = (last, value) in statistics
        else:
            # Fresh scales and shifts, all ones or zeros, may equal others of the file by chance.
            fresh = state[key].numel() > 1 and bool((state[key] == state[key].flatten()[0]).all())
            found = value in values and (renamed or not fresh)
        if not found:
            raise ValueError(
                f"the weights of {pretrained} do not fit {name}: they hold nothing for {key}; "
                "give the whole file of this very network"
            )


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _create(name: str, n_shots: int, pretrained: Pretrained, options: dict[str, Any]) -> Any:
    if not timm.is_model(name.partition(".")[0]):
        raise ValueError(
            f"encoder must be a network of timm, got {name!r}; {nearest(name, timm.list_models())}"
        )
    if pretrained:
        options = {**options, "pretrained_cfg_overlay": overlay(pretrained)}
    try:
        with explain_missing(name, pretrained):
            network = timm.create_model(
                name, pretrained=bool(pretrained), features_only=True, in_chans=n_shots, **options
            )
    except (RuntimeError, AttributeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"encoder must give its feature maps (timm's features_only), got {name!r}, which does "
            f"not: {(str(error).splitlines() or [''])[0][:120]}; ConvNeXt, HGNet-V2, MetaFormers "
            "and ResNets do"
        ) from None
    reductions = network.feature_info.reduction()
    if type(network).__name__ != "FeatureListNet" or reductions[-_LEVELS:] != [4, 8, 16, 32]:
        raise ValueError(
            f"encoder must be a stem and four stages of strides 4, 8, 16, 32, got {name!r} with "
            f"{reductions}; ConvNeXt, HGNet-V2, MetaFormers and ResNets fit"
        )
    if len(reductions) > _LEVELS:
        return _create(name, n_shots, pretrained, {**options, "out_indices": (1, 2, 3, 4)})
    return network


def _module_name(level: dict[str, Any]) -> str:
    return level["module"].replace(".", "_")


def _keep_receivers(stem: nn.Module) -> int:
    """Make every stride of a stem one of time alone, and give their product."""
    strides = []
    for module in stem.modules():
        if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            continue
        (kernel, stride, padding) = (
            _pair(x) for x in (module.kernel_size, module.stride, module.padding)
        )
        if stride[1] == 1:
            continue
        strides.append(stride[0])
        # Beyond the width that it had, the row grows or keeps its length; `_fit` cuts it.
        module.stride, module.padding = (
            (stride[0], 1),
            (padding[0], max(padding[1], kernel[1] // 2)),
        )
    return prod(strides)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _fold(stem: nn.Module, factor: int, kind: str, tiled: bool) -> nn.Module:
    if kind == "pool":
        return nn.AvgPool2d((factor, 1), ceil_mode=True)
    if kind != "conv":
        raise ValueError(f"time_fold must be 'conv' or 'pool', got {kind!r}")
    convolutions = [m for m in stem.modules() if isinstance(m, nn.Conv2d)]
    channels = convolutions[-1].out_channels
    # Its bias gives silence a value of its own: encoders that normalise each place alone, as
    # ConvNeXt does, would blow up the rounding of nothing.
    layer = nn.Conv2d(channels, channels, (factor, 3), (factor, 1), (0, 1))
    if tiled:
        with torch.no_grad():
            layer.weight.copy_(_tile(convolutions[0].weight, layer.weight))
    return nn.Sequential(layer, nn.GroupNorm(1, channels))


def _tile(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Repeat kernels over channels, resampled to the target's size, the sum over inputs kept."""
    outputs, inputs, *size = target.shape
    kernels = F.interpolate(source.float(), size, mode="bilinear") * (
        source.shape[-2] * source.shape[-1] / prod(size)
    )
    kernels = kernels.repeat(-(-outputs // len(kernels)), -(-inputs // kernels.shape[1]), 1, 1)
    return kernels[:outputs, :inputs] * source.shape[1] / inputs


def _fit(image: torch.Tensor, grid: Shape) -> torch.Tensor:
    """Cut, or fill by repeating the edge, what stems of odd kernels leave beside 72 x 72."""
    down, across = grid[0] - image.shape[-2], grid[1] - image.shape[-1]
    if not down and not across:
        return image
    left, up = across // 2, down // 2
    return F.pad(image, (left, across - left, up, down - up), "replicate")
