"""What the chapter on Ebbers & Haeb-Umbach 2020 says beside its numbers: its tables' look, readings, limits."""

from html import escape

import pandas as pd

from sedutils.papers.ebbers2020 import results
from sedutils.papers.ebbers2020.experiments import TAGGERS
from sedutils.papers.ebbers2020.layers import layers, parameters
from sedutils.papers.ebbers2020.results import AVERAGE, SYSTEMS, WeakRun
from sedutils.show.plots import name_of
from sedutils.show.tables import SOURCES, TITLES, list_html, spread

__all__ = ["READINGS", "contexts_html", "detection_html", "headline_html", "layers", "limits_html"]
__all__ += ["parameters", "table3_html"]

# reading id -> what this project does where it adds to the reading or departs from it
READINGS = {
    "E-A01": "the reading; classes are compared by name",
    "E-A02": "the reading; the windows as printed, cut from the input, stand beside it with what each has heard",
    "E-A03": "the reading",
    "E-A04": "the reading; the twin without joint training has the last output of each direction in its loss",
    "E-A05": "the reading",
    "E-A06": "the reading; clips are judged anew at every validation, so one may leave again",
    "E-A07": "the reading",
    "E-A08": "12 frames at the paper's size, as the layers give; the number of the live network is on the page",
    "E-A09": "the reading; the probability is the share of validation clips without the class that the ensemble "
    "tags with it",
    "E-A10": "the reading; blur and scaling as in section weak_training.augmentation of params.yaml; mixtures add "
    "mel energies, and a frequency mask is a share of the bands (the reading's 20 of 128)",
    "E-A11": "the reading",
    "E-A12": "three numbers a class: chosen on the clips reported, on the other half of them, and reported on "
    "public clips; training, pseudo labels and thresholds have seen no public clip",
    "E-A13": "the reading; the tags of the FBCRNNs mask all systems, parts and twins alike",
    "E-A14": "the reading; beyond a clip's ends its first and last score are repeated",
    "E-A15": "the reading, by sed_eval; a class without events in the clips is left out of the mean",
    "E-A16": "max pooling; mean and deviation of each band over the training frames",
    "E-A17": "the reading",
    "E-A18": "the reading",
}
CUTS = {"hidden": "cut from the CNN's output", "input": "cut from the input, as printed"}


def headline_html(table: pd.DataFrame, judged: pd.DataFrame) -> str:
    """The result in a few sentences.

    table : of `sedutils.papers.ebbers2020.results.table3`; judged : of `sedutils.claims.verdicts.judge`
    """
    row = table[table["class"] == AVERAGE].iloc[0]
    printed = ""
    if pd.notna(row.paper_F):
        printed = f" (printed {row.paper_F:.1f}, the challenge's baseline {row.baseline_F:.1f})"
    verdicts = judged.drop_duplicates("claim").set_index("claim").verdict
    return (
        f"<p>Event-based F1, mean of the classes, of all networks together: <strong>{row.public:.1f} %</strong> on "
        f"public clips. On validation clips {row.validation:.1f} % with context, median and threshold chosen on "
        f"them, as in the paper{printed}, and {row.crossed:.1f} % with what is best on the other half of them. "
        f"That joint training makes tags early and small windows enough: {verdicts['E05']}. That knowing the tags "
        f"helps a CNN to place them: {verdicts['E06']}.</p>"
    )


def contexts_html(table: pd.DataFrame) -> str:
    """What windows hear, and what the ensembles of taggers find with them on public clips.

    table : of `sedutils.papers.ebbers2020.results.contexts`
    """
    body = ""
    for row in table.itertuples():
        cells = f"<td>{row.C}</td><td>{row.hears_s:.2f} s</td>"
        cells += "".join(f"<td>{getattr(row, system):.1f}</td>" for system in TAGGERS)
        body += f"<tr><th>{CUTS[row.cut]}</th>{cells}</tr>"
    names = "".join(f"<th>{SYSTEMS[system]}: event F1 (%)</th>" for system in TAGGERS)
    head = f"<tr><th>windows</th><th>C</th><th>hears</th>{names}</tr>"
    return html_table(head, body)


def table3_html(table: pd.DataFrame, hop_s: float) -> str:
    """Table 3: what was chosen for each class, in seconds (the paper's), three numbers, and the printed one."""
    body = ""
    for _, row in table.iterrows():
        cells = [
            in_seconds(row, "C", hop_s),
            in_seconds(row, "M", hop_s),
            "–" if pd.isna(row.threshold) else f"{row.threshold:.2f}",
            f"{row.events}",
            *(number(row[column]) for column in ("validation", "crossed", "public", "paper_F")),
        ]
        name = escape(name_of(row["class"]))
        if row["class"] == AVERAGE:
            cells, name = [f"<strong>{cell}</strong>" for cell in cells], f"<strong>{name}</strong>"
        body += f"<tr><th>{name}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    baseline = table.baseline_F.iloc[-1]
    if pd.notna(baseline):
        dashes = "<td>–</td>" * 7
        body += (
            f"<tr><th>baseline of the challenge (quoted)</th>{dashes}<td>{baseline:.1f}</td></tr>"
        )
    heads = (
        "class", "C (s)", "M (s)", "threshold", "public events",
        "validation", "other half", "public", "paper",
    )  # fmt: skip
    return html_table(f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>", body)


PAPER_HOP_S = 0.02


def in_seconds(row, column: str, hop_s: float) -> str:
    """How long so many frames are, in brackets the paper's."""
    if pd.isna(row[column]):
        return "–"
    text, theirs = f"{row[column] * hop_s:.2f}", row[f"paper_{column}"]
    return text if pd.isna(theirs) else f"{text} ({theirs * PAPER_HOP_S:.2f})"


def number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.1f}"


def detection_html(table: pd.DataFrame) -> str:
    """Ensembles and their members on public clips; the best of a column is bold.

    table : of `sedutils.papers.ebbers2020.results.detection`
    """
    digits = {"F": 1, "psds1": 3, "psds2": 3}
    body = ""
    for _, row in table.iterrows():
        cells = {column: f"{row[column]:.{n}f}" for column, n in digits.items()}
        for column, n in digits.items():
            if round(row[column], n) == table[column].round(n).max():
                cells[column] = f"<strong>{cells[column]}</strong>"
        body += (
            f"<tr><th>{escape(row.system)}</th><td>{row.networks}</td><td>{cells['F']}</td>"
            f"<td>{spread(row, 'single', digits=1)}</td>"
            f"<td>{cells['psds1']}</td><td>{cells['psds2']}</td></tr>"
        )
    heads = ("system", "networks", "event F1 (%)", "one of each", "PSDS 1", "PSDS 2")
    return html_table(f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>", body)


def html_table(head: str, body: str) -> str:
    return f"<table class='dataframe'><thead>{head}</thead><tbody>{body}</tbody></table>"


def limits_html(of: WeakRun, source: str, size: str, clips: dict[str, int], training: dict) -> str:
    """What differs from the paper in this run, and why.

    clips : part -> how many clips were asked for; training : section weak_training
    """
    items = [
        "Weights are those of the best validation, and pseudo labels, the tags that mask scores and localisers' "
        "inputs use thresholds from the same clips; only public clips have had no part in any choice.",
        f"The CNN hears {of.reach} frames ({of.reach * of.hop_s:.2f} s) to either side of a window that is cut from "
        "its output.",
        "E07 compares with attention-based systems, of which none here learns from tags; E05 and E06 are tests that "
        "the paper names or implies and does not show.",
        "Nothing in the paper says how often a clip may be shown; batches are drawn from weak and synthetic clips "
        "alike, without repetition of either.",
    ]
    if source != "official":
        items.append(f"{TITLES['desed_2020']}: {SOURCES[source]} Levels cannot be compared.")
        seen = {part: f"{count} {part}" for part, count in clips.items()}
        items.append(f"Clips here: {', '.join(seen.values())}; the challenge had thousands.")
    if (of.corpus.folder / "official.csv").exists():
        facts = pd.read_csv(of.corpus.folder / "official.csv", dtype=str, keep_default_na=False)
        items += [f"{row.list}: {row.fact}" for row in facts.itertuples()]
    if len(of.seeds) < 4:
        items.append(f"Ensembles of {len(of.seeds)} and {len(of.seeds)}, not of four and four.")
    if size == "laptop":
        items.append(
            f"Laptop size has frames of {1000 * of.hop_s:.0f} ms, fewer bands and maps, and {training['steps']} steps "
            f"of {training['batch_clips']} clips at a learning rate of {training['learning_rate']:g}; "
            f"{training['augmentation']['mixup_probability']:.0%} of them are superposed with another (67 % in the "
            "paper). These were chosen on foley's validation clips."
        )
    absent = [
        label
        for label, known in zip(of.labels, of.clips[results.PUBLIC].tags.any(axis=0), strict=True)
        if not known
    ]
    if absent:
        items.append(
            f"No public clip has {', '.join(map(name_of, absent))}: means are over the others."
        )
    return list_html(items)
