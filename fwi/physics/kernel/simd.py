"""Vectors of numbers inside compiled kernels: as many as a register of this processor holds.

Left alone, the compiler reads each of a stencil's neighbours from memory. With vectors as values
a kernel keeps them in registers and shifts them there, in two thirds of the time.
"""

# numba hands (typing context, argument types) to an intrinsic and (context, builder, signature,
# arguments) to its code generator, all without annotations.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import operator

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic, models, overload, register_model

_FLAGS = ("contract", "nsz")  # fused multiply-adds, and no care for the sign of zero


def register_bytes(features: str) -> int:
    """Bytes of the widest vector register, from a comma-separated list of processor features."""
    enabled = features.split(",")
    return 64 if "+avx512f" in enabled else 32 if "+avx" in enabled else 16


# The features that numba compiles for: its own setting, or those of this processor.
REGISTER_BYTES = register_bytes(config.CPU_FEATURES or llvm.get_host_cpu_features().flatten())


class Vector(types.Type):
    """Floating-point numbers that fill one register."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        self.lanes = REGISTER_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Vector({dtype} x {self.lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type) -> None:
        scalar = ir.FloatType() if fe_type.dtype.bitwidth == 32 else ir.DoubleType()
        super().__init__(dmm, fe_type, ir.VectorType(scalar, fe_type.lanes))


def _address(context, builder, array_type, place, vector):
    array, index = place
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


@intrinsic
def load(_typing, array, index):
    """Read a vector that begins at an index of a flat array."""
    vector = Vector(array.dtype)

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(vector)
        value = builder.load(_address(context, builder, signature.args[0], arguments, kind))
        value.align = array.dtype.bitwidth // 8
        return value

    return vector(array, index), generate


@intrinsic
def store(_typing, array, index, value):
    """Write a vector that begins at an index of a flat array."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(value)
        address = _address(context, builder, signature.args[0], arguments[:2], kind)
        builder.store(arguments[2], address).align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, index, value), generate


@intrinsic
def spread(_typing, scalar):
    """Fill a vector with one number."""
    vector = Vector(scalar)

    def generate(context, builder, _signature, arguments):
        kind = context.get_value_type(vector)
        undefined = ir.Constant(kind, ir.Undefined)
        zero = ir.IntType(32)(0)
        first = builder.insert_element(undefined, arguments[0], zero)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
        return builder.shuffle_vector(first, undefined, zeros)

    return vector(scalar), generate


def _make_shift(skipped):
    """A function of two neighbouring vectors: the lanes of both but for some at either end."""

    @intrinsic
    def shift(_typing, left, right):
        def generate(_context, builder, _signature, arguments):
            first = skipped if skipped >= 0 else left.lanes + skipped
            lanes = list(range(first, first + left.lanes))
            order = ir.Constant(ir.VectorType(ir.IntType(32), left.lanes), lanes)
            return builder.shuffle_vector(*arguments, order)

        return left(left, right), generate

    return shift


one_back, two_back = _make_shift(-1), _make_shift(-2)  # (before, here): the cells to the left
one_on, two_on = _make_shift(1), _make_shift(2)  # (here, after): the cells to the right


def _define(operation, instruction):
    @intrinsic
    def combine(_typing, left, right):
        def generate(_context, builder, _signature, arguments):
            return getattr(builder, instruction)(*arguments, flags=_FLAGS)

        return left(left, right), generate

    @overload(operation, inline="always")
    def _overloaded(left, right):
        if isinstance(left, Vector) and isinstance(right, Vector):
            return lambda left, right: combine(left, right)
        return None


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
