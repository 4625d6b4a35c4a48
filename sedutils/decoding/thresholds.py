"""Thresholds: decisions by them, and their choice on validation data.

Every search here takes the candidate with the highest score (`best`). What is scored, which candidates are
tried, and which of equally good ones is taken differ as the papers do.
"""

import numpy as np
from scipy.special import expit

from sedutils.decoding.smoothing import tidy
from sedutils.metrics import events, rare, ratios, segments
from sedutils.metrics.hits import HitCounts

# The DCASE 2016 baseline compares the summed log-likelihood ratio of a second's 50 frames with 160
GMM_THRESHOLD = float(expit(160 / 50))
# Thresholds on events are tried at these quantiles of a class's scores, most of them high, as events are short, and
# evenly between the least and the largest score, since scores that separate well leave a gap that no quantile hits
QUANTILES, STEPS = 1 - np.geomspace(0.98, 0.002, 40), 20
PROBABILITIES = np.arange(1, 20) / 20  # of events, from which on they may be accepted


def decide(scores, threshold=0.5):
    """Active where score >= threshold (Cakir et al. 2017, section II: p >= C) -> bool.

    threshold: one number, or (n_classes,) for one a class.
    """
    return np.asarray(scores) >= np.asarray(threshold)


def decisions(
    scores: dict[str, np.ndarray], threshold: float, rule: dict | None = None
) -> dict[str, np.ndarray]:
    """Rolls of recordings from their scores; ``rule``: arguments of `smoothing.tidy` (the GMM's), if any."""
    rolls = {name: decide(part, threshold) for name, part in scores.items()}
    return {name: tidy(roll, **rule) for name, roll in rolls.items()} if rule else rolls


def best(candidates, scores, *, ties: str = "first") -> tuple[float, float]:
    """The candidate with the highest score, and that score; of equally good ones the first or the middle one."""
    scores = np.asarray(scores)
    place = int(np.argmax(scores))
    if ties == "middle":
        equal = np.flatnonzero(np.isclose(scores, scores.max()))
        place = equal[len(equal) // 2]
    return float(candidates[place]), float(scores[place])


def middle_of_best(grid: np.ndarray) -> tuple[int, int]:
    """Row and column of the best cell; of several the one nearest to their mean, then the first.

    Without any score, that is without a reference event, all cells are equally good.
    """
    equal = np.ones(grid.shape, bool)
    if not np.isnan(grid).all():
        equal = np.isclose(grid, np.nanmax(grid), 1e-12)
    cells = np.argwhere(equal)
    away = (cells - cells.mean(axis=0)) / grid.shape  # axes differ in length
    row, column = cells[np.argmin(np.square(away).sum(axis=1))]
    return int(row), int(column)


def search_quantiles(
    references: dict[str, np.ndarray], scores: dict[str, np.ndarray], rule: dict | None = None
) -> float:
    """The threshold with the highest frame F1 out of 40 quantiles of the scores and 0.5; of equals the lowest.

    references, scores, rule : as in `decisions`, by recording
    """
    every = np.concatenate(list(scores.values()))
    candidates = np.unique(np.append(np.quantile(every, np.linspace(0.6, 0.995, 40)), 0.5))
    f1 = []
    for threshold in candidates:
        rolls = decisions(scores, threshold, rule)
        counts = [segments.segment_counts(references[k], rolls[k]) for k in references]
        f1.append(segments.f1_score(segments.Counts.stack(counts).sum()))
    return best(candidates, f1)[0]


def search_values(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The threshold of best micro-averaged F1 out of all values that occur, and that F1; of equals the highest.

    Both arrays are of one shape. A score of 0 says that nothing is there; without a larger one the
    threshold is infinite.
    """
    order = np.argsort(-scores, axis=None, kind="stable")
    falling = scores.ravel()[order]
    hits = np.cumsum(truth.ravel()[order])
    f1 = ratios.f1(hits, max(1, hits[-1]), np.arange(1, len(hits) + 1))
    # a threshold takes all that are equal, or none of them
    allowed = np.append(falling[1:] != falling[:-1], True) & (falling > 0)
    return best(falling[allowed], f1[allowed]) if allowed.any() else (np.inf, 0.0)


def search_events(
    column: np.ndarray, label: str, clips: events.AnnotatedClips
) -> tuple[float, float]:
    """The threshold of highest event-based F1 of a class, and that F1 (0..1); of equals the middle one.

    Scores of 0, those that tags have masked, reach no threshold. ``(inf, nan)`` for a class that has no
    events in these clips or no score above 0: nothing says from where on it should be believed.
    """
    positive = column[column > 0]
    if not len(positive) or not (clips.annotation.label == label).any():
        return np.inf, np.nan
    steps = np.linspace(positive.min(), positive.max(), STEPS + 1)[1:]
    candidates = np.unique(np.concatenate([np.quantile(positive, QUANTILES), steps]))
    f1 = events.threshold_f_scores(column, candidates, label, clips)
    return best(candidates, f1, ties="middle")


def search_onsets(reference_s, onset_s, probability) -> float:
    """The probability from which on an event is accepted with the least error rate; of equals the middle one.

    Each clip has one event at most: its onset (NaN for none) in the reference, and that of the most probable one.
    """
    accepted = np.asarray(probability) >= PROBABILITIES[:, None]  # (probabilities, clips)
    every = rare.counts(reference_s, onset_s)
    found, outputs = ((x * accepted).sum(axis=1) for x in (every.found, every.outputs))
    rates = HitCounts(every.references.sum(), found, outputs, found).error_rate
    return best(PROBABILITIES, -rates, ties="middle")[0]
