"""Folds, decimation and predictions that mean nothing, or something else than was meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cases import Case
from samples import gathers, lay_out, maps, save
from small import store_at

from fwi.data.decimation import decimate
from fwi.data.store import Store
from fwi.data.writer import StoreWriter

DATA, MODEL = "tree/FlatVel_A/data/data49.npy", "tree/FlatVel_A/model/model49.npy"
PREPARE = ["prepare", "tree", "--store", "store"]
FROM = ["prepare", "--store", "store", "--from"]
Make = Callable[[Path], list[object]]


def pair(*options: object) -> Make:
    """Lay out a pair of files of two samples."""

    def make(folder: Path) -> list[object]:
        lay_out(folder, DATA, MODEL, 2)
        return [*PREPARE, *options]

    return make


def given(array: np.ndarray, *options: object) -> Make:
    """Lay out a file of maps."""

    def make(folder: Path) -> list[object]:
        return [*FROM, save(folder / "maps.npy", array), *options]

    return make


def stores(lay: Callable[[Path], object], *options: object) -> Make:
    """Lay out something else to simulate."""

    def make(folder: Path) -> list[object]:
        lay(folder)
        return [*FROM, "made", *options]

    return make


def unfinished(folder: Path) -> None:
    writer = StoreWriter(folder / "made", {}, 2)
    rows = {"sample_id": ["a"], "family": ["A"], "fold": [0], "origin": [""]}
    writer.write(0, rows, maps=maps()[:1])


def folds_are(*expected: int) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        assert Store(folder / "store").catalog["fold"].to_list() == list(expected)

    return check


def is_decimated(folder: Path) -> None:
    made = Store(folder / "store").gathers([0, 1])
    assert np.array_equal(made, decimate(gathers(), 8).astype(np.float16))


NO_FACTOR = [0, -1, 1.5, 33, "two", "nan", 1e9]
CASES = [
    *(Case(f"decimated by {k}", pair("--decimate", k), ("prepare.decimate", "from 1 to 32"))
      for k in NO_FACTOR),
    *(Case(f"simulated, decimated by {k}",
           lambda _, k=k: ["simulate", "m.npy", "--decimate", k], ("simulate.decimate",))
      for k in NO_FACTOR[:3]),
    Case("lossy, not decimated", pair("--lossy"), ("prepare.lossy", "without prepare.decimate")),
    Case("by 10", pair("--decimate", 10), ("FlatVel_A/data49/0 on, sample 0,", "say lossy")),
    Case("by 8", pair("--decimate", 8, "--set", "prepare.n_folds=2"), check=is_decimated),
    Case("folds of what is none", pair("--folds", "files"), ("prepare.folds", "'family'", "files")),
    Case("folds of one file", pair("--folds", "file"), ("as many as the files, 1, got", "10")),
    Case("folds of one family", pair("--folds", "family"), ("got FlatVel_A alone",)),
    Case("a file of validation", pair("--folds", "openfwi"), check=folds_are(0, 0)),
    Case("no folds", pair("--folds", "none"), check=folds_are(-1, -1)),
    *(Case(f"n_folds beside {rule}", pair("--folds", rule, "--n-folds", 3),
           ("prepare.n_folds", "beside prepare.folds")) for rule in ("family", "openfwi", "none")),
    Case("folds of a test", pair("--split", "test", "--folds", "file"), ("beside prepare.split",)),
    Case("OpenFWI's split of generated maps", lambda _: ["prepare", "--folds", "openfwi",
         "--samples", 2, "--store", "store"], ("got generated of FlatVel_A",)),
    Case("files of generated maps", lambda _: ["prepare", "--folds", "file", "--samples", 2,
         "--store", "store"], ("as many as the files",)),
    Case("from a folder and predictions", pair("--from", "x"), ("beside prepare.folder",)),
    Case("from families and predictions", given(maps(), "--family", "Style_A"),
         ("prepare.families", "beside prepare.predictions")),
    Case("so many predictions", given(maps(), "--samples", 3), ("prepare.n_samples",)),
    Case("a part of predictions", given(maps(), "--split", "test"), ("without prepare.folder",)),
    Case("predictions that are not there", lambda _: [*FROM, "nowhere"], ("nowhere",)),
    Case("predictions in km/s", given(maps() / 1e3), ("maps.npy", "km/s")),
    Case("predictions of 0", given(maps() * 0), ("map maps/0 of", "positive")),
    Case("predictions with NaN", given(np.where(maps() > 0, np.nan, maps())), ("finite",)),
    Case("predicted gathers", given(gathers()), ("maps of", "got (2, 5, 1000, 70)")),
    Case("predictions that are too narrow", given(maps()[:, :, :50]), ("source_x must lie",)),
    Case("predictions that are not finished", stores(unfinished),
         ("made is not finished", "run fwi infer")),
    Case("a store of gathers alone", stores(lambda f: store_at(f / "made", maps=None)),
         ("must hold velocity maps",)),
    Case("into the predictions", lambda f: (store_at(f / "made", gathers=None, maps=np.full(
         (4, 70, 70), 2e3)), ["prepare", "--store", "made", "--from", "made"])[1],
         ("holds the maps that are read",)),
    Case("predictions", given(maps()), check=folds_are(-1, -1)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_store_option(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
