"""A coverage-guided search for inputs that a reader does not refuse in its own words.

    python fuzz/readers.py npy -max_total_time=60 found/ fuzz/seeds/npy

Each target takes bytes as the content of one file (fuzz/targets.py). What the readers may raise
becomes a sentence on the command line; anything else is a find: libFuzzer stops there and leaves
the bytes in a file crash-..., which belongs among the seeds once it is mended, for the campaign
reads them all. `make fuzz` tries all targets in turn.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fwi", "yaml", "numpy.lib.format", "zipfile", "tarfile"]):
    from targets import attempt


def main() -> None:
    """Run one target with libFuzzer's own arguments."""
    target = sys.argv.pop(1)
    # In memory where there is such a folder: a case takes well below a millisecond.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        atheris.Setup(sys.argv, lambda content: attempt(target, content, Path(folder)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
