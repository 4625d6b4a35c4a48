"""Events that hit each other by their centres: F1 and error rate as CLEAR 2006 counts them.

The paper states no matching rule, and its tables contradict one-to-one counting (reading B12). Here an
output event and a reference event of one class hit each other where the centre of either lies in the
other. An output with a hit is correct, a reference with a hit is found, and several outputs may hit one
reference:

    precision = correct / outputs      recall = found / references
    error rate = (references not found + outputs not correct) / references

Events are the runs of active frames of a roll ``(frames, classes)``; a run i..j, j exclusive, has its
centre at (i + j) / 2, in frame floor((i + j) / 2), and holds a centre c where i <= c < j. One-to-one scores
with collars are in `sedutils.metrics.event_counts`.
"""

from dataclasses import dataclass, fields

import numba
import numpy as np

from sedutils import decoding


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

    def weighted(self, weights):
        """Sums over units ``(units, classes)``, each taken ``weights`` ``(…, units)`` times."""
        return HitCounts(*(weights @ values for values in _values(self)))

    def overall(self):
        """Counts pooled over classes (rows "Overall" of the paper's tables)."""
        return HitCounts(*(getattr(self, f.name).sum(axis=-1) for f in fields(self)))

    @property
    def f1_score(self) -> np.ndarray:
        """Harmonic mean of precision and recall; NaN without references, 0 without output."""
        precision = _share(self.correct, self.outputs, 0.0)
        recall = _share(self.found, self.references, np.nan)
        return _share(2 * precision * recall, precision + recall, 0.0)

    @property
    def error_rate(self) -> np.ndarray:
        """Events missed and events invented for each reference; NaN without references."""
        wrong = self.references - self.found + self.outputs - self.correct
        return _share(wrong, self.references, np.nan)


def hit_counts(
    output: np.ndarray, reference: np.ndarray, *, block_frames: int | None = None
) -> HitCounts:
    """Counts of one recording from decisions and reference, bool ``(frames, classes)``.

    block_frames : if given, counts of blocks of so many frames, each ``(blocks, classes)``; an event
        belongs to the block that holds its centre, and hits across borders
    """
    if np.shape(output) != np.shape(reference):
        raise ValueError(f"rolls differ in shape: {np.shape(output)}, {np.shape(reference)}")
    frames, classes = np.shape(reference)
    length = block_frames or max(frames, 1)
    counts = np.zeros((4, max(1, -(-frames // length)), classes), dtype=np.int64)
    for row, (roll, other) in zip((0, 2), ((reference, output), (output, reference)), strict=True):
        start, stop, column = decoding.runs(roll)
        centre = (start + stop) // 2
        np.add.at(counts, (row, centre // length, column), 1)
        np.add.at(counts, (row + 1, centre // length, column), hits(roll, other))
    return HitCounts(*(counts if block_frames else counts[:, 0]))


def hits(roll: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which events of ``roll``, in the order of `decoding.runs`, hit one of ``other``: bool ``(events,)``."""
    start, stop, column = decoding.runs(roll)
    others_start, others_stop, others_column = decoding.runs(other)
    centres = np.zeros((len(other) + 1, np.shape(other)[1]), dtype=np.int64)
    np.add.at(centres, ((others_start + others_stop) // 2 + 1, others_column), 1)
    before = centres.cumsum(axis=0)  # centres of the others in frames before this one
    holds = before[stop, column] > before[start, column]
    return holds | np.asarray(other, bool)[(start + stop) // 2, column]


@dataclass(frozen=True, eq=False)
class Reference:
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
    def of(cls, active: np.ndarray) -> "Reference":
        """From the activity ``(frames,)`` of one class."""
        active = np.asarray(active, dtype=bool)
        start, stop, _ = decoding.runs(active[:, None])
        started = np.searchsorted(start, np.arange(len(active)), side="right")
        centres = np.bincount((start + stop) // 2, minlength=len(active))
        return cls(
            start,
            stop,
            np.where(active, started - 1, -1),
            np.concatenate(([0], np.cumsum(centres))),
        )


def count_hits(values: np.ndarray, thresholds: np.ndarray, reference: Reference) -> np.ndarray:
    """Event counts at all thresholds in one pass: outputs, correct and found, int ``(3, thresholds)``.

    values : (frames,) float64 of one class; an event is a run of values above a threshold
    thresholds : float64, ascending
    """
    return _count_hits(
        *(values, thresholds, reference.start, reference.stop, reference.owner),
        reference.centres_before,
    )


@numba.njit(cache=True)
def _count_hits(values, thresholds, starts, stops, owner, centres_before):
    """A value above some threshold is above all lower ones, so its level, the number of thresholds
    below it, stands for all decisions at once, and events begin and end where the level changes."""
    levels = np.zeros(len(values) + 1, np.int64)  # the last one closes all events
    counts = np.zeros((3, len(thresholds)), np.int64)
    found = np.zeros((len(thresholds), len(starts)), np.bool_)
    begun = np.zeros(len(thresholds), np.int64)
    before = 0
    for n in range(len(values) + 1):
        level = before
        if n == len(values):
            level = 0
        else:
            while level < len(thresholds) and values[n] > thresholds[level]:
                level += 1
            while level > 0 and not values[n] > thresholds[level - 1]:
                level -= 1
        for i in range(before, level):
            begun[i] = n
        for i in range(level, before):  # an output event from begun[i] to n
            event = owner[(begun[i] + n) // 2]
            if event >= 0:
                found[i, event] = True
            counts[0, i] += 1
            counts[1, i] += event >= 0 or centres_before[n] > centres_before[begun[i]]
        levels[n] = before = level
    for event in range(len(starts)):
        found[: levels[(starts[event] + stops[event]) // 2], event] = True
    for i in range(len(thresholds)):
        counts[2, i] = found[i].sum()
    return counts


def _values(counts: HitCounts) -> tuple:
    return tuple(getattr(counts, field.name) for field in fields(counts))


def _share(part, whole, undefined):
    """part / whole, ``undefined`` where the whole is 0; NaN stays NaN."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(part.shape, undefined), where=whole != 0)
