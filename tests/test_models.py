"""The networks: parameter counts of the paper, shapes, and the fast GRU against torch's own."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sections import FRONT_END

from sedutils.features.frames import Frames
from sedutils.models.blocks import ConvBlock, Dense, GRULayer, LSTMLayer, trainable_parameters
from sedutils.models.gmm import GMM
from sedutils.models.gru import gru
from sedutils.models.kinds import KINDS
from sedutils.pipeline import params

PUBLISHED = Path("data/published/cakir2017_crnn.yaml")
# For what holds at any width
NARROW = {
    "fnn": {"kind": "FNN", "context": 5, "units": 128, "layers": 2, "pieces": 2},
    "cnn": {"kind": "CNN", "maps": 16, "pool": [2, 2, 2], "fnn_layers": 3, "filter_shape": [5, 5]},
    "rnn": {"kind": "RNN", "units": 27, "rnn_layers": 3, "fnn_layers": 2},
    "crnn": {
        "kind": "CRNN",
        "maps": 16,
        "pool": [5, 4, 2],
        "rnn_layers": 1,
        "filter_shape": [5, 5],
    },
}


def narrow(name, classes, **changes):
    return make(NARROW[name] | {"dropout": 0.0} | changes, classes, FRONT_END)


@pytest.fixture(scope="module")
def paper_system(staged):
    """Makes a system of params.yaml at paper size."""
    with contextlib.chdir(staged):
        systems, front_end = params.load("systems", "features.cakir2017", size="paper")
    return lambda name, classes=16: make(systems[name], classes, front_end)


def make(arguments, classes, front_end):
    sizes = {"classes": classes, "width": front_end["mel_bands"], "front_end": front_end}
    return KINDS[arguments["kind"]].from_params(arguments, **sizes)


def published_counts():
    """(data set, method) -> the parameters that the layout of Table I has by its own arithmetic."""
    facts = yaml.safe_load(PUBLISHED.read_text())
    table = next(t for t in facts["tables"] if t["id"] == "T1")
    return {(r["dataset"], r["method"]): r["params_recomputed"] for r in table["rows"]}


# Batch norm on the dense layer adds a scale and a shift a unit (reading A08)
DENSE_BATCH_NORM = 2 * 256
LAYOUTS = {
    "cnn": ("synth2016", "CNN", 16),
    "rnn": ("synth2016", "RNN", 16),
    "crnn": ("synth2016", "CRNN", 16),
    "cnn_scenes": ("tut2009", "CNN", 61),
    "rnn_scenes": ("tut2009", "RNN", 61),
    "crnn_2009": ("tut2009", "CRNN", 61),
    "crnn_2016": ("tut2016", "CRNN", 17),
    "rnn_chime": ("chime", "RNN", 7),
    "crnn_chime": ("chime", "CRNN", 7),
}


@pytest.mark.parametrize(("name", "place"), LAYOUTS.items(), ids=list(LAYOUTS))
def test_paper_size_has_the_recomputed_number_of_parameters(paper_system, name, place):
    *cell, classes = place
    assert trainable_parameters(paper_system(name, classes)) == published_counts()[tuple(cell)]


def test_paper_size_of_layouts_that_two_corpora_share(paper_system):
    counts = published_counts()
    for name, method in (("cnn_scenes", "CNN"), ("rnn_scenes", "RNN")):
        assert trainable_parameters(paper_system(name, 17)) == counts["tut2016", method]


def test_paper_size_of_the_other_networks(paper_system):
    facts = yaml.safe_load(PUBLISHED.read_text())
    fnn = facts["architectures"]["fnn_baseline"]["params_recomputed"]
    for classes in (16, 17, 61):
        assert trainable_parameters(paper_system("fnn", classes)) == fnn[f"K{classes}"]
    # printed 3.6M fits the pooling (2,2,2) and not the printed one (reading A02)
    assert trainable_parameters(paper_system("cnn_chime", 7)) == 3615239 + DENSE_BATCH_NORM
    # its Sec. IV-D twin: the CRNN of Table I with a dense layer for the GRU, and batch norm on it or nowhere
    twin, bare = (paper_system(n, 7) for n in ("cnn_chime_twin", "cnn_chime_no_batch_norm"))
    assert trainable_parameters(twin) - trainable_parameters(bare) == DENSE_BATCH_NORM
    convolutions = trainable_parameters(bare) - trainable_parameters(
        paper_system("cnn_chime_no_norms", 7)
    )
    assert convolutions == 4 * 2 * 256
    gru, dense = 3 * 256 * (1280 + 256 + 1), 256 * (1280 + 1)
    crnn = trainable_parameters(paper_system("crnn_chime", 7))
    assert trainable_parameters(twin) == crnn - gru + dense + DENSE_BATCH_NORM


def test_filter_shapes_have_the_derived_number_of_parameters(paper_system):
    tables = yaml.safe_load(PUBLISHED.read_text())["tables"]
    for row in next(t for t in tables if t["id"] == "T4")["rows"]:
        name = "crnn_" + row["filter"].strip("()").replace(",", "x")
        assert trainable_parameters(paper_system(name)) == row["params_derived"], name


def test_a_gmm_sums_a_frame_and_the_next_ones_but_for_the_last_second():
    gmm = GMM(components=2, iterations=2, frames_per_model=0, window_frames=3)
    ratios = np.arange(1.0, 6.0)[:, None]
    assert gmm.summed(ratios)[:, 0].tolist() == [6, 9, 3, 4, 5]
    assert gmm.summed(ratios[:2])[:, 0].tolist() == [1, 2]


@pytest.mark.parametrize("pooled", [False, True])
def test_recordings_scored_together_score_as_alone(rng, pooled):
    lengths = [50, 30, 50, 70, 30]
    rows = pd.DataFrame({"first_frame": np.cumsum([0, *lengths[:-1]]), "frames": lengths})
    values = rng.normal(size=(sum(lengths), 40)).astype(np.float32)
    frames = Frames(
        values, np.zeros((len(values), 3), np.uint8), rows, torch.zeros(40), torch.ones(40)
    )
    net = narrow("crnn", 3, time_pooling=pooled).eval()
    alone = [
        net.predict(replace(frames, recordings=rows.iloc[[i]].reset_index(drop=True)), 20, "cpu")
        for i in range(5)
    ]
    np.testing.assert_allclose(net.predict(frames, 20, "cpu"), np.concatenate(alone), atol=1e-6)


def test_gmm_has_3808_parameters_a_class(rng):
    x, y = rng.normal(size=(800, 59)), rng.random((800, 3)) < 0.4
    gmm = GMM(components=16, iterations=2, frames_per_model=0, window_frames=50).fit(x, y, seed=0)
    assert trainable_parameters(gmm) == 3808 * 3


@pytest.mark.parametrize("name", ["fnn", "cnn", "rnn", "crnn"])
def test_one_logit_a_frame_and_class(name):
    assert narrow(name, 16)(torch.randn(2, 30, 40)).shape == (2, 30, 16)


@pytest.mark.parametrize("name", ["fnn", "cnn", "rnn", "crnn"])
def test_time_pooling_gives_one_logit_a_chunk_and_class(name):
    net = narrow(name, 7, time_pooling=True).eval()
    x = torch.randn(2, 30, 40)
    assert net(x).shape == (2, 1, 7)
    frames = narrow(name, 7).eval()
    frames.load_state_dict(net.state_dict())
    # the sigmoid layer sees each unit's best frame, so one frame alone gives the same either way
    torch.testing.assert_close(net(x[:, :1]), frames(x[:, :1]))


def test_lstm_layer_is_torchs_with_one_bias():
    torch.manual_seed(0)
    layer = LSTMLayer(6, 8, dropout=0.5)
    assert trainable_parameters(layer) == 4 * 8 * (6 + 8 + 1)
    x = torch.randn(2, 20, 6)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x), layer.lstm(x)[0])


def test_dense_batch_norm_normalises_over_batch_and_frames():
    layer = Dense(5, 3, dropout=0.0, batch_norm=True)
    seen = []
    layer.norm.register_forward_hook(lambda _, __, out: seen.append(out))
    assert layer(torch.randn(4, 50, 5) * 7 + 3).shape == (4, 50, 3)
    torch.testing.assert_close(seen[0].mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[0].std(0), torch.ones(3), atol=0.01, rtol=0)


def test_recurrence_looks_back_only_and_convolution_both_ways():
    def reach(name):
        net = narrow(name, 16).eval()
        x = torch.randn(1, 60, 40)
        y = x.clone()
        y[0, 30] += 1
        return (net(x) - net(y)).abs().amax(-1)[0] > 1e-7

    assert not reach("rnn")[:30].any() and reach("rnn")[30:].all()
    touched = reach("cnn").nonzero().flatten()
    assert touched.min() >= 30 - 6 and touched.max() <= 30 + 6  # three convolutions of five frames


def test_pooling_before_relu_is_the_papers_order():
    torch.manual_seed(0)
    block = ConvBlock(1, 4, filter_shape=(5, 5), pool=5, dropout=0.0).eval()
    x = torch.randn(2, 1, 12, 40)
    expected = block.pool(torch.relu(block.norm(block.conv(x))))
    torch.testing.assert_close(block(x), expected)


def test_filter_shape_is_frequency_by_time():
    assert ConvBlock(1, 2, filter_shape=(1, 5), pool=1, dropout=0).conv.kernel_size == (5, 1)


def test_fast_gru_equals_torchs_in_output_and_gradients():
    torch.manual_seed(0)
    layer = torch.nn.GRU(7, 5, batch_first=True)
    torch.nn.init.zeros_(layer.bias_hh_l0)
    weights = (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0)
    x = (3 * torch.randn(3, 11, 7)).requires_grad_()
    pull = torch.randn(3, 11, 5)
    results = []
    for states in (layer(x)[0], gru(x, *weights)):
        gradients = torch.autograd.grad((states * pull).sum(), (x, *weights))
        results.append((states, *gradients))
    for ours, torchs in zip(*results, strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-5, atol=1e-6)


def test_dropout_on_states_is_off_in_evaluation_and_moves_training():
    torch.manual_seed(0)
    layer = GRULayer(6, 8, dropout=0.5)
    x = torch.randn(2, 20, 6)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x), layer.gru(x)[0])
