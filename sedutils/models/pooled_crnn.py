"""What Ebbers & Haeb-Umbach 2020 say that the FBCRNN is an alternative to (claim E07): tags that are pooled from the
scores of frames."""

from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from sedutils.models.blocks import GRULayer, initialise
from sedutils.models.ebbers2020 import Front, Scores
from sedutils.models.network import Network
from sedutils.models.padding import mask, turned, valid_rows

EPSILON = 1e-6  # a tag's probability is at least this far from 0 and 1 in a loss


class Pooled(NamedTuple):
    """Logits of frames, and of attention the logits of their weights: ``(batch, frames, classes)`` each."""

    scores: torch.Tensor
    weights: torch.Tensor | None


class PooledCRNN(Network):
    """The FBCRNN's CNN and as many GRUs, of which both directions reach every frame's score; a clip's tag is a
    weighted mean of these scores over its frames.

    pooling : attention: weights are learnt beside the scores, a softmax over the frames of a clip for each class;
        linear: they are the scores themselves (linear softmax, Wang et al. 2019, https://arxiv.org/abs/1810.09050)
    dense_batch_norm : as in `FBCRNN`

    `forward` gives `Pooled`.
    """

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        widths: list[int],
        units: int,
        pooling: Literal["attention", "linear"],
        dense_batch_norm: bool = False,
    ):
        super().__init__()
        self.attends = pooling == "attention"
        self.cnn = Front(bands=bands, widths=widths, units=units)
        self.recurrent = nn.ModuleList(
            nn.ModuleList(GRULayer(n, units, dropout=0.0) for _ in range(2))
            for n in (units, 2 * units)
        )
        outputs = classes * (2 if self.attends else 1)
        self.scores = Scores(2 * units, units, outputs, batch_norm=dense_batch_norm)
        self.apply(initialise)

    @property
    def receptive_frames(self) -> int:
        """One-sided reach of the CNN in frames, as that of the FBCRNN's."""
        return self.cnn.receptive_frames

    def forward(self, x, lengths=None):
        h = self.cnn(x, lengths)
        for ahead, back in self.recurrent:
            h = torch.cat((ahead(h), turned(back(turned(h, lengths)), lengths)), dim=-1)
        found = self.scores(h, valid_rows(lengths, x.shape[1]))
        return Pooled(*found.chunk(2, dim=-1)) if self.attends else Pooled(found, None)

    def tags(self, outputs, lengths=None):
        """Probabilities ``(batch, classes)`` of clips."""
        scores = torch.sigmoid(outputs.scores.float())
        weights = scores if outputs.weights is None else outputs.weights.float()
        if lengths is not None:
            inside = mask(lengths, scores.shape[1]).to(scores.device)
            empty = -torch.inf if self.attends else 0
            weights = weights.masked_fill(inside == 0, empty)
            scores = scores * inside  # what is behind the end may be anything but NaN
        weights = torch.softmax(weights, dim=1) if self.attends else weights
        return (weights * scores).sum(1) / weights.sum(1).clamp(min=EPSILON)

    def loss(self, outputs, targets, lengths=None):
        """Binary cross-entropy of the clips' tags ``(batch, classes)``, summed over classes, mean over clips."""
        tags = self.tags(outputs, lengths).clamp(EPSILON, 1 - EPSILON)
        return F.binary_cross_entropy(tags, targets, reduction="none").sum(-1).mean()
