"""Training on clips of which some have tags, some times, most nothing (Ebbers & Haeb-Umbach 2020, Sec. 1 to 3).

`fit_tagger` learns an FBCRNN from clip tags, `fit_localiser` a tag-conditioned CNN from strong labels; both in
steps, with one loop (`optimise`). Every draw comes from the seed and the number of a step, so a killed training
resumes exactly. Imports neither librosa nor DVC, so that it runs wherever torch and numpy are.
"""

from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.utils import clip_grad_norm_

from sedutils import files, jobs, training
from sedutils.decoding import tag_thresholds
from sedutils.models.ebbers2020 import FBCRNN
from sedutils.weak_clips import Clips, Mixtures, composed, mixtures, union

CLIPS_AT_ONCE = 8  # of those that are only listened to
CUTS = ("hidden", "input")  # where a window is cut from: the CNN's output, or its input
# What decides the numbers of these trainings, apart from parameters, data and what `training.code_of` names
CODE = ("weak_training.py", "weak_clips.py", "augmentation.py", "decoding/tag_thresholds.py")


def fit_tagger(
    model: FBCRNN,
    train: Clips,
    validation: Clips,
    *,
    unlabelled: Clips | None,
    settings: dict,
    hop_s: float,
    seed: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    """Learn which classes clips have, from their tags and from unlabelled clips; the best weights come back.

    Selected by macro tag F on validation clips (reading E-A11). ``settings``: section ``weak_training``; the rest
    and what is returned as `optimise`. ValueError for unlabelled clips of other features than ``train``.
    """
    device = training.pick(device)
    task = Tagging(model, train.to(device), validation.to(device), unlabelled, settings)
    given = {"settings": settings, "hop_s": hop_s, "seed": seed}
    return optimise(model, task, **given, device=device, checkpoint=checkpoint, label=label)


def fit_localiser(
    model: torch.nn.Module,
    train: Clips,
    validation: Clips,
    *,
    train_tags: np.ndarray,
    validation_tags: np.ndarray,
    false_alarms: np.ndarray,
    settings: dict,
    hop_s: float,
    seed: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    """Learn from strong labels (``train.targets``) where the classes of known tags are; the best weights come back.

    train_tags, validation_tags : (clips, classes), 0 or 1, what the network is told
    false_alarms : (classes,), how often a class that is not there is said to be (reading E-A09)

    Selected by macro frame F on validation clips (reading E-A11). ``settings``: section ``weak_training``; the rest
    and what is returned as `optimise`.
    """
    device = training.pick(device)
    clips = train.to(device), validation.to(device)
    task = Localising(model, *clips, train_tags, validation_tags, false_alarms)
    given = {"settings": settings, "hop_s": hop_s, "seed": seed}
    return optimise(model, task, **given, device=device, checkpoint=checkpoint, label=label)


def optimise(
    model, task, *, settings: dict, hop_s: float, seed: int, device, checkpoint: Path | None, label
) -> list[dict]:
    """The training loop of both: Adam, ``settings["steps"]`` steps, a validation every ``validation_steps``.

    Same device and seed, same numbers, even when killed and resumed from ``checkpoint``; a finished training is
    found there again.

    Returns
    -------
    one dict a validation: epoch (its number, from 1), loss (mean over the steps since the last one),
    validation_score (higher is better), step, included (unlabelled clips among those of these steps), best (whether
    the weights are those after it)
    """
    model.to(device, memory_format=torch.channels_last)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=settings["learning_rate"], fused=True)
    run = training.Run(model, optimiser, seed, checkpoint, first=1)
    run.resume()
    done = run.history[-1]["step"] if run.history else 0
    progress = jobs.Progress(label, total=settings["steps"], done=done)
    if run.history and not run.finished:
        task.validate()  # which unlabelled clips are in follows from the weights
    while not run.finished:
        count = min(settings["validation_steps"], settings["steps"] - done)
        rng = np.random.default_rng((seed, done))
        batches = mixtures(task.chosen, task.clips.frames, settings, hop_s=hop_s, rng=rng)
        model.train()
        losses = []
        for step, batch in enumerate(islice(batches, count), start=done):
            generator = generator_of(seed, step, device)
            varied = settings["augmentation"]
            x, lengths = composed(task.clips, batch, varied, hop_s=hop_s, generator=generator)
            loss = task.loss(x, lengths, batch, generator)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(trained, settings["gradient_clip"])
            optimiser.step()
            losses.append(loss.detach())
        done, included = done + count, int(np.sum(task.sure))
        run.note(torch.stack(losses).mean().item(), task.validate())
        run.history[-1] |= {"step": done, "included": included}
        run.finished = done >= settings["steps"]
        run.save()
        progress.update(done, f"score {run.history[-1]['validation_score']:.3f}")
    model.load_state_dict(run.best)
    return [epoch | {"best": epoch["epoch"] == run.best_epoch} for epoch in run.history]


def generator_of(seed: int, step: int, device) -> torch.Generator:
    """The random numbers of one step."""
    (state,) = np.random.SeedSequence((seed, step)).generate_state(1)
    return torch.Generator(device).manual_seed(int(state))


@dataclass
class Tagging:
    """What an FBCRNN learns: tags of clips, and of the unlabelled clips that it is sure of (readings E-A06, E-A07).

    After each validation thresholds are chosen anew, and with them the unlabelled clips and their tags.
    """

    model: torch.nn.Module
    train: Clips
    validation: Clips
    unlabelled: Clips | None
    settings: dict
    sure: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # of unlabelled clips
    clips: Clips = field(init=False)  # the training clips, then the unlabelled ones
    tags: np.ndarray = field(init=False)

    def __post_init__(self):
        self.clips, self.tags = self.train, self.train.tags
        if self.unlabelled is not None:
            if self.unlabelled.features.shape != self.train.features.shape:
                raise ValueError("unlabelled: its clips must be of the same features as train")
            table = pd.concat([self.train.recordings, self.unlabelled.recordings])
            self.clips = replace(self.train, recordings=table.reset_index(drop=True))
            self.unlabelled = replace(self.train, recordings=self.unlabelled.recordings)

    @property
    def chosen(self) -> np.ndarray:
        """The clips to learn from."""
        return np.r_[np.arange(len(self.train)), len(self.train) + np.flatnonzero(self.sure)]

    def loss(self, x, lengths, batch: Mixtures, generator):
        with training.half_precision(x.device):
            outputs = self.model(x, lengths)
        tags = union(self.tags, batch).to(x.device)
        return self.model.loss([y.float() for y in outputs], tags, lengths)

    def validate(self) -> float:
        """Macro tag F with the best threshold of each class (reading E-A11); takes in unlabelled clips."""
        device = self.train.mean.device.type
        scores = tag_scores(self.model, self.validation, device)
        truth = self.validation.tags
        if self.unlabelled is not None:
            found = tag_scores(self.model, self.unlabelled, device)
            detected = tag_thresholds.detection(scores, truth, self.settings["precision"])
            excluded = tag_thresholds.exclusion(scores, truth, self.settings["npv"])
            self.sure = tag_thresholds.included(found, detected, excluded)
            guessed = (found >= detected).astype(np.float32)
            self.tags = np.concatenate([self.train.tags, guessed])
        return tag_thresholds.macro_f(scores, truth)


@dataclass
class Localising:
    """What a tag-conditioned CNN learns: the targets of its clips, given their tags and some false ones.

    false_alarms : (classes,), how often a class that is not there is said to be (reading E-A09)
    """

    model: torch.nn.Module
    clips: Clips
    validation: Clips
    tags: np.ndarray
    validation_tags: np.ndarray
    false_alarms: np.ndarray
    sure = ()

    @property
    def chosen(self) -> np.ndarray:
        return np.arange(len(self.clips))

    def loss(self, x, lengths, batch: Mixtures, generator):
        tags = union(np.asarray(self.tags, np.float32), batch).to(x.device)
        rates = torch.as_tensor(self.false_alarms, dtype=torch.float32, device=x.device)
        drawn = torch.rand(tags.shape, generator=generator, device=x.device)
        tags = torch.maximum(tags, (drawn < rates).float())
        targets = torch.maximum(*batch.placed(self.clips, self.clips.targets, 0.0))
        with training.half_precision(x.device):
            logits = self.model(x, tags, lengths)
        return self.model.loss(logits.float(), targets, lengths)

    def validate(self) -> float:
        """Macro frame F with the best threshold of each class (reading E-A11)."""
        device = self.clips.mean.device.type
        scores = localised(self.model, self.validation, self.validation_tags, device)
        return tag_thresholds.macro_f(scores, self.validation.roll)


def tag_scores(model: FBCRNN, clips: Clips, device: str = "cpu") -> np.ndarray:
    """Probabilities of the tags of whole clips, (clips, classes), float32."""
    parts = heard(
        model, clips, device, lambda x, lengths, _: model.tags(model(x, lengths), lengths)
    )
    scores = np.empty((len(clips), clips.targets.shape[1]), np.float32)
    for chosen, tags in parts:
        scores[chosen] = tags
    return scores


def window_scores(
    model: FBCRNN, clips: Clips, contexts: list[int], device: str = "cpu", cut: str = "hidden"
) -> np.ndarray:
    """Tags of the window around each frame: (contexts, frames of all clips below each other, classes), float32.

    cut : `CUTS`; ValueError for another one
    """
    if cut not in CUTS:
        raise ValueError(f"cut = {cut!r}: one of {', '.join(CUTS)} is needed")
    detect = model.detect if cut == "hidden" else model.detect_from_input
    parts = heard(model, clips, device, lambda x, lengths, _: detect(x, contexts, lengths))
    return below_each_other(parts, clips, len(contexts))


def direction_scores(model: FBCRNN, clips: Clips, device: str = "cpu") -> np.ndarray:
    """What each direction says of every frame: (2, frames of all clips, classes), float32, forward first."""

    def directions(x, lengths, _):
        return torch.stack(model(x, lengths)).float().sigmoid()

    return below_each_other(heard(model, clips, device, directions), clips, 2)


def localised(model, clips: Clips, tags: np.ndarray, device: str = "cpu") -> np.ndarray:
    """What a tag-conditioned CNN says, told the tags (clips, classes): (frames of all clips, classes), float32."""
    tags = torch.from_numpy(np.asarray(tags, np.float32))

    def conditioned(x, lengths, chosen):
        return model(x, tags[chosen].to(x.device), lengths).float().sigmoid().unsqueeze(0)

    return below_each_other(heard(model, clips, device, conditioned), clips, 1)[0]


@torch.no_grad()
def heard(model, clips: Clips, device: str, answer):
    """``answer(x, lengths, chosen)`` of all clips, in batches of about one length: (chosen, numpy array) each."""
    device = training.pick(device)
    clips = clips.to(device)
    model.to(device).eval()
    order = np.argsort(clips.frames, kind="stable")
    for first in range(0, len(order), CLIPS_AT_ONCE):
        chosen = order[first : first + CLIPS_AT_ONCE]
        x, lengths = clips.padded(clips.features, chosen)
        with training.half_precision(device):
            found = answer(clips.normalised(x), lengths, chosen)
        yield chosen, found.cpu().numpy()


def below_each_other(parts, clips: Clips, kinds: int) -> np.ndarray:
    """(kinds, frames of all clips, classes) from batches ``(kinds, batch, frames, classes)``."""
    starts = np.cumsum(clips.frames) - clips.frames
    whole = np.empty((kinds, clips.frames.sum(), clips.targets.shape[1]), np.float32)
    for chosen, found in parts:
        for i, clip in enumerate(chosen):
            length = clips.frames[clip]
            whole[:, starts[clip] : starts[clip] + length] = found[:, i, :length]
    return whole


def code_digests(kind: type) -> list[str]:
    """Digests of the files that decide a training's numbers; ``kind``: the network's class."""
    own = {Path(__file__).parent / name for name in CODE}
    return [files.digest(path) for path in sorted({*training.code_of(kind), *own})]
