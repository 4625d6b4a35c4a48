"""One event a clip: by hand, against a slow loop and sed_eval's counts, and the search for thresholds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sedutils.decoding import smoothing
from sedutils.decoding.dynamic import BASES, DynamicThreshold, decide_all, search
from sedutils.metrics import activity, events, rare, segments


def clip(text):
    """Scores of a clip drawn as digits, tenths each."""
    return np.array([[int(c) for c in text]]) / 10


@pytest.mark.parametrize(
    ("text", "gap", "expected"),
    [
        ("0099900", 0, (2, 5)),
        ("0000000", 0, (-1, -1)),
        ("0090000", 0, (-1, -1)),  # one decision is less than the median of three
        ("9900000", 0, (0, 2)),
        ("9000000", 0, (0, 1)),  # at an end it is repeated
        ("0999099900", 0, (1, 8)),  # the median closes a gap of one
        ("09990099990", 0, (6, 10)),
        ("09990099990", 2, (1, 10)),
        ("09990009999", 2, (7, 11)),
        ("09990009999", 3, (1, 11)),
        ("0999000009990", 0, (1, 4)),  # of equally long ones the first
        ("0055500000", 0, (2, 5)),  # at the threshold is active
    ],
)
def test_runs_by_hand(text, gap, expected):
    rule = DynamicThreshold(base=0.5, ratio=0.0, gap_frames=gap)
    start, stop = rule.decide(clip(text))
    assert (start.item(), stop.item()) == expected


def test_the_threshold_rises_with_the_mean_of_the_clip():
    loud, soft = clip("7777799977"), clip("1111199911")
    rule = DynamicThreshold(base=0.2, ratio=0.8, gap_frames=0)  # means 0.76 and 0.34
    assert [x.item() for x in rule.decide(loud)] == [5, 8]
    assert [x.item() for x in rule.decide(soft)] == [5, 8]
    fixed = DynamicThreshold(base=0.5, ratio=0.0, gap_frames=0)
    assert [x.item() for x in fixed.decide(loud)] == [0, 10]


def slow(scores, base, ratio, median_frames, gap_frames):
    """Reading G-A21 step by step, with the functions of the other chapters."""
    active = scores >= base + ratio * scores.mean()
    active = smoothing.median_filter(active[:, None], median_frames)
    active = smoothing.tidy(active, gap_frames=gap_frames)
    start, stop, _ = activity.runs(active)
    if not len(start):
        return -1, -1
    longest = np.argmax(stop - start)
    return start[longest], stop[longest]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 25).flatmap(lambda n: arrays(np.float64, (3, n), elements=st.floats(0, 1))),
    st.sampled_from([1, 3, 5]),
    st.integers(0, 4),
)
def test_all_pairs_at_once_against_a_slow_loop(scores, median_frames, gap_frames):
    bases, ratios = np.array([0.1, 0.4, 0.8]), np.array([0.0, 0.5])
    start, stop = decide_all(scores, bases, ratios, median_frames, gap_frames)
    assert start.shape == (3, 3, 2)
    for c, b, r in np.ndindex(start.shape):
        expected = slow(scores[c], bases[b], ratios[r], median_frames, gap_frames)
        assert (start[c, b, r], stop[c, b, r]) == expected


def some_clips(rng, count=40, frames=60):
    """Scores that rise in an event of 12 decisions in half of the clips, and onsets."""
    scores = rng.uniform(0, 0.6, (count, frames))
    onsets = np.full(count, np.nan)
    for i in range(0, count, 2):
        first = rng.integers(0, frames - 12)
        scores[i, first : first + 12] += rng.uniform(0, 0.5)
        onsets[i] = first * 0.1 + rng.uniform(-0.3, 0.3)
    return np.clip(scores, 0, 1), np.where(np.isnan(onsets), np.nan, np.maximum(onsets, 0))


def error_rate(start, onsets):
    found_s = np.where(np.array(start) < 0, np.nan, np.array(start) * 0.1)
    return float(rare.counts(onsets, found_s).sum().error_rate)


def test_the_error_rate_is_that_of_the_event_based_metric(rng):
    scores, onsets = some_clips(rng)
    start, stop = DynamicThreshold(0.3, 0.4).decide(scores)
    counts = []
    for begin, end, onset in zip(start, stop, onsets, strict=True):
        roll = np.zeros((60, 1), bool)
        roll[max(begin, 0) : max(end, 0)] = True
        reference = pd.DataFrame({"onset_s": [onset], "offset_s": [onset + 1], "label": ["a"]})
        reference = reference.dropna()
        output = activity.events_at_borders(roll, ["a"], hop_s=0.1)
        counts.append(
            events.event_counts(
                reference, output, labels=["a"], onset_collar_s=0.5, evaluate_offset=False
            )
        )
    total = segments.Counts.stack(counts).sum()
    expected = segments.overall_scores(total)["error_rate"]
    assert 0 < expected < 2
    assert error_rate(start, onsets) == pytest.approx(expected)


def test_error_rate_by_hand():
    """A hit at exactly 500 ms, one 1 ms too late, a miss, a false alarm and a clip that is rightly silent."""
    start = np.array([12, 12, -1, 3, -1])
    onsets = np.array([0.7, 0.699, 2.0, np.nan, np.nan])
    assert error_rate(start, onsets) == pytest.approx((2 + 2) / 3)


def test_search_against_a_loop_over_the_grid(rng):
    scores, onsets = some_clips(rng)
    bases, ratios = np.arange(1, 10) / 10, np.array([0.0, 0.3, 1.0])
    rule, rates = search(scores, onsets, bases=bases, ratios=ratios, gap_frames=2)
    for b, r in np.ndindex(rates.shape):
        start = np.array([slow(s, bases[b], ratios[r], 3, 2)[0] for s in scores])
        assert rates[b, r] == pytest.approx(error_rate(start, onsets))
    assert error_rate(rule.decide(scores)[0], onsets) == rates.min() < rates.max()
    assert rule.gap_frames == 2


def test_of_equally_good_pairs_the_middle_one():
    """The event scores 0.9 and the rest 0: every base from 0.01 to 0.9 finds it, until the mean adds too much."""
    scores = np.zeros((2, 40))
    scores[0, 10:20] = 0.9
    rule, rates = search(scores, [1.0, np.nan], ratios=np.array([0.0]))
    assert rates.shape == (20, 1) and (rates == 0).all()
    assert rule.base == BASES[9] and rule.ratio == 0
    rule, rates = search(scores, [1.0, np.nan], bases=np.array([0.5, 0.7, 0.85, 0.95]))
    assert (rates[3] == 1).all() and rates.min() == 0
    assert rule.base == 0.7


def test_wrong_arguments_are_named():
    scores = np.zeros((2, 5))
    with pytest.raises(ValueError, match="onsets_s: no clip with an event"):
        search(scores, [np.nan, np.nan])
    with pytest.raises(ValueError, match=r"onsets_s: shape \(3,\), scores have 2 clips"):
        search(scores, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"scores: shape \(5,\)"):
        DynamicThreshold(0.5, 0.5).decide(np.zeros(5))
    with pytest.raises(ValueError, match="median_frames: an odd number is needed, not 2"):
        DynamicThreshold(0.5, 0.5, median_frames=2).decide(scores)
