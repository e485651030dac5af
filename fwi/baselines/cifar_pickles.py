"""Arrays out of a pickle, of which nothing is called: not even NumPy.

A pickle is a program. What it may name here are stand-ins that do no more than note what they are
given; the arrays are then made from the bytes noted, if these are as many as the shape says. What
could take memory or time out of proportion to the file is refused before the program runs.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwi.arrays import Array

_OPCODES = 200_000  # ten thousand labels and file names take 60,000
# Other ways to make objects than those of arrays, and objects that lie outside the pickle.
_REFUSED = {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"}
_REFUSED |= {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}
_REFUSED |= {"LONG", "LONG1", "LONG4"}  # beyond 32 bits, and as keys made to collide
_MEMO = {"PUT", "LONG_BINPUT"}
_DTYPE = re.compile(r"[biuf][1248]")
_FORMS = {"latin1", "latin-1"}


def load_arrays(content: bytes) -> Any:
    """Load dicts, lists, tuples, numbers, text, bytes and NumPy arrays of plain numbers.

    Args:
        content: a pickle of protocol 0 to 5, by Python 2 or 3 and NumPy of any version; the text
            of Python 2 comes out as bytes.

    Raises:
        pickle.UnpicklingError: if it asks for anything else; other errors if it is damaged.
    """
    _check_program(content)
    return _ArraysOnly(io.BytesIO(content), encoding="bytes").load()


@dataclass
class PickledArray:
    """What a pickle says of an array.

    Attributes:
        shape: as it says, likewise all others.
        dtype: such as "u1", with the order of the bytes before it.
        values: the bytes.
        fortran: whether the first index runs fastest.
    """

    shape: Any = None
    dtype: Any = None
    values: Any = b""
    fortran: Any = False

    def __setstate__(self, state: Any) -> None:
        """Take what NumPy writes of an array: version, shape, dtype, order and bytes."""
        _, self.shape, self.dtype, self.fortran, self.values = state

    def array(self) -> Array:
        """Make the array, a view of the bytes.

        Raises:
            pickle.UnpicklingError: if the parts do not fit each other.
        """
        if not isinstance(self.dtype, _Dtype) or not _is_shape(self.shape):
            raise pickle.UnpicklingError("it holds an array without a dtype or a shape")
        if not isinstance(self.values, bytes | bytearray):
            raise pickle.UnpicklingError("it holds an array that is not made of bytes")
        dtype = np.dtype(self.dtype.code)
        if len(self.values) != math.prod(self.shape) * dtype.itemsize:
            raise pickle.UnpicklingError(
                f"it holds an array {reprlib.repr(self.shape)} of {dtype} in "
                f"{len(self.values)} bytes"
            )
        flat = np.frombuffer(self.values, dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


class _Dtype:
    """What a pickle says of a dtype: its kind and size, then the order of its bytes."""

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.decode("latin1") if isinstance(code, bytes) else code
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise pickle.UnpicklingError(
                f"it holds an array of {reprlib.repr(code)}, which is not admitted"
            )
        self.code = code

    def __setstate__(self, state: Any) -> None:
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"it orders bytes by {reprlib.repr(order)}")
        self.code = order + self.code.lstrip("<>|=")


class _Global:
    """Something that a pickle names: it can be called, and cannot be changed."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *args: Any) -> Any:
        return self._make(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes what it has named")


def _no_call(*_: Any) -> Any:
    raise pickle.UnpicklingError("it calls numpy.ndarray, which is not admitted")


def _reconstruct(kind: Any, *_: Any) -> PickledArray:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("it holds an array of a class of its own")
    return PickledArray()


def _frombuffer(values: Any, dtype: Any, shape: Any, order: Any) -> PickledArray:
    return PickledArray(shape, dtype, values, order in ("F", b"F"))


def _encode(text: Any, encoding: Any) -> bytes:
    """Write bytes as protocol 2 does: text whose letters are the bytes."""
    if not isinstance(text, str) or encoding not in _FORMS:
        raise pickle.UnpicklingError(
            f"it encodes by {reprlib.repr(encoding)}, which is not admitted"
        )
    return text.encode("latin1")


_NDARRAY = _Global(_no_call)
_ADMITTED = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Global(_Dtype),
    ("_codecs", "encode"): _Global(_encode),
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and 2
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _Global(_reconstruct)
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _Global(_frombuffer)


class _ArraysOnly(pickle.Unpickler):
    """Hands out the stand-ins, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            # Cut and without line ends: the pickle chose these words.
            wanted = reprlib.repr(f"{module}.{name}")[1:-1]
            raise pickle.UnpicklingError(f"it asks for {wanted}, which is not admitted")
        return _ADMITTED[module, name]


def _check_program(content: bytes) -> None:
    """Refuse a program that is too long, makes other objects, or numbers them beyond its length."""
    for n, (opcode, value, _) in enumerate(pickletools.genops(content)):
        if opcode.name in _REFUSED:
            raise pickle.UnpicklingError(f"it uses {opcode.name}, which is not admitted")
        # The unpickler makes room for as many objects as the highest number.
        if n >= _OPCODES or (opcode.name in _MEMO and not 0 <= int(value or 0) <= len(content)):
            raise pickle.UnpicklingError("it makes more objects than a batch has")


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
