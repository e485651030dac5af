"""Run folders: whose they are, and where things lie in them."""

import json
from pathlib import Path

import pytest

from fwi.config import Config, load_config
from fwi.runs import (
    RunFolder,
    checkpoint_path,
    finished_runs,
    predictions_path,
    run_of,
    submission_path,
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An experiment whose runs lie in the test's folder."""
    return load_config(None, ["name=one", f"runs={tmp_path / 'runs'}"])


def changed(config: Config, *overrides: str) -> Config:
    return load_config(config, overrides)


def test_paths_follow_the_name(config: Config) -> None:
    there = run_of(config)
    assert there.path == config.runs / "one"
    assert there.best.parent == there.last.parent == there.path / "checkpoints"
    assert predictions_path(config) == there.path / "predictions"
    assert submission_path(config) == Path("submissions/one.csv")
    told = changed(config, "infer.out=p", "submit.out=s.csv")
    assert (predictions_path(told), submission_path(told)) == (Path("p"), Path("s.csv"))


def test_a_folder_is_claimed_once_and_kept_for_the_same_fit(config: Config) -> None:
    run_of(config).claim(config)
    kept = run_of(config).config.read_text()
    assert Config.model_validate_json(kept) == config
    run_of(config).claim(config)
    for other in ("train.lr=1e-5", "train.objective=critic", "store=elsewhere", "train.stores=[s]"):
        with pytest.raises(FileExistsError, match=r"holds a run of another config.*--force"):
            run_of(config).claim(changed(config, other))
    assert run_of(config).config.read_text() == kept


@pytest.mark.parametrize(
    "other", ["machine.threads=1", "machine.device=cpu", "infer.tta=false", "prepare.seed=3"]
)
def test_machine_and_other_stages_make_no_other_fit(config: Config, other: str) -> None:
    run_of(config).claim(config)
    run_of(config).claim(changed(config, other))


def test_the_default_store_is_the_store_by_its_name(config: Config) -> None:
    run_of(config).claim(config)
    run_of(config).claim(changed(config, f"store={config.store_path}"))


def test_force_replaces_a_run_and_nothing_else(config: Config) -> None:
    there, other = run_of(config), changed(config, "train.epochs=3")
    there.claim(config)
    (there.path / "log.txt").touch()
    there.claim(other, force=True)
    assert not there.log.exists()
    there.claim(other)
    stranger = RunFolder(config.runs / "stranger")
    stranger.path.mkdir()
    (stranger.path / "kept").touch()
    stranger.claim(config, force=True)
    assert (stranger.path / "kept").exists()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"name": 3}', "[" * 10**5, '{"name": "one", "train": {"threads": 1}}'],
)
def test_configs_of_other_versions_are_other_configs(config: Config, text: str) -> None:
    there = run_of(config)
    there.path.mkdir(parents=True)
    there.config.write_text(text)
    with pytest.raises(FileExistsError, match="holds a run of another config"):
        there.claim(config)
    assert there.config.read_text() == text


def test_finished_runs_have_a_best_checkpoint(config: Config) -> None:
    for name in ("b", "a"):
        (config.runs / name / "checkpoints" / "best").mkdir(parents=True)
    (config.runs / "begun" / "checkpoints" / "last").mkdir(parents=True)
    (config.runs / "leaderboard.parquet").write_text("")
    assert [run.path.name for run in finished_runs(config.runs)] == ["a", "b"]
    assert finished_runs(config.runs / "nowhere") == []


def test_a_path_means_a_runs_best_or_itself(config: Config) -> None:
    best = config.runs / "a" / "checkpoints" / "best"
    best.mkdir(parents=True)
    assert checkpoint_path(config.runs / "a") == best
    assert checkpoint_path(best) == best
    assert checkpoint_path(Path("nowhere")) == Path("nowhere")


def test_a_fit_has_begun_with_its_first_checkpoint(config: Config) -> None:
    there = run_of(config)
    there.claim(config)
    assert not there.begun
    there.last.mkdir(parents=True)
    assert there.begun
    there.last.rename(there.last.with_name(".last.old"))  # as a kill between two renames leaves it
    assert there.begun


def test_config_is_json_that_reads_back(config: Config) -> None:
    run_of(config).claim(config)
    assert json.loads(run_of(config).config.read_text())["name"] == "one"
