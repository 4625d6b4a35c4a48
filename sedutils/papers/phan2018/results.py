"""Both systems of Phan et al. 2018 on one corpus: thresholds, decisions, scores, Tables 1 and 2."""

import json
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from sedutils.corpora.corpus import Corpus
from sedutils.decoding.confidence import ConfidenceRule, in_frames
from sedutils.metrics import activity, bootstrap, sed_eval_adapter
from sedutils.metrics.hits import HitCounts, count_hits, count_one_to_one, hit_counts
from sedutils.metrics.ratios import mean_of_known
from sedutils.papers.phan2018.search import MedianRule, search_confidence, search_median
from sedutils.pipeline import jobs
from sedutils.training import evaluation

# The paper's names of the two systems -> ours
SYSTEMS = {"proposed": "multitask_crnn", "baseline": "multilabel_crnn"}
METRICS = ("F1", "ER")
COLLAR_S, SHARE_OF_LENGTH = 0.2, 0.5  # of the one-to-one scores beside the paper's (reading B12)
# Names of Table 2 where they are not the data set's own with spaces for underscores
PAPER_NAMES = {"alarms_and_sirens": "alarms & sirens"}


@dataclass(frozen=True)
class Results:
    """Decisions of both systems, every seed, on the test recordings of one corpus.

    corpus : the annotation that sed_eval gets
    features, models : folders of the front end and of the family
    folds : those trained, whose models are averaged at test time (Sec. 4.2); ``[None]`` for a fixed split
    spread : how `sedutils.pipeline.jobs.parallel` spreads the threshold searches
    counting : what the thresholds are best at on validation data, "hits" as in the paper or "one to one"
    """

    corpus: Corpus
    features: Path
    models: Path
    seeds: list[int]
    folds: list[int | None]
    hop_s: float
    spread: dict
    counting: str = "hits"

    @cached_property
    def test(self) -> evaluation.Reference:
        return evaluation.Reference.read(self.features, "test", self.folds[0])

    @property
    def labels(self) -> list[str]:
        return self.test.labels

    def outputs(self, name: str, seed: int, fold: int | None, split: str) -> dict[str, np.ndarray]:
        """What a system says of each recording of a split.

        Of the baseline activities ``(frames, classes)``; of the proposed system activities and distances
        in frames ``(frames, 3, classes)``.
        """
        system = SYSTEMS[name]
        reference = evaluation.Reference.read(self.features, split, fold)
        scores = evaluation.read_scores(self.models, system, seed, split, fold)
        if name == "proposed":
            where = self.models / system / str(seed) / ("" if fold is None else f"fold{fold}")
            longest = json.loads((where / "description.json").read_text())["longest_events"]
            scores = in_frames(scores, np.array(longest))
        return reference.split(scores)

    def validation(self, name: str, seed: int) -> tuple[list, list]:
        """Outputs and references of all validation recordings, those of the folds below each other."""
        outputs, references = [], []
        for fold in self.folds:
            outputs += self.outputs(name, seed, fold, "validation").values()
            rolls = evaluation.Reference.read(self.features, "validation", fold).rolls
            references += rolls.values()
        return outputs, references

    def tested(self, name: str, seed: int) -> dict[str, list[np.ndarray]]:
        """Outputs on each test recording, one of each fold's model."""
        each = [self.outputs(name, seed, fold, "test") for fold in self.folds]
        return {recording: [outputs[recording] for outputs in each] for recording in each[0]}

    @property
    def count(self):
        """How the search counts events."""
        if self.counting == "hits":
            return count_hits
        collar = round(COLLAR_S / self.hop_s)
        return partial(count_one_to_one, collar_frames=collar, share_of_length=SHARE_OF_LENGTH)

    @cached_property
    def rules(self) -> dict[str, list[ConfidenceRule | MedianRule]]:
        """Thresholds (and windows) chosen on validation data: system -> one rule a seed."""
        tasks = [
            {"name": name, "validation": self.validation(name, seed), "count": self.count}
            for name in SYSTEMS
            for seed in self.seeds
        ]
        found = jobs.parallel(search, tasks, label="threshold searches", **self.spread)
        count = len(self.seeds)
        return {name: found[i * count :][:count] for i, name in enumerate(SYSTEMS)}

    @cached_property
    def rolls(self) -> dict[str, list[dict[str, np.ndarray]]]:
        """Decisions: system -> one dict (recording -> bool (frames, classes)) a seed."""
        return {
            name: [
                {
                    recording: rule.decide(*models)
                    for recording, models in self.tested(name, seed).items()
                }
                for seed, rule in zip(self.seeds, rules, strict=True)
            ]
            for name, rules in self.rules.items()
        }

    @cached_property
    def always_on(self) -> dict[str, np.ndarray]:
        """Decisions of a detector that hears nothing: every class is active all the time."""
        return {recording: np.ones_like(truth) for recording, truth in self.test.rolls.items()}

    @cached_property
    def counts(self) -> dict[str, list[HitCounts]]:
        """Hits of both systems: system -> one `counted` a seed."""
        return {name: [self.counted(rolls) for rolls in runs] for name, runs in self.rolls.items()}

    def counted(self, rolls: dict[str, np.ndarray]) -> HitCounts:
        """Hits of decisions by unit of the bootstrap ``(units, classes)``.

        Units are test recordings, or their 30-second blocks below twenty of them (`sedutils.metrics.bootstrap`).
        """
        whole = len(self.test.rolls) >= bootstrap.ENOUGH_RECORDINGS
        block = None if whole else round(bootstrap.BLOCK_S / self.hop_s)
        return HitCounts.concatenate(
            [
                hit_counts(rolls[k], truth, block_frames=block or len(truth))
                for k, truth in self.test.rolls.items()
            ]
        )

    def shown(self, wanted: list[str]) -> tuple[str, list[str]]:
        """The recording and the three classes of Figure 2.

        The test recording where the ``wanted`` classes are active at once for longest; without one that
        has them all, the recording and its three classes with most frames under other classes.
        """
        rolls = self.test.rolls
        names = [paper_name(label) for label in self.labels]
        if set(wanted) <= set(names):
            columns = [names.index(name) for name in wanted]
            having = [k for k, roll in rolls.items() if roll[:, columns].any(axis=0).all()]
            if having:
                best = max(having, key=lambda k: (rolls[k][:, columns].sum(axis=1) > 1).sum())
                return best, [self.labels[c] for c in columns]
        shared = {k: roll[roll.sum(axis=1) > 1].sum(axis=0) for k, roll in rolls.items()}
        best = max(rolls, key=lambda k: np.sort(shared[k])[-3:].sum())
        return best, [self.labels[c] for c in np.argsort(-shared[best], kind="stable")[:3]]

    def separation(self, seed_index: int, recording: str, labels: list[str]) -> list[float]:
        """Area under the curve of each class's confidence against its annotation (claim P10)."""
        rule = self.rules["proposed"][seed_index]
        models = self.tested("proposed", self.seeds[seed_index])[recording]
        confidence, truth = rule.confidence(*models), self.test.rolls[recording]
        columns = [self.labels.index(label) for label in labels]
        return [float(roc_auc_score(truth[:, c], confidence[:, c])) for c in columns]


def search(name: str, validation: tuple[list, list], count) -> ConfidenceRule | MedianRule:
    """The thresholds of one system on its validation data."""
    search_rule = search_confidence if name == "proposed" else search_median
    return search_rule(*validation, count=count)[0]


def score(counts: HitCounts, metric: str) -> np.ndarray:
    """F1 or error rate in percent, with the shape of the counts."""
    return 100 * (counts.f1_score if metric == "F1" else counts.error_rate)


def class_scores(results: Results) -> pd.DataFrame:
    """One row a class (and Average, Overall) and seed: F1 and ER of both systems in percent."""
    rows = []
    for i, seed in enumerate(results.seeds):
        columns = {"class": [*results.labels, "Average", "Overall"], "seed": seed}
        for name in SYSTEMS:
            for metric in METRICS:
                columns[f"{name}_{metric}"] = table_column(results.counts[name][i], metric)
        rows.append(pd.DataFrame(columns))
    return pd.concat(rows, ignore_index=True)


def table_column(counts: HitCounts, metric: str) -> list[float]:
    """F1 or error rate of each class, Average and Overall, from counts by unit."""
    whole = counts.sum()
    values = score(whole, metric)
    # of the classes that have a reference event
    return [*values, mean_of_known(values), score(whole.overall(), metric)]


def beside_published(
    results: Results, published: pd.DataFrame, *, corpus: str, source: str, size: str
) -> pd.DataFrame:
    """Table 1 or 2: mean and std over seeds, the printed values, on official data the difference.

    And what a detector that is always on gets by the same counting.
    """
    ours = evaluation.mean_and_std(class_scores(results), ["class"])
    ours.insert(0, "corpus", corpus)
    ours.insert(1, "source", source)
    ours.insert(2, "size", size)
    references = results.counts["proposed"][0].references.sum(axis=0)
    ours.insert(4, "references", [*references, np.nan, references.sum()])
    for metric in METRICS:
        ours[f"always_on_{metric}"] = table_column(results.counted(results.always_on), metric)
    theirs = published.set_index("class")
    names = [paper_name(label) for label in ours["class"]]
    for column in theirs.columns:
        ours[f"paper_{column}"] = theirs[column].reindex(names).to_numpy()
        if source == "official" and f"{column}_mean" in ours:
            ours[f"{column}_difference"] = ours[f"{column}_mean"] - ours[f"paper_{column}"]
    return ours


def paper_name(label: str) -> str:
    """What the paper's tables call a class, and "Average" and "Overall" as they are."""
    return PAPER_NAMES.get(label, label.replace("_", " "))


def one_to_one(results: Results) -> pd.DataFrame:
    """Event scores by sed_eval, each reference matched once: one row a system and seed, in percent.

    Thresholds are those of the paper's counting and, a second time, those chosen one to one. Beside both
    systems stands a detector that is always on.
    Onsets within 200 ms, offsets within 200 ms or half the length (reading B12). Average is over the
    classes that have test events.
    """
    references = {k: results.corpus.events_of(k) for k in results.test.rolls}
    rows = []
    strict = replace(results, counting="one to one")
    decisions = {
        (name, chosen.counting): runs
        for chosen in (results, strict)
        for name, runs in chosen.rolls.items()
    }
    decisions["always on", ""] = [results.always_on]
    for (name, counting), runs in decisions.items():
        for seed, rolls in zip(results.seeds, runs, strict=False):
            overall, classes = sed_eval_event(results, references, rolls)
            known = classes[classes.n_reference > 0]
            rows.append(
                {
                    "system": name,
                    "thresholds": counting,
                    "seed": seed,
                    "average_F1": 100 * known.f1_score.fillna(0).mean(),
                    "average_ER": 100 * known.error_rate.mean(),
                    "overall_F1": 100 * overall["f1_score"],
                    "overall_ER": 100 * overall["error_rate"],
                }
            )
    return pd.DataFrame(rows)


def sed_eval_event(results: Results, references: dict, rolls: dict):
    """sed_eval's scores of decisions: of all events, and a table of classes."""
    found = {
        k: activity.events_at_borders(roll, results.labels, hop_s=results.hop_s)
        for k, roll in rolls.items()
    }
    return sed_eval_adapter.event_scores(
        references,
        found,
        results.labels,
        collar_s=COLLAR_S,
        percentage_of_length=SHARE_OF_LENGTH,
    )
