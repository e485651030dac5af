"""The compiled kernel across processes, over many samples, and on processors of other widths."""

import gc
import os
import platform
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
import pytest
from oracle import worst

from fwi.geometry import AcquisitionGeometry
from fwi.physics.simulator import linearize, simulate

Array = npt.NDArray[np.floating]

GEOMETRY = AcquisitionGeometry(
    nz=12, nx=16, nt=60, source_x=(0.0, 80.0), receiver_x=(0.0, 70.0, 150.0), sponge_width=40
)
MAPS = np.random.default_rng(6).uniform(1500, 4500, (1, GEOMETRY.nz, GEOMETRY.nx))
# The gathers of MAPS, and how many functions had to be compiled for them.
PROGRAM = f"""
import sys
import numpy as np
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel import loops, simd, windows
from fwi.physics.simulator import linearize

maps = np.random.default_rng(6).uniform(1500, 4500, (1, {GEOMETRY.nz}, {GEOMETRY.nx}))
found = dict(register=simd.REGISTER_BYTES)
for dtype in sys.argv[2:]:
    linear = linearize(maps.astype(dtype), {GEOMETRY!r}, threads=1, memory=50)
    found[dtype] = linear.gathers
    if dtype == "float32" and len(sys.argv) > 3:
        found["gradient"] = linear.vjp(linear.gathers)
functions = [f for m in (loops, windows) for f in vars(m).values() if hasattr(f, "stats")]
found["compiled"] = sum(sum(f.stats.cache_misses.values()) for f in functions)
np.savez(sys.argv[1], **found)
"""


def start(out: Path, cache: Path, *dtypes: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start a process of its own, which writes what it finds."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(out), *dtypes],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment},
        stderr=subprocess.PIPE,
    )


def result(process: subprocess.Popen[bytes], out: Path) -> dict[str, Array]:
    """Wait for a process, and read what it found."""
    with process:
        _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error.decode()
    with np.load(out) as found:
        return dict(found)


NARROWER = {
    32: ("haswell", "+sse2,+sse4.2,+avx,+avx2,+fma"),
    16: ("nehalem", "+sse2,+sse4.2"),
}
CAN_NARROW = platform.machine().lower() in ("x86_64", "amd64") and bool(
    llvm.get_host_cpu_features().get("avx2")
)


def registers(width: int) -> dict[str, str]:
    """Environment in which numba compiles for registers of 32 or 16 bytes; else for its own."""
    if not CAN_NARROW:
        return {}
    name, features = NARROWER[width]
    return {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where processes keep what they compile, by registers, and write what they find."""
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, dict[str, Array]]:
    """What processes find that compile for narrower registers, two of them into one cache.

    Compiling is what takes time here: it is done once for all tests.
    """
    work = {"first": (32, "float32", "float64"), "second": (32, "float32")}
    if CAN_NARROW:
        work["narrowest"] = (16, "float32", "float64")
    processes = {
        name: start(folder / f"{name}.npz", folder / str(width), *dtypes, **registers(width))
        for name, (width, *dtypes) in work.items()
    }
    return {name: result(one, folder / f"{name}.npz") for name, one in processes.items()}


def test_two_processes_fill_one_cache_and_a_third_compiles_nothing(
    folder: Path, found: dict[str, dict[str, Array]]
) -> None:
    cache, out = folder / "32", folder / "third.npz"
    assert found["first"]["compiled"] > 0
    stamps = {file: file.stat().st_mtime_ns for file in cache.rglob("*") if file.is_file()}
    assert stamps
    third = result(start(out, cache, "float32", **registers(32)), out)
    assert third["compiled"] == 0
    assert stamps == {f: f.stat().st_mtime_ns for f in cache.rglob("*") if f.is_file()}
    for one in (found["second"], third):
        np.testing.assert_array_equal(one["float32"], found["first"]["float32"])


@pytest.fixture(scope="module")
def narrower(found: dict[str, dict[str, Array]]) -> dict[int, dict[str, Array]]:
    """What processors with narrower registers find, by the registers' bytes."""
    if not CAN_NARROW:
        pytest.skip("registers are narrowed by the names of x86 processors with AVX2")
    return {32: found["first"], 16: found["narrowest"]}


@pytest.mark.parametrize("width", NARROWER)
def test_narrower_registers_give_the_same_in_float32(
    narrower: dict[int, dict[str, Array]], width: int
) -> None:
    found, maps = narrower[width], MAPS.astype(np.float32)
    assert found["register"] == width
    linear = linearize(maps, GEOMETRY, threads=1)
    # Measured 1.5e-7: additions in another order, without fused ones at 16 bytes.
    assert worst(found["float32"], linear.gathers) < 2e-6
    # Measured 2.4e-6: likewise.
    assert worst(found["gradient"], linear.vjp(linear.gathers)) < 1e-5


@pytest.mark.parametrize("width", NARROWER)
def test_narrower_registers_give_the_same_in_float64(
    narrower: dict[int, dict[str, Array]], width: int
) -> None:
    # Measured 0: rounding at most, where tiles are narrower.
    assert worst(narrower[width]["float64"], simulate(MAPS, GEOMETRY, threads=1)) < 1e-14


def resident() -> float:
    """Memory that this process holds, MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the system does not tell a process's memory in /proc")
    gc.collect()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_hundreds_of_samples_leave_memory_flat() -> None:
    maps = MAPS.astype(np.float32)

    def work(samples: int) -> None:
        for _ in range(samples):
            simulate(maps, GEOMETRY, threads=1)

    work(200)
    before = resident()
    work(500)
    # Measured 0.1 MB. One field of each sample would be 27 MB.
    assert resident() - before < 1.5


def test_a_hundred_gradients_leave_memory_flat() -> None:
    maps = MAPS.astype(np.float32)

    def work(samples: int) -> None:
        for _ in range(samples):
            linear = linearize(maps, GEOMETRY, threads=1, memory=50)
            linear.vjp(linear.gathers)

    work(50)
    before = resident()
    work(100)
    # Measured 0.1 MB. The checkpoints of each sample would be 9 MB.
    assert resident() - before < 1.5
