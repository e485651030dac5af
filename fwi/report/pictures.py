"""Pictures of gathers and velocity maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.openfwi import DT, DX, FASTEST, SLOWEST


def save_predictions(
    path: Path,
    titles: Sequence[str],
    gathers: Array,
    predicted: Array,
    true: Array | None = None,
) -> None:
    """Draw a row a sample: its middle shot, true map, prediction, difference.

    Args:
        path: the PNG file.
        titles: one a sample.
        gathers: (n, S, T, R).
        predicted: velocity (n, Z, X), m/s.
        true: velocity (n, Z, X), m/s; without it, shot and prediction alone are drawn.
    """
    columns = 2 if true is None else 4
    figure = Figure((3.3 * columns, 2.9 * len(titles)), layout="constrained")
    axes = figure.subplots(len(titles), columns, squeeze=False)
    for i, title in enumerate(titles):
        # A sixth shot stands beside the middle one of five.
        _draw_shot(axes[i, 0], gathers[i, (gathers.shape[1] - 1) // 2], title)
        if true is None:
            _draw_map(figure, axes[i, 1], predicted[i], "predicted")
            continue
        error = np.abs(predicted[i] - true[i]).mean()
        _draw_map(figure, axes[i, 1], true[i], "true")
        _draw_map(figure, axes[i, 2], predicted[i], "predicted")
        _draw_difference(figure, axes[i, 3], predicted[i] - true[i], f"MAE {error:.0f} m/s")
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)


def save_refinement(
    path: Path,
    title: str,
    gathers: tuple[Array, Array],
    maps: tuple[Array, Array, Array | None],
    std: Array | None = None,
    residuals: Sequence[tuple[float, float]] = (),
) -> None:
    """Draw what refinement made of a sample: maps above, its middle shot and residuals below.

    Args:
        path: the PNG file.
        title: of the whole.
        gathers: observed and predicted, (S, T, R) each.
        maps: first, refined and, where it is known, true velocity, (Z, X) each, m/s.
        std: standard deviation of the refined map, (Z, X), m/s, where it was estimated.
        residuals: peak frequency, Hz, and relative residual after every step.
    """
    figure = Figure((16.5, 6.2), layout="constrained")
    axes = figure.subplots(2, 5, squeeze=False)
    _draw_maps(figure, axes[0], maps, std)
    observed, predicted = (g[(len(g) - 1) // 2].astype(np.float32) for g in gathers)
    limit = _draw_shot(axes[1, 0], observed, "observed")
    _draw_shot(axes[1, 1], predicted, "predicted", limit)
    residual = predicted - observed
    _draw_shot(axes[1, 2], residual, "predicted - observed", limit)
    factor = 10.0 ** max(0, int(np.log10(limit / max(float(np.abs(residual).max()), 1e-12))))
    _draw_shot(axes[1, 3], residual * factor, f"the same x {factor:g}", limit)
    _draw_steps(axes[1, 4], residuals)
    figure.suptitle(title, parse_math=False)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)


def save_maps(path: Path, rows: Mapping[str, Array], columns: int, dpi: int = 90) -> None:
    """Draw maps side by side, titled rows of them, without axes.

    Args:
        path: the PNG file.
        rows: velocity (n, Z, X), m/s, by title; what a row has beyond its columns is left out.
        columns: maps of a row.
        dpi: dots an inch; a map is one inch.
    """
    figure = Figure((1.04 * columns + 1.2, 1.06 * len(rows) + 0.3), layout="constrained")
    axes, scale = figure.subplots(len(rows), columns, squeeze=False), Normalize(SLOWEST, FASTEST)
    for row, (title, maps) in zip(axes, rows.items(), strict=True):
        for place, axis in enumerate(row):
            axis.set(xticks=[], yticks=[], frame_on=False)
            if place < len(maps):
                axis.imshow(maps[place], "viridis", norm=scale)
        row[0].set_ylabel(title, rotation=0, ha="right", va="center", parse_math=False)
    bar = ScalarMappable(scale, "viridis")
    figure.colorbar(bar, ax=axes, label="m/s", fraction=0.02, aspect=40)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi)


def _draw_maps(
    figure: Figure, axes: Sequence[Axes], maps: tuple[Array, Array, Array | None], std: Array | None
) -> None:
    """Draw start, refined, true, their difference and the standard deviation, where known."""
    first, refined, true = maps
    for place, name, velocity in ((0, "start", first), (1, "refined", refined)):
        _draw_map(figure, axes[place], velocity, name + _error(velocity, true))
    if true is None:
        _draw_difference(figure, axes[2], refined - first, "refined - start")
        of_std, empty = axes[3], axes[4:]
    else:
        _draw_map(figure, axes[2], true, "true")
        _draw_difference(figure, axes[3], refined - true, "refined - true")
        of_std, empty = axes[4], axes[5:]
    for unused in [*empty, *([of_std] if std is None else [])]:
        unused.set_axis_off()
    if std is not None:
        image = of_std.imshow(std, "magma", vmin=0, extent=_extent(std))
        of_std.set(title="standard deviation")
        figure.colorbar(image, ax=of_std, label="m/s", shrink=0.8)


def _draw_steps(axes: Axes, residuals: Sequence[tuple[float, float]]) -> None:
    """Draw the relative residual after every step, a line a band."""
    if not residuals:
        axes.set_axis_off()
        return
    peaks = np.array([peak for peak, _ in residuals])
    left, step = np.array([residual for _, residual in residuals]), np.arange(1, len(peaks) + 1)
    for peak in sorted(set(peaks)):
        axes.semilogy(step[peaks == peak], left[peaks == peak], ".-", label=f"{peak:g} Hz")
    axes.set(title="relative residual", xlabel="step")
    axes.legend()


def _error(velocity: Array, true: Array | None) -> str:
    return "" if true is None else f", MAE {np.abs(velocity - true).mean():.2f} m/s"


def _draw_shot(axes: Axes, shot: Array, title: str, limit: float | None = None) -> float:
    """Draw a shot, and give the amplitude at which it is clipped."""
    # The direct wave would hide the reflections: clip at a percentile, as seismic sections do.
    if limit is None:
        limit = float(np.percentile(np.abs(shot.astype(np.float32)), 96)) or 1.0
    extent = (0, shot.shape[-1] * DX, len(shot) * DT, 0)
    axes.imshow(
        shot.astype(np.float32), "gray", aspect="auto", vmin=-limit, vmax=limit, extent=extent
    )
    axes.set(xlabel="receiver, m", ylabel="time, s")
    axes.set_title(title, parse_math=False)  # a file's name, in which $ is no formula
    return limit


def _draw_map(figure: Figure, axes: Axes, velocity: Array, title: str) -> None:
    image = axes.imshow(velocity, "viridis", vmin=SLOWEST, vmax=FASTEST, extent=_extent(velocity))
    axes.set(title=title, ylabel="depth, m")
    figure.colorbar(image, ax=axes, label="m/s", shrink=0.8)


def _draw_difference(figure: Figure, axes: Axes, difference: Array, title: str) -> None:
    image = axes.imshow(difference, "RdBu_r", vmin=-1000, vmax=1000, extent=_extent(difference))
    axes.set(title=title)
    figure.colorbar(image, ax=axes, label="m/s", shrink=0.8)


def _extent(velocity: Array) -> tuple[float, float, float, float]:
    """Give the edges of a map of OpenFWI's cells, m."""
    rows, columns = velocity.shape
    return (0, columns * DX, rows * DX, 0)
