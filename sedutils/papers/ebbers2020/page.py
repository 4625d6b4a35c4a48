"""How the tables on Ebbers & Haeb-Umbach 2020 look."""

import pandas as pd

from sedutils.papers.ebbers2020.experiments import WINDOWED
from sedutils.papers.ebbers2020.results import SYSTEMS
from sedutils.show.columns import Column

PAPER_HOP_S = 0.02
CUTS = {"hidden": "cut from the CNN's output", "input": "cut from the input, as printed"}
CONTEXTS = [
    Column("cut", "windows", names=CUTS),
    Column("C", digits=0),
    Column("hears_s", "hears", form="{:.2f} s".format),
    *(Column(name, f"{SYSTEMS[name]}: event F1 (%)") for name in WINDOWED),
]
TABLE3 = [
    Column("class"),
    Column("C", "C, s", digits=2, paper="brackets"),
    Column("M", "M, s", digits=2, paper="brackets"),
    Column("threshold", digits=2),
    Column("events", "public events", digits=0),
    Column("validation"),
    Column("crossed", "other half"),
    Column("public"),
    Column("paper_F", "paper"),
]
DETECTION = [
    Column("system"),
    Column("networks", digits=0),
    Column("F", "event F1 (%)", better="max"),
    Column("single", "one of each"),
    Column("psds1", "PSDS 1", digits=3, better="max"),
    Column("psds2", "PSDS 2", digits=3, better="max"),
]
POOLINGS = [
    Column("system"),
    Column("tag_F", "tag F1 (%)", better="max"),
    Column("F", "event F1 (%)", better="max"),
    Column("tag_F_together", "tags, together"),
    Column("F_together", "events, together"),
]
INCLUDED = [
    Column("system"),
    Column("seed", digits=0),
    Column("at_step", "the first by step", digits=0),
    Column("most", "most", digits=0),
    Column("mean", "mean"),
]


def in_seconds(table: pd.DataFrame, hop_s: float) -> pd.DataFrame:
    """Table 3 with context and median in seconds, and the challenge's baseline below where it is printed."""
    frames = {name: table[name].astype(float) * hop_s for name in "CM"}
    frames |= {f"paper_{n}": table[f"paper_{n}"].astype(float) * PAPER_HOP_S for n in "CM"}
    baseline = {"class": "baseline of the challenge (quoted)", "paper_F": table.baseline_F.iloc[-1]}
    rows = [baseline] if pd.notna(baseline["paper_F"]) else []
    return pd.DataFrame([*table.assign(**frames).to_dict("records"), *rows])
