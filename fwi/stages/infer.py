"""infer: from gathers and checkpoints to predicted maps, a batch in memory at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_finite
from fwi.config import Config, InferConfig
from fwi.data.blocks import batches
from fwi.data.inputs import Source, open_source
from fwi.data.store import Store, StoreWriter, remove_store
from fwi.geometry import OPENFWI
from fwi.inference.ensemble import blend
from fwi.inference.predictor import Predictor, load
from fwi.progress import progress_bar
from fwi.report.pictures import save_predictions

_SHARD = 512  # predictions a shard: 10 MB, and what a kill can cost
_PREVIEW = 4  # samples drawn


def run(config: Config, *, force: bool = False) -> Store:
    """Predict the map of every gather, or finish a prediction that was stopped.

    Args:
        config: reads `infer`, and `store`, `name` for what it leaves open.
        force: delete predictions that are there and begin anew.

    Returns:
        A store that holds the predicted maps alone, in the order of the input.

    Raises:
        FileExistsError: if the folder holds predictions of other gathers or checkpoints.
        FileNotFoundError: if the input or a checkpoint is missing.
        ValueError: if gathers do not fit the networks; it names the sample.
    """
    infer, out = config.infer, config.predictions_path
    source = open_source(infer.input or config.store_path)
    predictors = [load(c, infer.batch_size) for c in infer.checkpoints or [str(config.run_path)]]
    if force:
        remove_store(out)
    parts = batches(range(len(source)), _SHARD)
    writer = StoreWriter(out, _recipe(infer, source, predictors), len(parts))
    missing = writer.missing()
    done = len(source) - sum(len(parts[i]) for i in missing)
    with progress_bar("infer", len(source), done) as advance:
        for i in missing:
            maps = np.empty((len(parts[i]), OPENFWI.nz, OPENFWI.nx), np.float32)
            for batch in batches(parts[i], infer.batch_size):
                first = batch.start - parts[i].start
                maps[first : first + len(batch)] = _predict(infer, source, predictors, batch)
                advance(len(batch))
            writer.write(i, source.rows_of(parts[i]), maps=maps)
    predictions = writer.finish()
    if not (out / "preview.png").exists():
        _draw_preview(source, predictions)
    return predictions


def _draw_preview(source: Source, predictions: Store) -> None:
    """Draw the first predictions into preview.png beside them."""
    first = range(min(_PREVIEW, len(source)))
    save_predictions(
        predictions.path / "preview.png",
        [source.rows["sample_id"][i] for i in first],
        source.read(first),
        predictions.maps(first),
        None if source.read_maps is None else source.read_maps(first),
    )


def _predict(
    infer: InferConfig, source: Source, predictors: list[Predictor], batch: range
) -> Array:
    gathers = source.read(batch)
    ids = source.rows["sample_id"]
    for i, sample in zip(batch, gathers, strict=True):
        check_finite(f"gathers of sample {ids[i]}", sample)
    return blend([p.predict(gathers, infer.tta) for p in predictors], infer.blend)


def _recipe(infer: InferConfig, source: Source, predictors: list[Predictor]) -> dict[str, Any]:
    """What determines the predictions: the samples, the weights, how they are blended."""
    return {
        "samples": source.fingerprint,
        "weights": [p.fingerprint() for p in predictors],
        "blend": infer.blend,
        "tta": infer.tta,
    }
