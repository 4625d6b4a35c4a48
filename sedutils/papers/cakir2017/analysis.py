"""Where a system goes wrong: thresholds, polyphony, level and length of events, confusions."""

import numpy as np
import pandas as pd

from sedutils.decoding.thresholds import decisions
from sedutils.metrics import segments
from sedutils.training.evaluation import Reference


def threshold_curve(reference: Reference, scores: np.ndarray, thresholds) -> pd.DataFrame:
    """Frame F1, precision, recall and error rate at each threshold."""
    parts = reference.split(scores)
    rows = [
        {"threshold": t} | segments.overall_scores(reference.counts(decisions(parts, t)).sum())
        for t in thresholds
    ]
    return pd.DataFrame(rows)


def event_recall(
    corpus, reference: Reference, rolls: dict[str, np.ndarray], hop_s: float
) -> pd.DataFrame:
    """How much of each test event is found, beside what could have made it hard.

    Returns
    -------
    DataFrame, one row an event: recording, label, length_s, recall (share of its frames where its
    class is on), polyphony (mean number of classes active with it, itself included) and, for a corpus
    mixed here, level_db: its RMS above that of everything else sounding with it (0 dB: as loud as all
    the rest; events that sound alone have none)
    """
    rows = []
    for name, truth in reference.rolls.items():
        events = (
            corpus.parts[corpus.parts.recording == name]
            if corpus.parts is not None
            else corpus.events_of(name)
        )
        power = frame_power(events, len(truth), hop_s) if corpus.parts is not None else None
        active = truth.sum(axis=1)
        for event in events.itertuples():
            column = reference.labels.index(event.label)
            span = slice(int(event.onset_s / hop_s), int(np.ceil(event.offset_s / hop_s)))
            on = truth[span, column]
            if not on.any():
                continue
            row = {
                "recording": name,
                "label": event.label,
                "length_s": event.offset_s - event.onset_s,
                "recall": rolls[name][span, column][on].mean(),
                "polyphony": active[span][on].mean(),
            }
            if power is not None:
                own = 10 ** (event.level_db / 10)
                rest = (power[span] - own)[on].clip(min=0).mean()
                row["level_db"] = 10 * np.log10(own / rest) if rest > own * 1e-6 else np.nan
            rows.append(row)
    return pd.DataFrame(rows)


def frame_power(parts: pd.DataFrame, n_frames: int, hop_s: float) -> np.ndarray:
    """Sum of the mean powers of the parts active in each frame, ``(frames,)``, from their levels."""
    power = np.zeros(n_frames)
    for part in parts.itertuples():
        power[int(part.onset_s / hop_s) : int(np.ceil(part.offset_s / hop_s))] += 10 ** (
            part.level_db / 10
        )
    return power


def confusion(reference: Reference, rolls: dict[str, np.ndarray]) -> pd.DataFrame:
    """Frames where a class (row) is missed while another (column) is wrongly on (claim C08)."""
    missed = np.concatenate([truth & ~rolls[k] for k, truth in reference.rolls.items()])
    wrong = np.concatenate([~truth & rolls[k] for k, truth in reference.rolls.items()])
    counts = missed.astype(np.int64).T @ wrong.astype(np.int64)
    return pd.DataFrame(counts, index=reference.labels, columns=reference.labels)


def substitutions(reference: Reference, rolls: dict[str, np.ndarray]) -> dict[str, float]:
    """Rates of substitutions, deletions and insertions per active reference frame."""
    scores = segments.overall_scores(reference.counts(rolls).sum())
    return {k: scores[k] for k in ("substitution_rate", "deletion_rate", "insertion_rate")}
