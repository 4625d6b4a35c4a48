"""Scores of polyphonic sound event detection, segment by segment: F1 and error rate.

Counts come first and scores second: counts of recordings, blocks, folds or seeds add up, so a bootstrap
resamples counts. `overall_scores` and `class_wise_scores` take counts of segments and of events alike.

Source of the definitions: Mesaros, Heittola & Virtanen, "Metrics for Polyphonic Sound Event
Detection", Applied Sciences 6(6), 2016, as sed_eval computes them; `sedutils.metrics.sed_eval_adapter` lists
what differs.

Rolls are (frames, classes) booleans; times are seconds; scores, precision and recall are better up, errors and
rates better down.
"""

from dataclasses import dataclass, fields

import numpy as np

from sedutils.metrics import ratios

SECOND_FRAMES = 50  # of 20 ms
_EPS = np.spacing(1)  # sed_eval adds it to every denominator of a rate


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of one recording, or of many along leading axes; they add, stack and resample.

    Class-wise (..., n_classes): true_positives, false_positives, false_negatives.
    Over all classes (...): substitutions, deletions, insertions.
    """

    true_positives: np.ndarray
    false_positives: np.ndarray
    false_negatives: np.ndarray
    substitutions: np.ndarray
    deletions: np.ndarray
    insertions: np.ndarray

    @property
    def units(self):
        """How many there are along the leading axis."""
        return len(self.substitutions)

    @property
    def n_reference(self):
        """Active reference entries over all classes, shape (...)."""
        return (self.true_positives + self.false_negatives).sum(axis=-1)

    @property
    def n_output(self):
        """Active output entries over all classes, shape (...)."""
        return (self.true_positives + self.false_positives).sum(axis=-1)

    def map(self, function):
        """The function's value of each count."""
        return Counts(*(function(getattr(self, field.name)) for field in fields(self)))

    def __add__(self, other):
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Counts(*(a + b for a, b in pairs))

    def __getitem__(self, index):
        """Units picked along the leading axis."""
        return self.map(lambda x: x[index])

    def sum(self):
        """Sum over the leading axis: units -> one total."""
        return self.map(lambda x: x.sum(axis=0))

    def weighted(self, weights):
        """Resampled totals: weights (resamples, units) @ counts of units -> (resamples, ...)."""
        weights = np.asarray(weights, dtype=np.float64)
        return self.map(lambda x: np.tensordot(weights, x.astype(np.float64), axes=1))

    @staticmethod
    def stack(counts):
        """Counts of single units stacked along a new leading axis."""
        rows = list(counts)
        names = [f.name for f in fields(Counts)]
        return Counts(*(np.stack([getattr(row, name) for row in rows]) for name in names))

    @staticmethod
    def concatenate(counts):
        """Stacked counts joined along the leading axis, e.g. the blocks of all recordings."""
        rows = list(counts)
        names = [f.name for f in fields(Counts)]
        return Counts(*(np.concatenate([getattr(row, name) for row in rows]) for name in names))


def segment_pool(roll, segment_frames):
    """Maximum over non-overlapping blocks of frames from the start; the last partial one stays."""
    if segment_frames == 1:
        return roll
    return np.maximum.reduceat(roll, np.arange(0, len(roll), segment_frames), axis=0)


def segment_counts(reference_roll, output_roll, *, segment_frames=1, block_frames=None):
    """Segment-based counts of one recording, or of each of its blocks.

    Rolls are bool (frames, classes) of equal shape. Per segment: S = min(FN, FP),
    D = max(0, FN - FP), I = max(0, FP - FN). With block_frames (a multiple of segment_frames)
    the result has a leading axis of blocks, the last one possibly shorter.
    """
    reference_roll, output_roll = np.asarray(reference_roll, bool), np.asarray(output_roll, bool)
    if reference_roll.shape != output_roll.shape or reference_roll.ndim != 2:
        raise ValueError(f"rolls differ in shape: {reference_roll.shape}, {output_roll.shape}")
    if block_frames is not None and block_frames % segment_frames:
        raise ValueError(f"block_frames {block_frames} is no multiple of {segment_frames}")
    reference = segment_pool(reference_roll, segment_frames)
    output = segment_pool(output_roll, segment_frames)
    hits, extra, missed = reference & output, output & ~reference, reference & ~output
    n_extra, n_missed = extra.sum(axis=1), missed.sum(axis=1)
    per_segment = Counts(
        true_positives=hits,
        false_positives=extra,
        false_negatives=missed,
        substitutions=np.minimum(n_missed, n_extra),
        deletions=np.maximum(0, n_missed - n_extra),
        insertions=np.maximum(0, n_extra - n_missed),
    )
    if block_frames is None:
        return per_segment.sum()
    starts = np.arange(0, len(reference), block_frames // segment_frames)
    return per_segment.map(lambda x: np.add.reduceat(x, starts, axis=0, dtype=np.int64))


def overall_scores(counts, *, zero_when_silent=True):
    """Micro-averaged scores over all classes; every value has the leading shape of the counts.

    Keys: f1_score, precision, recall, error_rate, substitution_rate, deletion_rate,
    insertion_rate. Scalars come back as floats.
    """
    n_reference = counts.n_reference
    scores = _found(
        counts.true_positives.sum(axis=-1),
        n_reference,
        counts.n_output,
        zero_when_silent=zero_when_silent,
    )
    rates = {
        "substitution_rate": counts.substitutions / (n_reference + _EPS),
        "deletion_rate": counts.deletions / (n_reference + _EPS),
        "insertion_rate": counts.insertions / (n_reference + _EPS),
    }
    scores["error_rate"] = sum(rates.values())
    scores |= rates
    return {key: float(x) if np.ndim(x) == 0 else x for key, x in scores.items()}


def f1_score(counts):
    """Micro-averaged F1 of counts."""
    return overall_scores(counts)["f1_score"]


def error_rate(counts):
    """Error rate over all classes of counts."""
    return overall_scores(counts)["error_rate"]


def class_wise_scores(counts, *, zero_when_silent=True):
    """Scores of each class, arrays (..., n_classes): F1, precision, recall, error rates (no substitutions
    within one class) and the numbers of active reference and output entries."""
    n_reference = counts.true_positives + counts.false_negatives
    n_output = counts.true_positives + counts.false_positives
    scores = _found(counts.true_positives, n_reference, n_output, zero_when_silent=zero_when_silent)
    deletion_rate = counts.false_negatives / (n_reference + _EPS)
    insertion_rate = counts.false_positives / (n_reference + _EPS)
    return scores | {
        "error_rate": deletion_rate + insertion_rate,
        "deletion_rate": deletion_rate,
        "insertion_rate": insertion_rate,
        "n_reference": n_reference,
        "n_output": n_output,
    }


def class_f1_scores(counts):
    """Class-wise F1, (..., n_classes)."""
    return class_wise_scores(counts)["f1_score"]


def frame_and_second(score):
    """F1 in percent and error rate of frames and of seconds, as Table II of Cakir et al. 2017 has them.

    score: segment length in frames -> scores with the keys f1_score and error_rate
    """
    row = {}
    for suffix, frames in (("frm", 1), ("1s", SECOND_FRAMES)):
        scores = score(frames)
        row |= {f"F1_{suffix}": 100 * scores["f1_score"], f"ER_{suffix}": scores["error_rate"]}
    return row


def _found(n_hit, n_reference, n_output, *, zero_when_silent):
    """Precision, recall and F1; NaN where sed_eval has it."""
    precision = ratios.share(n_hit, n_output, 0.0 if zero_when_silent else np.nan)
    f1 = ratios.f1(n_hit, n_reference, n_output)
    return {
        "f1_score": np.where(np.isnan(precision), np.nan, f1),
        "precision": precision,
        "recall": ratios.share(n_hit, n_reference),
    }
