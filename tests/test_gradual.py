"""The gradual network's parts: parameter counts, shapes, attention by hand, residual additions, training."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from sedutils.features.frames import Frames
from sedutils.models.blocks import trainable_parameters
from sedutils.models.gradual import Attention, bands_left, of_one_map
from sedutils.models.kinds import KINDS
from sedutils.models.network import Network
from sedutils.training import loop

PAPER = {
    "bands": 200,
    "channels": 64,
    "units": 32,
    "layers": 2,
    "spectral_units": 32,
    "temporal_units": 200,
    "attention": "softmax",
    "dropout": 0.25,
}
SMALL = PAPER | {
    "channels": 4,
    "units": 3,
    "layers": 1,
    "spectral_units": 5,
    "temporal_units": 6,
    "frames": 12,
}
WIDER = SMALL | {"channels": 6, "units": 8, "attention": "sigmoid", "dropout": 0.1}


def net(kind="CBRNN", arguments=SMALL, **changes):
    torch.manual_seed(0)
    return KINDS[kind](**({"classes": 1, "asr": 0} | arguments | changes))


def test_paper_size_has_the_recomputed_number_of_parameters():
    """facts/gradual_network.yaml; each GRU has one bias a gate and direction."""
    model = net(arguments=PAPER)
    assert [trainable_parameters(c.conv) for c in model.convolutions] == [
        3200,
        102464,
        36928,
        36928,
    ]
    assert sum(trainable_parameters(c.conv) for c in model.convolutions) == 179520
    assert sum(trainable_parameters(c.norm) for c in model.convolutions) == 512
    assert trainable_parameters(model.recurrent) == 37248
    assert trainable_parameters(model.temporal) == 13000
    assert trainable_parameters(model.spectral) == 19232
    output = trainable_parameters(model.output)
    assert output == 64 + 1 and trainable_parameters(model) - output == 249512
    assert trainable_parameters(net(arguments=PAPER, asr=256)) == 249512 + 64 + 256 + 1
    without = net(arguments=PAPER, spectral_attention=False)
    assert trainable_parameters(without) == 249512 - 19232 + 65
    assert trainable_parameters(net("FinetuningNet", {"bands": 200}, asr=256)) == 256 + 1


@pytest.mark.parametrize("asr", [0, 7])
@pytest.mark.parametrize("spectral_attention", [True, False])
def test_a_logit_a_decision_and_class(asr, spectral_attention):
    model = net(asr=asr, classes=2, spectral_attention=spectral_attention)
    assert model(torch.randn(3, 12, 400 + asr)).shape == (3, 12, 2)
    assert model.features(torch.randn(3, 24, 200)).shape == (3, 12, 6)


def test_a_clip_of_30_s_has_300_decisions():
    model = net(frames=300).eval()
    assert model(torch.randn(1, 300, 400)).shape == (1, 300, 1)
    with pytest.raises(ValueError, match=r"^clips of 299 decisions.*one for 300 \(30 s\)$"):
        model(torch.randn(1, 299, 400))


@pytest.mark.parametrize("kind", ["CBRNN", "FinetuningNet"])
def test_rows_of_another_width_are_refused(kind):
    model = net(kind, SMALL if kind == "CBRNN" else {"bands": 200}, asr=7)
    with pytest.raises(
        ValueError, match=r"^x of 400 columns, 2 x 200 bands and 7 ASR features make"
    ):
        model(torch.randn(1, 12, 400))


def test_bands_left_over_frequency():
    assert bands_left(200) == bands_left(127) == 1 and bands_left(512) == 4
    with pytest.raises(ValueError, match="bands = 126: the poolings leave none"):
        net(bands=126)
    assert net(bands=256).recurrent[0].gru.input_size == 2 * 4


def test_the_halves_of_a_row_are_frames_in_their_order():
    model = net(asr=2).eval()
    spectra, asr = torch.randn(1, 24, 200), torch.randn(1, 12, 2)
    rows = torch.stack([torch.cat((spectra[0, 2 * t], spectra[0, 2 * t + 1])) for t in range(12)])
    x = torch.cat((rows[None], asr), dim=-1)
    features = torch.cat((model.features(spectra), asr), dim=-1)
    torch.testing.assert_close(model(x), model.output(features))


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("softmax", [6 / 8, 1 / 3, 3 / 5]), ("sigmoid", [6 / 7, 1 / 2, 3 / 4])],
)
def test_attention_by_hand(activation, expected):
    """Odds (6, 1, 1), (1, 1, 1) and (1, 3, 1) of the units."""
    attention = Attention(2, 3, activation)
    with torch.no_grad():
        attention.dense.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [0, 0]]))
        attention.dense.bias.zero_()
    x = torch.log(torch.tensor([[6.0, 1.0], [1.0, 1.0], [1.0, 3.0]]))
    torch.testing.assert_close(attention(x)[:, 0], torch.tensor(expected))


def test_attention_over_what_is_attended_to():
    """Softmax over three frames of the largest unit each, times three; equal frames get weights of one."""
    torch.manual_seed(1)
    attention, x = Attention(2, 5, "attended"), torch.randn(4, 3, 2)
    weights, scores = attention(x), attention.dense(x).amax(-1)
    odds = scores.exp()
    torch.testing.assert_close(weights[..., 0], 3 * odds / odds.sum(1, keepdim=True))
    equal = attention(x[:, :1].expand(-1, 7, -1))
    torch.testing.assert_close(equal, torch.ones(4, 7, 1))
    torch.testing.assert_close(attention(x.roll(1, 1)), weights.roll(1, 1))
    (weights[:, 0].sum() ** 2).backward()
    assert attention.dense.weight.grad.abs().sum() > 0


def test_an_unknown_attention_is_named():
    with pytest.raises(ValueError, match="attention = 'tanh': one of softmax, sigmoid, attended"):
        net(attention="tanh")


def test_the_whole_from_its_parts():
    """Eq. 7, the additions of reading G-A20 and the weighting of G-A06, written out."""
    model = net().eval()
    for c in model.convolutions:
        c.norm.running_mean.normal_()
        c.norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 24, 200)
    dense = model.spectral.dense
    scores = torch.einsum("btf,nt->bfn", x, dense.weight) + dense.bias
    s = x * scores.softmax(-1).max(-1).values[:, None]  # (batch, 24, 200): one weight a band
    h = s.transpose(1, 2)[:, None]
    maps = []
    for i, (c, k) in enumerate(zip(model.convolutions, (7, 5, 3, 3), strict=True)):
        h = F.conv2d(h, c.conv.weight, c.conv.bias, stride=(2 if i == 0 else 1, 1), padding=k // 2)
        scale = (c.norm.running_var + 1e-5).sqrt()[:, None, None]
        h = torch.relu((h - c.norm.running_mean[:, None, None]) / scale)
        if i >= 2:
            h = h + maps[-1]
        if i != 1:
            h = F.max_pool2d(h, (4, 2) if i == 0 else (4, 1))
            maps.append(h)
    assert [m.shape[2:] for m in maps] == [(25, 12), (6, 12), (1, 12)]
    c = h[:, :, 0].transpose(1, 2)  # (batch, 12, channels)
    weight = model.temporal.dense(c).softmax(-1).max(-1, keepdim=True).values
    expected = model.recurrent[0].gru(c)[0] * weight
    torch.testing.assert_close(model.features(x), expected, rtol=1e-4, atol=1e-5)


def test_two_gru_layers_on_each_other():
    model = net(layers=2).eval()
    c = torch.randn(1, 12, 4)
    states = model.recurrent[1].gru(model.recurrent[0].gru(c)[0])[0]
    torch.testing.assert_close(model.recurrent(c), states, rtol=1e-4, atol=1e-5)


def test_the_finetuning_net_sees_asr_features_alone():
    model = net("FinetuningNet", {"bands": 200}, asr=3)
    x = torch.randn(2, 12, 403)
    other = torch.cat((torch.randn(2, 12, 400), x[..., 400:]), dim=-1)
    assert torch.equal(model(x), model(other))
    torch.testing.assert_close(model(x), model.output(x[..., -3:]))


def clips(rng, count, asr):
    """An event of 4 decisions in every clip of 12: louder upper bands, and a sign in the ASR features."""
    features = rng.normal(size=(12 * count, 400 + asr)).astype(np.float32)
    targets = np.zeros((12 * count, 1), np.uint8)
    for first in 12 * np.arange(count) + rng.integers(0, 8, count):
        targets[first : first + 4] = 1
    features[:, 100:200] += 2 * targets
    features[:, 300:400] += 2 * targets
    features[:, 400:] += 2 * targets
    recordings = pd.DataFrame({"recording": [str(i) for i in range(count)], "frames": 12})
    recordings["first_frame"] = 12 * np.arange(count)
    width = features.shape[1]
    return Frames(features, targets, recordings, torch.zeros(width), torch.ones(width))


@pytest.mark.parametrize(
    ("kind", "arguments", "asr"),
    [
        ("CBRNN", WIDER | {"attention": "softmax"}, 0),
        ("CBRNN", WIDER | {"spectral_attention": False}, 0),
        ("CBRNN", WIDER, 5),
        ("FinetuningNet", {"bands": 200}, 5),
    ],
)
def test_they_learn_in_the_one_training_loop(kind, arguments, asr, rng):
    model = net(kind, arguments, asr=asr)
    learnt, held_out = clips(rng, 40, asr), clips(rng, 10, asr)
    arguments = {"sequence_frames": 12, "batch_frames": 96, "learning_rate": 0.02}
    settings = {"patience": 0, "max_epochs": 15, "shift_frames": 0, "hop_frames": 0}
    loop.fit_sequences(
        model, learnt, held_out, arguments=arguments, settings=settings | {"device": "cpu"}, seed=0
    )
    unheard = clips(rng, 10, asr)
    assert Network.validation_score(model, unheard, length=12) > 0.9  # frame F1
    scores = model.predict(unheard, 12, "cpu")
    assert scores.shape == (120, 1)


@pytest.mark.parametrize(("size", "stride"), [(7, 2), (3, 1)])
def test_a_convolution_of_one_map_is_one_of_its_bands(size, stride):
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(1, 4, size, stride=(stride, 1), padding=size // 2)
    x = torch.rand(2, 1, 21, 17, requires_grad=True)
    for function in (lambda y: y, lambda y: torch.autograd.grad(y.square().sum(), x)[0]):
        assert torch.allclose(function(of_one_map(conv, x)), function(conv(x)), atol=1e-5)
