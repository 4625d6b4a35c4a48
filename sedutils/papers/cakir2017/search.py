"""The chapter on the grid search of Cakir et al. 2017: Figure 4, selection beside Table I, C12 and C13."""

import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter

from sedutils.claims.verdicts import contrast, nothing
from sedutils.decoding.thresholds import decisions
from sedutils.metrics import bootstrap, segments
from sedutils.show.plots import SYSTEM_COLOURS
from sedutils.show.titles import DATASETS, TITLES
from sedutils.training import evaluation
from sedutils.training.grid import KINDS, SETTINGS

SCORED = {"chime_home": "1 - EER of the evaluation set"}
APART = 3.0  # C13: networks of one kind and size differ by as many points


def read(models: dict[str, Path], sources: dict[str, str], size: str) -> pd.DataFrame:
    """All points of all corpora (`grid.table`) below each other, scores in percent.

    models : corpus -> folder of its grid
    """
    parts = []
    for corpus, folder in models.items():
        part = pd.read_csv(folder / "points.csv", dtype=dict.fromkeys(SETTINGS, str))
        varied = part.name.str.contains("-dropout_").any()  # by the second search alone
        part.insert(0, "search", "second" if varied else "first")
        part.insert(0, "corpus", corpus)
        parts.append(part.assign(source=sources[corpus], size=size))
    points = pd.concat(parts, ignore_index=True)
    points[["validation_score", "test_score"]] *= 100
    return points


def figure4(points: pd.DataFrame):
    """Figure 4: parameters (log axis) against test score, a panel a corpus of the first search."""
    corpora = points[points.search == "first"].groupby("corpus", sort=False)
    fig, axes = plt.subplots(1, len(corpora), figsize=(4.4 * len(corpora), 3.2), squeeze=False)
    for ax, (corpus, rows) in zip(axes[0], corpora, strict=True):
        for kind in KINDS:
            of = rows[rows.kind == kind]
            ax.scatter(
                of.parameters, of.test_score, s=22, color=SYSTEM_COLOURS[kind], label=kind.upper()
            )
            best = of[of.selected]
            ax.scatter(
                best.parameters,
                best.test_score,
                s=110,
                facecolor="none",
                edgecolor=SYSTEM_COLOURS[kind],
            )
        ax.set(
            xscale="log",
            title=TITLES[corpus],
            xlabel="parameters",
            ylabel=f"{SCORED.get(corpus, 'frame F1 of the test set')} (%)",
        )
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    handles = axes[0, 0].get_legend_handles_labels()
    fig.legend(
        *handles,
        loc="outside upper right",
        ncols=3,
        title="ring: best on validation",
        title_fontsize=8,
    )
    return fig


def selection(points: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """The selected point of each kind and corpus, its rank by test score, and what Table I prints."""
    rows = []
    for (corpus, kind), group in points.groupby(["corpus", "kind"], sort=False):
        best = group[group.selected].iloc[0]
        printed = published[
            (published.dataset == DATASETS[corpus]) & (published.method == kind.upper())
        ].iloc[0]
        rows.append(
            {
                "corpus": TITLES[corpus],
                "kind": kind.upper(),
                "chosen here": settings(best),
                "parameters": best.parameters,
                "validation": best.validation_score,
                "test": best.test_score,
                "rank": f"{int((group.test_score > best.test_score).sum()) + 1} of {len(group)}",
                "Table I": printed_settings(printed),
                "parameters in Table I": printed.params_reported,
            }
        )
    return pd.DataFrame(rows)


def settings(row: pd.Series) -> str:
    """Width, pooling and layers of a point in words."""
    words = {"maps": "maps", "units": "units", "pool": "pooling", "rnn_layers": "recurrent"}
    words |= {"fnn_layers": "feedforward"}
    named = [(row[key], word) for key, word in words.items() if pd.notna(row.get(key))]
    return ", ".join(f"{v} {w}" if w != "pooling" else f"{w} {v}" for v, w in named)


def printed_settings(row: pd.Series) -> str:
    """The same of a row of Table I."""
    known = {
        "units" if row.method == "RNN" else "maps": f"{row.units:.0f}",
        "pool": "x".join(map(str, row["pool"])) if isinstance(row["pool"], list) else None,
        "rnn_layers": None if math.isnan(row.rnn_layers) else f"{row.rnn_layers:.0f}",
        "fnn_layers": None if math.isnan(row.fnn_layers) else f"{row.fnn_layers:.0f}",
    }
    return settings(pd.Series(known))


def odd(points: pd.DataFrame, models: Path, features: Path, evaluated: dict) -> list[dict]:
    """C12 and C13 on TUT-SED Synthetic 2016, rows for `sedutils.claims.verdicts.judge`.

    models : folder of that corpus's grid, where ``repeats.csv`` names the networks and seeds of C13
    evaluated : section ``evaluation`` of params.yaml
    """
    reference = evaluation.Reference.read(features, "test")

    def counts_of(trainings: pd.DataFrame) -> list[segments.Counts]:
        scores = [
            evaluation.read_scores(models, t.name, t.seed, "test")
            for t in trainings.itertuples(index=False)
        ]
        return [
            reference.counts(decisions(reference.split(s), evaluated["threshold"])) for s in scores
        ]

    rows = points[points.corpus == "tut_sed_synthetic_2016"].reset_index(drop=True)
    repeats = pd.read_csv(models / "repeats.csv").groupby("name", sort=False)
    pair = {name: counts_of(trainings) for name, trainings in repeats}
    resamples = evaluated["resamples"]
    sizes = equal_sizes(rows, [[counts] for counts in counts_of(rows)], resamples)
    return [*sizes, layout_matters(pair, resamples)]


def equal_sizes(rows: pd.DataFrame, counts: list, resamples: int) -> list[dict]:
    """C12: in every octave of parameters with all three kinds, the CRNNs' mean F1 above both others'.

    The networks of a kind stand for its trainings: their spread is that of seeds and of layouts.

    rows : kind, parameters of each point; counts : of each point, a list of one seed's `segments.Counts`
    """

    def lead(*f1):
        mean = dict(zip(KINDS, f1, strict=True))
        return 100 * (mean["crnn"] - np.maximum(mean["cnn"], mean["rnn"]))

    found = []
    octaves = np.floor(np.log2(rows.parameters)).astype(int)
    for octave, group in rows.groupby(octaves):
        kinds = group.kind.to_numpy()
        if set(kinds) != set(KINDS):
            continue
        systems = [[counts[i][0] for i in group.index[kinds == k]] for k in KINDS]
        estimate = bootstrap.paired(systems, segments.f1_score, lead, resamples=resamples)
        size = f"{2**octave} to {2 ** (octave + 1)} parameters ({len(group)} networks)"
        found.append(contrast("C12", f"mean F1 of the CRNNs - better other kind, {size}", estimate))
    return found or [nothing("C12", "sizes at which all three kinds were trained: none")]


def layout_matters(pair: dict[str, list], resamples: int) -> dict:
    """C13: how far apart in F1 two networks of one kind and size are, `sedutils.training.grid.furthest_apart`.

    pair : name -> the `segments.Counts` of each seed, the one that is better on validation first; {} for none
    """
    if not pair:
        return nothing("C13", "networks of one kind within 10 percent in size: none")
    estimate = bootstrap.paired(
        list(pair.values()), segments.f1_score, lambda a, b: 100 * (a - b), resamples=resamples
    )
    return contrast("C13", f"F1 of {' - '.join(pair)}, within 10 percent in size", estimate, APART)
