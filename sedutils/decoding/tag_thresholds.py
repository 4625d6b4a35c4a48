"""Thresholds of tags from scored examples, and which unlabelled clips a tagger is sure of in every class
(Ebbers & Haeb-Umbach 2020, Sec. 1). Numpy alone: training uses it too.

``scores`` and ``truth`` are ``(examples, classes)``, examples being clips or frames. A class is detected where its
score reaches the detection threshold, and excluded where it lies below the exclusion threshold. Thresholds lie
midway between neighbouring scores; of equally good ones the highest detects, the lowest excludes.
"""

import numpy as np

from sedutils.metrics import ratios


def best_f(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The threshold of the best F-score of each class, and that F-score: both (classes,), float64.

    A class that is never there: infinity, and an F-score of 0.
    """
    found = [best_of_class(s, t, 0.0) for s, t in columns(scores, truth)]
    return tuple(np.array(values) for values in zip(*found, strict=True))


def macro_f(scores: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the best F-scores of the classes that are there at all; 0 where none is."""
    _, each = best_f(scores, truth)
    there = np.asarray(truth, bool).any(axis=0)
    return float(each[there].mean()) if there.any() else 0.0


def detection(scores: np.ndarray, truth: np.ndarray, precision: float) -> np.ndarray:
    """The threshold of the best F-score at more than this precision, (classes,).

    +inf, which detects nothing, where no threshold is that precise (reading E-A07).
    """
    return np.array([best_of_class(s, t, precision)[0] for s, t in columns(scores, truth)])


def exclusion(scores: np.ndarray, truth: np.ndarray, npv: float) -> np.ndarray:
    """The threshold of the best harmonic mean of specificity and negative predictive value (NPV), (classes,).

    Of those with a higher NPV than ``npv``; -inf, which excludes nothing, where there is none (reading E-A07).
    """
    return np.array([exclusion_of_class(s, t, npv) for s, t in columns(scores, truth)])


def included(scores: np.ndarray, detected: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Whether a clip is taken in, bool (clips,): each class is either detected or excluded.

    detected, excluded : thresholds (classes,) of `detection` and `exclusion`
    """
    return ((scores >= detected) | (scores < excluded)).all(axis=1)


def columns(scores: np.ndarray, truth: np.ndarray):
    """Scores and truth of one class after the other. ValueError for shapes that differ or for no example."""
    scores, truth = np.asarray(scores, float), np.asarray(truth, bool)
    if scores.shape != truth.shape or scores.ndim != 2 or not len(scores):
        shapes = f"scores {scores.shape} and truth {truth.shape}"
        raise ValueError(f"{shapes}: both must be (examples, classes), at least one example")
    return zip(scores.T, truth.T, strict=True)


def best_of_class(scores: np.ndarray, truth: np.ndarray, precision: float) -> tuple[float, float]:
    """The highest threshold of the best F-score among those of more than a precision, and that F-score."""
    thresholds, hits, detected = cumulated(scores, truth)
    f = ratios.f1(hits, truth.sum(), detected)
    f[hits <= precision * detected] = 0.0
    best = int(f.argmax())
    return (float(thresholds[best]), float(f[best])) if f[best] > 0 else (np.inf, 0.0)


def exclusion_of_class(scores: np.ndarray, truth: np.ndarray, npv: float) -> float:
    """The lowest threshold of the best harmonic mean, -inf where no threshold has the NPV."""
    thresholds, right, excluded = cumulated(-scores, ~truth)
    share = right / excluded
    specificity = right / max((~truth).sum(), 1)
    mean = 2 * share * specificity / np.maximum(share + specificity, np.finfo(float).tiny)
    mean[share <= npv] = 0.0
    best = int(mean.argmax())
    if not mean[best] > 0:
        return -np.inf
    # all are excluded up to and with the largest score, which itself is not below itself
    return float(np.nextafter(scores.max(), np.inf) if best == len(mean) - 1 else -thresholds[best])


def cumulated(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each threshold, the highest first: itself, how many true ones reach it, how many examples do.

    One between every two neighbouring distinct scores; the last is the lowest score itself.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]  # of equal scores
    below = np.r_[ranked[last[:-1] + 1], ranked[-1]]
    return (ranked[last] + below) / 2, np.cumsum(truth[order])[last], last + 1
