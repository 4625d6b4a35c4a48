"""How the tables on Phan et al. 2018 look."""

import pandas as pd

from sedutils.papers.phan2018.results import METRICS, SYSTEMS
from sedutils.show.columns import Column
from sedutils.show.titles import TITLES

CORPUS = Column("corpus", names=TITLES)
ONE_TO_ONE = [
    CORPUS,
    Column("system"),
    Column("thresholds", "thresholds chosen by"),
    *(Column(f"{kind}_{metric}") for metric in METRICS for kind in ("average", "overall")),
]
DISTANCES = [
    CORPUS,
    Column("boundary", "distance to"),
    Column("mean_distance_s", "mean distance (s)", digits=2),
    Column("error_s", "error of the network (s)", digits=2),
    Column("constant_s", "error of the class's mean (s)", digits=2),
    Column("correlation", digits=2),
]


def table(found: pd.DataFrame) -> list[Column]:
    """Table 1 or 2; bold is the better system of a class, by the paper's own rule for its two columns."""
    columns = [Column("class"), Column("references", "test events", digits=0)]
    for metric in METRICS:
        rivals = tuple(f"{name}_{metric}" for name in SYSTEMS)
        better = "max" if metric == "F1" else "min"
        columns += [Column(r, better=better, rivals=rivals, paper="brackets") for r in rivals]
    quoted = [m for m in METRICS if f"paper_dualdnn_{m}" in found]
    columns += [Column(f"paper_dualdnn_{m}", f"dual-DNN {m} (quoted)") for m in quoted]
    return columns + [Column(f"always_on_{m}") for m in METRICS]
