"""What the CRNN chapter says beside its numbers: provenance, the look of Table II, readings, limits."""

import platform
from html import escape

import pandas as pd
import torch

from sedutils.papers.cakir2017.chapter import METRICS, FrameRun
from sedutils.show import tables
from sedutils.show.tables import SOURCES, box_html, list_html

# reading id -> what this project does where it adds to the reading or departs from it
READINGS = {
    "A08": "the reading; ReLU behind the pooling, which gives the same numbers",
    "A09": "the reading; torch's GRU (reset gate behind the matrix, logistic sigmoid) in place of Keras 1.1's",
    "A10": "batch_frames of each system in params.yaml; laptop size raises the learning rate",
    "A12": "Glorot uniform and orthogonal",
    "A14": "the reading, through sed_eval",
    "A16": "the reading; power spectrum, each window centred on the middle of its 20 ms",
    "A17": "the reading; zeros behind the end of a recording",
    "A25": "the reading; edge frames repeated at the ends of a sequence",
    "A30": "official when present; else mixed here by that recipe, the published shares of the classes kept",
}


def provenance(results: FrameRun, corpus, source: str, size: str) -> str:
    """The box every page begins with: where sound and numbers come from."""
    test = results.test.recordings
    lines = {
        "corpus": f"TUT-SED Synthetic 2016, source {source}: {SOURCES[source]}",
        "size": f"{size}: {len(corpus.recordings)} mixtures, {corpus.recordings.duration_s.sum() / 60:.0f} minutes, "
        f"{len(corpus.labels)} classes; tested on {len(test)} mixtures of {test.duration_s.iloc[0]:.0f} s",
        "seeds": ", ".join(map(str, results.seeds)),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__.split('+')[0]}, "
        f"pandas {pd.__version__}; device: {'GPU' if torch.cuda.is_available() else 'CPU, one thread a training'}",
    }
    return box_html(lines)


def table2_html(table: pd.DataFrame, systems: list[str]) -> str:
    """Table II as ours (mean ± std) / published (/ difference on official data), best in bold.

    Bold is the best method of a metric, and any whose mean lies within one standard deviation of it. (The
    paper's bold also takes methods of which a single run comes that near.)
    """
    methods = table.set_index("method")
    contenders = methods.loc[[s.upper() for s in systems]]
    head = "".join(f"<th>{m}</th><th>paper</th>" for m in METRICS)
    body = ""
    for name, row in methods.iterrows():
        cells = ""
        for metric in METRICS:
            text = spread(row, metric)
            if name in contenders.index and is_best(row, contenders, metric):
                text = f"<strong>{text}</strong>"
            if f"{metric}_difference" in row and pd.notna(row[f"{metric}_difference"]):
                text += f" ({row[f'{metric}_difference']:+.2f})"
            cells += f"<td>{text}</td><td>{spread(row, f'paper_{metric}')}</td>"
        body += f"<tr><td style='white-space:nowrap'>{escape(name)}</td>{cells}<td>{row.seeds:.0f}</td></tr>"
    return (
        f"<table class='dataframe'><thead><tr><th>method</th>{head}<th>seeds</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def table1_html(table: pd.DataFrame) -> str:
    """Table I with its settings in full."""
    with pd.option_context("display.max_colwidth", None):
        return table.to_html(index=False, border=0)


def table3_html(table: pd.DataFrame, systems: list[str]) -> str:
    """Table III as ours (mean ± std), the best system of a class in bold, and the paper's three columns."""
    papers = [c for c in table if c.startswith("paper_") and table[c].notna().any()]
    names = [s.upper() for s in systems] + [f"paper {c[6:].upper()}" for c in papers]
    head = "".join(f"<th>{name}</th>" for name in names)
    body = ""
    for _, row in table.iterrows():
        best = max(row[f"{s}_mean"] for s in systems)
        cells = ""
        for system in systems:
            mean, std = row[f"{system}_mean"], row[f"{system}_std"]
            text = f"{mean:.1f}" + ("" if pd.isna(std) else f" ± {std:.1f}")
            cells += f"<td>{f'<strong>{text}</strong>' if mean == best > 0 else text}</td>"
        printed = ("–" if pd.isna(row[c]) else f"{row[c]:.0f}" for c in papers)
        cells += "".join(f"<td>{text}</td>" for text in printed)
        body += f"<tr><td style='white-space:nowrap'>{escape(row['class'])}</td>{cells}</tr>"
    return (
        f"<table class='dataframe'><thead><tr><th>class</th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def variants_html(table: pd.DataFrame, name: str) -> str:
    """Variants of a network, one a row: parameters, scores, and the printed F1 where there is one.

    table : of `sedutils.papers.cakir2017.ablations.variants`; ``name`` : the column that says what varies
    """
    heads = [name, "parameters", "best epoch", "F1, validation (%)", "F1, frames (%)", "ER, frames"]
    papers = "paper_F1_frm" in table
    best = table.F1_frm_mean.idxmax()
    body = ""
    for i, row in table.iterrows():
        f1 = spread(row, "F1_frm")
        cells = [
            escape(str(row[name])).replace("_", " "),
            f"{row.parameters:.0f}",
            f"{row.best_epoch:.0f}",
            f"{100 * row.validation_score_mean:.1f}",
            f"<strong>{f1}</strong>" if i == best else f1,
            spread(row, "ER_frm"),
            *([f"{row.paper_F1_frm:.1f}"] if papers else []),
        ]
        body += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    head = "".join(f"<th>{h}</th>" for h in [*heads, *(["paper, F1"] if papers else [])])
    return f"<table class='dataframe'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def spread(row, metric: str) -> str:
    """``mean ± std`` with the paper's number of decimals (percent one, error rates two), or a dash."""
    digits = 2 if metric.removeprefix("paper_").startswith("ER_") else 1
    return tables.spread(row, metric, digits=digits)


def is_best(row, contenders: pd.DataFrame, metric: str) -> bool:
    """Whether a row is the best in a metric, or within one standard deviation of the best."""
    sign = 1 if "F1" in metric else -1
    values = sign * contenders[f"{metric}_mean"]
    best = values.idxmax()
    slack = contenders.loc[best, f"{metric}_std"]
    return sign * row[f"{metric}_mean"] >= values[best] - (0 if pd.isna(slack) else slack)


def limits_html(source: str, size: str, training: dict, designs: dict) -> str:
    """What differs from the paper in this run, and why."""
    items = [
        "Keras 1.1 on Theano is replaced by torch: GRU variant, random numbers and epsilon of Adam differ.",
        "Batch size and number of epochs are not printed in the paper.",
    ]
    if source != "official":
        items.append(
            "The sounds are not the paper's, so levels cannot be compared with the printed ones; order and gaps can."
        )
    if size == "laptop":
        widths = ", ".join(
            f"{name} {d.get('maps', d.get('units'))}"
            for name, d in designs.items()
            if d["kind"] != "GMM"
        )
        items += [
            f"Laptop size cuts widths ({widths}), audio, patience ({training['patience']} epochs), "
            f"epochs (at most {training['max_epochs']}) and seeds ({len(training['seeds'])}).",
            "Learning rates were chosen by validation F1, and networks this narrow train without dropout.",
            "Each instance is used about twice, not 6.6 times: else two a class would be left for training.",
        ]
    return list_html(items)
