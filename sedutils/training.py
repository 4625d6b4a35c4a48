"""Training of the networks: one visible loop, checkpoints that resume exactly.

Imports neither librosa nor DVC, so that it runs wherever torch and numpy are.
"""

import ast
import hashlib
import inspect
import io
import json
import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from sedutils import files, jobs, places
from sedutils.frames import Frames
from sedutils.metrics import tags

CHECKPOINTS = places.cache_of("checkpoints")
# What decides the numbers of a network's training, apart from parameters, data and its own modules
CODE = ("training.py", "frames.py", "metrics/tags.py", "metrics/ratios.py", "triplets.py")


def fit(
    model: torch.nn.Module,
    train: Frames,
    validation: Frames,
    *,
    seed: int,
    sequence_frames: int,
    batch_frames: int,
    learning_rate: float,
    learning_rate_decay: float,
    patience: int,
    minimum_epochs: int,
    max_epochs: int,
    shift_frames: int,
    hop_frames: int,
    checkpoint_epochs: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    """Train until the validation score has not risen for ``patience`` epochs; the best weights come back.

    Epochs before ``minimum_epochs`` are neither the best nor begin the patience: what an untrained
    network scores is an accident. Nor does a network stop that has not found a single event yet.
    Without patience (0) all ``max_epochs`` are trained, and the last weights stay (Phan et al. 2018,
    Sec. 4.3).

    The network's own loss, or binary cross-entropy, and Adam (Cakir et al. 2017, Sec. III-D). The
    sequences of an epoch begin ``shift_frames`` later than those of the epoch before, one every
    ``hop_frames`` (0: no overlap). Epoch e, from 0 on, has the learning rate over 1 + e times
    ``learning_rate_decay``. Same device and seed, same numbers, even when killed and resumed
    from ``checkpoint``.

    Returns
    -------
    one dict an epoch: epoch, loss (mean over the training frames), validation_score (higher is better: the
    network's own; frame F1; for a network that pools over time one minus the mean equal error rate,
    reading A11), best (whether the weights are those after this epoch)
    """
    device = pick(device)
    train, validation = train.to(device), validation.to(device)
    model.to(device, memory_format=torch.channels_last)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=learning_rate, fused=True)
    monitor = monitor_of(model)
    loss_of = getattr(model, "loss", activity_loss)
    hop = hop_frames or sequence_frames
    first = min(minimum_epochs, max_epochs) if patience else max_epochs
    run = Run(model, optimiser, seed, checkpoint, first=first)
    run.resume()
    progress = jobs.Progress(label, total=max_epochs, done=len(run.history))
    while not run.finished:
        epoch = len(run.history)
        optimiser.param_groups[0]["lr"] = learning_rate / (1 + learning_rate_decay * epoch)
        model.train()
        starts = train.starts(sequence_frames, offset=shift_frames * epoch % hop, hop=hop)
        starts = np.random.default_rng((seed, epoch)).permutation(starts)
        losses = []
        batches = len(starts) * sequence_frames // batch_frames
        for batch in np.array_split(starts, min(max(1, batches), len(starts))):
            x, y = train.batch(batch, sequence_frames)
            with half_precision(device):
                logits = model(x).float()
            loss = loss_of(logits, y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
        score = monitor(model, validation, sequence_frames, device)
        run.note(torch.stack(losses).mean().item(), score)
        # a score of 0 is that of a network that has not found anything yet
        late = run.best and run.best_score and len(run.history) - run.best_epoch >= patience
        run.finished = bool(late) or len(run.history) >= max_epochs
        if run.finished or len(run.history) % checkpoint_epochs == 0:
            run.save()
        best = f", best {run.best_score:.3f}" if run.best else ""
        progress.update(len(run.history), f"score {score:.3f}{best}")
    model.load_state_dict(run.best)
    return [epoch | {"best": epoch["epoch"] == run.best_epoch} for epoch in run.history]


class Run:
    """The state of one training, which a checkpoint holds whole; ``first``: the first epoch that counts."""

    def __init__(self, model, optimiser, seed: int, checkpoint: Path | None, *, first: int):
        self.model, self.optimiser, self.checkpoint, self.first = (
            model,
            optimiser,
            checkpoint,
            first,
        )
        self.history, self.finished = [], False
        self.best, self.best_score, self.best_epoch = None, -math.inf, 0
        torch.manual_seed(seed)

    def note(self, loss: float, score: float) -> None:
        """Append an epoch, and keep the weights if they are the best so far."""
        epoch = len(self.history) + 1
        self.history.append({"epoch": epoch, "loss": loss, "validation_score": score})
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

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best, self.best_score = state["best"], state["best_score"]
        self.best_epoch = state["best_epoch"]
        self.history, self.finished = state["history"], state["finished"]
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] is not None:
            torch.cuda.set_rng_state(state["cuda_rng"])


def monitor_of(model):
    """What training maximises on validation data, ``(model, frames, sequence_frames, device) -> float``."""
    if hasattr(model, "validation_score"):
        return type(model).validation_score
    return tagging_score if getattr(model, "time_pooling", False) else frame_f1_score


def pick(device: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def half_precision(device: torch.device):
    """bfloat16 on a GPU; plain float32 on a CPU, where bfloat16 is slower and other numbers."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def activity_loss(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy; both (batch, frames, classes), or all frames of the logits pooled into one."""
    y = y.amax(dim=1, keepdim=True) if logits.shape[1] == 1 else y
    return F.binary_cross_entropy_with_logits(logits, y)


@torch.no_grad()
def frame_f1_score(model, frames: Frames, sequence_frames: int, device) -> float:
    """Micro-averaged frame F1 at threshold 0.5 (Eq. 5-6), summed on the device."""
    model.eval()
    counts = torch.zeros(3, device=device)
    for row in frames.recordings.itertuples():
        x, y = frames.recording(row, sequence_frames)
        with half_precision(device):
            on = model(x).flatten(0, 1)[: len(y)] >= 0  # a logit of 0 is a probability of 0.5
        on = on[:, 0] if on.ndim == 3 else on  # of triplets the activity
        y = y.bool()
        counts += torch.stack([(on & y).sum(), on.sum(), y.sum()])
    hits, output, reference = counts.tolist()
    return 2 * hits / max(output + reference, 1)


def tagging_score(model, frames: Frames, sequence_frames: int, device) -> float:
    """One minus the equal error rate of the tags, averaged over classes."""
    scores = predict(model, frames, sequence_frames, device.type)
    targets = [
        frames.recording(row, row.frames)[1].amax(dim=0) for row in frames.recordings.itertuples()
    ]
    rates = tags.equal_error_rates(torch.stack(targets).cpu().numpy(), scores)
    return 1 - float(np.nanmean(rates))


@torch.no_grad()
def predict(model, frames: Frames, sequence_frames: int, device: str = "auto") -> np.ndarray:
    """Class probabilities of all recordings below each other, float32 ``(frames, classes)``.

    Of triplets ``(frames, 3, classes)``. A network that pools over time gives one row a recording, the
    largest of its sequences.
    """
    device = pick(device)
    model.to(device).eval()
    frames = frames.to(device)
    scores = []
    for row in frames.recordings.itertuples():
        x, y = frames.recording(row, sequence_frames)
        with half_precision(device):
            out = torch.sigmoid(model(x).float())  # (sequences, frames or 1, classes)
        pooled = out.shape[1] == 1 < x.shape[1]
        scores.append((out.amax(0) if pooled else out.flatten(0, 1)[: len(y)]).cpu())
    return torch.cat(scores).numpy()


def checkpoint_path(folder: Path, **facts) -> Path:
    """A file name in ``folder`` made of everything that decides a training's result.

    ``facts`` are JSON values: parameters, seed, digests of code and data.
    """
    text = json.dumps(facts, sort_keys=True)
    return Path(folder) / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.pt"


def code_of(kind: type) -> list[Path]:
    """The files that decide the numbers of a network's training: `CODE`, its module, and models it imports."""
    waiting, found = [Path(inspect.getfile(kind))], set()
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting += imported_models(path) - found
    return sorted(found | {Path(__file__).parent / name for name in CODE})


def imported_models(path: Path) -> set[Path]:
    """The files of `sedutils.models` that a module imports, also inside its functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            parent = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names |= {parent + alias.name for alias in node.names}
    parts = [name.split(".") for name in names if name.startswith("sedutils.models.")]
    files_of = {Path(__file__).parent / "models" / f"{part[2]}.py" for part in parts}
    return {file for file in files_of if file.exists()}
