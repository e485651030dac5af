"""Judges that learn on half of the real maps, and are asked about the other half."""

from __future__ import annotations

import polars as pl
from realism_maps import ASKED, LEARNT, Real, Rows, generated

from fwi.analysis.maps_judge import MapsJudge
from fwi.analysis.two_sample import StatisticsJudge, Verdict, ask
from fwi.families.statistics import describe

JUDGES = ("statistics", "maps")
_MORE = 4  # generated maps to learn on, for every real one
_BAR = 0.6


def judge(rows: Rows, family: str, version: str, maps: Real, name: str, seed: int) -> None:
    """Teach one judge and ask it: a row, and for statistics what its answers hang on."""
    if (family, version, name, seed) in rows:
        return
    learnt = generated(family, _MORE * len(maps.seen), LEARNT + seed)
    asked = generated(family, len(maps.kept), ASKED + seed)
    samples = [maps.seen, learnt, maps.kept, asked]
    importance: dict[str, float] = {}
    if name == "statistics":
        tables = [describe(stack) for stack in samples]
        trees = StatisticsJudge(seed).fit(*tables[:2])
        verdict, importance = ask(trees, *tables[2:]), trees.importance(*tables[2:])
    else:
        verdict = ask(MapsJudge(seed).fit(*samples[:2]), *samples[2:])
    gives_away = sorted(importance, key=importance.__getitem__, reverse=True)[:5]
    rows.add(
        [
            {
                "family": family,
                "generator": version,
                "judge": name,
                "seed": seed,
                "right": verdict.right,
                "n": verdict.n,
                "by": ", ".join(f"{s} {importance[s]:.3f}" for s in gives_away),
            }
        ]
    )


def judges_table(found: pl.DataFrame) -> pl.DataFrame:
    """A line a family and judge: accuracy over seeds, and its interval.

    Seeds ask about the same real maps, so they narrow nothing: the interval is that of one asking.
    """
    lines = []
    for (family, name), rows in found.group_by("family", "judge", maintain_order=True):
        n = int(rows["n"][0])
        verdict = Verdict(round(rows["right"].mean()), n)
        each = rows["right"] / rows["n"]
        lines.append(
            {
                "family": family,
                "judge": name,
                "n": n,
                "seeds": len(rows),
                "accuracy, %": round(100 * verdict.accuracy, 1),
                "95 %": "{:.1f}-{:.1f}".format(*(100 * end for end in verdict.interval)),
                "of seeds": f"{100 * each.min():.1f}-{100 * each.max():.1f}",
                "held": verdict.accuracy <= _BAR,
                "by": rows["by"][0],
            }
        )
    return pl.DataFrame(lines)
