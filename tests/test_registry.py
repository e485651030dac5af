"""Things by name: doubles and unknown names are refused in one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.registry import Registry, nearest


def dishes() -> Registry:
    registry = Registry("dish")

    @registry.register("soup")
    def soup(pot: str, *, salt: int = 1, pepper: int = 0) -> tuple[str, int, int]:
        return pot, salt, pepper

    registry.add("salad", soup)
    return registry


def test_names_keep_the_order_in_which_they_came() -> None:
    registry = dishes()
    assert list(registry) == ["soup", "salad"]
    assert len(registry) == 2
    assert "soup" in registry
    assert "stew" not in registry


def test_a_decorator_hands_its_function_back() -> None:
    registry = Registry("dish")
    function = registry.register("stew")(len)
    assert function is len
    assert registry["stew"] is len


def test_doubles_are_refused_before_anything_is_decorated() -> None:
    with pytest.raises(ValueError, match="dish 'soup' is registered already; choose another name"):
        dishes().register("soup")
    with pytest.raises(ValueError, match="dish 'soup' is registered already"):
        dishes().add("soup", len)


def test_unknown_names_are_told_the_nearest() -> None:
    with pytest.raises(KeyError, match="unknown dish 'sopu'; did you mean 'soup'"):
        dishes()["sopu"]
    with pytest.raises(KeyError, match="unknown dish 'zzz'; known: salad, soup"):
        dishes()["zzz"]


def test_what_is_registered_is_built_with_its_options() -> None:
    assert dishes().build("soup", "red", salt=3) == ("red", 3, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"slat": 3}, "unknown option 'slat' of dish soup; did you mean 'salt'"),
        ({"pot": "blue"}, "unknown option 'pot' of dish soup; known: pepper, salt"),
    ],
    ids=["unknown", "given already"],
)
def test_options_that_nothing_takes_are_refused(options: dict, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        dishes().build("soup", "red", **options)


def test_any_option_is_handed_on_where_any_is_taken() -> None:
    registry = Registry("dish")
    registry.add("stew", lambda pot, **others: (pot, others))
    assert registry.build("stew", "red", beans=2) == ("red", {"beans": 2})


def test_likeness_or_all_names_are_said() -> None:
    assert nearest("unett", ["unet", "vit"]) == "did you mean 'unet'?"
    assert nearest("zzz", ["unet", "vit"]) == "known: unet, vit"


def test_case_does_not_matter_for_likeness() -> None:
    assert nearest("CAFORMER", ["caformer", "vit"]) == "did you mean 'caformer'?"
    assert nearest("stylea", ["Style_A", "FlatVel_A"]) == "did you mean 'Style_A'?"


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, unique=True), st.data())
def test_a_known_name_is_always_its_own_nearest(known: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(known))
    said = nearest(name, known)
    assert repr(name) in said or any(o != name and o.lower() == name.lower() for o in known)
