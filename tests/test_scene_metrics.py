"""Means over scenes, legacy F1 and equal error rates, against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedutils import metrics, scene_metrics
from sedutils.sed_eval_adapter import library


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


def test_equal_error_rate_by_hand():
    scores = np.array([0.9, 0.8, 0.3, 0.6, 0.2, 0.1])
    targets = np.array([1, 1, 1, 0, 0, 0])
    # at any threshold between 0.3 and 0.6 one of three positives is missed, at 0.6 one negative accepted
    rates = scene_metrics.equal_error_rates(targets[:, None], scores[:, None])
    assert rates == pytest.approx([1 / 3])
    assert scene_metrics.equal_error_rates(targets[:, None], -scores[:, None]) == pytest.approx(
        [2 / 3]
    )


def test_a_class_that_never_or_always_sounds_has_no_rate():
    targets = np.array([[0, 1, 1], [0, 1, 0]])
    rates = scene_metrics.equal_error_rates(targets, np.array([[0.1, 0.2, 0.9], [0.3, 0.4, 0.2]]))
    np.testing.assert_allclose(rates, [np.nan, np.nan, 0])
    with pytest.raises(ValueError, match=r"targets \(2, 3\) and scores \(2, 2\)"):
        scene_metrics.equal_error_rates(targets, np.zeros((2, 2)))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(4, 60))
def test_rate_stays_under_monotone_transforms_and_mirrors(seed, chunks):
    rng = np.random.default_rng(seed)
    targets = np.r_[1, 0, rng.integers(0, 2, chunks)][:, None]
    scores = rng.normal(size=(chunks + 2, 1))
    rate = scene_metrics.equal_error_rates(targets, scores)
    np.testing.assert_allclose(scene_metrics.equal_error_rates(targets, np.exp(scores)), rate)
    ties = scores.round(1)
    for each in (scores, ties):
        expected = library().metric.equal_error_rate(targets[:, 0], each[:, 0])
        assert scene_metrics.equal_error_rates(targets, each) == pytest.approx([expected])
    np.testing.assert_allclose(scene_metrics.equal_error_rates(targets, -scores), 1 - rate)
