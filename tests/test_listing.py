"""What notebooks show of the library: source with the loss behind it, a first step, the targets of a clip."""

import re

import numpy as np
import pytest
import torch

from sedutils.models import cakir2017, gmm, kao2018, phan2018, regions
from sedutils.papers.kao2018.targets import label_clip
from sedutils.show import learning, listing, markup

SMALL = {"bands": 40, "classes": 3, "maps": 4, "pool": [5, 2], "rnn_layers": 1, "dropout": 0.3}


def names(html):
    return re.findall(r"<p><code>.*? · (.*?)</code></p>", html)


@pytest.mark.parametrize(
    ("network", "losses"),
    [
        (cakir2017.CRNN, ["FrameOrChunk.loss", "Network.loss"]),
        (phan2018.MultiLabelCRNN, ["classification_loss", "_mean_of_sums"]),
        (kao2018.ClipTagger, ["Network.loss"]),
        (gmm.GMM, []),  # which minimises nothing
    ],
)
def test_the_source_of_a_network_has_the_loss_that_its_class_does_not_show(network, losses):
    assert names(listing.source(network).data) == [network.__name__, *losses]


def test_what_a_loss_calls_is_found_however_deep_and_once():
    found = [f.__name__ for f in listing.losses(kao2018.RCRNN)]
    assert {"proposal_loss", "classifier_loss", "location_loss", "mean_over"} <= {*found}
    assert len(found) == len({*found})


def test_source_is_folded_and_the_same_bytes_without_an_address():
    made = listing.source(regions.encode, cakir2017.CRNN)
    assert made.data == listing.source(regions.encode, cakir2017.CRNN).data
    assert made.data.startswith('<details class="code"><summary>encode, CRNN</summary>')
    assert made.data.count("<details") == made.data.count("</details>") == 1
    assert " at 0x" not in made.data and not markup.remote(made.data)
    text = re.sub(r"<[^>]+>", "", made.data)
    assert "def forward(self, x):" in text and "def encode(" in text


def test_a_first_step_shows_shapes_and_lowers_the_loss_and_draws_nothing():
    torch.manual_seed(3)
    model = cakir2017.CRNN(filter_shape=(3, 3), **SMALL)
    x, y = torch.randn(9, 20, 40), (torch.rand(9, 20, 3) < 0.3).float()
    weights, state = model.output.weight.clone(), torch.get_rng_state()
    shown = learning.first_step(model, ((x,), (y,)), 0.01).data
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(model.output.weight, weights)
    before, after = map(float, re.findall(r"[\d.]+\d", shown.partition("</p>")[0]))
    assert 0 < after < before
    shapes = re.findall(r"<td>(\d+ × [\d ×]+)</td>", shown)
    assert shapes[0] == "4 × 20 × 40" and shapes[-1] == "4 × 20 × 3"  # four examples of the nine
    assert "4 × 4 × 20 × 8" in shapes and "<td>GRU, 4 units" in shown


def test_targets_of_a_clip_say_what_each_anchor_is_and_lead_to_its_event():
    roll = torch.zeros(400, 1)
    roll[80:200] = 1  # frames 10 to 25 of the feature map
    found = label_clip(roll)
    assert found.events.tolist() == [[10, 25]] and len(found.anchors) == 50 * 6
    start, stop = found.anchors.T
    shared = np.clip(np.minimum(stop, 25) - np.maximum(start, 10), 0, None)
    overlap = shared / (stop - start + 15 - shared)
    inside = (start >= 0) & (stop <= 50)
    assert np.allclose(found.overlap, overlap)
    assert (found.kind[inside & (overlap >= 0.7)] == 1).all() and (found.kind == 1).any()
    assert ((found.kind == -1) == (inside & (overlap < 0.3))).all()
    assert (found.kind[~inside] == 0).all()
    positive = found.kind == 1
    led = regions.decode(*(torch.from_numpy(a[positive]) for a in (found.offsets, found.anchors)))
    assert np.allclose(led, [10, 25], atol=1e-4)


def test_a_clip_without_an_event_has_no_targets():
    with pytest.raises(ValueError, match="without an event"):
        label_clip(torch.zeros(80, 1))
