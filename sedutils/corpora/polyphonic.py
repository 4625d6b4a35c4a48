"""Polyphonic mixtures of isolated instances, by the recipe of TUT-SED Synthetic 2016.

Cakir et al. 2017, Sec. III-A, and the authors' dataset page: every mixture holds four to nine classes;
each class has a track of its own, in which pieces of 3-15 seconds, cut at random from random instances,
follow each other after silences of random length; the tracks are summed, with no background. Annotation
is automatic, from the frame energy of the pieces.

A mixture is a recipe first (`plan`: a table of parts) and sound only when rendered, so that the paper's
566 minutes need no more memory than one mixture. Instances come from anything that has `labels`,
`instances` and `load` (`sedutils.foley.Foley`, `sedutils.corpora.bank.Bank`).
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import corpus
from sedutils.pipeline import files, jobs

SAMPLE_RATE = 44100
FRAME_S = 0.02
LEAST_RANGE_DB = 10.0  # of a sound's loudest part that is annotated, however faint it is
LEVEL_DB = -26.0  # RMS of a piece of middle level, re full scale: leaves room for impulses
PEAK = 0.98
SHORTEST_S = 0.3  # a piece that the end of the mixture would cut shorter than this is left out
TOLERANCE = 0.03  # of the planned polyphony
ATTEMPTS = 500
PART_COLUMNS = ["recording", "onset_s", "offset_s", "label", "instance", "cut_s", "level_db"]
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
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng(stable_seed(seed, split, attempt))
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
        if abs(got / polyphony - 1) < TOLERANCE and parts.label.nunique() == len(source.labels):
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
        Deck(rng, labels),
        {k: Deck(rng, v.instance) for k, v in decks.items()},
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
            while time < mixture_s - SHORTEST_S:
                instance = instance_decks[label].next()
                length = min(lengths[instance], rng.uniform(*segment_s))
                cut = rng.uniform(0, lengths[instance] - length)
                end = min(time + length, mixture_s)
                level = LEVEL_DB + rng.uniform(-spread_db, spread_db)
                rows.append((recording, time, end, label, instance, cut, level))
                time = end + rng.exponential(silence_s)
    parts = pd.DataFrame(rows, columns=PART_COLUMNS)
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
    recordings = recordings_table(parts, settings["mixture_s"])
    recordings["scene"] = "mixture"
    recordings["split"] = recordings.recording.str.split("-").str[0]
    corpus.write(folder, recordings, pd.concat(mixtures), list(source.labels), parts=parts)


def recordings_table(parts: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """The columns of recordings.csv that every corpus mixed here fills alike, a row a recording."""
    names = parts.recording.unique()
    paths = [f"audio/{name}.wav" for name in names]
    columns = {"recording": names, "path": paths, "duration_s": duration_s}
    return pd.DataFrame(columns | {"sample_rate": SAMPLE_RATE})


def write_mixture(*, parts: pd.DataFrame, source, path: Path, settings: dict) -> pd.DataFrame:
    """Render one mixture to a file; returns its events."""
    audio, stems = render(parts, source, mixture_s=settings["mixture_s"])
    files.write_wav(path, audio, SAMPLE_RATE)
    return annotate(
        parts, stems, range_db=settings["annotation_range_db"], gap_s=settings["annotation_gap_s"]
    )


class Deck:
    """Cards dealt in random order, the deck being shuffled again whenever it runs out."""

    def __init__(self, rng, cards):
        self.rng, self.cards, self.left = rng, list(cards), []

    def next(self):
        if not self.left:
            self.left = list(self.rng.permutation(self.cards))
        return self.left.pop()

    def distinct(self, count: int) -> list:
        """The next ``count`` different cards, in the deck's own order."""
        chosen, again = [], []
        while len(chosen) < count:
            card = self.next()
            (again if card in chosen else chosen).append(card)
        self.left.extend(again)
        return sorted(chosen, key=self.cards.index)


def render(parts: pd.DataFrame, source, *, mixture_s: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Sum the pieces of one mixture.

    Returns
    -------
    audio : float32 (samples,) at 44.1 kHz, turned down as a whole where it would clip
    stems : the pieces as they stand in the mixture, one array a row of ``parts``
    """
    audio = np.zeros(round(mixture_s * SAMPLE_RATE), np.float32)
    stems = []
    for part in parts.itertuples():
        start = round(part.onset_s * SAMPLE_RATE)
        length = min(round((part.offset_s - part.onset_s) * SAMPLE_RATE), len(audio) - start)
        cut = round(part.cut_s * SAMPLE_RATE)
        piece = faded(source.load(part.instance)[cut : cut + length])
        piece *= 10 ** ((part.level_db - active_level_db(piece)) / 20)
        audio[start : start + len(piece)] += piece
        stems.append(piece)
    gain = min(1.0, PEAK / max(np.abs(audio).max(), 1e-9))
    return audio * np.float32(gain), [stem * np.float32(gain) for stem in stems]


def faded(piece: np.ndarray, seconds: float = 0.01) -> np.ndarray:
    """A copy with short linear ramps at both ends, so that a cut makes no click."""
    piece = piece.astype(np.float32)
    n = min(round(seconds * SAMPLE_RATE), len(piece) // 2)
    if n:
        ramp = np.linspace(0, 1, n, dtype=np.float32)
        piece[:n] *= ramp
        piece[-n:] *= ramp[::-1]
    return piece


def frame_levels_db(piece: np.ndarray) -> np.ndarray:
    """RMS level of each 20 ms frame in dB re full scale, ``(frames,)``; the last frame may be short."""
    samples = round(FRAME_S * SAMPLE_RATE)
    padded = np.pad(piece, (0, -len(piece) % samples)).reshape(-1, samples)
    return 10 * np.log10(np.mean(padded.astype(np.float64) ** 2, axis=1) + 1e-12)


def active_level_db(piece: np.ndarray, range_db: float = 40.0) -> float:
    """RMS level of the frames within ``range_db`` of the loudest: pauses do not count as quiet sound."""
    levels = frame_levels_db(piece)
    return float(10 * np.log10(np.mean(10 ** (levels[levels >= levels.max() - range_db] / 10))))


def active_runs(audio: np.ndarray, *, range_db: float, gap_s: float) -> list[tuple[int, int]]:
    """Frames (first, one past the last) where a sound is active by the rule of `annotate`."""
    levels = frame_levels_db(audio)
    active = np.flatnonzero(levels >= levels.max() - range_db)
    breaks = np.flatnonzero(np.diff(active) - 1 >= gap_s / FRAME_S)
    firsts = active[np.r_[0, breaks + 1]]
    lasts = active[np.r_[breaks, len(active) - 1]]
    return list(zip(firsts, lasts + 1, strict=True))


def sounding(audio: np.ndarray, *, range_db: float, gap_s: float) -> list[tuple[float, float]]:
    """The active stretches of a clip in seconds, within its end; rule and arguments of `annotate`."""
    end_s = len(audio) / SAMPLE_RATE
    runs = active_runs(audio, range_db=range_db, gap_s=gap_s)
    return [(first * FRAME_S, min(last * FRAME_S, end_s)) for first, last in runs]


def annotate(
    parts: pd.DataFrame,
    stems: list[np.ndarray],
    *,
    range_db: float,
    gap_s: float,
    room_db: float | None = None,
) -> pd.DataFrame:
    """Events from the frame energy of each piece (Sec. III-A).

    A frame is active when its energy is within ``range_db`` of the piece's loudest frame, and over the
    quiet room where ``room_db`` is given (`audible_range_db`); inactive stretches shorter than ``gap_s``
    do not end an event. What a piece sounds past its part's end does not count.

    Returns
    -------
    DataFrame: recording, onset_s, offset_s, label, in order of onset
    """
    rows = []
    for part, stem in zip(parts.itertuples(), stems, strict=True):
        within_db = range_db if room_db is None else audible_range_db(stem, range_db, room_db)
        for first, last in active_runs(stem, range_db=within_db, gap_s=gap_s):
            onset = part.onset_s + first * FRAME_S
            offset = min(part.onset_s + last * FRAME_S, part.offset_s)
            rows.append((part.recording, onset, offset, part.label))
    events = pd.DataFrame(rows, columns=["recording", "onset_s", "offset_s", "label"])
    events = events.round(6)[events.offset_s - events.onset_s > 1e-3]
    return events.sort_values(["recording", "onset_s", "label"], ignore_index=True)


def audible_range_db(sound: np.ndarray, range_db: float, room_db: float) -> float:
    """How far below its loudest frame a sound is still heard, ``range_db`` at most.

    Nobody hears it under the level of the quiet room; of a sound as faint as that the loudest
    `LEAST_RANGE_DB` count all the same.
    """
    over_db = frame_levels_db(sound).max() - room_db
    return min(range_db, max(over_db, LEAST_RANGE_DB))


def stable_seed(*parts) -> int:
    """A seed that depends on the words and numbers given and on nothing else."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")
