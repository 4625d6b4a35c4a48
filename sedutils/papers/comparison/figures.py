"""Figures of the comparison; each returns its figure."""

from itertools import product

import matplotlib.pyplot as plt
import matplotlib.text
import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from sedutils.features.spectra import log_mel
from sedutils.metrics import activity
from sedutils.papers.comparison.cuts import GRID_S
from sedutils.papers.comparison.entries import WEAK
from sedutils.papers.comparison.results import CutRun
from sedutils.show.plots import FAINT, INK, SYSTEM_COLOURS, event_lanes, mel_image, name_of

COLOURS = SYSTEM_COLOURS | {
    "multilabel_crnn": "#7b4fa3",
    "multitask_crnn": "#b65fa8",
    "rcrnn": "#8c5a2b",
    "crnn_ta": "#3aa6a0",
    "cbrnn": "#1f6f6b",
    "fbcrnn": "#d6336c",
}
PANELS = {
    "F1_frm": "F1, frames (%)",
    "F1_1s": "F1, seconds (%)",
    "event_F1": "F1, events (%)",
    "PSDS1": "PSDS 1 (%)",
    "PSDS2": "PSDS 2 (%)",
}
COSTS = {
    "parameters": "parameters",
    "training_s": "training, one core (s)",
    "real_time_factor": "real-time factor, one core",
}
ANGLES = np.radians([0, 180, 90, 270, 45, 135, 315, 225])  # where a label may stand, best first
DISTANCES = (1, 2, 3.2, 4.6, 6.2, 8, 10, 12, 15, 18)  # of a label from its point, in points' radii


def marker_of(row) -> str:
    """A square for what has learnt from tags."""
    return "s" if row.supervision == WEAK else "o"


def cuts_of(
    mel, cuts: pd.DataFrame, tags: np.ndarray, events: pd.DataFrame, labels, seconds: float
):
    """A mixture and what its cuts are: spectrum and events, which most networks learn, and below them the tags, all
    that an FBCRNN is told.

    mel : normalised ``(frames, bands)`` of the cuts; tags : ``(cuts, classes)``; seconds : length of a cut
    """
    lasts = len(cuts) * seconds
    shown = [k for k, label in enumerate(labels) if (events.label == label).any()]
    height = 0.9 + 0.17 * len(shown)
    fig, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(9, 1.8 + 2 * height), sharex=True, height_ratios=[1.6, height, height]
    )
    mel_image(top, mel, lasts)
    top.set_ylabel("mel band")
    event_lanes(middle, events, [labels[k] for k in shown])
    middle.set_title("events", fontsize=9)
    image = {"aspect": "auto", "cmap": "Greys", "vmin": 0, "vmax": 1.6, "interpolation": "nearest"}
    bottom.imshow(tags[:, shown].T, extent=(0, lasts, len(shown) - 0.5, -0.5), **image)
    bottom.set_yticks(range(len(shown)), [name_of(labels[k]) for k in shown])
    bottom.set_title("tags of each cut", fontsize=9)
    bottom.tick_params(length=0)
    for ax in (top, middle, bottom):
        for number in range(1, len(cuts)):
            ax.axvline(number * seconds, color="white" if ax is top else INK, lw=0.9, ls="--")
    bottom.set(xlabel="time (s)", xlim=(0, lasts))
    return fig


def scores(table: pd.DataFrame, rows: pd.DataFrame):
    """Every metric of every system, best frame F1 on top; small rings are seeds, the line the interval."""
    order = table.sort_values("F1_frm_mean", ascending=False, ignore_index=True)
    fig, axes = plt.subplots(
        1, len(PANELS), figsize=(10.5, 0.9 + 0.27 * len(order)), sharey=True, width_ratios=[1.7, 1, 1, 1, 1]
    )  # fmt: skip
    for ax, (metric, title) in zip(axes, PANELS.items(), strict=True):
        for place, row in order.iterrows():
            colour = COLOURS[row.system]
            ax.axhline(place, color=FAINT, lw=0.6, zorder=0)
            if metric == "F1_frm":
                ax.hlines(place, row.F1_frm_low, row.F1_frm_high, color=colour, lw=1.6)
            own = rows[rows.system == row.system]
            look = {"color": colour, "clip_on": False}
            ax.plot(own[metric], [place] * len(own), "o", ms=3, mfc="none", **look)
            ax.plot(row[f"{metric}_mean"], place, marker_of(row), ms=6, **look)
        ax.set(xlim=(0, None), title=title)
        ax.tick_params(axis="y", length=0)
    titles = [f"{r.title} (tags)" if r.supervision == WEAK else r.title for r in order.itertuples()]
    axes[0].set_yticks(range(len(order)), titles)
    axes[0].set_ylim(len(order) - 0.5, -0.5)
    return fig


def costs(table: pd.DataFrame):
    """Frame F1 with its interval against each cost that is known; squares have learnt from tags."""
    known = {k: title for k, title in COSTS.items() if table[k].notna().any()}
    fig, axes = plt.subplots(
        1, len(known), figsize=(1 + 4.2 * len(known), 4.4), sharey=True, squeeze=False
    )
    for ax, (cost, title) in zip(axes[0], known.items(), strict=True):
        for row in table.dropna(subset=cost).itertuples():
            x, colour = getattr(row, cost), COLOURS[row.system]
            ax.vlines(x, row.F1_frm_low, row.F1_frm_high, color=colour, lw=0.9, alpha=0.45)
            ax.plot(x, row.F1_frm_mean, marker_of(row), color=colour, ms=6)
        ax.set(xscale="log", xlabel=title)
        ax.margins(x=0.16, y=0.08)
    axes[0, 0].set_ylabel("F1, frames (%)")
    fig.draw_without_rendering()  # the layout is what labels are placed in
    for ax, cost in zip(axes[0], known, strict=True):
        part = table.dropna(subset=cost)
        label_points(ax, part[cost], part.F1_frm_mean, part.title, part.system.map(COLOURS))
    return fig


def label_points(ax, x, y, names, colours, size: float = 8) -> None:
    """Write each point's name where it covers neither another name nor another point.

    Names take their places one after the other, from the topmost point down; each takes the nearest place
    that is free, and a thin line leads there from where it would not be plain whose it is.
    """
    renderer, inside, dpi = ax.figure.canvas.get_renderer(), ax.get_window_extent(), ax.figure.dpi
    data = np.column_stack([x, y]).astype(float)
    dots, radius = ax.transData.transform(data), 7 * dpi / 72
    taken = [framed(dot, 1.6 * radius, 1.6 * radius) for dot in dots]
    names, colours = list(names), list(colours)
    for i in np.argsort(-dots[:, 1], kind="stable"):
        text = ax.annotate(
            names[i], data[i], (0, 0), textcoords="offset points", size=size, color=colours[i],
            ha="center", va="center", in_layout=False, path_effects=[withStroke(linewidth=2, foreground="white")],
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": colours[i], "shrinkA": 0},
        )  # fmt: skip
        box = matplotlib.text.Text.get_window_extent(text, renderer)
        place, distance = free_place(dots[i], box, radius, inside, taken)
        taken.append(framed(place, box.width, box.height))
        text.set_position((place - dots[i]) * 72 / dpi)
        text.arrow_patch.set_visible(distance > DISTANCES[0])


def free_place(dot, box, radius: float, inside, taken: list) -> tuple[np.ndarray, float]:
    """Middle of the nearest place beside a point for a box of its size, and the distance; all in pixels."""
    for distance, angle in product(DISTANCES, ANGLES):
        across = np.cos(angle) * (distance * radius + box.width / 2)
        up = np.sin(angle) * (distance * radius + box.height / 2)
        place = dot + np.array([across, up])
        left, low, right, high = framed(place, box.width + 2, box.height + 1)
        within = left > inside.x0 and right < inside.x1 and low > inside.y0 and high < inside.y1
        if within and not any(overlap((left, low, right, high), other) for other in taken):
            break
    return place, distance


def framed(middle, width: float, height: float) -> tuple:
    """Left, lower, right and upper border of a box."""
    x, y = middle
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(a: tuple, b: tuple) -> bool:
    """Whether two boxes share anything."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def example(results: CutRun, cut: str, audio: np.ndarray, front_end: dict):
    """Annotation and decisions of every system (first seed) below the spectrogram of a test cut.

    audio : ``(samples,)`` at the front end's rate; ``front_end`` : of `sedutils.features.spectra.log_mel`
    """
    own = results.annotation[results.annotation.recording == cut]
    panels = {"annotation": (own, INK)}
    for name, entry in results.entries.items():
        roll = results.decisions[name, results.seeds[name][0]][cut]
        events = activity.events_at_borders(roll, results.labels, hop_s=GRID_S)
        panels[entry.title] = events, COLOURS[name]
    labels = [k for k in results.labels if any((e.label == k).any() for e, _ in panels.values())]
    mel = log_mel(audio, **front_end)
    lane = 0.085 * len(labels)
    heights = [1.1] + [0.16 + lane] * len(panels)
    fig, axes = plt.subplots(
        len(heights), 1, figsize=(9, sum(heights) + 0.6), sharex=True, height_ratios=heights
    )
    mel_image(axes[0], (mel - mel.mean()) / mel.std(), results.seconds)
    axes[0].set(ylabel="mel band", title=cut)
    for ax, (title, (events, colour)) in zip(axes[1:], panels.items(), strict=True):
        for place, label in enumerate(labels):
            for rows, face in ((own, FAINT), (events, colour)):
                rows = rows[rows.label == label]
                spans = list(zip(rows.onset_s, rows.offset_s - rows.onset_s, strict=True))
                ax.broken_barh(spans, (place - 0.4, 0.8), facecolor=face)
        ax.set(ylim=(len(labels) - 0.5, -0.5), xlim=(0, results.seconds))
        ax.set_yticks(range(len(labels)), [name_of(k) for k in labels])
        ax.tick_params(axis="y", labelsize=5.5, length=0)
        ax.set_ylabel(title, rotation=0, ha="left", va="center")
        ax.yaxis.set_label_coords(1.01, 0.5)
    axes[-1].set(xlabel="time (s)")
    return fig
