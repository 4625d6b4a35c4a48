"""Means over scenes and legacy F1 against values worked out by hand."""

import numpy as np
import pytest

from sedutils.metrics import scenes, segments


def roll(text):
    """Rows of 0 and 1 as a bool roll (frames, classes)."""
    return np.array([[c == "1" for c in row] for row in text.split()])


def test_scenes_weigh_the_same_whatever_their_length():
    good, bad = roll("10 10 10 10 10 10"), roll("01 00")
    counts = {
        "home": segments.segment_counts(good, good),
        "street": segments.segment_counts(bad, ~bad),
    }
    scores = scenes.scene_scores(counts)
    assert scores["f1_score"] == pytest.approx(0.5)
    # street: a substitution in the first frame, two insertions in the second, one reference
    assert scores["error_rate"] == pytest.approx((0 + 3) / 2)


def test_scores_are_means_over_scenes():
    references = {"a": roll("10 10 10 10"), "b": roll("10 01"), "c": roll("01 00")}
    outputs = {"a": roll("10 10 10 10"), "b": roll("10 00"), "c": roll("00 00")}
    places = {"home": ["a"], "street": ["b", "c"]}
    counts = scenes.scene_counts(references, outputs, places)
    total = counts.sum()
    # home: F1 1, ER 0; street: one hit of three references, nothing else: F1 0.5, ER 2/3
    assert scenes.f1_score(total) == pytest.approx(0.75)
    assert scenes.error_rate(total) == pytest.approx(1 / 3)
    # class 0 is hit five times of five, class 1 never of two
    np.testing.assert_allclose(scenes.class_f1_scores(total), [1, 0])
    each = scenes.per_scene(references, outputs, places)
    named = dict(zip(places, (c.sum() for c in each), strict=True))
    assert scenes.scene_scores(named)["f1_score"] == pytest.approx(0.75)


def test_a_resample_without_reference_in_a_scene_has_no_score():
    silent = scenes.scene_counts({"a": roll("00")}, {"a": roll("10")}, {"home": ["a"]})
    assert np.isnan(scenes.f1_score(silent.sum()))
    assert np.isnan(scenes.error_rate(silent.sum()))


def test_a_scene_without_reference_is_named():
    empty = segments.segment_counts(roll("00"), roll("10"))
    with pytest.raises(ValueError, match="scene 'beach' has no active reference"):
        scenes.scene_scores({"beach": empty})


def test_legacy_f1_by_hand():
    reference = roll("11 00 00 10 10 00")
    output = roll("10 00 01 10 00 00")
    each = scenes.legacy_f1_scores(reference, output, segment_frames=1)
    np.testing.assert_allclose(each, [2 / 3, np.nan, 0, 1, 0, np.nan])
    score, skipped = scenes.legacy_f1_score({"a": [each[:2], each[2:]], "b": [np.ones(6)]})
    assert score == pytest.approx(((2 / 3 + 1) / 4 + 1) / 2)
    assert skipped == pytest.approx(2 / 12)


def test_legacy_f1_pools_frames_to_seconds_and_keeps_the_last_part():
    reference, output = roll("10 00 00 00 01"), roll("00 10 00 00 01")
    each = scenes.legacy_f1_scores(reference, output, segment_frames=2)
    np.testing.assert_allclose(each, [1, np.nan, 1])
    with pytest.raises(ValueError, match="scene 'c' has neither"):
        scenes.legacy_f1_score({"c": [np.array([np.nan])]})
