"""U-Net decoders: sizes, what skips carry, and sub-pixel upsampling."""

import pytest
import torch

from fwi.models.decoders import UNetDecoder, _upsample

CHANNELS = (4, 8, 12, 16)


def maps(requires_grad: bool = False) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [
        torch.randn(2, c, side, side, requires_grad=requires_grad)
        for c, side in zip(CHANNELS, (72, 36, 18, 9), strict=True)
    ]


@pytest.mark.parametrize("upsample", ["nearest", "bilinear", "subpixel"])
@pytest.mark.parametrize("scse", [False, True])
def test_the_deepest_map_grows_to_the_finest_grid(upsample: str, scse: bool) -> None:
    decoder = UNetDecoder(CHANNELS, (12, 8, 6, 5), upsample, scse)
    assert decoder(maps()).shape == (2, 5, 72, 72)


@pytest.mark.parametrize("skips", [False, True])
def test_without_skips_only_the_deepest_map_matters(skips: bool) -> None:
    features = maps(requires_grad=True)
    UNetDecoder(CHANNELS, (12, 8, 6, 5), skips=skips)(features).sum().backward()
    assert [f.grad is not None for f in features] == [skips, skips, skips, True]


def test_subpixel_cells_are_the_channels_of_their_convolution() -> None:
    torch.manual_seed(0)
    up = _upsample(3, "subpixel")
    image = torch.randn(1, 3, 4, 5)
    channels, cells = up[0](image), up(image)
    for down in range(2):
        for across in range(2):
            torch.testing.assert_close(
                cells[:, :, down::2, across::2], channels[:, 2 * down + across :: 4], rtol=0, atol=0
            )


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="decoder_channels must be 4 numbers, got"):
        UNetDecoder(CHANNELS, (8, 4))
    with pytest.raises(ValueError, match="upsample must be 'nearest', 'bilinear' or 'subpixel'"):
        UNetDecoder(CHANNELS, (12, 8, 6, 5), "cubic")
