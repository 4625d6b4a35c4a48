"""Scores of events matched one to one: onsets and offsets within collars.

`event_counts` counts one recording with any collars. The rest scores short clips as DCASE 2020 task 4 does: an
event is right if its onset lies within 200 ms of the annotated one, and its offset within 200 ms or a fifth of the
annotated length, whichever is more (reading E-A15); events are matched one to one, and as many as can be.
`class_f_scores` goes through sed_eval; `threshold_f_scores` gives the same numbers for many thresholds at once,
so that thresholds can be chosen by them; a test holds the two together.

Scores of networks are (frames, classes), the frames of all clips below each other.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sedutils.metrics import activity, ratios, sed_eval_adapter, segments

COLLAR_S, OFFSET_SHARE = 0.2, 0.2


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
    onset_r, offset_r, class_r = activity.event_columns(reference_events, labels)
    onset_o, offset_o, class_o = activity.event_columns(output_events, labels)
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
    return segments.Counts(
        true_positives=np.bincount(class_r[matched_r], minlength=n_classes),
        false_positives=np.bincount(class_o[left_o], minlength=n_classes),
        false_negatives=np.bincount(class_r[left_r], minlength=n_classes),
        substitutions=np.int64(substitutions),
        deletions=np.int64(len(left_r) - substitutions),
        insertions=np.int64(len(left_o) - substitutions),
    )


def _greedy_pairs(possible):
    """Number of pairs when each row takes the first free column it may have, rows in order."""
    free = np.ones(possible.shape[1], dtype=bool)
    for row in possible:
        columns = np.flatnonzero(row & free)
        free[columns[:1]] = False
    return int(np.count_nonzero(~free))


def _match(hits):
    """Rows and columns of a maximum matching in a bool (reference, output) matrix."""
    edges = {}
    for row, column in np.argwhere(hits).tolist():
        edges.setdefault(column, []).append(row)
    pairs = sorted(sed_eval_adapter.library().util.bipartite_match(edges).items())
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return rows, columns


@dataclass(frozen=True, eq=False)
class AnnotatedClips:
    """The clips that scores are of, in their order, and the events in them.

    recordings : recording, frames, duration_s
    events : recording, onset_s, offset_s, label; those of other recordings are left out
    """

    recordings: pd.DataFrame
    events: pd.DataFrame
    labels: tuple[str, ...]
    hop_s: float

    def __len__(self) -> int:
        return len(self.recordings)

    @cached_property
    def frames(self) -> np.ndarray:
        """Frames of each clip, ``(clips,)``."""
        return self.recordings.frames.to_numpy()

    @cached_property
    def clip_of_frame(self) -> np.ndarray:
        return np.repeat(np.arange(len(self)), self.frames)

    @cached_property
    def annotation(self) -> pd.DataFrame:
        """Own events with their ``clip`` and ``column``, sorted by clip, then as in the table."""
        place = pd.Series(np.arange(len(self)), index=self.recordings.recording)
        own = self.events[self.events.recording.isin(place.index)]
        columns = activity.event_columns(own, self.labels)[2]
        own = own.assign(clip=place[own.recording].to_numpy(), column=columns)
        return own.sort_values("clip", kind="stable", ignore_index=True)

    @cached_property
    def tags(self) -> np.ndarray:
        """Which classes a clip holds, bool ``(clips, classes)``."""
        there = np.zeros((len(self), len(self.labels)), bool)
        there[self.annotation["clip"], self.annotation["column"]] = True
        return there

    def parts(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Rows of each clip, by recording. ValueError for scores of another number of frames."""
        if len(scores) != self.frames.sum():
            raise ValueError(f"scores of {len(scores)} frames for clips of {self.frames.sum()}")
        pieces = np.split(scores, np.cumsum(self.frames)[:-1])
        return dict(zip(self.recordings.recording, pieces, strict=True))

    def subset(self, chosen: np.ndarray) -> "AnnotatedClips":
        """Of the clips those that a bool array ``(clips,)`` chooses; of scores ``clip_of_frame`` tells which."""
        return AnnotatedClips(self.recordings[chosen], self.events, self.labels, self.hop_s)


def by_recording(events: pd.DataFrame, clips: AnnotatedClips) -> dict[str, pd.DataFrame]:
    """The events of every clip, none included."""
    groups = dict(tuple(events.groupby("recording", sort=False)))
    none = events.iloc[:0]
    return {recording: groups.get(recording, none) for recording in clips.recordings.recording}


def class_f_scores(found: pd.DataFrame, clips: AnnotatedClips) -> pd.Series:
    """Event-based F1 (percent) of each class by sed_eval; NaN for a class without events in the clips."""
    pair = by_recording(clips.annotation, clips), by_recording(found, clips)
    _, table = sed_eval_adapter.event_scores(
        *pair, clips.labels, collar_s=COLLAR_S, percentage_of_length=OFFSET_SHARE
    )
    return 100 * table.f1_score.where(table.n_reference > 0).reindex(list(clips.labels))


def clip_counts(found: pd.DataFrame, clips: AnnotatedClips) -> segments.Counts:
    """Counts of the same matches, clip by clip along a leading axis, for the bootstrap."""
    pair = by_recording(clips.annotation, clips), by_recording(found, clips)
    return segments.Counts.stack(
        event_counts(
            *events,
            labels=clips.labels,
            onset_collar_s=COLLAR_S,
            percentage_of_length=OFFSET_SHARE,
        )
        for events in zip(*(part.values() for part in pair), strict=True)
    )


def macro_f_score(counts: segments.Counts) -> np.ndarray:
    """Mean event-based F1 (percent) of the classes that have events in a unit or resample."""
    return 100 * ratios.mean_of_known(segments.class_f1_scores(counts))


def threshold_f_scores(
    column: np.ndarray, thresholds: np.ndarray, label: str, clips: AnnotatedClips
):
    """Event-based F1 of one class at many thresholds, ``(thresholds,)`` in 0..1; NaN without its events.

    column : scores ``(frames,)``; a frame is active where they reach the threshold
    """
    own = clips.annotation[clips.annotation.label == label]
    if own.empty:
        return np.full(len(thresholds), np.nan)
    level, clip, onset_s, offset_s = _outputs(column, thresholds, clips)
    # every output beside every reference event of its clip
    counts = np.bincount(own["clip"], minlength=len(clips))
    output = np.repeat(np.arange(len(clip)), counts[clip])
    firsts = np.cumsum(counts) - counts
    within = np.arange(len(output)) - np.repeat(
        np.cumsum(counts[clip]) - counts[clip], counts[clip]
    )
    reference = firsts[clip[output]] + within
    onset, offset = own.onset_s.to_numpy(), own.offset_s.to_numpy()
    allowed = np.maximum(COLLAR_S, OFFSET_SHARE * (offset - onset))
    right = np.abs(onset[reference] - onset_s[output]) <= COLLAR_S
    right &= np.abs(offset[reference] - offset_s[output]) <= allowed[reference]
    output, row = output[right], level[output[right]] * len(own) + reference[right]
    shape = len(thresholds) * len(own), max(1, len(clip))
    edges = csr_array((np.ones(len(row), np.int8), (row, output)), shape)
    hit = maximum_bipartite_matching(edges, perm_type="column") >= 0
    hits = hit.reshape(len(thresholds), len(own)).sum(axis=1)
    outputs = np.bincount(level, minlength=len(thresholds))
    return ratios.f1(hits, len(own), outputs)


def _outputs(column: np.ndarray, thresholds: np.ndarray, clips: AnnotatedClips):
    """Runs of active frames at every threshold: number of the threshold, clip, onset and offset in seconds.

    Seconds are those of `activity.events_at_borders`.
    """
    # one silent place behind every clip keeps its runs from the next clip's
    place = np.arange(len(column)) + clips.clip_of_frame
    padded = np.full(len(column) + len(clips), -np.inf)
    padded[place] = column
    on = padded >= np.asarray(thresholds)[:, None]
    edges = np.diff(on.astype(np.int8), axis=1, prepend=0)
    level, start = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    clip_of = np.repeat(np.arange(len(clips)), clips.frames + 1)
    clip = clip_of[start]
    first = np.cumsum(clips.frames + 1) - (clips.frames + 1)
    seconds = (np.round((x - first[clip]) * clips.hop_s, 6) for x in (start, stop))
    return level, clip, *seconds
