"""Scores that only the real-life corpora of Cakir et al. 2017 need: means over scenes, legacy F1.

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
