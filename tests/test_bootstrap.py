"""The paired bootstrap: what it recovers, how wide its intervals are, and what verdicts follow."""

import time

import numpy as np
import pytest
from scipy import stats

from sedutils.claims import verdicts
from sedutils.metrics import bootstrap, segments

N_CLASSES = 6


def rolls(n_recordings, n_frames=400, seed=0):
    rng = np.random.default_rng(seed)
    return {f"r{i:02d}": rng.random((n_frames, N_CLASSES)) < 0.3 for i in range(n_recordings)}


def system(references, error, seeds, **knobs):
    """A system that flips each decision with probability `error`: one Counts of units a seed."""
    runs = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 7])
        outputs = {k: x ^ (rng.random(x.shape) < error) for k, x in references.items()}
        runs.append(bootstrap.unit_counts(references, outputs, **knobs))
    return runs


REFERENCES = rolls(24)


def verdict(estimate, bound, source):
    return verdicts.worded(verdicts.outcome(estimate.interval, bound), source)


def expected_f1(error):
    """F1 of a system that flips decisions with probability `error`, at an activity of 0.3."""
    hits = 0.3 * (1 - error)
    return 2 * hits / (0.3 + hits + 0.7 * error)


def test_known_difference_is_recovered():
    better, worse = system(REFERENCES, 0.1, [1, 2, 3]), system(REFERENCES, 0.15, [4, 5, 6])
    estimate = bootstrap.compare(better, worse, segments.f1_score)
    assert estimate.value == pytest.approx(expected_f1(0.1) - expected_f1(0.15), abs=0.01)
    assert (estimate.n_seeds, estimate.n_units) == (3, 24)
    assert verdict(estimate, 0, "foley") == "holds here"
    assert verdict(estimate, 0.5, "bank") == "fails here"
    turned = bootstrap.compare(worse, better, segments.f1_score)
    assert verdict(turned, 0, "official") == "not reproduced"
    np.testing.assert_allclose(turned.resampled, -estimate.resampled, atol=1e-15)
    # an error goes the other way
    assert bootstrap.compare(better, worse, segments.error_rate).interval[1] < 0


def test_interval_holds_the_true_difference_as_often_as_it_says():
    difference, held = expected_f1(0.1) - expected_f1(0.15), 0
    for i in range(50):
        references = rolls(24, seed=100 + i)
        better = system(references, 0.1, range(10 * i, 10 * i + 3))
        worse = system(references, 0.15, range(10 * i + 5000, 10 * i + 5003))
        low, high = bootstrap.compare(better, worse, segments.f1_score, resamples=400).interval
        held += low < difference < high
    assert 44 <= held <= 50


def test_value_and_spread_are_those_of_pooled_counts():
    runs = system(REFERENCES, 0.1, [1, 2, 3])
    estimate = bootstrap.summary(runs, segments.f1_score)
    scores = [segments.overall_scores(run.sum())["f1_score"] for run in runs]
    np.testing.assert_allclose(estimate.per_seed, scores, rtol=1e-14)
    assert estimate.value == pytest.approx(np.mean(scores), rel=1e-14)
    assert estimate.std == pytest.approx(np.std(scores, ddof=1), rel=1e-12)
    columns = {"value", "std", "low", "high", "resolves", "resolves_with_10"}
    columns |= {"n_seeds", "n_units"}
    assert set(estimate.row()) == columns
    assert estimate.row()["high"] - estimate.value == pytest.approx(estimate.resolves)
    single = bootstrap.summary(runs[:1], segments.f1_score)
    assert np.isnan([single.std, *single.interval]).all()  # of one seed nothing is known


def test_more_seeds_that_spread_as_these_resolve_more():
    """Against a t-interval written out for one system; its units resolve no more than they did."""
    scores = np.random.default_rng(5).normal(60, 2, (3, 1)) + np.zeros((1, 401))
    scores += np.r_[0, np.random.default_rng(6).normal(0, 1, 400)]
    estimate = bootstrap.estimate([scores], lambda a: a, n_units=40)
    assert estimate.resolves_with(3) == pytest.approx(estimate.resolves)
    seeds, units = scores[:, 0].var(ddof=1) / 10, scores[0, 1:].var(ddof=1)
    freedom = (seeds + units) ** 2 / (seeds**2 / 9 + units**2 / 39)
    ten = stats.t.ppf(0.975, freedom) * np.sqrt(seeds + units)
    assert estimate.resolves_with(10) == pytest.approx(ten)
    assert ten < estimate.resolves


def test_resamples_are_those_of_a_plain_bootstrap():
    """Against resampling written out: draw recordings with replacement, add up, score."""
    a, b = system(REFERENCES, 0.1, [1, 2]), system(REFERENCES, 0.11, [3, 4])
    rng = np.random.default_rng(99)
    plain = []
    for _ in range(2000):
        drawn = rng.integers(24, size=24)
        means = [np.mean([segments.f1_score(run[drawn].sum()) for run in x]) for x in (a, b)]
        plain.append(means[0] - means[1])
    ours = bootstrap.compare(a, b, segments.f1_score, resamples=4000)
    ends = [0.025, 0.975]
    np.testing.assert_allclose(
        np.quantile(ours.resampled, ends), np.quantile(plain, ends), atol=6e-4
    )
    assert np.std(ours.resampled) == pytest.approx(np.std(plain), rel=0.06)


def test_pairing_narrows_the_interval():
    """The same system twice differs by nothing in any resample, although its score varies."""
    runs = system(REFERENCES, 0.2, [1, 2])
    same = bootstrap.compare(runs, runs, segments.f1_score)
    assert same.interval == (0, 0)
    assert verdict(same, 0, "foley") == "undecided here"
    alone = bootstrap.summary(runs, segments.f1_score)
    assert alone.interval[1] - alone.interval[0] > 0.001


def test_equal_systems_are_mostly_undecided():
    results = []
    for i in range(40):
        references = rolls(20, n_frames=60, seed=i)
        seeds = 10 * i
        a, b = (system(references, 0.2, range(seeds + k, seeds + k + 3)) for k in (1000, 2000))
        estimate = bootstrap.compare(a, b, segments.f1_score, resamples=300)
        results.append(verdicts.outcome(estimate.interval))
    assert results.count("undecided") >= 36


def test_a_number_of_classes():
    """C06: better than two rivals on so many classes, in the scores averaged over seeds."""
    best = system(REFERENCES, 0.05, [1, 2])
    rivals = [system(REFERENCES, error, [3, 4]) for error in (0.1, 0.2)]

    def wins(a, b, c):
        return (a > np.maximum(b, c)).sum(axis=-1)

    estimate = bootstrap.paired([best, *rivals], segments.class_f1_scores, wins)
    assert estimate.value == N_CLASSES
    assert estimate.per_seed.tolist() == [N_CLASSES] * 2
    assert estimate.interval == (N_CLASSES, N_CLASSES)  # neither seeds nor units change it


def test_a_single_run_stands_beside_every_seed():
    many, one = system(REFERENCES, 0.1, [1, 2, 3]), system(REFERENCES, 0.15, [4])
    estimate = bootstrap.compare(many, one, segments.f1_score)
    single = segments.f1_score(one[0].sum())
    expected = [segments.f1_score(run.sum()) - single for run in many]
    np.testing.assert_allclose(estimate.per_seed, expected, rtol=1e-12)
    assert np.isnan(estimate.interval).all()


@pytest.mark.parametrize("segment_frames", [1, 50])
def test_few_recordings_are_cut_into_blocks(segment_frames):
    references = rolls(5, n_frames=3100)
    (run,) = system(references, 0.1, [1], segment_frames=segment_frames)
    assert len(run.substitutions) == 5 * 3  # 30 s, 30 s and the last 2 s
    outputs = {k: ~x for k, x in references.items()}
    blocks = bootstrap.unit_counts(references, outputs, segment_frames=segment_frames)
    whole = [
        segments.segment_counts(references[k], outputs[k], segment_frames=segment_frames)
        for k in references
    ]
    assert segments.overall_scores(blocks.sum()) == segments.overall_scores(
        segments.Counts.stack(whole).sum()
    )
    (many,) = system(rolls(20, n_frames=3100), 0.1, [1], segment_frames=segment_frames)
    assert len(many.substitutions) == 20


def test_a_class_in_no_drawn_unit_is_left_out():
    references = {f"r{i:02d}": np.zeros((10, 2), dtype=bool) for i in range(20)}
    references["r03"][:4, 0] = True
    runs = system(references, 0.0, [1]) * 2
    estimate = bootstrap.summary(runs, lambda counts: segments.class_f1_scores(counts)[..., 0])
    assert np.isnan(estimate.resampled).any()
    assert estimate.interval == (1, 1)
    absent = bootstrap.summary(runs, lambda counts: segments.class_f1_scores(counts)[..., 1])
    assert np.isnan(absent.interval).all()
    assert verdicts.outcome(absent.interval) == "undecided"


def test_equal_arguments_give_equal_numbers():
    a, b = system(REFERENCES, 0.1, [1, 2]), system(REFERENCES, 0.12, [1, 2])
    first, again = (bootstrap.compare(a, b, segments.f1_score, seed=3) for _ in range(2))
    assert first.resampled.tobytes() == again.resampled.tobytes()
    other = bootstrap.compare(a, b, segments.f1_score, seed=4)
    assert first.resampled.tobytes() != other.resampled.tobytes()
    assert first.value == other.value


def test_unequal_systems_are_refused():
    a, b = system(REFERENCES, 0.1, [1, 2]), system(rolls(21), 0.1, [1, 2])
    with pytest.raises(ValueError, match=r"numbers of units: \[21, 24\]"):
        bootstrap.compare(a, b, segments.f1_score)
    with pytest.raises(ValueError, match="one has no seed"):
        bootstrap.compare(a, [], segments.f1_score)
    with pytest.raises(ValueError, match="'r20' is not in both"):
        bootstrap.unit_counts(rolls(21), rolls(20))
    with pytest.raises(ValueError, match="one number a resample"):
        bootstrap.summary(a, segments.class_f1_scores)


def test_a_paper_size_bootstrap_takes_a_second():
    rng = np.random.default_rng(0)
    classes, overall = rng.integers(0, 900, (2, 10, 200, 16)), rng.integers(0, 900, (10, 200))
    runs = [segments.Counts(c, c, c, o, o, o) for c, o in zip(classes[0], overall, strict=True)]
    start = time.perf_counter()
    bootstrap.compare(runs, runs, segments.f1_score, resamples=2000)
    assert time.perf_counter() - start < 5
