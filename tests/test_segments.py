"""Own counts and scores against sed_eval's, over generated annotations, and against hand counts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedutils.metrics import activity, ratios, sed_eval_adapter, segments
from sedutils.metrics.events import event_counts

LABELS = ("baby_crying", "glass_smash", "rain")
HOP_S = 0.02
DURATION_S = 4.37
N_FRAMES = 219
exact = {"rtol": 1e-12, "atol": 1e-12}


def table(rows):
    return pd.DataFrame(list(rows), columns=["onset_s", "offset_s", "label"])


def times(end_s):
    """Seconds of any kind: on frame borders as written in files and as computed, or anywhere."""
    last = round(end_s / HOP_S)
    return st.one_of(
        st.integers(0, last).map(lambda i: i * HOP_S),
        st.integers(0, last).map(lambda i: round(i * HOP_S, 2)),
        st.integers(0, int(end_s)).map(float),
        st.floats(0, end_s, allow_subnormal=False),
    )


def event_tables(end_s=6.0, max_size=10, labels=LABELS):
    """Events may touch, overlap, have no length, and lie beyond the end of the recording."""
    pair = st.tuples(times(end_s), times(end_s)).map(sorted)
    event = st.tuples(pair, st.sampled_from(labels)).map(lambda x: (*x[0], x[1]))
    return st.lists(event, max_size=max_size).map(table)


def half_frame_tables(n_frames=N_FRAMES):
    """What a system hands over: decisions with half-frame borders."""
    return event_tables(n_frames * HOP_S).map(
        lambda events: activity.events_inside_frames(
            activity.event_roll(events, LABELS, n_frames=n_frames), LABELS
        )
    )


def sed_eval_as_it_is(reference, output, segment_s, length_s):
    """Overall and class-wise results of sed_eval without any of our adapter."""
    judge = sed_eval_adapter.library().sound_event.SegmentBasedMetrics(list(LABELS), segment_s)
    for events, others, length in zip(reference, output, length_s, strict=True):
        judge.evaluate(plain(events), plain(others), evaluated_length_seconds=length)
    return judge


def plain(events):
    return [
        {"event_label": row.label, "event_onset": row.onset_s, "event_offset": row.offset_s}
        for row in events.itertuples()
    ]


def class_wise_table(counts, labels, **knobs):
    index = pd.Index(labels, name="label")
    return pd.DataFrame(segments.class_wise_scores(counts, **knobs), index=index)


def assert_same(counts, judge, **knobs):
    overall, classes = judge.results_overall_metrics(), judge.results_class_wise_metrics()
    expected = overall["f_measure"] | overall["error_rate"]
    expected["f1_score"] = expected.pop("f_measure")
    scores = segments.overall_scores(counts, **knobs)
    assert scores.keys() == expected.keys()
    for key, value in scores.items():
        np.testing.assert_allclose(value, expected[key], err_msg=key, **exact)
    ours = class_wise_table(counts, LABELS, **knobs)
    for label in LABELS:
        theirs = classes[label]["f_measure"] | classes[label]["error_rate"]
        theirs["f1_score"] = theirs.pop("f_measure")
        theirs["n_reference"] = classes[label]["count"]["Nref"]
        theirs["n_output"] = classes[label]["count"]["Nsys"]
        assert set(ours.columns) == theirs.keys()
        for key, value in theirs.items():
            np.testing.assert_allclose(ours.loc[label, key], value, err_msg=key, **exact)


FRAME_CASES = st.lists(st.tuples(event_tables(), event_tables()), min_size=1, max_size=2)


@settings(deadline=None, max_examples=60)
@given(FRAME_CASES, st.booleans())
@example([(table([]), table([]))], False)
@example([(table([(0.58, 1.0, "rain")]), table([(0.58, 0.6, "rain"), (0.6, 1.0, "rain")]))], True)
def test_frame_scores_are_sed_evals(cases, zero_when_silent):
    judge = sed_eval_as_it_is(*zip(*cases, strict=True), HOP_S, [DURATION_S] * len(cases))
    if zero_when_silent:
        judge.empty_system_output_handling = "zero_score"
    rolls = [
        [activity.event_roll(events, LABELS, n_frames=N_FRAMES) for events in case]
        for case in cases
    ]
    counts = segments.Counts.stack(segments.segment_counts(*pair) for pair in rolls).sum()
    assert_same(counts, judge, zero_when_silent=zero_when_silent)


@settings(deadline=None, max_examples=100)
@given(FRAME_CASES)
def test_one_second_scores_are_sed_evals(cases):
    judge = sed_eval_as_it_is(*zip(*cases, strict=True), 1.0, [DURATION_S] * len(cases))
    judge.empty_system_output_handling = "zero_score"
    rolls = [
        [activity.event_roll(events, LABELS, n_frames=5, hop_s=1.0) for events in case]
        for case in cases
    ]
    counts = segments.Counts.stack(segments.segment_counts(*pair) for pair in rolls).sum()
    assert_same(counts, judge)


@settings(deadline=None, max_examples=100)
@given(event_tables(DURATION_S), event_tables(DURATION_S))
def test_pooled_frames_are_sed_evals_seconds(reference, output):
    # the two documented exceptions are not generated: events of length zero, and past the end
    reference, output = (x[x.offset_s - x.onset_s > 1e-9] for x in (reference, output))
    judge = sed_eval_as_it_is([reference], [output], 1.0, [DURATION_S])
    judge.empty_system_output_handling = "zero_score"
    rolls = [activity.event_roll(x, LABELS, n_frames=N_FRAMES) for x in (reference, output)]
    assert_same(segments.segment_counts(*rolls, segment_frames=50), judge)


def test_frames_pool_to_seconds_at_every_float_next_to_a_second():
    """Not one of the floats around each whole second of an hour and a bit moves a segment."""
    second = np.arange(1.0, 4000.0)
    near = np.concatenate([second, np.nextafter(second, 0), np.nextafter(second, np.inf)])
    np.testing.assert_array_equal(np.floor(near / HOP_S) // 50, np.floor(near / 1.0))
    np.testing.assert_array_equal(-(-np.ceil(near / HOP_S) // 50), np.ceil(near / 1.0))


def test_what_pooled_frames_leave_out():
    """The two documented exceptions, each one insertion in sed_eval's seconds."""
    for event in [(1.02, 1.02, "rain"), (4.38, 5.5, "rain")]:
        judge = sed_eval_as_it_is([table([])], [table([event])], 1.0, [DURATION_S])
        assert judge.overall["I"] == 1
        own_rule = activity.event_roll(table([event]), LABELS, n_frames=5, hop_s=1.0)
        assert own_rule.sum() == 1
        assert not activity.event_roll(table([event]), LABELS, n_frames=N_FRAMES).any()


@settings(deadline=None, max_examples=40)
@given(event_tables(), half_frame_tables(), st.sampled_from([0.02, 1.0]))
def test_adapter_agrees_with_rolls(reference, output, segment_s):
    reference = reference[reference.offset_s - reference.onset_s > 1e-9]
    scores, classes = sed_eval_adapter.segment_scores(
        {"a": reference}, {"a": output}, LABELS, segment_s=segment_s, durations={"a": DURATION_S}
    )
    rolls = [activity.event_roll(x, LABELS, n_frames=N_FRAMES) for x in (reference, output)]
    counts = segments.segment_counts(*rolls, segment_frames=round(segment_s / HOP_S))
    ours = segments.overall_scores(counts)
    assert ours.keys() == scores.keys()
    for key, value in scores.items():
        np.testing.assert_allclose(ours[key], value, err_msg=key, **exact)
    theirs = classes[class_wise_table(counts, LABELS).columns]
    pd.testing.assert_frame_equal(
        class_wise_table(counts, LABELS), theirs, check_dtype=False, rtol=1e-12
    )


COLLARS = st.sampled_from(
    [(0.1, 0.5, True), (0.25, 0.5, True), (0.25, 0.0, True), (0.5, 0.5, False)]
)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(event_tables(2.0, 14, LABELS), event_tables(2.0, 14, LABELS)),
        min_size=1,
        max_size=2,
    ),
    COLLARS,
    st.booleans(),
)
def test_event_scores_are_sed_evals(cases, collar, evaluate_onset):
    collar_s, percentage, evaluate_offset = collar
    knobs = {
        "percentage_of_length": percentage,
        "evaluate_onset": evaluate_onset or not evaluate_offset,
        "evaluate_offset": evaluate_offset,
    }
    judge = sed_eval_adapter.library().sound_event.EventBasedMetrics(
        list(LABELS), t_collar=collar_s, empty_system_output_handling="zero_score", **knobs
    )
    for reference, output in cases:
        judge.evaluate(plain(reference), plain(output))
    counts = segments.Counts.stack(
        event_counts(*case, labels=LABELS, onset_collar_s=collar_s, **knobs) for case in cases
    ).sum()
    assert_same(counts, judge)
    adapted, _ = sed_eval_adapter.event_scores(
        {i: case[0] for i, case in enumerate(cases)},
        {i: case[1] for i, case in enumerate(cases)},
        LABELS,
        collar_s=collar_s,
        **knobs,
    )
    for key, value in segments.overall_scores(counts).items():
        np.testing.assert_allclose(value, adapted[key], err_msg=key, **exact)


@settings(deadline=None, max_examples=60)
@given(event_tables(2.0, 12), event_tables(2.0, 12))
def test_event_matching_is_of_maximum_size(reference, output):
    """Independent of sed_eval: scipy's matching finds as many pairs."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    near = np.abs(reference.onset_s.to_numpy()[:, None] - output.onset_s.to_numpy()) <= 0.25
    hits = near & (reference.label.to_numpy()[:, None] == output.label.to_numpy())
    size = (maximum_bipartite_matching(csr_array(hits.astype(int))) >= 0).sum() if hits.size else 0
    counts = event_counts(reference, output, labels=LABELS, evaluate_offset=False)
    assert counts.true_positives.sum() == size


def test_segment_counts_by_hand():
    reference = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0]], dtype=bool)
    output = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 1]], dtype=bool)
    counts = segments.segment_counts(reference, output)
    assert counts.true_positives.tolist() == [1, 0, 0]
    assert counts.false_positives.tolist() == [0, 2, 2]
    assert counts.false_negatives.tolist() == [2, 1, 0]
    # S: frames 0 and 3; D: frame 1; I: frames 2 and 3; N = 4
    assert (counts.substitutions, counts.deletions, counts.insertions) == (2, 1, 2)
    scores = segments.overall_scores(counts)
    assert scores["error_rate"] == 5 / 4
    assert scores["precision"] == 1 / 5
    assert scores["recall"] == 1 / 4
    assert scores["f1_score"] == pytest.approx(2 / 9, abs=1e-15)
    # in segments of three frames: {0, 1} against {0, 1, 2}, then {0} against {1, 2}
    pooled = segments.segment_counts(reference, output, segment_frames=3)
    assert pooled.true_positives.tolist() == [1, 1, 0]
    assert (pooled.substitutions, pooled.deletions, pooled.insertions) == (1, 0, 2)


def test_event_counts_by_hand():
    reference = table([(1.0, 2.0, "rain"), (3.0, 3.4, "rain"), (5.0, 6.0, "glass_smash")])
    output = table([(1.2, 2.5, "rain"), (3.3, 3.4, "rain"), (5.1, 6.1, "baby_crying")])
    counts = event_counts(reference, output, labels=LABELS)
    # the first is right (offset within half of its length), the second begins too late, the third
    # is right in time and wrong in label
    assert counts.true_positives.tolist() == [0, 0, 1]
    assert counts.false_positives.tolist() == [1, 0, 1]
    assert counts.false_negatives.tolist() == [0, 1, 1]
    assert (counts.substitutions, counts.deletions, counts.insertions) == (1, 1, 1)
    assert segments.overall_scores(counts)["error_rate"] == 1.0
    tight = event_counts(reference, output, labels=LABELS, percentage_of_length=0.1)
    assert tight.true_positives.sum() == 0
    own_collar = event_counts(
        reference, output, labels=LABELS, percentage_of_length=0.1, offset_collar_s=0.51
    )
    assert own_collar.true_positives.sum() == 1


def test_roll_floors_onsets_and_ceils_offsets():
    events = table([(0.03, 0.05, "rain"), (0.04, 0.04, "glass_smash"), (0.05, 9.0, "baby_crying")])
    roll = activity.event_roll(events, LABELS, n_frames=4)
    assert roll.dtype == bool
    assert roll.T.astype(int).tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]]
    # 0.58 / 0.02 is 28.999... in floating point
    early = activity.event_roll(table([(0.58, 0.6, "rain")]), LABELS, n_frames=40)
    assert np.flatnonzero(early[:, 2]).tolist() == [28, 29]


def test_frame_count_does_not_gain_a_frame_by_rounding():
    frames = np.arange(1, 200_000, 7)
    assert [activity.frame_count(n * 882 / 44100) for n in frames] == frames.tolist()
    assert activity.frame_count(10.001) == 501


def test_silence_and_empty_reference():
    active, silent = np.ones((3, 2), dtype=bool), np.zeros((3, 2), dtype=bool)
    missed = segments.overall_scores(segments.segment_counts(active, silent))
    assert (missed["f1_score"], missed["precision"], missed["error_rate"]) == (0, 0, 1)
    strict = segments.overall_scores(
        segments.segment_counts(active, silent), zero_when_silent=False
    )
    assert np.isnan(strict["f1_score"])
    nothing = segments.overall_scores(segments.segment_counts(silent, silent))
    assert nothing["error_rate"] == 0
    assert np.isnan(nothing["f1_score"])
    reference = active & [True, False]
    classes = class_wise_table(segments.segment_counts(reference, reference), ["a", "b"])
    assert np.isnan(classes.loc["b", "f1_score"])
    assert classes.loc["b", "error_rate"] == 0
    assert classes.f1_score.mean() == 1


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 200), st.sampled_from([1, 5]), st.integers(0, 2**31))
def test_blocks_add_up(n_frames, segment_frames, seed):
    reference, output = np.random.default_rng(seed).random((2, n_frames, 4)) < 0.3
    whole = segments.segment_counts(reference, output, segment_frames=segment_frames)
    blocks = segments.segment_counts(
        reference, output, segment_frames=segment_frames, block_frames=30
    )
    assert len(blocks.substitutions) == -(-n_frames // 30)
    twice = blocks.weighted(np.full((1, len(blocks.substitutions)), 2))[0]
    for total, half in ((blocks.sum(), whole), (twice, whole + whole)):
        assert segments.overall_scores(total) == pytest.approx(
            segments.overall_scores(half), nan_ok=True
        )
        np.testing.assert_array_equal(total.true_positives, half.true_positives)
        np.testing.assert_array_equal(total.insertions, half.insertions)


def test_invalid_input_is_named():
    with pytest.raises(ValueError, match="'thunder' is not in the class list"):
        activity.event_roll(table([(0, 1, "thunder")]), LABELS, n_frames=3)
    with pytest.raises(ValueError, match=r"row 0: no valid time: -1\.0"):
        activity.event_roll(table([(-1.0, 1, "rain")]), LABELS, n_frames=3)
    with pytest.raises(ValueError, match="nan"):
        activity.event_roll(table([(0, np.nan, "rain")]), LABELS, n_frames=3)
    with pytest.raises(ValueError, match="differ in shape"):
        segments.segment_counts(np.zeros((3, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="no multiple of 50"):
        segments.segment_counts(
            np.zeros((3, 2)), np.zeros((3, 2)), segment_frames=50, block_frames=70
        )
    with pytest.raises(ValueError, match="both False"):
        event_counts(
            table([]), table([]), labels=LABELS, evaluate_onset=False, evaluate_offset=False
        )
    with pytest.raises(ValueError, match="no recording 'b'"):
        sed_eval_adapter.segment_scores({"b": table([])}, {}, LABELS, segment_s=1, durations={})
    with pytest.raises(ValueError, match="rename 'None'"):
        sed_eval_adapter.event_scores({}, {}, ["None"])


def test_a_mean_of_known_values_is_a_number():
    """In a table of numbers an array without axes would be an object, and written with other digits."""
    values = np.array([[1.0, np.nan], [np.nan, np.nan]])
    assert pd.Series([2.0, ratios.mean_of_known(values[0])]).dtype == float
    np.testing.assert_array_equal(ratios.mean_of_known(values), [1.0, np.nan])
