"""How well the network knows where events begin and end, which the inference of Sec. 3 rests on."""

import numpy as np
import pandas as pd

from sedutils.features import triplets
from sedutils.training import evaluation

BOUNDARIES = ("onset", "offset")


def distance_errors(results) -> pd.DataFrame:
    """Errors of the estimated distances in the active frames of the test recordings, in seconds.

    results : `sedutils.papers.phan2018.results.MultitaskRun`

    Returns
    -------
    one row a boundary and seed, means over folds: boundary, seed, mean_distance_s, error_s (mean absolute),
    constant_s (that of the class's mean distance on validation recordings, whatever the sound), correlation
    """
    rows = []
    for seed in results.seeds:
        for fold in results.folds:
            known, _, known_class = active(results, seed, fold, "validation")
            true, estimated, column = active(results, seed, fold, "test")
            counts = np.maximum(np.bincount(known_class, minlength=len(results.labels)), 1)
            for i, boundary in enumerate(BOUNDARIES):
                mean = np.bincount(known_class, known[:, i], len(results.labels)) / counts
                errors = [np.abs(true[:, i] - x).mean() for x in (estimated[:, i], mean[column])]
                rows.append(
                    {
                        "boundary": boundary,
                        "seed": seed,
                        "mean_distance_s": true[:, i].mean() * results.hop_s,
                        "error_s": errors[0] * results.hop_s,
                        "constant_s": errors[1] * results.hop_s,
                        "correlation": np.corrcoef(true[:, i], estimated[:, i])[0, 1],
                    }
                )
    return pd.DataFrame(rows).groupby(["boundary", "seed"], sort=False, as_index=False).mean()


def active(results, seed: int, fold: int | None, split: str):
    """Of all active frames of a split true and estimated distances ``(n, 2)`` in frames, and the class ``(n,)``."""
    rolls = evaluation.Reference.read(results.features, split, fold).rolls
    estimates = results.outputs("proposed", seed, fold, split)
    parts = []
    for recording, roll in rolls.items():
        frame, column = np.nonzero(roll)
        true = np.stack(triplets.distances(roll), axis=1)  # (frames, 2, classes)
        parts.append(
            (true[frame, :, column], estimates[recording][frame, 1:, column].astype(float), column)
        )
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True))
