"""Ebbers & Haeb-Umbach 2020: parameter counts, padding, losses by hand, windows against a loop, learning."""

import math
import time

import pytest
import reference_fbcrnn as reference
import torch
from conftest import refused
from torch import nn
from torch.nn import functional as F

from sedutils.decoding.tag_thresholds import macro_f
from sedutils.models import ebbers2020
from sedutils.models.blocks import trainable_parameters
from sedutils.models.ebbers2020 import FBCRNN, TagConditionedCNN
from sedutils.models.padding import turned
from sedutils.models.pooled_crnn import Pooled, PooledCRNN

PAPER = {"bands": 128, "classes": 10, "widths": [16, 32, 64, 128, 256], "units": 256}
NARROW = {"bands": 16, "classes": 3, "widths": [4, 8], "units": 6}
LENGTHS = torch.tensor([23, 17, 9])


def net(kind=FBCRNN, seed=0, **changes):
    """A network that says something: its norms have met data, its weights and biases are of some size."""
    torch.manual_seed(seed)
    model = kind(**NARROW | changes)
    model.train()
    given = (torch.rand(3, 3).round(),) if kind is TagConditionedCNN else ()
    model(torch.randn(3, 23, 16), *given, LENGTHS)
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.add_(0.2 * torch.randn_like(p))
    return model.eval()


def test_paper_size_has_the_number_of_parameters_that_the_layers_give():
    """facts/ebbers2020_fbcrnn.yaml, with one bias a gate; the twins have as many, or fewer inputs."""
    model = FBCRNN(**PAPER)
    assert (
        trainable_parameters(model) == 3484484 == trainable_parameters(FBCRNN(**PAPER, joint=False))
    )
    assert trainable_parameters(model.cnn) == 589872 + 1181952
    assert trainable_parameters(model.forward_rnn) == 789504 - 2 * 3 * 256 + 68362
    knows, blind = TagConditionedCNN(**PAPER), TagConditionedCNN(**PAPER, conditioned=False)
    assert trainable_parameters(knows) == 1591258
    assert trainable_parameters(knows) - trainable_parameters(blind) == 10 * 9 * 16 + 10 * 3 * 256


def test_shapes_of_table_1():
    """What every step gives, (maps, bands), at the paper's size."""
    seen = []
    model = FBCRNN(**PAPER).eval()
    for convolution in (*model.cnn.spectral, *model.cnn.temporal):
        convolution.register_forward_hook(lambda _, __, h: seen.append((h.shape[1], h.shape[3])))
    ahead, back = model(torch.randn(1, 5, 128))
    pairs = [
        ((16, 128), (16, 64)),
        ((32, 64), (32, 32)),
        ((64, 32), (64, 16)),
        ((128, 16), (128, 8)),
    ]
    assert seen == [*(shape for pair in pairs for shape in pair), (256, 4), *[(256, 1)] * 3]
    assert ahead.shape == back.shape == (1, 5, 10)


def test_bands_that_cannot_be_halved_are_refused():
    refused(ValueError, lambda: FBCRNN(**NARROW | {"bands": 18}), "bands = 18", "2 times")


def test_a_convolution_is_norm_relu_and_pooling_over_bands():
    torch.manual_seed(0)
    layer = ebbers2020.Convolution(2, 3, pool=2)
    nn.init.normal_(layer.norm.weight)  # of either sign
    x = torch.randn(2, 2, 7, 6)
    expected = F.max_pool2d(F.relu(layer.norm(layer.conv(x))), (1, 2))
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("kind", [FBCRNN, TagConditionedCNN])
def test_receptive_field(kind):
    model = net(kind, widths=[4, 4, 4])
    assert model.receptive_frames == {FBCRNN: 8, TagConditionedCNN: 8}[kind]
    x = torch.randn(1, 41, 16, requires_grad=True)
    tags = (torch.tensor([[1.0, 0.0, 1.0]]),) if kind is TagConditionedCNN else ()
    h = model.cnn(x, None, *tags)
    (slope,) = torch.autograd.grad(h[0, 20].square().sum(), x)
    seen = slope[0].abs().sum(1).nonzero()[:, 0]
    assert (seen[0], seen[-1]) == (20 - 8, 20 + 8)
    assert FBCRNN(**PAPER).receptive_frames == 12


@pytest.mark.parametrize("kind", [FBCRNN, TagConditionedCNN])
def test_a_padded_clip_says_what_it_says_alone(kind):
    model, x = net(kind), torch.randn(3, 23, 16)
    x[1, 17:], x[2, 9:] = 1e3, math.nan  # whatever lies behind the end
    tags = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 0]])
    given = (tags,) if kind is TagConditionedCNN else ()
    whole = model(x, *given, LENGTHS)
    for i, length in enumerate(LENGTHS.tolist()):
        alone = model(x[i : i + 1, :length], *(t[i : i + 1] for t in given))
        pairs = zip(whole, alone, strict=True) if kind is FBCRNN else [(whole, alone)]
        for padded, single in pairs:
            torch.testing.assert_close(padded[i : i + 1, :length], single, rtol=1e-5, atol=1e-5)
    if kind is FBCRNN:
        clips = [model.tags(model(x[i : i + 1, :n])) for i, n in enumerate(LENGTHS.tolist())]
        torch.testing.assert_close(model.tags(whole, LENGTHS), torch.cat(clips))


@pytest.mark.parametrize(
    "kind, changes",
    [
        (FBCRNN, {}),
        (FBCRNN, {"dense_batch_norm": True}),
        (PooledCRNN, {"pooling": "attention", "dense_batch_norm": True}),
        (PooledCRNN, {"pooling": "linear"}),
    ],
)
def test_statistics_and_gradients_of_training_do_not_know_how_much_is_padded(kind, changes):
    """A norm's statistics are those of the valid frames, as of a batch of nothing else."""
    x, tags = torch.randn(3, 23, 16), torch.rand(3, 3).round()
    results = []
    for extra in (0, 11):
        model = net(kind, **changes).train()
        padded = F.pad(x, (0, 0, 0, extra), value=50.0)
        padded[1, 17:] = 50.0 * extra
        loss = model.loss(model(padded, LENGTHS), tags, LENGTHS)
        weights = [p for p in model.parameters() if p.requires_grad]
        results.append([loss, *torch.autograd.grad(loss, weights), *model.buffers()])
    for some, more in zip(*results, strict=True):
        torch.testing.assert_close(some, more, rtol=1e-3, atol=1e-5)
    layer = ebbers2020.Convolution(1, 2)
    rows = torch.tensor([0, 1, 2, 5, 6])  # of two clips of five frames
    layer(torch.randn(2, 1, 5, 4, generator=(g := torch.Generator().manual_seed(1))), rows)
    h = layer.conv(torch.randn(2, 1, 5, 4, generator=g.manual_seed(1)))
    values = torch.cat((h[0, :, :3], h[1, :, :2]), dim=1).flatten(1)
    torch.testing.assert_close(layer.norm.running_mean, 0.1 * values.mean(1))
    torch.testing.assert_close(layer.norm.running_var, 0.9 + 0.1 * values.var(1))


@pytest.mark.parametrize("pooling", ["attention", "linear"])
def test_poolings_weigh_the_frames_of_a_clip(pooling):
    """By hand, with whatever behind the ends; a clip says what it says alone, and both ends reach every frame."""
    model = net(PooledCRNN, pooling=pooling)
    scores, weights = torch.randn(2, 2, 4, 3).unbind()
    given = Pooled(scores, weights if pooling == "attention" else None)
    found = model.tags(given, torch.tensor([4, 2]))
    for clip, length in enumerate((4, 2)):
        p = scores[clip, :length].sigmoid()
        w = weights[clip, :length].exp() if pooling == "attention" else p
        torch.testing.assert_close(found[clip], (w * p).sum(0) / w.sum(0))
    tags = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    expected = F.binary_cross_entropy(found, tags) * 3  # a sum over classes
    torch.testing.assert_close(model.loss(given, tags, torch.tensor([4, 2])), expected)
    x = torch.randn(3, 23, 16)
    x[1, 17:], x[2, 9:] = 1e3, math.nan
    clips = [model.tags(model(x[i : i + 1, :n])) for i, n in enumerate(LENGTHS.tolist())]
    torch.testing.assert_close(model.tags(model(x, LENGTHS), LENGTHS), torch.cat(clips))
    x = torch.randn(1, 40, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(model(x).scores[0, 20].sum(), x)
    heard = slope[0].abs().sum(1).nonzero()[:, 0].tolist()
    assert min(heard) < 20 - model.receptive_frames and max(heard) > 20 + model.receptive_frames


def test_lengths_that_no_clip_has_are_refused():
    model, x = net(), torch.randn(2, 9, 16)
    refused(ValueError, lambda: model(x, torch.tensor([9, 10])), "9 to 10", "1 to 9 frames")
    refused(ValueError, lambda: model(x, torch.tensor([9, 0])), "0 to 9")


def test_clips_are_turned_within_their_length():
    x = torch.arange(10.0).reshape(2, 5, 1)
    assert turned(x, torch.tensor([5, 3]))[:, :, 0].tolist() == [[4, 3, 2, 1, 0], [7, 6, 5, 8, 9]]
    assert turned(x, None).equal(x.flip(1))


def test_forward_hears_the_past_and_backward_the_future():
    """With the reach of the CNN, and on one time axis (reading E-A03)."""
    model, reach = net(), 6
    x = torch.randn(1, 40, 16, requires_grad=True)
    for scores, frames in zip(
        model(x), (range(20 + reach + 1), range(20 - reach, 40)), strict=True
    ):
        (slope,) = torch.autograd.grad(scores[0, 20].sum(), x, retain_graph=True)
        heard = slope[0].abs().sum(1).nonzero()[:, 0].tolist()
        assert set(heard) <= set(frames) and {frames[0], frames[-1]} & set(heard)


def test_losses_by_hand():
    """Two clips, of three and two frames, one class."""
    ahead = torch.tensor([[[1.0], [-2.0], [0.5]], [[0.3], [2.0], [9.0]]])
    back = torch.tensor([[[0.0], [-1.0], [3.0]], [[-0.4], [1.0], [9.0]]])
    tags, lengths = torch.tensor([[1.0], [0.0]]), torch.tensor([3, 2])
    low = lambda z: math.log1p(math.exp(z))  # noqa: E731
    joint = (low(-1) + low(1) + low(-3)) / 3, (low(0.3) + low(2)) / 2
    loss = FBCRNN(**NARROW).loss((ahead, back), tags, lengths).item()
    assert loss == pytest.approx(sum(joint) / 2)
    alone = (low(-0.5) + low(0)) / 2, (low(2) + low(-0.4)) / 2
    loss = FBCRNN(**NARROW, joint=False).loss((ahead, back), tags, lengths).item()
    assert loss == pytest.approx(sum(alone) / 2)
    targets = torch.tensor([[[1.0], [0.0], [0.0]], [[0.0], [1.0], [1.0]]])
    strong = (low(-1) + low(-2) + low(0.5)) / 3, (low(0.3) + low(-2)) / 2
    model = TagConditionedCNN(**NARROW)
    assert model.loss(ahead, targets, lengths).item() == pytest.approx(sum(strong) / 2)
    classes = model.loss(ahead.expand(-1, -1, 4), targets.expand(-1, -1, 4), lengths).item()
    assert classes == pytest.approx(2 * sum(strong))  # a sum over classes
    same = torch.stack((ahead[0], back[0])), targets[:1].expand(2, -1, -1)
    assert model.loss(*same).item() == pytest.approx(model.loss(*same, torch.tensor([3, 3])).item())


def test_only_joint_training_reaches_frames_before_the_last():
    x = torch.randn(1, 30, 16)
    for joint in (True, False):
        model = net(joint=joint)
        outputs = [y.detach().requires_grad_() for y in model(x)]
        slopes = torch.autograd.grad(model.loss(outputs, torch.ones(1, 3)), outputs)
        touched = [s[0].abs().sum(1).nonzero()[:, 0].tolist() for s in slopes]
        every = {*touched[0], *touched[1]}
        assert every == set(range(30)) if joint else touched == [[29], [0]]


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("contexts", [[3], [0, 2, 5], [30, 1]])
def test_windows_of_all_frames_at_once_are_those_cut_one_by_one(contexts, lengths, monkeypatch):
    """Windows at the ends of clips, longer than clips, and of a single frame; blocks that split clips."""
    model, x = net(), torch.randn(3, 23, 16)
    monkeypatch.setattr(ebbers2020, "FEWEST", 20)
    monkeypatch.setattr(ebbers2020, "BLOCK_BYTES", {"cpu": 0})
    for ours, loop in (
        (model.detect, reference.detect),
        (model.detect_from_input, reference.detect_from_input),
    ):
        found, expected = ours(x, contexts, lengths), loop(model, x, contexts, lengths)
        assert found.shape == (len(contexts), 3, 23, 3) and found.std() > 0.02
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_cutting_the_input_hears_nothing_outside_a_window():
    model, x = net(), torch.randn(1, 40, 16)
    other = x.clone()
    other[0, 30:] += 5
    reach = model.receptive_frames
    for detect, nearest in ((model.detect, 30 - 4 - reach), (model.detect_from_input, 30 - 4)):
        changed = (detect(x, [4]) != detect(other, [4])).any(-1)[0, 0].nonzero()[:, 0]
        assert changed.min() >= nearest and changed.min() <= nearest + 2


def test_windows_are_many_times_faster_at_once():
    """27 times were measured with batches of laptop size; of fewer frames and on a busy machine it is less."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = FBCRNN(bands=64, classes=10, widths=[8, 8, 16, 16, 32], units=32).eval()
    x = torch.randn(4, 100, 64)
    model.detect(x, [3, 5, 10])
    times = []
    for detect in (
        lambda: model.detect(x, [3, 5, 10]),
        lambda: reference.detect(model, x[:1], [3, 5, 10]),
    ):
        tries = []
        for _ in range(3):
            start = time.perf_counter()
            detect()
            tries.append(time.perf_counter() - start)
        times.append(min(tries))
    assert 4 * times[1] > 10 * times[0]


def test_tags_enter_in_two_places():
    """Beside the input and beside the stacked maps; the blind twin hears none."""
    model, x = net(TagConditionedCNN), torch.randn(1, 12, 16)
    tags = torch.tensor([[0.0, 1.0, 0.0]])
    with torch.no_grad():
        first, second = model.cnn.spectral[0].conv.weight, model.cnn.temporal[0].conv.weight
        assert first.shape[1] == 1 + 3 and second.shape[1] == 8 * 4 + 3
        silent = model(x, torch.zeros(1, 3))
        kept = first[:, 1:].clone()
        first[:, 1:] = 0
        late = model(x, tags)
        second[:, -3:] = 0
        torch.testing.assert_close(model(x, tags), silent)
        first[:, 1:] = kept
        early = model(x, tags)
    assert (late - silent).abs().max() > 1e-3 and (early - silent).abs().max() > 1e-3
    blind = net(TagConditionedCNN, conditioned=False)
    torch.testing.assert_close(blind(x, tags), blind(x, 1 - tags), rtol=0, atol=0)


def test_half_precision_stops_before_the_losses():
    model, x = net().to(memory_format=torch.channels_last).train(), torch.randn(3, 23, 16)
    with torch.autocast("cpu", torch.bfloat16):
        h = model.cnn(x, LENGTHS)
        found = model.tags([torch.randn(3, 23, 3).bfloat16()] * 2, LENGTHS)
    assert h.dtype == torch.bfloat16 and found.dtype == torch.float32
    h.float().sum().backward()
    assert torch.isfinite(model.cnn.spectral[0].conv.weight.grad).all()


def beeps(clips, generator):
    """Noise of 60 frames; in half of the clips a louder block of 12 in the upper or the lower bands."""
    x, roll = torch.randn(clips, 60, 16, generator=generator), torch.zeros(clips, 60, 2)
    for b in range(clips):
        for k in range(2):
            if torch.rand(1, generator=generator) < 0.5:
                start = int(torch.randint(0, 48, (1,), generator=generator))
                roll[b, start : start + 12, k] = 1
                x[b, start : start + 12, 8 * k : 8 * k + 8] += 2.0
    return x, roll


def test_it_learns_times_from_tags():
    """After training on clip tags alone short windows are higher where the events are.

    By thresholds of their own: the maximum may leave one direction at a probability of a half for long, where the
    other one has learnt the class.
    """
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(0)
    model = FBCRNN(bands=16, classes=2, widths=[4, 8], units=12).train()
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
    for _ in range(100):
        x, roll = beeps(12, generator)
        loss = model.loss(model(x), roll.amax(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x, roll = beeps(40, generator)
    with torch.no_grad():
        tags = model.eval().tags(model(x))
    assert macro_f(tags.numpy(), roll.amax(1).numpy()) > 0.9
    near = model.detect(x, [3])[0]
    there = roll.amax(1, keepdim=True).expand_as(roll).bool()
    assert near[roll.bool()].median() > near[there & ~roll.bool()].median() + 0.25
