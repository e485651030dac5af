"""The ranges of pyproject admit the images that notebooks run on without a network."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

# Kaggle's image of August 2026 is built on Colab's of May 2026, Python 3.12.13.
KAGGLE = {
    "albumentations": "2.0.8",
    "filelock": "3.29.0",
    "h5py": "3.16.0",
    "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1",
    "matplotlib": "3.10.0",
    "nbclient": "0.10.4",
    "nbformat": "5.10.4",
    "numba": "0.60.0",
    "numpy": "2.0.2",
    "polars": "1.35.2",
    "psutil": "5.9.5",
    "pydantic": "2.12.3",
    "pytest": "8.4.2",
    "pyyaml": "6.0.3",
    "rich": "13.9.4",
    "ruff": "0.15.11",
    "safetensors": "0.7.0",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "timm": "1.0.26",
    "torch": "2.10.0",
    "torchvision": "0.25.0",
    "typer": "0.24.2",
}
COLAB = {"numpy": "2.1.3", "numba": "0.61.2"}  # the newer image, Python 3.13
IMAGES = {"kaggle": ("3.12.13", KAGGLE), "colab": ("3.13.0", COLAB)}


def requirements() -> dict[str, Requirement]:
    """Every requirement of the package and its extras, by name."""
    extras = PROJECT["optional-dependencies"].values()
    parsed = [Requirement(r) for part in (PROJECT["dependencies"], *extras) for r in part]
    return {canonicalize_name(r.name): r for r in parsed if r.name != PROJECT["name"]}


@pytest.mark.parametrize("image", IMAGES)
def test_every_range_admits_the_image(image: str) -> None:
    python, there = IMAGES[image]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)
    wanted = requirements()
    refused = [
        f"{wanted[name]} refuses {version}"
        for name, version in there.items()
        if name in wanted and not wanted[name].specifier.contains(version)
    ]
    assert refused == []


def test_every_requirement_of_the_package_has_both_ends() -> None:
    for requirement in requirements().values():
        operators = {s.operator for s in requirement.specifier}
        assert operators == {">=", "<"}, f"{requirement} must have a lowest and an open highest"


def test_the_versions_are_those_of_the_list(real_data: Path) -> None:
    lines = (real_data / "kaggle_image.txt").read_text().splitlines()
    listed = dict(m.groups() for line in lines if (m := re.match(r"([\w.-]+)==([^+\s]+)", line)))
    listed = {canonicalize_name(name): version for name, version in listed.items()}
    assert listed.items() >= KAGGLE.items()
    unknown = {name for name in requirements() if name in listed} - KAGGLE.keys()
    assert unknown == set()
