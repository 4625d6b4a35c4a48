"""Scores of detection in short clips, as DCASE 2020 task 4 has them: event-based F1 a class, and PSDS.

An event is right if its onset lies within 200 ms of the annotated one, and its offset within 200 ms or a
fifth of the annotated length, whichever is more (reading E-A15); events are matched one to one, and as many
as can be. `event_scores` goes through sed_eval; `event_f_scores` gives the same numbers for many thresholds at
once, so that thresholds can be chosen by them; a test holds the two together.

Scores are (frames, classes), the frames of all clips below each other.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sedutils import metrics, sed_eval_adapter

COLLAR_S, OFFSET_SHARE = 0.2, 0.2
# Two tolerances of PSDS (DCASE 2021 task 4): exact times; rough times and no confusions
PSDS = {
    1: {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "alpha_ct": 0.0},
    2: {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5},
}
# Thresholds are tried at these quantiles of a class's scores, most of them high, as events are short, and evenly
# between the least and the largest score, since scores that separate well leave a gap that no quantile falls into
QUANTILES, STEPS = 1 - np.geomspace(0.98, 0.002, 40), 20


@dataclass(frozen=True, eq=False)
class Clips:
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
        columns = metrics.event_columns(own, self.labels)[2]
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

    def subset(self, chosen: np.ndarray) -> "Clips":
        """Of the clips those that a bool array ``(clips,)`` chooses; of scores ``clip_of_frame`` tells which."""
        return Clips(self.recordings[chosen], self.events, self.labels, self.hop_s)


def by_recording(events: pd.DataFrame, clips: Clips) -> dict[str, pd.DataFrame]:
    """The events of every clip, none included."""
    groups = dict(tuple(events.groupby("recording", sort=False)))
    none = events.iloc[:0]
    return {recording: groups.get(recording, none) for recording in clips.recordings.recording}


def event_scores(found: pd.DataFrame, clips: Clips) -> pd.Series:
    """Event-based F1 (percent) of each class by sed_eval; NaN for a class without events in the clips."""
    pair = by_recording(clips.annotation, clips), by_recording(found, clips)
    _, table = sed_eval_adapter.sed_eval_event(
        *pair, clips.labels, collar_s=COLLAR_S, percentage_of_length=OFFSET_SHARE
    )
    return 100 * table.f1_score.where(table.n_reference > 0).reindex(list(clips.labels))


def event_counts(found: pd.DataFrame, clips: Clips) -> metrics.Counts:
    """Counts of the same matches, clip by clip along a leading axis, for the bootstrap."""
    pair = by_recording(clips.annotation, clips), by_recording(found, clips)
    return metrics.Counts.stack(
        metrics.event_counts(
            *events,
            labels=clips.labels,
            onset_collar_s=COLLAR_S,
            percentage_of_length=OFFSET_SHARE,
        )
        for events in zip(*(part.values() for part in pair), strict=True)
    )


def macro_f_score(counts: metrics.Counts) -> np.ndarray:
    """Mean event-based F1 (percent) of the classes that have events in a unit or resample."""
    f1 = metrics.class_wise_values(counts)["f1_score"]
    known = ~np.isnan(f1)
    total = np.where(known, f1, 0).sum(axis=-1)
    return 100 * np.divide(
        total, known.sum(axis=-1), out=np.full(total.shape, np.nan), where=known.any(axis=-1)
    )


def event_f_scores(column: np.ndarray, thresholds: np.ndarray, label: str, clips: Clips):
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
    return 2 * hits / (outputs + len(own))


def _outputs(column: np.ndarray, thresholds: np.ndarray, clips: Clips):
    """Runs of active frames at every threshold: number of the threshold, clip, onset and offset in seconds.

    Seconds are those of `sedutils.decoding.events_for_people`.
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


def best_threshold(column: np.ndarray, label: str, clips: Clips) -> tuple[float, float]:
    """The threshold of highest event-based F1 of a class, and that F1 (0..1); of equals the middle one.

    Scores of 0, those that tags have masked, reach no threshold. ``(inf, nan)`` for a class that has no
    events in these clips or no score above 0: nothing says from where on it should be believed.
    """
    positive = column[column > 0]
    if not len(positive) or not (clips.annotation.label == label).any():
        return np.inf, np.nan
    steps = np.linspace(positive.min(), positive.max(), STEPS + 1)[1:]
    thresholds = np.unique(np.concatenate([np.quantile(positive, QUANTILES), steps]))
    scores = event_f_scores(column, thresholds, label, clips)
    best = np.flatnonzero(np.isclose(scores, scores.max()))
    chosen = best[len(best) // 2]
    return float(thresholds[chosen]), float(scores[chosen])


def tag_f_scores(tags: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """F (percent) of each class, NaN for one that no clip has; both bool ``(clips, classes)``."""
    hits, both = (tags & truth).sum(axis=0), tags.sum(axis=0) + truth.sum(axis=0)
    out = np.full(truth.shape[1], np.nan)
    return np.divide(200.0 * hits, both, out=out, where=truth.any(axis=0))


def psds(scores: np.ndarray, clips: Clips, scenario: int) -> float:
    """Polyphonic sound detection score (0..1) over all thresholds, by sed_scores_eval.

    scenario : of `PSDS`; from the mean over classes their standard deviation is taken off. Classes without
        events in the clips are left out, as their true positive rate is undefined.
    """
    from sed_scores_eval.base_modules.scores import create_score_dataframe
    from sed_scores_eval.intersection_based import psds as library

    there = clips.tags.any(axis=0)
    labels = [label for label, known in zip(clips.labels, there, strict=True) if known]
    durations = dict(zip(clips.recordings.recording, clips.recordings.duration_s, strict=True))
    tables = {}
    for recording, part in clips.parts(scores[:, there].astype(np.float64)).items():
        times = np.minimum(np.arange(len(part) + 1) * clips.hop_s, durations[recording]).round(6)
        tables[recording] = create_score_dataframe(part, times, labels)
    truth = {
        recording: [
            (*span, label)
            for label, own in events.sort_values("onset_s").groupby("label")
            for span in united(own)  # the library refuses events of a class that touch
        ]
        for recording, events in by_recording(clips.annotation, clips).items()
    }
    value, *_ = library(tables, truth, durations, alpha_st=1.0, max_efpr=100.0, **PSDS[scenario])
    return float(value)


def united(events: pd.DataFrame) -> list[tuple[float, float]]:
    """Onset and offset of what events of one class cover, given in the order of their onsets."""
    spans = []
    for onset, offset in zip(events.onset_s, events.offset_s, strict=True):
        if spans and onset <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], offset)
        else:
            spans.append((onset, offset))
    return spans
