"""What the comparison says beside its numbers: the result, the table, which system to choose, rules and limits."""

from html import escape

import pandas as pd

from sedutils.papers.comparison.cuts import GRID_S
from sedutils.papers.comparison.entries import STRONG, WEAK
from sedutils.papers.comparison.results import CutRun
from sedutils.papers.comparison.scoring import METRICS
from sedutils.show.tables import SOURCES, TITLES, list_html, spread

CORPUS = "tut_sed_synthetic_2016"
HEADS = {
    "F1_frm": "frame F1",
    "ER_frm": "ER",
    "F1_1s": "segment F1",
    "ER_1s": "ER",
    "event_F1": "event F1",
    "PSDS1": "PSDS 1",
    "PSDS2": "PSDS 2",
}
COSTS = {
    "parameters": "parameters",
    "training_s": "training",
    "real_time_factor": "real-time factor",
}
SUPERVISION = {STRONG: "with times", WEAK: "from tags alone"}


def parted(table: pd.DataFrame) -> list[pd.Series]:
    """The best system by frame F1 of each supervision, the best of all first."""
    order = table.sort_values("F1_frm_mean", ascending=False, kind="stable")
    return [row for _, row in order.drop_duplicates("supervision").iterrows()]


def headline_html(table: pd.DataFrame, leads: pd.DataFrame, seconds: float) -> str:
    """The result in two or three sentences.

    table, leads : of `sedutils.papers.comparison.scoring`
    """
    best, *others = parted(table)
    behind = int(leads.clear.sum())
    parts = [
        f"On {seconds:g}-second cuts the <strong>{escape(best.title)}</strong> has the highest frame F1, "
        f"{best.F1_frm_mean:.1f} % [{best.F1_frm_low:.1f}, {best.F1_frm_high:.1f}]; of the other "
        f"{len(leads)} systems {behind} {'is' if behind == 1 else 'are'} clearly behind it."
    ]
    for other in others:
        row = leads.set_index("system").loc[other.system]
        parts.append(
            f"The best {SUPERVISION[other.supervision]}, the <strong>{escape(other.title)}</strong>, has "
            f"{other.F1_frm_mean:.1f} %, with the same seeds {row.behind:.1f} points less [{row.low:.1f}, "
            f"{row.high:.1f}]."
        )
    return f"<p>{' '.join(parts)}</p>"


def scores_html(table: pd.DataFrame) -> str:
    """One row a system, best frame F1 first: labels, scores, seeds."""
    heads = ["system", "labels", *HEADS.values(), "seeds"]
    about = {"labels": table.supervision, "seeds": table.seeds.map("{:.0f}".format)}
    return table_html(table, heads, metric_cell, ["labels", *METRICS, "seeds"], about)


def costs_html(table: pd.DataFrame) -> str:
    """The same rows with what each system costs."""
    return table_html(table, ["system", *COSTS.values()], cost_cell, [*COSTS], {})


def table_html(table: pd.DataFrame, heads, cell, columns, about: dict[str, pd.Series]) -> str:
    """Best frame F1 first; the best of a column bold, of costs the least; ``about`` are words, never bold."""
    order = table.sort_values("F1_frm_mean", ascending=False, kind="stable")
    bold = {column: best_rows(order, column) for column in columns if column not in about}
    body = ""
    for i, row in order.iterrows():
        cells = ""
        for column in columns:
            text = escape(about[column][i]) if column in about else cell(row, column)
            best = column in bold and bold[column][i]
            cells += f"<td>{f'<strong>{text}</strong>' if best else text}</td>"
        name = f"<th>{escape(row.title)}<br><small>{escape(row.paper)}</small></th>"
        body += f"<tr>{name}{cells}</tr>"
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<table class='dataframe'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def best_rows(table: pd.DataFrame, column: str) -> pd.Series:
    """Which rows are the best of a column; equal as printed is equal."""
    if column in COSTS:
        shown = table[column]
        return shown == shown.min()
    shown = table[f"{column}_mean"].round(digits(column))
    best = shown.max() if METRICS[column] else shown.min()
    return (shown == best) & ~(METRICS[column] & (shown <= 0))


def digits(metric: str) -> int:
    """Decimals of a metric as printed: error rates two, percent one."""
    return 2 if metric.startswith("ER_") else 1


def metric_cell(row, metric: str) -> str:
    """``mean ± std``, and of the frame F1 its interval."""
    text = spread(row, metric, digits=digits(metric))
    if metric == "F1_frm":
        text += f"<br>[{row.F1_frm_low:.1f}, {row.F1_frm_high:.1f}]"
    return text


def cost_cell(row, cost: str) -> str:
    """Size or time as people read it, a dash where it was not measured."""
    value = row[cost]
    if pd.isna(value):
        return "–"
    if cost == "parameters":
        return f"{value:,.0f}".replace(",", " ")
    if cost == "training_s":
        return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"
    return f"{value:.2g}"


def choice_html(table: pd.DataFrame, leads: pd.DataFrame) -> str:
    """Which system these numbers speak for, by what a reader needs."""
    best, *others = parted(table)
    equals = [best.system, *leads[~leads.clear].system]
    near = table[table.system.isin(equals)]
    items = [
        f"Most frames right: {best.title}. "
        + (
            f"Not clearly behind it: {', '.join(leads[~leads.clear].title)}."
            if len(near) > 1
            else "All others are clearly behind it."
        ),
    ]
    for needed, cost in (
        ("Few parameters", "parameters"),
        ("Little time to listen", "real_time_factor"),
        ("Little time to train", "training_s"),
    ):
        if len(near) > 1 and near[cost].notna().any():
            items.append(f"{needed}: of these {cheapest(near, cost)}.")
    for needed, metric in (
        ("Events on time, each once", "event_F1"),
        ("Events on time, whatever the threshold", "PSDS1"),
        ("Which classes there are, borders roughly", "PSDS2"),
    ):
        items.append(f"{needed}: {winner(table, metric)}.")
    for other in others:
        row = leads.set_index("system").loc[other.system]
        told = "clearly" if row.clear else "not clearly"
        items.append(
            f"Labels {SUPERVISION[other.supervision]}: {other.title}, {row.behind:.1f} points of frame F1 behind "
            f"{best.title} ({told}); what an annotator of times costs is to be weighed against that."
        )
    return list_html(items)


def cheapest(table: pd.DataFrame, cost: str) -> str:
    """The system with the least of a cost, and how much."""
    row = table.loc[table[cost].idxmin()]
    return f"{row.title} ({cost_cell(row, cost)})"


def winner(table: pd.DataFrame, metric: str) -> str:
    """The system with the highest mean of a metric, and the next one."""
    first, *rest = table.sort_values(f"{metric}_mean", ascending=False, kind="stable").iloc
    if first[f"{metric}_mean"] <= 0:
        return "none, all have 0"
    told = f"{first.title} ({HEADS[metric]} {spread(first, metric, digits=1)})"
    return (
        told if not rest else f"{told}; next {rest[0].title} ({spread(rest[0], metric, digits=1)})"
    )


def rules_html(results: CutRun) -> str:
    """Smoothing and threshold of every system, as chosen on the validation cuts, seed by seed."""
    body = ""
    for name, entry in results.entries.items():
        rules = [results.rules[name, seed] for seed in results.seeds[name]]
        smoothing = dict.fromkeys(entry.smoothing.described(rule.choice) for rule in rules)
        thresholds = ", ".join(f"{rule.threshold:.3f}" for rule in rules)
        body += (
            f"<tr><th>{escape(entry.title)}</th><td>{escape('; '.join(smoothing))}</td>"
            f"<td>{thresholds}</td></tr>"
        )
    head = "<tr><th>system</th><th>smoothing</th><th>threshold of each seed</th></tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def limits_html(
    results: CutRun, source: str, size: str, schedule: dict, designs: dict, *, measured: bool
) -> str:
    """What is not alike between the systems, and what this page cannot say.

    schedule : section ``training`` as the trainings on cuts had it; designs : section ``systems``
    measured : whether there are times
    """
    here = set(results.entries)
    items = [
        "GMM, FNN, RNN, CNN, CRNN and both CRNNs of Phan et al. were trained on whole mixtures and have heard what "
        "is around a cut; the others know nothing but the cut. Votes of the multi-task CRNN stay within the cut.",
        "All learn from the same mixtures. Front ends, stopping and smoothing are those of each paper: systems are "
        "compared, not architectures. The networks of Cakir et al. have no smoothing, so that their events come in "
        "pieces, which costs them event F1 and PSDS.",
        f"PSDS is the mean over classes less their standard deviation, 0 where that is more. Frames are {GRID_S:g} s.",
        *[told for system, told in OF_SYSTEMS.items() if system in here],
    ]
    if source != "official":
        items.append(f"{TITLES[CORPUS]}: {SOURCES[source]}")
    items.append(
        f"Trainings on cuts: at most {schedule['max_epochs']} epochs, and {schedule['patience']} without a lower loss."
        " Steps of the FBCRNN: section weak_training."
    )
    if size == "laptop":
        items.append(of_laptop(results, designs))
    if not measured:
        items.append("Times were not measured here: `make benchmark` does it, for the laptop size.")
    return list_html(items)


OF_SYSTEMS = {
    "rcrnn": "The paper's R-CRNN keeps the surest event of a clip; here all that survive suppression count. A frame's "
    "score is the probability of the surest event that covers it, so that events of one class that overlap become "
    "one. Its softmax lets a proposal be of one class, where sounds overlap.",
    "cbrnn": "The gradual network itself needs ASR features and is not here; CBRNN and CRNN+TA are its parts without. "
    "Their decisions last 100 ms.",
    "fbcrnn": "The FBCRNN is one network, not the ensemble of its paper, has no unlabelled clips, and gets no "
    "second stage. Its scores are masked by its own tags of the whole cut, with thresholds of the best tag F on "
    "validation cuts, also for PSDS; of its paper's widths of the median the better one is taken for all classes. A "
    "cut holds more classes at once than a clip of a home.",
}


def of_laptop(results: CutRun, designs: dict) -> str:
    """How narrow the networks of laptop size are, and how few the mixtures."""
    kinds = {name: designs[name] for name in results.entries}
    widths = ", ".join(
        f"{results.entries[name].title} {width}"
        for name, design in kinds.items()
        if (width := design.get("maps", design.get("channels", design.get("units"))))
    )
    counts = {s: results.table(s).mixture.nunique() for s in ("train", "validation", "test")}
    told = ", ".join(f"{n} for {s}" for s, n in counts.items())
    return (
        f"Laptop size cuts mixtures ({told}) and widths (units or maps: {widths}); a network made for much data "
        "may be behind for want of it."
    )
