"""Checkpoints come back as they were, and nothing else is taken for one."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from fwi.inference.checkpoint import (
    Description,
    load_model,
    load_weights,
    read_description,
    read_tensors,
    save_checkpoint,
    ship_checkpoint,
)
from fwi.models import create_model
from fwi.training.state import flatten_optimizer, restore_optimizer

OPTIONS = {"stem_channels": [4, 8], "decoder_channels": [8, 8, 8, 8]}
DESCRIPTION = Description(
    "unet",
    "resnet10t",
    OPTIONS,
    epoch=2,
    metrics={"mae": 0.1 + 0.2},
    history=[{"epoch": 1, "mae": 400.5}, {"epoch": 2, "mae": 0.1 + 0.2}],
    config={"lr": 2e-3},
    data={"seed": 0},
)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(1)
    return create_model("unet", "resnet10t", **OPTIONS)


@pytest.fixture
def saved(model: nn.Module, tmp_path: Path) -> Path:
    """A whole checkpoint on disk."""
    save_checkpoint(tmp_path / "best", DESCRIPTION, model.state_dict())
    return tmp_path / "best"


def test_comes_back_as_it_was(saved: Path, model: nn.Module) -> None:
    loaded, description = load_model(saved)
    assert description == DESCRIPTION  # JSON keeps every bit of a float64
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_replaces_the_one_before(saved: Path, model: nn.Module) -> None:
    other = {key: torch.zeros_like(value) for key, value in model.state_dict().items()}
    save_checkpoint(saved, Description("unet", None, {}, epoch=3), other, {"more": torch.ones(2)})
    assert read_description(saved).epoch == 3
    assert not any(t.any() for t in read_tensors(saved / "weights.safetensors").values())
    assert torch.equal(read_tensors(saved / "training.safetensors")["more"], torch.ones(2))
    assert [p.name for p in saved.parent.iterdir()] == ["best"]


def test_one_being_replaced_is_read_and_left_in_place(saved: Path) -> None:
    old = saved.rename(saved.with_name(".best.old"))
    assert read_description(saved) == DESCRIPTION
    assert load_model(saved)[1] == DESCRIPTION
    # A reader that moved it back would stand in its writer's way.
    assert old.exists()
    assert not saved.exists()


def test_shipped_copy_predicts_nearly_the_same(
    saved: Path, model: nn.Module, tmp_path: Path
) -> None:
    ship_checkpoint(saved, tmp_path / "small")
    loaded, description = load_model(tmp_path / "small")
    assert description.history == []
    assert description.metrics == DESCRIPTION.metrics
    sizes = [(p / "weights.safetensors").stat().st_size for p in (saved, tmp_path / "small")]
    assert sizes[1] < 0.6 * sizes[0]
    for key, value in model.state_dict().items():
        # float16 has 11 bits; weights below its smallest normal number, 6e-5, lose more.
        torch.testing.assert_close(loaded.state_dict()[key], value, rtol=2**-11, atol=1e-7)


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_restored_optimizer_goes_on_as_if_uninterrupted(
    kind: Callable[..., torch.optim.Optimizer], tmp_path: Path
) -> None:
    def start() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.LazyLinear(1))
        net(torch.zeros(1, 2, 5, 5))
        extra = {"momentum": 0.9} if kind is torch.optim.SGD else {}
        return net, kind(net.parameters(), lr=0.01, weight_decay=0.1, **extra)

    def advance(net: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            torch.manual_seed(step)
            optimizer.zero_grad()
            net(torch.randn(4, 2, 5, 5)).square().mean().backward()
            optimizer.step()

    whole = start()
    advance(*whole, range(8))
    first = start()
    advance(*first, range(5))
    tensors = flatten_optimizer(first[1])
    assert tensors
    save_checkpoint(tmp_path / "last", DESCRIPTION, first[0].state_dict(), tensors)
    second = start()
    load_weights(second[0], read_tensors(tmp_path / "last" / "weights.safetensors"), tmp_path)
    restore_optimizer(second[1], read_tensors(tmp_path / "last" / "training.safetensors"))
    advance(*second, range(5, 8))
    for got, expected in zip(second[0].parameters(), whole[0].parameters(), strict=True):
        assert torch.equal(got, expected)


def describe(path: Path, **changes: object) -> None:
    """Alter a checkpoint's JSON."""
    file = path / "checkpoint.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def refused(path: Path, match: str, kind: type[Exception] = ValueError) -> None:
    """Check that loading fails with one clear sentence."""
    with pytest.raises(kind, match=match) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "has no checkpoint.json", FileNotFoundError)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none", "none is not a checkpoint", FileNotFoundError)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b'{"model": '])
def test_garbage_json_is_refused(saved: Path, content: bytes) -> None:
    (saved / "checkpoint.json").write_bytes(content)
    refused(saved, "checkpoint.json is not readable JSON")


@pytest.mark.parametrize("content", ["[1, 2]", "{}", "7", '{"model": "unet", "format": 1}'])
def test_json_of_another_thing_is_refused(saved: Path, content: str) -> None:
    (saved / "checkpoint.json").write_text(content)
    refused(saved, "must hold the keys .* of a checkpoint")


def test_unknown_network_is_refused(saved: Path) -> None:
    describe(saved, model="unetplus")
    refused(saved, "cannot be built: unknown model 'unetplus'; did you mean 'unet'")


def test_unknown_option_is_refused(saved: Path) -> None:
    describe(saved, options={"wings": 2})
    refused(saved, "cannot be built: .*wings")


def test_newer_format_is_refused_by_its_number(saved: Path) -> None:
    describe(saved, format=3, something_new=[])
    refused(saved, "has format 3, this version reads 2; update fwi")


def test_missing_weights_are_refused(saved: Path) -> None:
    (saved / "weights.safetensors").unlink()
    refused(saved, "the checkpoint is not whole", FileNotFoundError)


@pytest.mark.parametrize("kept", [0, 5, 1000, -1])
def test_truncated_weights_are_refused(saved: Path, kept: int) -> None:
    file = saved / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    refused(saved, "is not a readable safetensors file")


class Poison:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        """Name the call that unpickling makes."""
        return _touch, (str(self.path),)


def _touch(path: str) -> None:
    Path(path).touch()


def test_a_pickle_is_never_opened(saved: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    torch.save({"weights": Poison(witness)}, saved / "weights.safetensors")
    refused(saved, "is not a readable safetensors file")
    assert not witness.exists()
    pickled = io.BytesIO((saved / "weights.safetensors").read_bytes())
    torch.load(pickled, weights_only=False)
    assert witness.exists()  # or the test would have proved nothing


def test_weights_of_another_network_are_refused(saved: Path) -> None:
    other = create_model("unet", "resnet10t", **{**OPTIONS, "stem_channels": [4, 16]})
    save_checkpoint(saved, DESCRIPTION, other.state_dict())
    refused(saved, r"tensors differ, .* must be \(.*\), got \(.*; they belong to another network")


def test_weights_that_lack_a_tensor_are_refused(saved: Path, model: nn.Module) -> None:
    some = dict(model.state_dict())
    removed = next(iter(some))
    del some[removed]
    save_checkpoint(saved, DESCRIPTION, some)
    refused(saved, f"1 tensors differ, {removed} must be .*, got none")


def test_moments_lie_in_memory_as_their_parameters_do() -> None:
    """Optimizers that go over both in one pass take it for granted."""
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    optimizers = [torch.optim.AdamW(model.parameters(), fused=True) for _ in range(2)]
    model(torch.randn(1, 3, 5, 5)).sum().backward()
    optimizers[0].step()
    tensors = {k: t.contiguous() for k, t in flatten_optimizer(optimizers[0]).items()}
    restore_optimizer(optimizers[1], tensors)
    for parameter in model.parameters():
        kept, restored = (o.state[parameter] for o in optimizers)
        for name in ("exp_avg", "exp_avg_sq"):
            assert restored[name].stride() == parameter.stride()
            assert torch.equal(restored[name], kept[name])


def test_nothing_is_allocated_for_weights_that_the_file_does_not_hold(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Channels by the thousand, of a hundred gigabytes: shapes alone are made."""
    made: list[torch.device] = []

    def watched(*names: str, **options: object) -> nn.Module:
        network = create_model(*names, **options)
        made.extend({parameter.device for parameter in network.parameters()})
        return network

    monkeypatch.setattr("fwi.inference.checkpoint.create_model", watched)
    describe(saved, options={**OPTIONS, "decoder_channels": [8192] * 4})
    refused(saved, "do not fit their model")
    assert made == [torch.device("meta")]


def test_a_checkpoint_of_the_first_format_is_read(saved: Path, model: nn.Module) -> None:
    file = saved / "checkpoint.json"
    values = json.loads(file.read_text())
    del values["conditions"]
    file.write_text(json.dumps(values | {"format": 1}))
    loaded, description = load_model(saved)
    assert description.conditions is None
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
