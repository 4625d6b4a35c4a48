"""Detectors of rare events, one a class: trained, saved, and what they say of every clip.

A clip belongs to the detector of one class, which learns from that class's clips alone. Both papers'
networks see whole clips. What is kept of each, for later chapters: weights and description
(`sedutils.systems.System`), ``history.csv``, and its answers on the splits `ANSWERED`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils import corpus as corpora
from sedutils import files, training
from sedutils.frames import Frames, read_statistics
from sedutils.models.kao2018 import event_table
from sedutils.recipes import clips_of
from sedutils.systems import System, fit_network, make

ANSWERED = ("validation", "development", "evaluation")
BATCH_CLIPS = 8  # at once, of those that are only listened to


@dataclass(frozen=True)
class Task:
    """What a detector learns from: the clips of one class.

    event_probability : of the training set (`sedutils.recipes.clips_of`)
    most : training clips, the first ones; None for all
    """

    corpus: Path
    features: Path
    label: str
    event_probability: float
    most: int | None = None

    def frames(self, split: str, front_end: str = "log_mel") -> Frames:
        """Features and the one column of targets of a split's clips. ValueError for clips of unequal lengths."""
        made = corpora.read(self.corpus)
        narrowed = {}
        if split == "train":
            narrowed = {"event_probability": self.event_probability, "most": self.most}
        names = clips_of(made, self.label, split, **narrowed).recording
        frames = Frames.read(self.features, split, front_end, only=list(names))
        lengths = frames.recordings.frames
        if lengths.nunique() > 1:
            odd = frames.recordings[lengths != lengths.mode()[0]].iloc[0]
            told = f"{odd.recording} has {odd.frames} frames, other clips {lengths.mode()[0]}"
            raise ValueError(f"{self.features / 'recordings.csv'}: {told}")
        column = list(made.labels).index(self.label)
        return replace(frames, targets=frames.targets[:, column : column + 1])


def train_tagger(
    *, task: Task, folder: Path, arguments: dict, pretraining: dict, settings: dict, facts: dict
) -> None:
    """Learn from utterance labels whether a clip has the event (Kao et al. 2018, Sec. 3.2).

    arguments : of the R-CRNN whose extractor this is; ``pretraining`` replaces its training values
    settings : section ``training``; facts : kept in the description: system, seed, corpus, front end
    """
    own = {k: v for k, v in arguments.items() if k != "nodes"} | pretraining
    system = new(own | {"kind": "ClipTagger"}, task, "log_mel", facts)
    history = fit(system, task, settings, begins="drawn")
    keep(system, history, folder)


def train_detector(
    *, task: Task, folder: Path, arguments: dict, tagger: Path | None, fixed: bool, settings: dict,
    facts: dict,
) -> None:  # fmt: skip
    """Train an R-CRNN from a pre-trained extractor (None: from scratch), and keep its best event of each clip.

    ``events_<split>.csv`` has the most probable event of every clip, however improbable.
    """
    system = new(arguments, task, "log_mel", facts)
    begins = "drawn"
    if tagger:
        system.model.begin_from(System.read(tagger).model, fixed=fixed)
        begins = files.digest(tagger / "model.safetensors") + (", fixed" if fixed else "")
    history = fit(system, task, settings, begins=begins)
    for split in ANSWERED:
        events = best_events(system, task, split, settings["device"])
        files.write_csv(folder / f"events_{split}.csv", events)
    keep(system, history, folder)


def train_frames(*, task: Task, folder: Path, arguments: dict, settings: dict, facts: dict) -> None:
    """Train a network of the gradual network's family, and keep its scores ``(clips, decisions)`` of each split.

    arguments : its section of params.yaml; ``asr`` names the ASR features it gets
    """
    arguments = dict(arguments)
    front_end = "log_mel"
    if arguments["asr"] != "none":
        front_end += f"+{arguments['asr']}"
    arguments["asr"] = asr_width(task.features, front_end)
    if arguments["kind"] == "CBRNN":
        arguments["frames"] = arguments["sequence_frames"]
    system = new(arguments, task, front_end, facts)
    history = fit(system, task, settings, begins="drawn")
    for split in ANSWERED:
        frames = task.frames(split, front_end)
        scores = system.scores_of(frames, settings["device"])
        files.write_npy(folder / f"scores_{split}.npy", scores.reshape(len(frames.recordings), -1))
    keep(system, history, folder)


def asr_width(features: Path, front_end: str) -> int:
    """How many ASR features the arrays of a front end hold."""
    arrays = [np.load(features / f"{name}.npy", "r") for name in front_end.split("+")]
    return sum(array.shape[1] for array in arrays[1:])


def new(arguments: dict, task: Task, front_end: str, facts: dict) -> System:
    """An untrained network for a task, in the form in which systems are kept."""
    torch.manual_seed(facts["seed"])
    description = {
        **facts,
        "arguments": arguments,
        "labels": [task.label],
        "front_end": front_end,
        "statistics": read_statistics(task.features, front_end, None),
    }
    return System(make(arguments, 1, facts["features"]), description)


def fit(system: System, task: Task, settings: dict, *, begins: str) -> list[dict]:
    """Train on a task's clips; ``begins`` says which weights it begins with."""
    of = system.description
    train = task.frames("train", system.front_end)
    system.model.settle_on(train)
    return fit_network(
        system.model,
        train,
        task.frames("validation", system.front_end),
        task.features,
        arguments=of["arguments"],
        seed=of["seed"],
        settings=settings | {"shift_frames": 0, "hop_frames": 0},  # a sequence is a clip
        label=f"{of['system']} {task.label} seed {of['seed']}",
        facts={
            "label": task.label,
            "event_probability": task.event_probability,
            "most": task.most,
            "begins": begins,
        },
        front_end=system.front_end,
    )


def keep(system: System, history: list[dict], folder: Path) -> None:
    """Write a trained network; the last file, history.csv, says that all of a training is there."""
    system.write(folder)
    files.write_csv(folder / "history.csv", pd.DataFrame(history))


def best_events(system: System, task: Task, split: str, device: str) -> pd.DataFrame:
    """The most probable event of each clip: recording, onset_s, offset_s, label, score."""
    frames = task.frames(split, system.front_end)
    length = system.description["arguments"]["sequence_frames"]
    hop_s = system.description["features"]["hop_s"]
    device = training.pick(device)
    system.model.to(device).eval()
    tables = []
    for start in range(0, len(frames.recordings), BATCH_CLIPS):
        clips = frames.recordings[start : start + BATCH_CLIPS]
        x, _ = frames.batch(clips.first_frame.to_numpy(), length)
        found = system.model.detect(x.to(device))
        names = list(clips.recording)
        tables.append(
            event_table(found, recordings=names, labels=[task.label], hop_s=hop_s, threshold=0.0)
        )
    return pd.concat(tables, ignore_index=True)
