"""The factorised TDNN (TDNN-F) of Povey et al. 2018, "Semi-Orthogonal Low-Rank Matrix Factorization for
Deep Neural Networks", in the layout of Kaldi's LibriSpeech chain recipe: the acoustic model behind the
gradual network (Sec. 2.3.3 there).

Frames at the edges: before the first layer the first and the last frame are repeated as often as the context
reaches beyond the recording, as Kaldi does; no layer pads. The frame subsampling changes no weight: a network
trained at 30 ms gives features at 10 ms when the same weights are loaded with ``subsampling=1``.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sedutils.features.frames import Frames
from sedutils.models.blocks import initialise
from sedutils.models.network import Network, half_precision

SPLICE = 3  # frames t-1, t, t+1 before the first layer
BATCH_NORM_EPSILON = 1e-3
SPEED = 1 / 8  # nu of Sec. 2.1: near a solution it converges quadratically
UNEVEN = 1.02  # above it the eigenvalues are too far apart for full speed
CONSTRAIN_STEPS = 4  # Sec. 2
PRIOR_FRAMES = 300  # of 10 ms, see `shift`


class TDNNF(Network):
    """Acoustic model: splice and fixed transform, one TDNN layer, TDNN-F layers, prefinal, phones.

    mfcc, ivector : dimensions of a frame and of the speaker vector (0: none)
    dim, bottleneck : widths of the layers and of their linear factors
    strides : of each TDNN-F layer in frames, 0 for no splicing in time
    prefinal : width of the ASR feature and of the linear layer before it
    phones : outputs, of phones or (Kaldi's) of their context-dependent states
    bypass : what is added of a layer's input to its output
    subsampling : one output every so many frames, from the first frame on

    ``lda`` is never trained: the identity until `sedutils.models.kaldi.tdnnf` loads Kaldi's.
    ValueError for a stride that is negative, or that the subsampling does not divide where it must.
    """

    def __init__(
        self,
        *,
        mfcc: int,
        dim: int,
        bottleneck: int,
        strides: list[int],
        prefinal: int,
        phones: int,
        ivector: int = 0,
        bypass: float = 0.75,
        subsampling: int = 3,
    ):
        super().__init__()
        self.widths = {  # what another network of this shape is made of
            "mfcc": mfcc,
            "dim": dim,
            "bottleneck": bottleneck,
            "strides": list(strides),
            "prefinal": prefinal,
            "phones": phones,
            "ivector": ivector,
            "bypass": bypass,
            "subsampling": subsampling,
        }
        self.mfcc, self.subsampling = mfcc, subsampling
        self.channel: torch.Tensor | None = None  # see `shift`
        self.dense_layers = layers_at_full_rate(strides, subsampling)
        self.context = 1 + sum(strides)  # frames to each side
        spliced = SPLICE * mfcc + ivector
        self.tdnn = AffineLayer(spliced, dim)
        self.layers = nn.ModuleList(
            TDNNFLayer(
                dim,
                bottleneck,
                stride=s if i < self.dense_layers else s // subsampling,
                bypass=bypass,
            )
            for i, s in enumerate(strides)
        )
        self.prefinal_linear = nn.Linear(dim, prefinal, bias=False)
        self.prefinal = nn.Sequential(
            AffineLayer(prefinal, dim), nn.Linear(dim, prefinal, bias=False), BatchNorm(prefinal)
        )
        self.output = nn.Linear(prefinal, phones)
        self.apply(initialise)
        self.lda = nn.Linear(spliced, spliced).requires_grad_(False)
        nn.init.eye_(self.lda.weight)
        nn.init.zeros_(self.lda.bias)

    def begin(self, train, seed):
        """Make the fixed transform one that brings each MFCC to mean 0 and deviation 1.

        And the mean of the training frames its channel, which `shift` brings every recording to. A speaker
        vector stays as it is.
        """
        self.channel = train.mean
        ivector = self.widths["ivector"]
        mean = F.pad(train.mean.repeat(SPLICE), (0, ivector))
        std = F.pad(train.std.repeat(SPLICE), (0, ivector), value=1.0)
        self.lda.weight.data = torch.diag(1 / std)
        self.lda.bias.data = -mean / std
        return {}

    def loss(self, outputs, targets):
        """Cross-entropy of logits ``(batch, frames out, phones)`` and codes of phones ``(batch, frames out)``."""
        return F.cross_entropy(outputs.flatten(0, 1), targets.long().flatten())

    def after_step(self, step):
        if step % CONSTRAIN_STEPS == 0:
            self.constrain()

    def validation_score(self, validation, *, length):
        """Frame accuracy."""
        return frame_accuracy(self, validation)

    def forward(self, x, ivector=None):
        """Logits ``(batch, frames out, phones)`` from MFCCs ``(batch, frames, mfcc)``; see `features`."""
        return self.output(self.features(x, ivector))

    def features(self, x, ivector=None):
        """The ASR feature ``(batch, ceil(frames / subsampling), prefinal)``: what the output layer sees.

        ivector : ``(batch, ivector)``; None stands for zeros (reading G-A07)
        """
        h = self.spliced(x, ivector)  # (batch, frames + 2 * context - 2, spliced)
        h = self.tdnn(h)
        for layer in self.layers[: self.dense_layers]:
            h = layer(h)
        # the context still to come is a multiple of the subsampling, so frame 0 is among these
        h = h[:, :: self.subsampling]
        for layer in self.layers[self.dense_layers :]:
            h = layer(h)
        return self.prefinal(self.prefinal_linear(h))  # (batch, frames out, prefinal)

    def spliced(self, x, ivector=None):
        """Frames t-1, t, t+1 and the speaker vector through the fixed transform."""
        frames = torch.arange(-self.context, x.shape[1] + self.context, device=x.device)
        x = x[:, frames.clamp(0, x.shape[1] - 1)]
        x = torch.cat((x[:, :-2], x[:, 1:-1], x[:, 2:]), dim=-1)
        of_frames, of_speaker = self.lda.weight.split(
            [SPLICE * self.mfcc, self.lda.in_features - SPLICE * self.mfcc], dim=1
        )
        h = F.linear(x, of_frames, self.lda.bias)
        return h if ivector is None else h + F.linear(ivector, of_speaker)[:, None]

    def constrain(self):
        """One step of all linear factors towards semi-orthogonality; call it every four training steps."""
        for factor in self.factors():
            constrain(factor.weight)

    def factors(self) -> list[nn.Linear]:
        """The layers under the constraint: the bottlenecks and both linear layers of the prefinal part."""
        return [layer.linear for layer in self.layers] + [self.prefinal_linear, self.prefinal[1]]


class AffineLayer(nn.Module):
    """Affine, ReLU, batch norm: ``(batch, frames, n_in)`` to ``(batch, frames, n_out)``."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.affine = nn.Linear(n_in, n_out)
        self.norm = BatchNorm(n_out)

    def forward(self, x):
        return self.norm(F.relu(self.affine(x)))


class TDNNFLayer(nn.Module):
    """Linear factor over frames t - stride and t, affine factor over t and t + stride, ReLU, batch norm.

    ``(batch, frames, dim)`` to ``(batch, frames - 2 stride, dim)``; ``bypass`` times the input is added.
    """

    def __init__(self, dim: int, bottleneck: int, *, stride: int, bypass: float):
        super().__init__()
        self.stride, self.bypass = stride, bypass
        taps = 2 if stride else 1
        self.linear = nn.Linear(taps * dim, bottleneck, bias=False)
        self.output = AffineLayer(taps * bottleneck, dim)

    def forward(self, x):
        h = self.output(self.pairs(self.linear(self.pairs(x))))
        return h + self.bypass * x[:, self.stride : x.shape[1] - self.stride]

    def pairs(self, x):
        """Each frame beside the one ``stride`` later, ``(batch, frames - stride, 2 units)``."""
        return torch.cat((x[:, : -self.stride], x[:, self.stride :]), -1) if self.stride else x


class BatchNorm(nn.BatchNorm1d):
    """Kaldi's batch norm over batch and frames of ``(batch, frames, units)``: no learnt scale or offset."""

    def __init__(self, units: int):
        super().__init__(units, eps=BATCH_NORM_EPSILON, affine=False)

    def forward(self, x):
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def layers_at_full_rate(strides: list[int], subsampling: int) -> int:
    """How many layers need every frame: up to the last whose stride the subsampling does not divide."""
    if subsampling < 1 or min(strides, default=0) < 0:
        problem = f"strides = {list(strides)}, subsampling = {subsampling}"
        raise ValueError(f"{problem}: strides from 0 and subsampling from 1 are needed")
    return max((i for i, s in enumerate(strides, start=1) if s % subsampling), default=0)


@torch.no_grad()
def constrain(matrix: torch.Tensor) -> None:
    """Move a matrix M in place towards M M^T = alpha^2 I, by gradient descent (Povey et al. 2018, Sec. 2).

    With P = M M^T and Q = P - alpha^2 I the error tr(Q Q^T) has the gradient 4 Q M with respect to M. A
    step of nu / alpha^2 makes the speed independent of the scale of M (Sec. 2.2, eq. 2)::

        M <- M - 4 nu / alpha^2 (P - alpha^2 I) M,   nu = 1/8

    The scale floats (Sec. 2.3, eq. 3): alpha^2 = tr(P P^T) / tr(P), for which the step is orthogonal to M,
    tr(M^T Q M) = tr(P P) - alpha^2 tr(P) = 0, and only the loss decides how large M grows. While the
    eigenvalues of P are uneven, n tr(P P) / tr(P)^2 > 1.02 for n rows, nu is halved, as in Kaldi.
    A matrix with more rows than columns is constrained the other way round.
    """
    m = matrix if len(matrix) <= matrix.shape[1] else matrix.t()
    p = m @ m.t()  # (rows, rows)
    trace, squares = p.trace(), p.square().sum()  # P is symmetric: tr(P P^T)
    scale = squares / trace  # alpha^2
    uneven = len(m) * squares / trace.square() > UNEVEN
    nu = torch.where(uneven, SPEED / 2, SPEED)
    p.diagonal().sub_(scale)
    m.sub_((4 * nu / scale * p) @ m)


def shift(x: torch.Tensor, channel: torch.Tensor) -> torch.Tensor:
    """What brings a recording's MFCCs ``(frames, 40)`` to a channel's mean, ``(40,)``: microphone and room go.

    The recording's mean is estimated with the channel's as `PRIOR_FRAMES` more frames, so that a short
    sound keeps its colour. Without it a model of made speech is lost on real speech.
    """
    mean = (x.sum(0) + PRIOR_FRAMES * channel) / (len(x) + PRIOR_FRAMES)
    return channel - mean


def logits_of(
    model: TDNNF, x: np.ndarray | torch.Tensor, *, features: bool = False
) -> torch.Tensor:
    """Logits (or ASR features) of one recording: MFCCs ``(frames, 40)`` to ``(frames out, units)`` on the CPU."""
    device = next(model.parameters()).device
    x = as_tensor(x).to(device)
    if model.channel is not None:
        x = x + shift(x, model.channel.to(device))
    x = x[None]
    model.eval()
    with torch.no_grad(), half_precision(device):
        return (model.features(x) if features else model(x))[0].float().cpu()


def as_tensor(x: np.ndarray | torch.Tensor) -> torch.Tensor:
    """A part of a memory map is copied."""
    return torch.from_numpy(np.array(x)) if isinstance(x, np.ndarray) else x


def recordings_of(frames: Frames) -> Iterator[tuple]:
    """MFCCs and phone codes of each recording."""
    for part in frames.slices():
        yield frames.features[part], frames.targets_of(part)


def frame_accuracy(model: TDNNF, frames: Frames) -> float:
    """Share of the frames (at the rate of the network) that get their own phone, SIL and SPN among them."""
    hits, total = 0, 0
    for x, y in recordings_of(frames):
        found, y = logits_of(model, x).argmax(-1).numpy(), y[:: model.subsampling]
        hits, total = hits + int((found == y).sum()), total + len(y)
    return hits / total
