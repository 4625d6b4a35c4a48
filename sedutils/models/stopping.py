"""When training on whole clips ends: once the loss on validation clips no longer falls."""

import torch

from sedutils.models.network import Network

CLIPS_AT_ONCE = 10


class StopsByLoss(Network, abstract=True):
    """A network judged by its own loss, which moves evenly where an error rate over a few clips jumps.

    Kao et al. 2018, Sec. 3.2; "to prevent over-fitting" in the gradual network, Sec. 3.
    """

    @torch.no_grad()
    def validation_score(self, validation, *, length):
        """Minus the mean loss over the clips of a split.

        Clips of ``length`` frames go `CLIPS_AT_ONCE` at a time, in the order of the split. Whatever is drawn is the
        same in every epoch, and takes nothing from the training's generator.
        """
        self.eval()
        total, starts = 0.0, validation.starts(length, offset=0)
        device = validation.mean.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(0)
            for first in range(0, len(starts), CLIPS_AT_ONCE):
                x, y = validation.batch(starts[first : first + CLIPS_AT_ONCE], length)
                total += self.loss(self(x), y).item() * len(x)
        return -total / len(starts)
