"""Phan et al. 2018: hits, confidence, searches and early detection, against the slow and obvious way."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sedutils.decoding import smoothing
from sedutils.decoding.confidence import GRAIN, ConfidenceRule, confidence, in_frames, regions
from sedutils.features import triplets
from sedutils.metrics import activity, events
from sedutils.metrics.hits import ClassEvents, HitCounts, count_one_to_one, hit_counts
from sedutils.papers.phan2018 import early, search

seeds = st.integers(0, 2**32 - 1)
rolls = st.integers(1, 40).flatmap(lambda n: st.tuples(arrays(bool, (n, 2)), arrays(bool, (n, 2))))


def column(text):
    return np.array([[c != "."] for c in text])


def random_recording(rng, n_frames=30, classes=2):
    """Estimates (distances in frames) and reference with runs, not salt and pepper."""
    roll = np.repeat(rng.random((n_frames // 3 + 1, classes)) < 0.4, 3, axis=0)[:n_frames]
    activity = np.clip(0.7 * roll + rng.normal(0, 0.25, roll.shape), 0, 1)
    activity = np.round(activity, rng.integers(1, 8))  # often equal to a threshold
    distances = rng.gamma(1.5, 3, (n_frames, 2, classes))
    distances = np.where(rng.random(distances.shape) < 0.3, np.round(distances), distances)
    return np.concatenate((activity[:, None], distances), axis=1), roll


def random_recordings(seed):
    """Estimates and references of three recordings of unequal length."""
    rng = np.random.default_rng(seed)
    pairs = [random_recording(rng, int(n)) for n in rng.integers(8, 40, 3)]
    return tuple(map(list, zip(*pairs, strict=True)))


def slow_hits(output, reference):
    """Events and centres written out; a class a row: references, found, outputs, correct."""

    def events(active):
        start, stop, _ = activity.runs(active[:, None])
        return list(zip(start.tolist(), stop.tolist(), strict=True))

    def hit(a, b):
        (i, j), (k, m) = a, b
        return i <= (k + m) / 2 < j or k <= (i + j) / 2 < m

    rows = []
    for c in range(reference.shape[1]):
        out, ref = events(output[:, c]), events(reference[:, c])
        found = sum(any(hit(o, r) for o in out) for r in ref)
        correct = sum(any(hit(o, r) for r in ref) for o in out)
        rows.append([len(ref), found, len(out), correct])
    return np.array(rows)


def slow_f1(counts):
    references, found, outputs, correct = counts
    if references == 0:
        return np.nan
    precision = correct / outputs if outputs else 0.0
    recall = found / references
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def slow_scores(decisions, references):
    """F1 of each class over several recordings."""
    counts = sum(slow_hits(d, r) for d, r in zip(decisions, references, strict=True))
    return [slow_f1(row) for row in counts]


def slow_confidence(estimates, alpha, lag=np.inf):
    """Eqs. 10-11, vote by vote."""
    n_frames, _, classes = estimates.shape
    total = np.zeros((n_frames, classes))
    for t, c in itertools.product(range(n_frames), range(classes)):
        y, p, q = estimates[t, :, c]
        for n in range(n_frames):
            if y > alpha[c] and t - p <= n <= t + q and t <= n + lag:
                total[n, c] += round(y / GRAIN) * GRAIN
    return total


@settings(deadline=None, max_examples=200)
@given(rolls)
def test_hits_are_those_of_the_definition(pair):
    counts = hit_counts(*pair)
    expected = slow_hits(*pair).T.tolist()
    assert [counts.references.tolist(), counts.found.tolist()] == expected[:2]
    assert [counts.outputs.tolist(), counts.correct.tolist()] == expected[2:]


def test_hits_by_hand():
    # two outputs in one reference, a reference inside an output, one invented, one missed
    reference = column("..aaaaaaaa......aaa..............aaa")
    output___ = column("...aa..a......aaaaaaaaaa...aaa......")
    counts = hit_counts(output___, reference)
    assert counts.references.tolist() == [3] and counts.found.tolist() == [2]
    assert counts.outputs.tolist() == [4] and counts.correct.tolist() == [3]
    late = hit_counts(column("....aaaa....aa"), column("aaaaa........."))
    assert late.correct.tolist() == late.found.tolist() == [0]  # they overlap, no centre is inside
    with pytest.raises(ValueError, match=r"\(3, 1\), \(2, 1\)"):
        hit_counts(np.zeros((3, 1)), np.zeros((2, 1)))


def test_a_centre_on_a_border_lies_in_the_later_frame():
    reference = column("...aa...")
    assert hit_counts(column(".aaaa..."), reference).correct.tolist() == [1]
    # the output's centre, 3, is the first reference's onset and the second one's offset
    assert hit_counts(column("..aa...."), column("...aaaaa")).correct.tolist() == [1]
    assert hit_counts(column("..aa...."), column("aaa.....")).correct.tolist() == [0]


# Twelve references a class (reading B12); one-to-one counting fits the first two rows with no counts
@pytest.mark.parametrize(
    ("name", "counts", "f1", "error"),
    [
        ("chair moving, proposed", (12, 12, 28, 24), 92.3, 33.3),
        ("key jingle, proposed", (12, 12, 36, 33), 95.7, 25.0),
        ("keyboard clicking, proposed", (12, 12, 13, 12), 96.0, 8.3),
        ("laugh, proposed", (12, 11, 11, 11), 95.7, 8.3),
        ("steps, proposed", (12, 12, 12, 12), 100.0, 0.0),
    ],
)
def test_the_counting_reproduces_rows_of_table_1(name, counts, f1, error):
    scores = HitCounts(*(np.array([n]) for n in counts))
    assert [round(100 * x[0], 1) for x in (scores.f1_score, scores.error_rate)] == [f1, error]


def test_scores_add_over_recordings_and_pool_over_classes():
    one = HitCounts(*(np.array(n) for n in ([2, 0], [1, 0], [2, 1], [1, 0])))
    two = one + one
    assert two.references.tolist() == [4, 0] and two.outputs.tolist() == [4, 2]
    np.testing.assert_array_equal(two.f1_score, [0.5, np.nan])
    np.testing.assert_array_equal(two.error_rate, [1.0, np.nan])
    assert two.overall().f1_score == pytest.approx(2 * (1 / 3) * 0.5 / (1 / 3 + 0.5))
    assert two.overall().error_rate == pytest.approx((2 + 4) / 4)
    silent = HitCounts(*(np.array([n]) for n in (3, 0, 0, 0)))
    assert silent.f1_score.tolist() == [0] and silent.error_rate.tolist() == [1]


def test_regions_by_hand():
    estimates = np.array([[0.9, 2.0, 1.0], [0.9, 0.5, 1.9], [0.9, 1.0, 0.0], [0.9, 3.0, 7.0]])
    first, stop = regions(estimates[:, :, None])
    assert first.T.tolist() == [[0, 1, 1, 0]]  # frame 0 reaches before the recording
    assert stop.T.tolist() == [[2, 3, 3, 4]]
    assert regions(estimates[:, :, None], lag=1)[0].T.tolist() == [[0, 1, 1, 2]]


def test_confidence_by_hand():
    """Frames 1 and 3 vote, over frames 0-2 and 2-3; frame 2 is at the threshold, not above."""
    y = [0.0, 0.75, 0.5, 1.0]
    estimates = np.array([y, [9, 1, 9, 1], [9, 1, 9, 0]]).T[:, :, None]
    assert confidence(estimates, [0.5]).T.tolist() == [[0.75, 0.75, 1.75, 1.0]]
    rule = ConfidenceRule(np.array([0.5]), np.array([0.75 / 1.75]), np.array([1.75]))
    assert rule.decide(estimates).T.tolist() == [[False, False, True, True]]
    assert (
        ConfidenceRule(*(np.array([x]) for x in (0.5, 0.9, 1.0))).confidence(estimates).max() == 1
    )


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from([None, 0, 1, 4]))
def test_confidence_is_the_sum_of_the_votes(seed, lag):
    rng = np.random.default_rng(seed)
    estimates, _ = random_recording(rng)
    alpha = np.round(rng.random(2), 1)
    expected = slow_confidence(estimates, alpha, np.inf if lag is None else lag)
    np.testing.assert_array_equal(confidence(estimates, alpha, lag), expected)


def test_confidence_is_averaged_over_models(rng):
    models = [random_recording(rng)[0] for _ in range(3)]
    rule = ConfidenceRule(np.full(2, 0.2), np.full(2, 0.5), np.full(2, 100.0))
    mean = sum(slow_confidence(m, rule.alpha) for m in models) / 3
    np.testing.assert_allclose(rule.confidence(*models), mean / 100)


def test_exact_estimates_give_the_events_back():
    """From targets to events: one frame too many, since both ends of eq. 10's region count."""
    roll = column("....aaaaaaaa........aaaa............aaaaaaaaaaaaaaaa....")
    longest = triplets.longest_events([roll])
    assert longest.tolist() == [16]
    estimates = in_frames(triplets.triplets(roll, longest), longest)
    estimates[:, 0] *= 0.9
    rule, f1 = search.search_confidence([estimates], [roll])
    assert f1.max() == 1
    start, stop, _ = activity.runs(roll)
    found = activity.runs(rule.decide(estimates))
    assert found[0].tolist() == start.tolist()
    assert found[1].tolist() == (stop + 1).tolist()


ALPHAS, BETAS = np.array([0.0, 0.2, 0.5, 0.7, 1.0]), np.array([0.0, 0.1, 0.25, 0.5, 1.0])


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from([None, 2]))
def test_search_tries_every_pair(seed, lag):
    estimates, references = random_recordings(seed)
    rule, f1 = search.search_confidence(estimates, references, alphas=ALPHAS, betas=BETAS, lag=lag)
    for i, a in enumerate(ALPHAS):
        curves = [slow_confidence(e, [a, a], np.inf if lag is None else lag) for e in estimates]
        top = np.max([c.max(axis=0) for c in curves], axis=0)
        for j, b in enumerate(BETAS):
            decisions = [curve / np.where(top > 0, top, 1) > b for curve in curves]
            np.testing.assert_array_equal(f1[:, i, j], slow_scores(decisions, references))
    chosen = [rule.decide(e) for e in estimates]
    np.testing.assert_array_equal(slow_scores(chosen, references), best_of(f1))


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_median_search_tries_every_pair(seed):
    estimates, references = random_recordings(seed)
    scores = [e[:, 0] for e in estimates]
    windows = np.array([1, 3, 7, 13, 31])
    rule, f1 = search.search_median(scores, references, alphas=ALPHAS, windows=windows)
    for (i, w), (j, a) in itertools.product(enumerate(windows), enumerate(ALPHAS)):
        decisions = [smoothing.median_filter(s > a, int(w)) for s in scores]
        np.testing.assert_array_equal(f1[:, i, j], slow_scores(decisions, references))
    chosen = [rule.decide(s) for s in scores]
    np.testing.assert_array_equal(slow_scores(chosen, references), best_of(f1))


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_one_to_one_counts_are_those_of_the_metrics(seed):
    """At every threshold; onsets are further apart than two collars, so that nothing can be taken twice."""
    rng = np.random.default_rng(seed)
    reference = np.zeros((120, 1), bool)
    for start in range(10, 110, 12):
        reference[start : start + rng.integers(1, 11)] = rng.random() < 0.6
    values = np.clip(0.5 * np.roll(reference[:, 0], 1) + 0.2 * rng.normal(size=120), 0, 1).round(1)
    found = count_one_to_one(
        values,
        ALPHAS,
        ClassEvents.from_activity(reference[:, 0]),
        collar_frames=2,
        share_of_length=0.5,
    )
    truth = activity.events_at_borders(reference, ["a"], hop_s=1.0)
    for alpha, (outputs, correct, hit) in zip(ALPHAS, found.T, strict=True):
        said = activity.events_at_borders(values[:, None] > alpha, ["a"], hop_s=1.0)
        counts = events.event_counts(truth, said, labels=["a"], onset_collar_s=2.0)
        assert correct == hit == counts.true_positives[0] and outputs == len(said)


def test_one_to_one_counting_keeps_events_apart():
    """A dip between two events: by their centres one long output hits both, and nothing is lost."""
    reference = column("." * 20 + "a" * 40 + "." * 20 + "a" * 40 + "." * 20)
    scores = np.where(reference, 0.9, 0.0)
    scores[60:80] = 0.6
    strictly = partial(count_one_to_one, collar_frames=10, share_of_length=0.5)
    by_hits, _ = search.search_median([scores], [reference], windows=np.array([1]))
    one_to_one, f1 = search.search_median(
        [scores], [reference], windows=np.array([1]), count=strictly
    )
    assert f1.max() == 1
    assert len(activity.runs(by_hits.decide(scores))[0]) == 1
    assert len(activity.runs(one_to_one.decide(scores))[0]) == 2


def best_of(f1):
    return [np.nan if np.isnan(grid).all() else np.nanmax(grid) for grid in f1]


def test_grids_of_the_paper():
    assert search.ALPHAS.tolist() == [i / 100 for i in range(101)]
    assert search.BETAS.tolist() == [i / 20 for i in range(21)]
    assert search.WINDOWS[[0, 1, -1]].tolist() == [1, 7, 253] and len(search.WINDOWS) == 43


def test_the_middle_of_equally_good_pairs():
    grid = np.zeros((7, 9))
    grid[1:4, 2:7] = 0.5
    assert search.middle_of_best(grid) == (2, 4)
    grid[6, 8] = 0.6
    assert search.middle_of_best(grid) == (6, 8)
    assert search.middle_of_best(np.full((101, 21), np.nan)) == (50, 10)


def test_a_class_that_validation_lacks_gets_the_middle_of_the_grid(rng):
    estimates, reference = random_recording(rng)
    reference[:, 1] = False
    rule, f1 = search.search_confidence([estimates], [reference])
    assert np.isnan(f1[1]).all() and not np.isnan(f1[0]).any()
    assert (rule.alpha[1], rule.beta[1]) == (0.5, 0.5)


def test_unequal_input_is_refused(rng):
    estimates, reference = random_recording(rng)
    with pytest.raises(
        ValueError, match=r"^recording 0: scores \(30, 2\) and reference \(29, 2\)$"
    ):
        search.search_confidence([estimates], [reference[1:]])
    with pytest.raises(ValueError, match="0 recordings with scores, 1 with references"):
        search.search_median([], [reference])


def test_latencies_by_hand():
    reference = column("..aaaa..aaa..aa.aa")
    decisions = column(".....aa..a........")
    found = early.latencies(decisions, reference, lag=0)
    assert found.length.tolist() == [4, 3, 2, 2]
    np.testing.assert_array_equal(found.latency, [3, 1, np.nan, np.nan])
    assert found.early.tolist() == [True, True, False, False]
    later = early.latencies(decisions, reference, lag=1)
    np.testing.assert_array_equal(later.latency, [4, 2, np.nan, np.nan])
    assert later.early.tolist() == [False, True, False, False]  # the first had just ended
    running = early.latencies(column("aaaa.."), column(".aaa.."), lag=0)
    assert running.latency.tolist() == [0]


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(0, 5))
def test_early_decisions_use_nothing_that_comes_later(seed, lag):
    """Other estimates from a frame on change no decision that was due before it."""
    rng = np.random.default_rng(seed)
    estimates, _ = random_recording(rng)
    rule = ConfidenceRule(np.full(2, 0.3), np.full(2, 0.1), np.full(2, 5.0), lag)
    now = int(rng.integers(1, 30))
    other = estimates.copy()
    other[now:] = random_recording(rng)[0][now:]
    due = max(0, now - lag)  # decisions about earlier frames were due before this one
    np.testing.assert_array_equal(rule.decide(estimates)[:due], rule.decide(other)[:due])


def test_a_lag_of_the_whole_recording_is_the_papers_inference(rng):
    estimates, _ = random_recording(rng)
    alpha = np.full(2, 0.1)
    np.testing.assert_array_equal(confidence(estimates, alpha, 30), confidence(estimates, alpha))
    assert (confidence(estimates, alpha, 0) < confidence(estimates, alpha)).any()


def test_waiting_costs_latency(rng):
    """With perfect estimates a lag is the latency, and events shorter than it end undetected."""
    roll = np.zeros((200, 1), dtype=bool)
    for start, length in ((10, 40), (80, 8), (120, 32)):
        roll[start : start + length] = True
    longest = np.array([64])
    estimates = in_frames(triplets.triplets(roll, longest), longest)
    data = ([estimates], [roll])
    rows = early.early_curve(data, data, lags=[0, 4, 16])
    assert [row["lag"] for row in rows] == [0, 4, 16]
    assert all(row["average_f1_score"] == row["overall_f1_score"] == 1 for row in rows)
    latency = [row["median_latency"] for row in rows]
    assert latency == sorted(latency) and latency[0] < latency[-1]
    assert rows[0]["early_share"] == 1 and rows[2]["early_share"] < 1
