"""The registry of networks: names, variants, and what it says to a wrong one."""

import pytest
from torch import nn

from fwi.models import create_model, model_names, register_model, shots_of
from fwi.models.registry import _models
from fwi.registry import Registry


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


@pytest.mark.parametrize(
    ("name", "option", "said"),
    [
        ("resnet9", "widht", "unknown option 'widht' of resnet9; did you mean 'width'"),
        ("velocitygan", "widht", "unknown option 'widht' of velocitygan; did you mean 'width'"),
        ("caformer", "drop_pth", "unknown option 'drop_pth' of caformer; did you mean 'drop_path'"),
        ("unet", "n_famillies", "unknown option 'n_famillies' of unet; did you mean 'n_families'"),
        ("corrector", "architectur", "of corrector; did you mean 'architecture'"),
        ("vit", "second_pach", "of vit; did you mean 'second_patch'"),
    ],
)
def test_unknown_option_names_the_model_and_the_nearest(name: str, option: str, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        create_model(name, **{option: 3})


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("unet", {"n_shots": 0}, "n_shots of unet must be at least 1, got 0;"),
        ("corrector", {"n_shots": 3}, "n_shots must be 5 or 6 for a corrector, got 3;"),
        ("unet", {"n_families": -1}, "n_families must be 0 or at least 10, .* got -1;"),
        ("unet", {"stem_channels": [8]}, r"stem_channels must be two positive .* got \[8\];"),
        ("resnet9", {"stem_channels": [8, 8, 8]}, "stem_channels must be two positive numbers"),
        ("corrector", {"stem_channels": [8, 0]}, "stem_channels must be two positive numbers"),
        ("physics_unet", {"width": 0}, "width must be at least 1, got 0;"),
        ("unet", {"encoder": "tu-resnet19"}, "got 'tu-resnet19'; did you mean 'tu-resnet18'"),
    ],
)
def test_values_that_do_not_fit_are_refused(name: str, options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        create_model(name, **options)


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="'unet' is registered already"):
        register_model("unet")


def test_a_new_model_is_one_decorator(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Registry("model")
    for name, entry in _models.items():
        copy.add(name, entry)
    monkeypatch.setattr("fwi.models.registry._models", copy)

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
