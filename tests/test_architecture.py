import io

import pytest
import torch
from torch import nn

from sedutils.show.architecture import architecture
from sedutils.show.tracing import repeated, trace


class Block(nn.Module):
    def __init__(self, maps_in, maps, pool):
        super().__init__()
        self.conv = nn.Conv2d(maps_in, maps, (3, 5), padding="same")
        self.norm = nn.BatchNorm2d(maps)
        self.pool = nn.MaxPool2d((1, pool))
        self.dropout = nn.Dropout(0.25)

    def forward(self, x):
        return self.dropout(self.pool(torch.relu(self.norm(self.conv(x)))))


class SmallCRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.Sequential(Block(1, 8, 5), Block(8, 8, 2))
        self.recurrent = nn.GRU(32, 6, batch_first=True)
        self.recurrent.bias_hh_l0.requires_grad_(False)
        self.output = nn.Linear(6, 3)

    def forward(self, x):
        h = self.convolutions(x.unsqueeze(1)).transpose(1, 2).flatten(2)
        return self.output(self.recurrent(h)[0])


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 5)
        self.ahead = nn.GRU(5, 6, batch_first=True)
        self.back = nn.GRU(5, 6, batch_first=True)
        self.output = nn.Linear(12, 2)

    def forward(self, x):
        h = torch.tanh(self.shared(x))
        both = [self.ahead(h)[0], self.back(h.flip(1))[0].flip(1)]
        return self.output(torch.cat(both, dim=-1))


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def count(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_boxes_of_a_crnn():
    model = SmallCRNN()
    units = trace(model, torch.zeros(1, 20, 40))
    assert [u.title for u in units] == [
        "convolution 3 × 5, 8 maps", "convolution 3 × 5, 8 maps", "GRU, 6 units", "linear, 3 units"
    ]  # fmt: skip
    assert units[0].small == ["batch norm", "ReLU", "max pool 1 × 5", "dropout 0.25"]
    assert [u.output for u in units] == [(1, 8, 20, 8), (1, 8, 20, 4), (1, 20, 6), (1, 20, 3)]
    assert units[2].inputs == (1, 20, 32)
    assert [u.group for u in units] == ["convolutions", "convolutions", "recurrent", "output"]
    assert sum(u.parameters for u in units) == count(model)
    assert units[2].parameters == count(model.recurrent) < 3 * 6 * (32 + 6 + 2)


def test_sequential_joins_small_layers_to_the_one_before():
    model = nn.Sequential(
        nn.Conv1d(4, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.Identity(), nn.Conv1d(8, 2, 1)
    )
    units = trace(model, torch.zeros(2, 4, 10))
    assert [(u.title, u.small) for u in units] == [
        ("convolution 3, 8 maps", ["batch norm", "ReLU"]),
        ("convolution 1, 2 maps", []),
    ]
    assert sum(u.parameters for u in units) == count(model)
    assert "8 maps × 8 frames" in words(architecture(model, torch.zeros(2, 4, 10)))


def test_branches_keep_their_sources():
    units = trace(Branches(), torch.zeros(1, 7, 4))
    assert [sorted(u.sources) for u in units] == [[-1], [0], [0], [1, 2]]
    assert len(repeated(units)) == 4  # two equal GRUs side by side are not two in a row


def test_repeated_groups_are_drawn_once():
    model = nn.Sequential(
        nn.Linear(4, 8),
        *(layer for _ in range(5) for layer in (nn.Linear(8, 3), nn.Linear(3, 8), nn.ReLU())),
        *(nn.Linear(8, 8) for _ in range(3)),
        nn.Linear(8, 2),
    )
    units = repeated(trace(model, torch.zeros(1, 4)))
    assert [(u.times, u.first_of) for u in units] == [(1, 1), (5, 2), (5, 0), (3, 1), (1, 1)]
    assert [sorted(u.sources) for u in units] == [[-1], [0], [1], [2], [3]]
    assert sum(u.parameters * u.times for u in units) == count(model)


def test_a_layer_used_twice_is_counted_once():
    layer = nn.Linear(4, 4)
    units = trace(nn.Sequential(layer, nn.ReLU(), layer), torch.zeros(1, 4))
    assert [u.parameters for u in units] == [20, 0]


def test_figure_says_what_the_model_is():
    model = SmallCRNN()
    shown = words(architecture(model, torch.zeros(1, 20, 40), title="CRNN"))
    assert "CRNN" in shown
    assert f"{count(model):,} trainable parameters".replace(",", "\u2009") in shown
    for text in ("20 frames × 40 bands", "8 maps × 20 frames × 8 bands", "20 frames × 3 classes"):
        assert text in shown
    assert "reshaped to 20 × 32" in shown


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training):
    model = SmallCRNN().train(training)
    model.convolutions[0].norm.eval()
    before = [m.training for m in model.modules()]
    state = {k: v.clone() for k, v in model.state_dict().items()}
    architecture(model, torch.zeros(1, 20, 40))
    assert [m.training for m in model.modules()] == before
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_same_bytes_twice():
    model = SmallCRNN()
    pictures = []
    for _ in range(2):
        picture = io.BytesIO()
        figure = architecture(model, torch.zeros(1, 20, 40))
        figure.savefig(picture, format="png", metadata={"Software": None})
        pictures.append(picture.getvalue())
    assert pictures[0] == pictures[1]
