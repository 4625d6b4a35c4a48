"""The claims of Phan et al. 2018 that are no plain contrasts, rows for `sedutils.claims.verdicts.judge`."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import beside_trivial, by_seeds, contrast, nothing
from sedutils.metrics import bootstrap
from sedutils.papers.phan2018.results import (
    RAW_ALPHA,
    ROWS,
    STRICT,
    SYSTEMS,
    MultitaskRun,
    paper_name,
    percent,
)

ISOLATED, OVERLAPPING = "itc_irst", "tut_sed_synthetic_2016"
HARDER = 20.0  # P09: points of F1
SEPARATED = 0.9  # P10: area under the curve


def odd(runs: dict[str, MultitaskRun], table1: pd.DataFrame, shown: tuple) -> list[dict]:
    """P03, P06 to P11, and P12's last part.

    runs : by corpus; table1 : as printed; shown : `MultitaskRun.shown`, recording and classes of Figure 2
    """
    one, many = runs[ISOLATED], runs[OVERLAPPING]
    areas = [min(many.separation(i, *shown)) for i in range(len(many.seeds))]
    names = ", ".join(map(paper_name, shown[1]))
    what = f"least area under the curve of {names}: unscaled confidence at alpha = {RAW_ALPHA}"
    return [
        two_modes(one),
        *against_quoted(one, table1.set_index("class")),
        *between(one, many),
        by_seeds("P10", what, areas, SEPARATED),
        *mixed(many),
    ]


def gain(run: MultitaskRun, metric: str, row: str) -> bootstrap.Estimate:
    """How much better the proposed system is: F1 gained, error saved."""
    pair = ("proposed", "baseline") if metric.endswith("F1") else ("baseline", "proposed")
    return run.above(*pair, metric, row)


def gains(run: MultitaskRun, metric: str) -> np.ndarray:
    """The same of each class, ``(seeds, classes)``; NaN for classes without test events."""
    proposed, baseline = (
        np.stack([percent(counts.sum(), metric) for counts in run.counted(name, metric)])
        for name in SYSTEMS
    )
    return (proposed - baseline) * (1 if metric == "F1" else -1)


def two_modes(run: MultitaskRun) -> dict:
    """P03: outputs that are no event rise most for key jingle and phone ring."""
    names = [paper_name(label) for label in run.labels]
    what = "least rise in insertions of key jingle and phone ring - largest rise of another class"
    if not {"key jingle", "phone ring"} <= set(names):
        return nothing("P03", what)
    each = [[c.sum() for c in run.counted(name, "ER")] for name in SYSTEMS]
    proposed, baseline = (np.stack([c.outputs - c.correct for c in counts]) for counts in each)
    rise = proposed - baseline  # (seeds, classes)
    two = [names.index("key jingle"), names.index("phone ring")]
    row = by_seeds("P03", what, rise[:, two].min(1) - np.delete(rise, two, 1).max(1))
    return beside_trivial(row, run.trivial(*SYSTEMS, metric="ER", row="Overall"))


def against_quoted(run: MultitaskRun, printed: pd.DataFrame) -> list[dict]:
    """P07, P08, P12: the dual-DNN of Table 1 as a constant."""

    def over(claim, what, metric, row):
        sign = 1 if metric == "F1" else -1
        quoted = printed[f"dualdnn_{metric}"][row]
        better = run.estimate(
            lambda ours: sign * (ours - quoted), "proposed", metric=metric, row=row
        )
        as_well = run.trivial("proposed", metric=metric, row=row)
        return beside_trivial(contrast(claim, what, better), as_well)

    return [
        *(over("P07", f"{row} F1, proposed - dual-DNN (quoted)", "F1", row) for row in ROWS),
        over("P08", "Average ER, dual-DNN (quoted) - proposed", "ER", "Average"),
        over("P12", "isolated: Overall F1, proposed - dual-DNN (quoted)", "F1", "Overall"),
    ]


def between(one: MultitaskRun, many: MultitaskRun) -> list[dict]:
    """P06 and P09: isolated and overlapping events, by the paper's counting and one to one."""

    def trivial(metric, row, *systems):
        return any(run.trivial(*systems, metric=metric, row=row) for run in (one, many))

    rows = []
    for metric, title in (("F1", "F1"), (f"{STRICT}F1", "one-to-one F1")):
        for row in ROWS:
            more = bootstrap.combined(np.subtract, *(gain(run, metric, row) for run in (many, one)))
            said = contrast("P06", f"gain in {row} {title}, overlapping - isolated", more)
            rows.append(beside_trivial(said, trivial(metric, row, *SYSTEMS)))
        for name in SYSTEMS:
            each = [
                run.estimate(lambda f1: f1, name, metric=metric, row="Overall")
                for run in (one, many)
            ]
            less = bootstrap.combined(np.subtract, *each)
            said = contrast("P09", f"{name}: Overall {title}, isolated - overlapping", less, HARDER)
            rows.append(beside_trivial(said, trivial(metric, "Overall", name)))
    return rows


def mixed(run: MultitaskRun) -> list[dict]:
    """P11: the proposed system is better in half of the classes at most."""
    rows = []
    for metric, printed in (("F1", 8), ("ER", 6)):
        wins = (gains(run, metric) > 0).sum(axis=1)
        what = f"half of the classes - those where the proposed system is better in {metric}"
        half = len(run.labels) // 2
        rows.append(by_seeds("P11", f"{what} ({printed} of 16 printed)", half - wins, -0.5))
    return rows
