"""Tables of the chapters, ours beside the published, and what stands around them."""

import json
from html import escape

import pandas as pd

# What the facts of Cakir et al. 2017 call its corpora
DATASETS = {
    "tut_sed_synthetic_2016": "synth2016",
    "tut_sed_2009": "tut2009",
    "tut_sound_events_2016": "tut2016",
    "chime_home": "chime",
}
TITLES = {
    "tut_sed_synthetic_2016": "TUT-SED Synthetic 2016",
    "tut_sed_2009": "TUT-SED 2009",
    "tut_sound_events_2016": "TUT Sound Events 2016",
    "chime_home": "CHiME-Home",
    "itc_irst": "ITC-Irst",
    "tut_rare_2017": "TUT Rare Sound Events 2017",
    "desed_2020": "DESED (DCASE 2020)",
}
SOURCES = {
    "foley": "procedural sound, made here. It shows that the pipeline works; it is no evidence about the paper.",
    "bank": "mixtures made here of the clips in a folder. Not the paper's data.",
    "official": "the published recordings.",
}


def metrics_json(claims: pd.DataFrame | None = None, **scores: float) -> str:
    """A chapter's scores and how many of its claims have which verdict, for ``dvc metrics``."""
    leaves = {name: round(float(value), 4) for name, value in scores.items()}
    if claims is not None:
        verdicts = claims.groupby("claim").verdict.first().value_counts().sort_index()
        leaves["claims"] = {verdict: int(count) for verdict, count in verdicts.items()}
    return json.dumps(leaves, indent=1) + "\n"


def claims_html(judged: pd.DataFrame, published) -> str:
    """The table of claims: what the paper says, the verdict, and each contrast behind it."""
    rows = []
    for claim, group in judged.groupby("claim", sort=False):
        text = published.claims[claim]
        tests = "<br>".join(contrast_line(row) for row in group.itertuples())
        verdict = group.verdict.iloc[0]
        rows.append(
            f"<tr><td>{claim}</td><td>{escape(text['claim'])}<br><small>{escape(text['where'])}</small></td>"
            f"<td><strong>{verdict}</strong></td><td>{tests}</td></tr>"
        )
    head = "<tr><th>claim</th><th>what the paper says</th><th>verdict</th><th>tests</th></tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def contrast_line(row) -> str:
    """One contrast in words: value, interval, spread over seeds, bound and outcome, as far as there are any."""
    if pd.isna(row.value):
        return f"{escape(row.contrast)}: {row.outcome}"
    parts = [f"{escape(row.contrast)}: {row.value:.3g}"]
    if pd.notna(row.low):
        parts.append(f"[{row.low:.3g}, {row.high:.3g}]")
    if pd.notna(row.std):
        parts.append(f"± {row.std:.2g} over {row.n_seeds:.0f} seeds")
    bound = "" if pd.isna(row.bound) else f" against {row.bound:g}"
    return f"{' '.join(parts)}{bound}: {row.outcome}"


def readings_html(published, done: dict[str, str], *, only: bool = False) -> str:
    """What the paper leaves open, the reading taken, and what this run did where that differs or adds.

    only : no more than the readings that ``done`` names
    """
    rows = "".join(
        f"<tr><td>{r.id}</td><td>{escape(r.topic)}</td><td>{escape(r.issue)}</td><td>{escape(r.reading)}"
        f"</td><td>{escape(done.get(r.id, 'the reading'))}</td></tr>"
        for r in published.readings.itertuples()
        if r.id in done or not only
    )
    head = "".join(f"<th>{t}</th>" for t in ("", "topic", "what is open", "reading", "done here"))
    return f"<table class='dataframe'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def provenance_html(trained: dict[str, dict[str, list]], sources: dict[str, str], size: str) -> str:
    """The box a page on several corpora begins with: where sound and numbers come from.

    trained : name -> ``{"seeds": [...], "folds": [...]}`` of what the page shows; no folds, no mention
    """
    lines = {"size": size}
    for name, lists in trained.items():
        told = "; ".join(f"{k} {', '.join(map(str, v))}" for k, v in lists.items() if v)
        lines[TITLES[name]] = f"source {sources[name]}: {SOURCES[sources[name]]} Here: {told}."
    return box_html(lines)


def box_html(lines: dict[str, str]) -> str:
    """A box of headings and what they say."""
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in lines.items())
    return f"<table class='provenance'>{rows}</table>"


def spread(row, metric: str, *, digits: int) -> str:
    """``mean ± std`` of a metric's columns in a row, or a dash."""
    mean, std = row[f"{metric}_mean"], row[f"{metric}_std"]
    if pd.isna(mean):
        return "–"
    return f"{mean:.{digits}f}" + ("" if pd.isna(std) else f" ± {std:.{digits}f}")


def list_html(items: list[str]) -> str:
    """A bulleted list."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
