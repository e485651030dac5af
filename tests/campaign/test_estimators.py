"""What a linear or a logistic regression may be given instead of samples, targets and options."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from cases import Case

from fwi.baselines.linear import LinearRegression
from fwi.baselines.logistic import LogisticRegression

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
with warnings.catch_warnings():  # NumPy's word against it, unless SciPy has silenced it
    warnings.simplefilter("ignore")
    MATRIX = np.matrix(X)
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=20)
LABELS = np.arange(20) % 2


def linear(**options: Any) -> LinearRegression:
    return LinearRegression(**options)


def logistic(**options: Any) -> LogisticRegression:
    return LogisticRegression(**{"alpha": 1.0, **options})


KINDS = {"linear": (linear, Y), "logistic": (logistic, LABELS)}


def spoiled(value: Any, *place: int, dtype: Any = float) -> np.ndarray:
    array = X.astype(dtype)
    array[place] = value
    return array


class Refusing:
    """An object that becomes no array."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """Raise."""
        raise ValueError("closed")


BAD_X: dict[str, tuple[Any, tuple[str, ...]]] = {
    "none": (None, ("X must be", "NoneType")),
    "a number": (3.0, ("X must be", "float")),
    "text": ("samples", ("X must be", "str")),
    "one axis": (X[0], ("X must be (n, ", "got (3,)", "Reshape your data")),
    "one axis of a thousand": (np.ones(1000), ("X must be", "Reshape your data")),
    "three axes": (X[None], ("X must be", "(1, 20, 3)")),
    "no axis": (np.array(1.0), ("X must be", "got ()")),
    "no samples": (X[:0], ("X must be", "(0, 3)", "0 sample")),
    "no features": (X[:, :0], ("X must be", "(20, 0)", "0 feature")),
    "an empty list": ([], ("X must be", "list")),
    "ragged rows": ([[1.0, 2.0], [3.0]], ("X must be", "list")),
    "a dictionary": ({"a": [1, 2]}, ("X must be", "dict")),
    "a set": ({1, 2}, ("X must be", "set")),
    "a generator": ((row for row in X), ("X must be", "generator")),
    "an object that becomes no array": (Refusing(), ("X must be", "Refusing", "closed")),
    "numbers in words": (X.astype(str), ("X must hold real numbers", "<U")),
    "numbers in words, listed": ([["1", "2"], ["3", "4"]], ("X must hold real numbers", "<U1")),
    "bytes": (np.array([[b"1", b"2"]] * 20), ("X must hold real numbers", "|S1")),
    "dates": (np.zeros((20, 3), "M8[s]"), ("X must hold real numbers", "datetime64")),
    "durations": (np.zeros((20, 3), "m8[s]"), ("X must hold real numbers", "timedelta64")),
    "complex numbers": (X * 1j, ("X must hold real numbers", "Complex data not supported")),
    "records": (np.zeros((20, 3), [("a", float)]), ("X must hold real numbers",)),
    "objects with a dictionary": (
        spoiled({"a": 1}, 2, 1, dtype=object),
        ("X must hold real numbers", "dict"),
    ),
    "objects with none": (spoiled(None, 0, 0, dtype=object), ("X must", "NaN")),
    "objects with a word": (spoiled("abc", 0, 0, dtype=object), ("X must hold real", "abc")),
    "a matrix": (MATRIX, ("X must be", "np.matrix is not supported")),
    "a masked array": (
        np.ma.MaskedArray(X, mask=X > 1),
        ("X must hold no masked values",),
    ),
    "a tensor with a gradient": (torch.ones(20, 3, requires_grad=True), ("X must be", "grad")),
    "a table of words": (pl.DataFrame({"a": ["x"] * 20}), ("X must",)),
}
BAD_X |= {
    f"{value} in {kind.__name__} at {place}": (
        spoiled(value, *place, dtype=kind),
        ("X must be finite", "1 NaN or infinite", str(place)),
    )
    for value in (np.nan, np.inf, -np.inf)
    for kind in (np.float16, np.float32, np.float64)
    for place in ((0, 0), (19, 2))
}
BAD_X |= {
    f"sparse {kind.__name__}": (kind(X), ("X must be", kind.__name__, "Sparse data was passed"))
    for kind in (sp.csr_array, sp.csc_array, sp.coo_array, sp.lil_array, sp.csr_matrix)
}
HUGE = {
    "beyond float32": (X.astype(np.float32) * np.float32(1e30), ("X must have squares",)),
    "beyond float64": (X * 1e200, ("X must have squares", "float64")),
}

BAD_Y: dict[str, tuple[Any, tuple[str, ...]]] = {
    "none": (None, ("y must be given", "requires y to be passed")),
    "a number": (1.0, ("y must be (20)", "got ()")),
    "too few": (LABELS[:19], ("y must be (20)", "got (19,)")),
    "too many": (np.arange(21), ("y must be (20)", "got (21,)")),
    "three axes": (np.zeros((20, 1, 1)), ("y must be",)),
    "sparse": (sp.csr_array(LABELS[:, None]), ("y must be dense", "csr_array")),
    "masked": (np.ma.MaskedArray(LABELS, mask=LABELS == 1), ("y must hold no masked",)),
    "ragged": ([[1], [1, 2]], ("y must be an array",)),
    "nothing": ([], ("y must be (20)", "got (0,)")),
    "an object that becomes no array": (Refusing(), ("y must be an array", "closed")),
}
BAD_Y |= {
    f"nan at {place}": (np.where(np.arange(20) == place, np.nan, LABELS), ("y must", f"{place}"))
    for place in (0, 7, 19)
}
BAD_TARGETS = {
    "words": (np.array(["a"] * 20), ("y must hold real numbers", "<U1")),
    "words of numbers": (np.array(["1"] * 20), ("y must hold real numbers", "<U1")),
    "complex": (Y * 1j, ("y must hold real numbers", "complex128")),
    "dates": (np.zeros(20, "M8[D]"), ("y must hold real numbers", "datetime64")),
    "infinite": (np.where(Y == Y[3], np.inf, Y), ("y must be finite", "(3,)")),
    "no columns": (np.zeros((20, 0)), ("y must be (20, n)", "(20, 0)")),
    "objects": (np.array([{}] * 20), ("y must hold real numbers", "dict")),
    "huge": (Y * 1e200, ("y must have squares",)),
}
BAD_LABELS = {
    "one class": (0 * LABELS, ("two classes or more", "[0]")),
    "one word": (["a"] * 20, ("two classes or more", "'a'")),
    "two columns": (np.zeros((20, 2)), ("y must be (20)", "(20, 2)")),
    "fractions": (Y, ("y must hold labels of classes", "continuous")),
    "one fraction": (LABELS + 0.5 * (np.arange(20) == 4), ("continuous values such as 0.5",)),
    "none among words": (["a", "b", None] * 6 + ["a", "b"], ("None or NaN for 6", "at 2")),
    "words and numbers": (np.array([1, "a"] * 10, object), ("labels that sort", "int, str")),
    "not a time": (np.full(20, "NaT", "M8[s]"), ("None or NaN for 20",)),
}

NOT_NUMBERS = [None, "1", "", [1.0], {}, 1j, True, object]
NOT_COUNTS = ["3", 2.5, [3], True, np.float64(3)]
OPTIONS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    *[("both", {"alpha": v}, ("alpha must be a number",)) for v in NOT_NUMBERS if v != [1.0]],
    *[("both", {"alpha": v}, ("alpha must be 0 or more",)) for v in (-1, -1e-9, np.nan, np.inf)],
    *[("both", {"tol": v}, ("tol must be a number",)) for v in NOT_NUMBERS],
    *[("both", {"tol": v}, ("tol must be 0 or more",)) for v in (-1e-9, np.nan, -np.inf, np.inf)],
    *[("both", {"max_iter": v}, ("max_iter must be a whole number",)) for v in NOT_COUNTS],
    *[("both", {"max_iter": v}, ("max_iter must be at least 0", str(v))) for v in (-1, -100)],
    *[("both", {"lr": v}, ("lr must be a number",)) for v in NOT_NUMBERS if v is not None],
    *[("logistic", {"lr": v}, ("lr must be positive",)) for v in (0, -1.0, np.nan, np.inf)],
    *[
        ("linear", {"lr": v, "solver": "gd"}, ("lr must be positive and below",))
        for v in (0, -1.0, np.nan, np.inf, 1e6)
    ],
    *[("logistic", {"damping": v}, ("damping must be a number",)) for v in NOT_NUMBERS],
    *[("logistic", {"damping": v}, ("damping must be 0 or more",)) for v in (-1, np.nan, np.inf)],
    *[
        ("both", {"solver": v}, ("solver must be a known name", "got"))
        for v in (None, 1, "", "QR", "newtom", ["qr"], np.array(["qr", "svd"]), b"qr", LABELS)
    ],
    *[
        ("logistic", {"multi_class": v}, ("multi_class must be a known name",))
        for v in (None, "auto", "ovo", 3, ["ovr"])
    ],
    *[
        ("linear", {"solver": s, "alpha": [1.0, 2.0]}, ("alpha must be one penalty", s))
        for s in ("qr", "normal", "gd")
    ],
    *[
        ("linear", {"solver": "svd", "alpha": v}, ("alpha must",))
        for v in ([], [0.0, 1.0], [1.0, -1.0], [1.0, None], [[1.0], [1.0, 2.0]], ["1", "2"])
    ],
]


def calling(method: Callable[..., Any], *args: Any) -> Callable[[Path], Callable[[], Any]]:
    return lambda _: lambda: method(*args)


def taken(model: Any, x: Any, y: Any, same: Any = None) -> Callable[[Path], Callable[[], Any]]:
    """Fit, and compare with a fit of plain float64 numbers."""

    def run() -> None:
        expected = pickle.loads(pickle.dumps(model)).fit(X if same is None else same, y)
        model.fit(x, y)
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-3, atol=1e-3)
        assert model.n_features_in_ == expected.n_features_in_

    return lambda _: run


CASES = [
    *[
        Case(f"{kind}: X is {name}", calling(make().fit, x, y), says)
        for kind, (make, y) in KINDS.items()
        for name, (x, says) in BAD_X.items()
    ],
    *[
        Case(f"{kind}: X {name}", calling(make().fit, x, y), says)
        for kind, (make, y) in KINDS.items()
        for name, (x, says) in HUGE.items()
        if kind == "linear" or "float64" in name
    ],
    *[
        Case(f"{kind}: y is {name}", calling(make().fit, X, y), says)
        for kind, (make, _) in KINDS.items()
        for name, (y, says) in BAD_Y.items()
    ],
    *[
        Case(f"targets: {n}", calling(linear().fit, X, y), says)
        for n, (y, says) in BAD_TARGETS.items()
    ],
    *[
        Case(f"labels: {n}", calling(logistic().fit, X, y), says)
        for n, (y, says) in BAD_LABELS.items()
    ],
    *[
        Case(f"{kind}: option {i} {next(iter(options))}", calling(make(**options).fit, X, y), says)
        for kind, (make, y) in KINDS.items()
        for i, (which, options, says) in enumerate(OPTIONS)
        if which in (kind, "both")
    ],
]

FITTED = {"linear": linear().fit(X, Y), "logistic": logistic().fit(X, LABELS)}
METHODS = {"linear": ["predict"], "logistic": ["predict", "predict_proba", "decision_function"]}
LATER = {
    "a feature less": (X[:, :2], ("X must be (n, 3)", "(20, 2)", "expecting 3 features")),
    "a feature more": (np.ones((20, 4)), ("X must be (n, 3)", "(20, 4)", "expecting 3 features")),
    "one sample without its axis": (X[0], ("X must be (n, 3)", "(3,)", "Reshape your data")),
    "no samples": (X[:0], ("X must be (n, 3)", "(0, 3)")),
    "nan": (spoiled(np.nan, 1, 1), ("X must be finite", "(1, 1)")),
    "sparse": (sp.csr_array(X), ("X must be (n, 3)", "Sparse")),
    "words": (X.astype(str), ("X must hold real numbers",)),
}
CASES += [
    Case(f"{kind}.{method}: {name}", calling(getattr(FITTED[kind], method), x), s)
    for kind, methods in METHODS.items()
    for method in methods
    for name, (x, s) in LATER.items()
]
CASES += [
    Case(
        f"{kind}.{method} before fit",
        calling(getattr(make(), method), X),
        ("must be fitted before it predicts",),
    )
    for kind, (make, _) in KINDS.items()
    for method in METHODS[kind]
]
CASES += [
    Case(
        f"{kind}.score: {name}",
        calling(FITTED[kind].score, X, y),
        says,
    )
    for kind in KINDS
    for name, y, says in [
        ("too few", LABELS[:5], ("y must be (20)", "(5,)")),
        ("none", None, ("y must be given",)),
        ("nan", np.full(20, np.nan), ("y must",)),
        ("two columns", np.zeros((20, 2)), ("y must be (20)", "(20, 2)")),
    ]
]

WHOLE = RNG.integers(-9, 9, (20, 3))
TAKEN: dict[str, Any] = {
    **{f"whole numbers {k}": WHOLE.astype(k) for k in ("int8", "int16", "int32", "int64")},
    "objects": WHOLE.astype(object),
    "half precision": WHOLE.astype(np.float16),
    "single precision": WHOLE.astype(np.float32),
    "extended precision": WHOLE.astype(np.longdouble),
    "lists": WHOLE.tolist(),
    "tuples": tuple(map(tuple, WHOLE.tolist())),
    "fractions": [[Fraction(int(v)) for v in row] for row in WHOLE],
    "other byte order": WHOLE.astype(">f8"),
    "Fortran's order": np.asfortranarray(WHOLE.astype(float)),
    "read backwards": WHOLE[::-1].astype(float)[::-1],
    "a tensor": torch.tensor(WHOLE),
    "a table": pl.DataFrame(WHOLE, schema=["a", "b", "c"]),
    "a mask of nothing": np.ma.MaskedArray(WHOLE, mask=False),
    "read-only": np.broadcast_to(WHOLE, WHOLE.shape),
}
CASES += [
    Case(f"{kind}: takes {name}", taken(make(), x, y, WHOLE.astype(float)))
    for kind, (make, y) in KINDS.items()
    for name, x in TAKEN.items()
]
CASES += [
    Case(f"linear: takes targets {name}", taken(linear(), X, y))
    for name, y in {
        "of booleans": Y > 0,
        "of whole numbers": np.round(Y).astype(int),
        "of objects": np.round(Y).astype(int).astype(object),
        "listed": Y.tolist(),
        "in a column": Y[:, None],
        "in many columns": np.stack([Y, -Y, Y**2], 1),
        "in a series": pl.Series(Y),
        "in halves": Y.astype(np.float16),
    }.items()
]
CASES += [
    Case(f"logistic: takes labels {name}", taken(logistic(), X, y))
    for name, y in {
        "of booleans": LABELS == 1,
        "of words": np.array(["no", "yes"])[LABELS],
        "of objects": np.array(["no", "yes"], object)[LABELS],
        "of bytes": np.array([b"no", b"yes"])[LABELS],
        "of whole floats": LABELS * 2.0,
        "below zero": LABELS - 7,
        "of dates": np.array(["2020", "2021"], "M8[Y]")[LABELS],
        "listed": LABELS.tolist(),
        "in a series": pl.Series(LABELS),
        "of many classes": np.arange(20) % 5,
        "of a byte": LABELS.astype(np.uint8),
    }.items()
]
CASES.append(
    Case(
        "logistic: labels in a column",
        taken(logistic(), X, LABELS[:, None]),
        warns=("column-vector y was passed",),
    )
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_estimator(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
