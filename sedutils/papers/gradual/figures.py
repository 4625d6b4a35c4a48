"""Figures of the chapter on the "gradual network"; each returns its figure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedutils.decoding.dynamic import HOP_S
from sedutils.papers.gradual.event_phones import NO_SPEECH
from sedutils.papers.gradual.results import (
    CONTROLS,
    GRADUAL,
    SYSTEMS,
    UNTRAINED,
    WITHOUT,
    GradualRun,
)
from sedutils.show.plots import FAINT, INK, name_of

COLOURS = {WITHOUT: "#2b6cb0", GRADUAL: "#c0392b", UNTRAINED: "#7f7f7f"}
METRIC_NAMES = {"ER": "error rate saved", "F1": "F1 gained (points)"}


def decoding(results: GradualRun, label: str, recording: str, systems: list[str]):
    """Scores, dynamic threshold, decision and annotation of one evaluation clip; first seed."""
    fig, axes = plt.subplots(
        len(systems), 1, figsize=(8.5, 1.9 * len(systems)), sharex=True, squeeze=False
    )
    seed = results.seeds[0]
    clip = results.reference(label, "evaluation").index.get_loc(recording)
    events = results.corpus.events_of(recording)
    for ax, system in zip(axes[:, 0], systems, strict=True):
        scores = results.scores(system, seed, label, "evaluation")[clip]
        rule = results.rules[system, seed, label]
        decided = results.found(system, seed, label, "evaluation").loc[recording]
        for event in events.itertuples():
            ax.axvspan(event.onset_s, event.offset_s, color=FAINT, lw=0, label="annotation")
        ax.stairs(scores, np.arange(len(scores) + 1) * HOP_S, color=COLOURS[system], label="score")
        height = rule.base + rule.ratio * scores.mean()
        rule_text = f"threshold {rule.base:.2f} + {rule.ratio:.2f} × {scores.mean():.2f}"
        ax.axhline(height, color=INK, lw=0.9, ls="--", label=rule_text)
        if decided.notna().all():
            ax.plot(decided, [1.06, 1.06], color=COLOURS[system], lw=4, label="decision")
        ax.set(ylim=(0, 1.12), xlim=(0, len(scores) * HOP_S), yticks=(0, 0.5, 1))
        ax.set_title(SYSTEMS[system], fontsize=9)
        ax.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
    axes[-1, 0].set(xlabel="time (s)")
    fig.suptitle(f"{name_of(label)} · {recording}", x=0.01, ha="left", fontsize=10)
    return fig


def gains(table: pd.DataFrame):
    """What ASR features add to each control, by class: the interval over seeds and clips, dots for seeds.

    table : of `sedutils.papers.gradual.results.gains`
    """
    rows = list(dict.fromkeys(table["class"]))
    seeds = [column for column in table if column.startswith("seed_")]
    fig, axes = plt.subplots(1, 2, figsize=(8.5, 0.9 + 0.5 * len(rows)), sharey=True)
    for ax, metric in zip(axes, METRIC_NAMES, strict=True):
        for i, control in enumerate(CONTROLS):
            part = table.query("metric == @metric and control == @control").set_index("class")
            part, place = part.loc[rows], np.arange(len(rows)) - 0.16 + 0.32 * i
            colour = COLOURS[control]
            ax.hlines(place, part.low, part.high, color=colour, lw=1.5, label=CONTROLS[control])
            ax.plot(part.value, place, "D", color=colour, ms=5)
            ax.plot(part[seeds], place, "o", color=colour, ms=3, mfc="none")
        ax.axvline(0, color=INK, lw=0.8)
        ax.set_xlabel(METRIC_NAMES[metric])
    axes[0].set_yticks(range(len(rows)), [name_of(row) for row in rows])
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return fig


def phones(share: pd.DataFrame):
    """Figure 2: frequency of every phone, a panel a class; SIL and SPN, which are no speech, in grey.

    share : of `sedutils.papers.gradual.event_phones.shares`
    """
    fig, axes = plt.subplots(
        len(share), 1, figsize=(9, 0.6 + 1.35 * len(share)), sharex=True, sharey=True, squeeze=False
    )
    colours = ["#7f7f7f" if phone in NO_SPEECH else COLOURS[GRADUAL] for phone in share]
    for ax, (label, row) in zip(axes[:, 0], share.iterrows(), strict=True):
        ax.bar(range(len(row)), row, color=colours, width=0.75)
        ax.set_title(name_of(label), fontsize=9)
        ax.set(xlim=(-0.7, len(row) - 0.3), ylabel="frequency")
    axes[-1, 0].set_xticks(range(share.shape[1]), share.columns, rotation=90, fontsize=8)
    axes[-1, 0].tick_params(axis="x", length=0)
    return fig
