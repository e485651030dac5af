"""VelocityGAN: InversionNet's network, and a critic that tells its maps from true ones.

The critic is fitted beside the network to

    mean c(predicted) - mean c(true) + 10 mean (|grad c(mixed)| - 1)^2,

so that c(true) - c(predicted) tends to the Wasserstein distance of the two kinds of maps.

Source: Zhang and Lin, VelocityGAN, arXiv 1809.10262; Gulrajani et al., improved training of
Wasserstein GANs, arXiv 1704.00028; the critic in the sizes of Deng et al., OpenFWI, arXiv
2111.02926.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fwi.models.heads import full_precision
from fwi.models.inversionnet import SLOPE, inversionnet
from fwi.models.network import Network
from fwi.models.registry import register_model
from fwi.models.sizes import MAP, Shape

_CHANNELS = (32, 64, 128, 256)


class Critic(nn.Module):
    """Score maps: the higher, the more like true ones.

    Four pairs of 3x3 convolutions, the first of each halving the map, and a convolution of what is
    left, 5 x 5 of 70 x 70 cells, to one number. OpenFWI normalises over the batch; the gradient
    penalty is one of each sample alone, so nothing here may tie samples together (arXiv 1704.00028,
    section 4).

    Args:
        map_shape: rows and columns of the maps.
    """

    def __init__(self, map_shape: Shape = MAP) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for channels in _CHANNELS:
            for source, stride in ((before, 2), (channels, 1)):
                convolution = nn.Conv2d(source, channels, 3, stride, 1)
                # A slope of some 0.4 from the start; that of torch's own weights is below 0.001.
                nn.init.kaiming_normal_(convolution.weight, SLOPE)
                layers += [convolution, nn.LeakyReLU(SLOPE)]
            before = channels
        # Only differences of scores count, in which a bias would cancel.
        rest = (-(-map_shape[0] // 16), -(-map_shape[1] // 16))
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, rest, bias=False))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (B, 1, 70, 70), scaled to [-1, 1], to scores (B,)."""
        with full_precision(maps):
            return self.layers(maps).flatten()


def gradient_penalty(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Measure how far the critic's slope is from 1 between true and predicted maps.

        mean over the batch of (|grad c(x)| - 1)^2, x = e real + (1 - e) fake, e uniform in [0, 1]

    Args:
        critic: from maps (B, 1, Z, X) to scores (B,), each of its own sample alone.
        real: true maps (B, 1, Z, X), scaled to [-1, 1].
        fake: predicted maps (B, 1, Z, X).

    Returns:
        A scalar of the maps' dtype that can be differentiated by the critic's weights.

    Source:
        Gulrajani et al., arXiv 1704.00028, equation 3.
    """
    # A square of small slopes: bfloat16 would leave it two digits.
    with full_precision(real):
        part = torch.rand(len(real), 1, 1, 1, dtype=real.dtype, device=real.device)
        mixed = torch.lerp(fake.detach(), real.detach(), part).requires_grad_()
        slopes = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
        return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


@register_model("velocitygan", {"base": {}, "small": {"width": 0.5}}, source="arXiv 1809.10262")
def velocitygan(**options: Any) -> Network:
    """Build InversionNet's network, to be fitted against a `Critic`.

    Args:
        **options: of `fwi.models.inversionnet.inversionnet`.
    """
    network = inversionnet(**options)
    network.objective = "critic"
    return network
