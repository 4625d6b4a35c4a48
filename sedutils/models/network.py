"""The base class of all networks: what training, scoring and keeping ask of them. No librosa: it runs where only
torch and numpy are."""

from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

from sedutils.features.frames import Frames
from sedutils.pipeline import files

# Values of a network's section in params.yaml that its training takes, not its class
OF_TRAINING = ("sequence_frames", "batch_frames", "learning_rate")
# Frames that go through a network at once where it is only scored, or one recording if that is longer: a GPU wants
# many, more than a CPU's cache holds make it no faster
EVALUATION_FRAMES = {"cpu": 2048, "cuda": 16384}
KINDS: dict[str, type["Network"]] = {}


class Network(nn.Module):
    """A network that `sedutils.training.loop.fit` trains; a subclass overrides what its paper does otherwise.

    Defining a subclass enters it into `KINDS`: its name is the ``kind`` of params.yaml. ``abstract`` ones only
    lend their methods to others. Defaults are those of Cakir et al. 2017: from features ``(batch, frames, bands)``
    to logits ``(batch, frames, classes)``, binary cross-entropy, and frame F1 to choose the epoch.
    """

    by_gradient = True  # False: `begin` learns all there is to learn, and no loop follows

    def __init_subclass__(cls, *, abstract: bool = False, **options):
        super().__init_subclass__(**options)
        if abstract:
            return
        known = KINDS.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:
            raise TypeError(f"{cls.__module__}: {known.__module__} has a {cls.__name__} already")

    @classmethod
    def front_end(cls, arguments: dict) -> str:
        """The arrays of a features folder that it sees, as `Frames.read` takes them.

        arguments : its section of params.yaml
        """
        return "log_mel"

    @classmethod
    def from_params(cls, arguments: dict, *, classes: int, width: int, front_end: dict):
        """The network that its section of params.yaml describes.

        width : columns of its features; front_end : section of ``features``
        """
        own = {k: v for k, v in arguments.items() if k not in ("kind", *OF_TRAINING)}
        return cls(bands=width, classes=classes, **own)

    def begin(self, train: Frames, seed: int) -> dict:
        """Take what it needs of the training data before the first step; returns what its description must keep."""
        return {}

    def targets(self, train: Frames) -> Frames:
        """The training data with the targets that `loss` compares, ``(frames, …)``."""
        return train

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean binary cross-entropy of logits and activities, both ``(batch, frames, classes)``; a scalar.

        Overriding ones may take more than one target: whatever the batches have (`sedutils.training.loop.Batches`).
        """
        return F.binary_cross_entropy_with_logits(outputs, targets)

    def after_step(self, step: int) -> None:
        """What follows an optimiser's step, from 0 on in each epoch."""

    def activity(self, outputs: torch.Tensor) -> torch.Tensor:
        """Of the outputs the logits of activity, ``(batch, frames, classes)``."""
        return outputs

    @torch.no_grad()
    def validation_score(self, validation: Frames, *, length: int) -> float:
        """What chooses the epoch, higher is better: micro-averaged frame F1 at 0.5 (Cakir et al. 2017, Eq. 5-6).

        The split lies on the network's device; length : frames of a sequence. Counts are summed on the device.
        """
        self.eval()
        device = validation.mean.device
        counts = torch.zeros(3, dtype=torch.long, device=device)
        for _, x, y in validation.alike(length, EVALUATION_FRAMES[device.type]):
            with half_precision(device):
                logits = self.activity(self(x))
            # a logit of 0 is a probability of 0.5
            on, y = by_recording(logits, y) >= 0, y.bool()
            counts += torch.stack([(on & y).sum(), on.sum(), y.sum()])
        hits, output, reference = counts.tolist()
        return 2 * hits / max(output + reference, 1)

    @torch.no_grad()
    def predict(self, frames: Frames, length: int, device: str = "auto") -> np.ndarray:
        """Probabilities of all recordings below each other, float32 ``(frames, classes)``, or as outputs are.

        Of one that pools over time one row a recording, the largest of its sequences of ``length`` frames.
        """
        device = pick(device)
        self.to(device).eval()
        frames = frames.to(device)
        scores = [torch.empty(0)] * len(frames)
        for places, x, y in frames.alike(length, EVALUATION_FRAMES[device.type]):
            with half_precision(device):
                out = torch.sigmoid(self(x).float())  # (sequences, frames or 1, classes)
            pooled = out.shape[1] == 1 < x.shape[1]
            each = out.unflatten(0, (len(y), -1)).amax(1) if pooled else by_recording(out, y)
            for place, part in zip(places, each.cpu(), strict=True):
                scores[place] = part
        return torch.cat(scores).numpy()

    def scores_at(self, frames: Frames, points: np.ndarray, device: str = "auto") -> np.ndarray:
        """Scores of points in time, ``(recordings, points, classes)``: those of the frames that they lie in.

        frames : recordings of one length; points : ``(recordings, points)`` from the first frame of each on, in
        frames with fractions; those behind the end get what the last frame has
        """
        length = int(frames.lengths[0])
        rows = self.predict(frames, length, device).reshape(len(frames), length, -1)
        place = np.minimum(points.astype(int), length - 1)
        return rows[np.arange(len(rows))[:, None], place]

    def write(self, folder: Path) -> None:
        """Keep the weights; no pickle."""
        weights = {k: v.detach().cpu().contiguous() for k, v in self.state_dict().items()}
        files.write_bytes(Path(folder) / "model.safetensors", safetensors.torch.save(weights))

    def read(self, folder: Path) -> None:
        """Take weights that `write` kept; ``ValueError`` names a file of others."""
        path = Path(folder) / "model.safetensors"
        try:
            self.load_state_dict(safetensors.torch.load_file(path))
        except (safetensors.SafetensorError, RuntimeError, KeyError) as error:
            said = " ".join(str(error).split())
            raise ValueError(
                f"{path}: not the weights of a {type(self).__name__} ({said})"
            ) from None


def by_recording(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Outputs ``(recordings * sequences, frames, …)`` of recordings of one length in the shape of their targets,
    ``(recordings, frames, …)``: sequences behind each other, without what stands behind the end."""
    rows = outputs.unflatten(0, (len(targets), -1)).flatten(1, 2)
    return rows[:, : targets.shape[1]]


def pick(device: str | torch.device) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def half_precision(device: torch.device):
    """bfloat16 on a GPU; plain float32 on a CPU, where bfloat16 is slower and other numbers."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
