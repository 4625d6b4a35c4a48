"""Event-based error rate and F1 of rare-event detectors: onset alone, within 500 ms, at most one event a clip.

As DCASE 2017 task 2 counts, and both papers: each class is scored on its own clips, then the mean of the
classes is taken. What is found stands as one onset a clip, NaN for no event. `score_table` goes through
sed_eval; the counts here, which bootstrap and searches need, are the same (a test holds them together).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedutils.metrics import bootstrap, ratios, sed_eval_adapter
from sedutils.metrics.hits import HitCounts

COLLAR_S = 0.5
DECIMALS = 6  # of onsets, as files hold them
AVERAGE = "average"  # the row of a table behind those of the classes


def counts(reference_s, found_s) -> HitCounts:
    """Counts of each clip from onsets in seconds, NaN for none: two arrays that broadcast, clips first.

    Two Series stand by recording: KeyError for other clips than the reference's.
    """
    if isinstance(found_s, pd.Series):
        found_s = found_s.loc[reference_s.index]
    reference_s, found_s = (np.asarray(x, float).round(DECIMALS) for x in (reference_s, found_s))
    # the difference is not rounded, nor does sed_eval: 1.1 is too far from 0.6, and 0.6 is not from 0.1
    near = np.abs(found_s - reference_s) <= COLLAR_S
    there = np.broadcast_to(~np.isnan(reference_s), near.shape)
    found = np.broadcast_to(~np.isnan(found_s), near.shape)
    return HitCounts(*(values.astype(int) for values in (there, near, found, near)))


def by_class(parts: Sequence[HitCounts]) -> HitCounts:
    """Counts of the clips of several classes below each other, ``(clips, classes)``: each in its own column."""
    lengths = [len(part.references) for part in parts]
    ends = np.cumsum(lengths)
    whole = HitCounts(*(np.zeros((ends[-1], len(parts)), int) for _ in range(4)))
    for column, (part, length, end) in enumerate(zip(parts, lengths, ends, strict=True)):
        for name in ("references", "found", "outputs", "correct"):
            getattr(whole, name)[end - length : end, column] = getattr(part, name)
    return whole


def strata(parts: Sequence[HitCounts]) -> np.ndarray:
    """The class of each clip of `by_class`, for `bootstrap.unit_weights`."""
    return np.repeat(np.arange(len(parts)), [len(part.references) for part in parts])


def resampled(runs: list[list[HitCounts]], metric: str, *, resamples: int, row: int | None = None):
    """ER or F1 (percent) on all clips and on resamples, ``(seeds, resamples + 1)``, for `bootstrap.estimate`.

    runs : a seed: the counts of each class. row : of one class; None for the mean over classes

    A class without an event in a resample has no score there; NaN where no class has one.
    """
    weights = bootstrap.unit_weights(strata(runs[0]), resamples=resamples, seed=0)
    weighted = [by_class(parts).weighted(weights) for parts in runs]
    values = np.stack([score(w, metric) for w in weighted])  # (seeds, resamples + 1, classes)
    return ratios.mean_of_known(values) if row is None else values[..., row]


def score(counted: HitCounts, metric: str) -> np.ndarray:
    """Error rate as a ratio, or F1 in percent: the units of both papers' tables."""
    return counted.error_rate if metric == "ER" else 100 * counted.f1_score


def score_table(
    labels: Sequence[str], reference_s: list[pd.Series], found_s: list[pd.Series]
) -> pd.DataFrame:
    """ER and F1 (percent) of each class by sed_eval, and their mean: columns class, ER, F1."""
    rows = []
    for label, reference, found in zip(labels, reference_s, found_s, strict=True):
        overall, _ = sed_eval_adapter.event_scores(
            {name: events(reference[name], label) for name in reference.index},
            {name: events(found[name], label) for name in reference.index},
            [label],
            collar_s=COLLAR_S,
            evaluate_offset=False,
        )
        f1 = 0.0 if np.isnan(overall["f1_score"]) else 100 * overall["f1_score"]
        rows.append({"class": label, "ER": overall["error_rate"], "F1": f1})
    table = pd.DataFrame(rows)
    mean = table[["ER", "F1"]].mean().to_dict()
    return pd.concat([table, pd.DataFrame([{"class": AVERAGE} | mean])], ignore_index=True)


def events(onset_s: float, label: str) -> pd.DataFrame:
    """One event or none as sed_eval gets it; offsets do not count."""
    onsets = [] if np.isnan(onset_s) else [round(onset_s, DECIMALS)]
    return pd.DataFrame(
        {
            "onset_s": np.array(onsets, float),
            "offset_s": np.array(onsets, float) + 1,
            "label": [label] * len(onsets),
        }
    )
