"""Inference of Phan et al. 2018, Sec. 3: confidence gathered from estimated boundaries.

Each frame whose activity exceeds alpha votes, with its activity, for all frames of its region of interest
(ROI): from its estimated onset to its estimated offset. The sum of the votes, scaled to [0, 1] and above
beta, is an event. Segments do not overlap and regions may leave them (reading B07), so eq. 11's sum over
segments is the sum over all frames of a recording.

Estimates are float64 ``(frames, 3, classes)`` of one recording: activity in [0, 1] and both distances in
frames (`in_frames`).
"""

from dataclasses import dataclass

import numpy as np

# Activities are rounded to multiples of it, so that float64 sums of up to two million of them are exact:
# the same whatever the order, and 0 where the votes that began have ended
GRAIN = 2.0**-32


def in_frames(estimates: np.ndarray, longest: np.ndarray) -> np.ndarray:
    """A network's probabilities ``(frames, 3, classes)`` with distances back in frames.

    longest : (classes,) of `sedutils.features.triplets.longest_events` on the network's training split
    """
    activity = np.ones_like(longest)
    return np.asarray(estimates, np.float64) * np.stack([activity, longest, longest])


def regions(estimates: np.ndarray, lag: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """First and one past the last frame of every frame's ROI, int ``(frames, classes)``.

    Eq. 10 with the estimated offset distance at its right end (reading B01) and the true frame index
    (B08): t - p <= n <= t + q. Both ends count, so exact integer distances run one frame past the event.
    Regions end with the recording.

    lag : if given, frame t votes for no frame before t - lag, which is all that a decision about frame n
        may use when it is taken as soon as frame n + lag is heard (`sedutils.papers.phan2018.early`)
    """
    frame = np.arange(len(estimates))[:, None]
    back, ahead = np.floor(estimates[:, 1:]).astype(np.int64).transpose(1, 0, 2)
    if lag is not None:
        back = np.minimum(back, lag)
    return np.maximum(frame - back, 0), np.minimum(frame + ahead + 1, len(estimates))


def votes(
    activity: np.ndarray, first: np.ndarray, stop: np.ndarray, alphas: np.ndarray
) -> np.ndarray:
    """f_c(n) of eq. 11 of one class and recording for all thresholds, ``(alphas, frames)``.

    activity, first, stop : (frames,), the last two of `regions`
    alphas : ascending; a frame counts where its activity is above (not at) the threshold
    """
    weight = np.round(np.asarray(activity, np.float64) / GRAIN) * GRAIN
    above = np.searchsorted(alphas, activity)  # how many thresholds the activity is above
    some = above > 0
    rows, weight = above[some] - 1, weight[some]
    change = np.zeros((len(alphas), len(activity) + 1))
    np.add.at(change, (rows, first[some]), weight)
    np.subtract.at(change, (rows, stop[some]), weight)
    # what passes one threshold passes all lower ones
    np.cumsum(change[::-1], axis=0, out=change[::-1])
    return np.cumsum(change, axis=1, out=change)[:, :-1]


def confidence(estimates: np.ndarray, alpha: np.ndarray, lag: int | None = None) -> np.ndarray:
    """f_c(n) of eq. 11 with a threshold of each class, ``(frames, classes)``, not yet scaled."""
    classes = zip(estimates[:, 0].T, *(x.T for x in regions(estimates, lag)), alpha, strict=True)
    return np.stack([votes(*parts, np.array([a]))[0] for *parts, a in classes], axis=1)


@dataclass(frozen=True, eq=False)
class ConfidenceRule:
    """What `sedutils.papers.phan2018.search.search_confidence` chooses; all ``(classes,)``.

    alpha, beta : thresholds on activity and on scaled confidence
    constant : the largest confidence on the validation data, which is 1 after scaling (reading B09)
    lag : of `regions`, None for inference on the whole recording
    """

    alpha: np.ndarray
    beta: np.ndarray
    constant: np.ndarray
    lag: int | None = None

    def confidence(self, *models: np.ndarray) -> np.ndarray:
        """Confidence in [0, 1], ``(frames, classes)``, averaged over the estimates of several models.

        The paper averages its cross-validation models on ITC-Irst (Sec. 4.2).
        """
        mean = np.mean([confidence(m, self.alpha, self.lag) for m in models], axis=0)
        return np.minimum(mean / self.constant, 1)

    def decide(self, *models: np.ndarray) -> np.ndarray:
        """Decisions, bool ``(frames, classes)``; their runs are the events (reading B11)."""
        return self.confidence(*models) > self.beta
