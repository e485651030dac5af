"""What folds are made of: which samples validate a network decides what its error means.

At random, they come from the files that it was trained on; by file, from others; by family, from
one that it never saw; or they are those of OpenFWI's own split.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from fwi.config import StoreSection
from fwi.data.folds import TRAINING, assign_folds
from fwi.openfwi import LAST_TRAINING


def spread(section: StoreSection, families: Sequence[str], files: Sequence[str]) -> list[int]:
    """Give each sample its fold, by the section's rule.

    Args:
        section: reads `folds`, `n_folds` and `seed`.
        families: the family of each sample.
        files: the file that each sample comes from.

    Raises:
        ValueError: if there are fewer files or families than folds, or, for OpenFWI's own split,
            a name that says no number.
    """
    return _RULES[section.fold_rule](section, families, files)


def folds_by_file(
    families: Sequence[str], files: Sequence[str], n_folds: int, seed: int
) -> npt.NDArray[np.int64]:
    """Put all samples of a file into one fold.

    Families are spread one after another; of each the largest file comes first, and goes where
    fewest samples of its family are, then fewest of all.

    Args:
        families: the family of each sample.
        files: the file of each sample.
        n_folds: number of folds, at least 2.
        seed: of the order of files of one size.

    Returns:
        The fold of each sample, 0 to n_folds - 1; within a family, the folds' sizes differ by the
        samples of its largest file at most.

    Raises:
        ValueError: if there are fewer files than folds.
    """
    sizes = Counter(zip(families, files, strict=True))
    if len(sizes) < n_folds:
        raise ValueError(
            f"folds by file must be at most as many as the files, {len(sizes)}, got n_folds of "
            f"{n_folds}; lower it, or spread samples at random"
        )
    names = sorted(sizes)
    shuffled = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    largest_first = sorted(shuffled, key=lambda name: (name[0], -sizes[name]))
    total, fold_of = Counter[int](), {}
    held: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for family, file in largest_first:
        own = held[family]
        fold = min((own[f], total[f], f) for f in range(n_folds))[2]
        for count in (own, total):
            count[fold] += sizes[family, file]
        fold_of[family, file] = fold
    return np.array([fold_of[name] for name in zip(families, files, strict=True)], np.int64)


def folds_by_family(families: Sequence[str]) -> npt.NDArray[np.int64]:
    """Make a fold of each family, in the order of their names: one is left out when it validates.

    Raises:
        ValueError: if there is one family alone.
    """
    names, folds = np.unique(np.asarray(families), return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"folds by family must have 2 families or more, got {names[0]} alone; spread samples "
            "at random"
        )
    return folds.astype(np.int64)


def own_split(families: Sequence[str], files: Sequence[str]) -> list[int]:
    """Keep OpenFWI's own split: fold 0 holds its validation files, the others train.

    Raises:
        ValueError: if a file is none of OpenFWI's, by its family or the number that ends its name,
            or there are no validation files.
    """
    fold_of = {name: _own_fold(*name) for name in dict.fromkeys(zip(families, files, strict=True))}
    if 0 not in fold_of.values():
        raise ValueError(
            "OpenFWI's own split must have validation files, numbered above 48 (Vel), "
            "31 (Fault) or 120 (Style), got training files alone; spread samples at random, or by "
            "file"
        )
    return [fold_of[name] for name in zip(families, files, strict=True)]


def _own_fold(family: str, file: str) -> int:
    number = re.search(r"(\d+)\D*$", PurePath(file).stem)
    if family not in LAST_TRAINING or number is None:
        raise ValueError(
            f"OpenFWI's own split must have its families and the numbers of its files, got {file} "
            f"of {family}; spread samples at random, or by file"
        )
    return TRAINING if int(number[1]) <= LAST_TRAINING[family] else 0


_Rule = Callable[[StoreSection, Sequence[str], Sequence[str]], list[int]]
_RULES: dict[str, _Rule] = {
    "random": lambda s, families, _: assign_folds(families, s.n_folds, s.seed).tolist(),
    "file": lambda s, families, files: folds_by_file(families, files, s.n_folds, s.seed).tolist(),
    "family": lambda _, families, __: folds_by_family(families).tolist(),
    "openfwi": lambda _, families, files: own_split(families, files),
    "none": lambda _, families, __: [TRAINING] * len(families),
}
