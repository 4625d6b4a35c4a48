"""The claims of Kao et al. 2018, each with its test (`sedutils.claims.claims`); error rates as ratios."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import contrast, nothing, with_verdicts
from sedutils.metrics import bootstrap, rare
from sedutils.models.blocks import keras_parameters, trainable_parameters
from sedutils.models.kao2018 import RCRNN
from sedutils.papers.kao2018.results import EXTRACTORS, REGIMES, Results

PARTICULAR = {"R01", "R02", "R03", "R04", "R07"}  # against quoted rows, or about one class
COUNTED = {"R12", "R13"}  # of parameters: no corpus is involved
SINGLE = ("DNN/CNN", "R-FCN", "Baseline")  # quoted systems that are no ensembles
FINETUNED = "Pre-training (finetune CRNN)"


class Judge:
    """Error rates on all clips and on resamples, ``(seeds, resamples + 1)`` each."""

    def __init__(self, results: Results, printed: pd.DataFrame, *, resamples: int):
        self.results, self.resamples = results, resamples
        self.printed = printed.set_index("method")
        self.kept = {}

    def rates(self, name: str, split: str = "development", label: str | None = None) -> np.ndarray:
        """Of a row of Table 1 or 3; of one class, or the mean over classes."""
        if (name, split) not in self.kept:
            of = self.results
            detectors = of.extractors(name) if name in EXTRACTORS else of.regime(name)
            self.kept[name, split] = of.counts(detectors, split)
        row = None if label is None else self.results.labels.index(label)
        return rare.resampled(self.kept[name, split], "ER", resamples=self.resamples, row=row)

    @property
    def n_units(self) -> int:
        return sum(len(part.references) for part in next(iter(self.kept.values()))[0])

    def saved(self, worse: str, better: str, label: str | None = None) -> bootstrap.Estimate:
        """How much lower the second's error rate is, on development clips; seeds that both have."""
        pair = [self.rates(name, label=label) for name in (worse, better)]
        seeds = min(map(len, pair))
        return bootstrap.estimate([x[:seeds] for x in pair], np.subtract, n_units=self.n_units)

    def against(self, value: float, split: str) -> bootstrap.Estimate:
        """A quoted error rate minus that of the system of Table 4."""
        mine = [self.rates(FINETUNED, split)]
        return bootstrap.estimate(mine, lambda er: value - er, n_units=self.n_units)

    def quoted(self, method: str, column: str) -> float:
        return float(self.printed.loc[method, column])


def comparison(judge: Judge) -> list[dict]:
    """R01 to R05: Table 4."""
    half = 0.5 * judge.quoted("R-FCN", "dev_ER") + 0.005
    what = "half the development ER of R-FCN (quoted) - ours"
    rows = [contrast("R01", what, judge.against(half, "development"))]
    splits = {"dev_ER": "development", "eval_ER": "evaluation"}
    for column, split in splits.items():
        best = min(judge.quoted(m, column) for m in SINGLE)
        what = f"{split} ER, best single model (quoted) - ours"
        rows.append(contrast("R02", what, judge.against(best, split)))
    winner = judge.quoted("1D-CRNN", "dev_ER")
    away = judge.against(winner, "development")
    turned = bootstrap.combined(np.negative, away)
    rows.append(contrast("R03", "development ER, 1D-CRNN (quoted) - ours", away, -0.03))
    rows.append(contrast("R03", "development ER, ours - 1D-CRNN (quoted)", turned, -0.03))
    worst = max(judge.quoted(m, "eval_ER") for m in ("1D-CRNN", "CRNN"))
    behind = bootstrap.combined(np.negative, judge.against(worst, "evaluation"))
    rows.append(
        contrast("R04", "evaluation ER, ours - the worse of the first two (quoted)", behind)
    )
    gap = bootstrap.combined(
        np.subtract, judge.against(0.0, "development"), judge.against(0.0, "evaluation")
    )
    return [*rows, contrast("R05", "ER, evaluation - development", gap, 0.1)]


def extractors(judge: Judge) -> list[dict]:
    """R06 to R08: Table 1."""
    rows = [contrast("R06", "ER, CNN - BiGRU", judge.saved("CNN", "CRNN_BiGRU"), 0.05)]
    for worse, better in (("CNN", "CRNN_GRU"), ("CRNN_GRU", "CNN")):
        rows.append(contrast("R07", f"ER, {worse} - {better}", judge.saved(worse, better), -0.03))
    what = "glassbreak ER, GRU - CNN"
    known = "glassbreak" in judge.results.labels
    rows.append(
        contrast("R07", what, judge.saved("CRNN_GRU", "CNN", "glassbreak"))
        if known
        else nothing("R07", what)
    )
    for label in judge.results.labels:
        for other in ("CNN", "CRNN_GRU"):
            what = f"{label} ER, {other} - BiGRU"
            rows.append(contrast("R08", what, judge.saved(other, "CRNN_BiGRU", label)))
    return rows


def regimes(judge: Judge) -> list[dict]:
    """R09 to R11: Table 3."""
    scratch, fixed, _ = REGIMES
    gain = judge.saved(scratch, fixed)
    rows = [
        contrast("R09", "ER, from scratch - fixed", gain),
        contrast("R09", "ER, fixed - from scratch", bootstrap.combined(np.negative, gain), -0.1),
    ]
    for label in (*judge.results.labels, None):
        for other in (scratch, fixed):
            what = f"{label or 'average'} ER, {other} - finetuned"
            rows.append(contrast("R10", what, judge.saved(other, FINETUNED, label)))
    searched = judge.saved("CRNN_BiGRU", FINETUNED)
    return [*rows, contrast("R11", "ER, before - after the search", searched)]


def counted(printed: pd.DataFrame) -> list[dict]:
    """R12 and R13: parameters of live networks at the paper's size; ``printed`` is Table 2."""

    def network(units: int, nodes: int, classes: int = 1) -> RCRNN:
        sizes = {"units": int(units), "nodes": int(nodes), "classes": classes}
        return RCRNN(bands=64, widths=(64, 128), recurrent="bigru", **sizes)

    rows = []
    for nodes in sorted(set(printed.M)):
        one, two = (trainable_parameters(network(printed.bigru_units[0], nodes, k)) for k in (1, 2))
        what = f"a second class at M = {nodes}: parameters"
        rows.append(exact("R12", what, two - one, 3 * nodes + 3))
    for _, row in printed.iterrows():
        total = keras_parameters(network(row.bigru_units, row.M))
        rows.append(exact("R13", f"{row['class']}: parameters", total, row.params_reported))
    return rows


def exact(claim: str, what: str, value: int, wanted: int) -> dict:
    """A number that a claim gives to the last digit."""
    outcome = "holds" if value == wanted else "fails"
    return {
        "claim": claim,
        "contrast": f"{what} - {wanted}",
        "bound": np.nan,
        "outcome": outcome,
    } | {"value": value - wanted}


def judge(
    results: Results, tables: dict[str, pd.DataFrame], source: str, *, resamples: int
) -> pd.DataFrame:
    """All contrasts of all claims, one row each, with the verdict of the whole claim.

    tables : the printed ones, T2 and T4
    """
    of = Judge(results, tables["T4"], resamples=resamples)
    rows = comparison(of) + extractors(of) + regimes(of) + counted(tables["T2"])
    sources = {row["claim"]: {"official" if row["claim"] in COUNTED else source} for row in rows}
    return with_verdicts(rows, sources, PARTICULAR)
