"""Activation maximisation on networks whose answer is known."""

import numpy as np
import pytest
import torch

from sedutils.models.cakir2017 import CRNN
from sedutils.papers.cakir2017 import visualisation


@pytest.fixture
def crnn():
    torch.manual_seed(3)
    return CRNN(
        bands=40, classes=4, maps=4, pool=[5, 4, 2], rnn_layers=1, filter_shape=[5, 5], dropout=0.25
    )


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_activation_rises(layer, crnn):
    found, course = visualisation.maximise(crnn, layer=layer, neuron=1, frames=32, bands=40, seed=1)
    assert found.shape == (32, 40) and found.dtype == np.float32
    assert len(course) == 101 and np.isfinite(course).all()
    assert course[-1] > course[0] + 0.5


def test_a_filter_finds_its_own_pattern(crnn):
    filters = crnn.convolutions[0].conv.weight.data
    filters[2] = 0
    filters[2, 0, 2, :] = torch.tensor([-1.0, 0.0, 2.0, 0.0, -1.0])  # stripes two bands wide
    found, course = visualisation.maximise(crnn, layer=0, neuron=2, frames=20, bands=40, seed=1)
    assert course[-1] > 5 * course[0]
    steps = [np.mean(found[:, k:] * found[:, : 40 - k]) / np.mean(found**2) for k in (2, 4)]
    assert steps[0] < -0.3 < 0.3 < steps[1]  # what lies two bands away has the other sign


def test_a_dead_map_stays_as_it_is(crnn):
    crnn.convolutions[0].norm.bias.data[0] = -100
    _, course = visualisation.maximise(crnn, layer=0, neuron=0, frames=8, bands=40, seed=1)
    assert (course == 0).all()


def test_same_seed_same_input_and_no_trace_in_the_network(crnn):
    before = {k: v.clone() for k, v in crnn.state_dict().items()}
    one, two = (
        visualisation.maximise(crnn, layer=1, neuron=0, frames=16, bands=40, seed=s)[0]
        for s in (5, 5)
    )
    np.testing.assert_array_equal(one, two)
    assert all(torch.equal(v, before[k]) for k, v in crnn.state_dict().items())
    assert all(p.grad is None for p in crnn.parameters())


@pytest.mark.parametrize(
    ("layer", "neuron", "message"),
    [(3, 0, "layer 3: the network has 3"), (0, 4, "neuron 4: layer 0 has 4")],
)
def test_what_is_not_there_is_named(layer, neuron, message, crnn):
    with pytest.raises(ValueError, match=message):
        visualisation.maximise(crnn, layer=layer, neuron=neuron, frames=8, bands=40, seed=0)
