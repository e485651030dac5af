"""Augmentations that are unknown, mean nothing, or are given maps and gathers of another kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
from cases import Case
from small import store_at

from fwi.config import Choice, load_config
from fwi.data import augment
from fwi.data.augment import MapRecipe, MixUp, augment_maps, gather_pipeline
from fwi.stages import prepare, simulate, train

MAPS = np.full((2, 12, 16), 2000.0, np.float32)
MAPS[:, 6:] = 3000
HOLE = np.where(MAPS > 2500, np.nan, MAPS)
OPTIONS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("nois", {}, ("unknown augmentation of gathers 'nois'", "'noise'")),
    ("flip", {}, ("unknown augmentation of gathers 'flip'",)),
    ("", {}, ("unknown augmentation of gathers ''",)),
    ("noise", {"snrs": 20}, ("unknown option 'snrs'", "'snr'")),
    ("noise", {"snr": "20"}, ("snr must be a number, got str",)),
    ("noise", {"snr": None}, ("snr must be a number, got NoneType",)),
    ("noise", {"snr": float("nan")}, ("snr must be -100 to 200, got nan",)),
    ("noise", {"snr": [30, 20]}, ("snr must ascend, got 30 to 20",)),
    ("noise", {"snr": []}, ("snr must be a number or two, got 0",)),
    ("noise", {"frequency": 0}, ("frequency must be",)),
    ("noise", {"frequency": 500}, ("frequency must be below 500 Hz",)),
    ("noise", {"dt": -1}, ("dt must be",)),
    ("noise", {"p": 2}, ("p must be 0 to 1, got 2",)),
    ("noise", {"p": True}, ("p must be a number, got bool",)),
    ("dead_receivers", {"count": [0, 2.5]}, ("count must be a whole number, got 2.5",)),
    ("dead_receivers", {"count": -1}, ("count must be 0 to 100000, got -1",)),
    ("amplitude", {"factor": 0}, ("factor must be 0.01 to 100, got 0",)),
    ("amplitude", {"factor": [[1, 2], 3]}, ("factor must be a number, got list",)),
    ("velocity_scale", {"alpha": 3}, ("alpha must be 0.5 to 2, got 3",)),
    ("velocity_scale", {"limits": [4500, 1500]}, ("limits must ascend",)),
]
SETTINGS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("AffineCrop", {"scale": 0.5}, ("scale must be 1 to 10, got 0.5",)),
    ("AffineCrop", {"rotate": (10, -10)}, ("rotate must ascend",)),
    ("AffineCrop", {"sampling": "cubic"}, ("sampling must be 'auto', 'nearest' or 'linear'",)),
    ("ElasticWarp", {"sigma": 0}, ("sigma must be 1 to 1000, got 0",)),
    ("ElasticWarp", {"cells": "2"}, ("cells must be a number, got str",)),
    ("GridWarp", {"steps": 2.5}, ("steps must be a whole number",)),
    ("GridWarp", {"limit": 1}, ("limit must be 0 to 0.9, got 1",)),
    ("VerticalStretch", {"factor": 0}, ("factor must be 0.1 to 10, got 0",)),
    ("AddedFault", {"dip": 0}, ("dip must be 1 to 179, got 0",)),
    ("AddedFault", {"throw": -3}, ("throw must be 0 to 1000, got -3",)),
    ("MixUp", {"weight": 2}, ("weight must be 0 to 1, got 2",)),
    ("CutMix", {"side": (0.1, 0.2, 0.3)}, ("side must be a number or two, got 3",)),
]
NEW_MAPS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no maps": ({"maps": MAPS[:0]}, ("maps must be (n, 12, 16), got (0, 12, 16)",)),
    "one map": ({"maps": MAPS[0]}, ("maps must be (n, depth, line), got (12, 16)", "a batch axis")),
    "maps with holes": ({"maps": HOLE}, ("maps must be finite",)),
    "maps in km/s": ({"maps": MAPS / 1000}, ("maps must be in m/s", "multiply by 1000")),
    "texts": ({"maps": MAPS.astype(str)}, ("maps must hold",)),
    "none to make": ({"n": 0}, ("n must be 1 to 10000000, got 0",)),
    "half a map to make": ({"n": 1.5}, ("n must be a whole number",)),
    "a negative seed": ({"rng": -1}, ("rng must be a seed of at least 0, got -1",)),
    "a seed of text": (
        {"rng": "1"},
        ("rng must be a seed, a seed sequence or a generator, got str",),
    ),
    "an unknown recipe": ({"recipe": "warps"}, ("unknown recipe of augmentation", "'warp'")),
    "a family too many": ({"families": ["A"] * 3}, ("families must be as many as the 2 maps",)),
    "a group too few": ({"groups": [0]}, ("groups must be as many as the 2 maps, got 1",)),
}
TRAINING: list[tuple[str, tuple[str, ...]]] = [
    ("train.augment=[nois]", ("unknown augmentation of gathers 'nois'",)),
    ("train.augment=[{name: noise, options: {snr: -999}}]", ("snr must be -100 to 200",)),
    ("train.augment=noise", ("train.augment", "must be a list")),
    ("train.augment=[3]", ("train.augment.0",)),
    ("train.fresh=2", ("train.fresh", "from 0 to 1")),
    ("train.fresh=0.5", ("must say how it was recorded", "train.fresh=0")),
    ("train.augmentation=warp", ("train.augmentation", "without train.fresh")),
]
STORES: list[tuple[str, tuple[str, ...]]] = [
    ("prepare.augment=-1", ("prepare.augment", "from 0 to 1000")),
    ("prepare.augment=nan", ("prepare.augment", "from 0 to 1000")),
    ("prepare.plain=false", ("prepare.plain", "without prepare.augment")),
    ("prepare.augmentation=mix", ("prepare.augmentation", "without prepare.augment")),
    ("prepare.augment=0.01,prepare.n_samples=4", ("augment must make at least one map", "0.01")),
    ("prepare.augment=1,prepare.augmentation=mxi", ("unknown recipe of augmentation 'mxi'",)),
    (
        "prepare.augment=1,prepare.augmentation=mix,prepare.n_samples=2,prepare.n_folds=2",
        ("the recipe only mixes maps", "a single one"),
    ),
]


def _in_training(folder: Path, override: str) -> Callable[[], Any]:
    store_at(folder / "store")
    tiny = ["train.model=physics_unet", "train.options={width: 1}", "train.epochs=1"]
    places = [f"store={folder / 'store'}", f"runs={folder / 'runs'}", "machine.device=cpu"]
    return lambda: train.run(load_config(None, [*tiny, *places, override]))


def _in_preparing(folder: Path, overrides: str) -> Callable[[], Any]:
    return lambda: prepare.run(
        load_config(None, [f"store={folder / 'store'}", *overrides.split(",")])
    )


def _in_simulating(folder: Path) -> Callable[[], Any]:
    np.save(folder / "maps.npy", np.full((1, 70, 70), 2000.0))
    where = [f"store={folder / 'store'}", f"simulate.input={folder / 'maps.npy'}"]
    chosen = ["simulate.augment=1", "simulate.augmentation=mix"]
    return lambda: simulate.run(load_config(None, [*where, *chosen]))


def _cases() -> Iterator[Case]:
    for name, options, says in OPTIONS:
        choice = Choice(name=name, options={})
        call = partial(gather_pipeline, [choice.model_copy(update={"options": options})])
        yield Case(f"{name!r} with {options}", lambda _, call=call: call, says)
    for name, options, says in SETTINGS:
        call = partial(getattr(augment, name), **options)
        yield Case(f"{name} with {options}", lambda _, call=call: call, says)
    for name, (given, says) in NEW_MAPS.items():
        call = partial(augment_maps, **{"maps": MAPS, "n": 2, "rng": 0} | given)
        yield Case(name, lambda _, call=call: call, says)
    for override, says in TRAINING:
        yield Case(override, lambda folder, o=override: _in_training(folder, o), says)
    for overrides, says in STORES:
        yield Case(overrides, lambda folder, o=overrides: _in_preparing(folder, o), says)
    yield Case("a single map to mix", _in_simulating, ("the recipe only mixes maps",))
    yield Case(
        "a recipe of flips",
        lambda _: lambda: MapRecipe((A.HorizontalFlip(p=1),)),
        ("a recipe must have a transform other than a flip",),
    )
    yield Case(
        "a partner of another size",
        lambda _: lambda: MixUp(p=1)(image=MAPS[0], partner=MAPS[0, 1:]),
        ("partner must be (12, 16), got (11, 16)",),
    )
    yield Case("maps of another size", lambda _: lambda: augment_maps(MAPS, 3, 0))
    yield Case("float16 maps", lambda _: lambda: augment_maps(MAPS.astype(np.float16), 3, 0))
    yield Case("whole numbers", lambda _: lambda: augment_maps(MAPS.astype(int), 3, 0))


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_augmentation(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
