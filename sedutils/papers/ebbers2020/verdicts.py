"""The claims of Ebbers & Haeb-Umbach 2020, each with its test (`sedutils.claims.claims`); F in percent."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import contrast, nothing, with_verdicts
from sedutils.metrics import bootstrap, events
from sedutils.papers.ebbers2020 import latency
from sedutils.papers.ebbers2020.experiments import BLIND, CONDITIONED, ENDS, FBCRNN
from sedutils.papers.ebbers2020.results import AVERAGE, PUBLIC, VALIDATION, Results, paper_name

PARTICULAR = {"E01", "E03", "E04"}  # against a quoted row, or about particular classes
ABSOLUTE = 10.0  # E01: points over the baseline
ROUNDED = 0.06  # E02
WEAKEST, STRONGEST = {"Dishes", "Dog"}, "Vacuum cleaner"
CUTS = {"hidden": "the CNN's output", "input": "the input"}


class Judge:
    """Bootstraps over clips; the networks of a seed stand beside each other."""

    def __init__(self, results: Results):
        self.results = results

    def gain(self, better: str, worse: str, cut="hidden", context=None) -> bootstrap.Estimate:
        """How much higher the macro F of the first system's single networks is on public clips."""
        pair = [
            [
                self.results.counts(((system, seed),), PUBLIC, cut, context)
                for seed in self.results.seeds
            ]
            for system in (better, worse)
        ]
        return bootstrap.compare(*pair, events.macro_f_score, resamples=self.results.resamples)

    def over(self, baseline: float) -> bootstrap.Estimate:
        """Macro F of all networks together, chosen and reported on validation clips, over a printed one."""
        members = self.results.ensemble(FBCRNN, CONDITIONED)
        counts = self.results.counts(members, VALIDATION)
        return bootstrap.paired(
            [[counts]],
            events.macro_f_score,
            lambda f: f - baseline,
            resamples=self.results.resamples,
        )

    def sooner(self) -> bootstrap.Estimate:
        """Seconds that joint training tags a class sooner, mean over the classes of clips that both tag."""
        saved = [
            latency.waits(self.results, ENDS, seed) - latency.waits(self.results, FBCRNN, seed)
            for seed in self.results.seeds
        ]
        sums = np.stack([np.nansum(x, axis=1) for x in saved])  # (seeds, clips)
        counts = np.stack([np.isfinite(x).sum(axis=1) for x in saved])
        clips = sums.shape[1]
        weights = bootstrap.unit_weights(np.zeros(clips), resamples=self.results.resamples)
        number = counts @ weights.T
        mean = np.divide(
            sums @ weights.T, number, out=np.full(number.shape, np.nan), where=number > 0
        )
        return bootstrap.estimate([mean], lambda x: x, n_units=clips)


def of_table3(judge: Judge, table: pd.DataFrame, printed: pd.DataFrame) -> list[dict]:
    """E01 to E04: Table 3 as the paper makes it, chosen on the clips that are reported."""
    baseline = float(printed.set_index("row").F["Baseline macro-average"])
    what = f"macro F on validation clips - {baseline} of the baseline (quoted)"
    rows = [contrast("E01", what, judge.over(baseline), ABSOLUTE)]
    classes = table[table["class"] != AVERAGE]
    average = table.loc[table["class"] == AVERAGE, "validation"].item()
    apart = abs(round(average, 1) - classes.validation.round(1).mean())  # of numbers as printed
    told = f"difference of the macro average and the mean of {len(classes)} classes, all with one decimal"
    rows.append(exact("E02", told, apart <= ROUNDED) | {"value": apart})
    if classes.paper_F.isna().any():
        return [
            *rows,
            *(nothing(claim, "the classes are not the paper's") for claim in ("E03", "E04")),
        ]
    named = classes.set_index(classes["class"].map(paper_name))
    order = list(named.validation.sort_values().index)
    holds = set(order[:2]) == WEAKEST and order[-1] == STRONGEST
    told = f"weakest: {order[0]}, {order[1]}; strongest: {order[-1]}"
    rows.append(exact("E03", told, holds))
    return [*rows, *(same_choice(named, column) for column in ("M", "C"))]


def same_choice(named: pd.DataFrame, column: str) -> dict:
    """E04: the classes that take the longer median filter, or the longer context, are the paper's."""
    ours, theirs = (
        set(named.index[values == values.max()]) if values.nunique() > 1 else set()
        for values in (named[column], named[f"paper_{column}"])
    )
    told = f"classes with the longer {column}: {', '.join(sorted(ours)) or 'none'}"
    return exact("E04", told, ours == theirs)


def exact(claim: str, what: str, holds: bool) -> dict:
    """A statement about numbers as they stand."""
    outcome = "holds" if holds else "fails"
    return {"claim": claim, "contrast": what, "bound": np.nan, "outcome": outcome}


def joint_training(judge: Judge) -> list[dict]:
    """E05: tags are early, and small windows are enough; the twin learnt each direction's last tag alone."""
    context = judge.results.contexts[0]
    rows = [
        contrast(
            "E05",
            f"macro F at C = {context}, windows of {told}, joint training - last tags only; both masked by the "
            "same tags",
            judge.gain(FBCRNN, ENDS, cut, 0),
        )
        for cut, told in CUTS.items()
    ]
    sooner = judge.sooner()
    what = "seconds from onset to tag, last tags only - joint training"
    known = not np.isnan([sooner.value, *sooner.per_seed]).any()
    return [*rows, contrast("E05", what, sooner) if known else nothing("E05", what)]


def judge(
    results: Results, table: pd.DataFrame, printed: pd.DataFrame, *, source: str
) -> pd.DataFrame:
    """All contrasts of all claims, one row each, with the verdict of the whole claim.

    table : of `sedutils.papers.ebbers2020.results.table3`; printed : Table 3 of the paper
    """
    of = Judge(results)
    gain = of.gain(CONDITIONED, BLIND)
    rows = [
        *of_table3(of, table, printed),
        *joint_training(of),
        contrast(
            "E06",
            "macro F, tag-conditioned CNN - the same without; both masked by the same tags",
            gain,
        ),
        nothing("E07", "not tested: no attention-based system learns from tags here"),
    ]
    return with_verdicts(rows, source, PARTICULAR)
