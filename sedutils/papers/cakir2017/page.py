"""How the tables on Cakir et al. 2017 look."""

import pandas as pd

from sedutils.show.columns import Column

FRAMES_F1 = Column("F1_frm", "F1, frames", better="max", within=True, paper="beside")
FRAMES_ER = Column("ER_frm", "ER, frames", digits=2, better="min", within=True, paper="beside")
SEEDS = Column("seeds", digits=0)
# Best is the best method of a metric, and any whose mean lies within one standard deviation of it. (The
# paper's bold also takes methods of which a single run comes that near.)
TABLE2 = [
    Column("method"),
    FRAMES_F1,
    FRAMES_ER,
    Column("F1_1s", "F1, 1 s", better="max", within=True, paper="beside"),
    Column("ER_1s", "ER, 1 s", digits=2, better="min", within=True, paper="beside"),
    SEEDS,
]
TABLE5 = [
    Column("method"),
    Column("legacy_F1_1s", "legacy F1, 1 s (%)", better="max", within=True, paper="beside"),
    Column("skipped_percent", "seconds left out (%)"),
    SEEDS,
]
TABLE6 = [
    Column("method"),
    Column("EER_dev", "EER, development (%)", better="min", within=True, paper="beside"),
    Column("EER_eval", "EER, evaluation (%)", better="min", within=True, paper="beside"),
    SEEDS,
]


def table3(systems: list[str]) -> list[Column]:
    """Table III: frame F1 of each class, systems side by side."""
    about = {"better": "max", "rivals": tuple(systems), "paper": "beside", "paper_digits": 0}
    return [Column("class"), *(Column(name, name.upper(), **about) for name in systems)]


def variants(name: str) -> list[Column]:
    """Variants of a network; ``name`` is the column that says what varies."""
    return [
        Column(name),
        Column("parameters", digits=0),
        Column("best_epoch", digits=0),
        Column("validation_score_mean", "F1, validation", form="{:.1%}".format),
        Column("F1_frm", "F1, frames", better="max", paper="beside"),
        Column("ER_frm", "ER, frames", digits=2),
    ]


def quoted(table: pd.DataFrame) -> pd.DataFrame:
    """Table V or VI with the sources of quoted rows behind their names; a star marks scene-dependent systems."""
    source = table.quoted_from.map(" {}".format).where(table.quoted_from.notna(), "")
    if "scene_dependent" in table:
        source += (table.scene_dependent.astype(str) == "True").map({True: " *", False: ""})
    return table.assign(method=table.method + source)
