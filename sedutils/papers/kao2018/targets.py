"""What one clip teaches the region proposal network: a label and two offsets for each of its anchors."""

from dataclasses import dataclass

import numpy as np
import torch

from sedutils.models import regions
from sedutils.models.kao2018 import ANCHOR_FRAMES, matched
from sedutils.models.residual import STRIDE


@dataclass(frozen=True)
class AnchorLabels:
    """Of every anchor of a clip, in frames of the feature map.

    anchors : ``(anchors, 2)``, frame by frame, in each the shortest first; events : ``(events, 2)``
    kind : 1 for a positive anchor, -1 for a negative one, 0 for one that no loss looks at
    match : the event that it overlaps most, by ``overlap`` (intersection over union)
    offsets : ``(anchors, 2)``, that move and stretch it to this event
    """

    anchors: np.ndarray
    events: np.ndarray
    kind: np.ndarray
    match: np.ndarray
    overlap: np.ndarray
    offsets: np.ndarray


def label_clip(roll: torch.Tensor) -> AnchorLabels:
    """The targets of a clip, as `sedutils.models.kao2018.proposal_loss` takes them.

    roll : activity ``(frames, classes)``; ValueError where nothing is active
    """
    if not roll.any():
        raise ValueError("a clip without an event has no positive anchor: choose another one")
    events = regions.runs(roll[None])
    events = events._replace(intervals=events.intervals / STRIDE)
    extent = len(roll) / STRIDE
    anchors = regions.anchors(-(-len(roll) // STRIDE), torch.tensor(ANCHOR_FRAMES))
    positive, negative, match = regions.label_anchors(anchors, events, extent)
    overlap = regions.event_overlaps(anchors, events).amax(dim=-1)
    offsets = regions.encode(matched(events, match), anchors)
    return AnchorLabels(
        anchors=anchors.numpy(),
        events=events.intervals[0].numpy(),
        kind=positive[0].numpy().astype(int) - negative[0].numpy(),
        match=match[0].numpy(),
        overlap=overlap[0].numpy(),
        offsets=offsets[0].numpy(),
    )
