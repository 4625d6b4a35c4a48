"""The claims of Phan et al. 2018, each with its test (`sedutils.claims.claims`); scores in percent."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import by_seeds, contrast, nothing, with_verdicts
from sedutils.metrics import bootstrap
from sedutils.metrics.ratios import mean_of_known
from sedutils.papers.phan2018.results import Results, paper_name, score

ISOLATED, OVERLAPPING = "itc_irst", "tut_sed_synthetic_2016"
# The corpora that a claim is about
CORPORA = {
    **dict.fromkeys(("P01", "P02", "P03", "P07", "P08"), (ISOLATED,)),
    **dict.fromkeys(("P04", "P05", "P10", "P11"), (OVERLAPPING,)),
    **dict.fromkeys(("P06", "P09", "P12"), (ISOLATED, OVERLAPPING)),
}
# against quoted rows, or about particular classes
PARTICULAR = {"P03", "P07", "P08", "P11", "P12"}
HARDER = 20.0  # P09: points of F1
SEPARATED = 0.9  # P10: area under the curve
ROWS = ("Average", "Overall")


class Judge:
    """Contrasts on one corpus; ``seed`` of its bootstrap, another for each corpus."""

    def __init__(self, results: Results, published: pd.DataFrame, *, resamples: int, seed: int):
        self.results, self.published = results, published.set_index("class")
        units = len(results.counts["proposed"][0].references)
        self.n_units = units
        self.weights = bootstrap.unit_weights(np.zeros(units, int), resamples=resamples, seed=seed)

    def scores(self, name: str, metric: str, row: str) -> np.ndarray:
        """A row of the paper's table on all units and on resamples: ``(seeds, resamples + 1)``."""
        weighted = [counts.weighted(self.weights) for counts in self.results.counts[name]]
        if row == "Overall":
            return np.stack([score(w.overall(), metric) for w in weighted])
        return np.stack([mean_of_known(score(w, metric)) for w in weighted])

    def gain(self, metric: str, row: str) -> bootstrap.Estimate:
        """How much better the proposed system is: F1 gained, error saved."""
        pair = [self.scores(name, metric, row) for name in ("proposed", "baseline")]
        sign = 1 if metric == "F1" else -1
        return bootstrap.estimate(pair, lambda a, b: sign * (a - b), n_units=self.n_units)

    def value(self, name: str, metric: str, row: str) -> bootstrap.Estimate:
        return bootstrap.estimate(
            [self.scores(name, metric, row)], lambda a: a, n_units=self.n_units
        )

    def over_quoted(self, metric: str, row: str) -> bootstrap.Estimate:
        """The same against the quoted dual-DNN."""
        quoted, sign = self.published.loc[row, f"dualdnn_{metric}"], 1 if metric == "F1" else -1
        mine = [self.scores("proposed", metric, row)]
        return bootstrap.estimate(mine, lambda a: sign * (a - quoted), n_units=self.n_units)

    def by_class(self, metric: str) -> np.ndarray:
        """Gain of each class, ``(seeds, classes)``; NaN for classes without test events."""
        sums = {
            name: np.stack([score(c.sum(), metric) for c in runs])
            for name, runs in self.results.counts.items()
        }
        return (sums["proposed"] - sums["baseline"]) * (1 if metric == "F1" else -1)


def isolated(judge: Judge) -> list[dict]:
    """P01, P02, P03, P07, P08: Table 1."""
    rows = [
        contrast("P01", f"{row} F1, proposed - baseline", judge.gain("F1", row)) for row in ROWS
    ]
    pair = [judge.scores(name, "ER", "Overall") for name in ("proposed", "baseline")]
    worse = bootstrap.estimate(pair, np.subtract, n_units=judge.n_units)
    rows.append(contrast("P02", "Overall ER, proposed - baseline", worse))
    rows.append(two_modes(judge))
    rows += [
        contrast("P07", f"{row} F1, proposed - dual-DNN (quoted)", judge.over_quoted("F1", row))
        for row in ROWS
    ]
    saved = judge.over_quoted("ER", "Average")
    return [*rows, contrast("P08", "Average ER, dual-DNN (quoted) - proposed", saved)]


def two_modes(judge: Judge) -> dict:
    """P03: the error rises most for key jingle and phone ring."""
    names = [paper_name(label) for label in judge.results.labels]
    what = "least rise in ER of key jingle and phone ring - largest rise of another class"
    if not {"key jingle", "phone ring"} <= set(names):
        return nothing("P03", what)
    rise = -judge.by_class("ER")
    two = [names.index("key jingle"), names.index("phone ring")]
    return by_seeds("P03", what, rise[:, two].min(1) - np.nanmax(np.delete(rise, two, 1), 1))


def overlapping(judge: Judge, areas: list[float]) -> list[dict]:
    """P04, P05, P10, P11: Table 2 and Figure 2.

    areas : of each seed the smallest area under the curve (`Results.separation`) of the classes shown
    """
    rows = [
        contrast("P04", f"{row} F1, proposed - baseline", judge.gain("F1", row)) for row in ROWS
    ]
    rows += [
        contrast("P05", f"{row} ER, baseline - proposed", judge.gain("ER", row)) for row in ROWS
    ]
    what = "least area under the curve of the classes of Figure 2, confidence against annotation"
    rows.append(by_seeds("P10", what, areas, SEPARATED))
    for metric, printed in (("F1", 8), ("ER", 6)):
        wins = (judge.by_class(metric) > 0).sum(axis=1)
        half = len(judge.results.labels) // 2
        what = f"half of the classes - those where the proposed system is better in {metric}"
        rows.append(by_seeds("P11", f"{what} ({printed} of 16 printed)", half - wins, -0.5))
    return rows


def judge(
    results: dict[str, Results],
    tables: dict[str, pd.DataFrame],
    sources: dict[str, str],
    *,
    areas: list[float],
    resamples: int,
) -> pd.DataFrame:
    """All contrasts of all claims, one row each, with the verdict of the whole claim.

    results, tables (printed ones), sources : by corpus
    """
    judges = {
        name: Judge(results[name], tables[name], resamples=resamples, seed=i)
        for i, name in enumerate((ISOLATED, OVERLAPPING))
    }
    one, many = judges[ISOLATED], judges[OVERLAPPING]
    rows = isolated(one) + overlapping(many, areas)
    gains = [j.gain("F1", "Overall") for j in (many, one)]
    what = "gain in Overall F1, overlapping - isolated"
    rows.append(contrast("P06", what, bootstrap.combined(np.subtract, *gains)))
    for name in ("proposed", "baseline"):
        easier = bootstrap.combined(
            np.subtract, *(j.value(name, "F1", "Overall") for j in (one, many))
        )
        rows.append(contrast("P09", f"{name}: Overall F1, isolated - overlapping", easier, HARDER))
    rows += [
        contrast("P12", "isolated: Overall F1, proposed - baseline", one.gain("F1", "Overall")),
        contrast("P12", "overlapping: Overall F1, proposed - baseline", gains[0]),
        contrast(
            "P12",
            "isolated: Overall F1, proposed - dual-DNN (quoted)",
            one.over_quoted("F1", "Overall"),
        ),
    ]
    involved = {claim: {sources[c] for c in corpora} for claim, corpora in CORPORA.items()}
    return with_verdicts(rows, involved, PARTICULAR)
