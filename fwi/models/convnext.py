"""ConvNeXt encoders under a U-Net decoder: the field's full-resolution network, MAE 36.4.

Source: Liu et al., ConvNeXt, arXiv 2201.03545; Woo et al., ConvNeXt V2, arXiv 2301.00808.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from fwi.models.encoder_decoder import FIELD_CHANNELS, SMALL_CHANNELS, encoder_decoder
from fwi.models.network import Network
from fwi.models.registry import register_model

_FIRST = ("atto", "femto", "pico", "nano", "tiny", "small", "base", "large")
_SMALL = ("atto", "femto", "pico")


def _variants(prefix: str, family: str) -> dict[str, dict[str, Any]]:
    return {
        prefix + size: {
            "encoder": f"{family}_{size}",
            "decoder_channels": SMALL_CHANNELS if size in _SMALL else FIELD_CHANNELS,
        }
        for size in _FIRST
    }


@register_model(
    "convnext",
    _variants("", "convnext") | _variants("v2-", "convnextv2"),
    source="arXiv 2201.03545",
    published={"small": 36.4},
)
def convnext(instance_norm: bool = False, **options: Any) -> Network:
    """Build an `encoder_decoder` over a ConvNeXt.

    Args:
        instance_norm: replace every norm of the encoder by an affine `nn.InstanceNorm2d`, as the
            field's network has it; its sums overflow float16, so train in bfloat16 or float32.
        **options: of `encoder_decoder`.
    """
    if not instance_norm:
        return encoder_decoder(**options)
    # Blocks of 1x1 convolutions keep channels first, where an instance norm wants them.
    options["encoder_options"] = {**options.get("encoder_options", {}), "conv_mlp": True}
    network = encoder_decoder(**options)
    _normalise_instances(network.body)
    return network


def _normalise_instances(module: nn.Module) -> None:
    """Replace layer norms over channels by instance norms with the same scales and shifts."""
    for name, child in module.named_children():
        if isinstance(child, nn.LayerNorm):
            norm = nn.InstanceNorm2d(child.normalized_shape[0], eps=child.eps, affine=True)
            norm.load_state_dict(child.state_dict())
            setattr(module, name, norm)
        else:
            _normalise_instances(child)
