"""From scores of an ensemble to events: filter, mask, and the choice for each class."""

import numpy as np
import pandas as pd
import pytest

from sedutils.decoding import class_wise
from sedutils.metrics.events import AnnotatedClips, class_f_scores

LABELS = ("cat", "tap")
HOP_S = 0.04
EVENTS = [
    ("c0", 0.4, 1.2, "cat"),
    ("c0", 1.6, 3.6, "tap"),
    ("c1", 1.0, 2.0, "cat"),
    ("c2", 0.4, 2.8, "tap"),
]


@pytest.fixture
def clips():
    recordings = pd.DataFrame({"recording": ["c0", "c1", "c2"], "frames": [100, 60, 80]})
    recordings["duration_s"] = recordings.frames * HOP_S
    events = pd.DataFrame(EVENTS, columns=["recording", "onset_s", "offset_s", "label"])
    return AnnotatedClips(recordings, events, LABELS, HOP_S)


def rolls(clips):
    """The annotation, float ``(frames, classes)``."""
    first = np.cumsum(clips.frames) - clips.frames
    roll = np.zeros((clips.frames.sum(), len(LABELS)), np.float32)
    for row in clips.annotation.itertuples():
        start, stop = (first[row.clip] + round(s / HOP_S) for s in (row.onset_s, row.offset_s))
        roll[start:stop, row.column] = 1
    return roll


def test_the_median_is_that_of_each_clip_alone_with_its_ends_repeated(clips, rng):
    scores = rng.random((240, 2)).astype(np.float32)
    found = class_wise.filtered(scores, 5, clips)
    for first, last in ((0, 100), (100, 160), (160, 240)):
        for n in range(first, last):
            near = scores[np.clip(np.arange(n - 2, n + 3), first, last - 1)]
            assert (found[n] == np.sort(near, axis=0)[2]).all()


def test_masking_and_filtering_may_change_places(clips, rng):
    scores = rng.random((2, 240, 2)).astype(np.float32)
    tags = np.array([[1, 0], [1, 1], [0, 1]])
    masked = class_wise.masked(scores, tags, clips)
    assert (masked[:, :100, 1] == 0).all() and (masked[:, 160:, 0] == 0).all()
    assert (masked[:, 100:160] == scores[:, 100:160]).all()
    first = class_wise.variants_of(masked, (3, 7), clips)
    second = class_wise.variants_of(scores, (3, 7), clips)
    assert list(first) == [(0, 3), (0, 7), (1, 3), (1, 7)]
    for key, filtered in first.items():
        assert (filtered == class_wise.masked(second[key], tags, clips)).all()


def test_each_class_takes_the_context_and_median_that_find_its_events(clips, rng):
    truth = rolls(clips)
    scores = 0.3 * rng.random((2, 240, 2)).astype(np.float32)
    scores[0, :, 1] += 0.6 * truth[:, 1]
    flickering = truth[:, 0] * (np.arange(240) % 7 != 3)  # only a median filter closes its gaps
    scores[1, :, 0] += 0.6 * flickering
    variants = class_wise.variants_of(scores, (1, 7), clips)
    choice = class_wise.choose(variants, clips)
    assert choice.variants[0] == (1, 7) and choice.variants[1][0] == 0
    assert choice.f_scores == pytest.approx([1, 1])
    found = class_wise.events_of(variants, choice, clips)
    assert class_f_scores(found, clips).tolist() == [100, 100]
    # what decides is each class's own variant
    assert (class_wise.chosen_scores(variants, choice)[:, 0] == variants[1, 7][:, 0]).all()
    tap = found[found.label == "tap"][["recording", "onset_s", "offset_s"]]
    assert tap.to_numpy().tolist() == [["c0", 1.6, 3.6], ["c2", 0.4, 2.8]]


def test_a_class_that_no_clip_holds_is_never_found(clips, rng):
    silent = AnnotatedClips(clips.recordings, clips.events.iloc[[0]], LABELS, HOP_S)
    variants = class_wise.variants_of(rng.random((1, 240, 2)), (3,), silent)
    choice = class_wise.choose(variants, silent)
    assert np.isinf(choice.thresholds[1]) and np.isnan(choice.f_scores[1])
    assert set(class_wise.events_of(variants, choice, silent).label) == {"cat"}
