"""Scores that only the real-life corpora of Cakir et al. 2017 need: means over scenes, legacy F1, EER.

Counts are summed over the recordings and folds of a scene first; the scenes' scores are averaged after
(Sec. III-B, reading A13). Every scene is scored with the full class list, so a class that belongs to
another scene can still be inserted.
"""

from collections.abc import Mapping

import numpy as np

from sedutils import metrics


def scene_scores(counts: Mapping[str, metrics.Counts]) -> dict[str, float]:
    """Mean over scenes of `metrics.segment_scores`; ``counts`` maps a scene to its totals.

    A scene without any reference has no F1 (NaN) and would spoil the mean: ``ValueError`` names it.
    """
    for scene, total in counts.items():
        if total.n_reference == 0:
            raise ValueError(f"scene {scene!r} has no active reference")
    each = [metrics.segment_scores(total) for total in counts.values()]
    return {key: float(np.mean([scores[key] for scores in each])) for key in each[0]}


def legacy_f1_scores(reference_roll, output_roll, *, segment_frames: int = 50) -> np.ndarray:
    """F1 of every segment alone, ``(segments,)``, as papers before 2016 averaged it (Sec. IV-B, Table V).

    Rolls are bool (frames, classes). A segment with neither reference nor output is NaN and is left out
    of the mean; one with only one of them scores 0.
    """
    counts = metrics.segment_counts(
        reference_roll, output_roll, segment_frames=segment_frames, block_frames=segment_frames
    )
    hits = counts.true_positives.sum(-1)
    total = counts.n_reference + counts.n_output
    return np.divide(2 * hits, total, out=np.full(len(hits), np.nan), where=total > 0)


def legacy_f1_score(segments: Mapping[str, list[np.ndarray]]) -> tuple[float, float]:
    """Mean over the segments of a scene, then over scenes; and the share of segments left out.

    segments : scene -> `legacy_f1_scores` of its recordings, all folds
    """
    joined = {scene: np.concatenate(parts) for scene, parts in segments.items()}
    for scene, values in joined.items():
        if np.isnan(values).all():
            raise ValueError(f"scene {scene!r} has neither reference nor output in any segment")
    skipped = np.isnan(np.concatenate(list(joined.values()))).mean()
    return float(np.mean([np.nanmean(values) for values in joined.values()])), float(skipped)


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
