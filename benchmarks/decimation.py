"""What decimation loses: interpolated back against the original, beside rounding to float16.

    python benchmarks/decimation.py [GATHERS.npy ...]

Of generated gathers of every family, and of the files given, (S, T, R) or (n, S, T, R): every k-th
sample is kept, and the record interpolated back through the same low-pass, up to the last time
that is kept. What stands there is the 2-norm of the difference over that of the original, median
and largest of the samples, and how many `prepare` would refuse.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
from scipy.signal import fftconvolve

from fwi.arrays import Array
from fwi.data.decimation import decimate, low_pass
from fwi.families import NAMES, sample
from fwi.physics.simulator import simulate

FACTORS = (2, 4, 8, 10)
SAMPLES = 30  # of each family
SEED = 11


def main() -> None:
    """Measure, and print a line for each factor and set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="*", help=".npy files of gathers")
    sets = {str(path): np.load(path) for path in parser.parse_args().files}
    sets = {name: a if a.ndim == 4 else a[None] for name, a in sets.items()}
    sets["generated"] = np.concatenate([simulate(sample(f, SAMPLES, SEED)) for f in NAMES])
    for name, gathers in sets.items():
        print(f"{name}: rounding {max(off(g.astype(np.float16), g) for g in gathers):.1e}")
        for factor in FACTORS:
            started = time.process_time()
            kept = decimate(gathers, factor, lossy=True)
            seconds = (time.process_time() - started) / len(gathers)
            errors = [returned(k, g, factor) for k, g in zip(kept, gathers, strict=True)]
            bad = sum(is_refused(g[None], factor) for g in gathers)
            print(
                f"  by {factor}: {median(errors):.1e}, at most {max(errors):.1e}, {bad} of "
                f"{len(gathers)} refused; {1e3 * seconds:.1f} ms of processor a sample"
            )


def off(values: Array, gathers: Array) -> float:
    """Give the relative difference, 2-norm."""
    exact = gathers.astype(np.float64)
    return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def returned(kept: Array, gathers: Array, factor: int) -> float:
    """Give what is off in a sample that was interpolated back."""
    nt = (kept.shape[1] - 1) * factor + 1
    return off(interpolated(kept[None], factor, nt)[0], gathers[:, :nt])


def is_refused(gathers: Array, factor: int) -> bool:
    """Tell whether decimation loses more than rounding to float16 does."""
    try:
        decimate(gathers, factor)
    except ValueError:
        return True
    return False


def interpolated(kept: Array, factor: int, nt: int) -> Array:
    """Put zeros between the samples, and filter: ends go on as in the decimation."""
    taps = low_pass(factor).astype(np.float64)
    more = len(taps) // (2 * factor) + 1
    before = 2 * kept[:, :, :1] - kept[:, :, more:0:-1]
    after = 2 * kept[:, :, -1:] - kept[:, :, -2 : -more - 2 : -1]
    longer = np.concatenate([before, kept, after], 2)
    shape = (*longer.shape[:2], longer.shape[2] * factor, longer.shape[3])
    spread = np.zeros(shape)
    spread[:, :, ::factor] = longer
    passed: Array = fftconvolve(spread, factor * taps[None, None, :, None], mode="same", axes=2)
    return passed[:, :, more * factor : more * factor + nt]


if __name__ == "__main__":
    main()
