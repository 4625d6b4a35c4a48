"""Intervals: coding, overlap, suppression, anchor labels and RoI pooling against loops and by hand."""

import math

import pytest
import reference_rcrnn as reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedutils.models import regions

SIZES = torch.tensor([1, 2, 4, 8, 16, 32])
grid_interval = st.tuples(st.integers(0, 15), st.integers(1, 16)).map(lambda p: (p[0], p[0] + p[1]))
examples = settings(deadline=None, max_examples=60)


def random_roll(batch, frames, classes, seed, stay=0.85):
    """Long runs, some at the borders, some clips and classes without any."""
    generator = torch.Generator().manual_seed(seed)
    roll = torch.zeros(batch, frames, classes)
    state = torch.rand(batch, classes, generator=generator) < 0.3
    for t in range(frames):
        state = state ^ (torch.rand(batch, classes, generator=generator) > stay)
        roll[:, t] = state.float()
    roll[0] = 0
    return roll


def test_overlap_by_hand():
    a = torch.tensor([[0.0, 4.0], [2.0, 3.0]])
    b = torch.tensor([[0.0, 4.0], [2.0, 6.0], [4.0, 9.0]])
    expected = torch.tensor([[1, 2 / 6, 0], [1 / 4, 1 / 4, 0]])
    torch.testing.assert_close(regions.overlaps(a, b), expected)


def test_coding_by_hand_and_back():
    anchor, event = torch.tensor([4.0, 8.0]), torch.tensor([7.0, 9.0])
    code = regions.encode(event, anchor)
    torch.testing.assert_close(code, torch.tensor([0.5, -math.log(2)]))
    torch.testing.assert_close(regions.decode(code, anchor), event)
    huge = regions.decode(torch.tensor([0.0, 1e6]), anchor)
    assert torch.isfinite(huge).all()


def test_intervals_are_clipped_to_the_clip_and_never_empty():
    inside = regions.clip(
        torch.tensor([[-3.0, 4.0], [1.0, 99.0], [-5.0, -2.0], [20.0, 30.0], [3.0, 3.0]]), 10.0, 0.5
    )
    assert inside.tolist() == [[0, 4], [1, 10], [0, 0.5], [9.5, 10], [3, 3.5]]


def test_anchors_lie_around_the_middle_of_their_frame():
    found = regions.anchors(3, SIZES)
    assert found.shape == (18, 2)
    assert found[6:9].tolist() == [[1, 2], [0.5, 2.5], [-0.5, 3.5]]


@pytest.mark.parametrize("seed", range(3))
def test_runs_of_a_roll(seed):
    roll = random_roll(5, 40, 3, seed)
    events = regions.runs(roll)
    for b in range(5):
        n = int(events.present[b].sum())
        assert events.present[b, :n].all()
        rows = torch.cat((events.intervals[b, :n], events.labels[b, :n, None]), dim=1)
        assert rows.tolist() == reference.runs(roll[b])
    assert events.intervals.shape[1] == max(len(reference.runs(r)) for r in roll)
    assert not events.present[0].any() and (events.intervals[0, 0] == torch.tensor([0, 1])).all()
    assert regions.runs(roll[:1]).intervals.shape == (1, 1, 2)


# no overlap of whole-numbered intervals this short is one of these, so that rounding decides nothing
@examples
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.lists(
            st.tuples(st.lists(grid_interval, min_size=n, max_size=n), st.permutations(range(n))),
            min_size=1,
            max_size=3,
        )
    ),
    st.sampled_from([0.13, 0.47, 0.71]),
    st.integers(1, 14),
)
def test_suppression_is_the_greedy_loop(rows, threshold, keep):
    intervals = torch.tensor([r[0] for r in rows]).float()
    scores = torch.tensor([r[1] for r in rows]).float()
    indices, found = regions.suppress(intervals, scores, threshold=threshold, keep=keep)
    assert indices.shape == found.shape == (len(rows), min(keep, scores.shape[1]))
    for row, index, ok in zip(rows, indices, found, strict=True):
        assert index[ok].tolist() == reference.suppress(*row, threshold, keep)
        assert ok.tolist() == sorted(ok.tolist(), reverse=True)


def test_suppression_of_a_whole_map():
    torch.manual_seed(0)
    offsets = torch.randn(3, 162 * 6, 2)
    intervals = regions.clip(regions.decode(offsets, regions.anchors(162, SIZES)), 161.5, 1 / 8)
    scores = torch.randn(3, 162 * 6)
    indices, found = regions.suppress(intervals, scores, threshold=0.7, keep=100)
    assert found.all()
    for row in zip(intervals, scores, indices, strict=True):
        assert reference.suppress(row[0].tolist(), row[1].tolist(), 0.7, 100) == row[2].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_anchor_labels(seed):
    roll = random_roll(4, 300, 2, seed, stay=0.98)
    events = regions.runs(roll)
    events = events._replace(intervals=events.intervals / 8)
    references = regions.anchors(38, SIZES)
    positive, negative, match = regions.label_anchors(references, events, 37.5)
    assert not (positive & negative).any() and positive.any() and negative.any()
    assert not (positive | negative).all()
    for b in range(4):
        own = [[s / 8, e / 8] for s, e, _ in reference.runs(roll[b])]
        labels, matches = reference.label_anchors(references.tolist(), own, 37.5)
        assert positive[b].tolist() == [v == 1 for v in labels]
        assert negative[b].tolist() == [v == 0 for v in labels]
        for i in positive[b].nonzero()[:, 0].tolist():
            assert match[b, i] == matches[i]


def test_an_event_that_fits_no_anchor_has_its_nearest_and_crossing_ones_count_nothing():
    roll = torch.zeros(1, 160, 1)
    roll[0, 20:116] = 1  # 12 frames of the map: 8 and 16 overlap it by 2/3 and 3/4
    roll[0, 120:121] = 1  # an eighth of a frame
    events = regions.runs(roll)
    events = events._replace(intervals=events.intervals / 8)
    references = regions.anchors(20, SIZES)
    positive, negative, _ = regions.label_anchors(references, events, 20.0)
    chosen = references[positive[0]]
    assert {(e - s) for s, e in chosen.tolist()} == {16, 1}
    assert [15, 16] in chosen.tolist()
    outside = (references[:, 0] < 0) | (references[:, 1] > 20)
    assert outside.any() and not (positive | negative)[0, outside].any()


def test_draws_are_random_subsets_that_the_generator_decides():
    torch.manual_seed(3)
    candidates = torch.rand(4, 200) < torch.tensor([[0.0], [0.1], [0.5], [1.0]])
    most = torch.tensor([[5], [256], [20], [30]])
    state = torch.get_rng_state()
    first, second = (regions.draw(candidates, most) for _ in range(2))
    assert not (first & ~candidates).any()
    assert first.sum(1).tolist() == torch.minimum(candidates.sum(1), most[:, 0]).tolist()
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(regions.draw(candidates, most), first)
    often = sum(regions.draw(torch.ones(1, 10, dtype=torch.bool), 3) for _ in range(600))
    assert ((often > 120) & (often < 240)).all()  # 180 expected of each


# eighths of frames over seven bins: an edge is a whole number exactly or by a 56th not
@examples
@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(
                st.tuples(st.integers(0, 8 * n - 1), st.integers(1, 8 * n)), min_size=2, max_size=6
            ),
        )
    )
)
def test_pooling_is_the_loop_over_bins(case):
    frames, edges = case
    torch.manual_seed(frames)
    features = torch.randn(2, frames, 3)
    intervals = torch.tensor([[s / 8, min(s + length, 8 * frames) / 8] for s, length in edges])
    intervals = torch.stack((intervals, intervals.flip(0)))
    found = regions.pool(features, intervals, 7)
    for b, i in torch.cartesian_prod(torch.arange(2), torch.arange(len(edges))).tolist():
        expected = reference.pool(features[b], intervals[b, i].tolist(), 7)
        assert torch.equal(found[b, i], expected)


def test_pooling_by_hand():
    features = torch.arange(20.0)[None, :, None]
    whole = regions.pool(features, torch.tensor([[[3.0, 17.0], [5.25, 5.75], [2.5, 9.5]]]), 7)
    assert whole[0, :, :, 0].tolist() == [
        [4, 6, 8, 10, 12, 14, 16],
        [5] * 7,
        [3, 4, 5, 6, 7, 8, 9],
    ]


def test_gradients_of_pooling_go_to_the_maxima():
    torch.manual_seed(0)
    features = torch.randn(2, 50, 4, dtype=torch.float64, requires_grad=True)
    intervals = torch.tensor([[[0.0, 50.0], [3.3, 20.8]], [[7.0, 8.0], [48.0, 50.0]]])
    pull = torch.randn(2, 2, 7, 4, dtype=torch.float64)
    ours = torch.autograd.grad((regions.pool(features, intervals, 7) * pull).sum(), features)[0]
    loop = torch.stack(
        [
            torch.stack([reference.pool(f, i, 7) for i in own.tolist()])
            for f, own in zip(features, intervals, strict=True)
        ]
    )
    torch.testing.assert_close(ours, torch.autograd.grad((loop * pull).sum(), features)[0])
