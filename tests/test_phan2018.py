"""Phan et al. 2018: parameter counts, layers, losses by hand, target triplets."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sedutils.features import triplets
from sedutils.features.frames import Frames
from sedutils.models import phan2018
from sedutils.models.blocks import trainable_parameters
from sedutils.models.kinds import KINDS
from sedutils.models.phan2018 import BidirectionalGRU

PAPER = {"maps": 256, "pool": [5, 4, 2], "filter_shape": [5, 5], "units": 256, "dropout": 0.25}
NARROW = PAPER | {"maps": 6, "units": 5}


def net(kind, classes=3, arguments=NARROW):
    torch.manual_seed(0)
    return KINDS[kind](bands=40, classes=classes, **arguments)


def test_states_that_are_to_last_do():
    """What the last states know of the first frame, 100 frames before; biases of the other gates stay zero."""

    def known(memory):
        torch.manual_seed(1)
        model = phan2018.MultiTaskCRNN(bands=40, classes=2, memory=memory, **NARROW)
        x = torch.randn(1, 101, 6, requires_grad=True)
        (states,) = model.eval().recurrent(x)
        states[-1, :5].sum().backward()  # the forward ones
        return model.recurrent.gru.bias_ih_l0.detach().chunk(3), x.grad[0, 0].norm().item()

    (reset, update, new), lasting = known(501)
    kept = update.sigmoid()
    assert (kept >= 0.5).all() and (kept <= 1 - 1 / 502).all() and not reset.any() and not new.any()
    biases, forgotten = known(0)
    assert not torch.cat(biases).any() and lasting > 1000 * forgotten


# By the arithmetic of Sec. 2.2-2.4 with the residual added, not concatenated (reading B03)
@pytest.mark.parametrize(
    ("kind", "classes", "parameters"),
    [
        ("MultiTaskCRNN", 16, 4493360),
        ("MultiTaskCRNN", 12, 4487204),
        ("MultiLabelCRNN", 16, 4476944),
        ("MultiLabelCRNN", 12, 4474892),
    ],
)
def test_paper_size_has_the_recomputed_number_of_parameters(kind, classes, parameters):
    assert trainable_parameters(net(kind, classes, PAPER)) == parameters


def test_logits_are_triplets_or_activities():
    x = torch.randn(2, 30, 40)
    assert net("MultiTaskCRNN")(x).shape == (2, 30, 3, 3)
    assert net("MultiLabelCRNN")(x).shape == (2, 30, 3)


def test_outputs_are_activities_then_onset_then_offset_distances():
    proposed = net("MultiTaskCRNN").eval()
    with torch.no_grad():
        proposed.output.weight.zero_()
        proposed.output.bias.copy_(torch.arange(9.0))
    assert proposed(torch.randn(1, 4, 40))[0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_the_residual_is_added_to_the_projected_states():
    """Eqs. 1, 4 and 5 from the parts."""
    proposed = net("MultiTaskCRNN").eval()
    x = torch.randn(2, 30, 40)
    maps = proposed.convolutions(x[:, None])  # one band is left
    assert maps.shape == (2, 6, 30, 1)
    features = maps[..., 0].transpose(1, 2)
    dense = proposed.residual
    normed = dense.norm(dense.linear(features).transpose(1, 2)).transpose(1, 2)
    a = torch.relu(normed) + proposed.projection(proposed.recurrent(features))
    expected = proposed.output(a).reshape(2, 30, 3, 3)
    torch.testing.assert_close(proposed(x), expected)


def test_bidirectional_gru_is_torchs_in_output_and_gradients():
    torch.manual_seed(0)
    layer = BidirectionalGRU(7, 5, dropout=0.0)
    torch.nn.init.normal_(layer.gru.bias_ih_l0_reverse)
    x = (3 * torch.randn(3, 11, 7)).requires_grad_()
    pull = torch.randn(3, 11, 10)
    weights = [w for w in layer.gru.parameters() if w.requires_grad]
    assert len(weights) == 6
    results = []
    for states in (layer(x), layer.gru(x)[0]):
        results.append((states, *torch.autograd.grad((states * pull).sum(), (x, *weights))))
    for ours, torchs in zip(*results, strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-4, atol=1e-5)


def test_dropout_of_the_gru_is_off_in_evaluation_and_on_at_both_ends_in_training():
    torch.manual_seed(0)
    layer = BidirectionalGRU(6, 40, dropout=0.5)
    x = torch.randn(2, 20, 6)
    dropped = layer(x) == 0
    assert torch.equal(dropped.all(1), dropped.any(1))  # a unit is dropped for the whole sequence
    assert 0.3 < dropped.float().mean() < 0.7
    layer.output_dropout.rate = 0.0
    assert not torch.equal(layer(x), layer(x))  # the inputs' dropout alone
    layer.eval()
    assert torch.equal(layer(x), layer(x))


def test_every_frame_hears_the_whole_segment():
    proposed = net("MultiTaskCRNN").eval()
    x = torch.randn(1, 60, 40)
    y = x.clone()
    y[0, 30] += 1
    assert ((proposed(x) - proposed(y)).abs().amax((-1, -2)) > 0).all()


def test_losses_by_hand():
    """Two frames, two classes; the second class is inactive throughout."""
    activity = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])  # (1, 2 frames, 2 classes)
    probabilities = torch.tensor([[[0.5, 0.25], [0.8, 0.5]]])
    distances = torch.tensor([[[[0.2, 0.0], [0.4, 0.0]], [[0.3, 0.0], [0.3, 0.0]]]])
    estimates = torch.tensor([[[[0.1, 0.5], [0.6, 0.0]], [[0.3, 0.0], [0.3, 0.1]]]])
    logits = torch.logit(probabilities)

    frame_1 = math.log(2) - math.log(0.75)
    frame_2 = -math.log(0.8) + math.log(2)
    classes = (frame_1 + frame_2) / 2
    assert phan2018.classification_loss(logits, activity).item() == pytest.approx(classes)

    frame_1 = 0.1**2 + 0.2**2 + 0.5**2
    frame_2 = 0.1**2
    distance = (frame_1 + frame_2) / 2
    assert phan2018.distance_loss(estimates, distances).item() == pytest.approx(distance)

    # frame 1: intersection 0.1 + 0.4, union 0.2 + 0.6; frame 2: exact, ratio 1; inactive: 0 / union
    confidence = (1 - 0.5 / 0.8) ** 2 / 2
    found = phan2018.confidence_loss(estimates, distances, activity).item()
    assert found == pytest.approx(confidence, abs=1e-6)

    triplets = torch.cat((activity[:, :, None], distances), dim=2)
    output = torch.cat((logits[:, :, None], torch.logit(estimates)), dim=2)
    total = phan2018.multitask_loss(output, triplets).item()
    assert total == pytest.approx(classes + distance + confidence, abs=1e-6)


def test_a_batch_counts_as_the_mean_of_its_examples():
    torch.manual_seed(0)
    logits, triplets = torch.randn(4, 5, 3, 2), torch.rand(4, 5, 3, 2)
    alone = [phan2018.multitask_loss(logits[[i]], triplets[[i]]) for i in range(4)]
    torch.testing.assert_close(phan2018.multitask_loss(logits, triplets), torch.stack(alone).mean())


def random_targets(rng, shape=(2, 6, 2)):
    """Activity and distances in float64, no distance equal to an estimate, where eq. 8 has a kink."""
    activity = (rng.random(shape) < 0.5).astype(float)
    pairs = rng.uniform(0.05, 0.95, (*shape[:2], 2, shape[2])) * activity[:, :, None]
    return torch.tensor(activity), torch.tensor(pairs)


def test_gradients_of_the_losses(rng):
    activity, distances = random_targets(rng)
    logits = torch.tensor(rng.normal(size=activity.shape), requires_grad=True)
    estimates = torch.tensor(rng.uniform(0.05, 0.95, distances.shape), requires_grad=True)
    assert torch.autograd.gradcheck(phan2018.classification_loss, (logits, activity))
    assert torch.autograd.gradcheck(phan2018.distance_loss, (estimates, distances))
    assert torch.autograd.gradcheck(phan2018.confidence_loss, (estimates, distances, activity))
    triplets = torch.cat((activity[:, :, None], distances), dim=2)
    output = torch.tensor(rng.normal(size=triplets.shape), requires_grad=True)
    assert torch.autograd.gradcheck(phan2018.multitask_loss, (output, triplets))


def test_confidence_teaches_nothing_where_a_class_is_inactive(rng):
    """As eq. 8 is printed (reading B06), also where an estimate has sunk to 0 exactly."""
    activity, distances = random_targets(rng)
    estimates = torch.tensor(rng.uniform(0.05, 0.95, distances.shape))
    off = (activity == 0)[:, :, None].expand_as(estimates)
    estimates[0, 0] = 0
    estimates.requires_grad_()
    loss = phan2018.confidence_loss(estimates, distances, activity)
    (slope,) = torch.autograd.grad(loss, estimates)
    assert off[0, 0].any() and torch.isfinite(slope).all()
    assert (slope[off] == 0).all() and (slope[~off] != 0).any()


def test_it_learns_all_three_parts():
    """A band that sounds through an event: activity, and how far its borders are."""
    torch.manual_seed(0)
    roll = np.zeros((64, 2), dtype=bool)
    roll[10:30, 0] = roll[25:57, 1] = True
    y = torch.tensor(triplets.triplets(roll, triplets.longest_events([roll])))[None]
    x = 0.1 * torch.randn(1, 64, 40)
    x[0, :, :20] += y[0, :, 0, [0]]
    x[0, :, 20:] += y[0, :, 0, [1]]
    model = net("MultiTaskCRNN", classes=2, arguments=NARROW | {"maps": 8, "units": 12})
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        loss = phan2018.multitask_loss(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    estimates = torch.sigmoid(model.eval()(x)).detach()
    active = y[:, :, 0] == 1
    assert ((estimates[:, :, 0] > 0.5) == active).float().mean() > 0.95
    for part in (1, 2):
        error = (estimates[:, :, part] - y[:, :, part])[active]
        assert error.abs().mean() < 0.12


def test_triplets_by_hand():
    text = ["..aaaa.aa", "b...bb..b"]
    roll = np.array([[c != "." for c in line] for line in text]).T
    longest = triplets.longest_events([roll, np.array([[False, True]] * 4)])
    assert longest.tolist() == [4, 4]
    y, p, q = triplets.triplets(roll, longest).transpose(1, 2, 0) * 4
    assert (y / 4).tolist() == roll.T.tolist()
    assert p.tolist() == [[0, 0, 0, 1, 2, 3, 0, 0, 1], [0, 0, 0, 0, 0, 1, 0, 0, 0]]
    assert q.tolist() == [[0, 0, 4, 3, 2, 1, 0, 2, 1], [1, 0, 0, 0, 2, 1, 0, 0, 1]]


def test_longer_events_than_in_training_are_clipped_and_absent_classes_are_harmless():
    longest = triplets.longest_events([np.array([[True, False], [True, False], [False, False]])])
    assert longest.tolist() == [2, 1]
    found = triplets.triplets(np.ones((5, 2), bool), longest)
    assert found.dtype == np.float32
    assert found[:, 1].T.tolist() == [[0, 0.5, 1, 1, 1], [0, 1, 1, 1, 1]]
    assert found[:, 2].T.tolist() == [[1, 1, 1, 1, 0.5], [1, 1, 1, 1, 1]]
    with pytest.raises(ValueError, match="rolls: no recording"):
        triplets.longest_events([])


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 40).flatmap(lambda n: arrays(bool, (n, 2))))
def test_distances_point_at_the_borders(roll):
    """From every active frame p back is the first frame of its event and q ahead the first after it."""
    onset, offset = triplets.distances(roll)
    silent = np.zeros((1, 2), dtype=bool)
    around = np.concatenate((silent, roll, silent))  # frame t at t + 1
    for t, c in np.ndindex(roll.shape):
        if not roll[t, c]:
            assert onset[t, c] == offset[t, c] == 0
            continue
        first, after = t - onset[t, c], t + offset[t, c]
        assert roll[first:after, c].all() and after > t
        assert not around[first, c] and not around[after + 1, c]


def test_segments_keep_distances_to_borders_outside_them():
    """Reading B07; and triplets do not run from one recording into the next."""
    roll = np.zeros((1600, 2), dtype=np.uint8)
    roll[500:1000, 0] = roll[1000:1100, 0] = 1  # the second recording begins at 1000
    recordings = pd.DataFrame({"recording": ["a", "b"], "first_frame": [0, 1000]})
    recordings["frames"] = [1000, 600]
    features = np.zeros((1600, 4), np.float32)
    frames = Frames(features, roll, recordings, torch.zeros(4), torch.ones(4))
    longest = triplets.longest_events(triplets.rolls(frames))
    assert longest.tolist() == [500, 1]
    split = triplets.with_triplets(frames, longest)
    starts = split.starts(512, 0)
    assert starts.tolist() == [0, 1000]
    _, y = split.batch(starts, 512)
    assert y.shape == (2, 512, 3, 2)
    # the event at 500 goes on for 488 frames behind the segment's last frame, 511
    torch.testing.assert_close(y[0, 511, :, 0], torch.tensor([1, 11 / 500, 489 / 500]))
    torch.testing.assert_close(y[1, 0, :, 0], torch.tensor([1, 0, 100 / 500]))
    assert frames.targets is roll and not y[:, :, :, 1].any()
    only_second = triplets.with_triplets(
        Frames(features, roll, recordings[1:], torch.zeros(4), torch.ones(4)), longest
    )
    assert not only_second.targets[:1000].any() and only_second.targets[1000:1100].any()


def test_the_networks_and_losses_import_neither_librosa_nor_dvc():
    import subprocess
    import sys

    code = (
        "import sys, sedutils.models.kinds, sedutils.features.triplets;"
        "print({'librosa', 'dvc'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
