"""Final scores by sed_eval itself, under the names of `sedutils.metrics`.

The full list of files and of classes is handed over, so a recording without output and a class
without events count. A silent system scores 0 (sed_eval's option `zero_score`), not NaN. Where the
two modules could differ is listed in `sedutils.metrics`.
"""

import warnings

import numpy as np

from sedutils import metrics


def library():
    """The module sed_eval, imported without its pkg_resources warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*pkg_resources")
        import sed_eval
    return sed_eval


def sed_eval_segment(reference_events, output_events, labels, *, segment_s, durations, hop_s=0.02):
    """Segment-based scores by sed_eval itself -> (dict as `segment_scores`, class-wise table).

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
        n_frames = metrics.frame_count(duration_s, hop_s=hop_s)
        judge.evaluate(
            _event_list(reference_events.get(recording), labels, n_frames=n_frames, hop_s=hop_s),
            _event_list(output_events.get(recording), labels, n_frames=n_frames, hop_s=hop_s),
            evaluated_length_seconds=(n_frames - 0.5) * hop_s,
        )
    return _results(judge)


def sed_eval_event(
    reference_events,
    output_events,
    labels,
    *,
    collar_s=0.25,
    percentage_of_length=0.5,
    evaluate_onset=True,
    evaluate_offset=True,
):
    """Event-based scores by sed_eval itself -> (dict as `event_scores`, class-wise table).

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
    onset_s, offset_s, column = metrics.event_columns(events, labels)
    kept = np.floor(onset_s / hop_s) < n_frames
    rows = zip(column[kept], onset_s[kept].tolist(), offset_s[kept].tolist(), strict=True)
    return [{"event_label": labels[c], "onset": on, "offset": off} for c, on, off in rows]


def _check_labels(labels):
    for label in labels:
        if label.strip() != label or label.lower() in ("", "none"):
            raise ValueError(f"labels: sed_eval would rename {label!r}")


def _results(judge):
    import pandas as pd

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
