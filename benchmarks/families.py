"""How far generated maps are from real ones, family by family.

    python benchmarks/families.py --real ../shared/data/openfwi_maps --out report
    python benchmarks/families.py ... --parts transfer --checkpoint runs/mine --maps 300

The folder of real maps holds `many_FAMILY.npz` (exact, `maps` (n, 70, 70), m/s), `pictures.npz`
(recovered from pictures, by family) and FAMILY.npy (one recovered from a figure); what is not there
is left out. First halves, even numbers and figures may have been fitted; second halves and odd
numbers judge. Four parts:

- statistics: moments over all cells beside those printed for the full set; every statistic of
  `fwi.families.statistics` beside that of exact real maps; for pictures, how many statistics lie
  beyond 1 to 99 % of generated maps;
- judges: gradient-boosted trees on those statistics and a small network on maps learn on first
  halves and generated maps, and are asked about second halves and others: 50 % is chance;
- transfer: error of a network on real maps over that on generated ones, all gathers simulated;
- pictures: sheets of real maps above generated ones.

Writes report.md, tables/ and pictures/ into the folder, and rows that are kept: what is there is
not done again, unless a generator draws other maps than it did. Real maps are the data set's, under
its licence (CC BY-NC-SA 4.0): so are pictures of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import polars as pl
from realism_judges import JUDGES, judge, judges_table
from realism_maps import SHOWN, Real, Rows, generated, real, version
from realism_statistics import outliers, pooled, pooled_table, side_by_side
from realism_transfer import transfer, transfer_table

import fwi
from fwi import families
from fwi.files import atomic_file
from fwi.openfwi import FAMILIES
from fwi.progress import progress_bar
from fwi.report.pictures import save_maps

_COLUMNS = 7  # maps of a row of a sheet


class Report:
    """The report's folder and what is asked for."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.out = asked, asked.out
        for folder in ("tables", "pictures"):
            (self.out / folder).mkdir(parents=True, exist_ok=True)
        self.maps = {family: real(asked.real, family) for family in asked.families}
        self.versions = {family: version(family) for family in asked.families}

    def rows(self, part: str, *key: str) -> Rows:
        """Take up the rows of a part."""
        return Rows(self.out / f"{part}.parquet", "family", "generator", *key)

    def each(self, part: str, do: Callable[[str, Real], None]) -> None:
        """Go through the families."""
        with progress_bar(part, len(self.maps)) as advance:
            for family, maps in self.maps.items():
                do(family, maps)
                advance(note=family)

    def statistics(self) -> dict[str, pl.DataFrame]:
        """Compare statistics; give the tables by title."""
        rows, lines = self.rows("pooled", "n"), []
        n = self.asked.described

        def one(family: str, maps: Real) -> None:
            pooled(rows, family, self.versions[family], self.asked.pooled)
            if len(maps.kept):
                self.table(f"{family}_exact", side_by_side(family, maps, n))
            if len(maps.pictures):
                line, percentiles = outliers(family, maps, n)
                lines.append(line)
                self.table(f"{family}_pictures", percentiles)

        self.each("statistics", one)
        return {
            "Over all cells, generated (printed)": pooled_table(rows.of(self.versions)),
            "Pictures: statistics beyond 1 to 99 % of generated maps": pl.DataFrame(lines),
        }

    def judges(self) -> dict[str, pl.DataFrame]:
        """Ask judges where there are real maps enough; give the table."""
        rows = self.rows("judges", "judge", "seed")
        many = {family: maps for family, maps in self.maps.items() if len(maps.kept)}
        if not many:
            return {}
        jobs = [(*item, name, seed) for item in many.items() for name in JUDGES
                for seed in range(self.asked.seeds[JUDGES.index(name)])]  # fmt: skip
        with progress_bar("judges", len(jobs)) as advance:
            for family, maps, name, seed in jobs:
                judge(rows, family, self.versions[family], maps, name, seed)
                advance(note=f"{family} {name}")
        return {"Judges: right about maps kept apart": judges_table(rows.of(self.versions))}

    def transfer(self) -> dict[str, pl.DataFrame]:
        """Predict real and generated maps; give the table."""
        rows = self.rows("transfer", "checkpoint", "source", "asked")
        name, predictor = self.asked.checkpoint, fwi.load(self.asked.checkpoint)

        def one(family: str, maps: Real) -> None:
            version = self.versions[family]
            transfer(rows, family, version, maps, (name, predictor), self.asked.maps)

        self.each("transfer", one)
        found = rows.of(self.versions).filter(checkpoint=name, asked=self.asked.maps)
        return {f"Errors of {name}, m/s: real over generated": transfer_table(found)}

    def pictures(self) -> dict[str, pl.DataFrame]:
        """Draw sheets of real and generated maps, and one of generated maps alone."""
        shown = {f: families.sample(f, 2 * _COLUMNS, SHOWN) for f in self.maps}
        for family, maps in self.maps.items():
            own = {"real, exact": maps.seen[:_COLUMNS], "real, pictures": maps.pictures}
            other = shown[family] if not len(maps.seen) else generated(family, 14, SHOWN)
            two = {"generated": other[:_COLUMNS], "generated ": other[_COLUMNS:]}
            sheet = {title: stack for title, stack in own.items() if len(stack)} | two
            save_maps(self.out / "pictures" / f"{family}.png", sheet, _COLUMNS)
        save_maps(self.out / "pictures" / "generated.png", shown, _COLUMNS, dpi=70)
        return {}

    def table(self, name: str, table: pl.DataFrame) -> None:
        """Write a table of its own."""
        with atomic_file(self.out / "tables" / f"{name}.md") as temporary:
            temporary.write_text(markdown(table) + "\n", encoding="utf-8")


def markdown(table: pl.DataFrame) -> str:
    """Lay a table out."""
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN", tbl_hide_column_data_types=True, tbl_rows=-1, tbl_cols=-1,
        tbl_hide_dataframe_shape=True, fmt_str_lengths=200, tbl_width_chars=400,
    ):  # fmt: skip
        return str(table)


def main() -> None:
    """Do the parts, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ("statistics", "judges", "transfer", "pictures")
    parser.add_argument("--real", type=Path, required=True, help="folder of real maps")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    parser.add_argument("--parts", nargs="+", default=parts, choices=parts)
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=FAMILIES)
    parser.add_argument("--pooled", type=int, default=20_000, help="maps of the moments")
    parser.add_argument("--described", type=int, default=3000, help="maps of the statistics")
    parser.add_argument("--seeds", type=int, nargs=2, default=(3, 2), help="of trees, of networks")
    parser.add_argument("--checkpoint", default="default", help="as fwi.load takes it")
    parser.add_argument("--maps", type=int, default=100, help="of transfer, a family")
    asked = parser.parse_args()
    if not asked.real.is_dir():
        parser.error(f"--real must be a folder of real maps, got {asked.real}, which is none")
    report = Report(asked)
    sections = []
    for part in asked.parts:
        for title, table in getattr(report, part)().items():
            sections.append(f"## {title}\n\n{markdown(table)}\n")
            print(sections[-1], flush=True)
            with atomic_file(report.out / "report.md") as temporary:
                temporary.write_text("\n".join(sections), encoding="utf-8")


if __name__ == "__main__":
    main()
