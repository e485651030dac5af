"""Vision transformers over gathers, in the two layouts that won the competition.

- image: the shots side by side in one image of 350 x 70 n_shots, a ViT, its tokens rearranged to
  pixels, a second ViT on that image, rearranged again, bilinear to the map. No skips, since gathers
  and maps are not aligned in space. 1st place.
- shots: each shot an image of its own, four time samples folded into its width; the first blocks
  see one shot, the rest the mean over shots. 3rd place.

Where a trunk has no registers, its class token serves as one.

Source: Dosovitskiy et al., ViT, arXiv 2010.11929; Darcet et al., registers, arXiv 2309.16588; Su et
al., RoFormer, arXiv 2104.09864; Fang et al., EVA-02, arXiv 2303.11331.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fwi.models.encoders import Pretrained
from fwi.models.network import Network
from fwi.models.registry import register_model
from fwi.models.sizes import MAP, RECORD, Shape, check_map_shape
from fwi.models.tokens import Size, ToImage, Trunk
from fwi.models.vit_bodies import ROWS, TIME_FOLD, ImageBody, ShotsBody
from fwi.registry import nearest


def image_vit(
    trunk: str,
    second: str,
    patch: Size = (14, 14),
    second_patch: Size = (5, 5),
    between: int = 32,
    channels: int = 32,
    n_shots: int = 5,
    pretrained: Pretrained = False,
    drop_path: float = 0.0,
    trunk_options: dict[str, Any] | None = None,
    second_options: dict[str, Any] | None = None,
    map_shape: Shape = MAP,
    **heads: Any,
) -> Network:
    """Build an `ImageBody` in a `Network`, with a sigmoid at its output unless told otherwise.

    Args:
        trunk: timm's name of the first transformer.
        second: of the second.
        patch: rows and columns of the first's patches.
        second_patch: of the second's, on an image of 70 pixels or somewhat more each way.
        between: channels of that image.
        channels: of the features.
        n_shots: shots that the network takes.
        pretrained: weights of the first, see `Trunk`; the second starts fresh.
        drop_path: probability with which a residual branch is left out in training.
        trunk_options: further options of `timm.create_model` for the first.
        second_options: for the second.
        map_shape: of `Network`; records of any size are read at OpenFWI's.
        **heads: further options of `Network`.
    """
    common: dict[str, Any] = {"drop_path_rate": drop_path}
    map_shape = check_map_shape(map_shape)
    size = (ROWS, n_shots * RECORD[1])
    first = Trunk(trunk, 1, size, patch, pretrained, **common, **(trunk_options or {}))
    to_image = ToImage(first.width, between, first.grid, map_shape)
    last = Trunk(second, between, to_image.size, second_patch, **common, **(second_options or {}))
    body = ImageBody(first, to_image, last, channels, map_shape)
    options = {"output": "sigmoid", "map_shape": map_shape, "record": RECORD, **heads}
    return Network(body, channels, n_shots=n_shots, **options)


def shots_vit(
    trunk: str,
    per_shot: int,
    patch: Size = (14, 14),
    channels: int = 32,
    n_shots: int = 5,
    pretrained: Pretrained = False,
    drop_path: float = 0.0,
    trunk_options: dict[str, Any] | None = None,
    map_shape: Shape = MAP,
    **heads: Any,
) -> Network:
    """Build a `ShotsBody` in a `Network`.

    Args:
        trunk: timm's name of the transformer.
        per_shot: blocks before the mean over shots.
        patch: rows and columns of a patch.
        channels: of the features.
        n_shots: shots that the network takes.
        pretrained: see `Trunk`.
        drop_path: probability with which a residual branch is left out in training.
        trunk_options: further options of `timm.create_model`.
        map_shape: of `Network`; records of any size are read at OpenFWI's.
        **heads: further options of `Network`.
    """
    map_shape = check_map_shape(map_shape)
    size = (RECORD[0] // TIME_FOLD, TIME_FOLD * RECORD[1])
    options = {"drop_path_rate": drop_path, **(trunk_options or {})}
    body = ShotsBody(
        Trunk(trunk, 1, size, patch, pretrained, **options), n_shots, per_shot, channels, map_shape
    )
    sizes: dict[str, Any] = {"map_shape": map_shape, "record": RECORD}
    return Network(body, channels, n_shots=n_shots, **sizes, **heads)


_LAYOUTS: dict[str, Callable[..., Network]] = {"image": image_vit, "shots": shots_vit}
_DINO = "vit_{}_patch14_reg4_dinov2"


@register_model(
    "vit",
    {
        "image-tiny": {
            "layout": "image",
            "trunk": "vit_tiny_patch16_224",
            "second": "vit_tiny_patch16_224",
            "patch": (14, 35),
            "between": 8,
            "channels": 16,
            "trunk_options": {"depth": 6},
            "second_options": {"depth": 4},
        },
        "image-small": {
            "layout": "image",
            "trunk": _DINO.format("small"),
            "second": _DINO.format("small"),
            "second_options": {"depth": 6},
        },
        "image-base": {
            "layout": "image",
            "trunk": _DINO.format("base"),
            "second": _DINO.format("small"),
        },
        "shots-tiny": {
            "layout": "shots",
            "trunk": "eva02_tiny_patch14_224",
            "per_shot": 3,
            "patch": (25, 28),
            "channels": 16,
            "trunk_options": {"depth": 9},
        },
        "shots-small": {"layout": "shots", "trunk": "eva02_small_patch14_224", "per_shot": 4},
        "shots-base": {"layout": "shots", "trunk": "eva02_base_patch14_224", "per_shot": 4},
        "shots-large": {"layout": "shots", "trunk": "eva02_large_patch14_224", "per_shot": 8},
    },
    source="arXiv 2010.11929; the winners' whole systems: 6.9 (image) and 8.0 m/s (shots)",
)
def vit(layout: str, **options: Any) -> Network:
    """Build an `image_vit` or a `shots_vit`, whose options these are.

    Raises:
        ValueError: if the layout is neither "image" nor "shots".
    """
    if layout not in _LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}; {nearest(layout, _LAYOUTS)}")
    return _LAYOUTS[layout](**options)
