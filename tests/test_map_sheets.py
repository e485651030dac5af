"""Sheets of maps: what is drawn is what was given, on the colours of all maps."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.image import imread

from fwi.report.pictures import save_maps


def test_a_sheet_shows_every_map_and_no_more(tmp_path: Path) -> None:
    """Maps of one velocity are patches of its colour; a row may be short, its title a formula."""
    fast, slow = (np.full((3, 70, 70), velocity) for velocity in (4000.0, 2000.0))
    save_maps(tmp_path / "sheet.png", {"$fast": fast, "slow": slow[:1]}, columns=2)
    picture = np.rint(255 * imread(tmp_path / "sheet.png")[..., :3])
    # Titles, bar and margins cover less than the fifth of a map by which counts may differ.
    areas = []
    for velocity in (4000.0, 2000.0):
        colour = np.rint(255 * np.array(colormaps["viridis"]((velocity - 1500) / 3000)[:3]))
        areas.append(int((np.abs(picture - colour).max(axis=2) <= 2).sum()))
    assert 1.8 < areas[0] / areas[1] < 2.2
    assert {path.name for path in tmp_path.iterdir()} == {"sheet.png"}
