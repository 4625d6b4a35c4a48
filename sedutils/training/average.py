"""An average of the weights over the steps of a training, and batch norms that fit it.

Imports neither librosa nor DVC, so that it runs wherever torch and numpy are.
"""

from collections.abc import Iterable
from contextlib import contextmanager

import torch
from torch import nn

from sedutils.models.network import Network, half_precision


class Average:
    """Exponential average of the weights that a training moves, ``decay`` at most: after step n it keeps
    min(decay, (1 + n) / (10 + n)) of itself; 0 for none.

    It has the small steps of a low learning rate at the end, whenever the end is (Polyak & Juditsky 1992,
    https://doi.org/10.1137/0330046); the growing decay forgets the first weights, which say nothing.
    """

    def __init__(self, weights: list[torch.Tensor], decay: float):
        self.weights, self.decay = weights, decay
        self.mean = [w.detach().clone() for w in weights] if decay else []

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, from 1 on."""
        if self.decay:
            keep = min(self.decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(self.mean, self.weights, 1 - keep)

    @contextmanager
    def in_place(self):
        """The network has the average in place of its weights meanwhile."""
        own = [w.detach().clone() for w in self.weights] if self.decay else []
        put(self.mean, self.weights)
        try:
            yield
        finally:
            put(own, self.weights)


@torch.no_grad()
def put(values: list[torch.Tensor], weights: list[torch.Tensor]) -> None:
    """Copy values into weights, where there are values."""
    for weight, value in zip(weights, values, strict=False):
        weight.copy_(value)


@torch.no_grad()
def renew_statistics(model: Network, batches: Iterable) -> None:
    """Statistics of all batch norms that train, as the mean over some batches, without dropout.

    A running average lags behind the weights, and knows nothing of averaged ones ("precise" batch norm, Wu & Johnson
    2021, https://arxiv.org/abs/2105.07576). No batches, or no norms: nothing changes.
    """
    kinds = nn.BatchNorm1d | nn.BatchNorm2d
    norms = [m for m in model.modules() if isinstance(m, kinds)]
    norms = [m for m in norms if m.weight is None or m.weight.requires_grad]
    momenta = [norm.momentum for norm in norms]
    batches = batches if norms else ()
    model.eval()
    for number, (inputs, _) in enumerate(batches):
        if number == 0:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # every batch counts alike
                norm.train()
        with half_precision(inputs[0].device):
            model(*inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
