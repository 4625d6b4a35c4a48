"""Intervals on the time axis as region-based networks handle them, batched over clips (Kao et al. 2018,
Sec. 2.2-2.3: Faster R-CNN in one dimension).

An interval is (start, end) in frames of a feature map, fractions allowed; frame i covers [i, i + 1).
No function loops over clips, intervals or events.
"""

import math
from typing import NamedTuple

import torch
from torch.nn import functional as F

POSITIVE, NEGATIVE = 0.7, 0.3  # intersection over union with an event (reading R-A05)
LARGEST_SCALE = 4.0  # of a decoded logarithm of lengths: 55 times the anchor; exp stays finite


class Events(NamedTuple):
    """The events of each clip, filled up to the batch's largest number of them."""

    intervals: torch.Tensor  # (batch, most, 2); (0, 1) where none is
    labels: torch.Tensor  # (batch, most)
    present: torch.Tensor  # (batch, most), bool


def runs(roll: torch.Tensor) -> Events:
    """The runs of ones of a binary roll ``(batch, frames, classes)``, in frames of the roll.

    A clip's events come class by class, in time within a class. Space for one event is always left.
    """
    active = F.pad((roll > 0.5).transpose(1, 2).to(torch.int8), (1, 1))
    edges = active.diff(dim=2)  # (batch, classes, frames + 1)
    begins = edges == 1
    clip, label, start = begins.nonzero().unbind(1)
    end = (edges == -1).nonzero()[:, 2]  # in the same order
    counts = begins.sum((1, 2))
    place = torch.arange(len(clip), device=roll.device) - (counts.cumsum(0) - counts)[clip]
    shape = len(roll), max(1, int(counts.max()))
    intervals = torch.zeros(*shape, 2, device=roll.device)
    intervals[..., 1] = 1
    intervals[clip, place] = torch.stack((start, end), dim=-1).float()
    labels = torch.zeros(shape, dtype=torch.long, device=roll.device)
    labels[clip, place] = label
    present = torch.arange(shape[1], device=roll.device) < counts[:, None]
    return Events(intervals, labels, present)


def anchors(frames: int, sizes: torch.Tensor) -> torch.Tensor:
    """Every anchor of a map, ``(frames * sizes, 2)``: at each frame one of each size around its middle."""
    middle = torch.arange(frames, device=sizes.device)[:, None] + 0.5
    return torch.stack((middle - sizes / 2, middle + sizes / 2), dim=-1).flatten(0, 1)


def overlaps(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of each interval ``(…, n, 2)`` with each ``(…, m, 2)``: ``(…, n, m)``."""
    (start, end), (other_start, other_end) = (
        a[..., None, :].unbind(-1),
        b[..., None, :, :].unbind(-1),
    )
    shared = (torch.minimum(end, other_end) - torch.maximum(start, other_start)).clamp(min=0)
    return shared / (end - start + other_end - other_start - shared)


def encode(intervals: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """Shift and scale that lead from references to intervals: t_c = (c - c_a) / l_a, t_l = ln(l / l_a) (R-A15)."""
    length = references[..., 1] - references[..., 0]
    shift = (intervals.sum(-1) - references.sum(-1)) / 2 / length
    return torch.stack((shift, ((intervals[..., 1] - intervals[..., 0]) / length).log()), dim=-1)


def decode(offsets: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """The intervals that `encode` gives ``offsets`` for."""
    length = references[..., 1] - references[..., 0]
    middle = references.sum(-1) / 2 + offsets[..., 0] * length
    half = length * offsets[..., 1].clamp(max=LARGEST_SCALE).exp() / 2
    return torch.stack((middle - half, middle + half), dim=-1)


def clip(intervals: torch.Tensor, extent: float, shortest: float) -> torch.Tensor:
    """The parts of the intervals within [0, extent], and no shorter than ``shortest``."""
    start = intervals[..., 0].clamp(0, extent - shortest)
    end = torch.maximum(intervals[..., 1].clamp(max=extent), start + shortest)
    return torch.stack((start, end), dim=-1)


def suppress(intervals, scores, *, threshold: float, keep: int):
    """Greedy non-maximum suppression: the ``keep`` best intervals of each row that survive it.

    An interval goes where it overlaps a better one that stays by more than ``threshold``. One step a
    survivor: for the 972 anchors of a clip that is several times faster than all pairs at once, and no
    step waits for the device.

    intervals : ``(rows, n, 2)``, of positive length
    scores : ``(rows, n)``

    Returns
    -------
    indices : ``(rows, min(keep, n))``, best first
    found : bool, the same shape; False where nothing was left (the index means nothing there)
    """
    start, end = (edge.contiguous() for edge in intervals.unbind(-1))
    weighted = threshold / (1 + threshold) * (end - start)
    left = scores.clone()
    indices, found = [], []
    for _ in range(min(keep, scores.shape[1])):
        best, index = left.max(dim=1, keepdim=True)
        shared = torch.minimum(end, end.gather(1, index)) - torch.maximum(
            start, start.gather(1, index)
        )
        # shared / (a + b - shared) > threshold without the division; below 0 where they are apart
        left.masked_fill_(shared > weighted + weighted.gather(1, index), -math.inf)
        indices.append(index)
        found.append(best)
    return torch.cat(indices, dim=1), torch.cat(found, dim=1) > -math.inf


def label_anchors(references: torch.Tensor, events: Events, extent: float):
    """Which anchors are events, which are background (readings R-A05, R-A16), and whose.

    An anchor is positive if it overlaps an event by at least 0.7, or if none overlaps that event more;
    negative if it overlaps all by less than 0.3. Those that leave the clip are neither.

    references : ``(anchors, 2)``

    Returns
    -------
    positive, negative : bool ``(batch, anchors)``
    match : ``(batch, anchors)``, the event overlapped most
    """
    inside = (references[:, 0] >= 0) & (references[:, 1] <= extent)
    overlap = event_overlaps(references, events) * inside[:, None]  # (batch, anchors, events)
    largest, match = overlap.max(dim=-1)
    best = overlap.amax(dim=1, keepdim=True)
    nearest = ((overlap == best) & (best > 0)).any(-1)
    positive = (largest >= POSITIVE) | nearest
    return positive, (largest < NEGATIVE) & ~positive & inside, match


def event_overlaps(intervals: torch.Tensor, events: Events) -> torch.Tensor:
    """Overlap of intervals ``(batch, n, 2)`` or ``(n, 2)`` with each event; 0 where there is no event."""
    return overlaps(intervals, events.intervals) * events.present[:, None]


def draw(candidates: torch.Tensor, most: torch.Tensor | int) -> torch.Tensor:
    """At most ``most`` of the candidates of each row, bool ``(rows, n)``, at random (torch's generator)."""
    keys = torch.rand(candidates.shape, device=candidates.device).masked_fill_(~candidates, 2)
    rank = keys.argsort(dim=1, stable=True).argsort(dim=1)
    return candidates & (rank < most)


def pool(features: torch.Tensor, intervals: torch.Tensor, bins: int) -> torch.Tensor:
    """Maxima of the features over ``bins`` equal parts of each interval (RoI pooling, Girshick 2015).

    Part i of (s, e) is [s + (e - s) i / bins, s + (e - s) (i + 1) / bins]: all frames it touches, from
    the floor of its start to the ceiling of its end, and the one it lies in where that is no frame.

    features : ``(batch, frames, n)``
    intervals : ``(batch, proposals, 2)``, within the map

    Output: ``(batch, proposals, bins, n)``.
    """
    batch, frames, _ = features.shape
    start, end = intervals[..., None].unbind(-2)  # (batch, proposals, 1)
    edges = start + (end - start) * torch.arange(bins + 1, device=start.device) / bins
    first = edges[..., :-1].floor().long().clamp(0, frames - 1)
    after = edges[..., 1:].ceil().long().clamp(max=frames)
    # maxima over 1, 2, 4, … frames from each on: two of them, overlapping, make up any part
    widest = min(frames, frames // bins + 2)
    maxima = [features]
    for level in range(widest.bit_length() - 1):
        shorter, step = maxima[-1], 2**level
        longer = torch.maximum(shorter[:, :-step], shorter[:, step:])
        maxima.append(torch.cat((longer, shorter[:, -step:]), dim=1))
    table = torch.stack(maxima).flatten(0, 2)
    width = (after - first).clamp(min=1)
    level = torch.frexp(width.float())[1] - 1  # the floor of the logarithm, exactly
    row = (level * batch + torch.arange(batch, device=start.device)[:, None, None]) * frames + first
    last = row + width - 2**level
    return torch.maximum(F.embedding(row, table), F.embedding(last, table))
