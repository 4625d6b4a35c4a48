"""Decisions, smoothing, and the way from a roll to events and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sedutils.decoding import smoothing, thresholds
from sedutils.metrics import activity

LABELS = ("bus", "cat_meowing", "thunder")
rolls = st.integers(1, 60).flatmap(lambda n: arrays(bool, (n, 3)))
hops = st.sampled_from([0.02, 0.01, 0.04, 0.0232, 256 / 22050, 1.0])


def test_threshold_is_inclusive_and_may_differ_by_class():
    scores = np.array([[0.5, 0.2], [0.49999, 0.19]])
    assert thresholds.decide(scores).tolist() == [[True, False], [False, False]]
    assert thresholds.decide(scores, [0.4, 0.2]).tolist() == [[True, True], [True, False]]


@settings(deadline=None, max_examples=150)
@given(rolls, hops)
def test_events_come_back_as_the_same_roll(roll, hop_s):
    events = activity.events_inside_frames(roll, LABELS, hop_s=hop_s)
    assert list(events.columns) == ["onset_s", "offset_s", "label"]
    assert events.onset_s.is_monotonic_increasing
    back = activity.event_roll(events, LABELS, n_frames=len(roll), hop_s=hop_s)
    np.testing.assert_array_equal(back, roll)


@pytest.mark.parametrize("hop_s", [0.02, 0.01, 0.0232, 256 / 22050])
def test_events_come_back_over_an_hour(hop_s):
    n_frames = int(3600 / hop_s)
    roll = np.random.default_rng(1).random((n_frames, 3)) < [0.5, 0.05, 0.95]
    events = activity.events_inside_frames(roll, LABELS, hop_s=hop_s)
    back = activity.event_roll(events, LABELS, n_frames=n_frames, hop_s=hop_s)
    np.testing.assert_array_equal(back, roll)


def test_true_borders_do_not_come_back():
    """Why half-frame borders are there: some frame borders land a frame early or late."""
    roll = np.zeros((3000, 3), dtype=bool)
    roll[::2, 0] = True
    events = activity.events_at_borders(roll, LABELS)
    assert events.iloc[1].tolist() == [0.04, 0.06, "bus"]
    back = activity.event_roll(events, LABELS, n_frames=3000)
    assert (back != roll).sum() > 0


def test_runs_by_hand():
    roll = np.array([[1, 0], [1, 1], [0, 1], [1, 1]], dtype=bool)
    start, stop, column = activity.runs(roll)
    assert list(zip(start, stop, column, strict=True)) == [(0, 2, 0), (1, 4, 1), (3, 4, 0)]
    events = activity.events_inside_frames(roll, LABELS[:2], hop_s=1.0)
    assert events.to_numpy().tolist() == [
        [0.5, 1.5, "bus"],
        [1.5, 3.5, "cat_meowing"],
        [3.5, 3.5, "bus"],
    ]


def test_nothing_active():
    events = activity.events_inside_frames(np.zeros((5, 3), dtype=bool), LABELS)
    assert events.shape == (0, 3)
    assert not activity.event_roll(events, LABELS, n_frames=5).any()
    assert not smoothing.tidy(np.zeros((5, 3), dtype=bool), gap_frames=50).any()


@settings(deadline=None, max_examples=80)
@given(rolls, st.sampled_from([1, 3, 5, 11]))
def test_median_filter_is_a_majority_of_each_class_alone(roll, frames):
    half = frames // 2
    padded = np.pad(roll, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, frames, axis=0)
    smooth = smoothing.median_filter(roll, frames)
    assert smooth.dtype == bool
    np.testing.assert_array_equal(smooth, windows.sum(axis=-1) > half)
    scores = smoothing.median_filter(roll.astype(np.float32), frames)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, smooth)


def test_median_filter_needs_an_odd_width():
    with pytest.raises(ValueError, match="not 4"):
        smoothing.median_filter(np.zeros((5, 1)), 4)


def test_tidy_by_hand():
    text = "1111.11111.....11111......11111"
    roll = np.array([[c == "1"] for c in text])
    # 4 frames are too short for 0.1 s, 5 are not; a gap of 5 frames is closed, one of 6 is not
    frames = smoothing.tidy_frames(minimum_event_s=0.1, minimum_gap_s=0.1, hop_s=0.02)
    tidy = smoothing.tidy(roll, **frames)
    assert "".join(".1"[int(x)] for x in tidy[:, 0]) == ".....111111111111111......11111"


@settings(deadline=None, max_examples=80)
@given(rolls, st.integers(1, 6), st.integers(0, 6))
def test_tidy_is_the_baselines_rule(roll, shortest, widest):
    """Against the rule written out run by run."""
    expected = np.zeros_like(roll)
    for k in range(roll.shape[1]):
        start, stop, _ = activity.runs(roll[:, [k]])
        kept = [[i, j] for i, j in zip(start, stop, strict=True) if j - i >= shortest]
        merged = kept[:1]
        for i, j in kept[1:]:
            if i - merged[-1][1] <= widest:
                merged[-1][1] = j
            else:
                merged.append([i, j])
        for i, j in merged:
            expected[i:j, k] = True
    seconds = {"minimum_event_s": shortest * 0.02, "minimum_gap_s": widest * 0.02}
    frames = smoothing.tidy_frames(**seconds, hop_s=0.02)
    assert frames == {"event_frames": shortest, "gap_frames": widest}
    np.testing.assert_array_equal(smoothing.tidy(roll, **frames), expected)
