"""Final scores by sed_eval itself, under the names of `sedutils.metrics.segments`.

The full list of files and of classes is handed over, so a recording without output and a class
without events count. A silent system scores 0 (sed_eval's option `zero_score`), not NaN.

How `segments` and `events` differ (same events, same evaluated length), and which way each moves a score:

1. Silent system (no output at all): sed_eval's precision and F1 are NaN unless its option
   `zero_score` is on. Here, and in the adapter, it is on: precision 0, and F1 0 where there is
   a reference. `zero_when_silent=False` gives sed_eval's NaN. No other value changes.
2. A 1 s segment pooled from 20 ms frames lacks two kinds of events that sed_eval at 1 s keeps: of
   length zero (below 1e-9 s) on a frame border (sed_eval at 20 ms drops them too), and beginning
   after the last frame but within the last partial second (annotations that overrun the audio;
   the adapter drops them likewise). `activity.event_roll(..., hop_s=1.0)` is sed_eval's own rule. For all other
   events the two are equal at every border a float can hold.
3. A negative or missing time, a label that is not in the class list, and a label that sed_eval
   would rename ("none", outer blanks) raise ValueError. sed_eval wraps negative frames round to
   the end of the file, and its event-based counts take unlisted labels into the overall numbers.
4. `events.event_counts` may use different collars for onset and offset; sed_eval has one for both.

Kept as sed_eval has it, although it surprises:

- Recall and F1 of a class without reference are NaN, with or without output, and a class average
  leaves the class out (so does `ratios.mean_of_known`). Its error rate is 0 without
  output and otherwise about 4.5e15 per insertion, since rates divide by N + 2.2e-16.
- Borders are floored and ceiled as floating-point quotients: an onset written as 0.58 s starts in
  frame 28 of 20 ms, not 29. `activity.events_inside_frames` avoids this by half-frame borders.
- Event-based substitutions depend on which of several maximum matchings is taken, so on the order
  of the rows. The matching is therefore sed_eval's own function, called on the same rows.
"""

import warnings

import numpy as np
import pandas as pd

from sedutils.metrics import activity, segments


def library():
    """The module sed_eval, imported without its pkg_resources warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*pkg_resources")
        import sed_eval
    return sed_eval


def segment_scores(reference_events, output_events, labels, *, segment_s, durations, hop_s=0.02):
    """Segment-based scores by sed_eval itself -> (dict as `segments.overall_scores`, class-wise table).

    reference_events, output_events: recording -> DataFrame onset_s, offset_s, label; a recording
    that is missing there has no events. durations: recording -> seconds, the full list of files.
    The evaluated length is ceil(duration / hop) whole frames, half a frame handed over less, so
    that rounding adds no frame. Takes about 4 ms a second of audio at 20 ms segments, 16 classes.
    """
    _check_labels(labels)
    judge = library().sound_event.SegmentBasedMetrics(list(labels), float(segment_s))
    strange = (reference_events.keys() | output_events.keys()) - durations.keys()
    if strange:
        raise ValueError(f"durations: no recording {sorted(strange)[0]!r}")
    for recording, duration_s in durations.items():
        n_frames = activity.frame_count(duration_s, hop_s=hop_s)
        judge.evaluate(
            _event_list(reference_events.get(recording), labels, n_frames=n_frames, hop_s=hop_s),
            _event_list(output_events.get(recording), labels, n_frames=n_frames, hop_s=hop_s),
            evaluated_length_seconds=(n_frames - 0.5) * hop_s,
        )
    return _results(judge)


def frame_and_second_scores(rolls, reference_events, labels, *, durations, hop_s):
    """`segments.frame_and_second` of decisions by sed_eval itself.

    rolls: recording -> bool (frames, classes); reference_events, durations: as in `segment_scores`.
    """
    output = {
        name: activity.events_inside_frames(roll, labels, hop_s=hop_s)
        for name, roll in rolls.items()
    }
    shared = {"durations": durations, "hop_s": hop_s}
    return segments.frame_and_second(
        lambda frames: segment_scores(
            reference_events, output, labels, segment_s=frames * hop_s, **shared
        )[0]
    )


def event_scores(
    reference_events,
    output_events,
    labels,
    *,
    collar_s=0.25,
    percentage_of_length=0.5,
    evaluate_onset=True,
    evaluate_offset=True,
):
    """Event-based scores by sed_eval itself -> (dict as `segments.overall_scores`, class-wise table).

    reference_events, output_events: recording -> DataFrame onset_s, offset_s, label.
    """
    _check_labels(labels)
    judge = library().sound_event.EventBasedMetrics(
        list(labels),
        t_collar=float(collar_s),
        percentage_of_length=float(percentage_of_length),
        evaluate_onset=evaluate_onset,
        evaluate_offset=evaluate_offset,
    )
    for recording in sorted(reference_events.keys() | output_events.keys()):
        judge.evaluate(
            _event_list(reference_events.get(recording), labels),
            _event_list(output_events.get(recording), labels),
        )
    return _results(judge)


def _event_list(events, labels, *, n_frames=np.inf, hop_s=0.02):
    """Events as sed_eval's list of dicts, without those that begin after the last frame."""
    if events is None:
        return []
    onset_s, offset_s, column = activity.event_columns(events, labels)
    kept = np.floor(onset_s / hop_s) < n_frames
    rows = zip(column[kept], onset_s[kept].tolist(), offset_s[kept].tolist(), strict=True)
    return [{"event_label": labels[c], "onset": on, "offset": off} for c, on, off in rows]


def _check_labels(labels):
    for label in labels:
        if label.strip() != label or label.lower() in ("", "none"):
            raise ValueError(f"labels: sed_eval would rename {label!r}")


def _results(judge):
    judge.empty_system_output_handling = "zero_score"
    overall = judge.results_overall_metrics()
    scores = overall["f_measure"] | overall["error_rate"]
    table = {
        label: x["f_measure"] | x["error_rate"] | x["count"]
        for label, x in judge.results_class_wise_metrics().items()
    }
    names = {"f_measure": "f1_score", "Nref": "n_reference", "Nsys": "n_output"}
    table = pd.DataFrame.from_dict(table, orient="index").rename(columns=names)
    return {names.get(k, k): float(x) for k, x in scores.items()}, table.rename_axis("label")
