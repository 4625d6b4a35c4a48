"""Figures of the CRNN chapter's ablations; each returns its figure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedutils.plots import FAINT, INK, SYSTEM_COLOURS


def lengths(table: pd.DataFrame, hop_s: float):
    """Frame F1 against the length of the training sequences, a line a network; bars are the spread over seeds."""
    fig, ax = plt.subplots(figsize=(5.6, 2.8))
    for kind, rows in table.groupby("kind", sort=False):
        spread = rows.F1_frm_std.fillna(0)
        colour = SYSTEM_COLOURS.get(kind, INK)
        ax.errorbar(
            rows.sequence_frames,
            rows.F1_frm_mean,
            spread,
            marker="o",
            ms=4,
            color=colour,
            label=kind.upper(),
        )
    frames = sorted(table.sequence_frames.unique())
    ax.set(xscale="log", xlabel="sequence length (frames, seconds below)", ylabel="F1, frames (%)")
    ax.set_xticks(frames, [f"{n}\n{n * hop_s:.2f}" for n in frames])
    ax.minorticks_off()
    ax.legend()
    return fig


def pitch_changes(table: pd.DataFrame):
    """Figure 5: change of frame F1 against the pitch shift, and what the controls lose without any shift."""
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(7.5, 2.8), sharey=True, gridspec_kw={"width_ratios": [3, 2]}
    )
    numbers = table.assign(
        shift=pd.to_numeric(table.course.replace("original", "0"), errors="coerce")
    )
    for place, (system, rows) in enumerate(numbers.groupby("system", sort=False)):
        look = {"color": SYSTEM_COLOURS.get(system, INK), "label": system.upper()}
        beside = 0.06 * (place - 1)
        by = rows.dropna(subset="shift").groupby("shift").change
        left.errorbar(
            by.mean().index + beside,
            by.mean(),
            by.std().fillna(0),
            marker="o",
            ms=4,
            **look,
        )
        by = rows[rows["shift"].isna()].groupby("course").change
        right.errorbar(
            np.arange(len(by)) + 3 * beside,
            by.mean(),
            by.std().fillna(0),
            fmt="s",
            ms=5,
            **look,
        )
    left.axhline(0, color=FAINT, lw=0.8, zorder=0)
    right.axhline(0, color=FAINT, lw=0.8, zorder=0)
    left.set(
        xlabel="shift (quartertones)", ylabel="change of F1 (points)", title="shifted test mixtures"
    )
    names = list(by.mean().index)
    right.set(xlim=(-0.6, len(names) - 0.4), title="control: up and back down")
    right.set_xticks(
        range(len(names)),
        [f"{n.split()[1]} quartertone{'s' if n[-1] != '1' else ''}" for n in names],
    )
    left.legend()
    return fig


def neurons(found: dict[str, pd.DataFrame]):
    """Figure 7: maximising inputs, a row a network, from the first layer to the last."""
    columns = max(len(rows) for rows in found.values())
    fig, axes = plt.subplots(
        len(found), columns, figsize=(1.25 * columns, 1.9 * len(found)), squeeze=False
    )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], frame_on=False)
    for line, (name, rows) in zip(axes, found.items(), strict=True):
        for ax, row in zip(line, rows.itertuples(), strict=False):
            limit = np.abs(row.input).max()
            ax.imshow(
                row.input.T, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit
            )
            ax.set_title(f"layer {row.layer}\nmap {row.neuron}", fontsize=7)
        line[0].set_ylabel(f"{name}\nmel band", fontsize=7)
        line[0].set_xlabel("time", fontsize=7)
    return fig
