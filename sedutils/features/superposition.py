"""Batches of clips mixed and varied (Ebbers & Haeb-Umbach 2020, Sec. 3). Imports neither librosa nor DVC, so that
it runs wherever torch and numpy are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from sedutils.features import augmentation
from sedutils.features.frames import Frames


@dataclass(frozen=True)
class Mixtures:
    """A batch of one or two clips each: which (-1: no second one), where they begin, and how long they are.

    clips, offsets : (batch, 2); lengths : (batch,), all in frames
    """

    clips: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray

    def placed(self, clips: Frames, array, fill: float, change=lambda x: x):
        """The first and the second clips of the batch, each ``(batch, frames, n)``, where they are in the mixture."""
        for clip, offset in zip(self.clips.T, self.offsets.T, strict=True):
            x, lengths = clips.padded(array, clip)
            offset = torch.from_numpy(offset).to(x.device)
            yield augmentation.place(change(x), lengths, offset, int(self.lengths.max()), fill)


def mixtures(
    chosen: np.ndarray, lengths: np.ndarray, settings: dict, *, hop_s: float, rng
) -> Iterator[Mixtures]:
    """Batches without end: all ``chosen`` clips in a new order again and again, some with a second one over them.

    A batch is full once ``batch_clips`` mixtures have come that need no more than ``padding`` of the longest.
    Mixtures wait in classes of length for that, and those still waiting when nobody asks for more are not used.

    lengths : of all clips in frames, (clips,); settings : section ``weak_training``
    """
    varied, waiting = settings["augmentation"], {}
    longest = round(varied["longest_s"] / hop_s)
    while True:
        for first in rng.permutation(chosen):
            row = [(first, -1), (0, 0), lengths[first]]
            if rng.random() < varied["mixup_probability"]:
                second = rng.choice(chosen)
                starts = augmentation.shift(rng, lengths[first], lengths[second], longest)
                ends = starts[0] + lengths[first], starts[1] + lengths[second]
                row = [(first, second), starts, max(ends)]
            # lengths in one place differ by less than 1 / (1 - padding): so little are the shorter clips padded
            place = math.floor(math.log(row[2]) / -math.log(1 - settings["padding"]))
            waiting.setdefault(place, []).append(row)
            if len(waiting[place]) == settings["batch_clips"]:
                yield Mixtures(
                    *(np.array(column) for column in zip(*waiting.pop(place), strict=True))
                )


def composed(clips: Frames, batch: Mixtures, settings: dict, *, hop_s: float, generator):
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
