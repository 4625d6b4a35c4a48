"""Layers that the networks of several papers share. No librosa: these files run where only torch is."""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F


def trainable_parameters(model: nn.Module) -> int:
    """Count the parameters that training moves (``requires_grad``), as the papers' tables do."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def keras_parameters(model: nn.Module) -> int:
    """Count all weights and the statistics of batch norms, as Keras prints a total.

    torch's second bias of a recurrent gate, always 0 here, is none of Keras's.
    """
    none = ("num_batches_tracked", "bias_hh_l0", "bias_hh_l0_reverse")
    return sum(v.numel() for k, v in model.state_dict().items() if not k.endswith(none))


def initialise(module: nn.Module) -> None:
    """Glorot-uniform input weights, orthogonal recurrent weights, zero biases (Keras 1.1 defaults).

    An LSTM's forget gate begins with a bias of one, the rest with zero. Use as ``model.apply(initialise)``.
    A recurrent matrix holds one square block per gate.
    """
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.GRU | nn.LSTM):
        for name, weight in module.named_parameters():
            if "bias" in name:
                nn.init.zeros_(weight)
                if isinstance(module, nn.LSTM) and "_ih" in name:
                    nn.init.ones_(weight.data.chunk(4)[1])  # input, forget, cell, output
                continue
            init = nn.init.orthogonal_ if "_hh" in name else nn.init.xavier_uniform_
            for gate in weight.data.chunk(3 if isinstance(module, nn.GRU) else 4):
                init(gate)


class ConvBlock(nn.Module):
    """Convolution, batch norm, max pooling over frequency, ReLU, dropout: Cakir et al. 2017, Sec. II-B.1.

    The paper applies ReLU before pooling. Both orders give the same numbers, since ReLU is monotonic,
    and pooling first leaves ReLU and dropout a fraction of the work.

    Input ``(batch, maps_in, frames, bands)``, output ``(batch, maps_out, frames, bands // pool)``.
    """

    def __init__(
        self,
        maps_in: int,
        maps_out: int,
        *,
        filter_shape: tuple[int, int],  # (frequency, time), the paper's order
        pool: int,
        dropout: float,
        batch_norm: bool = True,
    ):
        super().__init__()
        bands, frames = filter_shape
        self.conv = nn.Conv2d(maps_in, maps_out, (frames, bands), padding="same")
        # Keras 1.1: momentum 0.99 (torch counts the other way round) and epsilon 1e-3
        self.norm = (
            nn.BatchNorm2d(maps_out, momentum=0.01, eps=1e-3) if batch_norm else nn.Identity()
        )
        self.pool = nn.MaxPool2d((1, pool))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(F.relu(self.pool(self.norm(self.conv(x))), inplace=True))


def convolutions(maps, pool, filter_shape, dropout, batch_norm):
    """The convolutional part of a network: one block per entry of ``pool``."""
    return nn.Sequential(
        *(
            ConvBlock(
                i,
                maps,
                filter_shape=tuple(filter_shape),
                pool=p,
                dropout=dropout,
                batch_norm=batch_norm,
            )
            for i, p in zip([1] + [maps] * len(pool), pool, strict=False)
        )
    )


def stacked(maps):
    """Maps stacked over frequency: (batch, maps, frames, bands) to (batch, frames, maps * bands).

    Cakir et al. 2017, Sec. II-B.2.
    """
    return maps.transpose(1, 2).flatten(2)


class Dense(nn.Module):
    """A hidden feedforward layer shared over frames: ``(batch, frames, n_in)`` to ``(…, n_out)``.

    ``batch_norm`` normalises over batch and frames before ReLU; only Sec. IV-D's CNN has it (A08).
    """

    def __init__(self, n_in: int, n_out: int, *, dropout: float, batch_norm: bool = False):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.norm = nn.BatchNorm1d(n_out, momentum=0.01, eps=1e-3) if batch_norm else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        h = self.linear(x)
        if self.norm is not None:
            h = self.norm(h.flatten(0, 1)).unflatten(0, h.shape[:2])
        return self.dropout(F.relu(h))


class Maxout(nn.Module):
    """Linear units in groups of ``pieces``, each group passing on its maximum (Goodfellow et al. 2013)."""

    def __init__(self, n_in: int, n_linear: int, *, pieces: int, dropout: float):
        super().__init__()
        self.linear = nn.Linear(n_in, n_linear)
        self.pieces = pieces
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.linear(x).unflatten(-1, (-1, self.pieces)).amax(-1))


class LockedDropout(nn.Module):
    """Dropout whose mask stays the same along a sequence ``(batch, frames, units)`` (Gal & Ghahramani 2016)."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        keep = torch.full(
            (x.shape[0], 1, x.shape[2]), 1 - self.rate, device=x.device, dtype=x.dtype
        )
        return x * torch.bernoulli(keep) / (1 - self.rate)


class StateDropout(nn.Module):
    """Dropout of recurrent states as a mask on the columns of the recurrent matrix (gates, units)."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, matrix):
        if not self.training or self.rate == 0:
            return matrix
        keep = torch.full((1, matrix.shape[1]), 1 - self.rate, device=matrix.device)
        return matrix * torch.bernoulli(keep) / (1 - self.rate)


class GRULayer(nn.Module):
    """One forward GRU layer with dropout on inputs and states, both constant along a sequence.

    The mask on the states is shared by the batch and multiplied into the columns of the recurrent
    matrix, so that a GPU's fused kernel still does the recursion (on a CPU: `sedutils.models.gru`).
    torch keeps a second bias per gate; it stays frozen at zero, which leaves one bias per gate as in
    Keras and in the paper's counts.

    Input ``(batch, frames, n_in)``, output ``(batch, frames, units)``.
    """

    def __init__(self, n_in: int, units: int, *, dropout: float):
        super().__init__()
        self.input_dropout = LockedDropout(dropout)
        self.gru = nn.GRU(n_in, units, batch_first=True)
        nn.init.zeros_(self.gru.bias_hh_l0).requires_grad_(False)
        self.state_dropout = StateDropout(dropout)

    def forward(self, x):
        x, recurrent = self.input_dropout(x), self.state_dropout(self.gru.weight_hh_l0)
        if x.device.type == "cpu":
            # here, since numba need not be where a GPU trains
            from sedutils.models.gru import gru

            return gru(x, self.gru.weight_ih_l0, recurrent, self.gru.bias_ih_l0)
        return functional_call(self.gru, {"weight_hh_l0": recurrent}, (x,))[0]


class LSTMLayer(nn.Module):
    """The GRU layer's counterpart with an LSTM, for the comparison of Sec. III-D (claim C28)."""

    def __init__(self, n_in: int, units: int, *, dropout: float):
        super().__init__()
        self.input_dropout = LockedDropout(dropout)
        self.lstm = nn.LSTM(n_in, units, batch_first=True)
        nn.init.zeros_(self.lstm.bias_hh_l0).requires_grad_(False)
        self.state_dropout = StateDropout(dropout)

    def forward(self, x):
        recurrent = self.state_dropout(self.lstm.weight_hh_l0)
        given = {"weight_hh_l0": recurrent}
        return functional_call(self.lstm, given, (self.input_dropout(x),))[0]
