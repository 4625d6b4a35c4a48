"""What the chapter on Phan et al. 2018 says beside its numbers: the look of its tables, readings, limits."""

from html import escape

import pandas as pd

from sedutils.papers.phan2018.results import METRICS, SYSTEMS, MultitaskRun
from sedutils.show.tables import TITLES, list_html, spread

# reading id -> what this project does where it adds to the reading or departs from it
READINGS = {
    "B01": "the reading",
    "B03": "the reading; the parameter counts of both readings are in the tests",
    "B04": "the reading; classes without training events scale by one frame",
    "B05": "the reading; epsilon 1e-7",
    "B09": "the reading: constants from validation; larger confidences on test data are cut at 1",
    "B10": "the reading; of equally good pairs the middle one",
    "B12": "the reading; beside it a detector that is always on, and sed_eval's one-to-one scores",
    "B14": "hop_frames in params.yaml; segments begin elsewhere in every epoch",
    "B15": "the reading: zeros behind the end, and their frames ignored",
    "B16": "the reading",
    "B17": "the reading; masks constant along a segment",
    "B18": "the reading at paper size; at laptop size early stopping on validation F1, best weights",
    "B19": "the reading, for both systems",
    "B20": "the reading",
    "B22": "the reading",
}


def table_html(table: pd.DataFrame) -> str:
    """Table 1 or 2: ours (mean ± std), in brackets the paper's (and on official data the difference), always on.

    Bold is the better system of a class, by the paper's own rule for its two columns.
    """
    columns = [(name, metric) for metric in METRICS for name in SYSTEMS]
    quoted = [metric for metric in METRICS if f"paper_dualdnn_{metric}" in table]
    head = "".join(f"<th>{name} {metric} (paper)</th>" for name, metric in columns)
    head += "".join(f"<th>dual-DNN {metric} (quoted)</th>" for metric in quoted)
    head += "".join(f"<th>always on {metric}</th>" for metric in METRICS)
    body = ""
    for _, row in table.iterrows():
        cells = ""
        for name, metric in columns:
            text = spread(row, f"{name}_{metric}", digits=1)
            sign = 1 if metric == "F1" else -1
            means = {s: sign * row[f"{s}_{metric}_mean"] for s in SYSTEMS}
            if means[name] == max(means.values()):
                text = f"<strong>{text}</strong>"
            difference = row.get(f"{name}_{metric}_difference")
            text += f" ({printed(row[f'paper_{name}_{metric}'])}"
            text += ")" if pd.isna(difference) else f", {difference:+.1f})"
            cells += f"<td>{text}</td>"
        cells += "".join(f"<td>{printed(row[f'paper_dualdnn_{m}'])}</td>" for m in quoted)
        cells += "".join(f"<td>{printed(row[f'always_on_{m}'])}</td>" for m in METRICS)
        count = "" if pd.isna(row.references) else f"{row.references:.0f}"
        title = escape(str(row["class"]).replace("_", " "))
        body += f"<tr><th>{title}</th><td>{count}</td>{cells}</tr>"
    head = f"<tr><th>class</th><th>test events</th>{head}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def printed(value: float) -> str:
    """A number without spread, or a dash."""
    return "–" if pd.isna(value) else f"{value:.1f}"


def one_to_one_html(table: pd.DataFrame) -> str:
    """sed_eval's event scores of both systems: mean ± std over seeds."""
    metrics = ("average_F1", "overall_F1", "average_ER", "overall_ER")
    head = "".join(f"<th>{metric.replace('_', ' ')}</th>" for metric in metrics)
    body = ""
    for _, row in table.iterrows():
        cells = "".join(f"<td>{spread(row, metric, digits=1)}</td>" for metric in metrics)
        body += f"<tr><td>{escape(TITLES[row.corpus])}</td><td>{row.system}</td>"
        body += f"<td>{row.thresholds}</td>{cells}</tr>"
    head = f"<tr><th>corpus</th><th>system</th><th>thresholds chosen by</th>{head}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def distances_html(table: pd.DataFrame) -> str:
    """How far the estimated distances are from the true ones: mean ± std over seeds and folds."""
    columns = {
        "mean_distance_s": "mean distance (s)",
        "error_s": "error of the network (s)",
        "constant_s": "error of the class's mean (s)",
        "correlation": "correlation",
    }
    body = ""
    for _, row in table.iterrows():
        cells = "".join(f"<td>{spread(row, column, digits=2)}</td>" for column in columns)
        body += f"<tr><th>{escape(TITLES[row.corpus])}</th><td>{row.boundary}</td>{cells}</tr>"
    head = "".join(f"<th>{title}</th>" for title in columns.values())
    head = f"<tr><th>corpus</th><th>distance to</th>{head}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def thresholds(results: dict[str, MultitaskRun]) -> pd.DataFrame:
    """What was chosen on validation data: one row a corpus, seed and class; windows in frames."""
    parts = []
    for corpus, of in results.items():
        rules = zip(of.seeds, of.rules["proposed"], of.rules["baseline"], strict=True)
        for seed, proposed, baseline in rules:
            columns = {"corpus": corpus, "seed": seed, "class": of.labels}
            columns |= {"alpha": proposed.alpha, "beta": proposed.beta}
            columns |= {"baseline_alpha": baseline.alpha, "baseline_window": baseline.window}
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def limits_html(
    results: dict[str, MultitaskRun],
    sources: dict[str, str],
    size: str,
    training: dict,
    frames: int,
) -> str:
    """What differs from the paper in this run, and why; ``frames`` of a segment."""
    items = [
        "The paper states no rule by which an output event hits a reference; ours reproduces its Table 1 (B12). "
        "By it one long output hits every reference that it covers, so a detector that is always on makes no "
        "error wherever a recording holds every class, and thresholds chosen by it may join events.",
        "Networks see a whole segment, so early detection is that of the inference alone.",
    ]
    for name, of in results.items():
        if sources[name] != "official":
            items.append(
                f"{TITLES[name]}: the sounds are not the paper's; levels cannot be compared."
            )
        if len(of.seeds) == 1:
            items.append(
                f"{TITLES[name]}: one seed, so no spread over seeds; the interval decides."
            )
    if size == "laptop":
        epochs = ", ".join(f"{TITLES[n]} {s['max_epochs']}" for n, s in training.items())
        folds = ", ".join(map(str, results["itc_irst"].folds))
        items.append(
            f"Laptop size cuts widths, audio, segments (to {frames} frames, shorter than many events), and "
            f"folds (of ITC-Irst {folds}). Training stops early ({epochs} epochs at most), at a higher "
            "learning rate and without dropout."
        )
    return list_html(items)
