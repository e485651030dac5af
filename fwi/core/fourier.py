"""The cross-correlation as products of spectra.

With x, w and G = dL/dy (its values s apart, zeros between) all filled up to one size, at least that
of the maps, H x W, and hats for their discrete Fourier transforms, at each frequency:

    y^[n, k] = sum over c of x^[n, c] conj(w^[k, c])
    dL/dx^[n, c] = sum over k of G^[n, k] w^[k, c]
    dL/dw^[k, c] = sum over n of conj(G^[n, k]) x^[n, c]

Discrete transforms wrap around the edges. All that is kept is free of it: y up to i + u <= H - 1,
dL/dw up to u <= R - 1 (then i + u <= H - 1 again), and dL/dx because i + u never passes H - 1.

Source:
    Mathieu, Henaff and LeCun, arXiv 1312.5851, section 2.
"""

from __future__ import annotations

from array_api_compat import array_namespace, device
from scipy.fft import next_fast_len

from fwi.core.arrays import Array, Pair
from fwi.core.sliding import output_size, seen


def fourier_forward(x: Array, weight: Array, stride: Pair) -> Array:
    """Correlate x (N, C, H, W), padded, with w (K, C, R, S): (N, K, H', W')."""
    size, places = _sizes(x, weight, stride)
    kernels = _spectrum(weight, size)
    xp = array_namespace(x)
    y = xp.matmul(_spectrum(x, size), xp.conj(_transposed(kernels)))
    return seen(_maps(y, size), (0, 0), places, stride)


def fourier_backward(x: Array, weight: Array, gradient: Array, stride: Pair) -> tuple[Array, Array]:
    """Give dL/dx (N, C, H, W) and dL/dw (K, C, R, S) for G = dL/dy (N, K, H', W')."""
    size, places = _sizes(x, weight, stride)
    xp = array_namespace(x)
    height, width = x.shape[2:]
    spread = xp.zeros((*gradient.shape[:2], height, width), dtype=x.dtype, device=device(x))
    seen(spread, (0, 0), places, stride)[...] = gradient
    g = _spectrum(spread, size)
    image = xp.matmul(g, _spectrum(weight, size))
    kernel = xp.matmul(xp.conj(_transposed(g)), _spectrum(x, size))
    r, s = weight.shape[2:]
    return _maps(image, size)[..., :height, :width], _maps(kernel, size)[..., :r, :s]


def _sizes(x: Array, weight: Array, stride: Pair) -> tuple[Pair, Pair]:
    """Give a size that transforms are fast for, at least (H, W), and the places (H', W')."""
    size = (x.shape[2], x.shape[3])
    places = output_size(size, (weight.shape[2], weight.shape[3]), stride)
    return (next_fast_len(size[0], real=True), next_fast_len(size[1], real=True)), places


def _spectrum(x: Array, size: Pair) -> Array:
    """Transform (A, B, h, w), zeros up to the size: (frequencies, A, B), a matrix at each."""
    xp = array_namespace(x)
    transformed = xp.fft.rfftn(x, s=size, axes=(-2, -1))
    return xp.permute_dims(transformed, (2, 3, 0, 1))


def _maps(spectrum: Array, size: Pair) -> Array:
    """Transform (frequencies, A, B) back to (A, B, H, W)."""
    xp = array_namespace(spectrum)
    return xp.fft.irfftn(xp.permute_dims(spectrum, (2, 3, 0, 1)), s=size, axes=(-2, -1))


def _transposed(spectrum: Array) -> Array:
    return array_namespace(spectrum).permute_dims(spectrum, (0, 1, 3, 2))
