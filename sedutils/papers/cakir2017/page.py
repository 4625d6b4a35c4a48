"""How the tables on Cakir et al. 2017 look."""

import pandas as pd

from sedutils.show.columns import Column

# Best is the best method of a metric, and any whose mean lies within one standard deviation of it. (The
# paper's bold also takes methods of which a single run comes that near.)
MORE = {"better": "max", "within": True, "paper": "beside"}
LESS = MORE | {"better": "min"}
METHOD, SEEDS = Column("method"), Column("seeds", digits=0)
TABLE2 = [
    METHOD,
    Column("F1_frm", "F1, frames", **MORE),
    Column("ER_frm", "ER, frames", digits=2, **LESS),
    Column("F1_1s", "F1, 1 s", **MORE),
    Column("ER_1s", "ER, 1 s", digits=2, **LESS),
    SEEDS,
]
SKIPPED = Column("skipped_percent", "seconds left out (%)")
TABLE5 = [METHOD, Column("legacy_F1_1s", "legacy F1, 1 s (%)", **MORE), SKIPPED, SEEDS]
EER = {"EER_dev": "EER, development (%)", "EER_eval": "EER, evaluation (%)"}
TABLE6 = [METHOD, *(Column(name, title, **LESS) for name, title in EER.items()), SEEDS]


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
