"""When training on whole clips ends: once the loss on validation clips no longer falls."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CLIPS_AT_ONCE = 10
SETTLING_CLIPS = 20


class StopsByLoss(nn.Module):
    """A network judged by its own loss, which moves evenly where an error rate over a few clips jumps.

    Kao et al. 2018, Sec. 3.2; "to prevent over-fitting" in the gradual network, Sec. 3.
    """

    settling = None  # training clips, see `settle_on`

    def settle_on(self, frames) -> None:
        """Take the statistics of batch norms from these clips (`sedutils.frames.Frames`) before each validation.

        A running average lags behind the weights. Where an epoch has few steps, as with few clips, it is that
        of another network, whose loss jumps up and down from epoch to epoch ("precise" batch norm, Wu & Johnson
        2021, https://arxiv.org/abs/2105.07576).
        """
        self.settling = frames

    def loss(self, logits, roll):
        """Binary cross-entropy of every decision; both ``(batch, decisions, classes)``."""
        return F.binary_cross_entropy_with_logits(logits, roll)

    @torch.no_grad()
    def validation_score(self, frames, sequence_frames: int, device) -> float:
        """Minus the mean loss over the clips of a split.

        Clips go `CLIPS_AT_ONCE` at a time, in the order of the split. Whatever is drawn is the same in
        every epoch, and takes nothing from the training's generator.

        frames : `sedutils.frames.Frames`; sequence_frames : of a clip
        """
        if self.settling is not None:
            self.settle(sequence_frames, device)
        self.eval()
        total, starts = 0.0, frames.starts(sequence_frames, offset=0)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(0)
            for first in range(0, len(starts), CLIPS_AT_ONCE):
                x, y = frames.batch(starts[first : first + CLIPS_AT_ONCE], sequence_frames)
                total += self.loss(self(x), y).item() * len(x)
        return -total / len(starts)

    def settle(self, sequence_frames: int, device) -> None:
        """Statistics of all norms that train, as the mean over up to `SETTLING_CLIPS` clips, without dropout."""
        kinds = nn.BatchNorm1d | nn.BatchNorm2d
        norms = [m for m in self.modules() if isinstance(m, kinds) and m.weight.requires_grad]
        self.eval()
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # every batch counts alike
            norm.train()
        starts = self.settling.starts(sequence_frames, offset=0)
        count = min(len(starts), SETTLING_CLIPS)
        starts = starts[np.linspace(0, len(starts) - 1, count).round().astype(int)]
        for first in range(0, count, CLIPS_AT_ONCE):
            x, _ = self.settling.batch(starts[first : first + CLIPS_AT_ONCE], sequence_frames)
            self(x.to(device))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
