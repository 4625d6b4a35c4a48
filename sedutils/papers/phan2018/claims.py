"""The claims of Phan et al. 2018 that are no plain contrasts, rows for `sedutils.claims.verdicts.judge`."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import by_seeds, contrast, nothing
from sedutils.metrics import bootstrap
from sedutils.papers.phan2018.results import SYSTEMS, MultitaskRun, paper_name, percent

ISOLATED, OVERLAPPING = "itc_irst", "tut_sed_synthetic_2016"
HARDER = 20.0  # P09: points of F1
SEPARATED = 0.9  # P10: area under the curve


def odd(runs: dict[str, MultitaskRun], table1: pd.DataFrame, areas: list[float]) -> list[dict]:
    """P03, P06 to P11, and P12's last part.

    runs : by corpus; table1 : as printed
    areas : of each seed the smallest area under the curve (`MultitaskRun.separation`) of the classes shown
    """
    one, many = runs[ISOLATED], runs[OVERLAPPING]
    what = "least area under the curve of the classes of Figure 2, confidence against annotation"
    return [
        two_modes(one),
        *against_quoted(one, table1.set_index("class")),
        *between(one, many),
        by_seeds("P10", what, areas, SEPARATED),
        *mixed(many),
    ]


def gain(run: MultitaskRun, metric: str, row: str) -> bootstrap.Estimate:
    """How much better the proposed system is: F1 gained, error saved."""
    pair = ("proposed", "baseline") if metric == "F1" else ("baseline", "proposed")
    return run.above(*pair, metric, row)


def gains(run: MultitaskRun, metric: str) -> np.ndarray:
    """The same of each class, ``(seeds, classes)``; NaN for classes without test events."""
    proposed, baseline = (
        np.stack([percent(counts.sum(), metric) for counts in run.counted(name, metric)])
        for name in SYSTEMS
    )
    return (proposed - baseline) * (1 if metric == "F1" else -1)


def two_modes(run: MultitaskRun) -> dict:
    """P03: the error rises most for key jingle and phone ring."""
    names = [paper_name(label) for label in run.labels]
    what = "least rise in ER of key jingle and phone ring - largest rise of another class"
    if not {"key jingle", "phone ring"} <= set(names):
        return nothing("P03", what)
    rise = -gains(run, "ER")
    two = [names.index("key jingle"), names.index("phone ring")]
    return by_seeds("P03", what, rise[:, two].min(1) - np.nanmax(np.delete(rise, two, 1), 1))


def against_quoted(run: MultitaskRun, printed: pd.DataFrame) -> list[dict]:
    """P07, P08, P12: the dual-DNN of Table 1 as a constant."""

    def over(row):
        quoted = printed.dualdnn_F1[row]
        return run.estimate(lambda f1: f1 - quoted, "proposed", metric="F1", row=row)

    rows = [
        contrast("P07", f"{row} F1, proposed - dual-DNN (quoted)", over(row))
        for row in ("Average", "Overall")
    ]
    quoted = printed.dualdnn_ER["Average"]
    saved = run.estimate(lambda er: quoted - er, "proposed", metric="ER", row="Average")
    what = "isolated: Overall F1, proposed - dual-DNN (quoted)"
    return [
        *rows,
        contrast("P08", "Average ER, dual-DNN (quoted) - proposed", saved),
        contrast("P12", what, over("Overall")),
    ]


def between(one: MultitaskRun, many: MultitaskRun) -> list[dict]:
    """P06 and P09: isolated and overlapping events."""
    more = bootstrap.combined(np.subtract, *(gain(run, "F1", "Overall") for run in (many, one)))
    rows = [contrast("P06", "gain in Overall F1, overlapping - isolated", more)]
    for name in SYSTEMS:
        each = [
            run.estimate(lambda f1: f1, name, metric="F1", row="Overall") for run in (one, many)
        ]
        what = f"{name}: Overall F1, isolated - overlapping"
        rows.append(contrast("P09", what, bootstrap.combined(np.subtract, *each), HARDER))
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
