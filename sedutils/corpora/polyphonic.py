"""Polyphonic mixtures of isolated instances, by the recipe of TUT-SED Synthetic 2016.

Cakir et al. 2017, Sec. III-A, and the authors' dataset page: every mixture holds four to nine classes;
each class has a track of its own, in which pieces of 3-15 seconds, cut at random from random instances,
follow each other after silences of random length; the tracks are summed, with no background. Annotation
is automatic, from the frame energy of the pieces.

A mixture is a recipe first (`plan`: a table of parts) and sound only when rendered, so that the paper's
566 minutes need no more memory than one mixture. Instances come from anything that has `labels`,
`instances` and `load` (`sedutils.foley.Foley`, `sedutils.corpora.bank.Bank`).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import corpus, mixing
from sedutils.pipeline import files, jobs

# Names of Table III where they are not the data set's own with spaces for underscores
PAPER_NAMES = {"alarms_and_sirens": "alarms", "horsewalk": "horse walk"}


def paper_name(label: str) -> str:
    """What Cakir et al. 2017 call a class of TUT-SED Synthetic 2016."""
    return PAPER_NAMES.get(label, label.replace("_", " "))


def plan(
    source,
    *,
    seed: int,
    split: str,
    mixtures: int,
    mixture_s: float,
    classes_per_mixture: tuple[int, int],
    segment_s: tuple[float, float],
    polyphony: float,
    level_spread_db: float,
    shares: dict[str, float],
) -> pd.DataFrame:
    """Draw the parts of all mixtures of one split.

    Parameters
    ----------
    shares : each label's share of the total event time; need not add up to 1
    polyphony : mean number of classes active at once, silences counted as zero

    Returns
    -------
    DataFrame, one row a placed piece: recording, onset_s, offset_s, label, instance, cut_s (where in
    the instance the piece begins), level_db (RMS of the piece's active frames re full scale)

    Raises
    ------
    ValueError : a class has no instances in the split, or no draw comes near the polyphony
    """
    instances = source.instances[source.instances.split == split]
    decks = {label: instances[instances.label == label] for label in source.labels}
    for label, deck in decks.items():
        if deck.empty:
            raise ValueError(f"{label}: no instance for the {split} mixtures")
    total = sum(shares[label] for label in source.labels)
    present = min(1.0, np.mean(classes_per_mixture) / len(source.labels))
    activity = {k: min(0.9, polyphony * shares[k] / total / present) for k in source.labels}
    for attempt in range(mixing.ATTEMPTS):
        rng = np.random.default_rng(mixing.stable_seed(seed, split, attempt))
        parts = draw(
            rng,
            decks,
            activity,
            split,
            mixtures,
            mixture_s,
            classes_per_mixture,
            segment_s,
            level_spread_db,
        )
        got = (parts.offset_s - parts.onset_s).sum() / (mixtures * mixture_s)
        complete = parts.label.nunique() == len(source.labels)
        if abs(got / polyphony - 1) < mixing.TOLERANCE and complete:
            return parts
    raise ValueError(
        f"polyphony {polyphony} with every class present cannot be reached in {mixtures} {split} "
        f"mixtures of {mixture_s} s (last draw: {got:.2f})"
    )


def draw(
    rng, decks, activity, split, mixtures, mixture_s, classes_per_mixture, segment_s, spread_db
):
    """One draw of all parts of a split: classes and instances are dealt evenly, times are random."""
    labels = list(decks)
    class_deck, instance_decks = (
        mixing.Deck(rng, labels),
        {k: mixing.Deck(rng, v.instance) for k, v in decks.items()},
    )
    lengths = {row.instance: row.duration_s for deck in decks.values() for row in deck.itertuples()}
    rows = []
    for number in range(mixtures):
        recording = f"{split}-{number:02d}"
        most = min(classes_per_mixture[1], len(labels))
        count = rng.integers(min(classes_per_mixture[0], most), most + 1)
        for label in class_deck.distinct(count):
            mean_s = np.minimum(decks[label].duration_s, np.mean(segment_s)).mean()
            silence_s = mean_s * (1 / activity[label] - 1)
            time = rng.exponential(silence_s) * rng.random()
            while time < mixture_s - mixing.SHORTEST_S:
                instance = instance_decks[label].next()
                length = min(lengths[instance], rng.uniform(*segment_s))
                cut = rng.uniform(0, lengths[instance] - length)
                end = min(time + length, mixture_s)
                level = mixing.LEVEL_DB + rng.uniform(-spread_db, spread_db)
                rows.append((recording, time, end, label, instance, cut, level))
                time = end + rng.exponential(silence_s)
    parts = pd.DataFrame(rows, columns=mixing.PART_COLUMNS)
    return parts.round({"onset_s": 6, "offset_s": 6, "cut_s": 6, "level_db": 3})


def published_shares(table: pd.DataFrame, labels) -> dict[str, float]:
    """Each label's share of event time by Table III (columns class, total_s); equal shares for a
    class list that is not the paper's."""
    total = table.set_index("class").total_s
    names = [paper_name(label) for label in labels]
    if set(names) <= set(total.index):
        return {label: float(total[name]) for label, name in zip(labels, names, strict=True)}
    return dict.fromkeys(labels, 1.0)


def instances_needed(
    settings: dict, averages_s: dict[str, float], shares: dict[str, float]
) -> dict:
    """How many instances of each class give the wanted reuse (the paper: 6.6 uses each, Table III).

    ``settings`` is a section of ``corpora``; ``averages_s`` the mean length of a placed piece.
    """
    seconds = settings["mixture_s"] * sum(settings["mixtures"].values()) * settings["polyphony"]
    total = sum(shares.values())
    uses = {label: seconds * shares[label] / total / averages_s[label] for label in shares}
    return {label: max(3, round(n / settings["uses_per_instance"])) for label, n in uses.items()}


def build(
    source, folder: Path, settings: dict, shares: dict[str, float], *, backend: str, workers: int
):
    """Plan, render and annotate all mixtures of a corpus, and write it (`sedutils.corpora.corpus`)."""
    given = {
        name: settings[name]
        for name in (
            "seed",
            "mixture_s",
            "classes_per_mixture",
            "segment_s",
            "polyphony",
            "level_spread_db",
        )
    }
    parts = pd.concat(
        [
            plan(source, split=split, mixtures=count, shares=shares, **given)
            for split, count in settings["mixtures"].items()
        ]
    )
    tasks = [
        {
            "parts": rows,
            "source": source,
            "path": folder / "audio" / f"{recording}.wav",
            "settings": settings,
        }
        for recording, rows in parts.groupby("recording", sort=False)
    ]
    mixtures = jobs.parallel(
        write_mixture, tasks, label="mixtures", backend=backend, workers=workers
    )
    recordings = mixing.recordings_table(parts, settings["mixture_s"])
    recordings["scene"] = "mixture"
    recordings["split"] = recordings.recording.str.split("-").str[0]
    corpus.write(folder, recordings, pd.concat(mixtures), list(source.labels), parts=parts)


def write_mixture(*, parts: pd.DataFrame, source, path: Path, settings: dict) -> pd.DataFrame:
    """Render one mixture to a file; returns its events."""
    audio, stems = render(parts, source, mixture_s=settings["mixture_s"])
    files.write_wav(path, audio, mixing.SAMPLE_RATE)
    return mixing.annotate(
        parts, stems, range_db=settings["annotation_range_db"], gap_s=settings["annotation_gap_s"]
    )


def render(parts: pd.DataFrame, source, *, mixture_s: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Sum the pieces of one mixture.

    Returns
    -------
    audio : float32 (samples,) at 44.1 kHz, turned down as a whole where it would clip
    stems : the pieces as they stand in the mixture, one array a row of ``parts``
    """
    audio = np.zeros(round(mixture_s * mixing.SAMPLE_RATE), np.float32)
    stems = []
    for part in parts.itertuples():
        start = round(part.onset_s * mixing.SAMPLE_RATE)
        length = min(round((part.offset_s - part.onset_s) * mixing.SAMPLE_RATE), len(audio) - start)
        cut = round(part.cut_s * mixing.SAMPLE_RATE)
        piece = mixing.faded(source.load(part.instance)[cut : cut + length])
        piece = mixing.at_level(piece, part.level_db)
        audio[start : start + len(piece)] += piece
        stems.append(piece)
    gain = min(1.0, mixing.PEAK / max(np.abs(audio).max(), 1e-9))
    return audio * np.float32(gain), [stem * np.float32(gain) for stem in stems]
