"""Equal error rates by hand and against sed_eval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedutils.metrics import ratios, tags
from sedutils.metrics.sed_eval_adapter import library


def test_equal_error_rate_by_hand():
    scores = np.array([0.9, 0.8, 0.3, 0.6, 0.2, 0.1])
    targets = np.array([1, 1, 1, 0, 0, 0])
    # at any threshold between 0.3 and 0.6 one of three positives is missed, at 0.6 one negative accepted
    rates = tags.equal_error_rates(targets[:, None], scores[:, None])
    assert rates == pytest.approx([1 / 3])
    assert tags.equal_error_rates(targets[:, None], -scores[:, None]) == pytest.approx([2 / 3])


def test_a_class_that_never_or_always_sounds_has_no_rate():
    targets = np.array([[0, 1, 1], [0, 1, 0]])
    rates = tags.equal_error_rates(targets, np.array([[0.1, 0.2, 0.9], [0.3, 0.4, 0.2]]))
    np.testing.assert_allclose(rates, [np.nan, np.nan, 0])
    with pytest.raises(ValueError, match=r"targets \(2, 3\) and scores \(2, 2\)"):
        tags.equal_error_rates(targets, np.zeros((2, 2)))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(4, 60))
def test_rate_stays_under_monotone_transforms_and_mirrors(seed, chunks):
    rng = np.random.default_rng(seed)
    targets = np.r_[1, 0, rng.integers(0, 2, chunks)][:, None]
    scores = rng.normal(size=(chunks + 2, 1))
    rate = tags.equal_error_rates(targets, scores)
    np.testing.assert_allclose(tags.equal_error_rates(targets, np.exp(scores)), rate)
    ties = scores.round(1)
    for each in (scores, ties):
        expected = library().metric.equal_error_rate(targets[:, 0], each[:, 0])
        assert tags.equal_error_rates(targets, each) == pytest.approx([expected])
    np.testing.assert_allclose(tags.equal_error_rates(targets, -scores), 1 - rate)


def test_ratios_where_some_are_undefined():
    np.testing.assert_allclose(ratios.share([1, 3, 0], [2, 0, 0], -1.0), [0.5, -1, -1])
    np.testing.assert_allclose(ratios.f1([1, 0, 0], [2, 3, 0], [2, 0, 4]), [0.5, 0, np.nan])
    values = np.array([[1.0, np.nan, 3.0], [np.nan] * 3])
    np.testing.assert_allclose(ratios.mean_of_known(values), [2, np.nan])
    for one in (ratios.share(1, 2), ratios.f1(1, 2, 2), ratios.mean_of_known(values[0])):
        assert isinstance(one, float)  # in a table of numbers an array would be an object
