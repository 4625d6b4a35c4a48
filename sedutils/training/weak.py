"""Training on clips of which some have tags, some times, most nothing (Ebbers & Haeb-Umbach 2020, Sec. 1 to 3).

An FBCRNN learns from clip tags (`Tagging`), a tag-conditioned CNN from strong labels (`Localising`); both in steps
(`fit`). Every draw comes from the seed and the number of a step. Imports neither librosa nor DVC, so that it runs
wherever torch and numpy are.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils.decoding import tag_thresholds
from sedutils.features.frames import Frames
from sedutils.features.superposition import Mixtures, composed, mixtures, union
from sedutils.models.ebbers2020 import FBCRNN, TagConditionedCNN
from sedutils.models.network import half_precision, pick
from sedutils.models.pooled_crnn import PooledCRNN
from sedutils.training import loop

CLIPS_AT_ONCE = 8  # of those that are only listened to
CUTS = ("hidden", "input")  # where a window is cut from: the CNN's output, or its input


def fit(task: "ClipBatches", *, checkpoint: Path | None = None, label: str = "training") -> list:
    """`sedutils.training.loop.fit` for so many steps as the settings say."""
    schedule = loop.Schedule.of(task.settings)
    return loop.fit(
        task.model, task, task.validate, schedule, seed=task.seed, device=task.clips.mean.device,
        checkpoint=checkpoint, label=label,
    )  # fmt: skip


class ClipBatches(loop.Batches):
    """Clips scaled, superposed and varied anew in every step; a subclass says what is learnt of them.

    An epoch is what lies between two validations, ``validation_steps`` steps.

    settings : section ``weak_training``
    """

    def __init__(self, model, train: Frames, validation: Frames, *, settings: dict, hop_s: float,
                 seed: int, device="auto"):  # fmt: skip
        self.model, self.settings, self.hop_s, self.seed = model, settings, hop_s, seed
        self.clips, self.validation = train.to(pick(device)), validation.to(pick(device))
        self.chosen = np.arange(len(train))  # the clips to learn from

    def __call__(self, epoch) -> Iterator[tuple[tuple, tuple]]:
        each = self.settings["validation_steps"]
        steps = range(epoch * each, (epoch + 1) * each)
        rng, lengths = np.random.default_rng((self.seed, steps.start)), self.clips.lengths
        batches = mixtures(self.chosen, lengths, self.settings, hop_s=self.hop_s, rng=rng)
        how = {"settings": self.settings["augmentation"], "hop_s": self.hop_s}
        for step, batch in zip(steps, batches, strict=False):
            (state,) = np.random.SeedSequence((self.seed, step)).generate_state(1)
            generator = torch.Generator(self.clips.mean.device).manual_seed(int(state))
            x, lengths = composed(self.clips, batch, generator=generator, **how)
            yield self.examples(x, lengths, batch, generator)

    def remarks(self, epoch):
        """included: unlabelled clips among those of the epoch."""
        return {"included": 0}

    def examples(self, x, lengths, batch: Mixtures, generator) -> tuple[tuple, tuple]:
        """Inputs and targets of a batch."""
        raise NotImplementedError

    def validate(self) -> float:
        raise NotImplementedError


class Tagging(ClipBatches):
    """What an FBCRNN or a `PooledCRNN` learns: tags of clips, and of the unlabelled clips that it is sure of (readings
    E-A06, E-A07).

    After each validation thresholds are chosen anew, and with them the unlabelled clips and their tags.
    ValueError for unlabelled clips of other features than ``train``.
    """

    def __init__(
        self, model: FBCRNN | PooledCRNN, train, validation, *, unlabelled: Frames | None, **how
    ):
        self.known, self.tags = len(train), train.tags
        if unlabelled is not None:
            if unlabelled.features.shape != train.features.shape:
                raise ValueError("unlabelled: its clips must be of the same features as train")
            both = pd.concat([train.recordings, unlabelled.recordings], ignore_index=True)
            train = replace(train, recordings=both)
        super().__init__(model, train, validation, **how)
        self.chosen, self.unlabelled = np.arange(self.known), None
        if unlabelled is not None:
            rows = self.clips.recordings[self.known :].reset_index(drop=True)
            self.unlabelled = replace(self.clips, recordings=rows)

    def examples(self, x, lengths, batch, generator):
        return (x, lengths), (union(self.tags, batch).to(x.device), lengths)

    def remarks(self, epoch):
        return super().remarks(epoch) | {"included": len(self.chosen) - self.known}

    def validate(self):
        """Macro tag F with the best threshold of each class (reading E-A11); takes in unlabelled clips."""
        device = self.clips.mean.device
        scores = tag_scores(self.model, self.validation, device)
        truth = self.validation.tags
        if self.unlabelled is not None:
            found = tag_scores(self.model, self.unlabelled, device)
            detected = tag_thresholds.detection(scores, truth, self.settings["precision"])
            excluded = tag_thresholds.exclusion(scores, truth, self.settings["npv"])
            sure = tag_thresholds.included(found, detected, excluded)
            self.chosen = np.r_[np.arange(self.known), self.known + np.flatnonzero(sure)]
            guessed = (found >= detected).astype(np.float32)
            self.tags = np.concatenate([self.tags[: self.known], guessed])
        return tag_thresholds.macro_f(scores, truth)


class Localising(ClipBatches):
    """What a tag-conditioned CNN learns: the targets of its clips, given their tags and some false ones.

    train_tags, validation_tags : (clips, classes), 0 or 1, the network's second input
    false_alarms : (classes,), how often a class that is not there is said to be (reading E-A09)
    """

    def __init__(self, model: TagConditionedCNN, train, validation, *, train_tags: np.ndarray,
                 validation_tags: np.ndarray, false_alarms: np.ndarray, **how):  # fmt: skip
        super().__init__(model, train, validation, **how)
        self.tags, self.validation_tags = np.asarray(train_tags, np.float32), validation_tags
        self.false_alarms = false_alarms

    def examples(self, x, lengths, batch, generator):
        tags = union(self.tags, batch).to(x.device)
        rates = torch.as_tensor(self.false_alarms, dtype=torch.float32, device=x.device)
        drawn = torch.rand(tags.shape, generator=generator, device=x.device)
        tags = torch.maximum(tags, (drawn < rates).float())
        targets = torch.maximum(*batch.placed(self.clips, self.clips.targets, 0.0))
        return (x, tags, lengths), (targets, lengths)

    def validate(self):
        """Macro frame F with the best threshold of each class (reading E-A11)."""
        device = self.clips.mean.device
        scores = localised(self.model, self.validation, self.validation_tags, device)
        return tag_thresholds.macro_f(scores, self.validation.roll)


def tag_scores(model: FBCRNN | PooledCRNN, clips: Frames, device: str = "cpu") -> np.ndarray:
    """Probabilities of the tags of whole clips, (clips, classes), float32."""
    parts = in_batches(
        model, clips, device, lambda x, lengths, _: model.tags(model(x, lengths), lengths)
    )
    scores = np.empty((len(clips), clips.targets.shape[1]), np.float32)
    for chosen, tags in parts:
        scores[chosen] = tags
    return scores


def window_scores(
    model: FBCRNN, clips: Frames, contexts: list[int], device: str = "cpu", cut: str = "hidden"
) -> np.ndarray:
    """Tags of the window around each frame: (contexts, frames of all clips below each other, classes), float32.

    cut : `CUTS`; ValueError for another one
    """
    if cut not in CUTS:
        raise ValueError(f"cut = {cut!r}: one of {', '.join(CUTS)} is needed")
    detect = model.detect if cut == "hidden" else model.detect_from_input
    parts = in_batches(model, clips, device, lambda x, lengths, _: detect(x, contexts, lengths))
    return below_each_other(parts, clips, len(contexts))


def direction_scores(model: FBCRNN, clips: Frames, device: str = "cpu") -> np.ndarray:
    """What each direction says of every frame: (2, frames of all clips, classes), float32, forward first."""

    def directions(x, lengths, _):
        return torch.stack(model(x, lengths)).float().sigmoid()

    return below_each_other(in_batches(model, clips, device, directions), clips, 2)


def frame_scores(model: PooledCRNN, clips: Frames, device: str = "cpu") -> np.ndarray:
    """What a clip's tags are pooled of: (frames of all clips below each other, classes), float32."""

    def of_frames(x, lengths, _):
        return model(x, lengths).scores.float().sigmoid().unsqueeze(0)

    return below_each_other(in_batches(model, clips, device, of_frames), clips, 1)[0]


def localised(model, clips: Frames, tags: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Scores of a tag-conditioned CNN, given tags (clips, classes): (frames of all clips, classes), float32."""
    tags = torch.from_numpy(np.asarray(tags, np.float32))

    def conditioned(x, lengths, chosen):
        return model(x, tags[chosen].to(x.device), lengths).float().sigmoid().unsqueeze(0)

    return below_each_other(in_batches(model, clips, device, conditioned), clips, 1)[0]


@torch.no_grad()
def in_batches(model, clips: Frames, device: str, answer):
    """``answer(x, lengths, chosen)`` of all clips, in batches of about one length: (chosen, numpy array) each."""
    device = pick(device)
    clips = clips.to(device)
    model.to(device).eval()
    order = np.argsort(clips.lengths, kind="stable")
    for first in range(0, len(order), CLIPS_AT_ONCE):
        chosen = order[first : first + CLIPS_AT_ONCE]
        x, lengths = clips.padded(clips.features, chosen)
        with half_precision(device):
            found = answer(clips.normalised(x), lengths, chosen)
        yield chosen, found.cpu().numpy()


def below_each_other(parts, clips: Frames, kinds: int) -> np.ndarray:
    """(kinds, frames of all clips, classes) from batches ``(kinds, batch, frames, classes)``."""
    starts = np.cumsum(clips.lengths) - clips.lengths
    whole = np.empty((kinds, clips.lengths.sum(), clips.targets.shape[1]), np.float32)
    for chosen, found in parts:
        for i, clip in enumerate(chosen):
            length = clips.lengths[clip]
            whole[:, starts[clip] : starts[clip] + length] = found[:, i, :length]
    return whole
