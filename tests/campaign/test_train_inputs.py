"""Networks, recipes and stores that cannot train, and runs that cannot be gone on with."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from cases import Case
from safetensors.torch import load_file, save_file
from small import store_at

from fwi.config import load_config
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.inference.predictor import load
from fwi.models import create_model
from fwi.stages import train

Make = Callable[[Path], Callable[[], Any]]
ALIVE: list[TemporaryDirectory[str]] = []  # kept until the tests end
TINY = ("train.model=physics_unet", "train.options={width: 1}", "train.epochs=1")
COMMON = ("name=one", "train.batch_size=2", "train.precision=float32", "machine.device=cpu")


def fit(folder: Path, *overrides: str, store: Path | None = None) -> Any:
    """Train the smallest network on a store of noise, but for what is overridden."""
    places = (f"store={store or folder / 'store'}", f"runs={folder / 'runs'}")
    return train.run(load_config(None, [*TINY, *COMMON, *places, *overrides]))


@cache
def plain() -> Path:
    """A store that everything can be trained on; only read."""
    ALIVE.append(TemporaryDirectory())
    return store_at(Path(ALIVE[-1].name) / "store").path


def with_config(*overrides: str) -> Make:
    """Change the config."""
    return lambda folder: partial(fit, folder, *overrides, store=plain())


def with_options(model: str, **options: Any) -> Make:
    """Choose a network and its options."""
    spelt = json.dumps(options)
    return with_config(f"train.model={model}", f"train.options={spelt}")


def with_store(*overrides: str, **odd: Any) -> Make:
    """Learn from an odd store."""

    def make(folder: Path) -> Callable[[], Any]:
        store_at(folder / "store", **odd)
        return partial(fit, folder, *overrides)

    return make


def no_folder(folder: Path) -> None:
    """See that a run was made, and its checkpoint predicts maps of the store's size."""
    predictor = load(folder / "runs" / "one", device="cpu")
    known = predictor.conditions
    assert known is not None
    shape = (1, known.shots, known.samples, known.receivers)
    gathers = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert predictor.predict(gathers, tta=False).shape == (1, *predictor.map_shape)


def building(name: str, **options: Any) -> Make:
    """Build a network in Python."""
    return lambda folder: partial(create_model, name, **options)


DEEP = {"a": {"a": {"a": {"a": {"a": 1}}}}}
BUILDS: list[tuple[str, dict[str, Any], str]] = [
    *[("unet", {"gain": g}, "gain") for g in (np.nan, np.inf, -np.inf, 0, -3, "10", [1], 1e9)],
    *[
        ("unet", {"decoder_channels": c}, "decoder_channels")
        for c in ([8, 8], [8] * 5, [], "8888", 8, None, [8, 8, 8, "8"], [8.0] * 4, [0] * 4)
    ],
    *[("unet", {"decoder_channels": c}, "unet") for c in ([-8] * 4, [10**6] * 4, [8, 8, 8, 10**9])],
    *[
        ("unet", {"stem_channels": c}, "stem_channels")
        for c in ([8], [8, 8, 8], [0, 8], [8, -8], "ab", 8, [8.5, 8], [10**7, 8])
    ],
    *[("unet", {"depth": d}, "unet") for d in (0, 2, 6, 99, -1, "4", 4.5)],
    *[
        ("unet", {"encoder": e}, "unet" if e == "tu-vit_tiny_patch16_224" else "encoder")
        for e in ("tu-nothing", "tu-", "tu-resnet19", "tu-vit_tiny_patch16_224", 5, None, [])
    ],
    *[("unet", {"encoder": e}, "unet") for e in ("resnet", "", "../x", "tu-mixer_s16_224")],
    *[("unet", {"architecture": a}, "architecture") for a in ("unet", "", 1, None, "DeepLab")],
    *[
        ("hgnet", {"encoder": e}, "encoder")
        for e in (
            "resnet",
            "vit_tiny_patch16_224",
            "mixer_s16_224",
            "levit_128s",
            "hf-hub:x/y",
            "local-dir:/tmp",
            "",
            1,
        )
    ],
    *[("hgnet", {"upsample": u}, "upsample") for u in ("bicubic", "", 1, None, [])],
    *[("hgnet", {"time_fold": u}, "time_fold") for u in ("mean", "", 1, None)],
    *[("hgnet", {"scse": s}, "scse") for s in ("yes", 1, None, [])],
    *[("hgnet", {"skips": s}, "skips") for s in ("no", 0, None)],
    *[("hgnet", {"drop_path": d}, "drop_path") for d in ("0.1", None, [0.1], np.nan, np.inf)],
    ("hgnet", {"encoder_options": [1]}, "encoder_options"),
    ("hgnet", {"encoder_options": "x"}, "encoder_options"),
    ("hgnet", {"encoder_options": DEEP}, "nested"),
    ("hgnet", {"encoder_options": {"checkpoint_path": "x.pth"}}, "checkpoint_path"),
    ("hgnet", {"encoder_options": {"in_chans": 3}}, "hgnet"),
    ("hgnet", {"encoder_options": {"wings": 2}}, "wings"),
    ("convnext", {"instance_norm": "yes"}, "instance_norm"),
    *[("resnet9", {"width": w}, "width") for w in ("32", None, [32], True, 10**6)],
    *[("resnet9", {"width": w}, "width") for w in (0, -4, 3.5)],
    *[("inversionnet", {"width": w}, "width") for w in (0, -1, 0.01, "1", None, np.nan, np.inf)],
    *[("physics_unet", {"width": w}, "width") for w in (0, -1, "32", None, 10**7, [1])],
    *[("physics_unet", {"n_shots": n}, "n_shots") for n in (0, -5, 5.0, "5", None, 10**6, True)],
    *[
        ("physics_unet", {"map_shape": s}, "map_shape")
        for s in (70, [70], "70x70", None, [7, 70], [70, 1025], [70, -70], [70.0, 70], [70, "70"])
    ],
    *[("corrector", {"map_shape": s}, "map_shape") for s in ([140, 140], [64, 64], [70, 71])],
    *[("corrector", {"passes": p}, "passes") for p in (0, -1, "2", 1.5, None)],
    *[("corrector", {"n_shots": n}, "n_shots") for n in (1, 4, 7)],
    *[("vit", {"layout": x}, "layout") for x in ("rows", "", 1, None)],
    *[("vit", {"trunk": x}, "trunk") for x in ("resnet18", "vit", "", 1, None)],
    *[("vit", {"patch": x}, "vit") for x in ([0, 0], [-1, 5], [14], 14, "14")],
    ("vit", {"variant": "shots-tiny", "per_shot": 0}, "per_shot"),
    ("vit", {"variant": "shots-tiny", "per_shot": 99}, "per_shot"),
    ("vit", {"trunk_options": {"patch_drop_rate": 0.5}}, "patch_drop_rate"),
    *[("unet", {"n_families": n}, "n_families") for n in (-1, 1, 9, "10", 10.0, None)],
    *[("unet", {"confidence": c}, "confidence") for c in ("yes", 1, None)],
    *[("unet", {"output": o}, "output") for o in ("tanh", "", None, 1)],
    *[("unet", {"record": r}, "record") for r in (1000, "x", [1.5, 70])],
]
CONFIGS: list[tuple[str, Sequence[str], str]] = [
    *[
        (f"lr {x}", [f"train.lr={x}"], "train.lr")
        for x in (".inf", ".nan", "-.inf", "0", "-1", "x")
    ],
    ("lr 1e30", ["train.lr=1e30"], "train.lr"),
    *[
        (f"weight_decay {x}", [f"train.weight_decay={x}"], "train.weight_decay")
        for x in (".inf", ".nan", "-1", "x")
    ],
    *[(f"clip_norm {x}", [f"train.clip_norm={x}"], "clip_norm") for x in (".nan", "0", "-1", "x")],
    *[(f"ema_decay {x}", [f"train.ema_decay={x}"], "ema_decay") for x in (".nan", "1", "-1", "2")],
    *[(f"warmup {x}", [f"train.warmup={x}"], "warmup") for x in (".nan", "1.5", "-1", ".inf")],
    *[(f"flip {x}", [f"train.flip={x}"], "flip") for x in (".nan", "1.5", "-1", "often")],
    *[(f"fold {x}", [f"train.fold={x}"], "fold") for x in ("2", "-1", "99", "x")],
    *[(f"epochs {x}", [f"train.epochs={x}"], "epochs") for x in ("0", "-1", "1.5", "x")],
    *[(f"batch_size {x}", [f"train.batch_size={x}"], "batch_size") for x in ("0", "-1", "1.5")],
    *[(f"model {x!r}", [f"train.model={x}"], "model") for x in ("unett", "''", "null", "7")],
    *[(f"variant {x!r}", [f"train.variant={x}"], "variant") for x in ("narow", "7", "[]")],
    *[
        (
            f"objective {x}",
            [f"train.objective={x}"],
            "objective" if x != "feedback" else "corrector",
        )
        for x in ("superwised", "feedback", "''", "7")
    ],
    *[
        (f"{key} {x}", [f"train.{key}={x}"], said)
        for key, x, said in (
            ("optimizer", "adamv", "did you mean"),
            ("optimizer", "''", "optimizer"),
            ("optimizer", "7", "train.optimizer"),
            ("optimizer", "[sam]", "train.optimizer"),
            ("optimizer", "{name: adamw, options: {betas: 3}}", "optimizer adamw"),
            ("optimizer", "{name: adamw, options: {eps: much}}", "optimizer adamw"),
            ("optimizer", "{name: adamw, options: {rho: 1}}", "'rho'"),
            ("optimizer", "{name: sam, options: {rho: -1}}", "rho must be above 0"),
            ("optimizer", "{name: sam, options: {base: sum}}", "unknown optimizer 'sum'"),
            ("optimizer", "{name: muon, options: {ns_steps: none}}", "train.optimizer"),
            ("schedule", "onecycle", "did you mean 'one_cycle'"),
            ("schedule", "7", "train.schedule"),
            ("schedule", "{name: cosine, options: {end: 2}}", "0 to 1"),
            ("schedule", "{name: cosine, options: {momentum: [0.8, 0.9]}}", "one_cycle"),
            ("schedule", "{name: one_cycle, options: {momentum: 0.9}}", "two numbers"),
            ("schedule", "{name: constant, options: {every: 0.5}}", "'every'"),
        )
    ],
    (
        "a warm-up that leaves no time to fall",
        ["train.schedule=one_cycle_linear", "train.warmup=0.6"],
        "0 to 0.5",
    ),
    (
        "a momentum for what has none",
        [
            "train.optimizer=adadelta",
            "train.schedule={name: one_cycle, options: {momentum: [0.8, 0.9]}}",
        ],
        "needs an optimizer with one",
    ),
    (
        "an option of the objective",
        ["train.objective={name: supervised, options: {wings: 2}}"],
        "wings",
    ),
    (
        "an objective of words",
        [
            "train.objective={name: supervised, options: {family_weight: much}}",
            "train.options={width: 1, n_families: 10}",
        ],
        "cannot learn",
    ),
    (
        "a critic of no steps in words",
        ["train.objective={name: critic, options: {critic_steps: many}}"],
        "cannot learn",
    ),
    *[(f"device {x}", [f"machine.device={x}"], "device") for x in ("gpu", "cuda:99", "meta", "''")],
    *[(f"precision {x}", [f"train.precision={x}"], "precision") for x in ("float16", "half", "16")],
    *[(f"options {x}", [f"train.options={x}"], "train.options") for x in ("7", "[1]", "width")],
    *[(f"option {x}", [f"train.options={{{x}: 1}}"], x) for x in ("name", "variant", "pretrained")],
    ("a further store that is not there", ["train.stores=[none]"], "none does not exist"),
    (
        "a further store in words of weight",
        ["train.stores=[{path: none, weight: heavy}]"],
        "train.stores",
    ),
    ("pretrained without an encoder", ["train.pretrained=true"], "no pretrained encoder"),
    (
        "pretrained from nowhere",
        ["train.pretrained=x.safetensors", "train.model=unet", "train.options={}"],
        "x.safetensors",
    ),
    (
        "pretrained from a pickle",
        ["train.pretrained=x.pth", "train.model=unet", "train.options={}"],
        "x.pth",
    ),
    (
        "a batch of one for a network of one cell",
        ["train.model=inversionnet", "train.options={width: 0.03125}", "train.batch_size=1"],
        "train.batch_size",
    ),
    (
        "an encoder of one size alone",
        ["train.model=hgnet", "train.options={encoder: swin_tiny_patch4_window7_224}"],
        "train.model=hgnet cannot learn",
    ),
    ("more shots than the store's", ["train.options={width: 1, n_shots: 6}"], "n_shots"),
    ("maps of another size", ["train.options={width: 1, map_shape: [70, 70]}"], "map_shape"),
    ("a corrector of small maps", ["train.model=corrector", "train.options={}"], "corrector"),
]
ONE_SIDED = replace(
    OPENFWI,
    nx=8,
    nz=8,
    nt=40,
    source_x=(0.0, 10.0, 20.0, 30.0, 40.0),
    receiver_x=tuple(10.0 * i for i in range(8)),
)
MIRRORED = replace(ONE_SIDED, source_x=(0.0, 20.0, 30.0, 50.0, 70.0))
LOUD = replace(MIRRORED, frequency=25.0)


def recorded(geometry: Any) -> dict[str, Any]:
    return {"recipe": {"geometry": asdict(geometry)}}


def _values(value: float) -> np.ndarray:
    return np.full((4, 8, 8), value)


STORES: list[tuple[str, Make, str]] = [
    ("silent gathers", with_store(gathers=np.zeros((4, 5, 40, 8))), "silence"),
    ("gathers below float16", with_store(gathers=np.full((4, 5, 40, 8), 1e-9)), "silence"),
    ("negative maps", with_store(maps=_values(-2000)), "positive"),
    ("maps of zeros", with_store(maps=_values(0)), "positive"),
    ("no maps", with_store(maps=None), "must hold velocity maps"),
    ("one sample", with_store(n=1), "fold"),
    (
        "one shot that is flipped",
        with_store("train.options={width: 1, n_shots: 1}", shots=1),
        "train.flip=0",
    ),
    ("four shots", with_store(shots=4), "n_shots"),
    ("seven shots that are flipped", with_store(shots=7), "train.flip=0"),
    *[
        (f"maps of {shape}", with_store(map_shape=shape), "map_shape")
        for shape in ((7, 8), (8, 7), (1, 1), (4, 4), (1, 8), (2, 70))
    ],
    *[
        (
            f"maps of {shape} for a corrector",
            with_store("train.model=corrector", "train.options={}", map_shape=shape),
            "corrector",
        )
        for shape in ((140, 140), (8, 8), (70, 72))
    ],
    ("sources on one side, flipped", with_store(**recorded(ONE_SIDED)), "train.flip=0"),
    (
        "one source moved, flipped",
        with_store(**recorded(replace(MIRRORED, source_x=(0.0, 20.0, 30.0, 50.0, 30.0)))),
        "train.flip=0",
    ),
    (
        "sources in another order, flipped",
        with_store(**recorded(replace(MIRRORED, source_x=(20.0, 0.0, 30.0, 50.0, 70.0)))),
        "train.flip=0",
    ),
    (
        "receivers on one side, flipped",
        with_store(
            **recorded(replace(MIRRORED, nx=30, receiver_x=tuple(10.0 * i for i in range(8))))
        ),
        "train.flip=0",
    ),
    (
        "further records of another size",
        lambda f: partial(
            fit, f, f"train.stores=[{store_at(f / 'more', record=(50, 8)).path}]", store=plain()
        ),
        "samples like those",
    ),
    (
        "further maps of another size",
        lambda f: partial(
            fit, f, f"train.stores=[{store_at(f / 'more', map_shape=(9, 8)).path}]", store=plain()
        ),
        "samples like those",
    ),
    (
        "further gathers without maps",
        lambda f: partial(
            fit, f, f"train.stores=[{store_at(f / 'more', maps=None).path}]", store=plain()
        ),
        "no maps",
    ),
    (
        "a further store of the validated fold alone",
        lambda f: partial(
            fit, f, f"train.stores=[{store_at(f / 'more', n=1).path}]", store=plain()
        ),
        "samples",
    ),
]
TRAINED: list[tuple[str, Make]] = [
    *[
        (f"maps of {shape}", with_store(map_shape=shape))
        for shape in ((8, 8), (9, 8), (8, 33), (70, 70), (71, 69), (64, 128))
    ],
    *[
        (
            f"{model} on maps of 12 x 20",
            with_store(
                f"train.model={model}", f"train.options={json.dumps(options)}", map_shape=(12, 20)
            ),
        )
        for model, options in {
            "resnet9": {"width": 4, "decoder_channels": [4] * 4, "stem_channels": [4, 4]},
            "unet": {"decoder_channels": [4] * 4, "stem_channels": [4, 4]},
            "inversionnet": {"width": 0.03125},
            "velocitygan": {"width": 0.03125},
        }.items()
    ],
    *[
        (f"records of {record}", with_store(record=record))
        for record in ((1, 1), (1, 8), (1000, 8), (40, 1), (2000, 70))
    ],
    (
        "one shot, not flipped",
        with_store("train.options={width: 1, n_shots: 1}", "train.flip=0", shots=1),
    ),
    (
        "three shots, not flipped",
        with_store("train.options={width: 1, n_shots: 3}", "train.flip=0", shots=3),
    ),
    (
        "twelve shots, not flipped",
        with_store("train.options={width: 1, n_shots: 12}", "train.flip=0", shots=12),
    ),
    ("six shots", with_store(shots=6)),
    ("sources on one side, not flipped", with_store("train.flip=0", **recorded(ONE_SIDED))),
    ("a line that is its own mirror image but for a cell", with_store(**recorded(MIRRORED))),
    ("a recording of other sizes", with_store(**recorded(OPENFWI_SIX_SHOTS))),
    ("a recording that is none", with_store(recipe={"geometry": {"frequency": "loud"}})),
    ("a batch of one", with_store("train.batch_size=1")),
    ("a batch larger than the store", with_store("train.batch_size=999")),
    ("raw amplitudes", with_store("train.options={width: 1, gain: null}")),
]


@cache
def begun() -> Path:
    """The runs of a fit of two epochs, to be damaged in copies."""
    ALIVE.append(TemporaryDirectory())
    folder = Path(ALIVE[-1].name)
    fit(folder, "train.epochs=2", store=plain())
    return folder / "runs"


def resumed(damage: Callable[[Path], Any]) -> Make:
    """Go on with a run whose last checkpoint was damaged."""

    def make(folder: Path) -> Callable[[], Any]:
        shutil.copytree(begun(), folder / "runs")
        damage(folder / "runs" / "one" / "checkpoints" / "last")
        return partial(fit, folder, "train.epochs=2", store=plain())

    return make


def moments(change: Callable[[dict[str, torch.Tensor]], Any], recount: bool = True) -> Make:
    """Change the tensors of the fit, and the number of them that is noted."""

    def damage(last: Path) -> None:
        file = last / "training.safetensors"
        tensors = load_file(file)
        change(tensors)
        if recount and "trainer.tensors" in tensors:
            tensors["trainer.tensors"] = torch.tensor(len(tensors))
        save_file(tensors, file)

    return resumed(damage)


def dropped(*starts: str, recount: bool = True) -> Make:
    """Leave tensors out by their first letters."""
    return moments(lambda t: [t.pop(k) for k in list(t) if k.startswith(starts)], recount=recount)


def filled(name: str, value: float) -> Make:
    return moments(lambda t: t.update({name: torch.full_like(t[name], value)}))


def history(change: Callable[[dict[str, Any]], Any]) -> Make:
    """Change the JSON of the last checkpoint."""

    def damage(last: Path) -> None:
        file = last / "checkpoint.json"
        values = json.loads(file.read_text())
        change(values)
        file.write_text(json.dumps(values))

    return resumed(damage)


MOMENT = "optimizer.0.exp_avg"
NAN = float("nan")
RESUMED: list[tuple[str, Make, str]] = [
    ("no moments", dropped("optimizer."), "moments"),
    ("no moments, not recounted", dropped("optimizer.", recount=False), "lacks some"),
    ("no first moments", dropped(MOMENT), "moments"),
    ("no step of a parameter", dropped("optimizer.3.step"), "moments"),
    ("no second moment", dropped("optimizer.2.exp_avg_sq"), "moments"),
    ("one parameter's lost", dropped("optimizer.5.", recount=False), "lacks some"),
    ("NaN moments", filled(MOMENT, NAN), "finite"),
    ("infinite moments", filled("optimizer.1.exp_avg_sq", float("inf")), "finite"),
    ("NaN step of a parameter", filled("optimizer.0.step", NAN), "finite"),
    ("whole numbers as moments", moments(lambda t: t.update({MOMENT: t[MOMENT].long()})), "int64"),
    ("moments of another shape", moments(lambda t: t.update({MOMENT: torch.ones(3, 3)})), MOMENT),
    (
        "moments of no parameter",
        moments(lambda t: t.update({"optimizer.9999.exp_avg": torch.ones(1)})),
        "no parameter",
    ),
    (
        "moments of a word",
        moments(lambda t: t.update({"optimizer.x.exp_avg": torch.ones(1)})),
        "no parameter",
    ),
    (
        "moments of a negative number",
        moments(lambda t: t.update({"optimizer.-1.exp_avg": torch.ones(1)})),
        "no parameter",
    ),
    (
        "moments without a name",
        moments(lambda t: t.update({"optimizer.": torch.ones(1)})),
        "no parameter",
    ),
    *[(f"no {n}", dropped(f"trainer.{n}"), n) for n in ("step", "loss_sum", "samples")],
    *[
        (f"NaN {n}", moments(lambda t, n=n: t.update({f"trainer.{n}": torch.tensor(NAN)})), n)
        for n in ("step", "loss_sum", "samples")
    ],
    *[
        (f"two of {n}", moments(lambda t, n=n: t.update({f"trainer.{n}": torch.ones(2)})), n)
        for n in ("step", "loss_sum", "samples")
    ],
    *[
        (f"step {n}", moments(lambda t, n=n: t.update({"trainer.step": torch.tensor(n)})), "step")
        for n in (-1, 0, 99, 10**12)
    ],
    ("no tensors", moments(lambda t: t.clear()), "trainer.samples"),
    ("no network", dropped("model."), "do not fit"),
    ("half a network", dropped("model.body.up"), "do not fit"),
    ("a NaN network", filled("model.head.conv.weight", NAN), "must be finite"),
    ("other samples", moments(lambda t: t.update({"trainer.samples": torch.tensor(7)})), "store"),
    (
        "training.safetensors gone",
        resumed(lambda p: (p / "training.safetensors").unlink()),
        "training.safetensors",
    ),
    (
        "training.safetensors cut",
        resumed(
            lambda p: (p / "training.safetensors").write_bytes(
                (p / "training.safetensors").read_bytes()[:5000]
            )
        ),
        "training.safetensors",
    ),
    (
        "training.safetensors of text",
        resumed(lambda p: (p / "training.safetensors").write_text("x" * 99)),
        "training.safetensors",
    ),
    ("weights gone", resumed(lambda p: (p / "weights.safetensors").unlink()), "weights"),
    ("JSON gone", resumed(lambda p: (p / "checkpoint.json").unlink()), "checkpoint.json"),
    ("JSON cut", resumed(lambda p: (p / "checkpoint.json").write_text("{")), "checkpoint.json"),
    ("no history", history(lambda v: v.update(history=[])), "metrics of 2 epochs"),
    ("half the history", history(lambda v: v["history"].pop()), "metrics of 2 epochs"),
    ("a history without errors", history(lambda v: v["history"][0].pop("mae")), "metrics of 2"),
    ("a history of NaN", history(lambda v: v["history"][1].update(mae=NAN)), "metrics of 2 epochs"),
    ("a history of words", history(lambda v: v["history"][1].update(mae="low")), "metrics of 2"),
    ("one epoch more", history(lambda v: v.update(epoch=3)), "metrics of 3 epochs"),
    ("another store's recipe", history(lambda v: v.update(data={"seed": 1})), "store"),
]
CASES = [
    *[
        Case(f"{name} {options!r:.70} ({i})", building(name, **options), (words,))
        for i, (name, options, words) in enumerate(BUILDS)
    ],
    *[Case(n, with_config(*overrides), (words,)) for n, overrides, words in CONFIGS],
    *[Case(f"store: {n}", make, (words,)) for n, make, words in STORES],
    Case(
        "maps in km/s", with_store(maps=_values(2.5)), warns=("multiply by 1000 what is in km/s",)
    ),
    Case(
        "further gathers of 25 Hz",
        lambda f: partial(
            fit,
            f,
            f"train.stores=[{store_at(f / 'more', **recorded(LOUD)).path}]",
            store=store_at(f / "store", **recorded(MIRRORED)).path,
        ),
        warns=("15 Hz, got 25",),
    ),
    *[Case(f"trained: {n}", make, check=no_folder) for n, make in TRAINED],
    *[Case(f"resumed: {n}", make, (words,)) for n, make, words in RESUMED],
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_train(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)


RECORDINGS: dict[str, dict[str, Any]] = {
    "25 Hz": {"frequency": 25.0},
    "half a millisecond": {"dt": 0.0005},
    "cells of 5 m": {
        "dx": 5.0,
        "source_x": tuple(x / 2 for x in MIRRORED.source_x),
        "receiver_x": tuple(x / 2 for x in MIRRORED.receiver_x),
    },
    "sources deeper": {"source_depth": 30.0},
    "receivers deeper": {"receiver_depth": 30.0},
    "one source elsewhere": {"source_x": (0.0, 20.0, 40.0, 50.0, 70.0)},
    "sources on one side": {"source_x": (0.0, 10.0, 20.0, 30.0, 40.0)},
    "receivers elsewhere": {"receiver_x": tuple(5.0 * i for i in range(8))},
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_store_recorded_otherwise_is_refused_by_what_differs(name: str, tmp_path: Path) -> None:
    store_at(tmp_path / "store", **recorded(MIRRORED))
    fit(tmp_path)
    predictor = load(tmp_path / "runs" / "one", device="cpu")
    predictor.check_store(store_at(tmp_path / "same", **recorded(MIRRORED)))
    predictor.check_store(store_at(tmp_path / "unknown"))
    other = store_at(tmp_path / "other", **recorded(replace(MIRRORED, **RECORDINGS[name])))
    with pytest.raises(ValueError, match=r"must be recorded as the network was trained: .*, got"):
        predictor.check_store(other)
