"""What the chapter on Kao et al. 2018 says beside its numbers: the look of its tables, readings, limits."""

from html import escape

import pandas as pd

from sedutils.papers.kao2018.results import COMPARED, PROBABILITY, DetectorRun
from sedutils.show.tables import list_html, spread

# reading id -> what this project does where it adds to the reading or departs from it
READINGS = {
    "R-A01": "the reading; all three printed totals are met to the last parameter",
    "R-A02": "a stem without padding along frequency: 64 -> 32 -> 15 -> 7 bands",
    "R-A05": "the reading",
    "R-A06": "the reading: all proposals, without a cap",
    "R-A07": "0.7 on proposals, 0.5 on events",
    "R-A08": "the reading",
    "R-A09": "batch_frames of system rcrnn in params.yaml",
    "R-A10": "the reading: proposals are constants to the gradient",
    "R-A11": "the maximum over time, one sigmoid unit",
    "R-A12": (
        "training stops by the loss on clips of held-out sources; hyperparameters are chosen there, and, "
        "marked, on the development clips too"
    ),
    "R-A14": "the reading: Hann window, 0 to 22050 Hz, each band standardised on training frames",
    "R-A16": "the reading",
    "R-A18": "the reading, with sources dealt evenly",
}


def rates_html(table: pd.DataFrame) -> str:
    """Table 1 or 3: ER mean ± std over seeds, in brackets the printed value (on official data the difference).

    Bold is the lowest of a class, as in the paper.
    """
    classes = list(dict.fromkeys(table["class"]))
    head = "".join(f"<th>{escape(name)} (paper)</th>" for name in classes)
    body = ""
    least = table.groupby("class").ER_mean.min()
    for method, rows in table.groupby("method", sort=False):
        cells = ""
        for _, row in rows.iterrows():
            text = spread(row, "ER", digits=2)
            if row.ER_mean == least[row["class"]]:
                text = f"<strong>{text}</strong>"
            difference = row.get("difference")
            more = "" if difference is None else f", {difference:+.2f}"
            cells += f"<td>{text} ({row.paper_ER:.2f}{more})</td>"
        body += f"<tr><th>{escape(method.replace('_', ' '))}</th>{cells}</tr>"
    return f"<table class='dataframe'><thead><tr><th>ER</th>{head}</tr></thead><tbody>{body}</tbody></table>"


def choice_html(table: pd.DataFrame) -> str:
    """Table 2: what was chosen for each class on which clips, and the paper's choice in brackets."""
    columns = {"units": "GRU units", "nodes": "M", "parameters": "parameters"}
    head = "".join(f"<th>{title} (paper)</th>" for title in columns.values())
    body = ""
    for _, row in table.iterrows():
        cells = "".join(f"<td>{row[c]:,} ({row[f'paper_{c}']:,})</td>" for c in columns)
        body += f"<tr><th>{row['class']}</th><td>{row.split}</td>{cells}"
        body += f"<td>{row.error_rate:.2f}</td></tr>"
    head = f"<tr><th>class</th><th>chosen on</th>{head}<th>ER there</th></tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def comparison_html(table: pd.DataFrame) -> str:
    """Table 4: ER and F1 on both test sets; ours with the spread over seeds, then the paper's rows."""
    columns = {"dev_ER": 2, "dev_F": 1, "eval_ER": 2, "eval_F": 1}
    titles = ("development ER", "F1 (%)", "evaluation ER", "F1 (%)")
    body = ""
    for _, row in table.iterrows():
        cells = ""
        for column, digits in columns.items():
            text = spread(row, column, digits=digits)
            difference = row.get(f"{column}_difference")
            text += "" if pd.isna(difference) else f" ({difference:+.{digits}f})"
            cells += f"<td>{text}</td>"
        told = ""
        if row.ours:
            chosen, accepted = COMPARED[row.method]
            told = f"units and nodes by {chosen}, {accepted}; {seeds(row.seeds)}"
        body += f"<tr><th>{escape(row.method)}</th><td>{told}</td>{cells}</tr>"
    head = "".join(f"<th>{title}</th>" for title in titles)
    head = f"<tr><th>method</th><th></th>{head}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def seeds(count: float) -> str:
    return f"{count:.0f} seed{'s' * (count > 1)}"


def headline_html(table: pd.DataFrame) -> str:
    """The result in a sentence; ``table`` of `sedutils.papers.kao2018.results.comparison`."""
    rows = table.set_index("method")
    ours, printed = rows.loc["R-CRNN"], rows.loc["R-CRNN (printed)"]
    told = [
        f"{split} <strong>{spread(ours, f'{key}_ER', digits=2)}</strong> (printed {printed[f'{key}_ER_mean']:.2f})"
        for split, key in (("development", "dev"), ("evaluation", "eval"))
    ]
    return f"<p>Error rate, mean of the classes, on clips of unheard sounds: {', '.join(told)}.</p>"


def classes_html(table: pd.DataFrame) -> str:
    """The system of Table 4 class by class, mean ± std over seeds; of `sedutils.papers.kao2018.results.class_table`."""
    rows, body = table.set_index(["split", "class"]), ""
    splits = list(dict.fromkeys(table.split))
    for name in dict.fromkeys(table["class"]):
        cells = "".join(
            f"<td>{spread(rows.loc[split, name], metric, digits=digits)}</td>"
            for split in splits
            for metric, digits in (("ER", 2), ("F1", 1))
        )
        body += f"<tr><th>{escape(name)}</th>{cells}</tr>"
    head = "".join(f"<th>{split} ER</th><th>F1 (%)</th>" for split in splits)
    return f"<table class='dataframe'><thead><tr><th>class</th>{head}</tr></thead><tbody>{body}</tbody></table>"


def probabilities_html(table: pd.DataFrame) -> str:
    """What accepting events from another probability on gives; of `sedutils.papers.kao2018.results.thresholds`."""
    columns = {
        "probability": "probability by validation",
        "ER_by_validation": "ER with it",
        "ER_best_there": "ER with the best for these clips",
        "ER_as_printed": f"ER with {PROBABILITY}",
    }
    body = ""
    for _, row in table.iterrows():
        cells = "".join(f"<td>{spread(row, column, digits=2)}</td>" for column in columns)
        body += f"<tr><th>{escape(row['class'])}</th><td>{row.split}</td>{cells}</tr>"
    head = "".join(f"<th>{title}</th>" for title in columns.values())
    head = f"<tr><th>class</th><th>clips</th>{head}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def limits_html(results: DetectorRun, source: str, size: str) -> str:
    """What differs from the paper in this run, and why."""
    base = results.designs["rcrnn"]
    items = [
        "The figures with the layers are lost in the text that we read; kernels, strides and the layout are "
        "those that give the printed parameter counts (R-A01, R-A02). Others cannot be excluded.",
        f"Extractors and the search have {seeds(len(results.few))}, the regimes {len(results.seeds)}; "
        "the paper has one number a cell.",
    ]
    if source != "official":
        clips = len(results.corpus.recordings_of("evaluation")) // len(results.labels)
        items.append(
            "Events and places are not the paper's, so levels cannot be compared. A test set has "
            f"{clips} clips a class, and one event more or less is worth {1 / max(1, clips // 2):.2f} of error rate."
        )
    if not results.probability:
        items.append(
            "After so little training the probability of an event seldom reaches 0.8: background proposals "
            "outnumber an event's by far. So events are accepted from a value that is best on validation "
            "clips; what 0.8 gives stands beside it."
        )
    if size == "laptop":
        items.append(
            f"Laptop size has blocks of {base['widths'][0]} and {base['widths'][1]} maps, a learning rate of "
            f"{base['learning_rate']:g} in place of 1e-5, and a hundredth of the paper's clips."
        )
    return list_html(items)
