"""Networks judged by their loss on validation clips."""

import pandas as pd
import pytest
import torch
from torch import nn

from sedutils.features.frames import Frames
from sedutils.models.stopping import CLIPS_AT_ONCE, StopsByLoss

LENGTH = 8


class Net(StopsByLoss, abstract=True):
    """One that drops nearly all, but where it is judged, and a loss with a draw of its own."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, x):
        return self.dropout(x)

    def loss(self, outputs, targets):
        return super().loss(outputs, targets) + torch.rand(())


def test_the_score_is_the_mean_over_clips_and_draws_nothing():
    torch.manual_seed(2)
    count = CLIPS_AT_ONCE + 3
    x = torch.randn(count * LENGTH, 2)
    roll = torch.rand(count * LENGTH, 2) < 0.5
    table = pd.DataFrame({"frames": LENGTH, "first_frame": LENGTH * torch.arange(count).numpy()})
    clips = Frames(x.numpy(), roll.numpy(), table, torch.zeros(2), torch.ones(2))
    before = torch.get_rng_state()
    score = Net().validation_score(clips, length=LENGTH)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(0)
    first, second = torch.rand(2).tolist()
    drawn = (CLIPS_AT_ONCE * first + 3 * second) / count
    plain = nn.functional.binary_cross_entropy_with_logits(x, roll.float()).item()
    assert -score == pytest.approx(plain + drawn, rel=1e-5)
