"""Recordings of real-life scenes, made here: a continuous background and the scene's sounds over it.

They stand in for TUT-SED 2009 and TUT Sound Events 2016 (Cakir et al. 2017, Sec. III-A), whose events
nobody placed: each class of a scene sounds, falls silent and sounds again, independently of the others,
so that any number of classes overlaps. No two recordings share an instance, a background or a speaker, so
any division into folds is clean.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sedutils import corpus, files, foley, jobs, mixing

BACKGROUND_DB = -38.0  # RMS of the background re full scale
MOST_ACTIVE = 0.85  # of a recording, for one class
FAVOURITES = 0.6  # spread of the log of how much more often one class of a scene sounds than another


def plan(
    scenes: dict[str, tuple[str, ...]],
    averages_s: dict[str, float],
    *,
    seed: int,
    recordings_per_scene: int,
    recording_s: float,
    polyphony: float,
    event_to_background_db: tuple[float, float],
) -> pd.DataFrame:
    """Draw the events of all recordings.

    Parameters
    ----------
    scenes : scene -> its classes
    averages_s : class -> mean length of an event
    polyphony : mean number of classes active at once, silences counted as zero
    event_to_background_db : least and most, of the RMS of an event over that of the background

    Returns
    -------
    DataFrame of `mixing.PART_COLUMNS`, one row an event

    Raises
    ------
    ValueError : no draw comes near the polyphony with every class in at least two recordings
    """
    tables = []
    for scene, labels in scenes.items():
        for attempt in range(mixing.ATTEMPTS):
            rng = np.random.default_rng(mixing.stable_seed(seed, scene, attempt))
            activity = activities(rng, labels, polyphony)
            parts = pd.concat(
                [
                    draw(rng, f"{scene}-{i:02d}", activity, averages_s, recording_s)
                    for i in range(recordings_per_scene)
                ]
            )
            got = (parts.offset_s - parts.onset_s).sum() / (recordings_per_scene * recording_s)
            spread = parts.groupby("label").recording.nunique().reindex(labels, fill_value=0)
            if abs(got / polyphony - 1) < mixing.TOLERANCE and spread.min() >= 2:
                break
        else:
            raise ValueError(
                f"polyphony {polyphony} with every class of {scene} in two recordings cannot be reached "
                f"in {recordings_per_scene} recordings of {recording_s} s (last draw: {got:.2f})"
            )
        levels = rng.uniform(*event_to_background_db, len(parts))
        tables.append(parts.assign(level_db=(BACKGROUND_DB + levels).round(3)))
    return pd.concat(tables, ignore_index=True)[mixing.PART_COLUMNS]


def activities(rng, labels, polyphony: float) -> dict[str, float]:
    """How much of the time each class of a scene sounds, log-normal, adding up to the polyphony.

    ValueError where the classes cannot sound that much together.
    """
    if polyphony > MOST_ACTIVE * len(labels):
        raise ValueError(f"polyphony {polyphony} is too much for {len(labels)} classes")
    weights = np.exp(rng.normal(0, FAVOURITES, len(labels)))
    shares = np.zeros(len(labels))
    for _ in labels:  # what a full class cannot take, the others share
        free = shares < MOST_ACTIVE
        left = polyphony - shares.sum()
        shares[free] += left * weights[free] / weights[free].sum()
        shares = np.minimum(shares, MOST_ACTIVE)
    return dict(zip(labels, shares, strict=True))


def draw(
    rng, recording: str, activity: dict[str, float], averages_s: dict[str, float], recording_s: float
) -> pd.DataFrame:
    """One draw of a recording's events: per class, events and exponential silences in turn."""
    rows = []
    for label, share in activity.items():
        silence_s = averages_s[label] * (1 / share - 1)
        time = rng.exponential(silence_s) - rng.uniform(0, averages_s[label])
        while time < recording_s - mixing.SHORTEST_S:
            length = float(foley.durations(averages_s[label], rng.uniform(0.02, 0.98, 1), whole=True)[0])
            onset, end = max(time, 0.0), min(time + length, recording_s)
            if end - onset >= mixing.SHORTEST_S:
                rows.append((recording, onset, end, label, f"{recording}-{len(rows):03d}", 0.0))
            time += length + rng.exponential(silence_s)
    return pd.DataFrame(rows, columns=mixing.PART_COLUMNS[:-1]).round({"onset_s": 6, "offset_s": 6})
