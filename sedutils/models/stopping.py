"""When training on whole clips ends: once the loss on validation clips no longer falls."""

import numpy as np
import torch
from torch import nn

from sedutils.features.frames import Frames
from sedutils.models.network import Network

CLIPS_AT_ONCE = 10
SETTLING_CLIPS = 20


class StopsByLoss(Network, abstract=True):
    """A network judged by its own loss, which moves evenly where an error rate over a few clips jumps.

    Kao et al. 2018, Sec. 3.2; "to prevent over-fitting" in the gradual network, Sec. 3.
    """

    @torch.no_grad()
    def validation_score(self, validation, *, train, length):
        """Minus the mean loss over the clips of a split, the statistics of batch norms taken from ``train`` before.

        Clips of ``length`` frames go `CLIPS_AT_ONCE` at a time, in the order of the split. Whatever is drawn is the
        same in every epoch, and takes nothing from the training's generator.
        """
        settle(self, train, length)
        self.eval()
        total, starts = 0.0, validation.starts(length, offset=0)
        device = validation.mean.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(0)
            for first in range(0, len(starts), CLIPS_AT_ONCE):
                x, y = validation.batch(starts[first : first + CLIPS_AT_ONCE], length)
                total += self.loss(self(x), y).item() * len(x)
        return -total / len(starts)


def settle(model: Network, train: Frames, length: int) -> None:
    """Statistics of all norms that train, as the mean over up to `SETTLING_CLIPS` clips, without dropout.

    A running average lags behind the weights. Where an epoch has few steps, as with few clips, it is that
    of another network, whose loss jumps up and down from epoch to epoch ("precise" batch norm, Wu & Johnson
    2021, https://arxiv.org/abs/2105.07576).
    """
    kinds = nn.BatchNorm1d | nn.BatchNorm2d
    norms = [m for m in model.modules() if isinstance(m, kinds) and m.weight.requires_grad]
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # every batch counts alike
        norm.train()
    starts = train.starts(length, offset=0)
    count = min(len(starts), SETTLING_CLIPS)
    starts = starts[np.linspace(0, len(starts) - 1, count).round().astype(int)]
    for first in range(0, count, CLIPS_AT_ONCE):
        x, _ = train.batch(starts[first : first + CLIPS_AT_ONCE], length)
        model(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
