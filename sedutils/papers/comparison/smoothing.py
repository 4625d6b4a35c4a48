"""What is done to a system's scores before they meet a threshold, each with its choices.

Scores are ``(cuts, frames, classes)``, of triplets ``(cuts, frames, 3, classes)``, on the grid of the cuts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sedutils.decoding.confidence import confidence
from sedutils.decoding.smoothing import median_filter, tidy
from sedutils.decoding.thresholds import search_values
from sedutils.papers.comparison.cuts import GRID_S


@dataclass(frozen=True)
class Nothing:
    """Scores as they are."""

    choices: tuple = (None,)

    def fitted(self, choice, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return np.asarray

    def described(self, choice) -> str:
        return "none"


@dataclass(frozen=True)
class Tidy:
    """`sedutils.decoding.smoothing.tidy`: short events go, then short gaps close; both in frames."""

    event_frames: int
    gap_frames: int
    choices: tuple = (None,)

    def fitted(self, choice, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        lengths = {"event_frames": self.event_frames, "gap_frames": self.gap_frames}
        return lambda scores: tidy(scores, **lengths, axis=1)

    def described(self, choice) -> str:
        event, gap = self.event_frames * GRID_S, self.gap_frames * GRID_S
        return f"events shorter than {event:.2g} s dropped, then gaps up to {gap:.2g} s closed"


@dataclass(frozen=True)
class Median:
    """Running median along time; the choices are its widths in frames, all odd."""

    choices: tuple[int, ...]

    def fitted(self, choice: int, validation: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda scores: median_filter(scores, choice, axis=1)

    def described(self, choice: int) -> str:
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

    def described(self, choice: float) -> str:
        return f"confidence of frames with an activity above {choice:g}"


@dataclass(frozen=True)
class Rule:
    """From scores to decisions, as chosen on validation cuts."""

    choice: float | None
    threshold: float


def search(smoothing, validation: np.ndarray, truth: np.ndarray) -> Rule:
    """The choice and the threshold with the best frame F1 on validation cuts; of equals the first."""
    found = []
    for choice in smoothing.choices:
        smooth = smoothing.fitted(choice, validation)(validation)
        threshold, f1 = search_values(smooth, truth)
        found.append((f1, Rule(choice, threshold)))
    return max(found, key=lambda pair: pair[0])[1]
