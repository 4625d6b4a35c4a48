"""What the networks of `experiments` find in validation and public clips: Table 3 and its parts.

An ensemble is a tuple of (system, seed). Its scores are the mean of its members', those without windows standing
beside those of every context. The tags that mask them are those of all FBCRNNs (reading E-A13), of a `POOLED` system
those of all its own networks. Context, median and threshold of each class are the best on validation clips.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.decoding import class_wise, tag_thresholds
from sedutils.decoding.class_wise import Choice
from sedutils.metrics import events, psds, segments
from sedutils.metrics.events import AnnotatedClips
from sedutils.metrics.tags import tag_f_scores
from sedutils.papers.ebbers2020.experiments import (
    ATTENTION,
    BLIND,
    CONDITIONED,
    CUTS,
    ENDS,
    FBCRNN,
    LINEAR,
    POOLED,
    TAGGERS,
    WINDOWED,
    contexts_of,
)
from sedutils.show.plots import name_of
from sedutils.training import evaluation
from sedutils.training.run import Run

VALIDATION, PUBLIC = "validation", "test"
AVERAGE = "macro average"
SYSTEMS = {
    FBCRNN: "FBCRNN",
    ENDS: "FBCRNN, last tags only",
    ATTENTION: "CRNN, attention pooling",
    LINEAR: "CRNN, linear pooling",
    CONDITIONED: "tag-conditioned CNN",
    BLIND: "CNN without tags",
}
TOGETHER = "FBCRNN and tag-conditioned CNN"
# What Table 3 calls a class of DESED where it is not the label with spaces
PRINTED = {"Electric_shaver_toothbrush": "Electr. shaver/toothbrush"}
TAG_F = "tag_F"
# Of single networks on public clips: cut, and place of the only context to take; `TAG_F` is that of tags
METRICS = {"F": ("hidden", None)} | {f"F_{cut}": (cut, 0) for cut in CUTS}
Ensemble = tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class WeakRun(Run):
    """Kept scores of all networks on one corpus, and what is decided by them.

    ``contexts`` and ``medians`` in frames; ``reach`` of the CNN to either side, in frames
    """

    systems: tuple[str, ...] = tuple(SYSTEMS)
    features: Path
    contexts: tuple[int, ...]
    medians: tuple[int, ...]
    reach: int
    hop_s: float

    @cached_property
    def clips(self) -> dict[str, AnnotatedClips]:
        table = pd.read_csv(self.features / "recordings.csv", keep_default_na=False)
        return {
            split: AnnotatedClips(
                table[table.split == split].reset_index(drop=True),
                self.corpus.events,
                self.labels,
                self.hop_s,
            )
            for split in (VALIDATION, PUBLIC)
        }

    def ensemble(self, *systems: str) -> Ensemble:
        return tuple((system, seed) for system in systems for seed in self.seeds)

    def array(self, member: tuple[str, int], name: str, split: str) -> np.ndarray:
        system, seed = member
        return np.load(self.models / system / str(seed) / f"{name}_{split}.npy")

    def scores(self, members: Ensemble, split: str, cut: str = "hidden") -> np.ndarray:
        """Mean scores ``(contexts, frames, classes)``; one context where no member has any."""
        total = 0
        for member in members:
            frames = self.array(member, CUTS[cut], split) if member[0] in WINDOWED else None
            total = total + (
                self.array(member, "scores", split)[None] if frames is None else frames
            )
        return total / len(members)

    def tag_scores(self, members: Ensemble, split: str) -> np.ndarray:
        """Mean tag scores ``(clips, classes)`` of some taggers."""
        return np.mean([self.array(member, "tags", split) for member in members], axis=0)

    def tags(self, members: Ensemble, split: str) -> np.ndarray:
        """What taggers together say of clips, bool ``(clips, classes)``; thresholds from validation clips."""
        validation = self.tag_scores(members, VALIDATION)
        threshold, _ = tag_thresholds.best_f(validation, self.clips[VALIDATION].tags)
        return self.tag_scores(members, split) >= threshold

    def taggers_of(self, members: Ensemble) -> Ensemble:
        """Those whose tags mask the scores of an ensemble."""
        first = members[0][0]
        return self.ensemble(first if first in POOLED else FBCRNN)

    def variants(self, members, split, cut="hidden", context=None) -> dict:
        """Filtered scores without a mask, `sedutils.decoding.class_wise.variants_of`.

        context : place of the only one to take, None for all
        """
        scores = self.scores(members, split, cut)
        given = scores if context is None else scores[[min(context, len(scores) - 1)]]
        found = class_wise.variants_of(given, self.medians, self.clips[split])
        return found if context is None else {(context, m): s for (_, m), s in found.items()}

    def masked(self, members: Ensemble, split: str, *which) -> dict:
        """`variants`, 0 where the tags of clips are."""
        tags = self.tags(self.taggers_of(members), split)
        return masked(self.variants(members, split, *which), tags, self.clips[split])

    def choice(self, members: Ensemble, cut: str = "hidden", context: int | None = None) -> Choice:
        """What is best on all validation clips."""

        def make():
            variants = self.masked(members, VALIDATION, cut, context)
            return class_wise.choose(variants, self.clips[VALIDATION])

        return self.once(("choice", members, cut, context), make)

    def found(self, members, split, cut="hidden", context=None) -> pd.DataFrame:
        """The events of a split's clips: recording, onset_s, offset_s, label."""

        def make():
            chosen = self.choice(members, cut, context)
            variants = self.masked(members, split, cut, context)
            return class_wise.events_of(variants, chosen, self.clips[split])

        return self.once(("found", members, split, cut, context), make)

    def counts(self, members, split, cut="hidden", context=None) -> segments.Counts:
        """Matched events clip by clip, for the bootstrap."""
        found = self.found(members, split, cut, context)
        return events.clip_counts(found, self.clips[split])

    def counted(self, system: str, metric: str) -> list[segments.Counts]:
        """Of single networks on public clips; ``metric`` of `METRICS`, or `TAG_F`."""
        if metric == TAG_F:
            truth = self.clips[PUBLIC].tags
            found = [self.tags(((system, seed),), PUBLIC) for seed in self.seeds]
            return [segments.segment_counts(truth, tags, block_frames=1) for tags in found]
        cut, context = METRICS[metric]
        return [self.counts(((system, seed),), PUBLIC, cut, context) for seed in self.seeds]

    def score(self, counts: segments.Counts, metric: str, row: None = None) -> np.ndarray:
        """F1 of events or tags in percent, mean over the classes."""
        return events.macro_f_score(counts)

    def of_trivial(self, metric: str, row: None = None) -> list[float]:
        """Of silence, and of every class in every clip from its beginning to its end."""
        clips = self.clips[PUBLIC]
        if metric == TAG_F:
            everything = segments.segment_counts(
                clips.tags, np.ones_like(clips.tags), block_frames=1
            )
        else:
            each = clips.recordings[["recording", "duration_s"]].merge(
                pd.DataFrame({"label": list(self.labels)}), how="cross"
            )
            each = each.rename(columns={"duration_s": "offset_s"}).assign(onset_s=0.0)
            everything = events.clip_counts(each, clips)
        return [0.0, float(self.score(everything.sum(), metric))]

    def f_scores(self, members, split, cut="hidden", context=None) -> pd.Series:
        """Event-based F1 (percent) by sed_eval of each class, and their mean as `AVERAGE`."""
        found = self.found(members, split, cut, context)
        return with_average(events.class_f_scores(found, self.clips[split]))

    def psds(self, members: Ensemble, scenario: int) -> float:
        """On public clips, of scores that no tag has masked."""
        scores = class_wise.chosen_scores(self.variants(members, PUBLIC), self.choice(members))
        return psds.score(scores, self.clips[PUBLIC], scenario)


def masked(variants: dict, tags: np.ndarray, clips: AnnotatedClips) -> dict:
    return {key: class_wise.masked(scores, tags, clips) for key, scores in variants.items()}


def with_average(scores: pd.Series) -> pd.Series:
    """Class by class, then the mean of those that have events."""
    return pd.concat([scores, pd.Series({AVERAGE: scores.mean()})])


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
