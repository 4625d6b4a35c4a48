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


def mean_and_std(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1) over seeds, and how many there are."""
    values = rows.drop(columns="seed").groupby(by, sort=False)
    table = values.agg(["mean", "std"])
    table.columns = [f"{a}_{b}" for a, b in table.columns]
    return table.assign(seeds=values.size()).reset_index()
