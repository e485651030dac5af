"""Experiments: read, overridden, saved, and what is said of their faults."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.config import Config, load_config, save_config
from fwi.stages import run

CHARACTERS = st.characters(categories=["L", "N", "P", "S"])
OPTIONS = st.dictionaries(st.text(CHARACTERS), st.floats(allow_nan=False, allow_infinity=False))
SHIPPED = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def test_configs_are_shipped() -> None:
    assert SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_config_loads(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    assert config != Config(name=config.name)


def test_file_holds_only_differences(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntrain:\n  epochs: 3\n")
    config = load_config(tmp_path / "a.yaml")
    assert config == Config(name="a", train={"epochs": 3})
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_config(tmp_path / "empty.yaml") == Config()


@given(
    st.builds(
        Config,
        name=st.text(CHARACTERS, min_size=1),
        store=st.none() | st.just(Path("some/where")),
        train=st.fixed_dictionaries(
            {
                "lr": st.floats(1e-9, 1.0),
                "model": st.text(CHARACTERS, max_size=9),
                "options": OPTIONS,
            }
        ),
        infer=st.fixed_dictionaries(
            {
                "tta": st.booleans(),
                "checkpoints": st.lists(st.text(CHARACTERS, max_size=9), max_size=3),
            }
        ),
    )
)
def test_saved_config_reads_back(tmp_path_factory: pytest.TempPathFactory, config: Config) -> None:
    path = tmp_path_factory.mktemp("config") / "config.json"
    save_config(config, path)
    assert load_config(path) == config


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntrain: {epochs: 3, lr: 0.1}\n")
    overrides = ["train.lr=3e-4", "infer.checkpoints=[a, b]", "prepare.folder=null", "name=b=c"]
    config = load_config(tmp_path / "a.yaml", overrides)
    assert (config.train.epochs, config.train.lr) == (3, 3e-4)
    assert config.infer.checkpoints == ["a", "b"]
    assert config.prepare.folder is None
    assert config.name == "b=c"


def test_paths_follow_the_name() -> None:
    config = Config(name="a", runs=Path("r"))
    assert config.store_path == Path("data/a")
    assert config.run_path == Path("r/a")
    assert config.predictions_path == Path("r/a/predictions")
    assert load_config(None, ["store=s", "infer.out=p"]).store_path == Path("s")
    assert load_config(None, ["store=s", "infer.out=p"]).predictions_path == Path("p")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.epoch=3", "unknown key 'train.epoch'; did you mean 'epochs'?"),
        ("trian.epochs=3", "unknown key 'trian'; did you mean 'train'?"),
        ("prepare.zzzzz=1", "unknown key 'prepare.zzzzz'; known: families, folder"),
        ("train.epochs=0", "train.epochs of the config does not fit.*got 0"),
        ("train.epochs=many", "train.epochs of the config does not fit.*got 'many'"),
        ("train.lr=-1", "train.lr .*got -1"),
        ("train.lr=.nan", "train.lr .*got nan"),
        ("train.flip=1.5", "train.flip .*got 1.5"),
        ("prepare.split=tset", "prepare.split .*'train' or 'test', got 'tset'"),
        ("prepare.n_folds=1", "prepare.n_folds .*got 1"),
        ("train=3", "train of the config does not fit"),
        ("train.epochs", "must be section.key=value, got 'train.epochs'"),
        ("name.epochs.x=3", "unknown|does not"),
        ("train.epochs=[1", r"must be YAML, got 'train.epochs=\[1'"),
    ],
)
def test_wrong_override_is_one_sentence(override: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        load_config(None, [override])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"train: [1", "is not readable YAML"),
        (b"\xff\xfe\x00", "is not readable YAML"),
        (b"a\x00b", "is not readable YAML"),
        (b"!!python/object/apply:os.mkdir [marker]", "is not readable YAML"),
        (b"- 1\n- 2\n", "must hold keys and values, got a list"),
        (b"just text", "must hold keys and values, got a str"),
        (b"train:\n", "train of .* does not fit"),
        (b"1: 2\n", "does not fit|unknown key"),
        (b"train: {lerning_rate: 1}", "unknown key 'train.lerning_rate'"),
    ],
)
def test_wrong_file_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said) as refused:
        load_config(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.yaml does not exist"):
        load_config(tmp_path / "a.yaml")


def test_config_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().name = "other"


def test_unknown_stage_is_named() -> None:
    with pytest.raises(KeyError, match="unknown stage 'trian'; did you mean 'train'"):
        run(None, "trian")


@pytest.mark.parametrize("text", ["1e-5", "+1E-5", "1.e-5", "1.0e-5", "0.00001"])
def test_every_spelling_of_a_number_is_one(text: str) -> None:
    config = load_config(None, [f"train.options.gain={text}"])
    assert config.train.options == {"gain": 1e-5}
