"""How the tables on the "gradual network" look, and the result in words."""

import pandas as pd

from sedutils.claims import verdicts
from sedutils.metrics.rare import AVERAGE
from sedutils.papers.gradual.results import CONTROLS, SYSTEMS
from sedutils.show.columns import Column

TABLE1 = [
    Column("system"),
    Column("ER", digits=2, better="min", paper="brackets"),
    Column("F1", better="max", paper="brackets"),
]  # of each class
SELECTIONS = [
    Column("system", names=SYSTEMS),
    Column("ER", "average ER", digits=2),
    Column("F1", "average F1"),
]  # of each choice
TABLE2 = [
    Column("class"),
    Column("events", digits=0),
    Column("median_s", "median s", digits=2, paper="brackets"),
    Column("phones_per_event", "phones an event"),
    Column("phones_per_s", "a second"),
    Column("no_speech", "SIL, SPN", form="{:.0%}".format),
    Column("most_frequent", "most frequent here, in percent"),
    Column("paper_phones", "the paper's"),
]
CLIPS = {
    ("evaluation", "validation"): "evaluation clips, thresholds from validation (Table 1)",
    ("evaluation", "evaluation"): "evaluation clips, thresholds from the same clips: "
    "selected on what is reported",
    ("development", "validation"): "development clips, thresholds from validation",
}


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Table 1 with systems and classes as the paper calls them, and how many events a class has."""
    ours = ~table.quoted.astype(bool)
    events = table[ours].groupby("class").events.first()
    classes = {name: f"{name}, {count:.0f} events" for name, count in events.items()}
    systems = table.system.map(SYSTEMS).where(ours, table.system + " (quoted)")
    return table.assign(system=systems, **{"class": table["class"].map(classes)})


def choices(table: pd.DataFrame) -> pd.DataFrame:
    """Averages over classes, with the choice of thresholds in words."""
    rows = table[table["class"] == AVERAGE]
    keys = zip(rows.split, rows.selected, strict=True)
    return rows.assign(choice=[CLIPS[key] for key in keys])


def gained(table: pd.DataFrame) -> str:
    """What ASR features add to average F1, over each control; ``table`` of `results.gains`."""
    rows = table.set_index(["control", "metric", "class"])
    parts = []
    for control, words in CONTROLS.items():
        row = rows.loc[(control, "F1", AVERAGE)]
        outcome = verdicts.outcome((row.low, row.high))
        seen = {"holds": "a gain", "fails": "a loss", "undecided": "undecided"}[outcome]
        parts.append(f"{words} **{row.value:+.1f}** points [{row.low:.1f}, {row.high:.1f}]: {seen}")
    return "; ".join(parts)
