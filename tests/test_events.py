"""Event-based F1 and PSDS of clips, against sed_eval, by hand, and by their properties."""

import time

import numpy as np
import pandas as pd
import pytest

from sedutils.decoding.thresholds import search_events
from sedutils.metrics import activity, psds
from sedutils.metrics.events import (
    AnnotatedClips,
    class_f_scores,
    clip_counts,
    macro_f_score,
    threshold_f_scores,
)

LABELS = ("cat", "dog", "tap")
HOP_S = 0.04


def clips_with(events, frames, labels=LABELS):
    recordings = pd.DataFrame({"recording": [f"c{i}" for i in range(len(frames))]})
    recordings = recordings.assign(frames=frames, duration_s=np.array(frames) * HOP_S)
    table = pd.DataFrame(events, columns=["recording", "onset_s", "offset_s", "label"])
    return AnnotatedClips(recordings, table, labels, HOP_S)


def drawn(rng, count=30, frames=100):
    """Random events, close together and overlapping within their class, and scores that follow them."""
    lengths = rng.integers(frames // 2, frames, count)
    rows, scores = [], rng.random((lengths.sum(), len(LABELS))) * 0.5
    firsts = np.cumsum(lengths) - lengths
    for i, (first, length) in enumerate(zip(firsts, lengths, strict=True)):
        for k, label in enumerate(LABELS):
            for _ in range(rng.integers(0, 4)):
                onset, lasting = rng.uniform(0, length * HOP_S - 0.2), rng.uniform(0.1, 1.5)
                offset = min(onset + lasting, length * HOP_S)
                rows.append((f"c{i}", round(onset, 3), round(offset, 3), label))
                a, b = (round(x / HOP_S + rng.normal(0, 4)) for x in (onset, offset))
                scores[first + max(0, a) : first + min(length, b), k] += 0.4
    return clips_with(rows, lengths), scores


def found(scores, threshold, clips):
    parts = [
        activity.events_at_borders(part >= threshold, LABELS, hop_s=HOP_S).assign(recording=name)
        for name, part in clips.parts(scores).items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_many_thresholds_at_once_equal_sed_eval_one_by_one(rng):
    for _ in range(3):
        clips, scores = drawn(rng)
        thresholds = np.array([0.05, 0.3, 0.45, 0.5, 0.7, 0.95])
        ours = [
            threshold_f_scores(s, thresholds, k, clips)
            for s, k in zip(scores.T, LABELS, strict=True)
        ]
        for i, threshold in enumerate(thresholds):
            events = found(scores, threshold, clips)
            theirs = class_f_scores(events, clips)
            assert [100 * f[i] for f in ours] == pytest.approx(theirs.tolist())
            counts = clip_counts(events, clips)
            macro = macro_f_score(counts.sum())
            assert macro == pytest.approx(theirs.mean())
        assert np.ptp(ours) > 0.05  # thresholds matter here


def test_collars_by_hand():
    clips = clips_with([("c0", 1.0, 3.0, "cat"), ("c1", 1.0, 1.4, "cat")], [100, 100])

    def score(first, last, clip):
        column = np.zeros(200)
        column[100 * clip + first : 100 * clip + last] = 1
        return threshold_f_scores(column, np.array([0.5]), "cat", clips)[0]

    hit = 2 / 3  # one event of two, and nothing else
    assert score(25, 75, 0) == hit
    assert score(30, 85, 0) == hit  # 200 ms late; 400 ms are a fifth of two seconds
    assert score(31, 75, 0) == 0 and score(25, 86, 0) == 0
    assert score(25, 39, 1) == hit  # 200 ms are more than a fifth of 400 ms
    assert score(25, 41, 1) == 0
    assert score(25, 75, 1) == 0  # right for the other clip


def test_runs_do_not_cross_clips_and_pairs_are_as_many_as_can_be():
    clips = clips_with([("c0", 3.0, 4.0, "dog"), ("c1", 0.0, 1.0, "dog")], [100, 100])
    column = np.zeros(200)
    column[75:125] = 1
    assert threshold_f_scores(column, np.array([0.5]), "dog", clips)[0] == 1
    # the first output could take both events, the second only the first: greedy choice would lose one
    clips = clips_with([("c0", 1.0, 2.0, "dog"), ("c0", 1.16, 2.16, "dog")], [100])
    column = np.zeros(100)
    column[[21, 22]] = 1  # too short to match, between
    column[27:52] = 1
    scores = threshold_f_scores(column, np.array([0.5]), "dog", clips)
    assert scores[0] == pytest.approx(2 / 4)
    assert np.isnan(threshold_f_scores(column, np.array([0.5]), "tap", clips)).all()


def test_the_best_threshold_is_the_best_of_all_tried(rng):
    clips, scores = drawn(rng)
    threshold, best = search_events(scores[:, 0], "cat", clips)
    finer = np.quantile(scores[:, 0], np.linspace(0, 1, 400))
    assert threshold_f_scores(scores[:, 0], np.array([threshold]), "cat", clips) == best
    assert best >= threshold_f_scores(scores[:, 0], finer, "cat", clips).max() - 0.05
    # what tags have masked reaches no threshold, and says nothing of one
    masked = scores[:, 0] * (clips.clip_of_frame % 2)
    assert search_events(masked, "cat", clips)[0] > 0
    assert search_events(0 * masked, "cat", clips)[0] == np.inf


def test_choosing_is_fast_enough_for_a_chapter(rng):
    clips, scores = drawn(rng, count=60, frames=250)
    start = time.process_time()
    for _ in range(4):
        search_events(scores[:, 0], "cat", clips)
    assert (time.process_time() - start) / 4 < 0.1  # four variants of ten classes: 4 s at worst


def test_psds_of_perfect_scores_is_one_and_of_confused_ones_less(rng):
    events = [("c0", 0.4, 1.6, "cat"), ("c1", 0.8, 2.4, "dog"), ("c1", 3.0, 3.6, "cat")]
    clips = clips_with(events, [100, 100])
    perfect = np.zeros((200, 3))
    for row in clips.annotation.itertuples():
        first = 100 * row.clip + round(row.onset_s / HOP_S)
        perfect[first : first + round((row.offset_s - row.onset_s) / HOP_S), row.column] = 1
    for scenario in (1, 2):
        assert psds.score(perfect, clips, scenario) == pytest.approx(1)
    confused = np.maximum(0.8 * perfect, 0.9 * perfect[:, [1, 0, 2]])
    assert psds.score(confused, clips, 2) < 0.5
    assert psds.score(np.zeros_like(perfect), clips, 1) == pytest.approx(0)


def test_psds_takes_events_of_a_class_that_touch_as_one():
    """The library refuses them; published lists have some."""
    in_two = clips_with([("c0", 0.4, 1.0, "cat"), ("c0", 1.0, 1.6, "cat")], [100])
    in_one = clips_with([("c0", 0.4, 1.6, "cat")], [100])
    scores = np.zeros((100, 3))
    scores[20:70, 0] = 1
    assert psds.score(scores, in_two, 1) == psds.score(scores, in_one, 1)


def test_a_subset_of_clips_keeps_their_events_and_frames(rng):
    clips, scores = drawn(rng, count=6)
    even = np.arange(6) % 2 == 0
    part = clips.subset(even)
    assert list(part.recordings.recording) == ["c0", "c2", "c4"]
    own = scores[even[clips.clip_of_frame]]
    whole = clips.parts(scores)
    assert all((rows == whole[name]).all() for name, rows in part.parts(own).items())
    assert (part.tags == clips.tags[even]).all()
    with pytest.raises(ValueError, match="frames for clips of"):
        part.parts(scores)
