"""Polyphonic sound detection score over all thresholds, by sed_scores_eval."""

import numpy as np

from sedutils.metrics import activity
from sedutils.metrics.events import AnnotatedClips, by_recording

# Two tolerances (DCASE 2021 task 4): exact times; rough times and no confusions
SCENARIOS = {
    1: {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "alpha_ct": 0.0},
    2: {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5},
}


def score(scores: np.ndarray, clips: AnnotatedClips, scenario: int) -> float:
    """Polyphonic sound detection score (0..1) over all thresholds.

    scenario : of `SCENARIOS`; from the mean over classes their standard deviation is taken off. Classes without
        events in the clips are left out, as their true positive rate is undefined.
    """
    from sed_scores_eval.base_modules.scores import create_score_dataframe
    from sed_scores_eval.intersection_based import psds

    there = clips.tags.any(axis=0)
    labels = [label for label, known in zip(clips.labels, there, strict=True) if known]
    durations = dict(zip(clips.recordings.recording, clips.recordings.duration_s, strict=True))
    tables = {}
    for recording, part in clips.parts(scores[:, there].astype(np.float64)).items():
        times = np.minimum(np.arange(len(part) + 1) * clips.hop_s, durations[recording]).round(6)
        tables[recording] = create_score_dataframe(part, times, labels)
    truth = {
        recording: [
            (*span, label)
            for label, own in events.groupby("label")
            for span in activity.merged(
                zip(own.onset_s, own.offset_s, strict=True)
            )  # the library refuses events of a class that touch
        ]
        for recording, events in by_recording(clips.annotation, clips).items()
    }
    value, *_ = psds(tables, truth, durations, alpha_st=1.0, max_efpr=100.0, **SCENARIOS[scenario])
    return float(value)
