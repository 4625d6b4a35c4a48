"""Scores of audio tagging, where a recording has labels but no times. Numpy alone: training uses it too."""

import numpy as np

from sedutils.metrics import ratios


def tag_f_scores(tags: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """F1 (percent) of each class, NaN for one that no clip has; both bool ``(clips, classes)``."""
    return 100 * ratios.f1((tags & truth).sum(axis=0), truth.sum(axis=0), tags.sum(axis=0))


def equal_error_rates(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Equal error rate of each class, ``(classes,)``, equal to sed_eval's (Sec. III-B, Table VI).

    targets, scores : (chunks, classes), 0 or 1, and any real numbers. A class that is never or always
    there has no rate: NaN, which the mean over classes and folds leaves out (as the challenge does).
    """
    targets, scores = np.asarray(targets, bool), np.asarray(scores, float)
    if targets.shape != scores.shape:
        raise ValueError(f"targets {targets.shape} and scores {scores.shape} differ in shape")
    return np.array([equal_error_rate(t, s) for t, s in zip(targets.T, scores.T, strict=True)])


def equal_error_rate(targets: np.ndarray, scores: np.ndarray) -> float:
    """Where the false positive rate meets the false negative rate, on the straight line between the two
    points of the ROC curve around it; NaN without positives or without negatives."""
    if targets.all() or not targets.any():
        return np.nan
    order = np.argsort(-scores, kind="stable")
    distinct = np.r_[
        np.flatnonzero(np.diff(scores[order])), len(scores) - 1
    ]  # last of equal scores
    hits = np.cumsum(targets[order])[distinct]
    found = np.r_[0, hits / hits[-1]]
    false = np.r_[0, (distinct + 1 - hits) / (len(scores) - hits[-1])]
    after = np.flatnonzero(false + np.spacing(1) >= 1 - found)[0]
    (x1, x2), (y1, y2) = false[after - 1 : after + 1], found[after - 1 : after + 1]
    if abs(x2 - x1) < np.spacing(1):
        return float(x1)
    slope = (y2 - y1) / (x2 - x1)
    return float((1 - y1 + slope * x1) / (1 + slope))
