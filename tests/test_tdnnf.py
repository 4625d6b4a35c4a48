"""TDNN-F: parameter counts, context and edges, subsampling, batch norm, the semi-orthogonal constraint."""

import pytest
import torch
from torch.nn import functional as F

from sedutils.models.blocks import trainable_parameters
from sedutils.models.tdnnf import TDNNF, BatchNorm, constrain

PAPER = {
    "mfcc": 40,
    "ivector": 100,
    "dim": 1536,
    "bottleneck": 160,
    "strides": [1, 1, 1, 0] + [3] * 12,
    "prefinal": 256,
    "phones": 6024,
}
SMALL = {
    "mfcc": 5,
    "dim": 12,
    "bottleneck": 4,
    "strides": [1, 0, 3, 0, 3],
    "prefinal": 6,
    "phones": 7,
}


def net(**changes):
    torch.manual_seed(0)
    model = TDNNF(**(SMALL | changes)).eval()
    for module in model.modules():  # statistics as after training
        if isinstance(module, BatchNorm):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def test_paper_size_layer_by_layer():
    with torch.device("meta"):
        model = TDNNF(**PAPER)
    d, b, p = 1536, 160, 256
    spliced = 2 * d * b + 2 * b * d + d  # a layer that splices in time
    layers = [984576 if s else 493056 for s in PAPER["strides"]]
    assert spliced == 984576
    assert [trainable_parameters(layer) for layer in model.layers] == layers
    assert model.lda.weight.shape == (220, 220) and trainable_parameters(model.lda) == 0
    assert trainable_parameters(model.tdnn) == 220 * d + d
    assert trainable_parameters(model.prefinal_linear) == d * p
    assert trainable_parameters(model.prefinal) == (p * d + d) + d * p
    assert trainable_parameters(model.output) == 256 * 6024 + 6024
    assert trainable_parameters(model) == 18330504
    assert model.context == 40 and len(model.layers) == 16


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 30])
def test_one_output_every_third_frame_from_the_first_on(frames):
    model = net()
    x = torch.randn(2, frames, 5)
    assert model(x).shape == (2, -(-frames // 3), 7)
    assert model.features(x).shape == (2, -(-frames // 3), 6)


@pytest.mark.parametrize("strides", [[1, 0, 3, 0, 3], [3, 1, 3], [2, 2], [0], []])
def test_subsampling_picks_frames_of_the_same_network_at_full_rate(strides):
    x = torch.randn(2, 23, 5)
    thinned = net(strides=strides)
    full = net(strides=strides, subsampling=1)
    full.load_state_dict(thinned.state_dict())
    torch.testing.assert_close(thinned(x), full(x)[:, ::3])


def test_against_the_definition_frame_by_frame():
    """All layers evaluated at one frame by recursion, the input held at its edges."""
    model = net(subsampling=1)
    torch.nn.init.normal_(model.lda.weight)
    torch.nn.init.normal_(model.lda.bias)
    x = torch.randn(1, 11, 5)

    def normed(norm, h):
        return (h - norm.running_mean) / (norm.running_var + 1e-3).sqrt()

    def hidden(depth, t):
        if depth == 0:
            near = torch.cat([x[0, min(max(t + k, 0), 10)] for k in (-1, 0, 1)])
            h = model.lda.weight @ near + model.lda.bias
            return normed(model.tdnn.norm, F.relu(model.tdnn.affine(h)))
        layer, stride = model.layers[depth - 1], SMALL["strides"][depth - 1]

        def factor(t):
            times = [t - stride, t] if stride else [t]
            return layer.linear.weight @ torch.cat([hidden(depth - 1, k) for k in times])

        times = [t, t + stride] if stride else [t]
        h = layer.output.affine(torch.cat([factor(k) for k in times]))
        return normed(layer.output.norm, F.relu(h)) + 0.75 * hidden(depth - 1, t)

    h = torch.stack([hidden(5, t) for t in range(11)])
    affine, linear, norm = model.prefinal
    h = normed(affine.norm, F.relu(affine.affine(model.prefinal_linear(h))))
    expected = normed(norm, linear(h))
    torch.testing.assert_close(model.features(x)[0], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model(x)[0], model.output(expected), rtol=1e-4, atol=1e-5)


def test_the_context_reaches_as_far_as_the_strides_say():
    model = net(subsampling=1)
    assert model.context == 8  # 1 + 1 + 3 + 3
    x = torch.randn(1, 60, 5)
    y = x.clone()
    y[0, 30] += 10
    moved = (model(x) - model(y)).abs().amax(-1)[0] > 0
    assert moved.nonzero()[[0, -1], 0].tolist() == [22, 38]


def test_no_speaker_vector_is_a_vector_of_zeros():
    model = net(ivector=3)
    torch.nn.init.normal_(model.lda.weight)
    x = torch.randn(2, 9, 5)
    torch.testing.assert_close(model(x), model(x, torch.zeros(2, 3)))
    speakers = torch.randn(2, 3)
    spliced = torch.cat((x[:, [0, *range(8)]], x, x[:, [*range(1, 9), 8]]), -1)
    whole = torch.cat((spliced, speakers[:, None].expand(2, 9, 3)), -1)
    inner = model.spliced(x, speakers)[:, model.context - 1 :][:, :9]
    torch.testing.assert_close(inner, model.lda(whole))


def test_batch_norm_has_no_learnt_scale():
    torch.manual_seed(0)
    norm = BatchNorm(4)
    assert not list(norm.parameters())
    y = norm(3 + 5 * torch.randn(6, 50, 4))
    torch.testing.assert_close(y.mean((0, 1)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var((0, 1), correction=0), torch.ones(4), atol=1e-3, rtol=0)


def distance(m):
    """How far M M^T is from the nearest multiple of the identity, relative to it."""
    p = m @ m.t()
    scale = p.trace() / len(p)
    return ((p - scale * torch.eye(len(p))).norm() / (scale * len(p) ** 0.5)).item()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("shape", [(16, 128), (16, 24), (40, 10)])
def test_the_constraint_makes_rows_orthogonal_at_any_scale(shape, scale):
    torch.manual_seed(0)
    m = scale * torch.randn(shape)
    wide = m if shape[0] <= shape[1] else m.t()  # a view: both change
    before = distance(wide)
    assert before > 0.2
    for _ in range(60):
        constrain(m)
    assert distance(wide) < 1e-4


def test_one_step_by_hand():
    """P = diag(4, 1): alpha^2 = 17 / 5, uneven, so 4 nu = 1/4."""
    m = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    alpha = 17 / 5
    first = 2 - 0.25 / alpha * (4 - alpha) * 2
    second = 1 - 0.25 / alpha * (1 - alpha) * 1
    constrain(m)
    torch.testing.assert_close(m, torch.tensor([[first, 0, 0], [0, second, 0]]))


def test_a_step_is_orthogonal_to_the_matrix_and_leaves_semi_orthogonal_ones_alone():
    torch.manual_seed(0)
    m = torch.randn(8, 40, dtype=torch.float64)
    before = m.clone()
    constrain(m)
    step = m - before
    assert abs((step * before).sum()) < 1e-12 * step.norm() * before.norm()
    q = 3 * torch.linalg.qr(torch.randn(40, 8, dtype=torch.float64))[0].t().contiguous()
    again = q.clone()
    constrain(again)
    torch.testing.assert_close(again, q)


def test_training_with_the_constraint_learns_and_stays_semi_orthogonal():
    """Four phones, each a direction of the frames; only the bottlenecks and the prefinal are constrained."""
    model = net(mfcc=6, dim=24, bottleneck=8, prefinal=8, phones=4).train()
    torch.manual_seed(1)
    phones = torch.randint(0, 4, (8, 10)).repeat_interleave(3, dim=1)
    x = 2 * F.one_hot(phones, 6).float() + 0.5 * torch.randn(8, 30, 6)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    free = model.output.weight.clone()
    for step in range(80):
        loss = F.cross_entropy(model(x).flatten(0, 1), phones[:, ::3].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 4 == 3:
            model.constrain()
    assert (model(x).argmax(-1) == phones[:, ::3]).float().mean() > 0.95
    assert all(distance(f.weight.detach()) < 0.1 for f in model.factors())
    assert len(model.factors()) == 5 + 2 and not torch.equal(free, model.output.weight)
    assert torch.equal(model.lda.weight, torch.eye(18))


@pytest.mark.parametrize("changes", [{"strides": [1, -1]}, {"subsampling": 0}])
def test_impossible_strides_are_named(changes):
    with pytest.raises(ValueError, match=r"strides = \[.*subsampling = "):
        net(**changes)
