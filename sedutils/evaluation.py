"""From kept scores to numbers: decisions, counts per unit, score tables with their reference rows.

Scores are kept for every system and seed, so everything here changes without training.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from sedutils import claims, decoding, metrics
from sedutils.frames import Frames

SECOND_FRAMES = 50
# The DCASE 2016 baseline compares the summed log-likelihood ratio of a second's 50 frames with 160
GMM_THRESHOLD = float(expit(160 / 50))


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

    def counts(self, rolls: dict[str, np.ndarray], *, segment_frames: int = 1) -> metrics.Counts:
        """Counts of decisions per unit of the bootstrap (`claims.unit_counts`)."""
        return claims.unit_counts(self.rolls, rolls, segment_frames=segment_frames)


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


def decide(
    reference: Reference, scores: np.ndarray, threshold: float, rule: dict | None = None
) -> dict[str, np.ndarray]:
    """Decisions per recording; ``rule`` gives `decoding.tidy` its shortest event and gap (the GMM)."""
    rolls = {k: decoding.decide(part, threshold) for k, part in reference.split(scores).items()}
    return {k: decoding.tidy(roll, **rule) for k, roll in rolls.items()} if rule else rolls


def best_threshold(reference: Reference, scores: np.ndarray, rule: dict | None = None) -> float:
    """The threshold with the highest frame F1 out of 40 quantiles of the scores and 0.5."""
    candidates = np.unique(np.append(np.quantile(scores, np.linspace(0.6, 0.995, 40)), 0.5))
    f1 = [
        claims.f1_score(reference.counts(decide(reference, scores, t, rule)).sum())
        for t in candidates
    ]
    return float(candidates[int(np.argmax(f1))])


def class_f1(reference: Reference, rolls: dict[str, np.ndarray]) -> np.ndarray:
    """Frame F1 of each class in percent, 0 for a class that never sounds (Table III)."""
    counts = reference.counts(rolls).sum()
    return 100 * np.nan_to_num(metrics.class_wise_values(counts)["f1_score"])


def mean_and_std(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1) over seeds, and how many there are."""
    values = rows.drop(columns="seed").groupby(by, sort=False)
    table = values.agg(["mean", "std"])
    table.columns = [f"{a}_{b}" for a, b in table.columns]
    return table.assign(seeds=values.size()).reset_index()
