"""Thresholds of tags against trying every one, and by hand."""

import numpy as np
import pytest
from conftest import refused

from sedutils.decoding import tag_thresholds
from sedutils.decoding.tag_thresholds import best_f, detection, exclusion, included, macro_f


def counts(scores, truth, threshold):
    """True and false positives, true and false negatives of one class at one threshold."""
    on = scores >= threshold
    return (on & truth).sum(), (on & ~truth).sum(), (~on & ~truth).sum(), (~on & truth).sum()


def f_score(scores, truth, threshold):
    hits, false, _, missed = counts(scores, truth, threshold)
    return 2 * hits / (2 * hits + false + missed) if hits else 0.0


def precise(scores, truth, threshold):
    hits, false, _, _ = counts(scores, truth, threshold)
    return hits / (hits + false) if hits + false else 0.0


def npv_and_mean(scores, truth, threshold):
    _, false, right, missed = counts(scores, truth, threshold)
    if right == 0:
        return 0.0, 0.0
    npv, specificity = right / (right + missed), right / (right + false)
    return npv, 2 * npv * specificity / (npv + specificity)


def drawn(seed, levels):
    """Scores of clips, of so many levels (ties), that know something of the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.random((60, 4)) < rng.uniform(0.05, 0.6, 4)
    scores = 0.35 * truth + rng.random((60, 4)) * 0.65
    return (np.ceil(scores * levels) / levels).astype(np.float32), truth


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels", [5, 1000])
def test_no_other_threshold_is_better(seed, levels):
    scores, truth = drawn(seed, levels)
    thresholds, best = best_f(scores, truth)
    precision, npv = 0.8, 0.9
    detected, excluded = detection(scores, truth, precision), exclusion(scores, truth, npv)
    for k in range(4):
        s, t = scores[:, k].astype(float), truth[:, k]
        every = np.r_[np.unique(s), np.inf]
        values = [f_score(s, t, v) for v in every]
        assert best[k] == pytest.approx(max(values)) == f_score(s, t, thresholds[k])
        allowed = [f_score(s, t, v) for v in every if precise(s, t, v) > precision]
        if allowed:
            assert f_score(s, t, detected[k]) == pytest.approx(max(allowed))
            assert precise(s, t, detected[k]) > precision
        else:
            assert detected[k] == np.inf
        pairs = [npv_and_mean(s, t, v) for v in every]
        allowed = [mean for value, mean in pairs if value > npv]
        if allowed:
            assert npv_and_mean(s, t, excluded[k])[1] == pytest.approx(max(allowed))
            assert npv_and_mean(s, t, excluded[k])[0] > npv
        else:
            assert excluded[k] == -np.inf


def test_thresholds_lie_between_scores():
    scores, truth = np.array([[0.9], [0.7], [0.3], [0.1]]), np.array([[1], [1], [0], [0]])
    thresholds, f = best_f(scores, truth)
    assert thresholds == pytest.approx([0.5]) and f.tolist() == [1.0]
    assert detection(scores, truth, 0.9) == pytest.approx([0.5])
    assert exclusion(scores, truth, 0.98) == pytest.approx([0.5])
    mixed = np.array([[1], [0], [1], [0]])
    assert best_f(scores, mixed)[0] == pytest.approx(
        [0.2]
    )  # 2 of 3: F = 0.8, of the first one 2 / 3
    assert detection(scores, mixed, 0.9) == pytest.approx([0.8])
    assert exclusion(scores, mixed, 0.98) == pytest.approx([0.2])


def test_equal_scores_are_not_told_apart():
    scores, truth = np.array([[0.4]] * 3), np.array([[1], [0], [0]])
    thresholds, f = best_f(scores, truth)
    assert thresholds.tolist() == [0.4] and f == pytest.approx([0.5])
    assert detection(scores, truth, 0.9).tolist() == [np.inf]
    assert exclusion(scores, truth, 0.98).tolist() == [-np.inf]


def test_what_cannot_be_had_blocks_clips_that_need_it():
    """Reading E-A07; a class that is never there is excluded wherever it is no surer than it was."""
    scores = np.array([[0.9, 0.2], [0.1, 0.6]])
    never, always = np.zeros((2, 2), int), np.ones((2, 2), int)
    thresholds, f = best_f(scores, never)
    assert thresholds.tolist() == [np.inf] * 2 and f.tolist() == [0, 0]
    assert macro_f(scores, never) == 0 and macro_f(scores, [[1, 0], [0, 0]]) == 1
    assert detection(scores, never, 0.9).tolist() == [np.inf] * 2
    assert (scores < exclusion(scores, never, 0.98)).all()
    assert exclusion(scores, always, 0.98).tolist() == [-np.inf] * 2
    assert not included(scores, np.full(2, np.inf), np.full(2, -np.inf)).any()


def test_a_clip_is_taken_in_if_every_class_is_sure():
    detected, excluded = np.array([0.8, np.inf]), np.array([0.2, 0.3])
    clips = np.array([[0.8, 0.1], [0.1, 0.2], [0.5, 0.1], [0.9, 0.9], [0.2, 0.1], [0.9, 0.3]])
    assert included(clips, detected, excluded).tolist() == [True, True, False, False, False, False]
    crossing = np.array([0.3]), np.array([0.6])
    assert included(np.array([[0.1], [0.4], [0.7]]), *crossing).all()


def test_shapes_that_differ_are_refused():
    refused(ValueError, lambda: best_f(np.zeros((3, 2)), np.zeros((3, 1))), "(3, 2)", "(3, 1)")
    refused(
        ValueError,
        lambda: tag_thresholds.detection(np.zeros((0, 2)), np.zeros((0, 2)), 0.9),
        "(0, 2)",
    )
