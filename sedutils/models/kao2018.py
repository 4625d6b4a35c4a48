"""R-CRNN of Kao et al. 2018, "R-CRNN: Region-based Convolutional Recurrent Neural Network for Audio Event
Detection", Sec. 2 and 3.2.

Networks take normalised log mel energies ``(batch, frames, bands)``. Proposals and losses live on the
feature map, one frame of which is eight of the input; what `RCRNN.detect` returns is in input frames.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sedutils.models import regions
from sedutils.models.blocks import Dense, initialise
from sedutils.models.network import pick
from sedutils.models.regions import Events
from sedutils.models.residual import STRIDE, Extractor
from sedutils.models.stopping import StopsByLoss

ANCHOR_FRAMES = (1, 2, 4, 8, 16, 32)  # of the feature map
WINDOW_UNITS = 128  # of the RPN's sliding window
POOLED = 7  # frames an interval is pooled into
PROPOSALS = 100
SAMPLED_ANCHORS = 256  # a clip, at most half of them positive (reading R-A05)
PROPOSAL_OVERLAP, EVENT_OVERLAP = 0.7, 0.5  # more than that is suppressed (reading R-A07)
CLIPS_AT_ONCE = 8  # of those that are only listened to
FOREGROUND = 0.5  # intersection over union of a proposal that counts as an event (reading R-A06)
# Conventions of Faster R-CNN: what divides the two offsets, how many background proposals are drawn for each
# foreground one, and how many jittered copies of each true event stand beside it among the proposals
OFFSET_STDS, BACKGROUNDS, COPIES = (0.1, 0.2), 3, 3


class Regions(NamedTuple):
    """What the R-CRNN says of a batch; intervals and offsets in frames of the feature map, float32."""

    anchors: torch.Tensor  # (anchors, 2)
    scores: torch.Tensor  # (batch, anchors), logits of the RPN
    offsets: torch.Tensor  # (batch, anchors, 2)
    proposals: torch.Tensor  # (batch, proposals, 2), best first
    found: torch.Tensor  # (batch, proposals), bool; suppression may leave fewer
    classes: torch.Tensor  # (batch, proposals, 1 + classes), logits, background first
    refinements: torch.Tensor  # (batch, proposals, classes, 2)
    features: torch.Tensor  # (batch, map frames, n)
    extent: float  # length of the clips


class Detections(NamedTuple):
    """Candidate events, all ``(batch, classes * proposals)``: class by class, the most probable first."""

    onset: torch.Tensor  # in input frames from the clip's start, with fractions; as the offset
    offset: torch.Tensor
    label: torch.Tensor  # index of the class
    score: torch.Tensor  # probability
    present: torch.Tensor  # bool; the rest is filling


class ClipTagger(StopsByLoss):
    """The pre-training of Sec. 3.2: is the event in the clip? Maximum over time, one unit a class (R-A11).

    Output: logits ``(batch, 1, classes)``.
    """

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        widths: tuple[int, int],
        recurrent: Literal["bigru", "gru", "none"],
        units: int,
    ):
        super().__init__()
        self.extractor = Extractor(bands=bands, widths=widths, recurrent=recurrent, units=units)
        self.output = nn.Linear(self.extractor.width, classes)
        initialise(self.output)

    def forward(self, x):
        return self.output(self.extractor(x).amax(dim=1, keepdim=True))

    def loss(self, outputs, targets):
        """Binary cross-entropy of the tags; ``targets`` (batch, frames, classes)."""
        return super().loss(outputs, targets.amax(dim=1, keepdim=True))

    def validation_score(self, validation, *, length):
        """Minus the mean loss to a hundredth: of clips told apart without error it falls for ever."""
        return round(super().validation_score(validation, length=length), 2)


class ProposalNetwork(nn.Module):
    """RPN of Sec. 2.2: a window of three frames, then for each of six anchors a score and two offsets.

    Input ``(batch, frames, n)``, output scores ``(batch, 6 frames)`` and offsets ``(batch, 6 frames, 2)``, which
    are those of its last layer times ``scale``.
    """

    def __init__(self, n: int, scale: tuple[float, float]):
        super().__init__()
        self.window = nn.Conv1d(n, WINDOW_UNITS, 3, padding=1)
        self.scores = nn.Linear(WINDOW_UNITS, len(ANCHOR_FRAMES))
        self.offsets = nn.Linear(WINDOW_UNITS, 2 * len(ANCHOR_FRAMES))
        # buffers are on the device: no step waits for them
        self.register_buffer("sizes", torch.tensor(ANCHOR_FRAMES), persistent=False)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        nn.init.xavier_uniform_(self.window.weight)
        nn.init.zeros_(self.window.bias)
        begin_small(self.scores, self.offsets)

    def forward(self, features):
        h = F.relu(self.window(features.transpose(1, 2))).transpose(1, 2)
        scores, offsets = self.scores(h).float(), self.offsets(h).float()
        return scores.flatten(1), offsets.unflatten(2, (-1, 2)).flatten(1, 2) * self.scale


class RegionClassifier(nn.Module):
    """Sec. 2.3: two dense layers over the pooled frames of a proposal; classes, and two offsets a class.

    Input ``(batch, proposals, 7, n)``, output logits ``(batch, proposals, 1 + classes)``, background first
    (reading R-A03), and offsets ``(batch, proposals, classes, 2)``, scaled as in `ProposalNetwork`.
    """

    def __init__(self, n: int, nodes: int, classes: int, scale: tuple[float, float]):
        super().__init__()
        self.hidden = nn.Sequential(
            Dense(POOLED * n, nodes, dropout=0.5), Dense(nodes, nodes, dropout=0.5)
        )
        self.hidden.apply(initialise)
        self.classes = nn.Linear(nodes, 1 + classes)
        self.offsets = nn.Linear(nodes, 2 * classes)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        begin_small(self.classes, self.offsets)

    def forward(self, pooled):
        h = self.hidden(pooled.flatten(2))
        return self.classes(h).float(), self.offsets(h).float().unflatten(2, (-1, 2)) * self.scale


def begin_small(*layers: nn.Linear) -> None:
    """Weights N(0, 0.01), as Faster R-CNN begins: the first proposals are then the anchors themselves."""
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)


class RCRNN(StopsByLoss):
    """Extractor, region proposal network and final classifier, trained together (Sec. 2, Fig. 1).

    widths, recurrent, units : of the `Extractor`
    nodes : of each dense layer of the final classifier, M in the paper
    conventions : those of Faster R-CNN, which the paper follows without naming them (reading R-A06): offsets in
        standard deviations; true events, and jittered copies of them, among the proposals that teach the
        classifier; three of background for each that is an event. Without: the paper's words alone.
    """

    def __init__(
        self,
        *,
        bands: int,
        classes: int,
        widths: tuple[int, int],
        recurrent: Literal["bigru", "gru", "none"],
        units: int,
        nodes: int,
        conventions: bool = True,
    ):
        super().__init__()
        self.conventions = conventions
        scale = OFFSET_STDS if conventions else (1.0, 1.0)
        self.extractor = Extractor(bands=bands, widths=widths, recurrent=recurrent, units=units)
        self.proposer = ProposalNetwork(self.extractor.width, scale)
        self.classifier = RegionClassifier(self.extractor.width, nodes, classes, scale)
        self.fixed = False

    def begin_from(self, tagger: ClipTagger, *, fixed: bool) -> None:
        """Take over a pre-trained extractor; ``fixed``: no training moves it, nor its norms' statistics (Table 3)."""
        self.extractor.load_state_dict(tagger.extractor.state_dict())
        self.fixed = fixed
        if fixed:
            self.extractor.requires_grad_(False).eval()

    def train(self, mode: bool = True):
        super().train(mode)
        if self.fixed:
            self.extractor.eval()
        return self

    def forward(self, x) -> Regions:
        features = self.extractor(x)  # (batch, map frames, n)
        scores, offsets = self.proposer(features)
        anchors = regions.anchors(features.shape[1], self.proposer.sizes)
        extent = x.shape[1] / STRIDE
        proposals, found = propose(anchors, scores, offsets, extent)
        judged = self.classifier(regions.pool(features, proposals, POOLED))
        return Regions(anchors, scores, offsets, proposals, found, *judged, features, extent)

    def loss(self, outputs: Regions, targets):
        """Eq. 1 twice, of the RPN and of the final classifier; ``targets`` (batch, frames, classes) as `runs` reads
        them."""
        events = regions.runs(targets)
        events = events._replace(intervals=events.intervals / STRIDE)
        first = proposal_loss(outputs, events, self.proposer.scale)
        if not self.conventions:
            return first + classifier_loss(outputs, events)
        outputs, scale = self.with_truth(outputs, events), self.classifier.scale
        return first + classifier_loss(outputs, events, scale, backgrounds=BACKGROUNDS)

    def with_truth(self, outputs: Regions, events: Events) -> Regions:
        """The regions with each true event and `COPIES` jittered ones behind the proposals, and judged as these are.

        Copies are moved and stretched by normal offsets of the standard deviations `OFFSET_STDS`.
        """
        truth = events.intervals[:, :, None].expand(-1, -1, 1 + COPIES, -1)
        offsets = torch.randn(truth.shape, device=truth.device) * self.classifier.scale
        offsets[:, :, 0] = 0
        truth = regions.clip(regions.decode(offsets, truth), outputs.extent, 1 / STRIDE)
        truth = truth.flatten(1, 2)
        present = events.present.repeat_interleave(1 + COPIES, dim=1)
        classes, refinements = self.classifier(regions.pool(outputs.features, truth, POOLED))
        return outputs._replace(
            proposals=torch.cat((outputs.proposals, truth), dim=1),
            found=torch.cat((outputs.found, present), dim=1),
            classes=torch.cat((outputs.classes, classes), dim=1),
            refinements=torch.cat((outputs.refinements, refinements), dim=1),
        )

    @torch.no_grad()
    def detect(self, x) -> Detections:
        """Candidate events of each clip: refined proposals, of each class those that survive suppression."""
        outputs = self(x)
        scores = outputs.classes.softmax(-1)[..., 1:] * outputs.found[..., None]
        scores = scores.transpose(1, 2)  # (batch, classes, proposals)
        intervals = regions.decode(outputs.refinements, outputs.proposals[:, :, None])
        intervals = regions.clip(intervals, outputs.extent, 1 / STRIDE).transpose(1, 2)
        index, found = regions.suppress(
            intervals.flatten(0, 1), scores.flatten(0, 1), threshold=EVENT_OVERLAP, keep=PROPOSALS
        )
        index = index.view_as(scores)
        score = scores.gather(2, index)
        present = found.view_as(score) & (score > 0)
        onset, offset = (STRIDE * edge.gather(2, index) for edge in intervals.unbind(-1))
        label = torch.arange(score.shape[1], device=x.device)[:, None].expand_as(score)
        return Detections(*(v.flatten(1) for v in (onset, offset, label, score, present)))

    def scores_at(self, frames, points, device="auto"):
        """The probability of the surest event of each class that covers each point; see `most_probable`."""
        device = pick(device)
        self.to(device).eval()
        length, parts = int(frames.lengths[0]), []
        points = np.minimum(points, length - 0.5)  # the last frame speaks for what is behind it
        for start in range(0, len(frames), CLIPS_AT_ONCE):
            some = slice(start, start + CLIPS_AT_ONCE)
            x, _ = frames.batch(frames.recordings.first_frame.to_numpy()[some], length)
            found = self.detect(x.to(device))
            at = torch.tensor(points[some], dtype=torch.float32, device=device)
            parts.append(most_probable(found, at, self.classifier.classes.out_features - 1).cpu())
        return torch.cat(parts).numpy()


def of_tagger(arguments: dict, pretraining: dict) -> dict:
    """The section of params.yaml of the tagger that an R-CRNN's extractor comes from, out of the R-CRNN's own.

    pretraining : section ``rcrnn.pretraining``, which replaces its training values
    """
    own = {k: v for k, v in arguments.items() if k not in ("nodes", "conventions")}
    return own | pretraining | {"kind": "ClipTagger"}


@torch.no_grad()
def propose(anchors, scores, offsets, extent: float):
    """The 100 best proposals ``(batch, proposals, 2)``, and which of them are; constants to training (R-A10)."""
    intervals = regions.clip(regions.decode(offsets, anchors), extent, 1 / STRIDE)
    index, found = regions.suppress(intervals, scores, threshold=PROPOSAL_OVERLAP, keep=PROPOSALS)
    return intervals.gather(1, index[..., None].expand(-1, -1, 2)), found


def proposal_loss(outputs: Regions, events: Events, scale=1.0):
    """Eq. 1 over sampled anchors, its first term their mean, its second the mean of the positive ones (R-A08).

    scale : divides offsets and their errors before they are compared
    """
    positive, negative, match = regions.label_anchors(outputs.anchors, events, outputs.extent)
    positive = regions.draw(positive, SAMPLED_ANCHORS // 2)
    count = positive.sum(dim=1, keepdim=True)
    negative = regions.draw(negative, SAMPLED_ANCHORS - count)
    entropy = F.binary_cross_entropy_with_logits(outputs.scores, positive.float(), reduction="none")
    targets = regions.encode(matched(events, match), outputs.anchors)
    location = location_loss(outputs.offsets / scale, targets / scale, positive)
    return mean_over(entropy, positive | negative) + location


def classifier_loss(outputs: Regions, events: Events, scale=1.0, *, backgrounds: int | None = None):
    """Eq. 1 over the proposals, with the softmax's cross-entropy and the offsets of the true class.

    scale : as in `proposal_loss`
    backgrounds : how many proposals of background are drawn for each that is an event, in a clip without any for
        one; None: all count
    """
    largest, match = regions.event_overlaps(outputs.proposals, events).max(dim=-1)
    foreground = outputs.found & (largest >= FOREGROUND)
    counted = outputs.found
    if backgrounds is not None:
        most = backgrounds * foreground.sum(dim=1, keepdim=True).clamp(min=1)
        counted = foreground | regions.draw(outputs.found & ~foreground, most)
    label = events.labels.gather(1, match)
    entropy = F.cross_entropy(
        outputs.classes.flatten(0, 1), ((1 + label) * foreground).flatten(), reduction="none"
    ).view_as(largest)
    own = outputs.refinements.gather(2, label[..., None, None].expand(-1, -1, 1, 2)).squeeze(2)
    targets = regions.encode(matched(events, match), outputs.proposals)
    return mean_over(entropy, counted) + location_loss(own / scale, targets / scale, foreground)


def matched(events: Events, match):
    """The interval of the event that each entry of ``match`` (batch, n) names."""
    return events.intervals.gather(1, match[..., None].expand(-1, -1, 2))


def location_loss(offsets, targets, chosen):
    """Smooth L1 of both offsets, mean over the chosen; ``(batch, n, 2)`` twice and bool ``(batch, n)``."""
    return mean_over(F.smooth_l1_loss(offsets, targets, reduction="none").sum(-1), chosen)


def mean_over(values, chosen):
    """Mean of the chosen values, 0 where none is."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1)


def most_probable(found: Detections, middles: torch.Tensor, classes: int) -> torch.Tensor:
    """The probability of the surest event of each class that covers each point, 0 where there is none.

    All events that survive suppression count (not the surest of a clip alone, as in the paper, whose clips
    hold one): at a threshold the frames that are left are those of all events at least as probable.

    found : candidates of a batch, of each class as many
    middles : ``(batch, points)`` in input frames
    Output: ``(batch, points, classes)``
    """
    onset, offset, score = (
        v.unflatten(1, (classes, -1)) for v in (found.onset, found.offset, found.score)
    )
    score = score * found.present.view_as(score)
    at = middles[:, None, None]
    covered = (onset[..., None] <= at) & (at < offset[..., None])
    return (score[..., None] * covered).amax(dim=2).transpose(1, 2)
