"""The tables of the chapter on Ebbers & Haeb-Umbach 2020, from the scores that `results` keeps."""

import numpy as np
import pandas as pd

from sedutils.decoding import class_wise, tag_thresholds
from sedutils.metrics import events, psds
from sedutils.metrics.tags import tag_f_scores
from sedutils.papers.ebbers2020.experiments import (
    CONDITIONED,
    CUTS,
    FBCRNN,
    TAGGERS,
    WINDOWED,
    contexts_of,
)
from sedutils.papers.ebbers2020.results import (
    AVERAGE,
    PUBLIC,
    SYSTEMS,
    TAG_F,
    VALIDATION,
    Ensemble,
    WeakRun,
    masked,
    with_average,
)
from sedutils.show.plots import name_of
from sedutils.training import evaluation

TOGETHER = "FBCRNN and tag-conditioned CNN"
# What Table 3 calls a class of DESED where it is not the label with spaces
PRINTED = {"Electric_shaver_toothbrush": "Electr. shaver/toothbrush"}


def crossed(run: WeakRun, members: Ensemble) -> pd.DataFrame:
    """Events of validation clips, every other of which is decided by what is best on the others.

    The thresholds of the tags, too, come from the other half. The localisers' second input, and which weights of a
    network stayed, do not: all validation clips have had a part in that.
    """
    clips, scores = run.clips[VALIDATION], run.tag_scores(run.taggers_of(members), VALIDATION)
    variants = run.variants(members, VALIDATION)
    even = np.arange(len(clips)) % 2 == 0
    tables = []
    for chosen_on in (even, ~even):
        threshold, _ = tag_thresholds.best_f(scores[chosen_on], clips.tags[chosen_on])
        parts = {}
        for half in (chosen_on, ~chosen_on):
            own = {key: s[half[clips.clip_of_frame]] for key, s in variants.items()}
            part = clips.subset(half)
            parts[half is chosen_on] = masked(own, scores[half] >= threshold, part), part
        choice = class_wise.choose(*parts[True])
        mine, part = parts[False]
        tables.append(class_wise.events_of(mine, choice, part))
    return pd.concat(tables, ignore_index=True)


def table3(
    run: WeakRun, printed: pd.DataFrame, *, corpus: str, source: str, size: str
) -> pd.DataFrame:
    """Table 3: a row a class, and their mean; F in percent by sed_eval.

    C, M : chosen on all validation clips, in frames
    validation : chosen on the clips that are reported, as the paper does; crossed : on the other half of them;
    public : chosen on validation clips, reported on public ones
    paper_C, paper_M, paper_F, baseline_F : as printed, where the classes are the paper's
    """
    members = run.ensemble(FBCRNN, CONDITIONED)
    choice, clips = run.choice(members), run.clips
    on_halves = events.class_f_scores(crossed(run, members), clips[VALIDATION])
    held = clips[PUBLIC].annotation.label.value_counts().reindex(run.labels, fill_value=0)
    table = pd.DataFrame(
        {
            "class": [*run.labels, AVERAGE],
            "C": [*(run.contexts[context] for context, _ in choice.variants), None],
            "M": [*(width for _, width in choice.variants), None],
            "threshold": [*choice.thresholds, None],
            "events": [*held, held.sum()],
            "validation": run.f_scores(members, VALIDATION).to_numpy(),
            "crossed": with_average(on_halves).to_numpy(),
            "public": run.f_scores(members, PUBLIC).to_numpy(),
        }
    ).astype({"C": "Int64", "M": "Int64", "threshold": float})
    table = pd.concat([table, printed_columns(run.labels, printed)], axis=1)
    return evaluation.provenance(table, corpus=corpus, source=source, size=size)


def printed_columns(labels, printed: pd.DataFrame) -> pd.DataFrame:
    """What Table 3 prints of the classes and their mean, empty where the classes are not the paper's."""
    rows = printed.set_index("row")
    names = [paper_name(label) for label in labels]
    average, baseline = "Ours macro-average", "Baseline macro-average"
    if set(names) != set(rows.index) - {average, baseline}:
        rows = rows.iloc[:0]
    columns = {f"paper_{c}": rows[c].reindex([*names, average]).to_numpy(float) for c in "CMF"}
    quoted = [np.nan] * len(names) + [rows.F.get(baseline, np.nan)]
    table = pd.DataFrame(columns | {"baseline_F": quoted})
    return table.astype({"paper_C": "Int64", "paper_M": "Int64"})


def paper_name(label: str) -> str:
    """What Table 3 calls a class."""
    return PRINTED.get(label, name_of(label))


def detection(run: WeakRun) -> pd.DataFrame:
    """What ensembles and their members reach on public clips: F in percent by sed_eval, PSDS in 0..1.

    single_mean, single_std : over seeds, of a network alone (of all together, of a pair)
    """
    rows = []
    for name, systems in (
        *((n, (s,)) for s, n in SYSTEMS.items()),
        (TOGETHER, (FBCRNN, CONDITIONED)),
    ):
        members = run.ensemble(*systems)
        alone = [
            run.f_scores(tuple((s, seed) for s in systems), PUBLIC)[AVERAGE] for seed in run.seeds
        ]
        rows.append(
            {
                "system": name,
                "networks": len(members),
                "F": run.f_scores(members, PUBLIC)[AVERAGE],
                "single_mean": np.mean(alone),
                "single_std": np.std(alone, ddof=1) if len(alone) > 1 else np.nan,
                "seeds": len(alone),
                **{f"psds{n}": run.psds(members, n) for n in psds.SCENARIOS},
            }
        )
    return pd.DataFrame(rows)


def contexts(run: WeakRun) -> pd.DataFrame:
    """Event-based F (percent) on public clips of ensembles of taggers, context by context, for both cuts.

    hears_s : what a window has heard, its own frames and those that the CNN adds to them
    """
    rows = []
    for cut in CUTS:
        for place, context in enumerate(contexts_of(cut, run.contexts)):
            reach = run.reach if cut == "hidden" else 0
            row = {"cut": cut, "C": context, "hears_s": (2 * (context + reach) + 1) * run.hop_s}
            for system in WINDOWED:
                scores = run.f_scores(run.ensemble(system), PUBLIC, cut, place)
                row[system] = scores[AVERAGE]
            rows.append(row)
    return pd.DataFrame(rows)


def poolings(run: WeakRun) -> pd.DataFrame:
    """What learns from tags (claim E07): F (percent) of tags and events on public clips, mean and deviation over
    seeds of single networks, and of each ensemble."""
    rows = []
    for system in TAGGERS:
        members = run.ensemble(system)
        row = {"system": SYSTEMS[system], "seeds": len(members)}
        for metric in (TAG_F, "F"):
            alone = run.resampled(system, metric)[:, 0]
            row[f"{metric}_mean"] = alone.mean()
            row[f"{metric}_std"] = np.std(alone, ddof=1) if len(alone) > 1 else np.nan
        tags = tag_f_scores(run.tags(members, PUBLIC), run.clips[PUBLIC].tags)
        row["tag_F_together"] = pd.Series(tags).mean()
        row["F_together"] = run.f_scores(members, PUBLIC)[AVERAGE]
        rows.append(row)
    return pd.DataFrame(rows)


def included(run: WeakRun) -> pd.DataFrame:
    """How many unlabelled clips each tagger took in, a row a training.

    at_step : validation before which the first ones were learnt from, NaN for none at all; most : of any stretch
    between validations; mean : over the steps
    """
    rows = []
    for system, seed in run.ensemble(*TAGGERS):
        course = pd.read_csv(run.models / system / str(seed) / "history.csv")
        rows.append(
            {
                "system": SYSTEMS[system],
                "seed": seed,
                "at_step": course.step[course.included > 0].min(),
                "most": course.included.max(),
                "mean": np.average(course.included, weights=np.diff(course.step, prepend=0)),
            }
        )
    return pd.DataFrame(rows)


def tagging(run: WeakRun) -> pd.DataFrame:
    """Tags of the ensemble of FBCRNNs: F (percent) of each class, and their mean, on both sets of clips.

    clips : public ones with the class
    """
    columns = {"label": [*run.labels, AVERAGE]}
    truth = run.clips[PUBLIC].tags
    columns["clips"] = [*truth.sum(axis=0), int(truth.any(axis=1).sum())]
    for split, name in ((VALIDATION, "validation"), (PUBLIC, "public")):
        scores = tag_f_scores(run.tags(run.ensemble(FBCRNN), split), run.clips[split].tags)
        columns[name] = [*scores, pd.Series(scores).mean()]
    return pd.DataFrame(columns)
