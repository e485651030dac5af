"""submit: from predicted maps to a validated submission."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fwi.competition import submission
from fwi.competition.packing import check_ending
from fwi.config import Config
from fwi.data.store import Store
from fwi.files import check_free
from fwi.runs import predictions_path, submission_path


@dataclass(frozen=True)
class SubmitResult:
    """The file that was written, and how many rows it has."""

    path: Path
    n_rows: int

    def __str__(self) -> str:
        """Say what was written."""
        return f"{self.path}: {self.n_rows} valid rows"


def run(config: Config, *, force: bool = False) -> SubmitResult:
    """Write the predictions as a submission and validate what was written.

    Args:
        config: reads `submit`, and `name`, `infer.out` for what it leaves open.
        force: replace a file that is there.

    Returns:
        The file and its number of rows.

    Raises:
        BlockingIOError: if another process is writing the file.
        FileExistsError: if the file is there, without `force`.
        FileNotFoundError: if predictions or the sample submission are missing.
        ValueError: if the file has another ending than .csv, .csv.gz or .zip, an id has no
            prediction, or what was written does not validate; the file is not there then.
    """
    out = check_free(check_ending(submission_path(config)), force)
    path = config.submit.predictions or predictions_path(config)
    predictions = Store(path, "fwi infer")
    if not predictions.has_maps:
        raise ValueError(
            f"submit.predictions must hold velocity maps, got gathers alone in {path}; run fwi "
            "infer for them"
        )
    known = {name: i for i, name in enumerate(predictions.catalog["sample_id"])}
    sample = config.submit.sample_submission
    ids = list(known) if sample is None else submission.sample_ids(sample)
    blocks = submission.blocks_in_order(ids, known, predictions.maps)
    return SubmitResult(out, submission.write_blocks(out, blocks, sample))
