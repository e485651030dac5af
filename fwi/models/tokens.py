"""Plain transformers of timm, taken apart: an image to tokens, some blocks at a time, a grid again.

Source: Dosovitskiy et al., ViT, arXiv 2010.11929; Darcet et al., registers, arXiv 2309.16588; Su et
al., RoFormer, arXiv 2104.09864; Fang et al., EVA-02, arXiv 2303.11331; timm (Apache 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
import torch
import torch.nn.functional as F
from timm.models import is_model_in_modules
from torch import nn

from fwi.models.encoders import Pretrained, check_loaded, explain_missing, overlay

Size = tuple[int, int]  # rows, columns
Ropes = Sequence[torch.Tensor | None]  # rotations, one a block; none where positions are absolute


class Trunk(nn.Module):
    """A ViT or EVA of timm without its classifier.

    Class and register tokens take part in attention and are dropped at the end; positions are
    absolute or rotary, as the trunk has them.

    Args:
        name: timm's name.
        channels: of the image.
        size: of the image, padded with zeros on all sides to whole patches.
        patch: rows and columns of a patch.
        pretrained: true takes timm's published weights, a path those of a local safetensors file
            in timm's format; patches and absolute positions are interpolated to this image's.
        **options: of `timm.create_model`, such as `depth`, `drop_path_rate`, or `reg_tokens`;
            registers beyond the trunk's own need fresh weights.

    Attributes:
        width: channels of a token.
        depth: number of blocks.
        grid: rows and columns of the patches.

    Raises:
        ValueError: if timm has no such transformer, patches are to be dropped, or the weights do
            not fit.
        FileNotFoundError: if pretrained weights are not to be had.
    """

    def __init__(
        self,
        name: str,
        channels: int,
        size: Size,
        patch: Size,
        pretrained: Pretrained = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.padding = [-size[0] % patch[0], -size[1] % patch[1]]
        padded = (size[0] + self.padding[0], size[1] + self.padding[1])
        self.grid = (padded[0] // patch[0], padded[1] // patch[1])
        options = {"img_size": padded, "patch_size": tuple(patch), "in_chans": channels, **options}
        self.vit: Any = _create(name, pretrained, options)
        self.width, self.depth = int(self.vit.embed_dim), len(self.vit.blocks)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Run every block: (B, C, H, W) to (B, rows, columns, width)."""
        tokens, ropes = self.embed(image)
        return self.finish(self.run(tokens, ropes, 0, self.depth))

    def embed(self, image: torch.Tensor) -> tuple[torch.Tensor, Ropes]:
        """(B, C, H, W) to tokens (B, N, width), class and registers first, and their rotations."""
        down, across = self.padding
        image = F.pad(image, (across // 2, across - across // 2, down // 2, down - down // 2))
        embedded = self.vit._pos_embed(self.vit.patch_embed(image))
        tokens, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
        ropes = rope if getattr(self.vit, "rope_mixed", False) else [rope] * self.depth
        return self.vit.norm_pre(tokens), ropes

    def run(self, tokens: torch.Tensor, ropes: Ropes, first: int, last: int) -> torch.Tensor:
        """Run the blocks from `first` up to but not including `last`: (B, N, width) to the same."""
        for block, rope in zip(self.vit.blocks[first:last], ropes[first:last], strict=True):
            tokens = block(tokens) if rope is None else block(tokens, rope=rope)
        return tokens

    def finish(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B, N, width) to the patches alone, normalised: (B, rows, columns, width)."""
        # Of the two norms a trunk has one: before the pooling that is left out here, or after it.
        patches = self.vit.norm(tokens)[:, self.vit.num_prefix_tokens :]
        return self.vit.fc_norm(patches).unflatten(1, self.grid)


class ToImage(nn.Module):
    """Linear layer from each token to a rectangle of pixels, and the rectangles side by side.

    Args:
        width: channels of a token.
        channels: of the image.
        grid: rows and columns of tokens.
        least: rows and columns that the image has at least; its size is `size`.
    """

    def __init__(self, width: int, channels: int, grid: Size, least: Size) -> None:
        super().__init__()
        self.cell = (-(-least[0] // grid[0]), -(-least[1] // grid[1]))
        self.size = (grid[0] * self.cell[0], grid[1] * self.cell[1])
        self.linear = nn.Linear(width, channels * self.cell[0] * self.cell[1])

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B, rows, columns, width) to (B, channels, H, W)."""
        cells = self.linear(tokens).unflatten(-1, (-1, *self.cell))
        # (B, rows, columns, C, h, w) -> (B, C, rows * h, columns * w)
        return cells.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def _create(name: str, pretrained: Pretrained, options: dict[str, Any]) -> Any:
    if not is_model_in_modules(name.partition(".")[0], {"vision_transformer", "eva"}):
        raise ValueError(
            f"trunk must be a ViT or EVA of timm, got {name!r}; see timm.list_models('*vit*')"
        )
    if options.get("patch_drop_rate"):
        raise ValueError("patch_drop_rate must be 0, since a map needs every patch; leave it out")
    if pretrained:
        # The weights may be of a deeper trunk; that a file fills this one is checked below.
        options = {**options, "pretrained_strict": False}
    if weights := overlay(pretrained):
        # Some of timm's ViTs are published in another format, with a loader of their own.
        options["pretrained_cfg_overlay"] = {**weights, "custom_load": False}
    with explain_missing(name, pretrained):
        network = timm.create_model(name, pretrained=bool(pretrained), num_classes=0, **options)
    network.reset_classifier(0, "")  # without attention pooling, whose weights nothing would train
    registers = getattr(network, "reg_token", None)
    network.reg_token = None  # left out of the check, since they may be additional
    check_loaded(network, name, pretrained, adapted=["pos_embed"])
    network.reg_token = registers
    return network
