"""Recordings of real-life scenes, made here: a continuous background and the scene's sounds over it.

They stand in for TUT-SED 2009 and TUT Sound Events 2016 (Cakir et al. 2017, Sec. III-A), whose events
nobody placed: each class of a scene sounds, falls silent and sounds again, independently of the others,
so any number of them overlaps. Recordings ``<scene>-<group>`` with the same group have the same speakers;
nothing else is shared by any two, and folds keep the groups whole.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sedutils import foley
from sedutils.corpora import corpus, mixing
from sedutils.foley import speech, talk
from sedutils.foley.instances import durations
from sedutils.foley.scenes import OCCURRENCES
from sedutils.pipeline import files, jobs

BACKGROUND_DB = -38.0  # RMS of the background re full scale
MOST_ACTIVE = 0.85  # of a recording, for one class
# Spread of the log of how much more of the time one class of a scene sounds than another, where nobody counted
FAVOURITES = 0.6
SPEAKERS = 3  # of each kind in a group
QUANTILES = np.linspace(0.02, 0.98, 97)  # of event lengths


def plan(
    scenes: dict[str, tuple[str, ...]],
    averages_s: dict[str, float],
    *,
    seed: int,
    recordings_per_scene: int,
    recording_s: float,
    polyphony: float,
    event_to_background_db: tuple[float, float],
    occurrences: dict[str, dict[str, int]] | None = None,
) -> pd.DataFrame:
    """Draw the events of all recordings, scene by scene.

    Parameters
    ----------
    scenes : scene -> its classes
    averages_s : class -> mean length of an event
    polyphony : mean number of classes active at once, silences counted as zero
    event_to_background_db : least and most, of the RMS of an event over that of the background
    occurrences : scene -> class -> how many events of it to expect, relative to each other

    Returns
    -------
    DataFrame of `mixing.PART_COLUMNS`, one row an event

    Raises
    ------
    ValueError : no draw comes near the polyphony with every class in at least two recordings
    """
    tables = []
    lengths_s = {
        label: durations(averages_s[label], QUANTILES, whole=True)
        for label in sorted({label for labels in scenes.values() for label in labels})
    }
    for scene, labels in scenes.items():
        for attempt in range(mixing.ATTEMPTS):
            rng = np.random.default_rng(mixing.stable_seed(seed, scene, attempt))
            weights = np.exp(rng.normal(0, FAVOURITES, len(labels)))
            if occurrences:
                counts, means_s = occurrences[scene], {k: v.mean() for k, v in lengths_s.items()}
                weights = np.array([counts[label] * means_s[label] for label in labels])
            activity = dict(zip(labels, activities(weights, polyphony), strict=True))
            rows = [
                row
                for i in range(recordings_per_scene)
                for row in draw(rng, f"{scene}-{i:02d}", activity, lengths_s, recording_s)
            ]
            parts = pd.DataFrame(rows, columns=mixing.PART_COLUMNS[:-1])
            parts = parts.round({"onset_s": 6, "offset_s": 6})
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


def activities(weights: np.ndarray, polyphony: float) -> np.ndarray:
    """How much of the time each class of a scene sounds, by weight, adding up to the polyphony.

    ValueError where the classes cannot sound that much together.
    """
    if polyphony > MOST_ACTIVE * len(weights):
        raise ValueError(f"polyphony {polyphony} is too much for {len(weights)} classes")
    shares = np.zeros(len(weights))
    for _ in weights:  # what a full class cannot take, the others share
        free = shares < MOST_ACTIVE
        left = polyphony - shares.sum()
        shares[free] += left * weights[free] / weights[free].sum()
        shares = np.minimum(shares, MOST_ACTIVE)
    return shares


def draw(
    rng,
    recording: str,
    activity: dict[str, float],
    lengths_s: dict[str, np.ndarray],
    recording_s: float,
) -> list[tuple]:
    """One draw of a recording's events: per class, events and exponential silences in turn.

    ``lengths_s``: class -> lengths of an event, all as likely. Returns rows of `mixing.PART_COLUMNS`
    without the level.
    """
    rows = []
    for label, share in activity.items():
        mean_s = lengths_s[label].mean()
        silence_s = mean_s * (1 / share - 1)
        time = rng.exponential(silence_s) - rng.uniform(0, mean_s)
        while time < recording_s - mixing.SHORTEST_S:
            end = time + rng.choice(lengths_s[label])
            span = max(time, 0.0), min(end, recording_s)
            if span[1] - span[0] >= mixing.SHORTEST_S:
                rows.append((recording, *span, label, f"{recording}-{len(rows):03d}", 0.0))
            time = end + rng.exponential(silence_s)
    return rows


def folds_of(scenes, groups: int, folds: int, validation_share: float) -> pd.DataFrame:
    """Divide recordings by group: fold, recording, split, the validation groups being next to the test's.

    ValueError where a fold would have nothing to train, validate or test on.
    """
    if groups < folds:
        raise ValueError(f"{groups} recordings a scene are too few for {folds} folds")
    rows = []
    for fold, test in enumerate(np.array_split(np.arange(groups), folds), start=1):
        rest = np.roll(np.arange(groups), -int(test[-1]) - 1)[: groups - len(test)]
        held = int(np.ceil(validation_share * len(rest)))
        if not 0 < held < len(rest):
            raise ValueError(f"{groups} recordings a scene are too few for {folds} folds")
        split = dict.fromkeys(rest[held:], "train") | dict.fromkeys(rest[:held], "validation")
        split |= dict.fromkeys(test, "test")
        rows += [(fold, f"{scene}-{g:02d}", split[g]) for scene in scenes for g in range(groups)]
    return pd.DataFrame(rows, columns=["fold", "recording", "split"])


def build(name: str, folder: Path, settings: dict, *, backend: str, workers: int) -> None:
    """Plan, render and annotate the corpus ``name`` (a key of `foley.SCENES`), and write it.

    ``settings`` is its section of ``corpora``.
    """
    scenes = foley.SCENES[name]
    given = {
        key: settings[key]
        for key in (
            "seed",
            "recordings_per_scene",
            "recording_s",
            "polyphony",
            "event_to_background_db",
        )
    }
    parts = plan(scenes, foley.CORPORA[name], occurrences=OCCURRENCES.get(name), **given)
    groups = [f"{g:02d}" for g in range(settings["recordings_per_scene"])]
    people = speech.deal(settings["seed"], groups, SPEAKERS)
    tasks = [
        {
            "parts": rows,
            "people": people[people.group == recording.rsplit("-", 1)[1]],
            "path": folder / "audio" / f"{recording}.wav",
            "settings": settings,
        }
        for recording, rows in parts.groupby("recording", sort=False)
    ]
    events = jobs.parallel(
        write_recording, tasks, label="recordings", backend=backend, workers=workers
    )
    recordings = mixing.recordings_table(parts, settings["recording_s"])
    recordings["scene"] = recordings.recording.str.rsplit("-", n=1).str[0]
    recordings["split"] = ""
    folds = folds_of(
        scenes, settings["recordings_per_scene"], settings["folds"], settings["validation_share"]
    )
    labels = sorted({label for labels in scenes.values() for label in labels})
    events = pd.concat([table for table in events if len(table)], ignore_index=True)
    corpus.write(folder, recordings, events, labels, parts=parts, folds=folds)


def write_recording(
    *, parts: pd.DataFrame, people: pd.DataFrame, path: Path, settings: dict
) -> pd.DataFrame:
    """Render one recording to a file; returns its events."""
    recording = parts.recording.iloc[0]
    audio, stems = render(parts, people, seed=settings["seed"], recording_s=settings["recording_s"])
    files.write_wav(path, audio, mixing.SAMPLE_RATE)
    events = mixing.annotate(
        parts, stems, range_db=settings["annotation_range_db"], gap_s=settings["annotation_gap_s"]
    )
    return events.assign(recording=recording)


def render(
    parts: pd.DataFrame, people: pd.DataFrame, *, seed: int, recording_s: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Audio of one recording (samples,) float32, and its events' sounds as they stand in it."""
    recording = parts.recording.iloc[0]
    scene, speakers = recording.rsplit("-", 1)[0], list(speech.cast(people).values())
    audio = foley.background(
        scene,
        seed=mixing.stable_seed(seed, recording, "background"),
        duration_s=recording_s,
    )
    audio = mixing.at_level(audio, BACKGROUND_DB)
    stems = []
    for part in parts.itertuples():
        start = round(part.onset_s * mixing.SAMPLE_RATE)
        duration_s = part.offset_s - part.onset_s
        own = mixing.stable_seed(seed, part.instance)
        if part.label in talk.RECIPES:
            sound = talk.RECIPES[part.label](np.random.default_rng(own), duration_s, speakers)
        else:
            sound = foley.synthesise(part.label, seed=own, duration_s=duration_s)
        piece = mixing.faded(sound[: len(audio) - start])
        piece = mixing.at_level(piece, part.level_db)
        audio[start : start + len(piece)] += piece
        stems.append(piece)
    gain = np.float32(min(1.0, mixing.PEAK / max(np.abs(audio).max(), 1e-9)))
    return audio * gain, [stem * gain for stem in stems]
