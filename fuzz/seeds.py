"""The first inputs of every target: small whole files, from which the search sets out.

    python fuzz/seeds.py

writes them into fuzz/seeds/<target>/; finds of the search stand beside them by their own names.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np

from fwi.data.readers import FORMATS, Sampling, segy

SEEDS = Path(__file__).parent / "seeds"
GATHERS = np.ones((1, 5, 8, 3), np.float32)
MAPS = np.full((1, 4, 3), 2000, np.float32)

CONFIGS = {
    "plain": "name: a\ntrain:\n  lr: 3e-4\n  model: unet\n",
    "anchors": "a: &x [1, 2]\nb: *x\n",
    "merge": "a: &x {lr: 1}\ntrain: {<<: *x}\n",
    "twice": "name: a\nname: b\n",
    "deep": "a: [[[[[[[[1]]]]]]]]\n",
}
CSVS = {
    "plain": "oid_ypos,x_1,x_3\na_y_0,3000.0,3000.0\na_y_1,3000.0,3000.0\n",
    "quoted": '"oid_ypos","x_1"\r\n"a_y_0",1\r\n',
}
STORE = {"format": 1, "n_shards": 1, "recipe": {"seed": 0}}
CHECKPOINT = {
    "model": "unet", "variant": None, "options": {}, "epoch": 1, "metrics": {}, "history": [],
    "config": {}, "data": {}, "format": 1,
}  # fmt: skip


def write(target: str, name: str, content: bytes) -> None:
    """Write a seed."""
    path = SEEDS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main() -> None:
    """Write all seeds."""
    for name, array in {"gathers": GATHERS, "maps": MAPS, "scalar": np.float64(1)}.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        write("npy", name, buffer.getvalue())
    for target in ("npz", "mat", "h5"):
        path = SEEDS / target / "both"
        path.parent.mkdir(parents=True, exist_ok=True)
        FORMATS[f".{target}"].write(
            path, {"gathers": GATHERS, "maps": MAPS, "dt": np.asarray(1e-3)}
        )
    path = SEEDS / "sgy" / "line"
    path.parent.mkdir(parents=True, exist_ok=True)
    segy.write(path, {"gathers": GATHERS[0]}, Sampling(1e-3, (0, 10, 20, 30, 40), (0, 10, 20)))
    for name, text in CONFIGS.items():
        write("config", name, text.encode())
    for name, text in CSVS.items():
        write("csv", name, text.encode())
    write("store", "plain", json.dumps(STORE).encode())
    write("checkpoint", "plain", json.dumps(CHECKPOINT).encode())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        member.size = 3073
        archive.addfile(member, io.BytesIO(bytes(3073)))
    write("cifar", "one", buffer.getvalue())


if __name__ == "__main__":
    main()
