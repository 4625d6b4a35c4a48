"""The networks of the "gradual network" paper: a convolutional bidirectional recurrent network (CBRNN) with
spectral and temporal attention, joined with features of a frozen acoustic model (Sec. 2.3, Fig. 1).

One row of x is a decision of 100 ms: two frames of 50 ms beside each other, then the ASR features::

    x (batch, 300, 2 * bands + asr)   bands = 40 mel bands x 5 frames of context = 200

so features, targets and logits have one frame rate, as `sedutils.training.loop.fit` and its scores need. The ASR
path is the prefinal output of a `sedutils.models.tdnnf.TDNNF`, averaged over each 100 ms (reading G-A07),
computed once and stored: it never changes, and so it costs no training step anything.

======================  =====================================================================
Gradual Net             ``CBRNN(asr=256)``: 64 values of the CBRNN and the ASR features to a dense layer
CBRNN                   ``CBRNN(asr=0)``: the control that the paper lacks (reading G-A08)
CRNN+TA                 ``CBRNN(asr=0, spectral_attention=False)``
Finetuning Net          ``FinetuningNet(asr=256)``: the ASR features alone
======================  =====================================================================
"""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from sedutils.models.blocks import initialise, stacked
from sedutils.models.phan2018 import BidirectionalGRU
from sedutils.models.stopping import StopsByLoss

PER_DECISION = 2  # frames of 50 ms; the first pooling halves the time axis
KERNELS = (7, 5, 3, 3)
STRIDE = 2  # of the first convolution, over frequency (reading G-A01)
POOLS = ((4, 2), (4, 1), (4, 1))  # (frequency, time), after the first, third and fourth convolution
ACTIVATIONS = ("softmax", "sigmoid", "attended")


class WithAsr(StopsByLoss, abstract=True):
    """A network that may get ASR features; ``asr`` of its section of params.yaml names their array, or is none."""

    @classmethod
    def front_end(cls, arguments):
        return "log_mel" if arguments["asr"] == "none" else f"log_mel+{arguments['asr']}"

    @classmethod
    def from_params(cls, arguments, *, classes, width, front_end):
        bands = front_end["mel_bands"] * front_end["context"]
        own = arguments | {"asr": width - PER_DECISION * bands}
        return super().from_params(own, classes=classes, width=bands, front_end=front_end)


class CBRNN(WithAsr):
    """Spectral attention, four convolutions with two residual additions, GRU, temporal attention, dense.

    bands : spectral values of a 50 ms frame
    asr : ASR features of a decision, 0 for none
    frames : decisions of a clip; the spectral attention looks at whole clips, 300 of 30 s
    channels, units, layers : of the convolutions, of each direction of the GRU, of GRUs on each other
    spectral_units, temporal_units : N_s and N_t of eqs. 5-6
    attention : activation of both, `ACTIVATIONS`; see `Attention`

    Output: logits ``(batch, frames, classes)``; one network an event has one class.
    ValueError for clips of another length.
    """

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        asr: int,
        channels: int,
        units: int,
        layers: int,
        spectral_units: int,
        temporal_units: int,
        attention: Literal["softmax", "sigmoid", "attended"],
        dropout: float,
        frames: int = 300,
        spectral_attention: bool = True,
    ):
        super().__init__()
        self.bands, self.asr, self.frames = bands, asr, frames
        self.spectral = (
            Attention(PER_DECISION * frames, spectral_units, attention)
            if spectral_attention
            else None
        )
        self.convolutions = nn.ModuleList(
            Convolution(n_in, channels, kernel=k, stride=s, dropout=dropout)
            for n_in, k, s in zip((1, *[channels] * 3), KERNELS, (STRIDE, 1, 1, 1), strict=True)
        )
        width = channels * bands_left(bands)
        self.temporal = Attention(width, temporal_units, attention)
        self.recurrent = nn.Sequential(
            *(BidirectionalGRU(n, units, dropout=0.0) for n in [width] + [2 * units] * (layers - 1))
        )
        self.output = nn.Linear(2 * units + asr, classes)
        self.apply(initialise)

    @classmethod
    def from_params(cls, arguments, **features):
        return super().from_params(arguments | {"frames": arguments["sequence_frames"]}, **features)

    def forward(self, x):
        if x.shape[1] != self.frames:
            problem = f"clips of {x.shape[1]} decisions, the network is one for {self.frames}"
            raise ValueError(f"{problem} ({self.frames / 10:g} s)")
        spectra, asr = separate(x, self.bands, self.asr)
        return self.output(torch.cat((self.features(spectra), asr), dim=-1))

    def features(self, x):
        """The CBRNN's values, ``(batch, 600, bands)`` to ``(batch, 300, 2 units)``, weighted in time (G-A06)."""
        x = x.transpose(1, 2)  # (batch, bands, 600)
        if self.spectral is not None:
            x = x * self.spectral(x)  # eq. 7: one weight a band and clip
        first, second, third, fourth = self.convolutions
        a = first(x.unsqueeze(1), pool=POOLS[0])  # (batch, channels, 25, 300)
        b = F.max_pool2d(third(second(a)) + a, POOLS[1])  # (batch, channels, 6, 300)
        c = F.max_pool2d(fourth(b) + b, POOLS[2])  # (batch, channels, 1, 300)
        c = stacked(c.transpose(2, 3))  # (batch, 300, channels * bands left)
        return self.recurrent(c) * self.temporal(c)


class FinetuningNet(WithAsr):
    """A dense layer on the ASR features alone (Sec. 3); reads the same x as `CBRNN`.

    A sigmoid a class in place of the paper's softmax over event and no event (reading G-A17).
    """

    def __init__(self, *, bands: int, classes: int, asr: int):
        super().__init__()
        self.bands, self.asr = bands, asr
        self.output = nn.Linear(asr, classes)
        self.apply(initialise)

    def forward(self, x):
        return self.output(separate(x, self.bands, self.asr)[1])


class Attention(nn.Module):
    """Eqs. 5-6: dense layer, activation, the largest of its units is the weight: ``(..., n_in)`` to ``(..., 1)``.

    Over time it sees a frame's values (reading G-A03), over frequency a band's values through the clip
    (reading G-A04). ``softmax`` over the units is the paper's word. Neither it nor ``sigmoid`` attends: what one
    frame gets does not depend on the others, and the largest of many sigmoids is always about 1. ``attended``
    takes the largest unit for a score, and the softmax of the scores over what is attended to, frames or bands,
    times their number: equal scores change nothing.
    """

    def __init__(self, n_in: int, units: int, activation: str):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"attention = {activation!r}: one of {', '.join(ACTIVATIONS)} is needed"
            )
        self.dense, self.activation = nn.Linear(n_in, units), activation

    def forward(self, x):
        h = self.dense(x)
        if self.activation == "attended":
            return torch.softmax(h.amax(-1, keepdim=True), dim=-2) * x.shape[-2]
        h = torch.softmax(h, dim=-1) if self.activation == "softmax" else torch.sigmoid(h)
        return h.amax(-1, keepdim=True)


class Convolution(nn.Module):
    """Convolution over ``(batch, maps, bands, frames)``, batch norm, ReLU (reading G-A02), dropout.

    ``stride`` and ``pool`` over (frequency, time); pooling before ReLU gives the same for less work, and
    leaves dropout a fraction of it, as in `sedutils.models.blocks.ConvBlock`.
    """

    def __init__(self, n_in: int, n_out: int, *, kernel: int, stride: int, dropout: float):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride=(stride, 1), padding=kernel // 2)
        # torch's epsilon and momentum, not Keras's: behind a softmax attention variances are
        # thousandths, and running statistics, which begin at 1, must come down to them in time
        self.norm = nn.BatchNorm2d(n_out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, pool=None):
        h = self.norm(self.conv(x) if x.shape[1] > 1 else of_one_map(self.conv, x))
        h = F.max_pool2d(h, pool) if pool else h
        return self.dropout(F.relu(h))


def of_one_map(conv: nn.Conv2d, x):
    """What ``conv`` gives for a single map ``(batch, 1, bands, frames)``, as a convolution along the frames.

    The bands under a kernel become maps. On a CPU the gradient of the input, which the spectral attention
    needs, then takes half the time.
    """
    (size, _), (stride, _) = conv.kernel_size, conv.stride
    x = F.pad(x[:, 0], (0, 0, size // 2, size // 2))
    rows = x.unfold(1, size, stride).permute(0, 3, 1, 2)  # (batch, size, bands / stride, frames)
    rows = rows.contiguous(memory_format=torch.channels_last)
    weight = conv.weight.transpose(1, 2).flatten(1, 2).unsqueeze(2)  # (maps, size, 1, size)
    return F.conv2d(rows, weight, conv.bias, padding=(0, size // 2))


def separate(x, bands: int, asr: int):
    """Rows of x as spectra ``(batch, 2 frames, bands)`` and ASR features ``(batch, frames, asr)``.

    ValueError for rows of another width.
    """
    widths = [PER_DECISION * bands, asr]
    if x.shape[2] != sum(widths):
        problem = (
            f"x of {x.shape[2]} columns, {PER_DECISION} x {bands} bands and {asr} ASR features"
        )
        raise ValueError(f"{problem} make {sum(widths)}")
    spectra, features = x.split(widths, dim=2)
    return spectra.unflatten(2, (PER_DECISION, bands)).flatten(1, 2), features


def bands_left(bands: int) -> int:
    """Values of the frequency axis behind the convolutions and poolings, 1 of 200.

    ValueError where none is left.
    """
    left = -(-bands // STRIDE)
    for pool, _ in POOLS:
        left //= pool
    if left < 1:
        raise ValueError(f"bands = {bands}: the poolings leave none, 127 are needed")
    return left
