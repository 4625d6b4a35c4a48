"""Contrasts of the ablations, Figure 5's numbers, and the complexity of what neurons look for."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from sedutils.claims import facts, verdicts
from sedutils.metrics import bootstrap
from sedutils.models.kinds import KINDS
from sedutils.papers.cakir2017 import ablations, chapter, neurons

PUBLISHED = facts.read("data/published/cakir2017_crnn.yaml")
SHAPES = ("3x3", "5x5", "11x11", "1x5", "5x1", "3x11", "11x3")
SYSTEMS = [f"crnn_{shape}" for shape in SHAPES]


@dataclass(frozen=True, eq=False, kw_only=True)
class Given(chapter.FrameRun):
    """A run of known counts."""

    given: dict

    def counted(self, system, metric):
        return self.given[system]

    def of_trivial(self, metric, row):
        return []  # there is no sound that always on could be right about


def counts_with(recall: float, seed: int):
    """Counts of 40 recordings whose one class is found in a share of its frames, without false alarms."""
    rng = np.random.default_rng(seed)
    truth = {f"r{i:02d}": np.ones((100, 1), bool) for i in range(40)}
    return bootstrap.unit_counts(truth, {k: rng.random((100, 1)) < recall for k in truth})


def run_of(recalls: dict[str, float], seeds: int = 2):
    counts = {s: [counts_with(r, seed) for seed in range(seeds)] for s, r in recalls.items()}
    about = {"corpus": None, "models": None, "features": None, "settings": {}, "hop_s": 0.02}
    return Given(
        **about, systems=list(counts), seeds=list(range(seeds)), resamples=200, given=counts
    )


def outcomes(rows, claim):
    return [row["outcome"] for row in rows if row["claim"] == claim]


def declared(family, run, claim):
    """Outcomes of what is declared beside a claim."""
    if family == "regularisation":
        odd = ablations.alike(run)
    else:
        odd = [ablations.small_filters(run), *ablations.flat_filter(run, "foley")]
    judged = verdicts.judge(PUBLISHED, "crnn_ablations", {family: "foley"}, {family: run}, odd)
    return judged.outcome[judged.claim == claim].tolist()


def test_small_filters_that_lead_and_a_flat_one_far_behind():
    recalls = dict(zip(SYSTEMS, (0.8, 0.9, 0.6, 0.2, 0.6, 0.85, 0.6), strict=True))
    run = run_of(recalls)
    # (3,11) may stand between the two small ones
    assert declared("filter_shapes", run, "C10") == ["holds"]
    assert declared("filter_shapes", run, "C11") == ["holds"] * 6
    run = run_of(recalls | {"crnn_1x5": 0.55})
    assert declared("filter_shapes", run, "C11") == ["holds"] * 6
    assert "fails" in [row["outcome"] for row in ablations.flat_filter(run, "official")]


def test_gru_and_lstm_are_alike_within_the_spread_or_not():
    names = [f"crnn_{x}" for x in ("with_both", "no_dropout", "no_batch_norm", "neither", "lstm")]
    run = run_of(dict(zip(names, (0.7, 0.6, 0.6, 0.5, 0.3), strict=True)))
    assert declared("regularisation", run, "C29") == ["holds"] * 3
    assert outcomes(ablations.alike(run), "C28") == [
        "holds",
        "fails",
    ]  # the GRU is ahead, by far more than the spread


def shifted(drops):
    """Counts of Figure 5's networks and courses; ``drops`` maps (network, course) to a lower recall."""
    return {
        (n, c): [counts_with(drops.get((n, c), 0.9), seed) for seed in range(2)]
        for n in ablations.NETWORKS
        for c in ablations.COURSES | ablations.CONTROLS
    }


def test_a_network_that_suffers_from_upward_shifts_alone():
    counts = shifted({("rnn", "+1"): 0.6, ("rnn", "+2"): 0.4})
    rows = ablations.shifts(counts, 200)
    assert outcomes(rows, "C14") == ["holds", "holds"]
    assert outcomes(rows, "C15") == ["holds"]
    rows = ablations.shifts(shifted({("cnn", "-1"): 0.4, ("cnn", "+1"): 0.4}), 200)
    assert outcomes(rows, "C14")[0] == "fails"


def test_changes_are_against_the_original_of_the_same_seed():
    table = ablations.pitch_table(shifted({("rnn", "+2"): 0.5}), [7, 8])
    assert set(table.seed) == {7, 8}
    assert (table[table.course == "original"].change == 0).all()
    lost = table[(table.system == "rnn") & (table.course == "+2")].change
    assert (lost < -20).all()


def test_effective_rank_counts_patterns():
    time, band = np.arange(64)[:, None], np.arange(40)[None]
    steady = np.sin(band / 3) * np.ones_like(time)
    two = steady + 0.7 * np.cos(time / 2) * np.cos(band / 5)
    noise = np.random.default_rng(0).normal(size=(64, 40))
    ranks = [neurons.effective_rank(x) for x in (steady, two, noise)]
    assert ranks[0] < 1.5 < ranks[1] < 3 < ranks[2]


def test_neurons_that_answer_are_found_and_ranked():
    torch.manual_seed(0)
    network = KINDS["CRNN"](
        bands=40,
        classes=3,
        maps=3,
        pool=[5, 4],
        rnn_layers=1,
        filter_shape=[3, 3],
        dropout=0.0,
    )
    found = neurons.inputs(network, seed=1)
    assert set(found.layer) == {1, 2} and (found.activation > 0).all()
    best = neurons.strongest(found, (1, 2))
    assert best.layer.tolist() == [1, 2, 2]
    assert best.activation.iloc[0] == found[found.layer == 1].activation.max()
    table = neurons.complexity(found)
    assert table.effective_rank.between(1, 40).all()


def test_deeper_is_more_complex_where_it_is():
    rows = [(1, r) for r in (2.0, 2.2, 2.1, 1.9)] + [(3, r) for r in (6.0, 7.0, 6.5, 5.5)]
    table = pd.DataFrame(rows, columns=["layer", "effective_rank"]).assign(corpus="a")
    rests_on = {"tut_sed_synthetic_2016": "foley", "tut_sed_2009": "foley"}
    judged = verdicts.judge(PUBLISHED, "crnn_neurons", rests_on, {}, neurons.odd(table))
    assert judged.verdict.tolist() == ["undecided here"]  # of one network, whatever its maps say
    assert judged.value.iloc[0] == pytest.approx(4.2)
    flat = table.assign(effective_rank=3.0)
    rests_on["tut_sed_2009"] = "official"
    judged = verdicts.judge(PUBLISHED, "crnn_neurons", rests_on, {}, neurons.odd(flat))
    assert judged.verdict.tolist() == ["undecided here"]
