"""Figures that more than one notebook draws, and the look of all: take ``plt`` from here.

Each function returns its figure or axes.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

INK, FAINT = "#222222", "#d9d9d9"
SYSTEM_COLOURS = {
    "gmm": "#7f7f7f",
    "fnn": "#c58a00",
    "rnn": "#2e8b57",
    "cnn": "#2b6cb0",
    "crnn": "#c0392b",
}


# The look of every figure, set where this module is imported, in a stage as in JupyterLab, whatever the reader's
# own matplotlibrc says
plt.rcdefaults()
plt.rcParams.update(
    {
        "figure.dpi": 110,
        "savefig.dpi": 150,
        "savefig.bbox": "tight",
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "font.size": 9,
        "image.cmap": "magma",
        "figure.max_open_warning": 0,
    }
)


def save(figure, path) -> None:
    """Write a figure as PNG with the same bytes every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def name_of(label: str) -> str:
    """A label as people write it."""
    return label.replace("_", " ")


def event_lanes(ax, events: pd.DataFrame, labels, colour=None) -> None:
    """Draw events (onset_s, offset_s, label) as bars, one lane a label, first label on top."""
    for lane, label in enumerate(labels):
        rows = events[events.label == label]
        spans = list(zip(rows.onset_s, rows.offset_s - rows.onset_s, strict=True))
        ax.broken_barh(spans, (lane - 0.36, 0.72), facecolor=colour or f"C{lane % 10}")
        ax.axhline(lane, color=FAINT, lw=0.6, zorder=0)
    ax.set(
        yticks=range(len(labels)),
        yticklabels=[name_of(k) for k in labels],
        ylim=(len(labels) - 0.4, -0.6),
    )
    ax.tick_params(length=0)


def waveform_and_events(audio, sample_rate: int, events: pd.DataFrame, *, title: str):
    """Figure 1 of Cakir et al. 2017: a waveform above the activity of the classes in it."""
    labels = sorted(events.label.unique(), key=lambda k: events[events.label == k].onset_s.min())
    fig, (top, bottom) = plt.subplots(
        2,
        1,
        figsize=(8, 1.6 + 0.26 * len(labels)),
        sharex=True,
        height_ratios=[2, 0.55 * len(labels)],
    )
    hop = max(1, len(audio) // 4000)
    blocks = audio[: len(audio) // hop * hop].reshape(-1, hop)
    time = np.arange(len(blocks)) * hop / sample_rate
    top.fill_between(time, blocks.min(1), blocks.max(1), color=INK, lw=0.2)
    top.set(title=title, yticks=[], xlim=(0, len(audio) / sample_rate))
    top.spines[["left", "bottom"]].set_visible(False)
    event_lanes(bottom, events, labels)
    bottom.set(xlabel="time (s)")
    return fig


def mel_image(ax, mel, seconds: float) -> None:
    """Normalised log mel energies ``(frames, bands)`` over time."""
    extent = (0, seconds, 0, mel.shape[1])
    ax.imshow(mel.T, origin="lower", aspect="auto", extent=extent, vmin=-2.5, vmax=3)


def features_and_targets(features, targets, labels, *, hop_s: float, title: str):
    """Normalised features (frames, bands) above binary targets (frames, classes)."""
    seconds = len(features) * hop_s
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.6), sharex=True, height_ratios=[1, 1])
    mel_image(top, features, seconds)
    top.set(title=title, ylabel="mel band")
    bottom.imshow(
        targets.T,
        aspect="auto",
        extent=(0, seconds, len(labels), 0),
        cmap="Greys",
        vmin=0,
        vmax=1.3,
        interpolation="nearest",
    )
    bottom.set(
        xlabel="time (s)",
        yticks=np.arange(len(labels)) + 0.5,
        yticklabels=[name_of(k) for k in labels],
    )
    return fig


def learning_curves(folder, trials):
    """Loss and validation score against epochs: a panel a network, a line a seed and fold."""
    shown = [t for t in trials if (folder / t.path / "history.csv").exists()]
    systems = list(dict.fromkeys(t.system for t in shown))
    columns = min(len(systems), 7)
    rows = -(-len(systems) // columns)
    fig, axes = plt.subplots(
        2 * rows, columns, figsize=(1.9 * columns, 3.4 * rows), sharex="col", squeeze=False
    )
    for number in range(len(systems), rows * columns):
        for ax in axes[2 * (number // columns) : 2 * (number // columns) + 2, number % columns]:
            ax.set_axis_off()
    for number, system in enumerate(systems):
        top, bottom = axes[2 * (number // columns) : 2 * (number // columns) + 2, number % columns]
        colour = SYSTEM_COLOURS.get(system.split("_")[0], INK)
        for trial in (t for t in shown if t.system == system):
            history = pd.read_csv(folder / trial.path / "history.csv")
            best = history[history.best].iloc[0]
            top.plot(history.epoch, history.loss, color=colour, alpha=0.7)
            bottom.plot(history.epoch, history.validation_score, color=colour, alpha=0.7)
            bottom.plot(best.epoch, best.validation_score, "o", color=colour, ms=4)
        top.set_title(system.upper().replace("_", " "), fontsize=9)
        bottom.set(xlabel="epoch")
        if bottom.dataLim.y0 >= 0:  # a score that is minus a loss lies below
            bottom.set_ylim(0)
    axes[0, 0].set(ylabel="training loss")
    axes[1, 0].set(ylabel="validation score")
    return fig


def rolls(named: dict[str, np.ndarray], labels, hop_s: float):
    """Figure 3: decisions (frames, classes) below each other; classes that never occur are left out."""
    used = np.flatnonzero(np.any([roll.any(axis=0) for roll in named.values()], axis=0))
    fig, axes = plt.subplots(
        len(named), 1, figsize=(8, 0.5 + len(named) * (0.35 + 0.16 * len(used))), sharex=True
    )
    for ax, (name, roll) in zip(axes, named.items(), strict=True):
        colour = SYSTEM_COLOURS.get(name, INK)
        for lane, column in enumerate(used):
            edges = np.flatnonzero(np.diff(np.pad(roll[:, column].astype(int), 1)))
            spans = [
                (a * hop_s, (b - a) * hop_s) for a, b in zip(edges[::2], edges[1::2], strict=True)
            ]
            ax.broken_barh(spans, (lane - 0.4, 0.8), facecolor=colour)
            ax.axhline(lane, color=FAINT, lw=0.5, zorder=0)
        ax.set(
            title=name.upper() if name in SYSTEM_COLOURS else name,
            ylim=(len(used) - 0.5, -0.5),
            yticks=range(len(used)),
            yticklabels=[name_of(labels[k]) for k in used],
            xlim=(0, len(roll) * hop_s),
        )
        ax.tick_params(axis="y", labelsize=6, length=0)
    axes[-1].set(xlabel="time (s)")
    return fig


def threshold_curves(curves: dict[str, pd.DataFrame]):
    """Frame F1 and error rate against the decision threshold, one line a system."""
    fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.6))
    for name, curve in curves.items():
        for ax, column in zip(axes, ("f1_score", "error_rate"), strict=True):
            ax.plot(
                curve.index, curve[column], color=SYSTEM_COLOURS.get(name, INK), label=name.upper()
            )
    axes[0].set(title="F1, frames", xlabel="threshold")
    axes[1].set(title="error rate, frames", xlabel="threshold", ylim=(0, 2))
    axes[0].legend()
    return fig


def detection(log_mel, scores, labels, *, hop_s: float, title: str):
    """Log mel energies above the probabilities of the classes that reach 0.2 anywhere."""
    used = np.flatnonzero(scores.max(axis=0) >= 0.2)
    seconds = len(scores) * hop_s
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(8, 2.6 + 0.22 * len(used)), sharex=True)
    top.imshow(log_mel.T, origin="lower", aspect="auto", extent=(0, seconds, 0, log_mel.shape[1]))
    top.set(title=title, ylabel="mel band")
    extent = (0, seconds, max(len(used), 1), 0)
    shown = scores[:, used].T if len(used) else np.zeros((1, 2))
    bottom.imshow(shown, aspect="auto", extent=extent, cmap="Greys", vmin=0, vmax=1)
    bottom.set(
        xlabel="time (s)",
        yticks=np.arange(len(used)) + 0.5,
        yticklabels=[name_of(labels[k]) for k in used],
    )
    return fig
