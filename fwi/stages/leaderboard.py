"""leaderboard: every run, and the baselines, on one validation fold."""

from __future__ import annotations

from pathlib import Path

from fwi.baselines.gathers import BASELINES
from fwi.competition.leaderboard import Contest, Leaderboard
from fwi.config import Config
from fwi.data.folds import split
from fwi.data.store import Store
from fwi.files import atomic_file
from fwi.runs import finished_runs


def run(config: Config, *, force: bool = False) -> Leaderboard:
    """Compare runs on a fold of the config's store.

    Args:
        config: reads `leaderboard`, `store`, `runs` and `machine`.
        force: taken for the stages' common signature; the table is always made anew.

    Returns:
        The table, which is kept as `leaderboard.parquet` beside the runs too.

    Raises:
        FileNotFoundError: if the store or a named run is missing.
        KeyError: if a baseline is unknown.
        ValueError: if the fold or the rest is too small, the store has no maps, or there is
            nothing to compare.
    """
    section = config.leaderboard
    training, validation = split(Store(config.store_path), section.fold)
    runs = [Path(name) for name in section.runs] or [r.path for r in finished_runs(config.runs)]
    baselines = list(BASELINES) if section.baselines is None else section.baselines
    if not runs and not baselines:
        raise ValueError(
            "leaderboard.runs or leaderboard.baselines must name something, got neither and no "
            f"finished run in {config.runs}; train one first"
        )
    contest = Contest(training, validation, section.fold, section.tta, config.machine.device)
    board = contest.compare(runs, baselines)
    with atomic_file(config.runs / "leaderboard.parquet") as temporary:
        board.table.write_parquet(temporary)
    return board
