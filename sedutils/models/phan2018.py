"""The networks of Phan et al. 2018, "Unifying Isolated and Overlapping Audio Event Detection with
Multi-label Multi-task Convolutional Recurrent Neural Networks", Sec. 2.2-2.4 and Fig. 1.

Both map normalised log mel energies ``(batch, frames, bands)`` to logits; the sigmoid of eq. 5 is applied
with the losses (`sedutils.multitask.losses`) or by the caller.
"""

import math

import torch
from torch import nn

from sedutils.models.blocks import Dense, LockedDropout, initialise
from sedutils.models.cakir2017 import convolutions, stacked

TRIPLET = 3  # activity, distance to the onset, distance to the offset


class BidirectionalGRU(nn.Module):
    """Eqs. 2-3: a GRU forwards and one backwards in time, dropout on inputs and outputs (reading B17).

    One mask holds for a whole sequence. torch's second bias per gate stays frozen at zero, as in
    `sedutils.models.blocks.GRULayer`.

    Input ``(batch, frames, n_in)``, output ``(batch, frames, 2 units)``, the forward states first.
    """

    def __init__(self, n_in: int, units: int, *, dropout: float):
        super().__init__()
        self.input_dropout = LockedDropout(dropout)
        self.gru = nn.GRU(n_in, units, batch_first=True, bidirectional=True)
        for bias in (self.gru.bias_hh_l0, self.gru.bias_hh_l0_reverse):
            nn.init.zeros_(bias).requires_grad_(False)
        self.output_dropout = LockedDropout(dropout)

    def forward(self, x):
        x = self.input_dropout(x)
        states = self.on_cpu(x) if x.device.type == "cpu" else self.gru(x)[0]
        return self.output_dropout(states)

    def on_cpu(self, x):
        # here, since numba need not be where a GPU trains
        from sedutils.models.gru import gru

        layer = self.gru
        ahead = gru(x, layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0)
        back = gru(
            x.flip(1),
            layer.weight_ih_l0_reverse,
            layer.weight_hh_l0_reverse,
            layer.bias_ih_l0_reverse,
        )
        return torch.cat((ahead, back.flip(1)), dim=-1)


class MultiLabelCRNN(nn.Module):
    """The baseline of Sec. 4.4: the body of Fig. 1 with one activity a class and frame.

    The residual branch and the recurrent one are added (reading B03): W_a has 2H rows, which fits a sum
    and not a concatenation.

    maps, pool, filter_shape : of the convolutions; ``pool`` over frequency, ``filter_shape`` (frequency, time)
    units : states in each direction of the GRU, H in the paper

    Output: logits ``(batch, frames, classes)``.
    """

    per_class = 1  # outputs

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        maps: int,
        pool: list[int],
        filter_shape: list[int],
        units: int,
        dropout: float,
    ):
        super().__init__()
        width = maps * (bands // math.prod(pool))
        self.convolutions = convolutions(maps, pool, filter_shape, dropout, batch_norm=True)
        self.recurrent = BidirectionalGRU(width, units, dropout=dropout)
        self.projection = nn.Linear(2 * units, 2 * units)  # eq. 1
        self.residual = Dense(width, 2 * units, dropout=dropout, batch_norm=True)
        self.output = nn.Linear(2 * units, self.per_class * classes)
        self.apply(initialise)

    def forward(self, x):
        x = stacked(self.convolutions(x.unsqueeze(1)))  # (batch, frames, maps * bands left)
        z = self.projection(self.recurrent(x))  # (batch, frames, 2 units)
        a = self.residual(x) + z  # eq. 4
        return self.output(a)  # (batch, frames, outputs per class * classes)


class MultiTaskCRNN(MultiLabelCRNN):
    """The proposed network: activity and distances to onset and offset of each class and frame.

    Output: logits ``(batch, frames, 3, classes)``, in the order of `sedutils.multitask.targets.triplets`.
    """

    per_class = TRIPLET

    def forward(self, x):
        return super().forward(x).unflatten(-1, (TRIPLET, -1))
