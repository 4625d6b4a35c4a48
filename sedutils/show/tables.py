"""What stands around a chapter's tables: where sound and numbers come from, claims, readings, limits."""

import json
import platform
from html import escape

import pandas as pd
import torch
from IPython.display import Markdown

from sedutils.show.columns import frame_html, plain_html
from sedutils.show.titles import SOURCES, TITLES

RULE = (
    "Value, [95 % interval over seeds and test units together], ± spread over seeds. A contrast is decided where its "
    "interval is clear of the bound, and with a single seed never. Of several contrasts one that fails makes the claim "
    "fail: they do so by Holm's correction for as many, and read undecided where chance alone may have put one of them "
    "below its bound. <em>Can resolve</em>: half the interval, how far from the bound the value would have to be."
)


def metrics_json(claims: pd.DataFrame | None = None, **scores: float) -> str:
    """A chapter's scores and how many of its claims have which verdict, for ``dvc metrics``."""
    leaves = {name: round(float(value), 4) for name, value in scores.items()}
    if claims is not None:
        verdicts = claims.groupby("claim").verdict.first().value_counts().sort_index()
        leaves["claims"] = {verdict: int(count) for verdict, count in verdicts.items()}
    return json.dumps(leaves, indent=1) + "\n"


def claims_html(judged: pd.DataFrame, published) -> str:
    """The table of claims: what the paper says, the verdict, and each contrast behind it."""
    rows = {}
    for claim, group in judged.groupby("claim", sort=False):
        text = published.claims[claim]
        rows[claim] = {
            "what the paper says": f"{escape(text['claim'])}<br><small>{escape(text['where'])}</small>",
            "verdict": f"<strong>{group.verdict.iloc[0]}</strong>",
            "tests": "<br>".join(contrast_line(row) for row in group.itertuples()),
        }
    return frame_html(pd.DataFrame(rows).T.rename_axis(columns="claim")) + f"<p>{RULE}</p>"


def contrast_line(row) -> str:
    """One contrast in words: value, interval, spread over seeds, bound, outcome and, if that is undecided, what this
    run can resolve, as far as there are any."""
    if pd.isna(row.value):
        return f"{escape(row.contrast)}: {row.outcome}"
    parts = [f"{escape(row.contrast)}: {row.value:.3g}"]
    if pd.notna(row.low):
        parts.append(f"[{row.low:.3g}, {row.high:.3g}]")
    if pd.notna(row.std):
        parts.append(f"± {row.std:.2g} over {row.n_seeds:.0f} seeds")
    bound = "" if pd.isna(row.bound) else f" against {row.bound:g}"
    if row.outcome == "undecided" and pd.notna(row.resolves) and row.resolves:
        bound += f" (can resolve ± {row.resolves:.2g}, with ten seeds ± {row.resolves_with_10:.2g})"
    return f"{' '.join(parts)}{bound}: {row.outcome}"


def readings_html(published, only: list[str] | None = None) -> str:
    """What the paper leaves open, the reading taken, and what is done here where that differs or adds.

    only : ids of the readings shown, in place of all
    """
    readings = published.readings.assign(done=lambda r: r.done.fillna("the reading"))
    if only:
        readings = readings[readings.id.isin(only)]
    heads = {"id": "", "topic": "topic", "issue": "what is open", "reading": "reading"}
    heads |= {"done": "done here"}
    return plain_html(readings[[*heads]].rename(columns=heads))


def provenance_html(
    trained: dict[str, dict[str, list]], sources: dict[str, str], size: str, corpus=None
) -> str:
    """The box a page begins with: where sound and numbers come from.

    trained : name -> ``{"seeds": [...], "folds": [...]}`` of what the page shows; no folds, no mention
    corpus : whose recordings are counted
    """
    lines = {"size": size}
    if corpus is not None:
        test, seconds = corpus.recordings_of("test"), corpus.recordings.duration_s.sum()
        lines["size"] += (
            f": {len(corpus.recordings)} mixtures, {seconds / 60:.0f} minutes, {len(corpus.labels)} classes; "
            f"tested on {len(test)} mixtures of {test.duration_s.iloc[0]:.0f} s"
        )
    for name, lists in trained.items():
        numbers = "; ".join(f"{k} {', '.join(map(str, v))}" for k, v in lists.items() if v)
        lines[TITLES[name]] = f"source {sources[name]}: {SOURCES[sources[name]]} Here: {numbers}."
    lines["versions"] = (
        f"Python {platform.python_version()}, torch {torch.__version__.split('+')[0]}, pandas {pd.__version__}; "
        f"device: {'GPU' if torch.cuda.is_available() else 'CPU, one thread a training'}"
    )
    return frame_html(pd.Series(lines).map(escape).to_frame(), header=False)


def bullets(items: list[str]) -> Markdown:
    """A bulleted list; the items are Markdown."""
    return Markdown("".join(f"- {item}\n" for item in items))


def caveats(sources: dict[str, str], seeds: dict[str, list[int]]) -> list[str]:
    """What any page has to say of sound that is not the paper's, and of a single seed.

    sources, seeds : of each corpus
    """
    items = []
    for name, title in TITLES.items():
        if sources.get(name, "official") != "official":
            items.append(f"{title}: {SOURCES[sources[name]]} Levels cannot be compared.")
        if len(seeds.get(name, [])) == 1:
            items.append(f"{title}: one seed, so no spread over seeds: nothing is decided.")
    return items
