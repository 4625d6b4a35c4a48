"""FNN, CNN, RNN and CRNN of Cakir et al. 2017, "Convolutional Recurrent Neural Networks for Polyphonic
Sound Event Detection", Sec. II-B and Table I.

Every network maps normalised log mel energies ``(batch, frames, bands)`` to logits
``(batch, frames, classes)``; the sigmoid of the output layer is applied with the loss or by the caller.
With ``time_pooling`` the last hidden layer is pooled over all frames first (Sec. II-B, for the chunk tags
of CHiME-Home, reading A21), and logits are ``(batch, 1, classes)``.
"""

import math
from itertools import pairwise
from typing import Literal

import numpy as np
from torch import nn
from torch.nn import functional as F

from sedutils.metrics.tags import equal_error_rates
from sedutils.models.blocks import (
    Dense,
    GRULayer,
    LSTMLayer,
    Maxout,
    convolutions,
    initialise,
    stacked,
)
from sedutils.models.network import Network

RECURRENT = {"gru": GRULayer, "lstm": LSTMLayer}


class FrameOrChunk(Network, abstract=True):
    """Labels of every frame or, with ``time_pooling``, of the whole chunk."""

    def __init__(self, *, time_pooling: bool):
        super().__init__()
        self.time_pooling = time_pooling

    def over_time(self, h):
        """The last hidden layer (batch, frames, units), or its maximum over time (batch, 1, units)."""
        return h.amax(dim=1, keepdim=True) if self.time_pooling else h

    def loss(self, outputs, targets):
        """Mean binary cross-entropy; of a chunk's tags, which are there where any frame has them."""
        return super().loss(
            outputs, targets.amax(dim=1, keepdim=True) if self.time_pooling else targets
        )

    def validation_score(self, validation, *, length):
        """Frame F1; of a chunk's tags one minus the equal error rate, mean over classes (reading A11)."""
        if not self.time_pooling:
            return super().validation_score(validation, length=length)
        scores = self.predict(validation, length, validation.mean.device)
        rates = equal_error_rates(validation.tags, scores)
        return 1 - float(np.nanmean(rates))


class FNN(FrameOrChunk):
    """Feedforward baseline with maxout units over five frames of context (Sec. III-C; Cakir et al. 2015).

    ``units`` counts linear units, as the paper's 1.6 million parameters require (reading A24); the
    target is the middle frame of the context (A25).
    """

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        context: int,
        units: int,
        layers: int,
        pieces: int,
        dropout: float,
        time_pooling: bool = False,
    ):
        super().__init__(time_pooling=time_pooling)
        self.context = context
        widths = [context * bands] + [units // pieces] * layers
        self.hidden = nn.Sequential(
            *(Maxout(n, units, pieces=pieces, dropout=dropout) for n in widths[:-1])
        )
        self.output = nn.Linear(widths[-1], classes)
        self.apply(initialise)

    def forward(self, x):
        side = self.context // 2
        x = F.pad(
            x.transpose(1, 2), (side, side), mode="replicate"
        )  # (batch, bands, frames + 2 side)
        x = x.unfold(2, self.context, 1)  # (batch, bands, frames, context)
        x = x.permute(0, 2, 3, 1).flatten(2)  # (batch, frames, context * bands)
        return self.output(self.over_time(self.hidden(x)))


class CRNN(FrameOrChunk):
    """Convolutions, then GRUs, then the sigmoid layer (Fig. 2, Sec. II-B)."""

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        maps: int,
        pool: list[int],
        rnn_layers: int,
        filter_shape: tuple[int, int],
        dropout: float,
        batch_norm: bool = True,
        cell: Literal["gru", "lstm"] = "gru",
        time_pooling: bool = False,
    ):
        super().__init__(time_pooling=time_pooling)
        self.convolutions = convolutions(maps, pool, filter_shape, dropout, batch_norm)
        widths = [maps * (bands // math.prod(pool))] + [maps] * rnn_layers
        self.recurrent = nn.Sequential(
            *(RECURRENT[cell](i, o, dropout=dropout) for i, o in pairwise(widths))
        )
        self.output = nn.Linear(widths[-1], classes)
        self.apply(initialise)

    def forward(self, x):
        h = stacked(self.convolutions(x.unsqueeze(1)))  # (batch, frames, maps * bands left)
        return self.output(self.over_time(self.recurrent(h)))


class CNN(FrameOrChunk):
    """The CRNN with feedforward layers in place of the recurrent ones (Sec. III-D)."""

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        maps: int,
        pool: list[int],
        fnn_layers: int,
        filter_shape: tuple[int, int],
        dropout: float,
        batch_norm: bool = True,
        dense_batch_norm: bool = False,
        time_pooling: bool = False,
    ):
        super().__init__(time_pooling=time_pooling)
        self.convolutions = convolutions(maps, pool, filter_shape, dropout, batch_norm)
        widths = [maps * (bands // math.prod(pool))] + [maps] * fnn_layers
        self.hidden = nn.Sequential(
            *(
                Dense(i, o, dropout=dropout, batch_norm=dense_batch_norm)
                for i, o in pairwise(widths)
            )
        )
        self.output = nn.Linear(widths[-1], classes)
        self.apply(initialise)

    def forward(self, x):
        h = self.hidden(stacked(self.convolutions(x.unsqueeze(1))))
        return self.output(self.over_time(h))


class RNN(FrameOrChunk):
    """GRUs, then feedforward layers: the CRNN without convolutions (Sec. III-D)."""

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        units: int,
        rnn_layers: int,
        fnn_layers: int,
        dropout: float,
        cell: Literal["gru", "lstm"] = "gru",
        time_pooling: bool = False,
    ):
        super().__init__(time_pooling=time_pooling)
        widths = [bands] + [units] * rnn_layers
        self.recurrent = nn.Sequential(
            *(RECURRENT[cell](i, o, dropout=dropout) for i, o in pairwise(widths))
        )
        self.hidden = nn.Sequential(
            *(Dense(units, units, dropout=dropout) for _ in range(fnn_layers))
        )
        self.output = nn.Linear(units, classes)
        self.apply(initialise)

    def forward(self, x):
        return self.output(self.over_time(self.hidden(self.recurrent(x))))
