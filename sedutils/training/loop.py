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
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from sedutils.features.frames import Frames
from sedutils.models.network import Network, half_precision, pick
from sedutils.pipeline import files, jobs, places
from sedutils.training.average import Average, put, renew_statistics


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
    """Train as long as the schedule says; the weights that it keeps come back.

    The network's own loss, and Adam. Same device and seed, same numbers, even when killed and resumed from
    ``checkpoint``, where a finished training is found again.

    validate : scores the network as it is, higher is better; it draws nothing from torch's generator

    Returns
    -------
    one dict an epoch: epoch (from 1), step (how many were done after it), loss (mean over its batches),
    validation_score, what the batches remark, best (whether the weights are those after this epoch)
    """
    model.to(device, memory_format=torch.channels_last)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=schedule.learning_rate, fused=True)
    state = TrainingState(model, optimiser, Average(trained, schedule.average), seed, checkpoint)
    if state.resume():
        with state.average.in_place():
            validate()  # what batches take from a validation follows from the weights
    progress = schedule.progress(label, state)
    while not state.finished:
        epoch = len(state.history)
        optimiser.param_groups[0]["lr"] = schedule.learning_rate_of(epoch)
        model.train()
        losses = []
        for inputs, targets in islice(batches(epoch), schedule.steps_left(state.step)):
            with half_precision(device):
                outputs = model(*inputs)
            loss = model.loss(full_precision(outputs), *targets)
            optimiser.zero_grad()
            loss.backward()
            if schedule.gradient_clip:
                clip_grad_norm_(trained, schedule.gradient_clip)
            optimiser.step()
            model.after_step(len(losses))
            losses.append(loss.detach())  # .item() would wait for the device
            state.average.update(state.step + len(losses))
        remarks = batches.remarks(epoch)
        with state.average.in_place():
            renew_statistics(model, islice(batches(epoch), schedule.statistics_batches))
            loss = torch.stack(losses).mean().item()
            state.note(len(losses), loss, validate(), remarks, schedule=schedule)
        if state.finished or len(state.history) % schedule.checkpoint_epochs == 0:
            state.save()
        best = f", best {state.best_score:.3f}" if state.best else ""
        score = state.history[-1]["validation_score"]
        progress.update(schedule.done(state), f"score {score:.3f}{best}")
    model.load_state_dict(state.best)
    return [epoch | {"best": epoch["epoch"] == state.best_epoch} for epoch in state.history]


@dataclass(frozen=True)
class Schedule:
    """How fast a network learns, and for how long; an epoch is what lies between two validations.

    learning_rate : epoch e, from 0 on, has this over 1 + e times ``learning_rate_decay``
    steps, max_epochs : training ends after so many at the latest; 0: as many as it takes, of one of them
    patience : epochs without a higher score before training ends, and the best weights stay; 0: all steps and
        epochs are trained, and the last weights stay (Phan et al. 2018, Sec. 4.3)
    minimum_epochs : those before are neither the best nor begin the patience: what an untrained network scores
        is an accident
    average : of `Average`, with whose weights is validated, and which stay; 0: those of the last step
    statistics_batches : over so many are the statistics of batch norms taken anew before each validation
        (`renew_statistics`); 0: running averages, as in training
    checkpoint_epochs : from one checkpoint to the next
    gradient_clip : largest norm of the gradient of all weights; 0: any
    """

    learning_rate: float
    patience: float
    steps: int = 0
    max_epochs: int = 0
    minimum_epochs: int = 1
    average: float = 0.0
    statistics_batches: int = 0
    learning_rate_decay: float = 0.0
    checkpoint_epochs: int = 1
    gradient_clip: float = 0.0

    def __post_init__(self):
        if not self.steps and not self.max_epochs:
            raise ValueError("steps and max_epochs are both 0: one of them must end a training")

    @classmethod
    def of(cls, *sections: dict) -> "Schedule":
        """Those values of sections of params.yaml that belong to it; the last one that has a value counts."""
        names = {field.name for field in fields(cls)}
        return cls(**{k: v for section in sections for k, v in section.items() if k in names})

    def progress(self, label: str, state: "TrainingState") -> jobs.Progress:
        """Counts what ends the training: steps, or epochs."""
        label = f"{label}: {'step' if self.steps else 'epoch'}"
        return jobs.Progress(label, total=self.steps or self.max_epochs, done=self.done(state))

    def done(self, state: "TrainingState") -> int:
        """Of the total of `progress`."""
        return state.step if self.steps else len(state.history)

    def learning_rate_of(self, epoch: int) -> float:
        return self.learning_rate / (1 + self.learning_rate_decay * epoch)

    def steps_left(self, done: int) -> int | None:
        """How many an epoch may have that begins after ``done`` steps; None for any."""
        return self.steps - done if self.steps else None

    def over(self, state: "TrainingState") -> bool:
        """Whether a training ends here; a score of 0 is that of a network that has not found anything yet."""
        epochs = len(state.history)
        found = self.patience and state.best is not None and state.best_score != 0
        late = found and epochs - state.best_epoch >= self.patience
        spent = 0 < self.steps <= state.step or 0 < self.max_epochs <= epochs
        return bool(late or spent)


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
    validate = partial(model.validation_score, validation, length=length)
    schedule, how = Schedule.of(settings, arguments), {"checkpoint": checkpoint, "label": label}
    return fit(model, batches, validate, schedule, seed=seed, device=device, **how)


class TrainingState:
    """All of one training that a checkpoint holds."""

    def __init__(
        self, model: Network, optimiser, average: Average, seed: int, checkpoint: Path | None
    ):
        self.model, self.optimiser, self.average = model, optimiser, average
        self.checkpoint = checkpoint
        self.history, self.finished = [], False
        self.best, self.best_score, self.best_epoch = None, -math.inf, 0
        torch.manual_seed(seed)

    @property
    def step(self) -> int:
        """How many were done."""
        return self.history[-1]["step"] if self.history else 0

    def note(
        self, steps: int, loss: float, score: float, remarks: dict, *, schedule: Schedule
    ) -> None:
        """Append an epoch, and keep the weights as they are if they are the best so far, or the last."""
        epoch = len(self.history) + 1
        found = {"loss": loss, "validation_score": score}
        self.history.append({"epoch": epoch, "step": self.step + steps} | found | remarks)
        if schedule.patience and epoch >= schedule.minimum_epochs and score > self.best_score:
            self.keep()
        self.finished = schedule.over(self)
        if self.finished and self.best is None:
            self.keep()

    def keep(self) -> None:
        """Take the weights as they are for the best."""
        self.best_epoch = len(self.history)
        self.best_score = self.history[-1]["validation_score"]
        self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        if self.checkpoint is None:
            return
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.mean,
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
        put(state["average"], self.average.mean)
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
