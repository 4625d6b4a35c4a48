"""Target triplets of Phan et al. 2018, Sec. 2.1: activity and distances to onset and offset.

Frame t of an event that covers the frames onset <= t < offset has the distances p = t - onset and
q = offset - t, so that p + q is the event's duration (reading B05). Distances reach to the event's true
borders even where a segment of 512 frames cuts it (reading B07): triplets are made of whole recordings
and cut afterwards. One roll holds one event of a class at a time, so that events of a class that overlap
or touch count as one (reading B20).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sedutils.features.frames import Frames
from sedutils.metrics import activity


def longest_events(rolls: Iterable[np.ndarray]) -> np.ndarray:
    """The longest event of each class in frames, int ``(classes,)``; 1 for a class without events.

    rolls : activity ``(frames, classes)`` of the training recordings, one each. This is the constant that
    scales both distances of a class to [0, 1] (reading B04), and back at inference.
    """
    per_recording = []
    for roll in rolls:
        start, stop, column = activity.runs(roll)
        longest = np.ones(np.shape(roll)[1], dtype=np.int64)
        np.maximum.at(longest, column, stop - start)
        per_recording.append(longest)
    if not per_recording:
        raise ValueError("rolls: no recording to take the longest events from")
    return np.max(per_recording, axis=0)


def distances(roll: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames from the onset and to the (exclusive) offset, int ``(frames, classes)``, 0 where inactive."""
    roll = np.asarray(roll, dtype=bool)
    frame = np.arange(len(roll))[:, None]
    bordered = np.pad(roll, ((1, 1), (0, 0)))
    begins, ends = roll & ~bordered[:-2], roll & ~bordered[2:]
    onset = np.maximum.accumulate(np.where(begins, frame, 0), axis=0)
    offset = np.minimum.accumulate(np.where(ends, frame + 1, len(roll))[::-1], axis=0)[::-1]
    return np.where(roll, frame - onset, 0), np.where(roll, offset - frame, 0)


def triplets(roll: np.ndarray, longest: np.ndarray) -> np.ndarray:
    """Targets of one recording, float32 ``(frames, 3, classes)``: y, p and q in [0, 1].

    roll : activity ``(frames, classes)`` of the whole recording
    longest : of `longest_events`; longer distances, which only other splits have, are clipped
    """
    scaled = [np.minimum(d / longest, 1) for d in distances(roll)]
    return np.stack([roll, *scaled], axis=1, dtype=np.float32, casting="unsafe")


def rolls(frames: Frames) -> list[np.ndarray]:
    """Activity of each recording of a split, bool ``(frames, classes)``, on the host."""
    parts = zip(frames.recordings.first_frame, frames.recordings.frames, strict=True)
    return [np.asarray(frames.targets[first : first + n], dtype=bool) for first, n in parts]


def with_triplets(frames: Frames, longest: np.ndarray) -> Frames:
    """The same split with triplets ``(frames, 3, classes)`` for targets; frames of other splits hold 0."""
    targets = np.zeros((len(frames.targets), 3, frames.targets.shape[1]), dtype=np.float32)
    for first, roll in zip(frames.recordings.first_frame, rolls(frames), strict=True):
        targets[first : first + len(roll)] = triplets(roll, longest)
    return replace(frames, targets=targets)
