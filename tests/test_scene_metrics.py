"""Means over scenes and legacy F1 against values worked out by hand."""

import numpy as np
import pytest

from sedutils import metrics, scene_metrics


def roll(text):
    """Rows of 0 and 1 as a bool roll (frames, classes)."""
    return np.array([[c == "1" for c in row] for row in text.split()])


def test_scenes_weigh_the_same_whatever_their_length():
    good, bad = roll("10 10 10 10 10 10"), roll("01 00")
    counts = {
        "home": metrics.segment_counts(good, good),
        "street": metrics.segment_counts(bad, ~bad),
    }
    scores = scene_metrics.scene_scores(counts)
    assert scores["f1_score"] == pytest.approx(0.5)
    # street: a substitution in the first frame, two insertions in the second, one reference
    assert scores["error_rate"] == pytest.approx((0 + 3) / 2)


def test_a_scene_without_reference_is_named():
    empty = metrics.segment_counts(roll("00"), roll("10"))
    with pytest.raises(ValueError, match="scene 'beach' has no active reference"):
        scene_metrics.scene_scores({"beach": empty})


def test_legacy_f1_by_hand():
    reference = roll("11 00 00 10 10 00")
    output = roll("10 00 01 10 00 00")
    each = scene_metrics.legacy_f1_scores(reference, output, segment_frames=1)
    np.testing.assert_allclose(each, [2 / 3, np.nan, 0, 1, 0, np.nan])
    score, skipped = scene_metrics.legacy_f1_score({"a": [each[:2], each[2:]], "b": [np.ones(6)]})
    assert score == pytest.approx(((2 / 3 + 1) / 4 + 1) / 2)
    assert skipped == pytest.approx(2 / 12)


def test_legacy_f1_pools_frames_to_seconds_and_keeps_the_last_part():
    reference, output = roll("10 00 00 00 01"), roll("00 10 00 00 01")
    each = scene_metrics.legacy_f1_scores(reference, output, segment_frames=2)
    np.testing.assert_allclose(each, [1, np.nan, 1])
    with pytest.raises(ValueError, match="scene 'c' has neither"):
        scene_metrics.legacy_f1_score({"c": [np.array([np.nan])]})
