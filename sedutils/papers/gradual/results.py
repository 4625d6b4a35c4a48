"""All systems of the "gradual network" paper on one corpus: thresholds, decisions, scores, Table 1."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.decoding import dynamic
from sedutils.metrics import bootstrap, rare
from sedutils.metrics.hits import HitCounts
from sedutils.metrics.rare import AVERAGE
from sedutils.training import evaluation

SYSTEMS = {
    "crnn_ta": "CRNN+TA",
    "cbrnn": "CBRNN",
    "finetuning_net": "Finetuning Net",
    "gradual_net": "Gradual Net",
    "gradual_net_untrained": "Gradual Net, ASR untrained",
}
GRADUAL, WITHOUT, UNTRAINED = "gradual_net", "cbrnn", "gradual_net_untrained"
# What the gradual net has beyond each control
CONTROLS = {WITHOUT: "over the CBRNN", UNTRAINED: "over untrained ASR features"}
# The paper's own rows of Table 1; the others are quoted
OWN_ROWS = {"finetuning_net": "Finetuning Net", "gradual_net": "Gradual Net"}
METRICS = ("ER", "F1")


@dataclass(frozen=True)
class Results:
    """Decisions of every system, seed and class on the clips of one corpus.

    models : folder of the family, as `sedutils.training.rare.decisions` fills it
    systems : those trained, of `SYSTEMS`
    resamples : of the evaluation clips, for intervals
    selected : the split whose clips the thresholds are best on, for each class, system and seed
    """

    corpus: Corpus
    models: Path
    systems: list[str]
    seeds: list[int]
    resamples: int
    selected: str = "validation"

    @property
    def labels(self) -> list[str]:
        return list(self.corpus.labels)

    @property
    def rows(self) -> list[str]:
        """Of a table: the classes and their mean."""
        return [*self.labels, AVERAGE]

    def scores(self, system: str, seed: int, label: str, split: str) -> np.ndarray:
        """What a detector says of its clips, ``(clips, decisions)``."""
        return np.load(self.models / label / system / str(seed) / f"scores_{split}.npy")

    def reference(self, label: str, split: str) -> pd.Series:
        return recipes.onsets_of(self.corpus, label, split)

    @cached_property
    def rules(self) -> dict[tuple[str, int, str], dynamic.DynamicThreshold]:
        """The dynamic threshold (eq. 8) of each system, seed and class."""
        return {
            (system, seed, label): dynamic.search(
                self.scores(system, seed, label, self.selected),
                self.reference(label, self.selected),
            )[0]
            for system, seed, label in product(self.systems, self.seeds, self.labels)
        }

    def found(self, system: str, seed: int, label: str, split: str) -> pd.DataFrame:
        """onset_s and offset_s of the event found in each clip, NaN for none; by recording."""
        ends = self.rules[system, seed, label].decide(self.scores(system, seed, label, split))
        clips = self.reference(label, split).index
        frames = pd.DataFrame(dict(zip(("onset_s", "offset_s"), ends, strict=True)), index=clips)
        return (frames * dynamic.HOP_S).where(frames >= 0)

    @cached_property
    def counts(self) -> dict[str, list[list[HitCounts]]]:
        """Evaluation clips counted: system -> a seed -> a class."""
        return {
            system: [
                [
                    rare.counts(
                        self.reference(label, "evaluation"),
                        self.found(system, seed, label, "evaluation").onset_s,
                    )
                    for label in self.labels
                ]
                for seed in self.seeds
            ]
            for system in self.systems
        }

    @property
    def n_units(self) -> int:
        """Evaluation clips of all classes."""
        return sum(len(self.reference(label, "evaluation")) for label in self.labels)

    @cached_property
    def resampled(self) -> dict[tuple[str, str], np.ndarray]:
        """ER and F1 (percent) on all clips and on resamples: (system, metric) -> (seeds, resamples + 1, rows).

        The mean over classes, the last row, is NaN in resamples that hold no event of one of them.
        """
        scores = {}
        for system, metric in product(self.systems, METRICS):
            classes = [
                rare.resampled(self.counts[system], metric, resamples=self.resamples, row=i)
                for i in range(len(self.labels))
            ]
            scores[system, metric] = np.stack([*classes, np.mean(classes, axis=0)], axis=-1)
        return scores

    def value(self, system: str, metric: str, row: str) -> np.ndarray:
        """A row of `resampled`, ``(seeds, resamples + 1)``."""
        return self.resampled[system, metric][..., self.rows.index(row)]

    def gain(self, control: str, metric: str, row: str) -> bootstrap.Estimate:
        """How much better the gradual net is than a control: F1 gained, errors saved; paired by clip."""
        sign = 1 if metric == "F1" else -1
        pair = [self.value(system, metric, row) for system in (GRADUAL, control)]
        return bootstrap.estimate(pair, lambda a, b: sign * (a - b), n_units=self.n_units)

    def shown(self, label: str) -> str:
        """The evaluation clip of the decoding figure.

        The first one with an event that of gradual net and CBRNN, first seed, only one finds; the
        first with an event where there is no such clip.
        """
        reference = self.reference(label, "evaluation").dropna()
        pair = [
            self.found(system, self.seeds[0], label, "evaluation").onset_s[reference.index]
            for system in (WITHOUT, GRADUAL)
        ]
        near = [((onset_s - reference).abs() <= rare.COLLAR_S) for onset_s in pair]
        differs = near[0] != near[1]
        return str(differs.index[np.argmax(differs)])


def class_scores(results: Results, split: str) -> pd.DataFrame:
    """ER and F1 (percent) by sed_eval: one row a system, seed and class, and the mean of the classes."""
    references = [results.reference(label, split) for label in results.labels]
    rows = []
    for system, seed in product(results.systems, results.seeds):
        found = [results.found(system, seed, label, split).onset_s for label in results.labels]
        table = rare.score_table(results.labels, references, found)
        rows.append(table.assign(system=system, seed=seed))
    return pd.concat(rows, ignore_index=True)


def printed_scores(published: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Table 1 as printed, one row a model and class: system, quoted, class, paper_ER, paper_F1.

    The average is left out where a class is missing here: that of all three would mislead.
    """
    columns = {label: label for label in labels if f"{label}_ER" in published}
    if len(columns) == sum(name.endswith("_ER") for name in published) - 1:
        columns[AVERAGE] = "avg"
    rows = [
        {
            "system": row["model"],
            "quoted": row["quoted"],
            "class": name,
            "paper_ER": row[f"{column}_ER"],
            "paper_F1": row[f"{column}_F"],
        }
        for _, row in published.iterrows()
        for name, column in columns.items()
    ]
    return pd.DataFrame(rows, columns=["system", "quoted", "class", "paper_ER", "paper_F1"])


def beside_published(
    results: Results, published: pd.DataFrame, *, corpus: str, source: str, size: str
) -> pd.DataFrame:
    """Table 1: mean and std over seeds, the paper's own rows beside ours, and the quoted rows.

    On official data also the difference. events : evaluation clips that have one, of ours
    """
    ours = evaluation.mean_and_std(class_scores(results, "evaluation"), ["system", "class"])
    printed = printed_scores(published, results.labels)
    names = {theirs: own for own, theirs in OWN_ROWS.items()}
    mine = printed.assign(system=printed.system.map(names)).dropna(subset="system")
    ours = ours.merge(mine.drop(columns="quoted"), "left", ["system", "class"])
    if source == "official":
        for metric in METRICS:
            ours[f"{metric}_difference"] = ours[f"{metric}_mean"] - ours[f"paper_{metric}"]
    quoted = printed[printed.quoted].drop(columns="quoted")
    table = pd.concat([quoted.assign(quoted=True), ours.assign(quoted=False)], ignore_index=True)
    events = {label: results.reference(label, "evaluation").count() for label in results.labels}
    events[AVERAGE] = sum(events.values())
    first = pd.DataFrame({"corpus": corpus, "source": source, "size": size}, index=table.index)
    table.insert(2, "events", table["class"].map(events).mask(table["quoted"]).astype("Int64"))
    table["seeds"] = table["seeds"].astype("Int64")
    return pd.concat([first, table], axis=1)


def selections(results: Results) -> pd.DataFrame:
    """The same networks with thresholds from elsewhere, and on other clips: mean and std over seeds.

    Columns split (the clips), selected (the clips that the thresholds are best on), system, class.
    """
    on_reported = replace(results, selected="evaluation")
    parts = [
        class_scores(of, split).assign(split=split, selected=of.selected)
        for of, split in (
            (results, "evaluation"),
            (on_reported, "evaluation"),
            (results, "development"),
        )
    ]
    keys = ["split", "selected", "system", "class"]
    return evaluation.mean_and_std(pd.concat(parts, ignore_index=True), keys)


def gains(results: Results) -> pd.DataFrame:
    """What ASR features add, by control, metric and class: value, interval over clips, each seed."""
    rows = []
    for control, metric, row in product(CONTROLS, METRICS, results.rows):
        estimate = results.gain(control, metric, row)
        seeds = {
            f"seed_{s}": x for s, x in zip(results.seeds, estimate.per_seed.tolist(), strict=True)
        }
        rows.append({"control": control, "metric": metric, "class": row} | estimate.row() | seeds)
    return pd.DataFrame(rows)


def thresholds(results: Results) -> pd.DataFrame:
    """What was selected: one row a system, class and seed."""
    return pd.DataFrame(
        [
            {"system": system, "class": label, "seed": seed, "base": rule.base, "ratio": rule.ratio}
            for (system, seed, label), rule in results.rules.items()
        ]
    )
