"""Scores of recordings of several scenes: means over scenes, and the F1 of papers before 2016 (Cakir et al. 2017).

Counts are summed over the recordings and folds of a scene first; the scenes' scores are averaged after
(Sec. III-B, reading A13). Every scene is scored with the full class list, so a class that belongs to
another scene can still be inserted.
"""

from collections.abc import Mapping

import numpy as np

from sedutils.metrics import bootstrap, ratios, segments


def scene_scores(counts: Mapping[str, segments.Counts]) -> dict[str, float]:
    """Mean over scenes of `segments.overall_scores`; ``counts`` maps a scene to its totals.

    A scene without any reference has no F1 (NaN) and would spoil the mean: ``ValueError`` names it.
    """
    for scene, total in counts.items():
        if total.n_reference == 0:
            raise ValueError(f"scene {scene!r} has no active reference")
    each = [segments.overall_scores(total) for total in counts.values()]
    return {key: float(np.mean([scores[key] for scores in each])) for key in each[0]}


def per_scene(references, outputs, scenes, *, segment_frames: int = 1) -> list[segments.Counts]:
    """Counts of the units of each scene; the units are those of `bootstrap.unit_counts`.

    Parameters
    ----------
    references, outputs : recording -> bool roll (frames, classes)
    scenes : scene -> its recordings
    """
    whole = len(references) >= bootstrap.ENOUGH_RECORDINGS
    return [
        bootstrap.unit_counts(
            {k: references[k] for k in names},
            {k: outputs[k] for k in names},
            segment_frames=segment_frames,
            whole=whole,
        )
        for names in scenes.values()
    ]


def scene_counts(references, outputs, scenes, *, segment_frames: int = 1) -> segments.Counts:
    """Counts ``(units, scenes, classes)`` and ``(units, scenes)``: zero in all scenes but the unit's own.

    They are resampled and summed like any others; `f1_score` and `error_rate` average over the scenes.
    """
    each = per_scene(references, outputs, scenes, segment_frames=segment_frames)

    def placed(x, scene):
        whole = np.zeros((len(x), len(each), *x.shape[1:]), x.dtype)
        whole[:, scene] = x
        return whole

    return segments.Counts.concatenate(
        own.map(lambda x, scene=i: placed(x, scene)) for i, own in enumerate(each)
    )


def f1_score(counts: segments.Counts) -> np.ndarray:
    """Mean over scenes of F1, from counts (..., scenes, classes); NaN where a scene has no reference."""
    return segments.f1_score(counts).mean(axis=-1)


def error_rate(counts: segments.Counts) -> np.ndarray:
    """Mean over scenes of the error rate; NaN where a scene has no reference."""
    rates = np.where(counts.n_reference > 0, segments.error_rate(counts), np.nan)
    return rates.mean(axis=-1)


def class_f1_scores(counts: segments.Counts) -> np.ndarray:
    """F1 of each class over all scenes, from counts (..., scenes, classes)."""
    deep = counts.true_positives.ndim
    summed = counts.map(lambda x: x.sum(axis=-2 if x.ndim == deep else -1))
    return segments.class_f1_scores(summed)


def legacy_f1_scores(reference_roll, output_roll, *, segment_frames: int = 50) -> np.ndarray:
    """F1 of every segment alone, ``(segments,)``, as papers before 2016 averaged it (Sec. IV-B, Table V).

    Rolls are bool (frames, classes). A segment with neither reference nor output is NaN and is left out
    of the mean; one with only one of them scores 0.
    """
    counts = segments.segment_counts(
        reference_roll, output_roll, segment_frames=segment_frames, block_frames=segment_frames
    )
    hits = counts.true_positives.sum(-1)
    total = counts.n_reference + counts.n_output
    return ratios.share(2 * hits, total)


def legacy_f1_score(by_scene: Mapping[str, list[np.ndarray]]) -> tuple[float, float]:
    """Mean over the segments of a scene, then over scenes; and the share of segments left out.

    by_scene : scene -> `legacy_f1_scores` of its recordings, all folds
    """
    whole = {scene: np.concatenate(parts) for scene, parts in by_scene.items()}
    for scene, values in whole.items():
        if np.isnan(values).all():
            raise ValueError(f"scene {scene!r} has neither reference nor output in any segment")
    skipped = np.isnan(np.concatenate(list(whole.values()))).mean()
    return float(np.mean([np.nanmean(values) for values in whole.values()])), float(skipped)
