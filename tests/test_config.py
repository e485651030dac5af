"""Experiments: read, overridden, saved, and what is said of their faults."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.config import Config, MachineConfig, load_config, overrides_of, save_config
from fwi.stages import run

CHARACTERS = st.characters(categories=["L", "N", "P", "S"])
NAMES = st.text(st.characters(categories=["L", "N", "S"]), min_size=1, max_size=40)
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
        name=NAMES,
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
                "checkpoints": st.lists(NAMES.filter(lambda name: name[0] != "~"), max_size=3),
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
    assert load_config(None, ["store=s"]).store_path == Path("s")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.epoch=3", "unknown key 'train.epoch'; did you mean 'epochs'?"),
        ("trian.epochs=3", "unknown key 'trian'; did you mean 'train'?"),
        ("train.threads=1", "unknown key 'train.threads'; did you mean 'machine.threads'?"),
        ("prepare.threads=1", "'prepare.threads'; did you mean 'machine.threads'?"),
        ("simulate.threads=1", "'simulate.threads'; did you mean 'machine.threads'?"),
        ("machine.thread=1", "'machine.thread'; did you mean 'threads'?"),
        ("epochs=1", "unknown key 'epochs'; did you mean 'train.epochs'?"),
        ("train.store=s", "unknown key 'train.store'; did you mean 'store'?"),
        ("infer.fold=1", "did you mean 'train.fold' or 'leaderboard.fold'?"),
        ("train.stores=[{pth: a}]", "'train.stores.0.pth'; did you mean 'path'?"),
        ("train.stores=[{path: a, seed: 1}]", "'train.stores.0.seed'; known: path, weight"),
        ("train.objective={nme: a}", "'train.objective.nme'; did you mean 'name'?"),
        ("prepare.zzzzz=1", "unknown key 'prepare.zzzzz'; known: .*dt, families, folder"),
        (
            "train.epochs=0",
            "train.epochs of the config must be a whole number from 1 to 1000000, got 0",
        ),
        ("train.epochs=many", "train.epochs of the config must be a whole number.*got 'many'"),
        ("train.lr=-1", "train.lr .*got -1"),
        ("train.lr=.nan", "train.lr .*got nan"),
        ("train.flip=1.5", "train.flip .*got 1.5"),
        ("prepare.split=tset", "prepare.split .*'train' or 'test', got 'tset'"),
        ("prepare.n_folds=1", "prepare.n_folds .*got 1"),
        ("train=3", "train of the config must hold keys and values, got 3"),
        ("train.epochs", "must be section.key=value, got 'train.epochs'"),
        ("name.epochs.x=3", "name of the config must be a text, got {'epochs': {'x': 3}}$"),
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
        (b"train:\n", "train of .* must hold keys and values, got None"),
        (b"1: 2\n", r"a key must be a text, got '1'; quote it \(line 1"),
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


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Collect what the stages train and demo are called with, instead of running them."""
    configs: list[Config] = []
    for stage in ("train", "demo"):
        module = ModuleType(f"fwi.stages.{stage}")
        monkeypatch.setitem(vars(module), "run", lambda config, *, force: configs.append(config))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return configs


@pytest.mark.parametrize("base", [None, Config(), "file"])
def test_run_applies_overrides_to_any_config(
    ran: list[Config], tmp_path: Path, base: Config | str | None
) -> None:
    if base == "file":
        base = str(tmp_path / "a.yaml")
        Path(base).write_text("train: {lr: 2e-3}")
    run(base, "train", name="1e3", store=Path("a: b"), train__epochs=1)
    assert ran == [Config(name="1e3", store=Path("a: b"), train={"epochs": 1})]


def test_run_applies_none_and_nothing(ran: list[Config]) -> None:
    base = Config(train={"variant": "nano", "stores": ["a"]}, machine={"threads": 1})
    run(base, "train", train__variant=None, train__stores=[], machine=MachineConfig())
    assert ran == [Config()]


def test_run_refuses_an_unknown_key(ran: list[Config]) -> None:
    with pytest.raises(ValueError, match=r"unknown key 'train\.epoch'; did you mean 'epochs'"):
        run(Config(), "train", train__epoch=1)
    assert not ran


def test_run_gives_a_stage_its_defaults(ran: list[Config]) -> None:
    run(None, "demo", train__epochs=1)
    run(Config(), "demo", train__epochs=1)
    assert ran[0] == Config(name="demo", prepare={"n_samples": 1000}, train={"epochs": 1})
    assert ran[1] == Config(train={"epochs": 1})


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_an_override(text: str, texts: list[str]) -> None:
    config = load_config(None, overrides_of({"train__model": text, "models__names": texts}))
    assert (config.train.model, config.models.names) == (text, texts)


def test_unknown_stage_is_named() -> None:
    with pytest.raises(KeyError, match="unknown stage 'trian'; did you mean 'train'"):
        run(None, "trian")


@pytest.mark.parametrize("text", ["1e-5", "+1E-5", "1.e-5", "1.0e-5", "0.00001"])
def test_every_spelling_of_a_number_is_one(text: str) -> None:
    config = load_config(None, [f"train.options.gain={text}"])
    assert config.train.options == {"gain": 1e-5}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "a/b"}, "name of the config must name one folder.*got 'a/b'"),
        ({"train": {"lr": -1}}, "train.lr of the config must be a number above 0.*got -1"),
        ({"train": {"lrr": 1}}, "unknown key 'train.lrr'; did you mean 'lr'"),
        ({"nam": 1}, "unknown key 'nam'; did you mean 'name'"),
        ({"prepare": 3}, "prepare of the config must hold keys and values, got 3"),
    ],
)
def test_a_config_in_python_is_refused_in_the_same_sentences(values: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        Config(**values)
    assert "\n" not in str(refused.value)
