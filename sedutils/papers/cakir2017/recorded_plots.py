"""Figures of the chapter on the recorded corpora: how the systems do on scenes, and in tagging."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedutils.papers.cakir2017.tagging import METHODS, PARTS
from sedutils.show import plots
from sedutils.show.titles import TITLES

COLOURS = {
    "rnn_chime": plots.SYSTEM_COLOURS["rnn"],
    "crnn_chime": plots.SYSTEM_COLOURS["crnn"],
    "cnn_chime": plots.SYSTEM_COLOURS["cnn"],
    "cnn_chime_twin": "#7aa6d6",
    "cnn_chime_no_batch_norm": "#b9b9b9",
    "cnn_chime_no_norms": "#dddddd",
}


def scenes_figure(tables: dict[str, pd.DataFrame], systems: list[str]):
    """Frame F1 and both error rates of Table II, a row a corpus; dots are the printed values."""
    shown = {"F1_frm": "F1, frames (%)", "F1_1s": "F1, 1 s (%)", "ER_frm": "error rate, frames"}
    shown["ER_1s"] = "error rate, 1 s"
    fig, axes = plt.subplots(len(tables), 4, figsize=(10, 2.3 * len(tables)), squeeze=False)
    names = [s.upper() for s in systems]
    for row, (corpus, table) in zip(axes, tables.items(), strict=True):
        rows = table.set_index("method").loc[names]
        for ax, (metric, title) in zip(row, shown.items(), strict=True):
            colours = [plots.SYSTEM_COLOURS[s] for s in systems]
            error = rows[f"{metric}_std"]
            ax.bar(names, rows[f"{metric}_mean"], yerr=error, color=colours, capsize=2)
            paper = {"color": plots.INK, "ms": 4, "label": "paper (its own data)"}
            ax.plot(names, rows[f"paper_{metric}_mean"], "o", **paper)
            ax.set_title(f"{TITLES[corpus]}: {title}" if ax is row[0] else title, fontsize=8)
            ax.tick_params(axis="x", labelsize=7)
    axes[0, 0].legend(fontsize=7)
    return fig


def tagging_figure(table6: pd.DataFrame, classes: pd.DataFrame, systems: list[str]):
    """Equal error rates: mean over classes with the printed values as dots, and class by class.

    classes : `tagging.class_errors` of the evaluation set
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(2, 3))
    rows = table6.set_index("method").loc[[METHODS[s] for s in systems]]
    place, width = np.arange(len(rows)), 0.38
    for i, (part, title) in enumerate(zip(PARTS, ("development", "evaluation"), strict=True)):
        at = place + (i - 0.5) * width
        error = rows[f"EER_{part}_std"]
        shade = {"color": "#2b6cb0", "alpha": (0.45, 1.0)[i], "label": title}
        left.bar(at, rows[f"EER_{part}_mean"], width, yerr=error, capsize=2, **shade)
        dots = {"color": plots.INK, "ms": 4, "label": "paper (its own data)" if i else None}
        left.plot(at, rows[f"paper_EER_{part}_mean"], "o", **dots)
    left.set_xticks(place, [textwrap.fill(name, 9) for name in rows.index], fontsize=7)
    left.set(title="mean equal error rate (%)", ylim=(0, 1.3 * left.get_ylim()[1]))
    left.legend(fontsize=7)
    lanes, height = np.arange(len(classes)), 0.8 / len(systems)
    for i, system in enumerate(systems):
        right.barh(
            lanes + (i - (len(systems) - 1) / 2) * height,
            classes[f"{system}_mean"],
            height,
            label=METHODS[system],
            color=COLOURS[system],
            xerr=classes[f"{system}_std"],
            error_kw={"lw": 0.8},
        )
    right.set_yticks(lanes, [plots.name_of(name) for name in classes["class"]])
    right.invert_yaxis()
    right.set(title="class by class, evaluation (%)")
    right.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig
