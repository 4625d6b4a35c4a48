"""Networks judged by their loss on validation clips, batch norms settled on training clips before."""

import pandas as pd
import pytest
import torch
from torch import nn

from sedutils.features.frames import Frames
from sedutils.models.stopping import SETTLING_CLIPS, StopsByLoss, settle

LENGTH = 8


class Net(StopsByLoss, abstract=True):
    """Two norms, the first of a part that may be fixed; dropout between them."""

    def __init__(self):
        super().__init__()
        self.fixed_norm, self.norm = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
        self.dropout = nn.Dropout(0.9)

    def forward(self, x):
        h = self.dropout(self.fixed_norm(x.transpose(1, 2)))
        return self.norm(h).transpose(1, 2)


def clips(count, seed):
    """Clips of two columns, the later ones louder, and a roll of as many."""
    torch.manual_seed(seed)
    x = torch.randn(count, LENGTH, 2) * torch.linspace(1, 3, count)[:, None, None] + 5
    roll = (torch.rand(count * LENGTH, 2) < 0.5).numpy()
    table = pd.DataFrame({"frames": LENGTH, "first_frame": LENGTH * torch.arange(count).numpy()})
    return x, Frames(x.reshape(-1, 2).numpy(), roll, table, torch.zeros(2), torch.ones(2))


@pytest.mark.parametrize("fixed", [False, True])
def test_norms_settle_on_training_clips_before_each_validation(fixed):
    x, train = clips(SETTLING_CLIPS, seed=1)
    _, validation = clips(7, seed=2)
    model = Net()
    model.fixed_norm.requires_grad_(not fixed)
    y, roll = validation.batch(validation.starts(LENGTH, offset=0), LENGTH)
    unsettled = model.eval().loss(model(y), roll).item()
    settled = model.validation_score(validation, train=train, length=LENGTH)
    assert -settled < unsettled  # of inputs about 5 and statistics about 0
    halves = [half.transpose(1, 2) for half in x.split(SETTLING_CLIPS // 2)]
    means = torch.stack([half.mean((0, 2)) for half in halves]).mean(0)
    first = torch.zeros(2) if fixed else means
    torch.testing.assert_close(model.fixed_norm.running_mean, first)
    if fixed:
        torch.testing.assert_close(model.norm.running_mean, means, rtol=1e-4, atol=1e-4)
    assert (model.norm.momentum, model.training) == (0.1, False)
    assert model.validation_score(validation, train=train, length=LENGTH) == settled


def test_of_many_clips_a_few_from_beginning_to_end_are_enough():
    x, train = clips(3 * SETTLING_CLIPS, seed=1)
    heard = []
    model = Net()
    model.register_forward_pre_hook(lambda _, args: heard.append(args[0]))
    settle(model, train, LENGTH)
    heard = torch.cat(heard)
    assert len(heard) == SETTLING_CLIPS
    assert torch.equal(heard[0], x[0]) and torch.equal(heard[-1], x[-1])
