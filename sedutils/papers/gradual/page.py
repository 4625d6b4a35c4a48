"""What the chapter on the "gradual network" says beside its numbers: the look of its tables, readings, limits."""

from html import escape

import pandas as pd

from sedutils.claims import verdicts
from sedutils.corpora.official import tut_rare_2017
from sedutils.metrics.rare import AVERAGE
from sedutils.papers.gradual.results import (  # fmt: skip
    CONTROLS,
    METRICS,
    SYSTEMS,
    UNTRAINED,
    WITHOUT,
    GradualRun,
)
from sedutils.show.plots import name_of
from sedutils.show.tables import SOURCES, TITLES, list_html, spread

DIGITS = {"ER": 2, "F1": 1}
# reading id -> what this project does where it adds to the reading or departs from it
READINGS = {
    "G-A03": "the reading; the activation is the knob attention: softmax over the units at paper size; "
    "sigmoid at laptop size, where softmax, whose weights begin near 1 / units, hardly trains",
    "G-A04": "the reading, with the activation of G-A03; the network is one for clips of 30 s",
    "G-A06": "the reading; the temporal attention weighs the output of the GRU, not the ASR features",
    "G-A07": "full rate of 10 ms, averaged over each 100 ms; no i-vectors; features are computed once and kept",
    "G-A08": "the control, and a second one: the same network with features of an acoustic model "
    "that was never trained",
    "G-A09": "base 0.1 to 0.9 and ratio 0 to 1 in steps of 0.05, least ER on validation clips, for each "
    "class, system and seed; of equally good pairs the middle one",
    "G-A10": "the reading: Adam, the learning rate over 1 + 0.01 times the epoch",
    "G-A11": "validation clips are mixed of sources of their own, so none is on both sides; "
    "sizes in params.yaml",
    "G-A12": "the reading; the least and largest value are those of the frames of 10 ms",
    "G-A13": "all three steps are linear, so the order changes nothing",
    "G-A15": "printed as it is; claims use the mean of the classes",
    "G-A16": "claims are against the best quoted system of the class",
    "G-A17": "the reading, for the Finetuning Net too",
    "G-A18": "the reading; in training SPN is any sound that is no speech",
    "G-A21": "gaps up to 500 ms are closed; the first decision of the longest run is the onset, the end "
    "of its last the offset; of equally long runs the first",
}


def headline_html(table: pd.DataFrame) -> str:
    """The result in two sentences.

    table : of `sedutils.papers.gradual.results.gains`
    """
    rows = table.set_index(["control", "metric", "class"])
    parts = []
    for control, told in CONTROLS.items():
        row = rows.loc[(control, "F1", AVERAGE)]
        values = row[[name for name in table if name.startswith("seed_")]].astype(float)
        outcome = verdicts.outcome(values, (row.low, row.high))
        seen = {"holds": "a gain", "fails": "a loss", "undecided": "undecided"}[outcome]
        parts.append(
            f"{told} <strong>{row.value:+.1f}</strong> points [{row.low:.1f}, {row.high:.1f}]: {seen}"
        )
    return (
        f"<p>What the ASR features add to average F1 on the evaluation clips, {'; '.join(parts)}. "
        "(95 % interval over clips; decided if every seed is on the same side.)</p>"
    )


def acoustic_html(scores: pd.DataFrame, speech: str, *, kaldi: bool) -> str:
    """How well the acoustic model hears phones, a line for what it was tried on.

    scores : phones.csv of the acoustic model's chapter
    """
    lines = [
        f"{row.speech}: {100 * row.frame_accuracy:.1f} % of frames get their own phone "
        f"(most frequent phone alone {100 * row.majority:.1f} %), phone error rate "
        f"{100 * row.phone_error_rate:.1f} %"
        for row in scores.itertuples()
    ]
    features = "; the ASR features are those of Kaldi's network" if kaldi else ""
    return (
        f"<p>Acoustic model, trained on {escape(speech)}{features}. {escape('; '.join(lines))}.</p>"
    )


def cell(row, metric: str) -> str:
    """Ours, in brackets the paper's (and on official data the difference); what is quoted as printed."""
    digits, paper = DIGITS[metric], row[f"paper_{metric}"]
    if row["quoted"]:
        return "–" if pd.isna(paper) else f"{paper:.{digits}f}"
    text = spread(row, metric, digits=digits)
    text = f"<strong>{text}</strong>" if row[f"best_{metric}"] else text
    difference = row.get(f"{metric}_difference")
    if pd.isna(paper):
        return text
    told = "" if pd.isna(difference) else f", {difference:+.{digits}f}"
    return f"{text} ({paper:.{digits}f}{told})"


def table1_html(table: pd.DataFrame) -> str:
    """Table 1: a row a system, the quoted ones first; of ours the best of a column is bold."""
    classes = list(dict.fromkeys(table["class"]))
    ours = ~table["quoted"].astype(bool)
    for metric, best in (("ER", "min"), ("F1", "max")):
        # equal as printed is equal
        shown = table[f"{metric}_mean"].where(ours).round(DIGITS[metric])
        table = table.assign(
            **{f"best_{metric}": shown == shown.groupby(table["class"]).transform(best)}
        )
    body = ""
    for (system, quoted), rows in table.groupby(["system", "quoted"], sort=False):
        rows = rows.set_index("class")
        cells = "".join(
            f"<td>{cell(rows.loc[c], metric) if c in rows.index else '–'}</td>"
            for c in classes
            for metric in METRICS
        )
        name = f"{system} (quoted)" if quoted else SYSTEMS[system]
        body += f"<tr><th>{escape(name)}</th>{cells}</tr>"
    events = table[ours].groupby("class")["events"].first()
    top = "".join(
        f"<th colspan='2'>{escape(name_of(c))}, {events[c]:.0f} events</th>" for c in classes
    )
    heads = "".join(f"<th>{metric}</th>" for _ in classes for metric in METRICS)
    head = f"<tr><th></th>{top}</tr><tr><th>system</th>{heads}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def selections_html(table: pd.DataFrame) -> str:
    """Averages over classes: thresholds from validation clips, from the clips reported, other clips."""
    columns = {
        ("evaluation", "validation"): "evaluation clips, thresholds from validation (Table 1)",
        (
            "evaluation",
            "evaluation",
        ): "evaluation clips, thresholds from the same clips: selected on what is reported",
        ("development", "validation"): "development clips, thresholds from validation",
    }
    rows = table[table["class"] == AVERAGE].set_index(["system", "split", "selected"])
    body = ""
    for system in dict.fromkeys(table["system"]):
        cells = "".join(
            f"<td>{spread(rows.loc[(system, *key)], metric, digits=DIGITS[metric])}</td>"
            for key in columns
            for metric in METRICS
        )
        body += f"<tr><th>{escape(SYSTEMS[system])}</th>{cells}</tr>"
    top = "".join(f"<th colspan='2'>{told}</th>" for told in columns.values())
    heads = "".join(f"<th>average {metric}</th>" for _ in columns for metric in METRICS)
    head = f"<tr><th></th>{top}</tr><tr><th>system</th>{heads}</tr>"
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def table2_html(table: pd.DataFrame) -> str:
    """Table 2: lengths and phones, ours beside the paper's."""
    body = ""
    for row in table.itertuples():
        printed = "–" if pd.isna(row.paper_median_s) else f"{row.paper_median_s:.2f}"
        cells = [
            f"{row.events:.0f}",
            f"{row.median_s:.2f} ({printed})",
            f"{row.phones_per_event:.1f}",
            f"{row.phones_per_s:.1f}",
            f"{100 * row.no_speech:.0f} %",
            escape(row.most_frequent),
            escape(row.paper_phones or "–"),
        ]
        name = escape(name_of(table.loc[row.Index, "class"]))
        body += f"<tr><th>{name}</th>{''.join(f'<td>{c}</td>' for c in cells)}</tr>"
    heads = (
        "class", "events", "median s (paper)", "phones an event", "a second", "SIL, SPN",
        "most frequent here, in percent", "the paper's",
    )  # fmt: skip
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<table class='dataframe'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def limits_html(
    results: GradualRun,
    source: str,
    speech: str,
    size: str,
    settings: dict,
    clips: dict,
    *,
    kaldi: bool,
) -> str:
    """What differs from the paper in this run, and why.

    settings : of the trainings; clips : set -> mixtures of a class
    """
    items = [
        "One acoustic model serves all seeds: the spread over seeds is that of the detectors alone, and what "
        "another acoustic model would do is in no interval.",
        "Phones are those of a classifier of frames, without a lexicon or a language model; the paper's come "
        "from an alignment by a recogniser. Ours have neither stress nor place in the word.",
        f"{SYSTEMS[WITHOUT]} and {SYSTEMS[UNTRAINED]} are controls of this project; the paper has neither. "
        "Untrained features are no noise: they are a fixed mixture of the MFCCs around a decision.",
        *of_sources(source, speech, kaldi=kaldi),
    ]
    missing = [label for label in tut_rare_2017.LABELS if label not in results.labels]
    if missing:
        items.append(
            f"No {' and no '.join(missing)} in this bank: averages are over what is there."
        )
    if len(results.seeds) == 1:
        items.append("One seed, so no spread over seeds; the interval decides.")
    if size == "laptop":
        items.append(
            f"Laptop size cuts clips (of a class {clips['pretraining']} to train on, {clips['validation']} to "
            f"choose thresholds on, {clips['evaluation']} to report), widths and the acoustic model, at a higher "
            f"learning rate, without dropout, for {settings['max_epochs']} epochs at most. With so few clips one "
            "event more or less moves ER by a visible step."
        )
    return list_html(items)


def of_sources(source: str, speech: str, *, kaldi: bool) -> list[str]:
    """What is owed to where events and speech come from."""
    items = []
    if source != "official":
        items.append(f"{TITLES['tut_rare_2017']}: {SOURCES[source]} Levels cannot be compared.")
    if source == "foley":
        items.append(
            "Made events have about the paper's median lengths by construction, so the first half of G08 was put "
            "in, not found."
        )
    if not kaldi:
        items.append(
            "The acoustic model learns each frame by cross-entropy; the paper's, sequences."
        )
    if speech == "espeak":
        items.append(
            "Its speech is made by a synthesiser, in far less variety than LibriSpeech, and SPN was learnt from "
            "sounds made here (knocks, keys, bells; no cry, glass or shot): SPN in G09 says that made events "
            "resemble them."
        )
    return items
