"""The R-CRNN clip by clip, in loops over anchors, proposals and events: what `sedutils.models.kao2018` must agree with.

Only the networks' own modules are shared. Batches of laptop size took 4 (detection) and 6 times (training) as long
this way.
"""

import math

import torch
from torch.nn import functional as F

from sedutils.models.kao2018 import ANCHOR_FRAMES


def overlap(a, b):
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)


def encode(interval, reference):
    length = reference[1] - reference[0]
    shift = (sum(interval) - sum(reference)) / 2 / length
    return shift, math.log((interval[1] - interval[0]) / length)


def decode(offsets, reference, extent):
    """The interval, clipped to the clip and at least an input frame long."""
    length = reference[1] - reference[0]
    middle = sum(reference) / 2 + offsets[0] * length
    half = length * math.exp(min(offsets[1], 4)) / 2
    start = min(max(middle - half, 0), extent - 1 / 8)
    return start, max(min(middle + half, extent), start + 1 / 8)


def suppress(intervals, scores, threshold, keep):
    """Indices of greedy non-maximum suppression, best first."""
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if len(kept) < keep and all(overlap(intervals[i], intervals[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


def pool(features, interval, bins):
    """RoI pooling of one interval from features (frames, n)."""
    start, end = interval
    rows = []
    for i in range(bins):
        first = min(math.floor(start + (end - start) * i / bins), len(features) - 1)
        after = min(math.ceil(start + (end - start) * (i + 1) / bins), len(features))
        rows.append(features[first : max(after, first + 1)].amax(dim=0))
    return torch.stack(rows)


def runs(roll):
    """(start, end, class) of the runs of ones of (frames, classes)."""
    found = []
    for label, column in enumerate(roll.T.tolist()):
        for t, active in enumerate(column):
            if active and (t == 0 or not column[t - 1]):
                found.append([t, t + 1, label])
            elif active:
                found[-1][1] = t + 1
    return found


def label_anchors(anchors, events, extent):
    """1 for an event, 0 for background, None for neither; and the event overlapped most."""
    inside = [a[0] >= 0 and a[1] <= extent for a in anchors]
    table = [
        [overlap(a, e) if ok else 0.0 for e in events]
        for a, ok in zip(anchors, inside, strict=True)
    ]
    best = [max(column) for column in zip(*table, strict=True)]
    labels = []
    for row, ok in zip(table, inside, strict=True):
        nearest = any(o == b > 0 for o, b in zip(row, best, strict=True))
        largest = max(row, default=0.0)
        positive = largest >= 0.7 or nearest
        labels.append(1 if positive else 0 if ok and largest < 0.3 else None)
    return labels, [row.index(max(row)) if row else 0 for row in table]


def regions(model, clip):
    """Anchors, scores, offsets, proposals, class logits and refinements of one clip (frames, bands)."""
    features = model.extractor(clip[None])[0]
    scores, offsets = (v[0] for v in model.proposer(features[None]))
    anchors = [
        (t + 0.5 - s / 2, t + 0.5 + s / 2) for t in range(len(features)) for s in ANCHOR_FRAMES
    ]
    extent = len(clip) / 8
    decoded = [decode(o, a, extent) for o, a in zip(offsets.tolist(), anchors, strict=True)]
    proposals = [decoded[i] for i in suppress(decoded, scores.tolist(), 0.7, 100)]
    pooled = torch.stack([pool(features, p, 7) for p in proposals])
    classes, refinements = (v[0] for v in model.classifier(pooled[None]))
    return anchors, scores, offsets, proposals, classes, refinements


@torch.no_grad()
def detect(model, x):
    """For each clip a list of (onset, offset, class, score) in input frames, as `RCRNN.detect` orders them."""
    found = []
    for clip in x:
        *_, proposals, classes, refinements = regions(model, clip)
        events = []
        for label in range(refinements.shape[1]):
            scores = classes.softmax(-1)[:, 1 + label].tolist()
            offsets = refinements[:, label].tolist()
            moved = [decode(o, p, len(clip) / 8) for o, p in zip(offsets, proposals, strict=True)]
            for i in suppress(moved, scores, 0.5, 100):
                events.append((8 * moved[i][0], 8 * moved[i][1], label, scores[i]))
        found.append(events)
    return found


def drawn(candidates, most, keys):
    """At most ``most`` of the candidates, those of the smallest keys."""
    return sorted(candidates, key=lambda i: keys[i])[:most]


def loss(model, x, roll):
    """The loss of the R-CRNN; draws from torch's generator as the network does."""
    anchor_terms, proposal_terms = ([], []), ([], [])  # cross-entropies, distances
    count = len(ANCHOR_FRAMES) * -(-x.shape[1] // 8)
    keys = [torch.rand(len(x), count).tolist() for _ in range(2)]
    for clip, own_roll, *own_keys in zip(x, roll, *keys, strict=True):
        anchors, scores, offsets, proposals, classes, refinements = regions(model, clip)
        events = [(start / 8, end / 8, label) for start, end, label in runs(own_roll)]
        labels, match = label_anchors(anchors, [e[:2] for e in events], len(clip) / 8)
        positive = [i for i, v in enumerate(labels) if v == 1]
        positive = drawn(positive, 128, own_keys[0])
        negative = [i for i, v in enumerate(labels) if v == 0]
        negative = drawn(negative, 256 - len(positive), own_keys[1])
        for i in positive:
            anchor_terms[0].append(-F.logsigmoid(scores[i]))
            target = torch.tensor(encode(events[match[i]][:2], anchors[i]))
            anchor_terms[1].append(F.smooth_l1_loss(offsets[i], target, reduction="sum"))
        anchor_terms[0].extend(-F.logsigmoid(-scores[i]) for i in negative)
        for i, proposal in enumerate(proposals):
            by_event = [overlap(proposal, e) for e in events]
            label = 0
            if by_event and max(by_event) >= 0.5:
                event = events[by_event.index(max(by_event))]
                label = 1 + event[2]
                target = torch.tensor(encode(event[:2], proposal))
                distance = F.smooth_l1_loss(refinements[i, label - 1], target, reduction="sum")
                proposal_terms[1].append(distance)
            proposal_terms[0].append(-classes[i].log_softmax(-1)[label])
    terms = [*anchor_terms, *proposal_terms]
    return sum(torch.stack(values).mean() for values in terms if values)
