"""What is trained on cuts: R-CRNN, CRNN+TA and the CBRNN with all classes, the FBCRNN from the tags of cuts.

What is kept of each, for the comparison: weights and description (`sedutils.training.systems.keep`),
``history.csv``, of the R-CRNN ``pretraining.csv`` too, and ``scores_{validation,test}.npy``, ``(cuts, frames of
the grid, classes)``.
"""

import json
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sedutils.decoding import tag_thresholds
from sedutils.features.frames import Frames
from sedutils.models.gradual import PER_DECISION
from sedutils.models.kao2018 import of_tagger
from sedutils.papers.comparison import cuts
from sedutils.papers.comparison.entries import WEAK, Entry
from sedutils.training import systems
from sedutils.training import weak as weak_training
from sedutils.training.systems import System

ANSWERED = ("validation", "test")


def hop_of(front_end: dict) -> float:
    """Seconds from a row of a front end's features to the next; of the gradual network's a decision."""
    if "mean_frames" in front_end:
        return round(front_end["hop_s"] * front_end["mean_frames"] * PER_DECISION, 9)
    return front_end["hop_s"]


@dataclass(frozen=True)
class Cuts(systems.Recordings):
    """All mixtures of a features folder, cut.

    seconds : length of a cut; hop_s : of the features
    """

    seconds: float = 0.0
    hop_s: float = 0.0

    def frames(self, split: str, front_end: str) -> Frames:
        whole = super().frames(split, front_end)
        return replace(whole, recordings=cuts.table(whole.recordings, self.seconds, self.hop_s))

    @property
    def length(self) -> int:
        """Frames of a cut."""
        return int(self.seconds / self.hop_s + cuts.ROUNDING)

    @property
    def facts(self) -> dict:
        return {"seconds": self.seconds}

    def on_grid(self, rows: np.ndarray, frames: Frames) -> np.ndarray:
        """Rows of all cuts below each other, ``(frames, classes)``, as ``(cuts, frames of the grid, classes)``."""
        of_cuts = rows.reshape(len(frames), -1, rows.shape[1])
        return cuts.on_grid(of_cuts, frames.recordings, self.seconds, self.hop_s)


def task(
    entry: Entry, data: Cuts, arguments: dict, *, settings: dict, pretraining: dict, weak: dict, context: int
) -> dict:  # fmt: skip
    """How `sedutils.training.systems.train` trains a system on cuts.

    arguments : the system's section of params.yaml
    settings : section ``training``; weak : section ``weak_training``, for the FBCRNN
    pretraining : section ``rcrnn.pretraining``, of the R-CRNN's extractor
    context : frames to either side of a window of the FBCRNN
    """
    if entry.supervision == WEAK:
        how = {"learn": from_tags, "answers": partial(masked_windows, context=context)}
        return {"arguments": arguments, "settings": weak | {"device": settings["device"]}} | how
    if arguments.get("asr", "none") != "none":
        raise ValueError(f"asr = {arguments['asr']!r}: the comparison has no ASR features")
    learn = systems.by_sequences
    if entry.pretrained:
        learn = partial(behind_a_tagger, pretraining=pretraining)
    how = {"learn": learn, "answers": at_the_grid}
    return {"arguments": arguments | {"sequence_frames": data.length}, "settings": settings} | how


def behind_a_tagger(
    system: System, data: Cuts, settings: dict, *, pretraining: dict
) -> dict[str, list[dict]]:
    """Train an R-CRNN whose extractor first learns what is in a cut, as in its paper (Kao et al. 2018, Sec. 3.2)."""
    own = of_tagger(system.description["arguments"], pretraining)
    facts = {k: system.description[k] for k in ("features", "seed")}
    tagger = System.new(own, data, facts | {"system": f"tagger of {system.description['system']}"})
    first = systems.by_sequences(tagger, data, settings)["history"]
    system.model.begin_from(tagger.model, fixed=False)
    begins = f"tagger of {json.dumps(own, sort_keys=True)}"
    return {"pretraining": first} | systems.by_sequences(system, data, settings, begins=begins)


def at_the_grid(system: System, data: Cuts, device: str) -> dict[str, np.ndarray]:
    """Scores in the middle of every frame of the grid."""
    found = {}
    for split in ANSWERED:
        frames = data.frames(split, system.front_end)
        points = cuts.middles(frames.recordings, data.seconds, data.hop_s)
        found[f"scores_{split}"] = system.model.scores_at(frames, points, device)
    return found


def from_tags(system: System, data: Cuts, settings: dict) -> dict[str, list[dict]]:
    """Train an FBCRNN on what each cut holds, not when; ``settings``: section ``weak_training``."""
    train, validation = (data.frames(split, system.front_end) for split in ("train", "validation"))
    tagging = weak_training.Tagging(
        system.model, train, validation, unlabelled=None, settings=settings, hop_s=data.hop_s,
        seed=system.seed, device=settings["device"],
    )  # fmt: skip
    code = weak_training.fit, weak_training.Tagging
    checkpoint = system.checkpoint(data, settings, *code)
    return {"history": weak_training.fit(tagging, checkpoint=checkpoint, label=system.title)}


def masked_windows(
    system: System, data: Cuts, device: str, *, context: int
) -> dict[str, np.ndarray]:
    """Tags of the window around each frame, 0 where the whole cut's is below its best threshold on validation cuts
    (Ebbers & Haeb-Umbach 2020, Sec. 1)."""
    frames = {split: data.frames(split, system.front_end) for split in ANSWERED}
    tags = weak_training.tag_scores(system.model, frames["validation"], device)
    least, _ = tag_thresholds.best_f(tags, frames["validation"].tags > 0)
    return {
        f"scores_{split}": data.on_grid(masked(system.model, part, context, least, device), part)
        for split, part in frames.items()
    }


def masked(model, frames: Frames, context: int, least: np.ndarray, device: str) -> np.ndarray:
    """Tags of the window around each frame, 0 where the whole clip's is below ``least`` (classes,): ``(frames,
    classes)``, frames of all clips below each other."""
    rows = weak_training.window_scores(model, frames, [context], device)[0]
    there = weak_training.tag_scores(model, frames, device) >= least
    return rows * np.repeat(there, frames.lengths, axis=0)
