"""Choice of thresholds on validation data (Phan et al. 2018, Sec. 4.2 and 4.4).

Every class is searched alone, since the mean of F1 over classes is largest where each of them is (reading
B10). F1 counts hits as the paper does, or events one to one, by ``count`` of `sedutils.metrics.hits`. Among
pairs that are equally good the middle one is taken, which is the safest where validation data leave a wide
choice.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedutils.decoding import smoothing
from sedutils.decoding.confidence import ConfidenceRule, regions, votes
from sedutils.decoding.thresholds import middle_of_best
from sedutils.metrics.hits import ClassEvents, HitCounts, count_hits

ALPHAS = np.arange(101) / 100
BETAS = np.arange(21) / 20
WINDOWS = np.arange(1, 257, 6)  # frames; all odd (reading B21)


@dataclass(frozen=True, eq=False)
class MedianRule:
    """The baseline's choice: thresholds and widths of the median filters in frames, both ``(classes,)``."""

    alpha: np.ndarray
    window: np.ndarray

    def decide(self, *models: np.ndarray) -> np.ndarray:
        """Decisions, bool ``(frames, classes)``, from the activities of one recording.

        Those of several models are averaged (reading B19).
        """
        above = np.mean(models, axis=0) > self.alpha
        smooth = [
            smoothing.median_filter(column, int(w))
            for column, w in zip(above.T, self.window, strict=True)
        ]
        return np.stack(smooth, axis=1)


def search_confidence(
    estimates: list[np.ndarray],
    references: list[np.ndarray],
    *,
    alphas: np.ndarray = ALPHAS,
    betas: np.ndarray = BETAS,
    lag: int | None = None,
    count=count_hits,
) -> tuple[ConfidenceRule, np.ndarray]:
    """The best alpha and beta of each class, and F1 of every pair, ``(classes, alphas, betas)``.

    estimates : a recording each, ``(frames, 3, classes)`` with distances in frames
    references : bool ``(frames, classes)``
    """
    check_pairs([e[:, 0] for e in estimates], references)
    areas = [regions(e, lag) for e in estimates]
    f1, constants = [], []
    for c in range(references[0].shape[1]):
        sums = [
            votes(e[:, 0, c], first[:, c], stop[:, c], alphas)
            for e, (first, stop) in zip(estimates, areas, strict=True)
        ]
        constant = np.max([s.max(axis=1) for s in sums], axis=0)
        constant[constant == 0] = 1  # no activity above alpha anywhere
        scaled = (s / constant[:, None] for s in sums)
        f1.append(f1_of_curves(scaled, [r[:, c] for r in references], betas, count))
        constants.append(constant)
    pairs = np.array([middle_of_best(grid) for grid in f1])
    of_alpha, of_beta = pairs.T
    constant = np.array(constants)[np.arange(len(pairs)), of_alpha]
    return ConfidenceRule(alphas[of_alpha], betas[of_beta], constant, lag), np.array(f1)


def search_median(
    scores: list[np.ndarray],
    references: list[np.ndarray],
    *,
    alphas: np.ndarray = ALPHAS,
    windows: np.ndarray = WINDOWS,
    count=count_hits,
) -> tuple[MedianRule, np.ndarray]:
    """The best window and alpha of each class, and F1 of every pair, ``(classes, windows, alphas)``.

    A median of decisions is the decision about the median, so one filtering serves all thresholds.

    scores, references : a recording each, activities and bool, ``(frames, classes)``
    """
    check_pairs(scores, references)
    f1 = []
    for c in range(references[0].shape[1]):
        smooth = (
            np.stack([smoothing.median_filter(s[:, c], int(w)) for w in windows]) for s in scores
        )
        f1.append(f1_of_curves(smooth, [r[:, c] for r in references], alphas, count))
    of_window, of_alpha = np.array([middle_of_best(grid) for grid in f1]).T
    return MedianRule(alphas[of_alpha], windows[of_window]), np.array(f1)


def f1_of_curves(curves, references, thresholds: np.ndarray, count) -> np.ndarray:
    """F1 ``(curves, thresholds)`` of one class, pooled over recordings.

    curves : of each recording ``(curves, frames)``; events are runs above a threshold
    references : of each recording, bool ``(frames,)``
    """
    counts, events = 0, 0
    for rows, active in zip(curves, references, strict=True):
        reference = ClassEvents.from_activity(active)
        rows = np.ascontiguousarray(rows, np.float64)
        counts += np.stack([count(row, thresholds, reference) for row in rows], axis=1)
        events += len(reference.start)
    outputs, correct, found = counts
    return HitCounts(np.full(outputs.shape, events), found, outputs, correct).f1_score


def check_pairs(scores: list[np.ndarray], references: list[np.ndarray]) -> None:
    """ValueError unless there are recordings and each one's arrays are of one shape."""
    if not references or len(scores) != len(references):
        raise ValueError(f"{len(scores)} recordings with scores, {len(references)} with references")
    for i, (s, r) in enumerate(zip(scores, references, strict=True)):
        if s.shape != r.shape:
            raise ValueError(f"recording {i}: scores {s.shape} and reference {r.shape}")


def thresholds(results: dict) -> pd.DataFrame:
    """What was chosen on validation data: one row a corpus, seed and class; windows in frames.

    results : corpus -> `sedutils.papers.phan2018.results.MultitaskRun`
    """
    parts = []
    for corpus, run in results.items():
        rules = zip(run.seeds, run.rules["proposed"], run.rules["baseline"], strict=True)
        for seed, proposed, baseline in rules:
            columns = {"corpus": corpus, "seed": seed, "class": run.labels}
            columns |= {"alpha": proposed.alpha, "beta": proposed.beta}
            columns |= {"baseline_alpha": baseline.alpha, "baseline_window": baseline.window}
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
