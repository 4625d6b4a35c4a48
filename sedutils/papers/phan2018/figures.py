"""Figures of the chapter on Phan et al. 2018; each returns its figure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedutils.papers.phan2018.results import SYSTEMS
from sedutils.show.plots import FAINT, INK, name_of

COLOURS = {"proposed": "#c0392b", "baseline": "#2b6cb0"}


def confidence_curves(truth, activity, confidence, beta, labels, *, hop_s: float, title: str):
    """Figure 2: annotation, activity and scaled confidence of some classes over one recording.

    truth, activity, confidence : ``(frames, classes)`` of the classes shown; beta : ``(classes,)``
    """
    fig, axes = plt.subplots(
        len(labels), 1, figsize=(8.5, 1.5 * len(labels) + 0.5), sharex=True, sharey=True
    )
    time = np.arange(len(truth)) * hop_s
    for k, (ax, label) in enumerate(zip(np.atleast_1d(axes), labels, strict=True)):
        ax.fill_between(time, truth[:, k], color=FAINT, lw=0, step="post", label="annotation")
        ax.plot(time, activity[:, k], color=INK, lw=0.5, alpha=0.6, label="activity")
        ax.plot(time, confidence[:, k], color=COLOURS["proposed"], lw=1.3, label="confidence")
        ax.axhline(beta[k], color=COLOURS["proposed"], lw=0.7, ls=":", label="threshold beta")
        ax.set_title(name_of(label), fontsize=9)
        ax.set(ylim=(0, 1.05), xlim=(0, len(truth) * hop_s))
    fig.suptitle(title, x=0.01, ha="left", fontsize=10)
    axes = np.atleast_1d(axes)
    axes[0].legend(ncols=4, loc="upper right", bbox_to_anchor=(1, 1.3))
    axes[-1].set(xlabel="time (s)")
    return fig


def class_bars(tables: dict[str, pd.DataFrame]):
    """Event F1 of every class and of the last two rows, a panel a corpus.

    Dots are the printed values, dashes those of a detector that is always on.
    """
    fig, axes = plt.subplots(
        1, len(tables), figsize=(9, 5), width_ratios=[1] * len(tables), sharex=True
    )
    for ax, (title, table) in zip(np.atleast_1d(axes), tables.items(), strict=True):
        place = np.arange(len(table))
        for i, name in enumerate(SYSTEMS):
            ax.barh(
                place + 0.2 - 0.4 * i,
                table[f"{name}_F1_mean"],
                0.38,
                xerr=table[f"{name}_F1_std"].fillna(0),
                color=COLOURS[name],
                label=name,
                error_kw={"lw": 0.8},
            )
            ax.plot(table[f"paper_{name}_F1"], place + 0.2 - 0.4 * i, "o", color=INK, ms=2.5)
        ax.vlines(table.always_on_F1, place - 0.42, place + 0.42, color=INK, lw=1)
        ax.set_yticks(place, [name_of(k) for k in table["class"]])
        ax.invert_yaxis()
        ax.set(title=title, xlabel="F1, events (%)", xlim=(0, 105))
        ax.axhline(len(table) - 2.5, color=INK, lw=0.6)
    handles = [*np.atleast_1d(axes)[0].get_legend_handles_labels()[0]]
    fig.legend(handles, list(SYSTEMS), loc="outside upper right", ncols=2)
    return fig


def waiting(table: pd.DataFrame):
    """What waiting buys: F1, latency and how many events are detected before they end, against the wait.

    table : of `sedutils.papers.phan2018.early.waiting_table`; lines are means over seeds, bands one deviation
    """
    fig, axes = plt.subplots(1, 3, figsize=(9, 2.7))
    waits = table.groupby("wait_s")
    panels = (
        ("F1, events (%)", {"average_F1": "average", "overall_F1": "overall"}),
        ("median latency (s)", {"median_latency_s": ""}),
        ("found before they end (%)", {"early_percent": ""}),
    )
    for ax, (title, columns) in zip(axes, panels, strict=True):
        for column, label in columns.items():
            mean, std = waits[column].mean(), waits[column].std().fillna(0)
            (line,) = ax.plot(range(len(mean)), mean, "o-", ms=3, label=label)
            ax.fill_between(
                range(len(mean)), mean - std, mean + std, color=line.get_color(), alpha=0.2, lw=0
            )
        names = [f"{w:g}" if np.isfinite(w) else "all" for w in mean.index]
        ax.set_xticks(range(len(mean)), names)
        ax.set(title=title, xlabel="wait (s)")
        ax.tick_params(axis="x", labelsize=7)
        ax.set_ylim(0, None)
    # waiting for the end of the recording would hide the rest; 0 is a latency too
    axes[1].set_yscale("symlog", linthresh=0.1)
    axes[0].legend()
    return fig
