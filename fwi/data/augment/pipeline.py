"""Transforms of samples by their names, as one composition.

Such a pipeline is an `albumentations.Compose(..., is_check_shapes=False)`, since gathers and map
differ in their sizes by nature; `fwi.data.dataset.GatherDataset` takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature

from fwi.config import Choice
from fwi.data.augment import filters
from fwi.data.augment.gathers import GATHER_TRANSFORMS
from fwi.data.augment.library import A
from fwi.geometry import OPENFWI, AcquisitionGeometry

__all__ = ["filters", "gather_pipeline"]


def gather_pipeline(
    choices: Iterable[Choice], recording: AcquisitionGeometry = OPENFWI
) -> A.Compose | None:
    """Build what a dataset does to each sample; None where nothing is chosen.

    Args:
        choices: names of `GATHER_TRANSFORMS` with their options, in order.
        recording: whose wavelet and time step are the default of the transforms that have such.

    Raises:
        KeyError: if there is no such transform; it names the nearest.
        TypeError: if it takes no such option, or one is of another kind.
        ValueError: if a value does not fit.
    """
    recorded = {"frequency": recording.frequency, "dt": recording.dt}
    transforms = []
    for choice in choices:
        known = signature(GATHER_TRANSFORMS[choice.name]).parameters
        options = {key: value for key, value in recorded.items() if key in known}
        transforms.append(GATHER_TRANSFORMS.build(choice.name, **options | choice.options))
    return A.Compose(transforms, is_check_shapes=False) if transforms else None
