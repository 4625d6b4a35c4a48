"""What the scores of a chapter are compared with: the annotation of a split, kept scores, means over seeds.

Scores are kept for every system and seed, so everything behind them changes without training.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.features.frames import Frames
from sedutils.metrics import bootstrap, segments


@dataclass(frozen=True)
class Reference:
    """The annotation of one split: a bool roll (frames, classes) for each recording."""

    recordings: pd.DataFrame
    labels: list[str]
    rolls: dict[str, np.ndarray]

    @classmethod
    def read(cls, features: Path, split: str, fold: int | None = None) -> "Reference":
        """From the targets in a features folder; ``fold`` where it has folds."""
        frames = Frames.read(features, split, fold=fold)
        labels = (Path(features) / "labels.txt").read_text().split("\n")[:-1]
        rolls = {
            r.recording: np.array(
                frames.targets[r.first_frame : r.first_frame + r.frames], dtype=bool
            )
            for r in frames.recordings.itertuples()
        }
        return cls(frames.recordings, labels, rolls)

    def split(self, whole: np.ndarray) -> dict[str, np.ndarray]:
        """Rows of all recordings below each other, as one array a recording."""
        parts = np.split(whole, np.cumsum(self.recordings.frames)[:-1])
        return dict(zip(self.recordings.recording, parts, strict=True))

    def counts(self, rolls: dict[str, np.ndarray], *, segment_frames: int = 1) -> segments.Counts:
        """Counts of decisions per unit of the bootstrap (`bootstrap.unit_counts`)."""
        return bootstrap.unit_counts(self.rolls, rolls, segment_frames=segment_frames)


def read_scores(
    folder: Path, system: str, seed: int, split: str, fold: int | None = None
) -> np.ndarray:
    """The kept scores of one system and seed (and fold) in the folder of a family.

    ``(frames, classes)`` of all recordings below each other; ``(recordings, classes)`` of a system that
    pools over time.
    """
    where = folder / system / str(seed)
    where = where if fold is None else where / f"fold{fold}"
    return np.load(where / f"scores_{split}.npy")


def with_printed(table: pd.DataFrame, printed: pd.DataFrame, source: str) -> pd.DataFrame:
    """A table with a column ``paper_*`` for each printed one and, on official data alone, the difference.

    printed : a row for each of the table's; its ``F1`` or ``F1_mean`` stands beside the table's ``F1_mean``
    """
    table = table.copy()
    for column in printed.columns:
        table[f"paper_{column}"] = printed[column].to_numpy()
        name = column.removesuffix("_mean")
        if source == "official" and f"{name}_mean" in table:
            table[f"{name}_difference"] = table[f"{name}_mean"] - table[f"paper_{column}"]
    return table


def beside_quoted(
    ours: pd.DataFrame, printed: pd.DataFrame, metrics: tuple[str, ...], source: str
) -> pd.DataFrame:
    """A printed table with rows quoted from elsewhere, and ours where a method of that name is; ours alone last."""
    renamed = {c: f"paper_{c}" for c in printed if c.startswith(metrics)} | {"cites": "quoted_from"}
    theirs = printed.drop(columns="quoted").rename(columns=renamed)
    table = theirs.merge(ours, "outer", on="method", sort=False)
    order = [*printed.method, *(m for m in ours.method if m not in set(printed.method))]
    table = table.set_index("method").loc[order].reset_index()
    if source == "official":
        for metric in metrics:
            table[f"{metric}_difference"] = table[f"{metric}_mean"] - table[f"paper_{metric}_mean"]
    return table


def provenance(table: pd.DataFrame, **columns: str) -> pd.DataFrame:
    """A table with where its numbers come from (corpus, source, size) before all other columns."""
    first = pd.DataFrame(columns, index=table.index)
    return pd.concat([first, table], axis=1)


def class_columns(values: dict[str, np.ndarray], labels: list[str]) -> pd.DataFrame:
    """``<system>_mean`` and ``<system>_std`` over seeds of values ``(seeds, classes)``, a row a class."""
    table = pd.DataFrame(index=pd.Index(labels, name="class"))
    for system, each in values.items():
        table[f"{system}_mean"] = each.mean(axis=0)
        table[f"{system}_std"] = each.std(axis=0, ddof=1) if len(each) > 1 else np.nan
    return table


def mean_and_std(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1) over seeds, and how many there are."""
    values = rows.drop(columns="seed").groupby(by, sort=False)
    table = values.agg(["mean", "std"])
    table.columns = [f"{a}_{b}" for a, b in table.columns]
    return table.assign(seeds=values.size()).reset_index()
