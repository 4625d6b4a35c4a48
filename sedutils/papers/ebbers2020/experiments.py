"""The two stages of Ebbers & Haeb-Umbach 2020: taggers, pseudo strong labels by them, localisers.

What each network leaves in ``folder/system/seed``, for `SCORED` splits, frames of all clips below each other:

``tags_*``        (clips, classes) of taggers
``windows_*``     (contexts, frames, classes) of taggers: windows cut from the CNN's output (reading E-A02)
``windows_input_*`` the same of the shortest context, cut from the input as printed: each window costs a whole CNN
``directions_*``  (2, frames, classes) of taggers: forward and backward network
``scores_*``      (frames, classes) of localisers, and of taggers that pool frames

The ensemble of FBCRNNs leaves ``tags_*`` in ``folder`` itself: tags (clips, classes), which mask scores and are
the localisers' second input; of training clips those that are known stand there. Its strong labels of all
training clips are ``pseudo_targets.npy``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils.decoding import class_wise, tag_thresholds
from sedutils.features.frames import Frames
from sedutils.metrics import events
from sedutils.models.network import Network
from sedutils.pipeline import files
from sedutils.training import systems, weak
from sedutils.training.systems import System

FBCRNN, ENDS = "fbcrnn", "fbcrnn_ends"
CONDITIONED, BLIND = "tag_cnn", "tag_cnn_blind"
POOLED = ATTENTION, LINEAR = "attention_crnn", "linear_crnn"
WINDOWED, LOCALISERS = (FBCRNN, ENDS), (CONDITIONED, BLIND)
TAGGERS = (*WINDOWED, *POOLED)
WEAK, UNLABELLED, SYNTHETIC = "weak", "unlabelled", "synthetic"
SCORED = ("validation", "test")
CUTS = {
    "hidden": "windows",
    "input": "windows_input",
}  # where windows are cut from -> name of a file


@dataclass(frozen=True)
class Experiment:
    """Where the trainings of the chapter read and write, and their settings.

    features : folder of `sedutils.features.spectra.extract`; its recordings have their part as ``scene``
    folder : of the family; the second stage learns from files that the first has left there
    systems : name -> section of params.yaml; ``settings`` section weak_training, ``decoding`` weak_labels
    facts : kept with every network: size, corpus, source, features (section of the front end)
    device : of section ``training``
    """

    features: Path
    folder: Path
    systems: dict[str, dict]
    settings: dict
    decoding: dict
    facts: dict
    device: str

    @property
    def hop_s(self) -> float:
        return self.facts["features"]["hop_s"]

    def path(self, system: str, seed: int) -> Path:
        return self.folder / system / str(seed)

    def read(self, system: str, seed: int) -> System:
        return System.read(self.path(system, seed))

    def train(self, system: str, seed: int, **how) -> None:
        """`sedutils.training.systems.train` for one of the systems."""
        settings = self.settings | {"device": self.device}
        systems.train(
            name=system, seed=seed, arguments=self.systems[system], settings=settings,
            data=systems.Recordings(self.features), folder=self.path(system, seed), facts=self.facts, **how,
        )  # fmt: skip

    def clips(self, split: str, *parts: str) -> Frames:
        """The clips of a split, of some parts only where these are named."""
        return Frames.read(self.features, split, scenes=parts or None)

    def has(self, part: str) -> bool:
        """Whether there are clips of a part; a bank or a folder may have no unlabelled ones."""
        scenes = pd.read_csv(self.features / "recordings.csv", usecols=["scene"]).scene
        return bool((scenes == part).any())

    def options(self, seed: int) -> dict:
        """What batches of both kinds take."""
        how = {"settings": self.settings, "hop_s": self.hop_s}
        return how | {"seed": seed, "device": self.device}


def train_tagger(*, experiment: Experiment, system: str, seed: int) -> None:
    """Stage 1: learn tags from weak and synthetic clips and, on the way, from unlabelled ones (E-A05, E-A06)."""

    def learn(made: System, data, settings) -> dict[str, list[dict]]:
        checkpoint = made.checkpoint(data, settings, weak.fit, weak.Tagging)
        batches = tagging(experiment, made.model, seed)
        return {"history": weak.fit(batches, checkpoint=checkpoint, label=made.title)}

    def answers(made: System, data, device: str) -> dict[str, np.ndarray]:
        found, contexts = {}, experiment.decoding["contexts"]
        for split in SCORED:
            given = made.model, experiment.clips(split)
            found[f"tags_{split}"] = weak.tag_scores(*given, device)
            if system in POOLED:
                found[f"scores_{split}"] = weak.frame_scores(*given, device)
                continue
            found[f"directions_{split}"] = weak.direction_scores(*given, device)
            for cut, name in CUTS.items():
                tried = contexts_of(cut, contexts)
                windows = weak.window_scores(*given, tried, device, cut=cut)
                found[f"{name}_{split}"] = windows
        return found

    experiment.train(system, seed, learn=learn, answers=answers)


def contexts_of(cut: str, contexts: list[int]) -> list[int]:
    """Which of the contexts are tried for a cut of windows."""
    return contexts if cut == "hidden" else contexts[:1]


def train_localiser(*, experiment: Experiment, system: str, seed: int) -> None:
    """Stage 2: learn the strong labels that `label` has left."""

    def learn(made: System, data, settings) -> dict[str, list[dict]]:
        given = ("pseudo_targets.npy", "tags_train.npy", "tags_validation.npy", "thresholds.csv")
        digests = [files.digest(experiment.folder / name) for name in given]
        checkpoint = made.checkpoint(data, settings, weak.fit, weak.Localising, given=digests)
        batches = localising(experiment, made.model, seed)
        return {"history": weak.fit(batches, checkpoint=checkpoint, label=made.title)}

    def answers(made: System, data, device: str) -> dict[str, np.ndarray]:
        return {
            f"scores_{split}": weak.localised(
                made.model, experiment.clips(split), read_tags(experiment.folder, split), device
            )
            for split in SCORED
        }

    experiment.train(system, seed, learn=learn, answers=answers)


def tagging(experiment: Experiment, model: Network, seed: int) -> weak.Tagging:
    """What a tagger learns from."""
    labelled, validation = (
        experiment.clips("train", WEAK, SYNTHETIC),
        experiment.clips("validation"),
    )
    unlabelled = experiment.clips("train", UNLABELLED) if experiment.has(UNLABELLED) else None
    options = experiment.options(seed)
    return weak.Tagging(model, labelled, validation, unlabelled=unlabelled, **options)


def localising(experiment: Experiment, model: Network, seed: int) -> weak.Localising:
    """What a localiser learns from, once `label` has left it."""
    strong = np.load(experiment.folder / "pseudo_targets.npy", "r")
    thresholds = pd.read_csv(experiment.folder / "thresholds.csv")
    return weak.Localising(
        model,
        replace(experiment.clips("train"), targets=strong),
        experiment.clips("validation"),
        train_tags=read_tags(experiment.folder, "train"),
        validation_tags=read_tags(experiment.folder, "validation"),
        false_alarms=thresholds.false_alarms.to_numpy(np.float32),
        **experiment.options(seed),
    )


def beginning(
    experiment: Experiment, system: str, seed: int, batches: Callable
) -> tuple[Network, tuple[tuple, tuple]]:
    """A network before it has learnt anything, on the CPU, and the first batch of its training.

    batches : `tagging` or `localising`; torch's generator stays where it is
    """
    experiment = replace(experiment, device="cpu")
    data, facts = systems.Recordings(experiment.features), experiment.facts
    with torch.random.fork_rng(devices=[]):
        arguments = experiment.systems[system]
        model = System.new(arguments, data, facts | {"system": system, "seed": seed}).model
    return model, next(iter(batches(experiment, model, seed)(0)))


def read_tags(folder: Path, split: str) -> np.ndarray:
    """Tags that the ensemble of FBCRNNs gives the clips of a split, float32 ``(clips, classes)``."""
    return np.load(folder / f"tags_{split}.npy").astype(np.float32)


def label(experiment: Experiment, seeds: list[int]) -> None:
    """Tags and strong labels by the ensemble of FBCRNNs, into ``folder``; thresholds to ``thresholds.csv``.

    thresholds.csv : label, tag_threshold and tag_F of the best tag F-score on validation clips, false_alarms
    (share of validation clips without the class that get it), frame_threshold and frame_F of the best frame
    F-score there; F in 0..1
    """
    validation = experiment.clips("validation")
    scores = {split: ensemble_tags(experiment, seeds, split) for split in SCORED}
    truth = validation.tags > 0
    tag_threshold, tag_f = tag_thresholds.best_f(scores["validation"], truth)
    tags = {split: scores[split] >= tag_threshold for split in SCORED}
    false_alarms = (tags["validation"] & ~truth).sum(axis=0) / np.maximum((~truth).sum(axis=0), 1)
    frames = located(experiment, seeds, validation, tags["validation"])
    frame_threshold, frame_f = tag_thresholds.best_f(frames, validation.roll)
    train, known = experiment.clips("train"), experiment.clips("train", WEAK, SYNTHETIC)
    tags["train"] = np.zeros((len(train), truth.shape[1]), bool)
    tags["train"][among(train, known)] = known.tags > 0
    if experiment.has(UNLABELLED):
        unlabelled = experiment.clips("train", UNLABELLED)
        found = mean_of(experiment, seeds, weak.tag_scores, unlabelled)
        tags["train"][among(train, unlabelled)] = found >= tag_threshold
    for split, of_split in tags.items():
        files.write_npy(experiment.folder / f"tags_{split}.npy", of_split)
    strong = pseudo_targets(experiment, seeds, train, tags["train"], frame_threshold)
    files.write_npy(experiment.folder / "pseudo_targets.npy", strong)
    columns = {
        "label": (experiment.features / "labels.txt").read_text().split("\n")[:-1],
        "tag_threshold": tag_threshold,
        "tag_F": tag_f,
        "false_alarms": false_alarms,
        "frame_threshold": frame_threshold,
        "frame_F": frame_f,
    }
    files.write_csv(experiment.folder / "thresholds.csv", pd.DataFrame(columns))


def pseudo_targets(
    experiment: Experiment,
    seeds: list[int],
    train: Frames,
    tags: np.ndarray,
    thresholds: np.ndarray,
) -> np.ndarray:
    """Targets (uint8) of all frames of the corpus, of weak and unlabelled training clips the ensemble's guess.

    A clip keeps to its ``tags``: a weak one to those that are known, an unlabelled one to the ensemble's guess.
    """
    strong = np.array(train.targets, np.uint8)
    for part in (WEAK, UNLABELLED):
        if not experiment.has(part):
            continue
        guessed = experiment.clips("train", part)
        own = tags[among(train, guessed)]
        scores = located(experiment, seeds, guessed, own)
        allowed = np.repeat(own, guessed.lengths, axis=0)
        # where no validation clip has a class nothing says when it sounds: its tag stands for the whole clip
        decided = ((scores >= thresholds) | np.isinf(thresholds)) & allowed
        starts = np.cumsum(guessed.lengths)[:-1]
        for rows, active in zip(guessed.slices(), np.split(decided, starts), strict=True):
            strong[rows] = active
    return strong


def located(
    experiment: Experiment, seeds: list[int], clips: Frames, tags: np.ndarray
) -> np.ndarray:
    """The ensemble's scores of frames ``(frames, classes)`` with the pseudo labels' context, masked, filtered."""
    settings = experiment.decoding
    contexts = [settings["pseudo_context"]]
    scores = mean_of(experiment, seeds, weak.window_scores, clips, contexts)[0]
    whole = as_scored(clips.recordings, experiment.hop_s)
    masked = class_wise.masked(scores, tags, whole)
    return class_wise.filtered(masked, settings["pseudo_median"], whole)


def mean_of(
    experiment: Experiment, seeds: list[int], function, clips: Frames, *given
) -> np.ndarray:
    """What ``function(model, clips, *given, device)`` says on average over the FBCRNNs."""
    total = 0.0
    for seed in seeds:
        model = experiment.read(FBCRNN, seed).model
        total = total + function(model, clips, *given, experiment.device)
    return total / len(seeds)


def ensemble_tags(experiment: Experiment, seeds: list[int], split: str) -> np.ndarray:
    """Mean tag scores ``(clips, classes)`` of the FBCRNNs."""
    paths = [experiment.path(FBCRNN, seed) / f"tags_{split}.npy" for seed in seeds]
    return np.mean([np.load(path) for path in paths], axis=0)


def among(whole: Frames, part: Frames) -> np.ndarray:
    """Places of some clips among all of their split."""
    return pd.Index(whole.recordings.recording).get_indexer(part.recordings.recording)


def as_scored(recordings: pd.DataFrame, hop_s: float) -> events.AnnotatedClips:
    """Recordings of a features folder as clips without annotation."""
    nothing = pd.DataFrame({"recording": [], "onset_s": [], "offset_s": [], "label": []})
    return events.AnnotatedClips(recordings.reset_index(drop=True), nothing, (), hop_s)


def courses(experiment: Experiment, systems: list[str], seeds: list[int]) -> pd.DataFrame:
    """Every validation of every training: its history with columns system and seed before it."""
    tables = [
        pd.read_csv(experiment.path(system, seed) / "history.csv").assign(system=system, seed=seed)
        for system in systems
        for seed in seeds
    ]
    return pd.concat(tables, ignore_index=True)
