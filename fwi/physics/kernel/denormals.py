"""Switching denormal numbers off inside compiled kernels.

The tails ahead of a wave are denormal, and each costs about a hundred cycles. The switch is a
bit of the thread's own floating-point control register, so a kernel has to set it in the thread
that it runs in, and put the old value back.
"""

# numba hands (typing context, argument types) to an intrinsic and (context, builder, signature,
# arguments) to its code generator, all without annotations.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import platform

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_I8P, _I32, _I64 = ir.PointerType(ir.IntType(8)), ir.IntType(32), ir.IntType(64)
_IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
_IS_ARM = platform.machine().lower() in ("arm64", "aarch64")

# x86-64 MXCSR: flush to zero (bit 15) and denormals are zero (bit 6); arm64 FPCR: FZ (bit 24).
FLUSH_BITS = 0x8040 if _IS_X86 else 1 << 24 if _IS_ARM else 0


def _call(builder, name, result, arguments):
    signature = ir.FunctionType(result, [a.type for a in arguments])
    return builder.call(builder.module.declare_intrinsic(name, fnty=signature), arguments)


@intrinsic
def read_control(_typing):
    """Read the thread's floating-point control register, int64."""

    def generate(_context, builder, _signature, _arguments):
        if _IS_ARM:
            return _call(builder, "llvm.aarch64.get.fpcr", _I64, [])
        if not _IS_X86:
            return _I64(0)
        slot = builder.alloca(_I32)
        _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [builder.bitcast(slot, _I8P)])
        return builder.zext(builder.load(slot), _I64)

    return types.int64(), generate


@intrinsic
def write_control(_typing, _value):
    """Write the thread's floating-point control register."""

    def generate(context, builder, _signature, arguments):
        if _IS_ARM:
            _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), arguments)
        elif _IS_X86:
            slot = builder.alloca(_I32)
            builder.store(builder.trunc(arguments[0], _I32), slot)
            _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [builder.bitcast(slot, _I8P)])
        return context.get_dummy_value()

    return types.void(types.int64), generate
