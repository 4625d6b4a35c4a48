"""Kao et al. 2018: parameter counts, the feature map, losses and detection against loops, learning."""

import numpy as np
import pandas as pd
import pytest
import reference_rcrnn as reference
import torch
from conftest import refused
from torch.nn import functional as F

from sedutils.features.frames import Frames
from sedutils.models import kao2018, regions
from sedutils.models.blocks import keras_parameters
from sedutils.models.kao2018 import RCRNN, ClipTagger, Detections
from sedutils.models.residual import Extractor
from sedutils.training.loop import full_precision
from sedutils.training.rare import event_table

NARROW = {"widths": (4, 8), "recurrent": "bigru", "units": 8}
HOP_S = 1024 / 44100


def net(seed=0, *, bands=32, classes=1, nodes=16, **other):
    torch.manual_seed(seed)
    return RCRNN(bands=bands, classes=classes, nodes=nodes, **NARROW | other)


# Table 2, and the parts that facts/kao2018_rcrnn.yaml derives from it
@pytest.mark.parametrize(
    ("units", "nodes", "total", "recurrent", "proposer", "classifier"),
    [
        (50, 128, 1110874, 284100, 40850, 106756),
        (50, 256, 1250394, 284100, 40850, 246276),
        (100, 256, 1782094, 598200, 79250, 425476),
    ],
)
def test_paper_size_has_the_published_number_of_parameters(
    units, nodes, total, recurrent, proposer, classifier
):
    model = net(bands=64, widths=(64, 128), units=units, nodes=nodes)
    assert keras_parameters(model) == total
    assert keras_parameters(model.extractor) - keras_parameters(model.extractor.recurrent) == 679168
    assert keras_parameters(model.extractor.recurrent) == recurrent
    assert keras_parameters(model.proposer) == proposer
    assert keras_parameters(model.classifier) == classifier


@pytest.mark.parametrize("nodes", [16, 128])
def test_a_further_class_costs_3m_plus_3_parameters(nodes):
    counts = [keras_parameters(net(classes=k, nodes=nodes)) for k in (1, 2, 5)]
    assert counts[1] - counts[0] == 3 * nodes + 3
    assert counts[2] - counts[0] == 4 * (3 * nodes + 3)


@pytest.mark.parametrize(
    ("recurrent", "bands", "n"),
    [("bigru", 64, 10), ("gru", 64, 5), ("none", 64, 7 * 8), ("none", 40, 4 * 8), ("none", 13, 8)],
)
def test_shape_of_the_feature_map(recurrent, bands, n):
    extractor = Extractor(bands=bands, widths=(4, 8), recurrent=recurrent, units=5)
    assert extractor.width == n
    for frames, left in ((1292, 162), (1290, 162), (8, 1), (1, 1)):
        assert extractor(torch.randn(2, frames, bands)).shape == (2, left, n)


def test_knobs_that_cannot_be_are_refused():
    refused(ValueError, lambda: net(bands=12), "bands = 12")
    refused(ValueError, lambda: net(recurrent="lstm"), "recurrent = 'lstm'")


def test_a_frame_of_the_map_sees_its_eight_input_frames_in_the_middle():
    torch.manual_seed(0)
    extractor = Extractor(bands=64, widths=(4, 8), recurrent="none", units=1).eval()
    for frames in (400, 397):
        x = torch.randn(1, frames, 64, requires_grad=True)
        (slope,) = torch.autograd.grad(extractor(x)[0, 25].sum(), x)
        seen = slope[0].abs().sum(1).nonzero()[:, 0]
        assert (seen[0] + seen[-1]) / 2 == 8 * 25 + 3


def test_units_normalise_and_rectify_before_their_convolutions():
    """A unit by its parts; the stem's norm takes the place of the first one's."""
    torch.manual_seed(0)
    first, second, narrower, _ = (
        Extractor(bands=64, widths=(4, 8), recurrent="none", units=1).eval().units
    )
    x = torch.randn(1, 4, 12, 9)
    h = first.convs[0](torch.relu(x))
    torch.testing.assert_close(first(x), x + first.convs[1](torch.relu(first.norms[1](h))))
    h = second.convs[0](torch.relu(second.norms[0](x)))
    torch.testing.assert_close(second(x), x + second.convs[1](torch.relu(second.norms[1](h))))
    assert narrower(x).shape == (1, 8, 6, 4)
    with torch.no_grad():
        narrower.convs[1].weight.zero_()
    shortcut = torch.einsum("oi,bitf->botf", narrower.shortcut.weight[..., 0, 0], x)
    torch.testing.assert_close(narrower(x), shortcut[:, :, ::2, 1:-1:2])


def busy(model):
    """The same network with outputs that say something: offsets and logits of some size."""
    with torch.no_grad():
        for layer in (
            model.proposer.scores,
            model.proposer.offsets,
            model.classifier.classes,
            model.classifier.offsets,
        ):
            torch.nn.init.normal_(layer.weight, std=0.3)
    return model.eval()


def random_clips(batch=4, frames=500, bands=32, classes=3):
    """Noise, and a roll with no, one or several events a clip and class."""
    torch.manual_seed(1)
    roll = torch.zeros(batch, frames, 3)
    for b, c, start, length in [(1, 0, 30, 100), (2, 0, 0, 20), (2, 0, 60, 200), (2, 2, 90, 33)]:
        roll[b, start : start + length, c] = 1
    roll[3, 460:, 1] = 1
    return torch.randn(batch, frames, bands), roll[..., :classes]


@pytest.mark.parametrize("classes", [1, 3])
def test_detection_is_the_loop_over_clips_and_proposals(classes):
    model = busy(net(classes=classes))
    x, _ = random_clips(classes=classes)
    detections = model.detect(x)
    assert detections.onset.shape == (4, classes * 100)
    kept = 0
    for b, expected in enumerate(reference.detect(model, x)):
        own = [v[b][detections.present[b]] for v in detections[:4]]
        assert own[2].tolist() == [e[2] for e in expected]
        for ours, loop in zip(own, zip(*expected, strict=True), strict=True):
            torch.testing.assert_close(
                ours.double(), torch.tensor(loop).double(), rtol=1e-3, atol=1e-3
            )
        assert (own[0] >= 0).all() and (own[1] <= 500).all() and (own[1] - own[0] > 0.99).all()
        kept += len(expected)
    assert 4 * classes < kept < 4 * classes * 100


@pytest.mark.parametrize("seed", range(2))
def test_loss_and_gradients_are_those_of_the_loop(seed):
    model = busy(net(seed, classes=3, conventions=False))
    x, roll = random_clips()
    weights = [w for w in model.parameters() if w.requires_grad]
    results = []
    for loss_of in (lambda: model.loss(model(x), roll), lambda: reference.loss(model, x, roll)):
        torch.manual_seed(7)
        loss = loss_of()
        results.append([loss, *torch.autograd.grad(loss, weights)])
    for ours, loop in zip(*results, strict=True):
        torch.testing.assert_close(ours, loop, rtol=1e-3, atol=1e-5)


def test_losses_by_hand():
    """One clip of four frames, two of them an event; two anchors, two proposals, two classes."""
    events = regions.Events(
        torch.tensor([[[1.0, 3.0]]]), torch.tensor([[1]]), torch.tensor([[True]])
    )
    outputs = kao2018.Regions(
        anchors=torch.tensor([[1.0, 3.0], [3.0, 4.0]]),
        scores=torch.tensor([[0.0, torch.logit(torch.tensor(0.2))]]),
        offsets=torch.tensor([[[0.5, 2.0], [9.0, 9.0]]]),
        proposals=torch.tensor([[[1.0, 3.5], [3.0, 4.0]]]),
        found=torch.tensor([[True, True]]),
        classes=torch.log(torch.tensor([[[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]])),
        refinements=torch.zeros(1, 2, 2, 2),
        features=torch.zeros(1, 4, 1),
        extent=4.0,
    )
    log = lambda p: torch.tensor(p).log().item()  # noqa: E731
    entropy = -(log(0.5) + log(0.8)) / 2
    distance = 0.5 * 0.5**2 + (2 - 0.5)  # quadratic below 1, linear above
    assert kao2018.proposal_loss(outputs, events).item() == pytest.approx(entropy + distance)
    entropy = -(log(0.5) + log(0.6)) / 2
    distance = 0.5 * 0.1**2 + 0.5 * log(2 / 2.5) ** 2
    assert kao2018.classifier_loss(outputs, events).item() == pytest.approx(entropy + distance)
    none = events._replace(present=torch.tensor([[False]]))
    assert kao2018.proposal_loss(outputs, none).item() == pytest.approx(-(log(0.5) + log(0.8)) / 2)
    lone = outputs._replace(found=torch.tensor([[True, False]]))
    assert kao2018.classifier_loss(lone, none).item() == pytest.approx(-log(0.2))
    scale = torch.tensor([0.1, 0.2])
    distance = (5 - 0.5) + (10 - 0.5)  # in standard deviations
    assert kao2018.proposal_loss(outputs, events, scale).item() == pytest.approx(
        -(log(0.5) + log(0.8)) / 2 + distance
    )
    distance = (0.1 / 0.1 - 0.5) + (-log(2 / 2.5) / 0.2 - 0.5)
    assert kao2018.classifier_loss(outputs, events, scale).item() == pytest.approx(
        -(log(0.5) + log(0.6)) / 2 + distance
    )


def many_proposals(clips, count, foreground):
    """Clips of one event each, so many proposals of which are it, the last clip without an event; all logits differ."""
    events = regions.Events(
        torch.tensor([[[8.0, 16.0]]] * clips),
        torch.zeros(clips, 1, dtype=torch.long),
        torch.arange(clips)[:, None] < clips - 1,
    )
    far = torch.tensor([20.0, 28.0]).repeat(clips, count - foreground, 1)
    logits = torch.zeros(clips, count, 2, requires_grad=True)
    outputs = kao2018.Regions(
        anchors=torch.zeros(1, 2),
        scores=torch.zeros(clips, 1),
        offsets=torch.zeros(clips, 1, 2),
        proposals=torch.cat((events.intervals.expand(-1, foreground, -1), far), dim=1),
        found=torch.ones(clips, count, dtype=torch.bool),
        classes=logits,
        refinements=torch.zeros(clips, count, 1, 2),
        features=torch.zeros(clips, 32, 1),
        extent=32.0,
    )
    return outputs, events


@pytest.mark.parametrize(("foreground", "background"), [(4, 12), (1, 3), (0, 3), (15, 15)])
def test_three_proposals_of_background_are_drawn_for_each_event(foreground, background):
    """Those that count are the ones with a gradient; of a clip without event as many as for one."""
    outputs, events = many_proposals(3, 30, foreground)
    loss = kao2018.classifier_loss(outputs, events, backgrounds=kao2018.BACKGROUNDS)
    counted = torch.autograd.grad(loss, outputs.classes)[0].abs().sum(-1) > 0
    assert counted[:2].sum(1).tolist() == [foreground + background] * 2
    assert counted[:2, :foreground].all() and counted[2].sum() == 3
    every = torch.autograd.grad(kao2018.classifier_loss(outputs, events), outputs.classes)[0]
    assert (every.abs().sum(-1) > 0).all()


def test_true_events_stand_among_the_proposals_that_teach():
    """Each event once as it is and three times moved, behind the proposals; judged from the same features."""
    model = busy(net(classes=3))
    x, roll = random_clips()
    outputs, events = model(x), regions.runs(roll)
    events = events._replace(intervals=events.intervals / 8)
    more = model.with_truth(outputs, events)
    count, most = outputs.proposals.shape[1], events.present.shape[1]
    assert more.proposals.shape == (4, count + 4 * most, 2)
    torch.testing.assert_close(more.proposals[:, :count], outputs.proposals)
    truth, found = more.proposals[:, count:].unflatten(1, (most, 4)), more.found[:, count:]
    assert torch.equal(found.unflatten(1, (most, 4)), events.present[..., None].expand(-1, -1, 4))
    torch.testing.assert_close(truth[:, :, 0][events.present], events.intervals[events.present])
    copies = truth[:, :, 1:][events.present]
    overlap = regions.overlaps(copies, events.intervals[events.present][:, None])[..., 0]
    assert (overlap < 1).all() and overlap.median() > 0.6
    assert (more.proposals >= 0).all() and (more.proposals <= 62.5).all()
    classes, _ = model.classifier(regions.pool(outputs.features, more.proposals, 7))
    torch.testing.assert_close(more.classes, classes)
    torch.manual_seed(3)
    loss = model.loss(outputs, roll)
    assert torch.autograd.grad(loss, model.extractor.stem.weight)[0].abs().sum() > 0


@pytest.mark.parametrize("conventions", [True, False])
def test_offsets_come_back_from_their_normalisation(conventions):
    """What a head says is in standard deviations; what leaves it is in lengths of the anchor or proposal."""
    model = net(conventions=conventions).eval()
    x, _ = random_clips(classes=1)
    assert model.proposer.scale.tolist() == pytest.approx([0.1, 0.2] if conventions else [1, 1])
    with torch.no_grad():
        for head in (model.proposer, model.classifier):
            head.offsets.weight.zero_()
            head.offsets.bias.copy_(torch.tensor([0.5, 1.0]).repeat(len(head.offsets.bias) // 2))
        outputs = model(x)
    scale = model.proposer.scale
    for offsets in (outputs.offsets, outputs.refinements):
        torch.testing.assert_close(offsets, (torch.tensor([0.5, 1.0]) * scale).expand_as(offsets))
    # an anchor that every head moves by half a deviation and stretches by one: the event is where it comes to lie
    event = regions.decode(outputs.offsets[0, 300], outputs.anchors[300])
    target = regions.encode(event, outputs.anchors[300])
    torch.testing.assert_close(target / scale, torch.tensor([0.5, 1.0]))


def test_proposals_are_constants_to_training():
    """Reading R-A10: the classifier's loss does not reach the RPN."""
    model = net(classes=3)
    x, roll = random_clips()
    events = regions.runs(roll)
    events = events._replace(intervals=events.intervals / 8)
    loss = kao2018.classifier_loss(model(x), events)
    weights = list(model.proposer.parameters())
    assert all(g is None for g in torch.autograd.grad(loss, weights, allow_unused=True)[-4:])
    assert torch.autograd.grad(loss, model.extractor.stem.weight)[0].abs().sum() > 0


def test_half_precision_stops_before_the_outputs():
    """As `training.fit` runs it on a GPU: bfloat16 inside, intervals and logits in float32."""
    model = net(recurrent="none", classes=3).to(memory_format=torch.channels_last)
    x, roll = random_clips()
    with torch.autocast("cpu", torch.bfloat16):
        outputs = full_precision(model(x))
    tensors = [v for v in outputs if torch.is_tensor(v) and v.dtype != torch.bool]
    assert {v.dtype for v in tensors} == {torch.float32}
    loss = model.loss(outputs, roll)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(model.extractor.stem.weight.grad).all()


@pytest.mark.parametrize("fixed", [True, False])
def test_regimes_of_pretraining(fixed):
    """Table 3: the extractor of the tagger moves with training, or nothing of it does."""
    torch.manual_seed(5)
    tagger = ClipTagger(bands=32, classes=1, **NARROW)
    x, roll = random_clips(classes=1)
    tagger(x)  # statistics of the norms that are not those of a new network
    model = net()
    assert not torch.equal(model.extractor.stem.weight, tagger.extractor.stem.weight)
    model.begin_from(tagger, fixed=fixed)
    before = {k: v.clone() for k, v in model.extractor.state_dict().items()}
    for name, value in tagger.extractor.state_dict().items():
        assert torch.equal(before[name], value)
    heads = model.proposer.window.weight.clone()
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    model.train()
    model.loss(model(x), roll).backward()
    optimiser.step()
    moved = {k for k, v in model.extractor.state_dict().items() if not torch.equal(before[k], v)}
    if fixed:
        assert not moved
    else:
        assert {"stem.weight", "norm.running_mean", "recurrent.gru.weight_hh_l0"} <= moved
        assert not any("bias_hh" in k for k in moved)
    assert not torch.equal(model.proposer.window.weight, heads)
    assert model.classifier.training and model.extractor.training != fixed


def test_tagger_gives_one_logit_a_clip_and_class():
    tagger = ClipTagger(bands=32, classes=3, **NARROW).eval()
    x = torch.randn(2, 100, 32)
    assert tagger(x).shape == (2, 1, 3)
    expected = tagger.output(tagger.extractor(x).max(dim=1).values)
    torch.testing.assert_close(tagger(x)[:, 0], expected)


def test_both_networks_are_judged_by_their_loss_on_validation_clips():
    """The mean over clips, ten of which go at a time; drawn anchors are the same in every epoch."""
    clips = 23
    x, roll = random_clips(clips, frames=128, classes=1)
    table = pd.DataFrame({"frames": 128, "first_frame": 128 * np.arange(clips)})
    arrays = x.reshape(-1, 32).numpy(), roll.reshape(-1, 1).numpy()
    frames = Frames(*arrays, table, torch.zeros(32), torch.ones(32))
    torch.manual_seed(6)
    tagger = ClipTagger(bands=32, classes=1, **NARROW)
    score = tagger.validation_score(frames, length=128)
    tags = roll.amax(dim=1)
    expected = F.binary_cross_entropy_with_logits(tagger(x)[:, 0], tags)
    assert not tagger.training and score == round(-expected.item(), 2)
    detector = net()
    before = torch.get_rng_state()
    score = detector.validation_score(frames, length=128)
    assert score == detector.validation_score(frames, length=128) < 0
    assert torch.equal(torch.get_rng_state(), before)


def test_table_of_events():
    detections = Detections(
        onset=torch.tensor([[10.0, 30.0, 5.0, 7.0], [1.0, 2.0, 3.0, 4.0]]),
        offset=torch.tensor([[20.0, 40.0, 6.0, 8.0], [2.0, 3.0, 4.0, 5.0]]),
        label=torch.tensor([[0, 0, 1, 1]] * 2),
        score=torch.tensor([[0.9, 0.8, 0.95, 0.7], [0.3, 0.2, 0.99, 0.98]]),
        present=torch.tensor([[True, True, True, True], [True, True, False, True]]),
    )
    given = {"recordings": ["a", "b"], "labels": ["cat", "dog"], "hop_s": 0.5}
    every = event_table(detections, **given, single=False, threshold=0.8)
    rows = [["a", 2.5, 3, "dog"], ["a", 5, 10, "cat"], ["a", 15, 20, "cat"], ["b", 2, 2.5, "dog"]]
    assert every.drop(columns="score").to_numpy().tolist() == rows
    assert every.score.tolist() == pytest.approx([0.95, 0.9, 0.8, 0.98])
    single = event_table(detections, **given)
    assert single.drop(columns="score").to_numpy().tolist() == [rows[0], rows[1], rows[3]]
    none = event_table(detections, **given, threshold=1.0)
    assert none.empty and list(none) == ["recording", "onset_s", "offset_s", "label", "score"]


def bright_blocks(clips, generator, probability):
    """Noise of 320 frames; in some clips a brighter block in 8 of 24 bands, 0.4 to 2.3 s long."""
    x, roll = torch.randn(clips, 320, 24, generator=generator), torch.zeros(clips, 320, 1)
    for b in range(clips):
        if torch.rand(1, generator=generator) < probability:
            length = int(torch.randint(16, 100, (1,), generator=generator))
            start = int(torch.randint(0, 320 - length, (1,), generator=generator))
            roll[b, start : start + length] = 1
            x[b, start : start + length, 4:12] += 1.5
    return x, roll


def found_onsets(model, x, roll):
    """How many onsets are found within 0.5 s, how many events there are, and how many are put out, from the
    paper's probability of 0.8 on."""
    detections = model.eval().detect(x)
    table = event_table(
        detections, recordings=range(len(x)), labels=["block"], hop_s=HOP_S, threshold=0.8
    )
    onsets = {b: HOP_S * start for b, r in enumerate(roll) for start, *_ in reference.runs(r)}
    hits = sum(abs(onsets.get(r.recording, 1e9) - r.onset_s) <= 0.5 for r in table.itertuples())
    return hits, len(onsets), len(table)


def test_it_learns_to_find_events():
    generator = torch.Generator().manual_seed(5)
    x, roll = bright_blocks(60, generator, 0.5)
    model = net(bands=24, nodes=64)
    assert found_onsets(model, x, roll)[0] <= 10
    optimiser = torch.optim.Adam(model.parameters(), lr=0.004)
    model.train()
    for _ in range(70):
        batch, y = bright_blocks(8, generator, 0.9)
        loss = model.loss(model(batch), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    hits, events, output = found_onsets(model, x, roll)
    assert events > 20 and hits >= 0.8 * events and hits >= 0.8 * output
