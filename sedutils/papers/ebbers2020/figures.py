"""Figures of the chapter on Ebbers & Haeb-Umbach 2020; each returns its figure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedutils.papers.ebbers2020.experiments import (
    ATTENTION,
    BLIND,
    CONDITIONED,
    ENDS,
    FBCRNN,
    LINEAR,
    LOCALISERS,
)
from sedutils.papers.ebbers2020.results import SYSTEMS
from sedutils.show import plots
from sedutils.show.plots import FAINT, INK, name_of

COLOURS = {
    FBCRNN: "#c0392b",
    ENDS: "#7f7f7f",
    ATTENTION: "#2e7d32",
    LINEAR: "#6a3d9a",
    CONDITIONED: "#2b6cb0",
    BLIND: "#c58a00",
}
NUMBERS = {  # columns of Table 3: what they are, their colour
    "validation": ("validation, chosen there (as the paper)", "#d8a29c"),
    "crossed": ("validation, chosen on the other half", "#c0392b"),
    "public": ("public clips, chosen on validation", "#2b6cb0"),
}


def spectrograms(panels: dict[str, np.ndarray], hop_s: float):
    """Normalised log mel energies ``(frames, bands)`` side by side, by name; times and levels on one scale."""
    columns = 3
    rows = -(-len(panels) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(9, 1.75 * rows), sharex=True, sharey=True, squeeze=False
    )
    for ax, (name, mel) in zip(axes.flat, panels.items(), strict=False):
        plots.mel_image(ax, mel, len(mel) * hop_s)
        ax.set_title(name, fontsize=9)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    longest = max(len(mel) for mel in panels.values())
    axes[0, 0].set_xlim(0, longest * hop_s)
    for ax in axes[:, 0]:
        ax.set_ylabel("mel band")
    for column in range(columns):
        last = [ax for ax in axes[:, column] if ax.axison][-1]
        last.set_xlabel("time (s)")
        last.tick_params(labelbottom=True)
    return fig


def courses(table: pd.DataFrame):
    """Loss, validation score and unlabelled clips taken in, a column a system, a line a seed.

    table : of `sedutils.papers.ebbers2020.experiments.courses`
    """
    systems = list(dict.fromkeys(table.system))
    names = {
        "loss": "training loss",
        "validation_score": "F on validation",
        "included": "unlabelled clips taken in",
    }
    fig, axes = plt.subplots(
        3, len(systems), figsize=(2.25 * len(systems), 5), sharex="col", squeeze=False
    )
    for column, system in zip(axes.T, systems, strict=True):
        colour = COLOURS.get(system, INK)
        for _, course in table[table.system == system].groupby("seed"):
            best = course[course.best]
            for ax, name in zip(column, names, strict=True):
                ax.plot(course.step, course[name], color=colour, alpha=0.7)
                ax.plot(best.step, best[name], "o", color=colour, ms=4)
        column[0].set_title(SYSTEMS.get(system, system), fontsize=9)
        if system in LOCALISERS:  # they learn from all clips from the first step on
            column[2].set_visible(False)
        last = column[1 if system in LOCALISERS else 2]
        last.set_xlabel("steps")
        last.tick_params(labelbottom=True)
        for ax, name in zip(column, names, strict=True):
            largest = table.loc[table.system == system, name].max()
            ax.set_ylim(0, 1.05 * largest if largest > 0 else 1)
    for ax, words in zip(axes[:, 0], names.values(), strict=True):
        ax.set_ylabel(words)
    return fig


def clip(mel, rows: dict[str, np.ndarray], events: pd.DataFrame, labels, hop_s: float):
    """A clip: spectrum, then scores ``(frames, classes)`` by name; the classes that are annotated, shaded."""
    present = [label for label in labels if (events.label == label).any()]
    seconds = len(mel) * hop_s
    fig, axes = plt.subplots(
        1 + len(rows), 1, figsize=(9, 1.7 + 1.15 * len(rows)), sharex=True,
        height_ratios=[1.5, *[1] * len(rows)],
    )  # fmt: skip
    plots.mel_image(axes[0], mel, seconds)
    axes[0].set_ylabel("mel band")
    for ax, (name, scores) in zip(axes[1:], rows.items(), strict=True):
        time = np.arange(len(scores) + 1) * hop_s
        for k, label in enumerate(present):
            colour = f"C{k}"
            for event in events[events.label == label].itertuples():
                low, high = k / len(present), (k + 1) / len(present)
                ax.axvspan(event.onset_s, event.offset_s, low, high, color=colour, alpha=0.15, lw=0)
            column = scores[:, list(labels).index(label)]
            ax.stairs(column, time, color=colour, lw=1.3, baseline=None, label=name_of(label))
        ax.set(ylim=(0, 1.02), xlim=(0, seconds), yticks=(0, 1))
        ax.set_title(name, fontsize=9)
    axes[-1].set_xlabel("time (s)")
    handles, names = axes[1].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper right", ncols=len(present))
    return fig


def classes(table: pd.DataFrame):
    """Table 3: each class's three numbers as bars, and what is printed as dots.

    table : of `sedutils.papers.ebbers2020.summaries.table3`
    """
    place = np.arange(len(table))
    fig, ax = plt.subplots(figsize=(9, 3.1))
    for i, (column, (name, colour)) in enumerate(NUMBERS.items()):
        ax.bar(place + 0.27 * (i - 1), table[column].fillna(0), 0.25, color=colour, label=name)
    if table.paper_F.notna().any():
        ax.plot(place, table.paper_F, "o", color=INK, ms=4, label="printed")
    names = [name_of(name).replace(" ", "\n", 1) for name in table["class"]]
    ax.set_xticks(place, names, fontsize=7)
    ax.get_xticklabels()[-1].set_fontweight("bold")
    ax.axvline(len(table) - 1.5, color=FAINT, lw=1)
    ax.set(ylabel="event-based F1 (%)", ylim=(0, 100))
    ax.tick_params(axis="x", length=0)
    fig.legend(loc="outside upper right", ncols=4)
    return fig


def latency(heard: pd.DataFrame, waits: dict[str, np.ndarray]):
    """Tags while a clip goes on: F over the seconds heard, and how long after its onset a class is tagged.

    heard : of `sedutils.papers.ebbers2020.latency.heard`; waits : system -> ``(seeds, clips, classes)`` in seconds
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9))
    for system, values in waits.items():
        colour, rows = COLOURS[system], heard[heard.system == system]
        for _, seed in rows.groupby("seed"):
            left.plot(seed.seconds, seed.F, color=colour, lw=0.7, alpha=0.5)
        mean = rows.groupby("seconds").F.mean()
        left.plot(mean.index, mean, "o-", color=colour, ms=3.5, label=SYSTEMS[system])
        known = np.sort(values[np.isfinite(values)])
        if not len(known):
            continue
        share = np.arange(1, len(known) + 1) / len(known)
        right.step(known, 100 * share, color=colour, where="post", label=f"{len(known)} tags")
        right.axvline(np.median(known), color=colour, lw=0.9, ls="--")
    left.set(xlabel="seconds heard", ylabel="F of the tags so far (%)", ylim=(0, 100))
    right.set(xlabel="wait after the onset (s)", ylabel="share of tags (%)", ylim=(0, 101))
    right.set_xlim(0, None)
    for ax in (left, right):
        ax.legend()
    return fig
