"""Rows of the wavefields with the sources or the receivers on them, step after step."""

from __future__ import annotations

import torch
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.wavelet import source_signal


class Lines:
    """What is added to rows of fields (B, S, rows, columns), and what is read off them.

    Args:
        geometry: sources, receivers, grid and time axis.
        batch: samples B.
        steps: taken by one call; the last call may outrun the record.
        like: a tensor of the dtype and on the device of the run.

    Attributes:
        calls: needed for the whole record.
    """

    def __init__(self, geometry: AcquisitionGeometry, batch: int, steps: int, like: Tensor) -> None:
        g = self._geometry = geometry
        self.calls = -(-g.nt // steps)
        self._like = like
        self._shots = torch.arange(len(g.source_x))
        self._sources = torch.from_numpy(g.source_idx) + g.sponge_width
        self._receivers = (torch.from_numpy(g.receiver_idx) + g.sponge_width).to(like.device)
        self._wavelet = torch.zeros(self.calls * steps, 1, 1, dtype=torch.float64)
        self._wavelet[: g.nt, 0, 0] = torch.from_numpy(source_signal(g))
        self._shape = (self.calls * steps, batch, len(g.source_x), g.nx + 2 * g.sponge_width)

    def of_sources(self, strength: Tensor) -> Tensor:
        """Put the wavelet times a strength, (B, S) float64, where the sources stand.

        Returns:
            (calls, steps, B, S, columns).
        """
        lines = self._like.new_zeros(self._shape)
        lines[:, :, self._shots, self._sources] = (self._wavelet * strength).to(lines)
        return lines.unflatten(0, (self.calls, -1))

    def of_receivers(self, values: Tensor) -> Tensor:
        """Put values (B, S, T, R) where the receivers stand: (calls, steps, B, S, columns)."""
        lines = self._like.new_zeros(self._shape)
        # Receivers at one cell add up.
        lines[: self._geometry.nt].index_add_(3, self._receivers, values.permute(2, 0, 1, 3))
        return lines.unflatten(0, (self.calls, -1))

    def at_receivers(self, rows: list[Tensor]) -> Tensor:
        """Read gathers (B, S, T, R) off the receivers' rows of each call in turn."""
        gathers = torch.cat(rows)[: self._geometry.nt, ..., self._receivers]
        return gathers.permute(1, 2, 0, 3).contiguous()

    def at_sources(self, rows: list[Tensor]) -> Tensor:
        """Sum wavelet times the field at the sources, off rows of each call: (B, S) float64."""
        values = torch.cat(rows).cpu().double()[:, :, self._shots, self._sources]
        return (self._wavelet * values).sum(0)
