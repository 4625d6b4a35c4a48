"""What the feature maps of trained CRNNs look for, and whether deeper ones want more (Sec. IV-E, Fig. 7)."""

import numpy as np
import pandas as pd
import scipy.stats

from sedutils.claims.verdicts import contrast
from sedutils.metrics.bootstrap import Estimate
from sedutils.papers.cakir2017 import visualisation

FRAMES, BANDS = 64, 40  # of a maximising input: 1.28 s


def inputs(network, *, seed: int) -> pd.DataFrame:
    """The maximising input of every feature map that can be excited: layer, neuron (from 1), activation, input."""
    rows = []
    for layer, block in enumerate(network.convolutions):
        for neuron in range(block.conv.out_channels):
            picture, course = visualisation.maximise(
                network, layer=layer, neuron=neuron, frames=FRAMES, bands=BANDS, seed=seed
            )
            if course[-1] > 0:
                rows.append((layer + 1, neuron + 1, course[-1], picture))
    return pd.DataFrame(rows, columns=["layer", "neuron", "activation", "input"])


def strongest(found: pd.DataFrame, neurons: tuple[int, ...]) -> pd.DataFrame:
    """So many maps of each layer as ``neurons`` says, those that answer most strongly."""
    kept = [
        rows.nlargest(neurons[layer - 1], "activation")
        for layer, rows in found.groupby("layer")
        if layer <= len(neurons)
    ]
    return pd.concat(kept, ignore_index=True)


def effective_rank(picture: np.ndarray) -> float:
    """Exponential of the entropy of the squared singular values: 1 for one steady pattern, more for several."""
    power = np.linalg.svd(picture - picture.mean(), compute_uv=False).astype(float) ** 2
    share = power[power > 0] / power.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def complexity(found: pd.DataFrame) -> pd.DataFrame:
    """layer, neuron, activation and effective rank of every maximising input."""
    ranks = [effective_rank(picture) for picture in found.input]
    return found.drop(columns="input").assign(effective_rank=ranks)


def odd(table: pd.DataFrame) -> list[dict]:
    """C30: maximising inputs of the deepest layer have a higher effective rank than those of the first.

    Rows for `sedutils.claims.verdicts.judge`. The interval comes from resampling feature maps; the paper
    itself judges by eye.
    """
    rows = []
    for corpus, maps in table.groupby("corpus", sort=False):
        first, deepest = (
            maps.effective_rank[maps.layer == layer].to_numpy() for layer in (1, maps.layer.max())
        )
        value = float(deepest.mean() - first.mean())
        means = scipy.stats.bootstrap(
            (deepest, first),
            lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
            method="percentile",
            rng=np.random.default_rng(0),
        ).bootstrap_distribution
        what = f"{corpus}: effective rank of inputs, deepest - first layer"
        seeds = np.array([value])
        found = Estimate(value, seeds, means, len(first) + len(deepest), by_seed=(seeds,))
        rows.append(contrast("C30", what, found))
    return rows
