"""How the comparison's tables look, and which system to choose by them."""

import pandas as pd

from sedutils.papers.comparison.entries import STRONG, WEAK
from sedutils.papers.comparison.results import CutRun
from sedutils.papers.comparison.scoring import METRICS
from sedutils.show.columns import Column, spread

CORPUS = "tut_sed_synthetic_2016"
HEADS = {
    "F1_frm": "frame F1",
    "ER_frm": "ER, frames",
    "F1_1s": "segment F1",
    "ER_1s": "ER, segments",
    "event_F1": "event F1",
    "PSDS1": "PSDS 1",
    "PSDS2": "PSDS 2",
}
SUPERVISION = {STRONG: "with times", WEAK: "from tags alone"}


def in_time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def scored(metric: str) -> Column:
    """The column of a metric; of the frame F1 with its interval."""
    digits, better = (1, "max") if METRICS[metric] else (2, "min")
    return Column(metric, HEADS[metric], digits, better, interval=metric == "F1_frm")


SYSTEM, PAPER = Column("title", "system"), Column("paper")
SCORES = [
    SYSTEM,
    PAPER,
    Column("supervision", "labels"),
    *map(scored, METRICS),
    Column("seeds", digits=0),
]
COSTS = {
    "parameters": Column("parameters", digits=0, better="min"),
    "training_s": Column("training_s", "training", better="min", form=in_time),
    "real_time_factor": Column("real_time_factor", better="min", form="{:.2g}".format),
}


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Best frame F1 first."""
    return table.sort_values("F1_frm_mean", ascending=False, kind="stable")


def parted(table: pd.DataFrame) -> list[pd.Series]:
    """The best system by frame F1 of each supervision, the best of all first."""
    return [row for _, row in ranked(table).drop_duplicates("supervision").iterrows()]


def choice(table: pd.DataFrame, leads: pd.DataFrame) -> list[str]:
    """Which system these numbers speak for, by what a reader needs.

    table, leads : of `sedutils.papers.comparison.scoring`
    """
    best, *others = parted(table)
    equals = leads[~leads.clear]
    near = table[table.system.isin([best.system, *equals.system])]
    beside = f"Not clearly behind it: {', '.join(equals.title)}."
    alone = "All others are clearly behind it."
    items = [f"Most frames right: {best.title}. {alone if equals.empty else beside}"]
    needs = {
        "Few parameters": "parameters",
        "Little time to listen": "real_time_factor",
        "Little time to train": "training_s",
    }
    for need, cost in needs.items():
        if len(near) > 1 and near[cost].notna().any():
            row = near.loc[near[cost].idxmin()]
            items.append(f"{need}: of these {row.title} ({COSTS[cost].cell(row)}).")
    needs = {
        "Events on time, each once": "event_F1",
        "Events on time, whatever the threshold": "PSDS1",
        "Which classes there are, borders roughly": "PSDS2",
    }
    items += [f"{need}: {winner(table, metric)}." for need, metric in needs.items()]
    for other in others:
        row = leads.set_index("system").loc[other.system]
        items.append(
            f"Labels {SUPERVISION[other.supervision]}: {other.title}, {row.behind:.1f} points of frame F1 "
            f"behind {best.title} ({'clearly' if row.clear else 'not clearly'}); what an annotator of times "
            "costs is to be weighed against that."
        )
    return items


def winner(table: pd.DataFrame, metric: str) -> str:
    """The system with the highest mean of a metric, and the next one."""
    first, *rest = table.sort_values(f"{metric}_mean", ascending=False, kind="stable").iloc
    if first[f"{metric}_mean"] <= 0:
        return "none, all have 0"
    words = f"{first.title} ({HEADS[metric]} {spread(first, metric)})"
    return words + "".join(f"; next {row.title} ({spread(row, metric)})" for row in rest[:1])


def widths(results: CutRun, designs: dict) -> str:
    """How wide the networks are: units or maps of each; designs : section ``systems``."""
    found = {name: designs[name] for name in results.entries}
    return ", ".join(
        f"{results.entries[name].title} {width}"
        for name, design in found.items()
        if (width := design.get("maps", design.get("channels", design.get("units"))))
    )
