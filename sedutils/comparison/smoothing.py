"""What is done to a system's scores before they meet a threshold, each with its choices.

A filter of scores by rank (median, erosion, dilation) gives, at any threshold, what the same filter of the
decisions would give. Scores are ``(cuts, frames, classes)``, of triplets ``(cuts, frames, 3, classes)``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sedutils.comparison.cuts import GRID_S
from sedutils.multitask.confidence import confidence


@dataclass(frozen=True)
class Nothing:
    """Scores as they are."""

    choices: tuple = (None,)

    def fitted(self, choice, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return np.asarray

    def told(self, choice) -> str:
        return "none"


@dataclass(frozen=True)
class Tidy:
    """`sedutils.decoding.tidy` for scores: short events go, then short gaps close; both in frames.

    Events shorter than ``event`` go, gaps of up to ``gap`` close.
    """

    event: int
    gap: int
    choices: tuple = (None,)

    def fitted(self, choice, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return self.apply

    def apply(self, scores: np.ndarray) -> np.ndarray:
        # silence before and behind: an event at the border may be short, a gap there is none
        margin = self.event + self.gap + 1
        padded = np.pad(scores, ((0, 0), (margin, margin), (0, 0)))
        opened = ndimage.grey_opening(padded, size=(1, max(1, self.event), 1), mode="nearest")
        closed = ndimage.grey_closing(opened, size=(1, self.gap + 1, 1), mode="nearest")
        return closed[:, margin:-margin]

    def told(self, choice) -> str:
        event, gap = self.event * GRID_S, self.gap * GRID_S
        return f"events shorter than {event:.2g} s dropped, then gaps up to {gap:.2g} s closed"


@dataclass(frozen=True)
class Median:
    """Running median along time; the choices are its widths in frames, all odd."""

    choices: tuple[int, ...]

    def fitted(self, choice: int, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        def apply(scores):
            if choice == 1:
                return scores
            # scipy's filter of one dimension is the fast one
            columns = np.moveaxis(scores, 1, 2).reshape(-1, scores.shape[1])
            smooth = [ndimage.median_filter(c, size=choice, mode="nearest") for c in columns]
            shape = scores.shape[0], scores.shape[2], scores.shape[1]
            return np.moveaxis(np.stack(smooth).reshape(shape), 2, 1)

        return apply

    def told(self, choice: int) -> str:
        return "none" if choice == 1 else f"median over {choice * GRID_S:.2f} s"


@dataclass(frozen=True)
class Confidence:
    """Votes of the frames for their regions (Phan et al. 2018, Sec. 3), within the cut; of distances in frames.

    The choices are thresholds alpha on the activity. The largest confidence of a class on the validation
    cuts becomes 1 (reading B09).
    """

    choices: tuple[float, ...]

    def fitted(self, choice: float, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        def votes(estimates):
            alpha = np.full(estimates.shape[-1], choice)
            return np.stack([confidence(cut, alpha) for cut in estimates])

        largest = votes(validation).max(axis=(0, 1))
        largest[largest == 0] = 1  # no activity above alpha anywhere

        return lambda estimates: np.minimum(votes(estimates) / largest, 1)

    def told(self, choice: float) -> str:
        return f"confidence of frames with an activity above {choice:g}"


def best_threshold(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The threshold of best micro-averaged F1, and that F1; both arrays of one shape.

    All values that occur are tried. A score of 0 says that nothing is there; without a larger one
    the threshold is infinite.
    """
    order = np.argsort(-scores, axis=None, kind="stable")
    falling = scores.ravel()[order]
    hits = np.cumsum(truth.ravel()[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + max(1, hits[-1]))
    # a threshold takes all that are equal, or none of them
    allowed = np.append(falling[1:] != falling[:-1], True) & (falling > 0)
    if not allowed.any():
        return float("inf"), 0.0
    best = int(np.argmax(np.where(allowed, f1, -1)))
    return float(falling[best]), float(f1[best])


@dataclass(frozen=True)
class Rule:
    """From scores to decisions, as chosen on validation cuts."""

    choice: float | None
    threshold: float


def search(smoothing, validation: np.ndarray, truth: np.ndarray) -> Rule:
    """The choice and the threshold with the best frame F1 on validation cuts; of equals the first."""
    found = []
    for choice in smoothing.choices:
        graded = smoothing.fitted(choice, validation)(validation)
        threshold, f1 = best_threshold(graded, truth)
        found.append((f1, Rule(choice, threshold)))
    return max(found, key=lambda pair: pair[0])[1]
