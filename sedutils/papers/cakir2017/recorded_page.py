"""What the chapter on the recorded corpora shows beside its numbers: provenance, Tables V and VI, limits."""

from html import escape

import pandas as pd

from sedutils.papers.cakir2017.page import is_best, spread
from sedutils.show.tables import TITLES, list_html

# reading id -> what this project does where it adds to the reading or departs from it
READINGS = {
    "A02": "the reading; both CNNs stand in Table VI",
    "A05": "17; the classes that occur",
    "A13": "the reading",
    "A16": "the reading, but CHiME-Home's recordings of 48 kHz are read: 0 to 22050 Hz as everywhere",
    "A21": "the reading",
    "A22": "the reading; on foley validation takes whole development parts, which share no voice",
    "A23": "the reading: the GMM here is scene-independent and has a row of its own",
    "A28": "the reading on official data; on foley recordings with the same speakers, in every scene",
    "A29": "the reading",
}


def beside_html(table: pd.DataFrame, metrics: dict[str, str]) -> str:
    """Tables V and VI: ours (mean ± std) beside the printed value, the best of ours in bold.

    metrics : column without ``_mean`` -> its heading. A row with a reference in ``quoted_from`` is a result
    of others that the paper quotes; a star marks scene-dependent systems. The difference stands behind
    ours on official data.
    """
    ours = table[table.seeds.notna()].set_index("method")
    printed = {m for m in metrics if f"paper_{m}_mean" in table}
    head = "".join(
        f"<th>{escape(title)}</th>{'<th>paper</th>' if m in printed else ''}"
        for m, title in metrics.items()
    )
    body = ""
    for _, row in table.iterrows():
        quoted = "" if pd.isna(row.quoted_from) else f" {row.quoted_from}"
        quoted += " *" if str(row.get("scene_dependent")) == "True" else ""
        cells = f"<td style='white-space:nowrap'>{escape(row.method + quoted)}</td>"
        for metric in metrics:
            text = spread(row, metric)
            if metric in printed and row.method in ours.index and is_best(row, ours, metric):
                text = f"<strong>{text}</strong>"
            if pd.notna(row.get(f"{metric}_difference")):
                text += f" ({row[f'{metric}_difference']:+.1f})"
            cells += f"<td>{text}</td>"
            if metric in printed:
                cells += f"<td>{spread(row, f'paper_{metric}')}</td>"
        cells += f"<td>{'–' if pd.isna(row.seeds) else f'{row.seeds:.0f}'}</td>"
        body += f"<tr>{cells}</tr>"
    return (
        f"<table class='dataframe'><thead><tr><th>method</th>{head}<th>seeds</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def limits_html(corpora: dict, sources: dict[str, str], size: str) -> str:
    """What differs from the paper in this run, and why."""
    items = []
    for name, results in corpora.items():
        if sources[name] != "official":
            items.append(
                f"{TITLES[name]}: the sounds are made here. The quoted rows are for the paper's recordings, "
                "so no method here can be compared with them."
            )
        if len(results.seeds) == 1:
            items.append(
                f"{TITLES[name]}: one seed, so no spread over seeds; the interval decides."
            )
    if size == "laptop":
        items.append("Laptop size cuts widths, seeds and folds (those used are named at the top).")
    items.append("The HMM, NMF and BLSTM systems and the challenge entries are quoted, not built.")
    return list_html(items)
