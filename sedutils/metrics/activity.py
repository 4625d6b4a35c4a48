"""The forms that activity comes in: events with times, rolls of frames, runs of active frames.

Events are a DataFrame onset_s, offset_s, label. A roll is bool (frames, classes); frame f covers
[f·hop, (f+1)·hop). A run i..j of active frames has j exclusive.
"""

import numpy as np
import pandas as pd


def frame_count(duration_s, *, hop_s=0.02):
    """Frames that cover a duration: ceil(duration / hop), forgiving rounding below 1e-6 frame."""
    return int(np.ceil(duration_s / hop_s - 1e-6))


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


def event_roll(events, labels, *, n_frames, hop_s=0.02):
    """Events to a roll, sed_eval's rule: floor(onset / hop) up to ceil(offset / hop).

    What lies beyond the last frame is cut. Makes training targets and references alike.
    """
    onset_s, offset_s, column = event_columns(events, labels)
    start = np.minimum(np.floor(onset_s / float(hop_s)), n_frames).astype(np.int64)
    stop = np.minimum(np.ceil(offset_s / float(hop_s)), n_frames).astype(np.int64)
    some = start < stop
    return run_roll(start[some], stop[some], column[some], (n_frames, len(labels)))


def runs(roll):
    """Runs of active frames -> (start, stop, class) int arrays, stop exclusive, by start and class."""
    roll = np.asarray(roll, dtype=bool)
    edges = np.diff(np.pad(roll, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    column, start = np.nonzero(edges == 1)  # class by class, so starts and stops pair up
    stop = np.nonzero(edges == -1)[1]
    order = np.lexsort((column, start))
    return start[order], stop[order], column[order]


def run_roll(start, stop, column, shape):
    """The roll of some runs, which may overlap; ``shape``: (frames, classes)."""
    change = np.zeros((shape[0] + 1, shape[1]), dtype=np.int32)
    np.add.at(change, (start, column), 1)
    np.add.at(change, (stop, column), -1)
    return np.cumsum(change, axis=0)[:-1] > 0


def events_at_borders(roll, labels, *, hop_s=0.02):
    """A roll as events with their true borders, i·hop to j·hop, rounded to the microsecond.

    For display, label files and event-based scores with collars. Segment-based scores need
    `events_inside_frames`.
    """
    start, stop, column = runs(roll)
    return _table(np.round(start * hop_s, 6), np.round(stop * hop_s, 6), column, labels)


def event_table(rolls, labels, *, hop_s=0.02):
    """`events_at_borders` of several recordings in one table: recording, onset_s, offset_s, label."""
    tables = [
        events_at_borders(roll, labels, hop_s=hop_s).assign(recording=name)
        for name, roll in rolls.items()
    ]
    return pd.concat(tables, ignore_index=True)[["recording", "onset_s", "offset_s", "label"]]


def events_inside_frames(roll, labels, *, hop_s=0.02):
    """A roll as events that an evaluator maps back to the same frames, for segment-based scores.

    A run i..j becomes onset (i + 0.5)·hop, offset (j - 0.5)·hop: floor and ceiling of the quotients
    then give i and j again whatever the rounding, which borders written as i·hop do not (one in
    fifteen at 0.02 s lands a frame off). A run of one frame has length 0.
    """
    start, stop, column = runs(roll)
    return _table((start + 0.5) * hop_s, (stop - 0.5) * hop_s, column, labels)


def merged(spans, gap_s=0.0):
    """Stretches (onset, offset) in order, those that overlap, touch or lie closer than ``gap_s`` made one."""
    found: list[tuple[float, float]] = []
    for onset, offset in sorted(spans):
        if found and (onset <= found[-1][1] or onset - found[-1][1] < gap_s):
            found[-1] = found[-1][0], max(found[-1][1], offset)
        else:
            found.append((onset, offset))
    return found


def _table(onset_s, offset_s, column, labels):
    names = np.asarray(list(labels), dtype=object)
    return pd.DataFrame({"onset_s": onset_s, "offset_s": offset_s, "label": names[column]})
