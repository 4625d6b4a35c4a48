"""What clips of a home are mixed of: sound made here, or a bank of clips.

Either source has ``labels``, ``often`` (the classes heard more often than others, and how much),
``placed`` (when a class sounds in a clip, and which instances) and ``sounds`` (the audio of a clip's
parts). No two parts of the data set share an instance or a room; no two splits share a voice.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import bank, mixing, sessions
from sedutils.corpora.bank import Bank
from sedutils.foley import domestic, dsp, recording, speech, talk
from sedutils.pipeline import files, jobs

# Part of the data set -> split of the corpus
PARTS = {
    "weak": "train",
    "unlabelled": "train",
    "synthetic": "train",
    "validation": "validation",
    "public": "test",
}
TRAINED = tuple(part for part, split in PARTS.items() if split == "train")
VOICES = 12  # of each kind in a split
TALK = {
    talk.male_speech: 0.35,
    talk.female_speech: 0.35,
    talk.child_speech: 0.1,
    talk.people_speaking: 0.2,
}
AFTER_S = 1.0  # what goes on past the end of its clip is made so much longer, and cut
SECOND = 0.5  # odds of another sound of its class after a bank's short one


def find(source: str, settings: dict, *, backend: str, workers: int) -> "Home | Clips":
    """The source of that name; ``settings`` is section ``corpora.desed_2020``."""
    if source == "foley":
        return Home(settings["seed"])
    return Clips(settings, backend=backend, workers=workers)


class Home:
    """A home made here: every clip has a room, a microphone and instances of its own."""

    def __init__(self, seed: int):
        self.seed, self.labels, self.often = seed, domestic.LABELS, {domestic.SPEECH: 4}
        self.people = speech.deal(seed, list(dict.fromkeys(PARTS.values())), VOICES)

    def placed(
        self, rng: np.random.Generator, recording: str, label: str, clip_s: float
    ) -> list[tuple[float, float, str, float]]:
        """(onset_s, offset_s, instance, cut_s) of a class in a clip."""
        spans = domestic.lasting(rng, label, clip_s)
        return [
            (onset_s, offset_s, f"{recording}-{label}-{i}", cut_s)
            for i, (onset_s, offset_s, cut_s) in enumerate(spans)
        ]

    def sounds(self, parts: pd.DataFrame, clip_s: float) -> list[np.ndarray]:
        """The sounds of one clip's parts as its microphone takes them, with the echoes of its room.

        parts : rows of `mixing.PART_COLUMNS` of one recording
        """
        name = parts["recording"].iloc[0]
        room = np.random.default_rng(mixing.stable_seed(self.seed, name, "room"))
        echoes, microphone = recording.room_response(room, "room"), recording.microphone_curve(room)
        split = PARTS[name.rsplit("-", 1)[0]]
        speakers = list(speech.cast(self.people[self.people["group"] == split]).values())
        stems = []
        for part in parts.itertuples():
            rng = np.random.default_rng(mixing.stable_seed(self.seed, part.instance))
            distance = dsp.log_uniform(rng, *sessions.DISTANCE)
            sound = self._dry(rng, part, speakers, goes_on=part.offset_s > clip_s - mixing.FRAME_S)
            stems.append(sessions.at_microphone(sound, echoes, microphone, distance=distance))
        return stems

    @staticmethod
    def _dry(rng: np.random.Generator, part, speakers: list, *, goes_on: bool) -> np.ndarray:
        """A part's piece of its instance, where it happens: (samples,) float32."""
        length_s = part.offset_s - part.onset_s
        lasting_s = part.cut_s + length_s + AFTER_S * goes_on
        if part.label == domestic.SPEECH:
            kind = list(TALK)[rng.choice(len(TALK), p=list(TALK.values()))]
            sound = kind(rng, lasting_s, speakers)
        else:
            sound = domestic.RECIPES[part.label](rng, lasting_s)
        start = round(part.cut_s * mixing.SAMPLE_RATE)
        return mixing.faded(sound[start : start + dsp.length(length_s)])


class Clips:
    """The user's folder of clips: every part of the data set has source recordings of its own.

    The split of a clip is that of `bank.Bank`; the training clips of each class are dealt to the weak,
    unlabelled and synthetic clips, whole groups, by how many of those there are.

    Raises
    ------
    ValueError : a class lacks clips for a part; what the bank refuses (a missing folder, ...) names it
    """

    def __init__(self, settings: dict, *, backend: str, workers: int):
        given = {key: settings[key] for key in ("split_fractions", "seed")}
        self.bank = Bank(settings["bank"], folds=settings["bank_folds"], **given)
        self.labels, self.often = self.bank.labels, {}
        table = self.bank.instances
        shares = {part: settings["clips"][part] for part in TRAINED}
        parts = dealt(self.bank.folder, table[table["split"] == "train"], shares, settings["seed"])
        part_of = {split: part for part, split in PARTS.items() if split != "train"}
        self.part = dict(zip(table["instance"], table["split"].map(part_of), strict=True)) | parts
        limits = {
            "range_db": settings["annotation_range_db"],
            "gap_s": settings["annotation_gap_s"],
        }
        tasks = [{"path": self.bank.folder / name, **limits} for name in self.part]
        runs = jobs.parallel(sounding, tasks, label="clips", backend=backend, workers=workers)
        self.runs = dict(zip(self.part, runs, strict=True))
        self._decks: dict[tuple[str, str], mixing.Deck] = {}

    def placed(
        self, rng: np.random.Generator, recording: str, label: str, clip_s: float
    ) -> list[tuple[float, float, str, float]]:
        """(onset_s, offset_s, instance, cut_s) of a class in a clip; instances are dealt evenly."""
        part, rows, free_s = recording.rsplit("-", 1)[0], [], 0.0
        while not rows or (clip_s - free_s > 0.5 * clip_s and rng.random() < SECOND):
            instance = str(self._deck(part, label).next())
            runs = self.runs[instance]
            fits = runs[-1][1] - runs[0][0] <= clip_s
            cut_s = runs[0 if fits else rng.integers(len(runs))][0]
            length_s = min(runs[-1][1] - cut_s, clip_s - free_s)
            onset_s = free_s + rng.uniform(0, clip_s - free_s - length_s)
            rows.append((onset_s, onset_s + length_s, instance, cut_s))
            free_s = onset_s + length_s
        return rows

    def _deck(self, part: str, label: str) -> mixing.Deck:
        """The instances of a class in a part, in an order of their own."""
        if (part, label) not in self._decks:
            table = self.bank.instances
            own = table[(table["label"] == label) & (table["instance"].map(self.part) == part)]
            rng = np.random.default_rng(mixing.stable_seed("deck", part, label))
            self._decks[part, label] = mixing.Deck(rng, own["instance"])
        return self._decks[part, label]

    def sounds(self, parts: pd.DataFrame, clip_s: float) -> list[np.ndarray]:
        """The pieces of the clips that one recording's parts name; they bring their own rooms."""
        pieces = []
        for part in parts.itertuples():
            start = round(part.cut_s * mixing.SAMPLE_RATE)
            stop = start + dsp.length(part.offset_s - part.onset_s)
            pieces.append(mixing.faded(self.bank.load(part.instance)[start:stop]))
        return pieces


def sounding(*, path: Path, range_db: float, gap_s: float) -> list[tuple[float, float]]:
    """Where a clip sounds, by the rule of the annotation: (onset_s, offset_s) of each stretch."""
    audio, _ = files.read_audio(path, sample_rate=mixing.SAMPLE_RATE)
    return mixing.sounding(audio, range_db=range_db, gap_s=gap_s)


def dealt(folder: Path, clips: pd.DataFrame, shares: dict[str, int], seed: int) -> dict[str, str]:
    """Instance -> training part: the groups of each class dealt by shares, at least one a part.

    BankError where a class has fewer groups than there are parts.
    """
    part_of: dict[str, str] = {}
    for label, rows in clips.groupby("label", sort=False):
        groups = sorted(rows["group"].unique())
        free = [group for group in groups if group not in part_of]
        rng = np.random.default_rng(mixing.stable_seed(seed, "parts", label))
        missing = [p for p in shares if p not in {part_of.get(group) for group in groups}]
        if len(free) < len(missing):
            raise bank.BankError(
                f"{folder}: too few clips of label {label!r}: {len(groups)} source recordings to train on; "
                f"{', '.join(shares)} clips need one each"
            )
        names = []
        for _ in free:  # to who has none, then to who is furthest from its share
            have = {p: names.count(p) + [part_of.get(g) for g in groups].count(p) for p in shares}
            lacks = {p: len(groups) * shares[p] / sum(shares.values()) - have[p] for p in shares}
            names.append(max(shares, key=lambda p: (have[p] == 0, lacks[p])))
        part_of |= dict(zip(rng.permutation(free).tolist(), names, strict=True))
    return dict(zip(clips["instance"], clips["group"].map(part_of), strict=True))
