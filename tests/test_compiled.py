"""Compiled functions: kept where a folder can be written to, and there all the same where not."""

import subprocess
import sys

import pytest
from numba.core.caching import CompileResultCacheImpl

from fwi.compiled import kept_njit

# As numba finds it where the package's folder, the home and the caches are read-only.
_READ_ONLY = (
    "from numba.core.caching import CompileResultCacheImpl\n"
    "CompileResultCacheImpl._locator_classes = []\n"
)


def twice(x: int) -> int:
    return 2 * x


def test_code_is_kept_where_it_can_be() -> None:
    kept = kept_njit(nogil=True)(twice)
    assert kept(3) == 6
    assert kept.stats.cache_path is not None


def test_nothing_is_kept_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])
    compiled = kept_njit(nogil=True)(twice)
    assert compiled(3) == 6
    assert compiled.stats.cache_path is None


def test_a_read_only_package_and_home_are_enough() -> None:
    code = (
        _READ_ONLY
        + "import numpy as np\n"
        + "import fwi.physics.simulator\n"
        + "from fwi.data.mirror import copy_mirrored\n"
        + "gathers = np.arange(30, dtype=np.float16).reshape(5, 2, 3)\n"
        + "copy_mirrored(gathers, room := np.empty_like(gathers))\n"
        + "assert np.array_equal(room, gathers[::-1, :, ::-1])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
