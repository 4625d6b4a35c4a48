"""At most one event a clip from frame scores, as the "gradual network" paper decodes them (Sec. 2.4).

Threshold of the clip, median filter, gaps closed, the longest run (reading G-A21): its first frame is the onset,
the frame behind its last the offset. Base and ratio of the threshold, which the paper does not give, are searched
on validation data for each event alone (reading G-A09).

Scores are (clips, frames) of one event, after the sigmoid, 100 ms a frame.
"""

from dataclasses import dataclass

import numba
import numpy as np

from sedutils.decoding.thresholds import middle_of_best
from sedutils.metrics import rare

HOP_S = 0.1
BASES = np.r_[0.01, 0.02, 0.05, np.arange(2, 19) / 20]  # 0.01 to 0.9
RATIOS = np.arange(21) / 20  # 0 to 1
MEDIAN_FRAMES = 3  # 300 ms
GAP_FRAMES = 5  # the 500 ms within which an onset counts as found


@dataclass(frozen=True)
class DynamicThreshold:
    """Eq. 8: T = base + ratio * mean score of the clip; frames at or above it are active.

    median_frames : width of the median filter, odd; the first and last decision repeated beyond the ends
    gap_frames : the longest gap that is closed
    """

    base: float
    ratio: float
    median_frames: int = MEDIAN_FRAMES
    gap_frames: int = GAP_FRAMES

    def decide(self, scores) -> tuple[np.ndarray, np.ndarray]:
        """First frame of each clip's event and the frame behind its last, int (clips,); -1 where there is none.

        Of several longest runs the first.
        """
        pair = np.array([self.base]), np.array([self.ratio])
        start, stop = decide_all(scores, *pair, self.median_frames, self.gap_frames)
        return start[:, 0, 0], stop[:, 0, 0]


def search(
    scores,
    onsets_s,
    *,
    bases: np.ndarray = BASES,
    ratios: np.ndarray = RATIOS,
    median_frames: int = MEDIAN_FRAMES,
    gap_frames: int = GAP_FRAMES,
    hop_s: float = HOP_S,
) -> tuple[DynamicThreshold, np.ndarray]:
    """The rule of least error rate, and the error rate of every pair, (bases, ratios).

    onsets_s : (clips,) of the reference events, NaN in clips without one

    Of several pairs that are equally good the middle one. ValueError without any reference event.
    """
    start, _ = decide_all(scores, bases, ratios, median_frames, gap_frames)
    onsets_s = np.asarray(onsets_s, np.float64)
    if onsets_s.shape != start.shape[:1]:
        raise ValueError(f"onsets_s: shape {onsets_s.shape}, scores have {len(start)} clips")
    if np.isnan(onsets_s).all():
        raise ValueError("onsets_s: no clip with an event")
    counts = rare.counts(onsets_s[:, None, None], np.where(start < 0, np.nan, start * hop_s))
    rates = counts.sum().error_rate
    base, ratio = middle_of_best(-rates)
    best = float(bases[base]), float(ratios[ratio])
    return DynamicThreshold(*best, median_frames, gap_frames), rates


def decide_all(
    scores, bases, ratios, median_frames: int, gap_frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """`DynamicThreshold.decide` for every pair at once, int (clips, bases, ratios) each."""
    scores = np.ascontiguousarray(scores, np.float64)
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(f"scores: shape {scores.shape}, not (clips, frames)")
    if median_frames < 1 or median_frames % 2 == 0:
        raise ValueError(f"median_frames: an odd number is needed, not {median_frames}")
    mean = scores.mean(axis=1)[:, None, None]
    thresholds = np.asarray(bases)[:, None] + np.asarray(ratios) * mean  # (clips, bases, ratios)
    flat = np.ascontiguousarray(thresholds.reshape(len(scores), -1))
    runs = longest_runs(scores, flat, median_frames // 2, gap_frames)
    return runs[0].reshape(thresholds.shape), runs[1].reshape(thresholds.shape)


@numba.njit(cache=True)
def longest_runs(scores, thresholds, side, gap_frames):
    """Start and stop (2, clips, thresholds) of the longest run of each clip at each threshold."""
    clips, frames = scores.shape
    found = np.full((2, clips, thresholds.shape[1]), -1)
    for c in range(clips):
        for k in range(thresholds.shape[1]):
            start, stop = -1, -1  # of the run so far, gaps closed
            for t in range(frames):
                votes = 0
                for d in range(-side, side + 1):
                    votes += scores[c, min(max(t + d, 0), frames - 1)] >= thresholds[c, k]
                if votes <= side:
                    continue
                if start < 0 or t - stop > gap_frames:
                    start = t
                stop = t + 1
                if stop - start > found[1, c, k] - found[0, c, k]:
                    found[0, c, k], found[1, c, k] = start, stop
    return found
