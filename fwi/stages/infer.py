"""infer: from gathers and checkpoints to predicted maps, a batch in memory at a time."""

from __future__ import annotations

import math

from fwi.config import Config
from fwi.data.inputs import Inputs, open_gather_inputs
from fwi.data.readers import Sampling
from fwi.data.store import Store
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.inference.predictions import predict_inputs
from fwi.inference.predictor import Predictor, load
from fwi.report.pictures import save_predictions
from fwi.runs import predictions_path

_PREVIEW = 4  # samples drawn


def run(config: Config, *, force: bool = False) -> Store:
    """Predict the map of every gather, or finish a prediction that was stopped.

    Args:
        config: reads `infer` and `machine`, and `store`, `name` for what they leave open.
        force: replace predictions that are there, once the first ones are made.

    Returns:
        A store that holds the predicted maps alone, in the order of the input.

    Raises:
        FileExistsError: if the folder holds predictions of other gathers or checkpoints.
        FileNotFoundError: if the input or a checkpoint is missing.
        ValueError: if gathers do not fit the networks; it names the sample.
    """
    section, out = config.infer, predictions_path(config)
    chosen = section.checkpoints or [str(config.run_path)]
    predictors = [load(c, section.batch_size, config.machine.device) for c in chosen]
    source = section.input or config.store_path
    said = Sampling(section.dt, section.source_x, section.receiver_x)
    inputs = open_gather_inputs(source, said, _recording_of(predictors[0], said))
    if inputs.store is not None:
        for predictor in predictors:
            predictor.check_store(inputs.store)
    predictions = predict_inputs(
        inputs, predictors, out, section.blend, section.tta, force=force, machine=config.machine
    )
    if not (out / "preview.png").exists():
        _draw_preview(inputs, predictions)
    return predictions


def _recording_of(predictor: Predictor, said: Sampling) -> AcquisitionGeometry:
    """Give the recording that a network was trained on, to which gathers of files are brought.

    That is before decimation, which is the predictor's, unless they are said to be decimated.
    """
    known = predictor.conditions
    if known is None or known.recorded is None or known.geometry is None:
        return OPENFWI
    done = said.dt is not None and math.isclose(said.dt, known.geometry.dt)
    return known.geometry if done else known.recorded


def _draw_preview(inputs: Inputs, predictions: Store) -> None:
    """Draw the first predictions into preview.png beside them."""
    first = range(min(_PREVIEW, len(inputs)))
    save_predictions(
        predictions.path / "preview.png",
        [inputs.rows["sample_id"][i] for i in first],
        inputs.read(first),
        predictions.maps(first),
        None if inputs.read_maps is None else inputs.read_maps(first),
    )
