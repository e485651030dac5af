"""The registry of networks: names, variants, and what it says to a wrong one."""

import pytest
from torch import nn

from fwi.models import create_model, model_names, register_model, shots_of
from fwi.models.registry import _models


def test_lists_every_variant_once() -> None:
    names = model_names()
    assert ("unet", "resnet18") in names
    assert len(set(names)) == len(names)


def test_first_variant_is_the_default() -> None:
    first = next(variant for name, variant in model_names() if name == "unet")
    default = [tuple(p.shape) for p in create_model("unet").parameters()]
    assert [tuple(p.shape) for p in create_model("unet", first).parameters()] == default


def test_options_replace_those_of_the_variant() -> None:
    model = create_model("unet", n_shots=3, stem_channels=(4, 8))
    assert shots_of(model) == 3


def test_unknown_model_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="unknown model 'unett'; did you mean 'unet'"):
        create_model("unett")


def test_unknown_variant_names_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"unknown variant 'resnet19' of unet.*'resnet18'"):
        create_model("unet", "resnet19")


def test_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="widht"):
        create_model("unet", widht=3)


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="'unet' is registered already"):
        register_model("unet")


def test_a_new_model_is_one_decorator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwi.models.registry._models", dict(_models))

    @register_model("probe", {"wide": {"width": 3}, "narrow": {"width": 1}})
    def probe(width: int) -> nn.Module:
        return nn.Linear(width, 1)

    assert [pair for pair in model_names() if pair[0] == "probe"] == [
        ("probe", "wide"),
        ("probe", "narrow"),
    ]
    assert create_model("probe").in_features == 3
    assert create_model("probe", "narrow").in_features == 1
    assert create_model("probe", "narrow", width=2).in_features == 2


def test_gain_of_the_compression_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"gain must be positive, or none for raw.*got 0"):
        create_model("unet", gain=0)
