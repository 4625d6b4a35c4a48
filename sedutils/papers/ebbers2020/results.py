"""What the networks of `experiments` find in validation and public clips: Table 3 and its parts.

An ensemble is a tuple of (system, seed). Its scores are the mean of its members', a localiser's standing beside
those of every context; the tags that mask them are always those of all FBCRNNs (reading E-A13). Context, median
and threshold of each class are the best on validation clips.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora.corpus import Corpus
from sedutils.decoding import class_wise, tag_thresholds
from sedutils.decoding.class_wise import Choice
from sedutils.metrics import events, psds, segments
from sedutils.metrics.events import AnnotatedClips
from sedutils.metrics.tags import tag_f_scores
from sedutils.papers.ebbers2020.experiments import (
    BLIND,
    CONDITIONED,
    CUTS,
    ENDS,
    FBCRNN,
    TAGGERS,
    read_told,
)
from sedutils.show.plots import name_of

VALIDATION, PUBLIC = "validation", "test"
AVERAGE = "macro average"
SYSTEMS = {
    FBCRNN: "FBCRNN",
    ENDS: "FBCRNN, last tags only",
    CONDITIONED: "tag-conditioned CNN",
    BLIND: "CNN without tags",
}
TOGETHER = "FBCRNN and tag-conditioned CNN"
# What Table 3 calls a class of DESED where it is not the label with spaces
PRINTED = {"Electric_shaver_toothbrush": "Electr. shaver/toothbrush"}
Ensemble = tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class Results:
    """Kept scores of all networks on one corpus, and what is decided by them.

    models : folder of the family; ``contexts`` and ``medians`` in frames; ``reach`` of the CNN to either side,
        in frames; ``resamples`` of the clips, for intervals
    """

    corpus: Corpus
    features: Path
    models: Path
    seeds: tuple[int, ...]
    contexts: tuple[int, ...]
    medians: tuple[int, ...]
    reach: int
    hop_s: float
    resamples: int
    kept: dict = field(default_factory=dict)  # what was found, by ensemble

    @property
    def labels(self) -> tuple[str, ...]:
        return self.corpus.labels

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

    @cached_property
    def told(self) -> dict[str, np.ndarray]:
        """The tags of the ensemble of FBCRNNs, bool ``(clips, classes)``."""
        return {split: read_told(self.models, split) > 0 for split in self.clips}

    @cached_property
    def thresholds(self) -> pd.DataFrame:
        """Of the ensemble's tags and pseudo labels, by label (`sedutils.papers.ebbers2020.experiments.label`)."""
        return pd.read_csv(self.models / "thresholds.csv").set_index("label")

    def ensemble(self, *systems: str) -> Ensemble:
        return tuple((system, seed) for system in systems for seed in self.seeds)

    def array(self, member: tuple[str, int], name: str, split: str) -> np.ndarray:
        system, seed = member
        return np.load(self.models / system / str(seed) / f"{name}_{split}.npy")

    def scores(self, members: Ensemble, split: str, cut: str = "hidden") -> np.ndarray:
        """Mean scores ``(contexts, frames, classes)``; one context where no member has any."""
        total = 0
        for member in members:
            frames = self.array(member, CUTS[cut], split) if member[0] in TAGGERS else None
            total = total + (
                self.array(member, "scores", split)[None] if frames is None else frames
            )
        return total / len(members)

    def tag_scores(self, split: str) -> np.ndarray:
        """Mean tag scores ``(clips, classes)`` of the FBCRNNs."""
        return np.mean([self.array(m, "tags", split) for m in self.ensemble(FBCRNN)], axis=0)

    def variants(self, members, split, cut="hidden", context=None) -> dict:
        """Filtered scores without a mask, `sedutils.decoding.class_wise.variants_of`.

        context : place of the only one to take, None for all
        """
        scores = self.scores(members, split, cut)
        given = scores if context is None else scores[[min(context, len(scores) - 1)]]
        found = class_wise.variants_of(given, self.medians, self.clips[split])
        return found if context is None else {(context, m): s for (_, m), s in found.items()}

    def masked(self, variants: dict, split: str) -> dict:
        return masked(variants, self.told[split], self.clips[split])

    def choice(self, members: Ensemble, cut: str = "hidden", context: int | None = None) -> Choice:
        """What is best on all validation clips."""
        key = ("choice", members, cut, context)
        if key not in self.kept:
            variants = self.masked(self.variants(members, VALIDATION, cut, context), VALIDATION)
            self.kept[key] = class_wise.choose(variants, self.clips[VALIDATION])
        return self.kept[key]

    def found(self, members, split, cut="hidden", context=None) -> pd.DataFrame:
        """The events of a split's clips: recording, onset_s, offset_s, label."""
        key = ("found", members, split, cut, context)
        if key not in self.kept:
            chosen = self.choice(members, cut, context)
            variants = self.masked(self.variants(members, split, cut, context), split)
            self.kept[key] = class_wise.events_of(variants, chosen, self.clips[split])
        return self.kept[key]

    def counts(self, members, split, cut="hidden", context=None) -> segments.Counts:
        """Matched events clip by clip, for the bootstrap."""
        found = self.found(members, split, cut, context)
        return events.clip_counts(found, self.clips[split])

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


def crossed(results: Results, members: Ensemble) -> pd.DataFrame:
    """Events of validation clips, every other of which is decided by what is best on the others.

    The thresholds of the tags, too, come from the other half. What localisers were told, and which weights of a
    network stayed, does not: all validation clips have had a part in that.
    """
    clips, scores = results.clips[VALIDATION], results.tag_scores(VALIDATION)
    variants = results.variants(members, VALIDATION)
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
    results: Results, printed: pd.DataFrame, *, corpus: str, source: str, size: str
) -> pd.DataFrame:
    """Table 3: a row a class, and their mean; F in percent by sed_eval.

    C, M : chosen on all validation clips, in frames
    validation : chosen on the clips that are reported, as the paper does; crossed : on the other half of them;
    public : chosen on validation clips, reported on public ones
    paper_C, paper_M, paper_F, baseline_F : as printed, where the classes are the paper's
    """
    members = results.ensemble(FBCRNN, CONDITIONED)
    choice, clips = results.choice(members), results.clips
    on_halves = events.class_f_scores(crossed(results, members), clips[VALIDATION])
    held = clips[PUBLIC].annotation.label.value_counts().reindex(results.labels, fill_value=0)
    table = pd.DataFrame(
        {
            "class": [*results.labels, AVERAGE],
            "C": [*(results.contexts[context] for context, _ in choice.variants), None],
            "M": [*(width for _, width in choice.variants), None],
            "threshold": [*choice.thresholds, None],
            "events": [*held, held.sum()],
            "validation": results.f_scores(members, VALIDATION).to_numpy(),
            "crossed": with_average(on_halves).to_numpy(),
            "public": results.f_scores(members, PUBLIC).to_numpy(),
        }
    ).astype({"C": "Int64", "M": "Int64", "threshold": float})
    table = pd.concat([table, printed_columns(results.labels, printed)], axis=1)
    first = pd.DataFrame({"corpus": corpus, "source": source, "size": size}, index=table.index)
    return pd.concat([first, table], axis=1)


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


def detection(results: Results) -> pd.DataFrame:
    """What ensembles and their members reach on public clips: F in percent by sed_eval, PSDS in 0..1.

    single_mean, single_std : over seeds, of a network alone (of all together, of a pair)
    """
    rows = []
    for name, systems in (
        *((n, (s,)) for s, n in SYSTEMS.items()),
        (TOGETHER, (FBCRNN, CONDITIONED)),
    ):
        members = results.ensemble(*systems)
        alone = [
            results.f_scores(tuple((s, seed) for s in systems), PUBLIC)[AVERAGE]
            for seed in results.seeds
        ]
        rows.append(
            {
                "system": name,
                "networks": len(members),
                "F": results.f_scores(members, PUBLIC)[AVERAGE],
                "single_mean": np.mean(alone),
                "single_std": np.std(alone, ddof=1) if len(alone) > 1 else np.nan,
                "seeds": len(alone),
                **{f"psds{n}": results.psds(members, n) for n in psds.SCENARIOS},
            }
        )
    return pd.DataFrame(rows)


def contexts(results: Results) -> pd.DataFrame:
    """Event-based F (percent) on public clips of ensembles of taggers, context by context, for both cuts.

    hears_s : what a window has heard, its own frames and those that the CNN adds to them
    """
    rows = []
    for cut in CUTS:
        for place, context in enumerate(results.contexts):
            reach = results.reach if cut == "hidden" else 0
            row = {"cut": cut, "C": context, "hears_s": (2 * (context + reach) + 1) * results.hop_s}
            for system in TAGGERS:
                scores = results.f_scores(results.ensemble(system), PUBLIC, cut, place)
                row[system] = scores[AVERAGE]
            rows.append(row)
    return pd.DataFrame(rows)


def tagging(results: Results) -> pd.DataFrame:
    """Tags of the ensemble of FBCRNNs: F (percent) of each class, and their mean, on both sets of clips.

    clips : public ones with the class
    """
    columns = {"label": [*results.labels, AVERAGE]}
    truth = results.clips[PUBLIC].tags
    columns["clips"] = [*truth.sum(axis=0), int(truth.any(axis=1).sum())]
    for split, name in ((VALIDATION, "validation"), (PUBLIC, "public")):
        scores = tag_f_scores(results.told[split], results.clips[split].tags)
        columns[name] = [*scores, pd.Series(scores).mean()]
    return pd.DataFrame(columns)
