"""From scores to decisions to events.

A roll is (frames, classes); frame f covers [f·hop, (f+1)·hop); scores lie in [0, 1].
"""

import numpy as np


def decide(scores, threshold=0.5):
    """Active where score >= threshold (Cakir et al. 2017, section II: p >= C) -> bool.

    threshold: one number, or (n_classes,) for one a class.
    """
    return np.asarray(scores) >= np.asarray(threshold)


def median_filter(roll, frames):
    """Running median along time of decisions (bool) or scores (float); frames is odd.

    The first and last frame are repeated beyond the ends. Keeps the dtype.
    """
    from scipy.ndimage import median_filter as running_median

    roll = np.asarray(roll)
    if frames < 1 or frames % 2 == 0:
        raise ValueError(f"frames: an odd number is needed, not {frames}")
    work = roll.astype(np.uint8) if roll.dtype == bool else roll
    return running_median(work, size=(frames, 1), mode="nearest").astype(roll.dtype)


def runs(roll):
    """Runs of active frames -> (start, stop, class) int arrays, stop exclusive, by start and class.

    roll: bool (frames, classes).
    """
    roll = np.asarray(roll, dtype=bool)
    edges = np.diff(np.pad(roll, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    column, start = np.nonzero(edges == 1)  # class by class, so starts and stops pair up
    stop = np.nonzero(edges == -1)[1]
    order = np.lexsort((column, start))
    return start[order], stop[order], column[order]


def roll_to_events(roll, labels, *, hop_s=0.02):
    """Decisions to a table onset_s, offset_s, label that an evaluator maps back to the same frames.

    A run of frames i..j (j exclusive) becomes onset (i + 0.5)·hop, offset (j - 0.5)·hop: floor and
    ceiling of the quotients then give i and j again whatever the rounding, which borders written
    as i·hop do not (one in fifteen at 0.02 s lands a frame off). A run of one frame has length 0.
    """
    start, stop, column = runs(roll)
    return _table((start + 0.5) * hop_s, (stop - 0.5) * hop_s, column, labels)


def events_for_people(roll, labels, *, hop_s=0.02):
    """Decisions to a table onset_s, offset_s, label at the true frame borders, for display, label
    files and event-based scores with collars; rounded to the microsecond."""
    start, stop, column = runs(roll)
    return _table(np.round(start * hop_s, 6), np.round(stop * hop_s, 6), column, labels)


def tidy(roll, *, minimum_event_s=0.0, minimum_gap_s=0.0, hop_s=0.02):
    """Drop runs shorter than minimum_event_s, then close gaps of up to minimum_gap_s -> bool roll.

    The order and the inclusive gap are those of the DCASE 2016 baseline (0.1 s and 0.1 s).
    """
    start, stop, column = runs(roll)
    shortest = int(np.ceil(minimum_event_s / hop_s - 1e-6))  # in frames: 0.1 s are exactly 5
    widest = int(np.floor(minimum_gap_s / hop_s + 1e-6))
    kept = stop - start >= shortest
    order = np.lexsort((start[kept], column[kept]))
    start, stop, column = start[kept][order], stop[kept][order], column[kept][order]
    close = (column[1:] == column[:-1]) & (start[1:] - stop[:-1] <= widest)
    first = np.append(True, ~close)[: len(start)]
    last = np.append(~close, True)[: len(start)]
    return _fill(start[first], stop[last], column[first], np.shape(roll))


def _fill(start, stop, column, shape):
    change = np.zeros((shape[0] + 1, shape[1]), dtype=np.int32)
    np.add.at(change, (start, column), 1)
    np.add.at(change, (stop, column), -1)
    return np.cumsum(change, axis=0)[:-1] > 0


def _table(onset_s, offset_s, column, labels):
    import pandas as pd

    names = np.asarray(list(labels), dtype=object)
    return pd.DataFrame({"onset_s": onset_s, "offset_s": offset_s, "label": names[column]})
