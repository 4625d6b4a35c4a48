"""Scores of polyphonic sound event detection: segment-based and event-based F1 and error rate.

Task: a system marks when each sound class is active; the output is compared with a reference
annotation either segment by segment or event by event. Counts come first and scores second:
counts of recordings, blocks, folds or seeds add up, so a bootstrap resamples counts.

Source of the definitions: Mesaros, Heittola & Virtanen, "Metrics for Polyphonic Sound Event
Detection", Applied Sciences 6(6), 2016, as sed_eval computes them. `sed_eval_adapter` hands the
same events to sed_eval itself; final tables come from there.

Differences from sed_eval (same events, same evaluated length), with the way each moves a score:

1. Silent system (no output at all): sed_eval's precision and F1 are NaN unless its option
   `zero_score` is on. Here, and in both adapters, it is on: precision 0, and F1 0 where there is
   a reference. `zero_when_silent=False` gives sed_eval's NaN. No other value changes.
2. A 1 s segment pooled from 20 ms frames lacks two kinds of events that sed_eval at 1 s keeps: of
   length zero (below 1e-9 s) on a frame border (sed_eval at 20 ms drops them too), and beginning
   after the last frame but within the last partial second (annotations that overrun the audio;
   the adapter drops them likewise). `event_roll(..., hop_s=1.0)` is sed_eval's own rule. For all other
   events the two are equal at every border a float can hold.
3. A negative or missing time, a label that is not in the class list, and a label that sed_eval
   would rename ("none", outer blanks) raise ValueError. sed_eval wraps negative frames round to
   the end of the file, and its event-based counts take unlisted labels into the overall numbers.
4. `event_counts` may use different collars for onset and offset; sed_eval has one for both.

Kept as sed_eval has it, although it surprises:

- Recall and F1 of a class without reference are NaN, with or without output, and a class average
  leaves the class out (`class_wise_scores(...).mean()` does the same). Its error rate is 0 without
  output and otherwise about 4.5e15 per insertion, since rates divide by N + 2.2e-16.
- Borders are floored and ceiled as floating-point quotients: an onset written as 0.58 s starts in
  frame 28 of 20 ms, not 29. `decoding.roll_to_events` avoids this by half-frame borders.
- Event-based substitutions depend on which of several maximum matchings is taken, so on the order
  of the rows. The matching is therefore sed_eval's own function, called on the same rows.

Conventions: rolls are (frames, classes) booleans; times are seconds; `*_score`, precision and
recall are better up, `*_error` and `*_rate` better down; knobs are keyword-only.
"""

from dataclasses import dataclass, fields

import numpy as np

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
    def n_reference(self):
        """Active reference entries over all classes, shape (...)."""
        return (self.true_positives + self.false_negatives).sum(axis=-1)

    @property
    def n_output(self):
        """Active output entries over all classes, shape (...)."""
        return (self.true_positives + self.false_positives).sum(axis=-1)

    def _map(self, function):
        return Counts(*(function(getattr(self, field.name)) for field in fields(self)))

    def __add__(self, other):
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Counts(*(a + b for a, b in pairs))

    def __getitem__(self, index):
        """Units picked along the leading axis."""
        return self._map(lambda x: x[index])

    def sum(self):
        """Sum over the leading axis: units -> one total."""
        return self._map(lambda x: x.sum(axis=0))

    def weighted(self, weights):
        """Resampled totals: weights (resamples, units) @ counts of units -> (resamples, ...)."""
        weights = np.asarray(weights, dtype=np.float64)
        return self._map(lambda x: np.tensordot(weights, x.astype(np.float64), axes=1))

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


def frame_count(duration_s, *, hop_s=0.02):
    """Frames that cover a duration: ceil(duration / hop), forgiving rounding below 1e-6 frame."""
    return int(np.ceil(duration_s / hop_s - 1e-6))


def event_roll(events, labels, *, n_frames, hop_s=0.02):
    """Events to activity, sed_eval's rule: floor(onset / hop) up to ceil(offset / hop).

    events: DataFrame onset_s, offset_s, label; labels: class list. Returns bool
    (n_frames, n_classes). What lies beyond the last frame is cut. Makes training targets and
    references alike.
    """
    onset_s, offset_s, column = event_columns(events, labels)
    start = np.minimum(np.floor(onset_s / float(hop_s)), n_frames).astype(np.int64)
    stop = np.minimum(np.ceil(offset_s / float(hop_s)), n_frames).astype(np.int64)
    some = start < stop
    change = np.zeros((n_frames + 1, len(labels)), dtype=np.int32)
    np.add.at(change, (start[some], column[some]), 1)
    np.add.at(change, (stop[some], column[some]), -1)
    return np.cumsum(change, axis=0)[:-1] > 0


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
    return per_segment._map(lambda x: np.add.reduceat(x, starts, axis=0, dtype=np.int64))


def segment_scores(counts, *, zero_when_silent=True):
    """Micro-averaged scores over all classes; every value has the leading shape of the counts.

    Keys: f1_score, precision, recall, error_rate, substitution_rate, deletion_rate,
    insertion_rate. Scalars come back as floats.
    """
    n_reference = counts.n_reference
    scores = _f1(
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


event_scores = segment_scores  # same formulas on counts of events


def class_wise_values(counts, *, zero_when_silent=True):
    """Class-wise scores as arrays (..., n_classes): the vectorised `class_wise_scores`."""
    n_reference = counts.true_positives + counts.false_negatives
    n_output = counts.true_positives + counts.false_positives
    scores = _f1(counts.true_positives, n_reference, n_output, zero_when_silent=zero_when_silent)
    deletion_rate = counts.false_negatives / (n_reference + _EPS)
    insertion_rate = counts.false_positives / (n_reference + _EPS)
    return scores | {
        "error_rate": deletion_rate + insertion_rate,
        "deletion_rate": deletion_rate,
        "insertion_rate": insertion_rate,
        "n_reference": n_reference,
        "n_output": n_output,
    }


def class_wise_scores(counts, labels, *, zero_when_silent=True):
    """DataFrame indexed by label: F1, precision, recall, error rates (no substitutions within one
    class) and the numbers of active reference and output entries."""
    import pandas as pd

    values = class_wise_values(counts, zero_when_silent=zero_when_silent)
    return pd.DataFrame(values, index=pd.Index(labels, name="label"))


def event_counts(
    reference_events,
    output_events,
    *,
    labels,
    onset_collar_s=0.25,
    offset_collar_s=None,
    percentage_of_length=0.5,
    evaluate_onset=True,
    evaluate_offset=True,
):
    """Event-based counts of one recording: events matched within collars, one to one.

    Onsets agree within onset_collar_s; offsets within the larger of offset_collar_s (default: the
    onset's) and percentage_of_length of the reference event. A matching of maximum size is taken;
    among what it leaves, pairs that agree in time but not in label are substitutions.
    """
    if not (evaluate_onset or evaluate_offset):
        raise ValueError("evaluate_onset and evaluate_offset are both False")
    onset_r, offset_r, class_r = event_columns(reference_events, labels)
    onset_o, offset_o, class_o = event_columns(output_events, labels)
    in_time = np.ones((len(onset_r), len(onset_o)), dtype=bool)
    if evaluate_onset:
        in_time &= np.abs(onset_r[:, None] - onset_o) <= onset_collar_s
    if evaluate_offset:
        collar = onset_collar_s if offset_collar_s is None else offset_collar_s
        allowed = np.maximum(collar, percentage_of_length * (offset_r - onset_r))
        in_time &= np.abs(offset_r[:, None] - offset_o) <= allowed[:, None]
    matched_r, matched_o = _match(in_time & (class_r[:, None] == class_o))
    left_r = np.setdiff1d(np.arange(len(onset_r)), matched_r)
    left_o = np.setdiff1d(np.arange(len(onset_o)), matched_o)
    substitutions = _greedy_pairs(in_time[np.ix_(left_r, left_o)])
    n_classes = len(labels)
    return Counts(
        true_positives=np.bincount(class_r[matched_r], minlength=n_classes),
        false_positives=np.bincount(class_o[left_o], minlength=n_classes),
        false_negatives=np.bincount(class_r[left_r], minlength=n_classes),
        substitutions=np.int64(substitutions),
        deletions=np.int64(len(left_r) - substitutions),
        insertions=np.int64(len(left_o) - substitutions),
    )


def event_columns(events, labels):
    """Onsets, offsets (float64) and class indices of an event table, checked."""
    onset_s = np.asarray(events["onset_s"], dtype=np.float64)
    offset_s = np.asarray(events["offset_s"], dtype=np.float64)
    place = {label: i for i, label in enumerate(labels)}
    unknown = set(events["label"]) - place.keys()
    if unknown:
        raise ValueError(f"events: label {sorted(map(str, unknown))[0]!r} is not in the class list")
    bad = ~(np.isfinite(onset_s) & np.isfinite(offset_s) & (onset_s >= 0) & (offset_s >= 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"events: row {row}: no valid time: {onset_s[row]}, {offset_s[row]}")
    return onset_s, offset_s, np.array([place[x] for x in events["label"]], dtype=np.int64)


def _f1(n_hit, n_reference, n_output, *, zero_when_silent):
    """Precision, recall and F1; NaN where sed_eval has it."""
    n_hit, n_reference, n_output = (np.asarray(x, float) for x in (n_hit, n_reference, n_output))
    undefined = 0.0 if zero_when_silent else np.nan
    precision = np.full(n_hit.shape, undefined)
    np.divide(n_hit, n_output, out=precision, where=n_output > 0)
    recall = np.full(n_hit.shape, np.nan)
    np.divide(n_hit, n_reference, out=recall, where=n_reference > 0)
    f1 = np.zeros(n_hit.shape)
    np.divide(2 * precision * recall, precision + recall, out=f1, where=precision + recall != 0)
    return {"f1_score": f1, "precision": precision, "recall": recall}


def _greedy_pairs(possible):
    """Number of pairs when each row takes the first free column it may have, rows in order."""
    free = np.ones(possible.shape[1], dtype=bool)
    for row in possible:
        columns = np.flatnonzero(row & free)
        free[columns[:1]] = False
    return int(np.count_nonzero(~free))


def _match(hits):
    """Rows and columns of a maximum matching in a bool (reference, output) matrix."""
    from sedutils import sed_eval_adapter

    edges = {}
    for row, column in np.argwhere(hits).tolist():
        edges.setdefault(column, []).append(row)
    pairs = sorted(sed_eval_adapter.library().util.bipartite_match(edges).items())
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return rows, columns
