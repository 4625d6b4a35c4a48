"""Figures that several chapters share."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from sedutils.show import plots
from sedutils.training.systems import Trial


@pytest.mark.parametrize("scores", [[0.2, 0.5, 0.4], [-0.9, -0.3, -0.5]])
def test_a_better_score_stands_higher(tmp_path, scores):
    """Also one that is minus a loss; a score that cannot be negative begins at 0."""
    (tmp_path / "crnn/1").mkdir(parents=True)
    history = pd.DataFrame({"epoch": [1, 2, 3], "loss": 1.0, "validation_score": scores})
    history["best"] = history.epoch == 2
    history.to_csv(tmp_path / "crnn/1/history.csv", index=False)
    figure = plots.learning_curves(tmp_path, [Trial("crnn", 1)])
    low, high = figure.axes[1].get_ylim()
    assert low < min(scores) < max(scores) < high
    assert low == 0 or min(scores) < 0
    plt.close(figure)
