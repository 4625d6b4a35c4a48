"""Scores of rare-event detectors: by hand, and the same as sed_eval's for any onsets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.metrics.rare import by_class, counts, resampled, score, score_table, strata

NAN = np.nan


def onsets(*values):
    return pd.Series(values, [f"clip-{i}" for i in range(len(values))], dtype=float)


# five clips: found; 0.6 s late; silent, though there is an event; invented; rightly silent
REFERENCE, FOUND = onsets(1, 2, 3, NAN, NAN), onsets(1.4, 2.6, NAN, 4, NAN)


def test_five_clips_by_hand():
    found = counts(REFERENCE, FOUND)
    assert found.references.tolist() == [1, 1, 1, 0, 0]
    assert found.outputs.tolist() == [1, 1, 0, 1, 0]
    assert found.found.tolist() == found.correct.tolist() == [1, 0, 0, 0, 0]
    whole = found.weighted(np.ones(5))
    assert score(whole, "ER") == pytest.approx(4 / 3)  # two missed, two invented, of three
    assert score(whole, "F1") == pytest.approx(100 * 2 / 6)


def test_clips_go_by_name_and_must_all_be_there():
    shuffled = counts(REFERENCE, FOUND.sample(frac=1, random_state=1))
    assert shuffled.outputs.tolist() == [1, 1, 0, 1, 0] and shuffled.correct.sum() == 1
    with pytest.raises(KeyError):
        counts(REFERENCE, FOUND.drop("clip-3"))
    extra = pd.concat([FOUND, pd.Series({"another": 1.0})])
    assert counts(REFERENCE, extra).outputs.sum() == 3


# steps of 10 and 25 ms bring many pairs to the very edge of the collar
moments = st.one_of(st.integers(0, 3000).map(lambda n: n / 100), st.floats(0, 30))
distances = st.one_of(st.sampled_from([-0.5, 0.5, 0.0, 0.500001, -0.500001]), st.floats(-2, 2))
maybe = st.booleans()


@st.composite
def clips(draw):
    """Onsets of the reference and of an output, rounded as files keep them; at least one reference."""
    rows = draw(st.lists(st.tuples(moments, distances, maybe, maybe), min_size=1, max_size=8))
    reference = [
        round(at, 6) if there or i == 0 else NAN for i, (at, _, there, _) in enumerate(rows)
    ]
    found = [max(0.0, round(at + d, 6)) if said else NAN for at, d, _, said in rows]
    return onsets(*reference), onsets(*found)


@settings(max_examples=150, deadline=None)
@given(clips(), clips())
@example((onsets(0.1), onsets(0.6)), (onsets(1.1), onsets(0.6)))
@example((onsets(8.02), onsets(8.52)), (onsets(16.4), onsets(15.9)))
@example((onsets(1.0), onsets(NAN)), (onsets(2.0, NAN), onsets(NAN, 1.0)))
def test_counts_are_those_of_sed_eval(first, second):
    table = score_table(["a", "b"], *zip(first, second, strict=True)).set_index("class")
    for label, pair in (("a", first), ("b", second)):
        whole = counts(*pair).weighted(np.ones(len(pair[0])))
        for metric in ("ER", "F1"):
            assert score(whole, metric) == pytest.approx(table.loc[label, metric])
    assert table.loc["average"].tolist() == pytest.approx(table[:2].mean().tolist())


def parts():
    """A class of five clips as above, and one of two clips, both right."""
    return [counts(REFERENCE, FOUND), counts(onsets(1, NAN), onsets(1, NAN))]


def test_classes_stand_in_columns_of_their_own():
    joined = by_class(parts())
    assert joined.outputs.tolist() == [[1, 0], [1, 0], [0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]
    assert joined.references.sum(axis=0).tolist() == [3, 1]
    assert joined.found.sum(axis=0).tolist() == joined.correct.sum(axis=0).tolist() == [1, 1]
    assert strata(parts()).tolist() == [0] * 5 + [1] * 2


def test_resampled_scores_begin_with_the_mean_over_classes_and_resamples_clips():
    silent = [counts(REFERENCE, onsets(*[NAN] * 5)), parts()[1]]
    runs = [parts(), silent]
    values = resampled(runs, "ER", resamples=200)
    assert values.shape == (2, 201)
    assert values[:, 0] == pytest.approx([(4 / 3 + 0) / 2, (1 + 0) / 2])
    first = resampled(runs, "ER", resamples=200, row=0)
    second = resampled(runs, "ER", resamples=200, row=1)
    assert first[:, 0] == pytest.approx([4 / 3, 1]) and (second[:, 0] == 0).all()
    known = ~np.isnan([first, second])  # a resample may lack a class's events, or those of both
    assert {0, 1, 2} == set(known.sum(axis=0).flat)
    assert np.isnan(values[known.sum(axis=0) == 0]).all()
    for i in np.ndindex(values.shape):
        of_classes = [x[i] for x in (first, second) if not np.isnan(x[i])]
        assert not of_classes or values[i] == pytest.approx(sum(of_classes) / len(of_classes))
    assert np.nanstd(values[0]) > 0.1
    # a silent system misses every event, however often a clip is drawn
    assert np.nanmax(np.abs(first[1] - 1)) < 1e-12
    assert resampled(runs, "F1", resamples=2)[:, 0] == pytest.approx([(100 / 3 + 100) / 2, 50])


def test_references_are_the_clips_of_one_detector_in_a_split(tmp_path):
    recordings = pd.DataFrame(
        [("p", "cry", "test"), ("q", "cry", "test"), ("r", "cry", "train"), ("s", "shot", "test")],
        columns=["recording", "scene", "split"],
    ).assign(path="x.wav", duration_s=9.0)
    events = pd.DataFrame({"recording": ["q", "r", "s"], "onset_s": [1.5, 2.5, 3.5]})
    made = Corpus(tmp_path, recordings, events.assign(offset_s=5.0, label="cry"), ("cry", "shot"))
    found = recipes.onsets_of(made, "cry", "test")
    assert found.index.tolist() == ["p", "q"] and np.isnan(found["p"]) and found["q"] == 1.5
