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
from fwi.physics.kernel.loops import loops as kernel
from fwi.physics.kernel.loops import simd
from fwi.physics.kernel.loops import windows
from fwi.physics.simulator import linearize

maps = np.random.default_rng(6).uniform(1500, 4500, (1, {GEOMETRY.nz}, {GEOMETRY.nx}))
found = dict(register=simd.REGISTER_BYTES)
for dtype in sys.argv[2:]:
    linear = linearize(maps.astype(dtype), {GEOMETRY!r}, threads=1, memory=50)
    found[dtype] = linear.gathers
    if dtype == "float32" and len(sys.argv) > 3:
        found["gradient"] = linear.vjp(linear.gathers)
functions = [f for m in (kernel, windows) for f in vars(m).values() if hasattr(f, "stats")]
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


def test_two_processes_fill_one_cache_and_a_third_compiles_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    outs = [tmp_path / f"{i}.npz" for i in range(3)]
    processes = [start(out, cache, "float32") for out in outs[:2]]
    first, second = (result(*one) for one in zip(processes, outs[:2], strict=True))
    assert first["compiled"] > 0
    stamps = {file: file.stat().st_mtime_ns for file in cache.rglob("*") if file.is_file()}
    assert stamps
    third = result(start(outs[2], cache, "float32"), outs[2])
    assert third["compiled"] == 0
    assert stamps == {f: f.stat().st_mtime_ns for f in cache.rglob("*") if f.is_file()}
    here = simulate(MAPS.astype(np.float32), GEOMETRY, threads=1)
    for found in (first, second, third):
        np.testing.assert_array_equal(found["float32"], here)


NARROWER = {
    32: ("haswell", "+sse2,+sse4.2,+avx,+avx2,+fma"),
    16: ("nehalem", "+sse2,+sse4.2"),
}


@pytest.fixture(scope="module")
def narrower(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Array]]:
    """What processors with narrower registers find, by the registers' bytes."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("registers are narrowed by the names of x86 processors")
    if not llvm.get_host_cpu_features().get("avx2"):
        pytest.skip("this processor has no wider registers than the narrowest")
    folder = tmp_path_factory.mktemp("narrower")
    outs = {width: folder / f"{width}.npz" for width in NARROWER}
    processes = {
        width: start(
            outs[width],
            folder / str(width),
            "float32",
            "float64",
            NUMBA_CPU_NAME=name,
            NUMBA_CPU_FEATURES=features,
        )
        for width, (name, features) in NARROWER.items()
    }
    return {width: result(process, outs[width]) for width, process in processes.items()}


@pytest.mark.parametrize("width", NARROWER)
def test_narrower_registers_give_the_same_in_float32(
    narrower: dict[int, dict[str, Array]], width: int
) -> None:
    found, maps = narrower[width], MAPS.astype(np.float32)
    assert found["register"] == width
    linear = linearize(maps, GEOMETRY, threads=1, memory=50)
    # Measured 1.5e-7: additions in another order, without fused ones at 16 bytes.
    assert worst(found["float32"], linear.gathers) < 2e-6
    # Measured 2.4e-6: likewise.
    assert worst(found["gradient"], linear.vjp(linear.gathers)) < 1e-5


@pytest.mark.parametrize("width", [32, 16])
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


def test_a_thousand_samples_leave_memory_flat() -> None:
    maps = MAPS.astype(np.float32)

    def work(samples: int) -> None:
        for _ in range(samples):
            simulate(maps, GEOMETRY, threads=1)

    work(200)
    before = resident()
    work(1000)
    # Measured 0.1 MB. One field of each sample would be 55 MB.
    assert resident() - before < 3


def test_two_hundred_gradients_leave_memory_flat() -> None:
    maps = MAPS.astype(np.float32)

    def work(samples: int) -> None:
        for _ in range(samples):
            linear = linearize(maps, GEOMETRY, threads=1, memory=50)
            linear.vjp(linear.gathers)

    work(50)
    before = resident()
    work(200)
    # Measured 0.1 MB. The checkpoints of each sample would be 18 MB.
    assert resident() - before < 3
