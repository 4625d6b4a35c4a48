"""The claims of Cakir et al. 2017 that are no plain contrasts, on mixtures and on recordings.

Each function gives rows for `sedutils.claims.verdicts.judge`; plain contrasts are declared beside the claims'
texts in data/published. Those of the ablations and of the grid are made where their numbers are.
"""

import numpy as np

from sedutils.claims.verdicts import by_seeds, contrast, exact, nothing
from sedutils.corpora.polyphonic import paper_name
from sedutils.metrics import bootstrap, ratios
from sedutils.papers.cakir2017 import analysis, legacy
from sedutils.papers.cakir2017.chapter import FrameRun
from sedutils.papers.cakir2017.recorded import SceneRun
from sedutils.papers.cakir2017.tagging import TagRun
from sedutils.training import systems

NETS = ("fnn", "cnn", "rnn", "crnn")
SYNTHETIC, SCENES_2009, SCENES_2016, HOME = (
    "tut_sed_synthetic_2016",
    "tut_sed_2009",
    "tut_sound_events_2016",
    "chime_home",
)
FREQUENT, RARE = ("bird_singing", "car_passing_by"), ("cupboard", "object_snapping")  # C23


def of_mixtures(run: FrameRun) -> list[dict]:
    """C05's second half, C06 to C09 and C16."""
    return [parameters(run), *classes(run), *confusions(run)]


def parameters(run: FrameRun) -> dict:
    """C05: the CRNN has at most 2 % more parameters than the smaller rival."""
    crnn, *rivals = (
        systems.System.read(run.models / name / str(run.seeds[0])).parameters
        for name in ("crnn", "cnn", "rnn")
    )
    excess = crnn / min(rivals) - 1
    what = "parameters of the CRNN above the smaller rival, share"
    return exact("C05", what, excess <= 0.02, bound=0.02, value=excess)


def classes(run: FrameRun) -> list[dict]:
    """C06, C07, C09: Table III. A class that a resample lacks, and for C06 a tie, says nothing there."""
    count, nets, metric = len(run.labels), ("crnn", "cnn", "rnn"), "class_F1_frm"

    def best(crnn, cnn, rnn):
        lead = crnn - np.maximum(cnn, rnn)  # NaN for a class that is not there
        return count * ratios.share((lead > 0).sum(-1), (np.abs(lead) > 0).sum(-1))

    found = run.estimate(best, *nets, metric=metric)
    what = f"classes of {count} where the CRNN is best, had those without a lead the share of the others"
    rows = [contrast("C06", what, found, 0.75 * count - 0.5)]
    column = {paper_name(label): i for i, label in enumerate(run.labels)}
    cat = column.get("cat meowing")
    for net in ("cnn", "rnn", "crnn") if cat is not None else ():
        found = run.estimate(
            lambda f1: np.fmin.reduce(np.delete(f1, cat, axis=-1), axis=-1) - f1[..., cat],
            net,
            metric=metric,
        )
        what = f"{net.upper()}: weakest other class - cat meowing, F1"
        rows.append(contrast("C07", what, found))
    for name in ("gun shot", "thunder", "bird singing", "baby crying", "mixer"):
        if name in column:
            lead = run.estimate(
                lambda crnn, cnn, rnn, c=column[name]: (crnn - np.maximum(cnn, rnn))[..., c],
                *nets,
                metric=metric,
            )
            what = f"{name}: CRNN - better of CNN and RNN, F1"
            rows.append(contrast("C09", what, lead, 5.0))
    return rows


def confusions(run: FrameRun) -> list[dict]:
    """C08 and C16: what is taken for what, and gun shots under other sounds."""
    names, rows = [paper_name(label) for label in run.labels], []
    if {"cat meowing", "baby crying"} <= set(names):
        cat, baby, share = names.index("cat meowing"), names.index("baby crying"), []
        for roll in run.rolls["crnn"]:
            wrong = analysis.confusion(run.test, roll).to_numpy()[cat].astype(float)
            wrong[cat] = 0
            share.append(wrong[baby] - np.delete(wrong, [cat, baby]).max())
        what = "cat missed: frames called baby - frames of the next class"
        rows.append(by_seeds("C08", what, share))
    return rows + overlaps(run, names)


def overlaps(run: FrameRun, names: list[str]) -> list[dict]:
    """C16 (Fig. 6), recall in frames where two classes sound: gun shot under baby crying, and both of baby crying
    and crowd applause."""
    rows = []
    for sought, beside, rivals in (
        ("gun shot", "baby crying", ("cnn", "rnn")),
        ("baby crying", "crowd applause", ("cnn",)),
        ("crowd applause", "baby crying", ("rnn",)),
    ):
        if {sought, beside} <= set(names):
            columns = names.index(sought), names.index(beside)
            rows += [
                overlapped(run, *columns, rival, f"{sought} over {beside}") for rival in rivals
            ]
    return rows


def overlapped(run: FrameRun, sought: int, beside: int, rival: str, words: str) -> dict:
    """C16: recall of the CRNN above that of a rival where two classes sound; units are recordings that have both."""
    truth = run.test.rolls
    where = {name: np.flatnonzero(r[:, sought] & r[:, beside]) for name, r in truth.items()}
    where = {name: frames for name, frames in where.items() if len(frames)}
    what = f"{words}: recall of the CRNN - {rival.upper()}, points"
    if len(where) < 2:
        return nothing("C16", f"{what} (together in {len(where)} recordings)")
    frames = np.array([len(f) for f in where.values()])
    weights = bootstrap.unit_weights(
        np.zeros(len(where), int), resamples=run.resamples, seed=run.draw
    )
    recall = [
        np.array(
            [
                100
                * (weights @ [rolls[name][f, sought].sum() for name, f in where.items()])
                / (weights @ frames)
                for rolls in run.rolls[net]
            ]
        )
        for net in ("crnn", rival)
    ]
    return contrast("C16", what, bootstrap.estimate(recall, np.subtract, n_units=len(where)))


def of_recordings(runs: dict[str, FrameRun | TagRun], published) -> list[dict]:
    """C17, C18, C22, C23, C24; ``runs`` by corpus, ``published`` the facts."""
    return [
        harder(runs),
        *against_quoted(runs[HOME], published.table("T6")),
        *earlier(runs[SCENES_2009], published.table("T5")),
        *frequent_and_rare(runs[SCENES_2016]),
    ]


def harder(runs: dict[str, FrameRun]) -> dict:
    """C22: the worst network elsewhere is 10 points above the best on TUT Sound Events 2016."""

    def extreme(corpus, pick):
        return runs[corpus].estimate(lambda *f1: pick(f1, axis=0), *NETS, metric="F1_frm")

    found = bootstrap.combined(
        lambda a, b, sparse: np.minimum(a, b) - sparse,
        extreme(SYNTHETIC, np.min),
        extreme(SCENES_2009, np.min),
        extreme(SCENES_2016, np.max),
    )
    what = "worst network of the other two - best network of TUT Sound Events 2016, frame F1"
    return contrast("C22", what, found, 10.0)


def against_quoted(run: TagRun, printed) -> list[dict]:
    """C24: Table VI, the quoted rows as constants."""
    errors = printed.query("quoted").set_index("method").EER_eval_mean
    best, name, rows = errors.min(), errors.idxmin(), []
    for net, title in (("cnn_chime", "CNN"), ("rnn_chime", "RNN"), ("crnn_chime", "CRNN")):
        found = run.estimate(lambda error: best - error, net, metric="EER_eval")
        what = f"{best:g} of {name} (quoted) - {title}, EER eval"
        rows.append(contrast("C24", what, found))
    return rows


def earlier(run: SceneRun, table5) -> list[dict]:
    """C17 and C18: Table V, the quoted rows as constants."""
    printed = table5.set_index("method").legacy_F1_1s_mean
    f1 = {net: legacy.resampled(run, net) for net in NETS}

    def estimate(statistic, *nets):
        return bootstrap.estimate([f1[n] for n in nets], statistic, n_units=len(run.test.rolls))

    def over(claim, net, quoted, bound):
        best, name = quoted.max(), quoted.idxmax()
        what = f"{net.upper()} - {best:g} of {name} (quoted), legacy F1"
        return contrast(claim, what, estimate(lambda x: x - best, net), bound)

    return [
        *(
            contrast("C17", f"CRNN - {n.upper()}, legacy F1", estimate(np.subtract, "crnn", n), 2.0)
            for n in ("cnn", "rnn")
        ),
        over("C17", "crnn", printed.drop(["CNN", "RNN", "CRNN"]), 2.0),
        *(over("C18", net, printed[list(legacy.OTHERS)], 0.0) for net in NETS),
    ]


def frequent_and_rare(run: SceneRun) -> list[dict]:
    """C23: frequent and rare classes, frame F1 of the CRNN."""
    rows = []
    for name in (*FREQUENT, *RARE):
        if name not in run.labels:
            raise ValueError(f"{run.features / 'labels.txt'}: no class {name!r}")
        column, title = run.labels.index(name), name.replace("_", " ")
        f1 = run.estimate(lambda f1, c=column: f1[..., c], "crnn", metric="class_F1_frm")
        if name in FREQUENT:
            found = bootstrap.combined(lambda x: x - 35.0, f1)
            rows.append(contrast("C23", f"{title}: frame F1 - 35", found))
        else:
            found = bootstrap.combined(lambda x: 10.0 - x, f1)
            rows.append(contrast("C23", f"{title}: 10 - frame F1", found))
    return rows
