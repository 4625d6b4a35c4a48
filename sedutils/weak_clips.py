"""Clips as `sedutils.weak_training` reads them, and batches of them mixed and varied (Ebbers & Haeb-Umbach 2020,
Sec. 3). Imports neither librosa nor DVC, so that it runs wherever torch and numpy are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils import augmentation
from sedutils.frames import read_statistics


@dataclass
class Clips:
    """Features and targets of clips, any pieces of longer recordings among them; memory maps on a CPU.

    features : (frames, bands), log mel energies of a whole corpus, not normalised
    targets : (frames, classes), 0 or 1; in clips with tags alone these in all frames
    recordings : DataFrame recording, first_frame, frames, one row a clip
    mean, std : (bands,) over the training frames
    """

    features: np.ndarray | torch.Tensor
    targets: np.ndarray | torch.Tensor
    recordings: pd.DataFrame
    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def read(cls, folder: Path, split: str, parts: tuple[str, ...] | None = None) -> "Clips":
        """Open one split of a features folder as `sedutils.features.extract` writes it, or ``parts`` of it, which
        are values of column scene. ValueError where there are no such clips."""
        folder = Path(folder)
        table = pd.read_csv(folder / "recordings.csv", keep_default_na=False)
        table = table[table.split == split]
        if parts is not None:
            table = table[table.scene.isin(parts)]
        if table.empty:
            told = f"no clip of split {split!r}" + (f", parts {', '.join(parts)}" if parts else "")
            raise ValueError(f"{folder / 'recordings.csv'}: {told}")
        statistics = read_statistics(folder, "log_mel", None)
        return cls(
            np.load(folder / "log_mel.npy", "r"),
            np.load(folder / "targets.npy", "r"),
            table.reset_index(drop=True),
            torch.tensor(statistics["mean"]),
            torch.tensor(statistics["std"]),
        )

    def __len__(self) -> int:
        return len(self.recordings)

    @cached_property
    def frames(self) -> np.ndarray:
        """Length of each clip, (clips,)."""
        return self.recordings.frames.to_numpy()

    @cached_property
    def tags(self) -> np.ndarray:
        """Which classes a clip has in any frame, (clips, classes), float32."""
        return np.stack([self.targets_of(row).max(0) for row in self.slices()]).astype(np.float32)

    @cached_property
    def roll(self) -> np.ndarray:
        """Targets of all clips below each other, (frames of all, classes)."""
        return np.concatenate([self.targets_of(row) for row in self.slices()])

    def targets_of(self, rows: slice) -> np.ndarray:
        targets = self.targets[rows]
        return targets.cpu().numpy() if isinstance(targets, torch.Tensor) else np.asarray(targets)

    def slices(self) -> list[slice]:
        """Where in features and targets each clip lies."""
        first = self.recordings.first_frame.to_numpy()
        return [slice(f, f + n) for f, n in zip(first, self.frames, strict=True)]

    def to(self, device: torch.device) -> "Clips":
        """The same clips on a device; memory maps stay as they are on a CPU."""
        if device.type == "cpu" or isinstance(self.features, torch.Tensor):
            return self
        whole = [torch.from_numpy(np.array(a)).to(device) for a in (self.features, self.targets)]
        return Clips(*whole, self.recordings, self.mean.to(device), self.std.to(device))

    def padded(self, array, clips: np.ndarray):
        """Rows of ``array`` (features, or what is laid out so) of some clips, padded: float ``(batch, frames, n)``,
        and their lengths (batch,). What is behind a clip's end is arbitrary; -1 is a clip of no frames."""
        lengths = np.where(clips >= 0, self.frames[clips], 0)
        first = self.recordings.first_frame.to_numpy()[clips]
        frame = np.minimum(np.arange(max(lengths.max(), 1)), np.maximum(lengths, 1)[:, None] - 1)
        rows = first[:, None] + frame
        lengths = torch.from_numpy(lengths).to(self.mean.device)
        if isinstance(array, torch.Tensor):
            return array[torch.from_numpy(rows).to(array.device)].float(), lengths
        return torch.from_numpy(array[rows]).float(), lengths

    def normalised(self, x):
        return (x - self.mean) / self.std


@dataclass(frozen=True)
class Mixtures:
    """A batch of one or two clips each: which (-1: no second one), where they begin, and how long they are.

    clips, offsets : (batch, 2); lengths : (batch,), all in frames
    """

    clips: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray

    def placed(self, clips: Clips, array, fill: float, change=lambda x: x):
        """The first and the second clips of the batch, each ``(batch, frames, n)``, where they are in the mixture."""
        for clip, offset in zip(self.clips.T, self.offsets.T, strict=True):
            x, lengths = clips.padded(array, clip)
            offset = torch.from_numpy(offset).to(x.device)
            yield augmentation.place(change(x), lengths, offset, int(self.lengths.max()), fill)


def mixtures(
    chosen: np.ndarray, frames: np.ndarray, settings: dict, *, hop_s: float, rng
) -> Iterator[Mixtures]:
    """Batches without end: all ``chosen`` clips in a new order again and again, some with a second one over them.

    A batch is full once ``batch_clips`` mixtures have come that need no more than ``padding`` of the longest.
    Mixtures wait in classes of length for that, and those still waiting when nobody asks for more are not used.

    frames : of all clips, (clips,); settings : section ``weak_training``
    """
    varied, waiting = settings["augmentation"], {}
    longest = round(varied["longest_s"] / hop_s)
    while True:
        for first in rng.permutation(chosen):
            row = [(first, -1), (0, 0), frames[first]]
            if rng.random() < varied["mixup_probability"]:
                second = rng.choice(chosen)
                starts = augmentation.shift(rng, frames[first], frames[second], longest)
                ends = starts[0] + frames[first], starts[1] + frames[second]
                row = [(first, second), starts, max(ends)]
            place = math.floor(math.log(row[2]) / -math.log(1 - settings["padding"]))
            waiting.setdefault(place, []).append(row)
            if len(waiting[place]) == settings["batch_clips"]:
                yield Mixtures(
                    *(np.array(column) for column in zip(*waiting.pop(place), strict=True))
                )


def composed(clips: Clips, batch: Mixtures, settings: dict, *, hop_s: float, generator):
    """What the network hears of a batch: ``(batch, frames, bands)``, and lengths (batch,).

    settings : section ``weak_training.augmentation``
    """

    def scaled(x):
        limits = {"spread": settings["scale_spread"], "limit": settings["scale_limit"]}
        return augmentation.scale(x, **limits, generator=generator)

    x = augmentation.superpose(*batch.placed(clips, clips.features, -math.inf, scaled))
    lengths = torch.from_numpy(batch.lengths).to(x.device)
    x = clips.normalised(x).masked_fill(augmentation.valid(x, lengths) == 0, 0)
    return augmentation.augment(x, lengths, settings, hop_s=hop_s, generator=generator), lengths


def union(tags: np.ndarray, batch: Mixtures) -> torch.Tensor:
    """Tags (batch, classes) of mixtures from those of clips (clips, classes)."""
    first, second = batch.clips.T
    return torch.from_numpy(np.maximum(tags[first], tags[second] * (second >= 0)[:, None]))
