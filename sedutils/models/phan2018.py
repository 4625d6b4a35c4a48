"""The networks and losses of Phan et al. 2018, "Unifying Isolated and Overlapping Audio Event Detection with
Multi-label Multi-task Convolutional Recurrent Neural Networks", Sec. 2.2-2.5 and Fig. 1.

Both networks map normalised log mel energies ``(batch, frames, bands)`` to logits; the sigmoid of eq. 5 is
applied with the losses or by the caller. Target triplets are ``(batch, frames, 3, classes)``: activity y,
distances p to the onset and q to the offset, all in [0, 1] (`sedutils.features.triplets`). Every loss is a sum over
classes, a mean over frames and a mean over the examples of a batch (reading B22; the paper sums over
examples).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from sedutils.features import triplets
from sedutils.models.blocks import Dense, LockedDropout, convolutions, initialise, stacked
from sedutils.models.network import Network

TRIPLET = 3  # activity, distance to the onset, distance to the offset
# Keeps 0 / 0 off where targets and estimates are all 0 (reading B05). The smallest union of an active
# frame is one frame over the longest event, some 1e-4.
EPSILON = 1e-7


class BidirectionalGRU(nn.Module):
    """Eqs. 2-3: a GRU forwards and one backwards in time, dropout on inputs and outputs (reading B17).

    One mask holds for a whole sequence. torch's second bias per gate stays frozen at zero, as in
    `sedutils.models.blocks.GRULayer`. It is always in float32: of a state that counts frames, which changes by a
    thousandth a frame, bfloat16 loses the change.

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
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            states = self.on_cpu(x) if x.device.type == "cpu" else self.gru(x)[0]
        return self.output_dropout(states)

    def remember(self, frames: int) -> None:
        """Begin with states that last up to so many frames: biases of the update gate ln U(1, frames).

        Chrono initialisation (Tallec & Ollivier 2018). The gate is the share of the old state that stays, here
        sigmoid(ln u) = 1 - 1 / (1 + u) of it.
        """
        for bias in (self.gru.bias_ih_l0, self.gru.bias_ih_l0_reverse):
            update = bias.data.chunk(3)[1]  # reset, update, new
            update.uniform_(1, frames).log_()

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


class MultiLabelCRNN(Network):
    """The baseline of Sec. 4.4: the body of Fig. 1 with one activity a class and frame.

    The residual branch and the recurrent one are added (reading B03): W_a has 2H rows, which fits a sum
    and not a concatenation.

    maps, pool, filter_shape : of the convolutions; ``pool`` over frequency, ``filter_shape`` (frequency, time)
    units : states in each direction of the GRU, H in the paper
    memory : frames that its states last at the beginning, at most (`BidirectionalGRU.remember`); 0: biases of zero,
        as everywhere else, with which a state is forgotten in about two frames (reading B26)

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
        filter_shape: tuple[int, int],
        units: int,
        dropout: float,
        memory: int = 0,
    ):
        super().__init__()
        width = maps * (bands // math.prod(pool))
        self.convolutions = convolutions(maps, pool, filter_shape, dropout, batch_norm=True)
        self.recurrent = BidirectionalGRU(width, units, dropout=dropout)
        self.projection = nn.Linear(2 * units, 2 * units)  # eq. 1
        self.residual = Dense(width, 2 * units, dropout=dropout, batch_norm=True)
        self.output = nn.Linear(2 * units, self.per_class * classes)
        self.apply(initialise)
        if memory:
            self.recurrent.remember(memory)

    def forward(self, x):
        x = stacked(self.convolutions(x.unsqueeze(1)))  # (batch, frames, maps * bands left)
        z = self.projection(self.recurrent(x))  # (batch, frames, 2 units)
        a = self.residual(x) + z  # eq. 4
        return self.output(a)  # (batch, frames, outputs per class * classes)

    def loss(self, outputs, targets):
        """E_class of eq. 6 alone."""
        return classification_loss(outputs, targets)


class MultiTaskCRNN(MultiLabelCRNN):
    """The proposed network: activity and distances to onset and offset of each class and frame.

    Output: logits ``(batch, frames, 3, classes)``, in the order of `sedutils.features.triplets`.
    """

    per_class = TRIPLET

    def forward(self, x):
        return super().forward(x).unflatten(-1, (TRIPLET, -1))

    def begin(self, train, seed):
        """The longest event of each class, in frames, which scales its distances: inference needs it, too."""
        self.longest = triplets.longest_events(triplets.rolls(train))
        return {"longest_events": self.longest.tolist()}

    def targets(self, train):
        """Triplets ``(frames, 3, classes)``."""
        return triplets.with_triplets(train, self.longest)

    def activity(self, outputs):
        return outputs[:, :, 0]

    def loss(self, outputs, targets):
        """E of eq. 9."""
        return multitask_loss(outputs, targets)


def multitask_loss(logits, targets):
    """E of eq. 9, unweighted, from logits and target triplets ``(batch, frames, 3, classes)``."""
    activity, distances = targets[:, :, 0], targets[:, :, 1:]
    estimates = torch.sigmoid(logits[:, :, 1:])
    return (
        classification_loss(logits[:, :, 0], activity)
        + distance_loss(estimates, distances)
        + confidence_loss(estimates, distances, activity)
    )


def classification_loss(logits, activity):
    """E_class of eq. 6, binary cross-entropy; the whole loss of the multi-label baseline.

    logits, activity : ``(batch, frames, classes)``
    """
    return _mean_of_sums(F.binary_cross_entropy_with_logits(logits, activity, reduction="none"))


def distance_loss(estimates, distances):
    """E_dist of eq. 7, squared errors of both distances; arguments ``(batch, frames, 2, classes)``."""
    return _mean_of_sums((estimates - distances).square().sum(dim=2))


def confidence_loss(estimates, distances, activity):
    """E_conf of eq. 8: how far intersection over union of true and estimated extent is from the activity.

    estimates, distances : ``(batch, frames, 2, classes)``
    activity : ``(batch, frames, classes)``

    Where a class is inactive its true distances are 0, so the ratio is 0 as the activity is, and nothing
    is learnt there (reading B06, as printed).
    """
    intersection = torch.minimum(distances, estimates).sum(dim=2)  # (batch, frames, classes)
    union = torch.maximum(distances, estimates).sum(dim=2)
    return _mean_of_sums((activity - intersection / (union + EPSILON)).square())


def _mean_of_sums(values):
    """``(batch, frames, classes)``: sum over classes, mean over frames and examples."""
    return values.sum(dim=-1).mean()
