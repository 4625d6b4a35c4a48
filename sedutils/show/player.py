"""A listenable event roll in HTML: audio, a spectrogram and one band of lanes for each system.

It needs no network, no library and no file beside it, so it works in a notebook
(`IPython.display.HTML`), in a report and in a page opened from disk.
"""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from sedutils.show import embed

LANE, NAME, AXIS = 14, 22, 24  # heights in px; player.css has the same numbers
PX_PER_S = 16  # a recording too long for the page scrolls, rather than shrink its events away
MAX_COLUMNS = 2400  # wider images only make the page heavier
PALETTE = (
    *("#3465a4", "#c4621a", "#2f8f5b", "#b03a48", "#7a54a8", "#8a6d3b", "#c2569a", "#4f8f98"),
    *("#8f9a2b", "#5a6fd0", "#d08a1d", "#3aa387", "#a8487d", "#6b7f4a", "#986055", "#4d88c7"),
)


@dataclass(frozen=True)
class _View:
    """The shown part of a recording (seconds), its classes in order and those that get a lane."""

    start_s: float
    stop_s: float
    hop_s: float
    labels: tuple
    lanes: tuple

    @property
    def duration_s(self):
        return self.stop_s - self.start_s

    def percent(self, seconds):
        """Share of the width, as text."""
        return f"{100 * seconds / self.duration_s:.3f}%"

    def frames(self, values):
        """The frames (rows) of `values` that are shown."""
        first, last = round(self.start_s / self.hop_s), round(self.stop_s / self.hop_s)
        return np.asarray(values, dtype=np.float32)[first:last]

    def colour(self, label):
        return PALETTE[self.labels.index(label) % len(PALETTE)]


def player(
    audio,
    sample_rate,
    *,
    rows,
    labels=None,
    features=None,
    hop_s=0.02,
    title="",
    probabilities=None,
    reference="annotation",
    start_s=0.0,
    stop_s=None,
    max_rate=22050,
):
    """HTML of an audio player over a spectrogram and event rolls.

    audio: (samples,) float, |x| <= 1; stored at no more than `max_rate` Hz to keep the page small.
    rows: name -> events (onset_s, offset_s, label), drawn in this order; the row called `reference`
    is outlined in the others. labels: all classes in order, which keeps their colours the same in
    every player and names the columns of `probabilities`; only classes that occur get a lane.
    features: (frames, bands), drawn as they are; without them a log-mel spectrogram of the audio.
    probabilities: name -> (frames, classes) in 0..1, shaded behind the events of that row.
    start_s, stop_s: the part of the recording to show; events are cut to it.
    Raises ValueError on an unknown label, an event that ends before it starts, or an empty part.
    """
    audio = np.asarray(audio, dtype=np.float32)
    if audio.ndim != 1:
        raise ValueError(f"audio: one channel is wanted, got shape {audio.shape}")
    probabilities = dict(probabilities or {})
    order = _labels(rows, labels, probabilities)
    end_s = len(audio) / sample_rate
    stop_s = end_s if stop_s is None else min(float(stop_s), end_s)
    if not 0 <= start_s < stop_s:
        raise ValueError(f"start_s, stop_s: {start_s} to {stop_s} s is no part of {end_s:.2f} s")
    rows = {name: _cut(name, events, start_s, stop_s) for name, events in rows.items()}
    present = {label for events in rows.values() for label in events["label"]}
    lanes = tuple(label for label in order if label in present) or order[:1]
    view = _View(float(start_s), stop_s, hop_s, order, lanes)
    audio = audio[round(start_s * sample_rate) : round(stop_s * sample_rate)]
    ghosts = rows.get(reference)
    bands = [
        _band(name, events, view, None if name == reference else ghosts, probabilities.get(name))
        for name, events in rows.items()
    ]
    picture = _spectrogram(audio, sample_rate, features, view)
    sound = embed.data_uri("audio/flac", embed.flac(audio, sample_rate, max_rate))
    return _figure(
        title, sound, picture, bands, list(rows), view, _note(rows, probabilities, reference)
    )


def page(title, body_html):
    """A whole HTML page around `body_html`, with the style sheet of the reports inside it."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_asset('report.css')}</style>\n</head>\n"
        f"<body>\n{once(body_html)}\n</body>\n</html>\n"
    )


def once(html):
    """`html` with the players' style and script kept in the first place where they stand only."""
    assets = _assets()
    head, found, tail = html.partition(assets)
    return head + found + tail.replace(assets, "")


def _labels(rows, labels, probabilities):
    """All classes in order; ValueError where rows, labels and probabilities do not fit together."""
    order = tuple(labels) if labels is not None else ()
    for name, values in probabilities.items():
        if name not in rows:
            raise ValueError(f"probabilities: {name!r} is not among the rows {', '.join(rows)}")
        if np.shape(values)[1:] != (len(order),):
            raise ValueError(
                f"probabilities: {name!r} has shape {np.shape(values)} for {len(order)} labels"
            )
    found = sorted({label for events in rows.values() for label in events["label"]})
    for label in found:
        if order and label not in order:
            raise ValueError(f"rows: label {label!r} is not among labels")
    return order or tuple(found) or ("",)


def _cut(name, events, start_s, stop_s):
    """Events inside the shown part, times counted from its start."""
    for event in events[events["offset_s"] < events["onset_s"]].itertuples():
        raise ValueError(
            f"rows: {name!r} has {event.label} from {event.onset_s} to {event.offset_s} s"
        )
    inside = (events["onset_s"] < stop_s) & (events["offset_s"] > start_s)
    kept = events.loc[inside, ["onset_s", "offset_s", "label"]].sort_values(["onset_s", "label"])
    times = kept[["onset_s", "offset_s"]].clip(start_s, stop_s) - start_s
    return pd.concat([times, kept["label"]], axis=1)


def _band(name, events, view, ghosts, probability):
    """One row's lanes as SVG: percent across and px down, so that they fit any width."""
    height = NAME + LANE * len(view.lanes)
    marks = [
        f'<rect class="sed-stripe" width="100%" y="{NAME + LANE * i}" height="{LANE}"/>'
        for i in range(0, len(view.lanes), 2)
    ]
    marks += [f'<line class="sed-rule" x1="{x}" x2="{x}" y2="{height}"/>' for x, _ in _ticks(view)]
    marks.append('<line class="sed-rule" x2="100%"/>')
    if probability is not None:
        marks.append(_shade(probability, view))
    for event in ghosts.itertuples() if ghosts is not None else ():
        marks.append(_rect("sed-ghost", event, view, inset=1) + "/>")
    kind = "sed-event" if probability is None else "sed-event sed-open"
    for event in events.itertuples():
        on, off = event.onset_s, event.offset_s
        times = f"{view.start_s + on:.2f}–{view.start_s + off:.2f} s ({off - on:.2f} s)"
        text = escape(f"{name}: {event.label}, {times}")
        marks.append(
            f'{_rect(kind, event, view, inset=3)} style="color:{view.colour(event.label)}" '
            f'data-on="{on:.3f}" data-off="{off:.3f}" '
            f'data-lane="{escape(name)}/{escape(str(event.label))}"><title>{text}</title></rect>'
        )
    return (
        f'<svg role="img" aria-label="Events of {escape(name)}" height="{height}">'
        f"{''.join(marks)}</svg>"
    )


def _rect(kind, event, view, inset):
    """An open `<rect` tag at the place of an event."""
    y = NAME + LANE * view.lanes.index(event.label) + inset
    return (
        f'<rect class="{kind}" x="{view.percent(event.onset_s)}" y="{y}" rx="1.5" '
        f'width="{view.percent(event.offset_s - event.onset_s)}" height="{LANE - 2 * inset}"'
    )


def _shade(probability, view):
    """Class probabilities as an image, one pixel row a lane, in the colour of its class."""
    columns = [view.labels.index(label) for label in view.lanes]
    values = embed.fewer(view.frames(probability), MAX_COLUMNS).T[columns]
    colours = [[int(view.colour(x)[i : i + 2], 16) for i in (1, 3, 5)] for x in view.lanes]
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.array(colours, dtype=np.uint8)[:, None]
    pixels[..., 3] = np.rint(np.clip(values, 0, 1) * 150)
    width = view.percent(len(view.frames(probability)) * view.hop_s)
    return (
        f'<image y="{NAME}" width="{width}" height="{LANE * len(view.lanes)}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="{embed.data_uri("image/png", embed.png(Image.fromarray(pixels)))}"/>'
    )


def _spectrogram(audio, sample_rate, features, view):
    """The `<img>` of the features, low bands at the bottom, dark where there is energy."""
    if features is None:
        values = embed.log_mel(audio, sample_rate)
        width = "100%"
    else:
        values = view.frames(features)
        width = view.percent(len(values) * view.hop_s)
    values = embed.fewer(values, MAX_COLUMNS).T[::-1]
    low, high = np.percentile(values, [5, 99.7])
    level = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    ink = Image.fromarray(np.rint(255 - 235 * level).astype(np.uint8))
    return (
        f'<img class="sed-spec" style="width:{width}" alt="Spectrogram" '
        f'src="{embed.data_uri("image/png", embed.png(ink))}">'
    )


def _ticks(view):
    """(place, text) of the time marks: at most about ten, at round times of the recording."""
    step = next((s for s in (0.5, 1, 2, 5, 10, 30, 60, 120) if view.duration_s / s <= 13), 300)
    first = np.ceil(view.start_s / step) * step
    times = np.arange(first, view.stop_s, step)
    return [(view.percent(t - view.start_s), f"{t:g}{' s' if t == first else ''}") for t in times]


def _axis(view):
    texts = "".join(
        f'<text class="sed-tick" x="{x}" y="16" dx="{-3 if i else 2}">{text}</text>'
        for i, (x, text) in enumerate(_ticks(view))
    )
    return f'<svg aria-hidden="true" height="{AXIS}">{texts}</svg>'


def _gutter(names, view):
    """The left column: names of the bands and of their lanes."""
    parts = ['<div class="sed-spec-name">spectrogram</div>']
    for name in names:
        parts.append(f'<div class="sed-name">{escape(name)}</div>')
        for label in view.lanes:
            text = escape(str(label))
            parts.append(
                f'<div class="sed-lane" data-lane="{escape(name)}/{text}" title="{text}">'
                f"{text.replace('_', ' ')}</div>"
            )
    return "".join(parts)


def _note(rows, probabilities, reference):
    """The legend in words."""
    words = ["colour: class"]
    if reference in rows and len(rows) > 1:
        words.append(f"dashed outline: {reference}")
    if probabilities:
        words.append("shade: probability, frame: decision")
    words.append("click to seek, double-click an event to play it, arrow keys to step")
    return escape(" · ".join(words))


def _figure(title, sound, picture, bands, names, view, note):
    head = f'<div class="sed-head">{escape(title)}</div>' if title else ""
    low, high = f"{view.start_s:.2f}", f"{view.stop_s:.2f}"
    return (
        f'{_assets()}<figure class="sed-player" data-start="{low}" '
        f'data-duration="{view.duration_s:.4f}">{head}'
        f'<div class="sed-bar"><audio controls preload="metadata" src="{sound}"></audio>'
        f'<span class="sed-time" aria-hidden="true"><b class="sed-now">{low}</b> / {high} s</span>'
        f'</div><div class="sed-scroll"><div class="sed-grid" '
        f'style="min-width:{round(PX_PER_S * view.duration_s)}px">'
        f'<div class="sed-gutter">{_gutter(names, view)}</div>'
        '<div class="sed-stage" tabindex="0" role="slider" aria-label="Position in the recording" '
        f'aria-valuemin="{low}" aria-valuemax="{high}" aria-valuenow="{low}">'
        f'{picture}{"".join(bands)}{_axis(view)}<div class="sed-cursor"></div>'
        f'<div class="sed-tip" hidden></div></div></div></div><div class="sed-note">{note}</div>'
        "</figure>\n"
    )


def _asset(name):
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _assets():
    """Style and script without indents and comments; running the script again does nothing."""
    style = re.sub(r"\s*\n\s*", "\n", _asset("player.css")).strip()
    script = re.sub(r"(?m)^\s+|^\s*//.*\n|\s+//.*$", "", _asset("player.js")).strip()
    return f"<style>{style}</style><script>{script}</script>"
