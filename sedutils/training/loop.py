"""Training of the networks: one visible loop, checkpoints that resume exactly.

Imports neither librosa nor DVC, so that it runs wherever torch and numpy are.
"""

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from sedutils.features.frames import Frames
from sedutils.models.network import Network, half_precision, pick
from sedutils.pipeline import files, jobs, places


def fit(
    model: Network,
    batches: "Batches",
    validate: Callable[[], float],
    schedule: "Schedule",
    *,
    seed: int,
    device: torch.device,
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    """Train until the validation score has risen for long enough no more; the best weights come back.

    The network's own loss, and Adam. Same device and seed, same numbers, even when killed and resumed from
    ``checkpoint``, where a finished training is found again.

    validate : scores the network as it is, higher is better; it draws nothing from torch's generator

    Returns
    -------
    one dict an epoch: epoch (from 1), loss (mean over its batches), validation_score, what the batches remark,
    best (whether the weights are those after this epoch)
    """
    model.to(device, memory_format=torch.channels_last)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=schedule.learning_rate, fused=True)
    run = Run(model, optimiser, seed, checkpoint, first=schedule.first_epoch)
    if run.resume():
        validate()  # what batches take from a validation follows from the weights
    progress = jobs.Progress(f"{label}: epoch", total=schedule.max_epochs, done=len(run.history))
    while not run.finished:
        epoch = len(run.history)
        optimiser.param_groups[0]["lr"] = schedule.learning_rate_of(epoch)
        model.train()
        losses = []
        for step, (inputs, targets) in enumerate(batches(epoch)):
            with half_precision(device):
                outputs = model(*inputs)
            loss = model.loss(full_precision(outputs), *targets)
            optimiser.zero_grad()
            loss.backward()
            if schedule.gradient_clip:
                clip_grad_norm_(trained, schedule.gradient_clip)
            optimiser.step()
            model.after_step(step)
            losses.append(loss.detach())  # .item() would wait for the device
        remarks = batches.remarks(epoch)
        run.note(torch.stack(losses).mean().item(), validate(), remarks)
        run.finished = schedule.over(run)
        if run.finished or len(run.history) % schedule.checkpoint_epochs == 0:
            run.save()
        best = f", best {run.best_score:.3f}" if run.best else ""
        progress.update(len(run.history), f"score {run.history[-1]['validation_score']:.3f}{best}")
    model.load_state_dict(run.best)
    return [epoch | {"best": epoch["epoch"] == run.best_epoch} for epoch in run.history]


@dataclass(frozen=True)
class Schedule:
    """How fast a network learns, and for how long; an epoch is what lies between two validations.

    learning_rate : epoch e, from 0 on, has this over 1 + e times ``learning_rate_decay``
    patience : epochs without a higher score before training ends; 0: all ``max_epochs`` are trained, and the last
        weights stay (Phan et al. 2018, Sec. 4.3)
    minimum_epochs : those before are neither the best nor begin the patience: what an untrained network scores
        is an accident
    checkpoint_epochs : from one checkpoint to the next
    gradient_clip : largest norm of the gradient of all weights; 0: any
    """

    learning_rate: float
    max_epochs: int
    patience: float
    minimum_epochs: int = 1
    learning_rate_decay: float = 0.0
    checkpoint_epochs: int = 1
    gradient_clip: float = 0.0

    @classmethod
    def of(cls, *sections: dict) -> "Schedule":
        """Those values of sections of params.yaml that belong to it; the last one that has a value counts."""
        names = {field.name for field in fields(cls)}
        return cls(**{k: v for section in sections for k, v in section.items() if k in names})

    @property
    def first_epoch(self) -> int:
        """The first one that counts."""
        return min(self.minimum_epochs, self.max_epochs) if self.patience else self.max_epochs

    def learning_rate_of(self, epoch: int) -> float:
        return self.learning_rate / (1 + self.learning_rate_decay * epoch)

    def over(self, run: "Run") -> bool:
        """Whether a training ends here; a score of 0 is that of a network that has not found anything yet."""
        found = run.best is not None and run.best_score != 0
        late = found and len(run.history) - run.best_epoch >= self.patience
        return late or len(run.history) >= self.max_epochs


class Batches:
    """What a network learns from: called with an epoch, from 0 on, the batches of that epoch.

    They follow from seed and epoch alone, so that a resumed training goes on as it would have. Each is
    ``(inputs, targets)``, two tuples: `Network.forward` takes the one, `Network.loss` the other behind the outputs.
    """

    def __call__(self, epoch: int) -> Iterator[tuple[tuple, tuple]]:
        raise NotImplementedError

    def remarks(self, epoch: int) -> dict:
        """What the history shall say of an epoch, asked before its validation."""
        return {}


@dataclass(frozen=True)
class Sequences(Batches):
    """All recordings cut into sequences of ``length`` frames, in a new order in every epoch.

    size : frames of a batch, about
    shift : how many frames later than in the epoch before they begin (Cakir et al. 2017, Sec. III-D)
    hop : from one to the next; 0: they do not overlap
    """

    frames: Frames
    length: int
    size: int
    seed: int
    shift: int = 0
    hop: int = 0

    def __call__(self, epoch):
        hop = self.hop or self.length
        starts = self.frames.starts(self.length, offset=self.shift * epoch % hop, hop=hop)
        starts = np.random.default_rng((self.seed, epoch)).permutation(starts)
        batches = len(starts) * self.length // self.size
        for batch in np.array_split(starts, min(max(1, batches), len(starts))):
            x, y = self.frames.batch(batch, self.length)
            yield (x,), (y,)


def fit_sequences(
    model: Network,
    train: Frames,
    validation: Frames,
    *,
    arguments: dict,
    settings: dict,
    seed: int,
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    """`fit` on the sequences of a split.

    arguments : the system's section of params.yaml; settings : section ``training``
    """
    device, length = pick(settings["device"]), arguments["sequence_frames"]
    train, validation = train.to(device), validation.to(device)
    moves = settings["shift_frames"], settings["hop_frames"]
    batches = Sequences(train, length, arguments["batch_frames"], seed, *moves)
    validate = partial(model.validation_score, validation, train=train, length=length)
    schedule, how = Schedule.of(settings, arguments), {"checkpoint": checkpoint, "label": label}
    return fit(model, batches, validate, schedule, seed=seed, device=device, **how)


class Run:
    """The state of one training, which a checkpoint holds whole; ``first``: the first epoch that counts."""

    def __init__(
        self, model: Network, optimiser, seed: int, checkpoint: Path | None, *, first: int
    ):
        self.model, self.optimiser, self.checkpoint = model, optimiser, checkpoint
        self.first = first
        self.history, self.finished = [], False
        self.best, self.best_score, self.best_epoch = None, -math.inf, 0
        torch.manual_seed(seed)

    def note(self, loss: float, score: float, remarks: dict) -> None:
        """Append an epoch, and keep the weights if they are the best so far."""
        epoch = len(self.history) + 1
        self.history.append({"epoch": epoch, "loss": loss, "validation_score": score} | remarks)
        if epoch >= self.first and score > self.best_score:
            self.best_score, self.best_epoch = score, epoch
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        if self.checkpoint is None:
            return
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "best_score": self.best_score,
            "best_epoch": self.best_epoch,
            "history": self.history,
            "finished": self.finished,
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        files.write_bytes(self.checkpoint, buffer.getvalue())

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one; whether there is anything left to train behind it."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best, self.best_score = state["best"], state["best_score"]
        self.best_epoch = state["best_epoch"]
        self.history, self.finished = state["history"], state["finished"]
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] is not None:
            torch.cuda.set_rng_state(state["cuda_rng"])
        return not self.finished


def full_precision(outputs):
    """Outputs of a network in float32, where autocast made them shorter: a tensor, or a named tuple of such."""
    if isinstance(outputs, torch.Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    if isinstance(outputs, tuple):
        return type(outputs)(*map(full_precision, outputs))
    return outputs


def checkpoint_path(**facts) -> Path:
    """A file whose name is made of everything that decides a training's result.

    ``facts`` are JSON values: parameters, seed, digests of code and data.
    """
    text = json.dumps(facts, sort_keys=True)
    return places.cache_of("checkpoints") / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.pt"
