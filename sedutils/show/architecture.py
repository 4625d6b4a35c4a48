"""Block diagrams of networks, drawn from the live module through `sedutils.show.tracing`."""

import re
import textwrap

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from sedutils.show.tracing import Unit, repeated, trace

AXES = {
    2: ("batch", "features"),
    3: ("batch", "frames", "features"),
    4: ("batch", "maps", "frames", "bands"),
}
COLOURS = {  # edge, face
    "convolution": ("#3465a4", "#e8eff8"),
    "recurrent": ("#b05a10", "#fbeee0"),
    "linear": ("#2f7d54", "#e6f3ec"),
    "attention": ("#7a54a8", "#f0eaf7"),
    "other": ("#7b8590", "#f3f5f7"),
}
INK, SOFT = "#1d2733", "#66717f"
LEFT, RIGHT, SHAPE, GAP, CARD = 1.6, 4.95, 5.4, 0.21, 0.04  # inches


def architecture(
    model, example_input, *, title="", input_axes=None, axes=None, output_axis="classes", width=8.6
):
    """Draw a torch module as a column of boxes from input to output.

    example_input: a tensor, or a tuple of the arguments of `forward`; a batch of one will do.
    input_axes: names of the axes of the first input, batch first. axes: number of axes -> names, for
    layers whose layout is not (batch, maps, frames, bands) or (batch, frames, features).
    output_axis: name of the last axis of the last layer. width: inches; the height follows.
    Parameters are those with requires_grad. Returns a matplotlib Figure.
    """
    arguments = example_input if isinstance(example_input, tuple) else (example_input,)
    units = repeated(trace(model, *arguments))
    names = {**AXES, **(axes or {})}
    first = input_axes or {3: ("batch", "frames", "bands")}.get(
        arguments[0].ndim, names.get(arguments[0].ndim, ())
    )
    start = Unit("", title="input", output=tuple(arguments[0].shape), axes=tuple(first))
    for unit in units:
        unit.axes = unit.axes or tuple(names.get(len(unit.output), ()))
    if units and units[-1].axes:
        units[-1].axes = (*units[-1].axes[:-1], output_axis)
    total = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return _draw([start, *units], title or type(model).__name__, total, width)


def _draw(units, title, total, width):
    """Boxes in the middle, parts of the model on the left, shapes and counts on the right."""
    texts = ["\n".join(textwrap.wrap(" · ".join(u.small), 62)) for u in units]
    edges, y = [], 0.95 - GAP
    for unit, text in zip(units, texts, strict=True):
        y += GAP + CARD * _cards(unit)
        edges.append((y, y := y + (0.46 + 0.14 * text.count("\n") if text else 0.4)))
    figure = Figure(figsize=(width, y + 0.25), dpi=150, layout="none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(y + 0.25, 0))
    ax.axis("off")
    ax.text(LEFT, 0.3, title, size=12.5, weight="bold", color=INK, va="center")
    rest = total - sum(u.parameters * u.times for u in units)
    words = f"{_number(total)} trainable parameters"
    words += f", {_number(rest)} of them in no box" if rest else ""
    ax.text(LEFT, 0.58, words, size=9, color=SOFT, va="center")
    ax.text(SHAPE, 0.58, "output, without batch", size=8.5, color=SOFT, va="center")
    ax.text(width - 0.2, 0.58, "parameters", size=8.5, color=SOFT, va="center", ha="right")
    for unit, text, edge in zip(units, texts, edges, strict=True):
        _box(ax, unit, text, *edge)
    _numbers(ax, units, edges, width - 0.2)
    _parts(ax, units, edges)
    _arrows(ax, units, edges)
    return figure


def _cards(unit):
    """How many cards show behind a box that stands for several."""
    return min(unit.times, 3) - 1 if unit.first_of == 1 else 0


def _box(ax, unit, text, top, bottom):
    edge, face = COLOURS[unit.kind]
    cards, tall, middle = _cards(unit), bottom - top, (top + bottom) / 2
    for back in range(cards, -1, -1):
        corner = (LEFT + CARD * back, top - CARD * back)
        box = FancyBboxPatch(corner, RIGHT - LEFT, tall, "round,pad=0,rounding_size=0.07")
        box.set(edgecolor=edge, facecolor=face, linewidth=1, zorder=3 - back / 9)
        ax.add_patch(box)
    title = unit.title + (f"   × {unit.times}" if cards else "")
    y = top + 0.15 if text else middle
    ax.text(LEFT + 0.14, y, title, size=9.5, weight="bold", color=INK, va="center", zorder=4)
    below = {"size": 7.8, "color": SOFT, "va": "top", "zorder": 4, "linespacing": 1.3}
    ax.text(LEFT + 0.14, top + 0.25, text, **below)
    if unit.kind == "recurrent":
        right = RIGHT + CARD * cards
        _arrow(ax, (right, middle + 0.09), (right, middle - 0.09), edge, "arc3,rad=1.6")


def _numbers(ax, units, edges, right):
    """Output shapes, and parameter counts with bars in proportion."""
    most = max(u.parameters * u.times for u in units) or 1
    for unit, (top, bottom) in zip(units, edges, strict=True):
        y = (top + bottom) / 2
        ax.text(SHAPE, y, _shape(unit), size=9, color=INK, va="center")
        if unit.parameters:
            words = f"{unit.times} × " if unit.times > 1 else ""
            words += _number(unit.parameters)
            ax.text(right, y - 0.04, words, size=9, color=INK, va="center", ha="right")
            bar = 0.75 * unit.parameters * unit.times / most
            ax.barh(y + 0.1, bar, 0.045, right - bar, color=COLOURS[unit.kind][0])


def _parts(ax, units, edges):
    """Names of the model's parts with a line along their boxes, and brackets at repeated groups."""
    start = 1
    for i in range(1, len(units) + 1):
        if i < len(units) and units[i].group == units[start].group:
            continue
        if name := units[start].group:
            top, bottom = edges[start][0], edges[i - 1][1]
            ax.plot([LEFT - 0.42] * 2, [top, bottom], color=SOFT, lw=1, solid_capstyle="butt")
            words = textwrap.fill(name.replace("_", " "), 13)
            ax.text(
                *(LEFT - 0.5, (top + bottom) / 2, words),
                size=8.5,
                color=SOFT,
                ha="right",
                va="center",
            )
        start = i
    for i, unit in enumerate(units):
        if unit.first_of > 1:
            top, bottom = edges[i][0], edges[i + unit.first_of - 1][1]
            x = RIGHT + 0.12
            ax.plot([x - 0.05, x, x, x - 0.05], [top, top, bottom, bottom], color=INK, lw=1)
            ax.text(x + 0.06, (top + bottom) / 2, f"× {unit.times}", size=9, color=INK, va="center")


def _arrows(ax, units, edges):
    """Arrows along the data: straight to the next box, round the left to a later one."""
    middle = (LEFT + RIGHT) / 2
    for i, unit in enumerate(units[1:], start=1):
        for source in sorted(j + 1 for j in unit.sources):  # the input comes first
            if source != i - 1:
                low, high = edges[source], edges[i]
                bend = f"arc3,rad={min(0.5, 0.5 / (high[0] - low[1] + 0.4)):.3f}"
                ends = (LEFT, (low[0] + low[1]) / 2 + 0.06), (LEFT, (high[0] + high[1]) / 2 - 0.06)
                _arrow(ax, *ends, SOFT, bend)
                continue
            _arrow(
                ax,
                (middle, edges[i - 1][1]),
                (middle, edges[i][0] - CARD * _cards(unit)),
                INK,
                "arc3,rad=0",
            )
            before = units[source].output
            if unit.inputs and unit.inputs != before and len(unit.sources) == 1:
                words = "reshaped to " + " × ".join(map(str, unit.inputs[1:]))
                y = edges[i - 1][1] + GAP / 2
                ax.text(middle + 0.12, y, words, size=7.5, style="italic", color=SOFT, va="center")


def _arrow(ax, start, stop, colour, bend):
    ax.add_patch(
        FancyArrowPatch(
            *(start, stop), arrowstyle="-|>", mutation_scale=9, color=colour, lw=1.1, zorder=2,
            connectionstyle=bend, shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


def _shape(unit):
    """Sizes with the names of their axes where these are known."""
    names = unit.axes if len(unit.axes) == len(unit.output) else [""] * len(unit.output)
    pairs = zip(unit.output[1:], names[1:], strict=True)
    words = (f"{size} {name}".strip() for size, name in pairs)
    return " × ".join(re.sub(r"^1 (map|frame|band|feature)s$", r"1 \1", word) for word in words)


def _number(value):
    return f"{value:,}".replace(",", "\u2009")
