"""The feature extractor of Kao et al. 2018, Sec. 2.1 and Fig. 2: a residual network, then a GRU."""

from torch import nn
from torch.nn import functional as F

from sedutils.models.blocks import GRULayer, initialise, stacked
from sedutils.models.phan2018 import BidirectionalGRU

STRIDE = 8  # input frames a frame of the feature map


def batch_norm(channels: int) -> nn.BatchNorm2d:
    # Keras: momentum 0.99 (torch counts the other way round) and epsilon 1e-3
    return nn.BatchNorm2d(channels, momentum=0.01, eps=1e-3)


class BasicUnit(nn.Module):
    """Two 3x3 convolutions beside a shortcut, normalised and rectified before each (keras-resnet's unit).

    The network's first unit has no norm before its first convolution, since the stem ends with one.
    Where ``narrower`` the first convolution halves frames and bands, the latter without padding, and
    the shortcut is a 1x1 convolution with a bias and without batch norm (reading R-A01).

    Input ``(batch, channels_in, frames, bands)``, output ``(batch, channels, …)``.
    """

    def __init__(self, channels_in: int, channels: int, *, narrower=False, first=False):
        super().__init__()
        self.narrower = narrower
        self.norms = nn.ModuleList(
            [nn.Identity() if first else batch_norm(channels_in), batch_norm(channels)]
        )
        how = {"stride": 2, "padding": (1, 0)} if narrower else {"padding": 1}
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(channels_in, channels, 3, **how),
                nn.Conv2d(channels, channels, 3, padding=1),
            ]
        )
        self.shortcut = nn.Conv2d(channels_in, channels, 1) if narrower else nn.Identity()

    def forward(self, x):
        h = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(F.relu(norm(h)))
        if self.narrower:
            x = x[:, :, ::2, 1:-1:2]  # the middles of the first convolution's kernels
        return h + self.shortcut(x)


class Extractor(nn.Module):
    """Feature map of Sec. 2.1: a residual network of two blocks, then a GRU (readings R-A01, R-A02).

    Frames go 1292 -> 646 -> 323 -> 162 with 'same' padding, bands 64 -> 32 -> 15 -> 7: after the stem
    without padding, the only way to the 896 = 7 * 128 inputs of the GRU. The end of a clip is filled up
    to a multiple of 8 frames, so that a frame of the map means the same 8 frames in clips of any length.

    widths : channels of both blocks, (64, 128) in the paper
    recurrent : "bigru", "gru" or "none" (Table 1)
    units : states in each direction

    Output ``(batch, ceil(frames / 8), n)``; n = 2 units, units or, without a GRU, channels times bands.
    ValueError where no band would be left.
    """

    def __init__(self, *, bands: int, widths: tuple[int, int], recurrent: str, units: int):
        super().__init__()
        left = (((bands + 1) // 2 - 1) // 2 - 1) // 2
        if left < 1:
            raise ValueError(f"bands = {bands}: the convolutions leave none, they need 13")
        narrow, wide = widths
        self.stem = nn.Conv2d(1, narrow, 7, stride=2, padding=(0, 3))
        self.stem_norm = batch_norm(narrow)
        self.units = nn.Sequential(
            BasicUnit(narrow, narrow, first=True),
            BasicUnit(narrow, narrow),
            BasicUnit(narrow, wide, narrower=True),
            BasicUnit(wide, wide),
        )
        self.norm = batch_norm(wide)
        self.recurrent, self.width = recurrent_layer(recurrent, wide * left, units)
        self.apply(initialise)

    def forward(self, x):
        # the paddings put the middle of what frame i of the map sees at input frame 8 i + 3
        x = F.pad(x.unsqueeze(1), (0, 0, 2, 3 + -x.shape[1] % STRIDE))
        x = F.relu(self.stem_norm(self.stem(x)), inplace=True)  # (batch, narrow, frames/2, 32)
        x = F.max_pool2d(F.pad(x, (0, 0, 0, 1)), 3, stride=2)  # (batch, narrow, frames/4, 15)
        x = F.relu(self.norm(self.units(x)), inplace=True)  # (batch, wide, frames/8, 7)
        return self.recurrent(stacked(x))


def recurrent_layer(kind: str, n_in: int, units: int) -> tuple[nn.Module, int]:
    """The layer above the convolutions and the width of its output."""
    if kind == "bigru":
        return BidirectionalGRU(n_in, units, dropout=0.0), 2 * units
    if kind == "gru":
        return GRULayer(n_in, units, dropout=0.0), units
    if kind == "none":
        return nn.Identity(), n_in
    raise ValueError(f"recurrent = {kind!r}: it is bigru, gru or none")
