"""Figures of the chapter on Kao et al. 2018; each returns its figure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from sedutils.metrics import rare
from sedutils.models.kao2018 import ANCHOR_FRAMES, RCRNN, Regions
from sedutils.models.regions import decode
from sedutils.models.residual import STRIDE
from sedutils.papers.kao2018.targets import AnchorLabels
from sedutils.show import plots
from sedutils.show.architecture import architecture
from sedutils.show.plots import FAINT, INK, name_of

METRICS = {"ER": "error rate", "F": "F1 (%)"}
ANCHORS = {"positive": "#2f7d54", "negative": "#cbd3dc", "ignored": "#f7efd8"}
POSITIVE_SHOWN = 8
HIT, CLASS_COLOURS = "#2f7d54", ("#c0392b", "#2b6cb0", "#b7791f")


def diagrams(model: RCRNN, frames: int, bands: int) -> dict[str, plt.Figure]:
    """Figures 1 to 4, drawn from a live network: whole, extractor, proposals, final classifier."""
    model.eval()
    x = torch.zeros(1, frames, bands)
    with torch.no_grad():
        features = model.extractor(x)
        pooled = torch.zeros(1, *model(x).proposals.shape[1:2], 7, model.extractor.width)
    of_proposals = {3: ("batch", "proposals", "features")}
    return {
        "figure1": architecture(
            model, x, title="Figure 1 · extractor, proposals, classifier", output_axis="offsets"
        ),
        "figure2": architecture(
            model.extractor, x, title="Figure 2 · the feature extractor", output_axis="features"
        ),
        "figure3": architecture(
            model.proposer,
            features,
            title="Figure 3 · the region proposal network",
            input_axes=("batch", "frames", "features"),
            output_axis="offsets",
        ),
        "figure4": architecture(
            model.classifier,
            pooled,
            title="Figure 4 · the final classifier",
            input_axes=("batch", "proposals", "frames", "features"),
            axes=of_proposals,
            output_axis="offsets",
        ),
    }


def anchors(mel, labels: AnchorLabels, *, hop_s: float, title: str):
    """What the region proposal network is to learn from a clip: its spectrum, every anchor by its label, and around
    the first event the positive anchors with their offsets.

    mel : normalised ``(frames, bands)``
    """
    step, seconds = STRIDE * hop_s, len(mel) * hop_s
    spans = labels.events * step
    fig, (top, middle, near) = plt.subplots(3, 1, figsize=(9, 6.2), height_ratios=[1.6, 1.5, 1.9])
    plots.mel_image(top, mel, seconds)
    top.set(title=title, ylabel="mel band", xticklabels=[])
    of_sizes = labels.kind.reshape(-1, len(ANCHOR_FRAMES)).T
    shades = ListedColormap([ANCHORS[kind] for kind in ("negative", "ignored", "positive")])
    grid = {"aspect": "auto", "origin": "lower", "extent": (0, seconds, -0.5, 5.5)}
    middle.imshow(of_sizes, cmap=shades, vmin=-1, vmax=1, interpolation="nearest", **grid)
    middle.set_yticks(range(6), [f"{a * step:.2g} s" for a in ANCHOR_FRAMES], fontsize=7)
    middle.set_title("anchors by their middle and length", fontsize=8)
    for ax in (top, middle):
        ax.set_xlim(0, seconds)
        for span in spans:
            for edge in span:
                ax.axvline(edge, color=INK if ax is middle else "white", lw=0.9, ls=":")
    counts = {"positive": (labels.kind > 0).sum(), "negative": (labels.kind < 0).sum()}
    counts["ignored"] = labels.kind.size - sum(counts.values())
    handles = [Patch(color=ANCHORS[kind], label=f"{n} {kind}") for kind, n in counts.items()]
    middle.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.35, 1), ncols=3)
    offset_bars(near, labels, spans, step)
    return fig


def offset_bars(ax, labels: AnchorLabels, spans: np.ndarray, step: float) -> None:
    """The positive anchors of a clip's first event, those that overlap it most on top, and what moves them there."""
    own = np.flatnonzero((labels.kind > 0) & (labels.match == 0))
    own = own[np.argsort(-labels.overlap[own], kind="stable")][:POSITIVE_SHOWN]
    for row, i in enumerate(own):
        start, stop = labels.anchors[i] * step
        ax.barh(row, stop - start, left=start, height=0.7, color=ANCHORS["positive"])
        shift, scale = labels.offsets[i]
        words = f"IoU {labels.overlap[i]:.2f}, $t_c$ = {shift:+.2f}, $t_l$ = {scale:+.2f}"
        ax.annotate(words, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=7)
    onset, offset = spans[0]
    ax.axvspan(onset, offset, color=FAINT, zorder=0)
    room = 0.75 * (offset - onset)
    ax.set(xlim=(onset - room, offset + room), ylim=(max(len(own), 2) - 0.4, -0.6), yticks=[])
    ax.set(xlabel="time (s)")
    ax.set_title("its positive anchors over the event, and the offsets they are to say", fontsize=8)


def proposals(mel, outputs: Regions, truth: pd.DataFrame, found: pd.Series, *, hop_s, title):
    """From anchors to an event over one clip: spectrum, the surest proposals, the event kept, the annotation.

    mel : normalised ``(frames, bands)``; outputs : of a batch of this clip
    truth : onset_s, offset_s of the annotation; found : onset_s, offset_s, score of the event kept
    """
    step, seconds = STRIDE * hop_s, len(mel) * hop_s
    height = [2, 1.4, 1.8, 0.6]
    fig, (top, rpn, boxes, end) = plt.subplots(
        4, 1, figsize=(9, 6), sharex=True, height_ratios=height
    )
    plots.mel_image(top, mel, seconds)
    best = torch.sigmoid(outputs.scores[0]).view(-1, 6)  # (map frames, anchors)
    image = best.T.numpy()
    rpn.imshow(
        image, aspect="auto", origin="lower", extent=(0, seconds, -0.5, 5.5), cmap="Purples", vmin=0
    )
    rpn.set_yticks(range(6), [f"{a * step:.2g} s" for a in (1, 2, 4, 8, 16, 32)], fontsize=7)
    rpn.set_title("score of each anchor, by its length", fontsize=8, loc="left")
    shares = outputs.classes[0].softmax(-1)[:, 1] * outputs.found[0]
    refined = decode(outputs.refinements[0, :, 0], outputs.proposals[0]) * step
    order = shares.argsort(descending=True)[:20]
    for rank, i in enumerate(order.tolist()):
        start, stop = refined[i].tolist()
        boxes.barh(
            rank, stop - start, left=start, height=0.8, color=HIT, alpha=max(0.08, float(shares[i]))
        )
    boxes.set(ylabel="rank", ylim=(19.5, -0.5))
    boxes.set_title(
        "the twenty surest proposals after refinement; deeper is surer", fontsize=8, loc="left"
    )
    for row in truth.itertuples():
        end.axvspan(row.onset_s, row.offset_s, ymin=0.5, ymax=0.95, color=FAINT)
        boxes.axvline(row.onset_s, color=INK, lw=0.6, ls=":")
        end.axvspan(row.onset_s - 0.5, row.onset_s + 0.5, ymin=0, ymax=1, color="#f3e3c2", zorder=0)
    if np.isfinite(found.onset_s):
        end.axvspan(found.onset_s, found.offset_s, ymin=0.05, ymax=0.45, color=HIT)
    end.set_yticks([0.25, 0.72], ["found", "true"], fontsize=7)
    end.set(ylim=(0, 1), xlim=(0, seconds), xlabel="time (s)")
    end.set_title(
        "one event is kept; an onset within the light band counts", fontsize=8, loc="left"
    )
    fig.suptitle(title, x=0.01, ha="left", fontsize=10)
    return fig


def bars(tables: dict[str, pd.DataFrame]):
    """Error rates of Tables 1 and 3: a panel a table, bars with the spread over seeds, the paper's as dots."""
    fig, axes = plt.subplots(1, len(tables), figsize=(9, 2.9), sharey=True)
    for ax, (title, table) in zip(np.atleast_1d(axes), tables.items(), strict=True):
        classes = list(dict.fromkeys(table["class"]))
        methods = list(dict.fromkeys(table.method))
        width = 0.8 / len(methods)
        shades = plt.get_cmap("viridis")(np.linspace(0.15, 0.8, len(methods)))
        for i, (method, shade) in enumerate(zip(methods, shades, strict=True)):
            rows = table[table.method == method].set_index("class").loc[classes]
            place = np.arange(len(classes)) + (i - (len(methods) - 1) / 2) * width
            ax.bar(
                place, rows.ER_mean, width * 0.95, yerr=rows.ER_std.fillna(0), color=shade,
                label=method.replace("_", " "), error_kw={"lw": 0.8},
            )  # fmt: skip
            ax.plot(place, rows.paper_ER, "o", color=INK, ms=3)
        ax.set_xticks(range(len(classes)), [name_of(c) for c in classes])
        ax.set_title(title, fontsize=9, loc="left")
        ax.margins(y=0.3)
        ax.legend(fontsize=7)
    np.atleast_1d(axes)[0].set(ylabel="error rate (dots: printed)", ylim=(0, None))
    return fig


def errors_of_onsets(table: pd.DataFrame, classes: list[str], *, step_s: float):
    """Where onsets are found around the true ones, a panel a class; ``step_s`` a frame of the map."""
    fig, axes = plt.subplots(1, len(classes), figsize=(9, 2.2), sharey=True)
    edges = np.arange(-2, 2 + step_s / 2, step_s / 2)
    for ax, label, colour in zip(np.atleast_1d(axes), classes, CLASS_COLOURS, strict=False):
        errors = table[table["class"] == label].error_s
        ax.hist(errors.clip(edges[0], edges[-1]), bins=edges, color=colour)
        ax.axvspan(-rare.COLLAR_S, rare.COLLAR_S, color=FAINT, alpha=0.5, zorder=0)
        ax.set(xlabel="found − true onset (s)")
        ax.set_title(name_of(label), fontsize=9)
    np.atleast_1d(axes)[0].set(ylabel="events")
    return fig
