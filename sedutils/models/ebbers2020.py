"""Ebbers & Haeb-Umbach 2020: the forward-backward CRNN (FBCRNN), which learns events from clips' tags, and the
tag-conditioned CNN, which learns where the events of known tags are (Sec. 1 and 2, Tables 1 and 2).

Networks take normalised log mel energies ``(batch, frames, bands)`` and, where clips of several lengths are
padded to one, ``lengths`` (batch,) on their device: neither statistics of norms nor outputs of a clip depend on
what lies behind its end, which looks to every convolution like the end of the tensor. Maps are ``(batch, maps,
frames, bands)`` in channels-last memory, so stacking them over bands moves nothing.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from sedutils.models.blocks import GRULayer, initialise
from sedutils.models.network import Network
from sedutils.models.padding import (
    as_maps,
    ends,
    mask,
    packed,
    turned,
    unpacked,
    valid_rows,
    windows,
)

REACH = 1  # frames that a convolution sees to either side
# About what a block of windows takes: on a CPU smaller ones stay in its cache, a GPU wants many at once
BLOCK_BYTES = {"cpu": 6e6, "cuda": 250e6}
FEWEST = 64  # windows in a block
GRU_VALUES = 12  # numbers a state, frame and window: input, gates, states and what the GRU keeps
MAP_VALUES = 6  # numbers a value of the first maps: convolution, norm and their copies


class Convolution(nn.Module):
    """Convolution, batch norm, max pooling over bands, ReLU (pooling before ReLU gives the same for less work).

    ``kernel`` and ``pool`` over (frames, bands) and bands.

    Input ``(batch, maps_in, frames, bands)``, output ``(batch, maps_out, frames, bands // pool)``, zeros behind
    the ends of clips where ``rows`` (`valid_rows`) tells them apart.
    """

    def __init__(self, n_in: int, n_out: int, *, kernel: tuple[int, int] = (3, 3), pool: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, padding="same")
        self.norm = nn.BatchNorm2d(n_out)
        self.pool = (1, pool)

    def forward(self, x, rows=None):
        h = self.conv(x)
        if rows is None:
            return self.rectified(h)
        valid = packed(h.permute(0, 2, 3, 1), rows).unsqueeze(1).permute(0, 3, 1, 2)
        kept = self.rectified(valid).permute(0, 2, 3, 1).squeeze(1)  # (valid frames, bands, maps)
        return unpacked(kept, rows, len(h), h.shape[2]).permute(0, 3, 1, 2)

    def rectified(self, h):
        h = self.norm(h)
        return F.relu(F.max_pool2d(h, self.pool) if self.pool[1] > 1 else h)


class Front(nn.Module):
    """Table 1: blocks of two convolutions and a pooling of two bands, the last of one, then convolutions in time.

    widths : maps of the blocks; units : of each convolution in time; outputs : of a last convolution without norm
    and ReLU, in place of the third one in time (Sec. 2)
    conditions : tags of a clip that stand beside the input as maps and beside the stacked maps as features

    Output ``(batch, frames, units or outputs)``. ValueError for bands that cannot be halved in every block.
    """

    def __init__(self, *, bands: int, widths, units: int, outputs: int = 0, conditions: int = 0):
        super().__init__()
        if bands % 2 ** len(widths):
            raise ValueError(f"bands = {bands}: they are not halved {len(widths)} times")
        blocks = []
        for i, (n_in, n_out) in enumerate(pairwise((1 + conditions, *widths))):
            if i + 1 < len(widths):
                blocks.append(Convolution(n_in, n_out))
            blocks.append(Convolution(n_in if i + 1 == len(widths) else n_out, n_out, pool=2))
        self.spectral = nn.ModuleList(blocks)
        width = widths[-1] * bands // 2 ** len(widths) + conditions
        sizes = (width, units, units) if outputs else (width, units, units, units)
        self.temporal = nn.ModuleList(Convolution(*n, kernel=(3, 1)) for n in pairwise(sizes))
        self.output = nn.Conv2d(units, outputs, (3, 1), padding="same") if outputs else None

    @property
    def receptive_frames(self) -> int:
        """How many frames an output sees to either side: one a convolution."""
        return REACH * sum(isinstance(m, nn.Conv2d) for m in self.modules())

    def forward(self, x, lengths=None, tags=None):
        rows = valid_rows(lengths, x.shape[1])
        if rows is not None:
            x = x.masked_fill(mask(lengths, x.shape[1]) == 0, 0)
        h = x.unsqueeze(1)
        if tags is not None:
            h = torch.cat((h, as_maps(tags, h.shape[2], h.shape[3], lengths)), dim=1)
        h = h.contiguous(memory_format=torch.channels_last)
        for convolution in self.spectral:
            h = convolution(h, rows)
        h = h.permute(0, 2, 3, 1).flatten(2)  # (batch, frames, bands left * maps)
        h = h.transpose(1, 2).unsqueeze(3)  # (batch, features, frames, 1)
        if tags is not None:
            h = torch.cat((h, as_maps(tags, h.shape[2], 1, lengths)), dim=1)
            h = h.contiguous(memory_format=torch.channels_last)
        for convolution in self.temporal:
            h = convolution(h, rows)
        h = h if self.output is None else self.output(h)
        return h.squeeze(3).transpose(1, 2)


class Scores(nn.Module):
    """A dense ReLU layer, then a score a class (Table 2): ``(…, n_in)`` to logits ``(…, classes)``.

    batch_norm : before the ReLU, as in the authors' later code; Table 2 has none (reading E-A18)

    Statistics are those of the valid frames where ``rows`` (`valid_rows`) of ``(batch, frames, n_in)`` tells them
    apart; logits behind the ends of clips are then arbitrary.
    """

    def __init__(self, n_in: int, units: int, classes: int, *, batch_norm: bool):
        super().__init__()
        self.hidden = nn.Linear(n_in, units)
        self.norm = nn.BatchNorm1d(units) if batch_norm else None
        self.output = nn.Linear(units, classes)

    def forward(self, x, rows=None):
        h = self.hidden(x)
        if self.norm is not None:
            valid = h.flatten(0, -2) if rows is None else packed(h, rows)
            valid = self.norm(valid)
            h = valid.view_as(h) if rows is None else unpacked(valid, rows, *h.shape[:2])
        return self.output(F.relu(h))


class Classifier(nn.Module):
    """Table 2, one direction: two GRUs, a dense ReLU layer, a score a class.

    Input ``(batch, frames, units)``, logits ``(batch, frames, classes)``, each of what came before.
    """

    def __init__(self, units: int, classes: int, *, batch_norm: bool = False):
        super().__init__()
        self.recurrent = nn.Sequential(*(GRULayer(units, units, dropout=0.0) for _ in range(2)))
        self.scores = Scores(units, units, classes, batch_norm=batch_norm)

    def forward(self, x, rows=None):
        return self.scores(self.recurrent(x), rows)


class Directions(NamedTuple):
    """Logits of both, ``(batch, frames, classes)`` on the clip's own time axis (reading E-A03)."""

    ahead: torch.Tensor
    back: torch.Tensor


class FBCRNN(Network):
    """A CNN, then one recurrent classifier that hears the clip forwards and one that hears it backwards.

    joint : train on the frame-wise maximum of both; False: each direction on its own last output (the twin that
    claim E05 needs)
    dense_batch_norm : in both classifiers (`Scores`)

    `forward` gives `Directions`.
    """

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        widths: list[int],
        units: int,
        joint: bool = True,
        dense_batch_norm: bool = False,
    ):
        super().__init__()
        self.units, self.joint, self.classes = units, joint, classes
        self.cnn = Front(bands=bands, widths=widths, units=units)
        self.forward_rnn = Classifier(units, classes, batch_norm=dense_batch_norm)
        self.backward_rnn = Classifier(units, classes, batch_norm=dense_batch_norm)
        self.apply(initialise)

    @property
    def receptive_frames(self) -> int:
        """One-sided reach of the CNN in frames, 12 at the paper's size (reading E-A08)."""
        return self.cnn.receptive_frames

    def forward(self, x, lengths=None):
        h, rows = self.cnn(x, lengths), valid_rows(lengths, x.shape[1])
        back = self.backward_rnn(turned(h, lengths), rows)
        return Directions(self.forward_rnn(h, rows), turned(back, lengths))

    def loss(self, outputs, targets, lengths=None):
        """Binary cross-entropy of the clips' tags ``(batch, classes)``, summed over classes.

        Of the larger logit of every frame, mean over the frames of a clip, then over clips (reading E-A04);
        without joint training of the last output of each direction, mean of the two.
        """
        if not self.joint:
            entropies = [
                F.binary_cross_entropy_with_logits(end, targets, reduction="none").sum(-1)
                for end in ends(*outputs, lengths)
            ]
            return torch.stack(entropies).mean()
        repeated = targets.unsqueeze(1).expand_as(outputs[0])
        return entropy(torch.maximum(*outputs), repeated, lengths)

    def tags(self, outputs, lengths=None):
        """Probabilities ``(batch, classes)``: the mean of what both directions say in the end (reading E-A17)."""
        ahead, back = ends(*outputs, lengths)
        return (torch.sigmoid(ahead.float()) + torch.sigmoid(back.float())) / 2

    @torch.no_grad()
    def detect(self, x, contexts, lengths=None):
        """Tags of the windows n-C to n+C of the CNN's output around every frame n (reading E-A02).

        Windows end where the clip does. One run of the GRUs from a frame on serves all contexts: after 2C + 1
        frames it has heard the window around the C-th frame from there. Runs go in blocks, side by side.

        Output: probabilities ``(len(contexts), batch, frames, classes)``, 0 behind the ends of clips.
        """
        h = self.cnn(x, lengths)
        ahead = self.window_tags(self.forward_rnn, h, contexts, lengths)
        back = self.window_tags(self.backward_rnn, turned(h, lengths), contexts, lengths)
        return (ahead + torch.stack([turned(tags, lengths) for tags in back])) / 2

    def window_tags(self, classifier, h, contexts, lengths):
        """What one direction says at the end of each window, shapes as `detect`."""
        batch, frames, _ = h.shape
        longest = 2 * max(contexts) + 1
        clip, first, last, rows = windows(batch, frames, contexts, lengths, h.device)
        order = torch.zeros(batch * frames, dtype=torch.long, device=h.device)
        order[rows] = torch.arange(len(rows), device=h.device)
        # which run hears a window whole, and after how many further frames: (contexts, windows)
        run, step = order[clip * frames + first], last - first
        padded = F.pad(h, (0, 0, 0, longest - 1)).flatten(0, 1)
        starts = rows + rows // frames * (longest - 1)
        found = torch.zeros(len(contexts), batch * frames, self.classes, device=h.device)
        size = block(longest * self.units * GRU_VALUES, h.device)
        for begin in range(0, len(rows), size):
            part = starts[begin : begin + size]
            inputs = padded[torch.arange(longest, device=h.device)[:, None] + part]
            states = classifier.recurrent(inputs.transpose(0, 1))  # (runs, longest, units)
            which, window = ((run >= begin) & (run < begin + size)).nonzero(as_tuple=True)
            chosen = states[run[which, window] - begin, step[which, window]]
            found[which, rows[window]] = torch.sigmoid(classifier.scores(chosen).float())
        return found.unflatten(1, (batch, frames))

    @torch.no_grad()
    def detect_from_input(self, x, contexts, lengths=None):
        """As `detect`, with windows cut from the input as printed: nothing outside a window is heard."""
        batch, frames, bands = x.shape
        found = torch.zeros(len(contexts), batch * frames, self.classes, device=x.device)
        widest = self.cnn.spectral[0].conv.out_channels
        for c, context in enumerate(contexts):
            clip, first, last, rows = windows(batch, frames, [context], lengths, x.device)
            longest = 2 * context + 1
            padded = F.pad(x, (0, 0, 0, longest)).flatten(0, 1)
            starts = (clip * (frames + longest) + first)[0]
            extents = (last - first + 1)[0]
            values = longest * (bands * widest * MAP_VALUES + self.units * GRU_VALUES)
            size = block(values, x.device)
            for begin in range(0, len(rows), size):
                part = slice(begin, begin + size)
                cut = padded[starts[part, None] + torch.arange(longest, device=x.device)]
                found[c, rows[part]] = self.tags(self(cut, extents[part]), extents[part])
        return found.unflatten(1, (batch, frames))


class TagConditionedCNN(Network):
    """Table 1 with scores at its end, given the clip's tags twice: beside its input and before its first
    convolution in time (Sec. 2).

    conditioned : False for the same network without tags (the twin that claim E06 needs)

    Input ``(batch, frames, bands)`` and tags ``(batch, classes)``, output logits ``(batch, frames, classes)``.
    """

    def __init__(
        self, *, bands: int, classes: int, widths: list[int], units: int, conditioned: bool = True
    ):
        super().__init__()
        self.conditioned = conditioned
        self.cnn = Front(
            bands=bands,
            widths=widths,
            units=units,
            outputs=classes,
            conditions=classes if conditioned else 0,
        )
        self.apply(initialise)

    @property
    def receptive_frames(self) -> int:
        """One-sided reach in frames, as that of the FBCRNN's CNN."""
        return self.cnn.receptive_frames

    def forward(self, x, tags, lengths=None):
        return self.cnn(x, lengths, tags if self.conditioned else None)

    def loss(self, outputs, targets, lengths=None):
        """Binary cross-entropy of strong labels, both ``(batch, frames, classes)``: summed over classes, mean
        over the frames of a clip, then over clips."""
        return entropy(outputs, targets, lengths)


def entropy(logits, targets, lengths):
    """Binary cross-entropy ``(batch, frames, classes)``: sum over classes, mean over valid frames, over clips."""
    each = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)
    if lengths is None:
        return each.mean()
    valid = mask(lengths, each.shape[1])[..., 0].to(each.device)
    return ((each * valid).sum(1) / valid.sum(1)).mean()


def block(values: int, device) -> int:
    """How many windows of so many numbers go side by side."""
    return max(FEWEST, int(BLOCK_BYTES[device.type] // (4 * values)))
