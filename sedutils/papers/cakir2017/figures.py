"""Figures of the CRNN chapter; each returns its figure."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedutils.show.plots import FAINT, INK, SYSTEM_COLOURS, mel_image, name_of


def systems_bars(table: pd.DataFrame, systems):
    """Frame F1 and error rate of each system with its spread over seeds; dots are the printed values."""
    rows = table.set_index("method").loc[[s.upper() for s in systems]]
    fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.6))
    for ax, metric, title in zip(
        axes, ("F1_frm", "ER_frm"), ("F1, frames (%)", "error rate, frames"), strict=True
    ):
        colours = [SYSTEM_COLOURS.get(s, INK) for s in systems]
        ax.bar(
            rows.index,
            rows[f"{metric}_mean"],
            yerr=rows[f"{metric}_std"].fillna(0),
            color=colours,
            capsize=3,
        )
        ax.plot(
            rows.index,
            rows[f"paper_{metric}_mean"],
            "o",
            color=INK,
            ms=4,
            label="paper (other data)",
        )
        ax.set(title=title)
    axes[0].legend(loc="upper left")
    return fig


def class_bars(table: pd.DataFrame, systems):
    """Frame F1 of every class, one bar a system, whiskers over seeds."""
    fig, ax = plt.subplots(figsize=(8, 3.2))
    place, width = np.arange(len(table)), 0.8 / len(systems)
    for i, s in enumerate(systems):
        ax.bar(
            place + (i - (len(systems) - 1) / 2) * width,
            table[f"{s}_mean"],
            width,
            label=s.upper(),
            yerr=table[f"{s}_std"].fillna(0),
            color=SYSTEM_COLOURS.get(s, INK),
            error_kw={"lw": 0.8},
        )
    ax.set_xticks(place, [name_of(k) for k in table["class"]], rotation=45, ha="right")
    ax.set(ylabel="F1, frames (%)", title="F1 of each class")
    ax.legend(ncols=len(systems), loc="upper right")
    return fig


def probabilities(mel, truth, scores: dict[str, np.ndarray], labels, hop_s: float):
    """Figure 6: log mel energies, annotation, and each network's probabilities over the same seconds."""
    top = {n: s.max(axis=0) for n, s in scores.items()}
    used = np.flatnonzero(truth.any(axis=0) | (np.max(list(top.values()), axis=0) > 0.3))
    panels = {"annotation": truth[:, used]} | {n.upper(): s[:, used] for n, s in scores.items()}
    heights = [1.4] + [0.35 + 0.17 * len(used)] * len(panels)
    fig, axes = plt.subplots(
        len(panels) + 1, 1, figsize=(8, sum(heights)), sharex=True, height_ratios=heights
    )
    seconds = len(mel) * hop_s
    mel_image(axes[0], mel, seconds)
    axes[0].set(title="log mel energies", ylabel="band")
    for ax, (name, values) in zip(axes[1:], panels.items(), strict=True):
        picture = ax.imshow(
            values.T,
            aspect="auto",
            extent=(0, seconds, len(used), 0),
            cmap="Greys",
            vmin=0,
            vmax=1,
            interpolation="nearest",
        )
        ax.set(
            title=name,
            yticks=np.arange(len(used)) + 0.5,
            yticklabels=[name_of(labels[k]) for k in used],
        )
        ax.tick_params(axis="y", labelsize=6, length=0)
    axes[-1].set(xlabel="time (s)")
    fig.colorbar(picture, ax=axes[1:], label="probability", shrink=0.4)
    return fig


def recalls(found: dict[str, pd.DataFrame]):
    """Recall of events against polyphony, relative level and length, one line a system."""
    bins = {
        "polyphony": ("classes at once", [1, 1.5, 2.5, 6]),
        "length_s": ("length (s)", [0, 1, 3, 6, 16]),
    }
    if all("level_db" in events for events in found.values()):
        bins["level_db"] = ("level against the rest (dB)", [-30, -6, -2, 2, 6, 30])
    fig, axes = plt.subplots(1, len(bins), figsize=(2.9 * len(bins), 2.6), sharey=True)
    for ax, (column, (title, edges)) in zip(axes, bins.items(), strict=True):
        names = [f"{a:g} to {b:g}" for a, b in pairwise(edges)]
        for system, events in found.items():
            cells = pd.cut(events[column], edges, labels=names, include_lowest=True)
            mean = events.groupby(cells, observed=False).recall.mean()
            ax.plot(
                names,
                mean,
                "o-",
                color=SYSTEM_COLOURS.get(system, INK),
                ms=3.5,
                label=system.upper(),
            )
        ax.set(xlabel=title)
        ax.tick_params(axis="x", labelsize=7)
    axes[0].set(ylabel="recall of event frames", ylim=(0, 1))
    axes[0].legend()
    return fig


def error_bars(errors: pd.DataFrame):
    """Substitutions, deletions and insertions per active reference frame, stacked."""
    fig, ax = plt.subplots(figsize=(6, 2.2))
    left = np.zeros(len(errors))
    for column, colour in zip(errors.columns, ("#8e6bb0", "#5b7fb5", "#d98c5f"), strict=True):
        ax.barh(
            errors.index.str.upper(),
            errors[column],
            left=left,
            color=colour,
            label=column.split("_")[0] + "s",
        )
        left += errors[column].to_numpy()
    ax.invert_yaxis()
    ax.set(xlabel="error rate, frames")
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return fig


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
