"""Features and targets of one split of a corpus, as training reads them: memory maps, or on a GPU.

Imports neither librosa nor DVC, so that it runs wherever torch and numpy are.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F


@dataclass
class Frames:
    """Features and targets of the recordings of one split, or of any pieces of them.

    On a CPU both stay memory maps and batches are read from them; on a GPU (`to`) the split
    lies on the device whole, so that no step waits for the host.

    features : (frames, dimensions) of all recordings of the corpus, not normalised; or `Columns`
    targets : (frames, classes), 0 or 1, of recordings with tags alone these in all frames; or triplets
        (`sedutils.features.triplets`)
    recordings : DataFrame recording, first_frame, frames of this split
    mean, std : (dimensions,) over the training frames
    """

    features: "np.ndarray | torch.Tensor | Columns"
    targets: np.ndarray | torch.Tensor
    recordings: pd.DataFrame
    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def read(
        cls,
        folder: Path,
        split: str,
        front_end: str = "log_mel",
        fold: int | None = None,
        share: float = 1.0,
        only: list[str] | None = None,
        scenes: tuple[str, ...] | None = None,
    ) -> "Frames":
        """Open one split (of one fold) of a features folder as `sedutils.features.spectra.extract` writes it.

        ``front_end`` names one array of the folder, or several with a plus between them, which then
        stand beside each other. ``only`` the recordings named, and only those of some ``scenes``, in the
        table's order; of them ``share``, at least one, evenly spread over the table, which goes scene by
        scene. Normalisation stays that of the whole. ValueError where none is left.
        """
        folder = Path(folder)
        statistics = read_statistics(folder, front_end, fold)
        arrays = [np.load(folder / f"{name}.npy", "r") for name in front_end.split("+")]
        recordings = pd.read_csv(folder / "recordings.csv", keep_default_na=False)
        if fold is None:
            recordings = recordings[recordings.split == split]
        else:
            rows = pd.read_csv(folder / "folds.csv").query("fold == @fold and split == @split")
            recordings = recordings[recordings.recording.isin(rows.recording)]
        if only is not None:
            recordings = recordings[recordings.recording.isin(only)]
        if scenes is not None:
            recordings = recordings[recordings.scene.isin(scenes)]
        if recordings.empty:
            where = "" if fold is None else f" in fold {fold}"
            where += f" of scene {' or '.join(scenes)}" if scenes else ""
            raise ValueError(f"{folder / 'recordings.csv'}: no recording of split {split!r}{where}")
        last = len(recordings) - 1
        chosen = np.linspace(0, last, math.ceil(share * len(recordings))).round().astype(int)
        return cls(
            arrays[0] if len(arrays) == 1 else Columns(arrays),
            np.load(folder / "targets.npy", "r"),
            recordings.iloc[chosen].reset_index(drop=True),
            torch.tensor(statistics["mean"]),
            torch.tensor(statistics["std"]),
        )

    def __len__(self) -> int:
        return len(self.recordings)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Frames of each recording, (recordings,)."""
        return self.recordings.frames.to_numpy()

    @cached_property
    def tags(self) -> np.ndarray:
        """Which classes a recording has in any frame, (recordings, classes), float32."""
        return np.stack([self.targets_of(row).max(0) for row in self.slices()]).astype(np.float32)

    @cached_property
    def roll(self) -> np.ndarray:
        """Targets of all recordings below each other, (frames of all, classes)."""
        return np.concatenate([self.targets_of(row) for row in self.slices()])

    def targets_of(self, rows: slice) -> np.ndarray:
        targets = self.targets[rows]
        return targets.cpu().numpy() if isinstance(targets, torch.Tensor) else np.asarray(targets)

    def slices(self) -> list[slice]:
        """Where in features and targets each recording lies."""
        first = self.recordings.first_frame.to_numpy()
        return [slice(f, f + n) for f, n in zip(first, self.lengths, strict=True)]

    def to(self, device: torch.device) -> "Frames":
        """The same split on a device, of the corpus its own rows alone; memory maps stay as they are on a CPU."""
        if device.type in ("cpu", self.mean.device.type):
            return self
        own = self.gathered()
        parts = [torch.from_numpy(a).to(device) for a in (own.features, own.targets)]
        return Frames(*parts, own.recordings, self.mean.to(device), self.std.to(device))

    def gathered(self) -> "Frames":
        """The same split with arrays in memory that hold its recordings below each other, and nothing else."""
        parts = [
            np.concatenate([np.asarray(a[s]) for s in self.slices()])
            for a in (self.features, self.targets)
        ]
        first = self.lengths.cumsum() - self.lengths
        return replace(
            self,
            features=parts[0],
            targets=parts[1],
            recordings=self.recordings.assign(first_frame=first),
        )

    def starts(self, length: int, offset: int, hop: int | None = None) -> np.ndarray:
        """First frames of the whole sequences of each recording from ``offset`` on.

        One every ``hop`` frames, by default where the last one ends. In a recording shorter than two
        sequences the offset goes round earlier, so that one always fits. ValueError where no recording
        holds a sequence.
        """
        hop = hop or length
        first = self.recordings.first_frame.to_numpy()
        room = self.recordings.frames.to_numpy() - length + 1  # how many places a first one has
        if not (room > 0).any():
            longest = self.recordings.frames.max()
            raise ValueError(
                f"sequence_frames = {length}: the longest recording has {longest} frames"
            )
        # an offset past the last place of a short recording begins anew, so that none is left out of an epoch
        return np.concatenate(
            [
                np.arange(start + offset % min(hop, places), start + places, hop)
                for start, places in zip(first, room, strict=True)
                if places > 0
            ]
        )

    def batch(self, starts: np.ndarray, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised features (batch, length, dimensions) and targets (batch, length, classes)."""
        rows = starts[:, None] + np.arange(length)
        if isinstance(self.features, torch.Tensor):
            rows = torch.from_numpy(rows).to(self.features.device, non_blocking=True)
            x, y = self.features[rows], self.targets[rows]
        else:
            x, y = torch.from_numpy(self.features[rows]), torch.from_numpy(self.targets[rows])
        return self.normalised(x), y.float()

    def normalised(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std

    def padded(self, array, places: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of ``array`` (features, or what is laid out so) of some recordings: float ``(batch, frames, n)``, and
        their lengths (batch,). What is behind the end of one is arbitrary; place -1 is a recording of no frames."""
        lengths = np.where(places >= 0, self.lengths[places], 0)
        first = self.recordings.first_frame.to_numpy()[places]
        frame = np.minimum(np.arange(max(lengths.max(), 1)), np.maximum(lengths, 1)[:, None] - 1)
        rows = first[:, None] + frame
        lengths = torch.from_numpy(lengths).to(self.mean.device)
        if isinstance(array, torch.Tensor):
            return array[torch.from_numpy(rows).to(array.device)].float(), lengths
        return torch.from_numpy(array[rows]).float(), lengths

    def alike(self, length: int, most: int) -> Iterator[tuple]:
        """All recordings, those of one length together: their places in the table, sequences
        ``(recordings * sequences, length, dimensions)`` with zeros behind the end of each recording, and targets
        ``(recordings, frames, classes)``.

        most : frames at once, but at the least one recording
        """
        first = self.recordings.first_frame.to_numpy()
        for frames in np.unique(self.lengths):
            places = np.flatnonzero(self.lengths == frames)
            whole = frames + -frames % length
            for part in np.array_split(places, math.ceil(len(places) * whole / max(most, whole))):
                x, y = self.batch(first[part], frames)
                x = F.pad(x, (0, 0, 0, whole - frames))
                yield part, x.unflatten(1, (-1, length)).flatten(0, 1), y

    def recording(self, row, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One recording as sequences (sequences, length, dimensions), zeros behind its end, and its targets."""
        part = slice(row.first_frame, row.first_frame + row.frames)
        x, y = self.features[part], self.targets[part]
        if not isinstance(x, torch.Tensor):
            x, y = torch.from_numpy(np.array(x)), torch.from_numpy(np.array(y))
        x = F.pad(self.normalised(x), (0, 0, 0, -len(x) % length))
        return x.unflatten(0, (-1, length)), y


@dataclass
class Columns:
    """Arrays (frames, …) beside each other, joined only for the rows that are read."""

    arrays: list[np.ndarray]

    def __getitem__(self, rows) -> np.ndarray:
        return np.concatenate([array[rows] for array in self.arrays], axis=-1)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def fold_key(fold: int | None) -> str:
    """The name of a fold in statistics.json; a corpus with one fixed split has one entry."""
    return "fixed" if fold is None else f"fold {fold}"


def read_statistics(folder: Path, front_end: str, fold: int | None) -> dict:
    """What is taken from each dimension, ``mean``, and what divides it, ``std``: lists of numbers.

    Over the training frames (of a fold); of several arrays one list behind the other (`Frames.read`).
    """
    path = Path(folder) / "statistics.json"
    kept = json.loads(path.read_text())
    if fold_key(fold) not in kept:
        raise ValueError(f"{path}: no {fold_key(fold)!r}, it has {', '.join(kept)}")
    parts = [kept[fold_key(fold)][name] for name in front_end.split("+")]
    return {key: [value for part in parts for value in part[key]] for key in ("mean", "std")}
