"""The claims of Ebbers & Haeb-Umbach 2020 that are no plain contrasts, rows for `sedutils.claims.verdicts.judge`."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import beside_trivial, contrast, exact, nothing
from sedutils.metrics import bootstrap, events
from sedutils.papers.ebbers2020 import latency
from sedutils.papers.ebbers2020.experiments import ATTENTION, CONDITIONED, ENDS, FBCRNN
from sedutils.papers.ebbers2020.results import AVERAGE, VALIDATION, WeakRun
from sedutils.papers.ebbers2020.summaries import paper_name

ABSOLUTE = 10.0  # E01: points over the baseline
ROUNDED = 0.06  # E02
WEAKEST, STRONGEST = {"Dishes", "Dog"}, "Vacuum cleaner"
CUTS = {"hidden": "the CNN's output", "input": "the input"}


def odd(run: WeakRun, table: pd.DataFrame, printed: pd.DataFrame) -> list[dict]:
    """E01 to E05.

    table : of `sedutils.papers.ebbers2020.summaries.table3`; printed : Table 3 of the paper
    """
    baseline = float(printed.set_index("row").F["Baseline macro-average"])
    return [*over_baselines(run, baseline), *of_table3(table), *joint_training(run)]


def over_baselines(run: WeakRun, quoted: float) -> list[dict]:
    """E01: macro F of all networks together, chosen and reported on validation clips, over the challenge's baseline
    as printed, and over one of our own, a single network with attention pooling (as the challenge's is)."""
    together = [run.counts(run.ensemble(FBCRNN, CONDITIONED), VALIDATION)]
    own = [run.counts((member,), VALIDATION) for member in run.ensemble(ATTENTION)]
    how = {"score": events.macro_f_score, "resamples": run.resamples}
    printed = bootstrap.paired([together], statistic=lambda f: f - quoted, **how)
    trained = bootstrap.paired([together, own], statistic=np.subtract, **how)
    what = "macro F on validation clips"
    return [
        contrast(
            "E01", f"{what} - {quoted} of the challenge's baseline (quoted)", printed, ABSOLUTE
        ),
        contrast("E01", f"{what} - one CRNN with attention pooling", trained, ABSOLUTE),
    ]


def of_table3(table: pd.DataFrame) -> list[dict]:
    """E02 to E04: Table 3 as the paper makes it, chosen on the clips that are reported."""
    classes = table[table["class"] != AVERAGE]
    average = table.loc[table["class"] == AVERAGE, "validation"].item()
    apart = abs(round(average, 1) - classes.validation.round(1).mean())  # of numbers as printed
    what = (
        f"difference of the macro average and the mean of {len(classes)} classes, all with one decimal (arithmetic: "
        "true of any table of ours)"
    )
    rows = [exact("E02", what, apart <= ROUNDED, value=apart)]
    if classes.paper_F.isna().any():
        others = "the classes are not the paper's"
        return [*rows, *(nothing(claim, others) for claim in ("E03", "E04"))]
    named = classes.set_index(classes["class"].map(paper_name))
    order = list(named.validation.sort_values().index)
    holds = set(order[:2]) == WEAKEST and order[-1] == STRONGEST
    what = f"weakest: {order[0]}, {order[1]}; strongest: {order[-1]}"
    rows.append(exact("E03", what, holds))
    return [*rows, *(same_choice(named, column) for column in ("M", "C"))]


def same_choice(named: pd.DataFrame, column: str) -> dict:
    """E04: the classes that take the longer median filter, or the longer context, are the paper's."""
    ours, theirs = (
        set(named.index[values == values.max()]) if values.nunique() > 1 else set()
        for values in (named[column], named[f"paper_{column}"])
    )
    what = f"classes with the longer {column}: {', '.join(sorted(ours)) or 'none'}"
    return exact("E04", what, ours == theirs)


def joint_training(run: WeakRun) -> list[dict]:
    """E05: tags are early, and small windows are enough; the twin learnt each direction's last tag alone."""
    rows = []
    for cut, source in CUTS.items():
        what = f"macro F at C = {run.contexts[0]}, windows of {source}, joint training - last tags only"
        metric = f"F_{cut}"
        what += "; both masked by the same tags"
        row = contrast("E05", what, run.above(FBCRNN, ENDS, metric))
        rows.append(beside_trivial(row, run.trivial(FBCRNN, ENDS, metric=metric)))
    saved = sooner(run)
    what = "seconds from onset to tag, last tags only - joint training"
    known = not np.isnan([saved.value, *saved.per_seed]).any()
    return [*rows, contrast("E05", what, saved) if known else nothing("E05", what)]


def sooner(run: WeakRun) -> bootstrap.Estimate:
    """Seconds that joint training tags a class sooner, mean over the classes of clips that both tag."""
    saved = [
        latency.waits(run, ENDS, seed) - latency.waits(run, FBCRNN, seed) for seed in run.seeds
    ]
    sums = np.stack([np.nansum(x, axis=1) for x in saved])  # (seeds, clips)
    counts = np.stack([np.isfinite(x).sum(axis=1) for x in saved])
    weights = run.weights("F")
    number = counts @ weights.T
    mean = np.divide(sums @ weights.T, number, out=np.full(number.shape, np.nan), where=number > 0)
    return bootstrap.estimate([mean], lambda x: x, n_units=sums.shape[1])
