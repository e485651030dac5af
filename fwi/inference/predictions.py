"""Predictions of many samples as a store that holds their maps alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_finite
from fwi.config import MachineConfig
from fwi.data.blocks import blocks
from fwi.data.inputs import Inputs, Part
from fwi.data.shards import LOCAL, Shard, make_store
from fwi.data.store import Store
from fwi.execution import Shared
from fwi.inference.ensemble import Blend, blend
from fwi.inference.predictor import Predictor
from fwi.progress import Advance

_SHARD = 512  # predictions a shard: 10 MB, and what a kill can cost


def predict_inputs(
    inputs: Inputs,
    predictors: Sequence[Predictor],
    out: Path,
    how: Blend = "mean",
    tta: bool = True,
    *,
    force: bool = False,
    machine: MachineConfig = LOCAL,
) -> Store:
    """Predict the map of every sample, or finish a prediction that was stopped.

    Args:
        inputs: gathers.
        predictors: whose maps are blended; the first one's batch size bounds the memory.
        out: folder of the predictions.
        how: see `fwi.inference.ensemble.blend`.
        tta: average with the prediction of the mirrored gathers.
        force: replace predictions that are there, once the first ones are made.
        machine: who predicts, see `fwi.execution.carry_out`; a worker loads the networks once.

    Returns:
        A store that holds the predicted maps alone, in the order of the input.

    Raises:
        BlockingIOError: if another process is writing there.
        FileExistsError: if the folder holds predictions of other gathers or networks, or of files
            that were changed since, without `force`.
        ValueError: if gathers do not fit the networks; it names the sample.
    """
    parts = blocks(range(len(inputs)), _SHARD)
    recipe = {
        "samples": inputs.fingerprint,
        "weights": [p.fingerprint() for p in predictors],
        "blend": how,
        "tta": tta,
    }
    shared = Shared(predictors)
    shards = [
        Shard(
            inputs.rows_of(part),
            partial(_predict, Part(inputs, part), shared, how, tta),
            inputs.sources_of(part),
        )
        for part in parts
    ]
    return make_store("infer", out, recipe, shards, force=force, machine=machine, networks=True)


def _predict(
    part: Part, networks: Shared[Sequence[Predictor]], how: Blend, tta: bool, advance: Advance
) -> dict[str, Array]:
    """Predict the maps of a shard, (n, Z, X) float32, m/s, a batch at a time."""
    predictors, span = networks.value, part.span
    maps = np.empty((len(span), *predictors[0].map_shape), np.float32)
    for batch in blocks(span, predictors[0].batch_size):
        gathers, first = _read(part.inputs, batch), batch.start - span.start
        several = [p.predict(gathers, tta) for p in predictors]
        maps[first : first + len(batch)] = blend(several, how)
        advance(len(batch))
    return {"maps": maps}


def _read(inputs: Inputs, batch: range) -> Array:
    gathers, ids = inputs.read(batch), inputs.rows["sample_id"]
    for i, sample in zip(batch, gathers, strict=True):
        check_finite(f"gathers of sample {ids[i]}", sample)
    return gathers
