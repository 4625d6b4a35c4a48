"""Events that hit each other by their centres: F1 and error rate as CLEAR 2006 counts them.

The paper states no matching rule, and its tables contradict one-to-one counting (reading B12). Here an
output event and a reference event of one class hit each other where the centre of either lies in the
other. An output with a hit is correct, a reference with a hit is found, and several outputs may hit one
reference:

    precision = correct / outputs      recall = found / references
    error rate = (references not found + outputs not correct) / references

Events are the runs of active frames of a roll ``(frames, classes)``; a run i..j, j exclusive, has its
centre at (i + j) / 2, in frame floor((i + j) / 2), and holds a centre c where i <= c < j. One-to-one scores
with collars are in `sedutils.metrics.events.event_counts`, and here for the search of thresholds
(`count_one_to_one`).
"""

from dataclasses import dataclass, fields

import numba
import numpy as np

from sedutils.metrics import activity, ratios


@dataclass(frozen=True, eq=False)
class HitCounts:
    """Counts of a recording, or of any sum of them, each int ``(..., classes)``."""

    references: np.ndarray
    found: np.ndarray
    outputs: np.ndarray
    correct: np.ndarray

    @classmethod
    def concatenate(cls, counts):
        """Counts of several recordings with blocks as counts of all their blocks."""
        return cls(*(np.concatenate(parts) for parts in zip(*map(_values, counts), strict=True)))

    def __add__(self, other):
        return HitCounts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    @property
    def units(self):
        """How many there are along the leading axis."""
        return len(self.references)

    def sum(self):
        """Sum over the leading axis: units -> one total."""
        return HitCounts(*(values.sum(axis=0) for values in _values(self)))

    def weighted(self, weights):
        """Sums over units ``(units, classes)``, each taken ``weights`` ``(…, units)`` times."""
        return HitCounts(*(weights @ values for values in _values(self)))

    def overall(self):
        """Counts pooled over classes (rows "Overall" of the paper's tables)."""
        return HitCounts(*(values.sum(axis=-1) for values in _values(self)))

    @property
    def f1_score(self) -> np.ndarray:
        """Harmonic mean of precision and recall; NaN without references, 0 without output."""
        precision = ratios.share(self.correct, self.outputs, 0.0)
        recall = ratios.share(self.found, self.references)
        return ratios.share(2 * precision * recall, precision + recall, 0.0)

    @property
    def error_rate(self) -> np.ndarray:
        """Events missed and events invented for each reference; NaN without references."""
        wrong = self.references - self.found + self.outputs - self.correct
        return ratios.share(wrong, self.references)


def hit_counts(
    output: np.ndarray, reference: np.ndarray, *, block_frames: int | None = None, rule=None
) -> HitCounts:
    """Counts of one recording from decisions and reference, bool ``(frames, classes)``.

    block_frames : if given, counts of blocks of so many frames, each ``(blocks, classes)``; an event
        belongs to the block that holds its centre, and hits across borders
    rule : which references are found and which outputs are correct, as `by_centres` says, the default
    """
    if np.shape(output) != np.shape(reference):
        raise ValueError(f"rolls differ in shape: {np.shape(output)}, {np.shape(reference)}")
    frames, classes = np.shape(reference)
    length = block_frames or max(frames, 1)
    counts = np.zeros((4, max(1, -(-frames // length)), classes), dtype=np.int64)
    found, correct = (rule or by_centres)(output, reference)
    for row, roll, right in ((0, reference, found), (2, output, correct)):
        start, stop, column = activity.runs(roll)
        centre = (start + stop) // 2
        np.add.at(counts, (row, centre // length, column), 1)
        np.add.at(counts, (row + 1, centre // length, column), right)
    return HitCounts(*(counts if block_frames else counts[:, 0]))


def by_centres(output: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which references are found and which outputs are correct, both in the order of `activity.runs`."""
    return hits(reference, output), hits(output, reference)


def one_to_one(
    output: np.ndarray, reference: np.ndarray, *, collar_frames: int, share_of_length: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same by the rule of `count_one_to_one`."""
    start, stop, column = activity.runs(output)
    starts, stops, columns = activity.runs(reference)
    allowed = np.maximum(collar_frames, share_of_length * (stops - starts))
    found, correct = np.zeros(len(starts), bool), np.zeros(len(start), bool)
    for i in np.lexsort((stop, start)):
        near = (np.abs(starts - start[i]) <= collar_frames) & (np.abs(stops - stop[i]) <= allowed)
        fits = np.flatnonzero(near & (columns == column[i]) & ~found)
        found[fits[:1]] = True
        correct[i] = len(fits) > 0
    return found, correct


def hits(roll: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which events of ``roll``, in the order of `activity.runs`, hit one of ``other``: bool ``(events,)``."""
    start, stop, column = activity.runs(roll)
    others_start, others_stop, others_column = activity.runs(other)
    centres = np.zeros((len(other) + 1, np.shape(other)[1]), dtype=np.int64)
    np.add.at(centres, ((others_start + others_stop) // 2 + 1, others_column), 1)
    before = centres.cumsum(axis=0)  # centres of the others in frames before this one
    holds = before[stop, column] > before[start, column]
    return holds | np.asarray(other, bool)[(start + stop) // 2, column]


@dataclass(frozen=True, eq=False)
class ClassEvents:
    """The events of one class in one recording, prepared for `count_hits`.

    start, stop : (events,) in frames
    owner : (frames,) the event that covers a frame, -1 where there is none
    centres_before : (frames + 1,) how many events have their centre in a frame before this one
    """

    start: np.ndarray
    stop: np.ndarray
    owner: np.ndarray
    centres_before: np.ndarray

    @classmethod
    def from_activity(cls, active: np.ndarray) -> "ClassEvents":
        """From the activity ``(frames,)`` of one class."""
        active = np.asarray(active, dtype=bool)
        start, stop, _ = activity.runs(active[:, None])
        started = np.searchsorted(start, np.arange(len(active)), side="right")
        centres = np.bincount((start + stop) // 2, minlength=len(active))
        return cls(
            start,
            stop,
            np.where(active, started - 1, -1),
            np.concatenate(([0], np.cumsum(centres))),
        )


def count_hits(values: np.ndarray, thresholds: np.ndarray, reference: ClassEvents) -> np.ndarray:
    """Event counts at all thresholds in one pass: outputs, correct and found, int ``(3, thresholds)``.

    values : (frames,) float64 of one class; an event is a run of values above a threshold
    thresholds : float64, ascending
    """
    levels = np.searchsorted(thresholds, values)
    events = reference.start, reference.stop, reference.owner, reference.centres_before
    return _count_hits(levels, *runs_above(levels), len(thresholds), *events)


def count_one_to_one(
    values: np.ndarray,
    thresholds: np.ndarray,
    reference: ClassEvents,
    *,
    collar_frames: int,
    share_of_length: float,
) -> np.ndarray:
    """The same with each reference found by one output at most, so correct outputs are found references.

    Onsets agree within the collar, offsets within the collar or a share of the reference's length, the
    larger. An output takes the first reference that fits: for choosing thresholds, where
    `sedutils.metrics.events.event_counts` takes a matching of maximum size.
    """
    runs = runs_above(np.searchsorted(thresholds, values))
    allowed = np.maximum(collar_frames, share_of_length * (reference.stop - reference.start))
    events = reference.start, reference.stop
    return _count_one_to_one(*runs, len(thresholds), *events, collar_frames, allowed)


@numba.njit(cache=True)
def runs_above(levels):
    """Runs above all thresholds at once: row of the threshold, first and one past the last frame.

    levels : (frames,) how many of the ascending thresholds each value is above. A value above some
        threshold is above all lower ones, so runs begin where the level rises and end where it falls;
        at one threshold they come in the order of time.
    """
    total, before = 0, 0
    for level in levels:
        total += max(level - before, 0)
        before = level
    rows, start, stop = np.empty((3, total), np.int64)
    begun = np.zeros(max(levels.max(), 1), np.int64)
    done, before = 0, 0
    for n in range(len(levels) + 1):
        level = levels[n] if n < len(levels) else 0  # the end of the recording ends all runs
        for i in range(before, level):
            begun[i] = n
        for i in range(level, before):
            rows[done], start[done], stop[done] = i, begun[i], n
            done += 1
        before = level
    return rows, start, stop


@numba.njit(cache=True)
def _count_hits(levels, rows, start, stop, n_thresholds, starts, stops, owner, centres_before):
    counts = np.zeros((3, n_thresholds), np.int64)
    found = np.zeros((n_thresholds, len(starts)), np.bool_)
    for row, begun, ended in zip(rows, start, stop):  # noqa: B905 - numba knows no strict
        event = owner[(begun + ended) // 2]
        if event >= 0:
            found[row, event] = True
        counts[0, row] += 1
        counts[1, row] += event >= 0 or centres_before[ended] > centres_before[begun]
    for event in range(len(starts)):
        found[: levels[(starts[event] + stops[event]) // 2], event] = True
    for i in range(n_thresholds):
        counts[2, i] = found[i].sum()
    return counts


@numba.njit(cache=True)
def _count_one_to_one(rows, start, stop, n_thresholds, starts, stops, collar, allowed):
    counts = np.zeros((3, n_thresholds), np.int64)
    free = np.ones((n_thresholds, len(starts)), np.bool_)
    for row, begun, ended in zip(rows, start, stop):  # noqa: B905
        counts[0, row] += 1
        event = np.searchsorted(starts, begun - collar)
        while event < len(starts) and starts[event] <= begun + collar:
            if free[row, event] and abs(stops[event] - ended) <= allowed[event]:
                free[row, event] = False
                counts[1:, row] += 1
                break
            event += 1
    return counts


def _values(counts: HitCounts) -> tuple:
    return tuple(getattr(counts, field.name) for field in fields(counts))
