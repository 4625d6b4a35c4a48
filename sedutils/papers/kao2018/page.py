"""How the tables on Kao et al. 2018 look."""

import pandas as pd

from sedutils.papers.kao2018.results import COMPARED, PROBABILITY
from sedutils.show.columns import Column

RATES = [Column("method"), Column("ER", digits=2, better="min", paper="brackets")]  # of each class
CHOICE = [
    Column("class"),
    Column("split", "chosen on"),
    Column("units", "GRU units", digits=0, paper="brackets"),
    Column("nodes", "M", digits=0, paper="brackets"),
    Column("parameters", digits=0, paper="brackets"),
    Column("error_rate", "ER there", digits=2),
]
COMPARISON = [
    Column("method"),
    Column("chosen", "choices"),
    Column("dev_ER", "development ER", digits=2),
    Column("dev_F", "F1 (%)"),
    Column("eval_ER", "evaluation ER", digits=2),
    Column("eval_F", "F1 (%)"),
]
CLASSES = [Column("class"), Column("ER", digits=2), Column("F1", "F1 (%)")]  # of each split
PROBABILITIES = [
    Column("class"),
    Column("split", "clips"),
    Column("probability", "probability by validation", digits=2),
    Column("ER_by_validation", "ER with it", digits=2),
    Column("ER_best_there", "ER with the best for these clips", digits=2),
    Column("ER_as_printed", f"ER with {PROBABILITY}", digits=2),
]


def with_choices(table: pd.DataFrame) -> pd.DataFrame:
    """Table 4 with a column that says how each of our rows was chosen."""
    ours = table[table.ours.astype(bool)]
    chosen = [
        f"units and nodes by {chosen}, {accepted}; {seeds(count)}"
        for (chosen, accepted), count in zip(ours.method.map(COMPARED), ours.seeds, strict=True)
    ]
    return table.assign(chosen=pd.Series(chosen, ours.index).reindex(table.index, fill_value=""))


def seeds(count: float) -> str:
    return f"{count:.0f} seed{'s' * (count > 1)}"
