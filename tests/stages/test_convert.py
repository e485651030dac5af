"""convert: what is written in any format is read again as it was."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fwi.config import Config, load_config
from fwi.data.map_inputs import open_map_inputs
from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.stages import convert, prepare


@pytest.fixture(scope="module")
def five_shots(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Six samples of two families."""
    root = tmp_path_factory.mktemp("five")
    families = "prepare.families=[FlatVel_A,Style_B]"
    return prepare.run(load_config(None, [f"store={root / 's'}", "prepare.n_samples=6", families]))


def config_of(store: Path, out: Path, *overrides: str) -> Config:
    return load_config(None, [f"convert.input={store}", f"convert.out={out}", *overrides])


@pytest.mark.parametrize("format", ["npy", "npz", "h5", "mat", "sgy"])
def test_a_store_comes_back_from_every_format(
    tmp_path: Path, five_shots: Store, format: str
) -> None:
    overrides = (f"convert.format={format}", "convert.n_samples=2")
    convert.run(config_of(five_shots.path, tmp_path / "files", *overrides))
    again = prepare.run(
        load_config(None, [f"prepare.folder={tmp_path / 'files'}", f"store={tmp_path / 'store'}"])
    )
    order = np.argsort(five_shots.catalog["family"].to_numpy(), kind="stable")
    assert again.catalog["family"].to_list() == sorted(five_shots.catalog["family"])
    assert np.array_equal(again.gathers(range(6)), five_shots.gathers(order))
    assert np.array_equal(again.maps(range(6)), five_shots.maps(order))


@pytest.mark.parametrize("format", ["npy", "npz", "sgy"])
def test_predictions_are_maps_alone(tmp_path: Path, format: str) -> None:
    maps = np.random.default_rng(0).uniform(1500, 4500, (3, 70, 70)).astype(np.float32)
    writer = StoreWriter(tmp_path / "predictions", {}, 1)
    rows = {"sample_id": ["a", "b", "c"], "family": ["unknown"] * 3, "fold": [-1] * 3}
    writer.write(0, {**rows, "origin": ["x.npy"] * 3}, maps=maps)
    writer.finish()
    overrides = (f"convert.format={format}",)
    result = convert.run(config_of(tmp_path / "predictions", tmp_path / "files", *overrides))
    assert result.kinds == ("maps",)
    assert np.array_equal(open_map_inputs(tmp_path / "files").read(range(3)), maps)


def test_a_folder_that_is_there_is_kept(tmp_path: Path, five_shots: Store) -> None:
    config = config_of(five_shots.path, tmp_path / "files")
    convert.run(config)
    with pytest.raises(FileExistsError, match="choose another name, or --force"):
        convert.run(config)
    convert.run(config, force=True)


def test_one_tree_of_every_format_and_layout_is_read_whole(
    tmp_path: Path, five_shots: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the table at the end says so, a family and a format."""
    tree = tmp_path / "tree"
    for format in ("npy", "npz", "h5", "mat", "sgy"):
        convert.run(config_of(five_shots.path, tree / format, f"convert.format={format}"))
    gathers, maps = five_shots.gathers([0])[0], five_shots.maps([0])[0]
    layouts = {
        "FlatVel_A/seis2_1_0": "FlatVel_A/vel2_1_0",
        "FlatVel_A/seismic7": "FlatVel_A/vmodel7",
        "Style_A/0001/data": "Style_A/0001/velocity",
        "all/CurveVel_A_gathers_3": "all/CurveVel_A_maps_3",
        **{f"FlatFault_A/s1/shot{i}": "FlatFault_A/s1/model" for i in range(6)},
    }
    for i, (first, second) in enumerate(layouts.items()):
        for name, array in (
            (first, gathers[i - 4] if "shot" in first else gathers),
            (second, maps),
        ):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            np.save(tree / f"{name}.npy", array)
    store = prepare.run(load_config(None, [f"prepare.folder={tree}", f"store={tmp_path / 's'}"]))
    assert len(store) == 5 * 6 + 5
    for i in range(len(store)):  # every sample is one of the six
        assert any(np.array_equal(store.maps([i])[0], five_shots.maps([k])[0]) for k in range(6))
        assert any(
            np.array_equal(store.gathers([i])[0], five_shots.gathers([k])[0]) for k in range(6)
        )
    Console(width=120).print(store)
    shown = capsys.readouterr().out
    assert ".h5 3, .mat 3, .npy 5, .npz 3, .sgy 3" in shown
    assert "FlatFault_A" in shown
