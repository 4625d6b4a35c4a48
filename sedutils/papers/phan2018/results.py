"""Both systems of Phan et al. 2018 on one corpus: thresholds, decisions, scores, Tables 1 and 2."""

import json
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from sedutils.decoding.confidence import ConfidenceRule, confidence, in_frames
from sedutils.metrics import activity, bootstrap, hits, sed_eval_adapter
from sedutils.metrics.hits import HitCounts, count_hits, count_one_to_one, hit_counts
from sedutils.metrics.ratios import mean_of_known
from sedutils.papers.phan2018.search import MedianRule, search_confidence, search_median
from sedutils.pipeline import jobs
from sedutils.training import evaluation
from sedutils.training.run import Run

# The paper's names of the two systems -> ours
SYSTEMS = {"proposed": "multitask_crnn", "baseline": "multilabel_crnn"}
METRICS = ("F1", "ER")
# Before a metric's name: by the one-to-one counting, of decisions whose thresholds are chosen by it
STRICT = "one_to_one_"
ROWS = ("Average", "Overall")  # of Tables 1 and 2, after the classes
COLLAR_S, SHARE_OF_LENGTH = 0.2, 0.5  # of the one-to-one scores beside the paper's (reading B12)
RAW_ALPHA = 0.5  # of the confidence that claim P10 is about: chosen by no search
# Names of Table 2 where they are not the data set's own with spaces for underscores
PAPER_NAMES = {"alarms_and_sirens": "alarms & sirens"}


@dataclass(frozen=True, eq=False, kw_only=True)
class MultitaskRun(Run):
    """Decisions of both systems, every seed, on the test recordings of one corpus.

    features : folder of the front end
    folds : those trained, whose models are averaged at test time (Sec. 4.2); ``[None]`` for a fixed split
    spread : how `sedutils.pipeline.jobs.parallel` spreads the threshold searches
    counting : what the thresholds are best at on validation data, "hits" as in the paper or "one to one"
    """

    systems: tuple[str, ...] = tuple(SYSTEMS)
    features: Path
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

    @property
    def rows(self) -> list[str]:
        return [*self.labels, *ROWS]

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
        return count_hits if self.counting == "hits" else partial(count_one_to_one, **self.collars)

    @property
    def collars(self) -> dict:
        """What `count_one_to_one` and `hits.one_to_one` take."""
        frames = round(COLLAR_S / self.hop_s)
        return {"collar_frames": frames, "share_of_length": SHARE_OF_LENGTH}

    @cached_property
    def strict(self) -> "MultitaskRun":
        """The same with thresholds chosen one to one."""
        return replace(self, counting="one to one")

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

    def counted(self, system: str, metric: str) -> list[HitCounts]:
        """The hits behind every metric."""
        strict = metric.startswith(STRICT)

        def make():
            decisions = (self.strict if strict else self).rolls[system]
            return [self.hits(rolls, strict=strict) for rolls in decisions]

        return self.once(("counted", system, strict), make)

    def of_trivial(self, metric: str, row: str | None) -> list[float]:
        silent = {recording: ~roll for recording, roll in self.always_on.items()}
        strict = metric.startswith(STRICT)
        counted = [self.hits(rolls, strict=strict).sum() for rolls in (silent, self.always_on)]
        return [float(self.score(counts, metric, row)) for counts in counted]

    def score(self, counts: HitCounts, metric: str, row: str) -> np.ndarray:
        """F1 or error rate in percent of a row of Tables 1 and 2; Average is over classes with events."""
        if row == "Overall":
            return percent(counts.overall(), metric)
        values = percent(counts, metric)
        return mean_of_known(values) if row == "Average" else values[..., self.labels.index(row)]

    def hits(self, rolls: dict[str, np.ndarray], *, strict: bool = False) -> HitCounts:
        """Hits of decisions by unit of the bootstrap ``(units, classes)``; strict: one to one.

        Units are test recordings, or their 30-second blocks below twenty of them (`sedutils.metrics.bootstrap`).
        """
        whole = len(self.test.rolls) >= bootstrap.ENOUGH_RECORDINGS
        block = None if whole else round(bootstrap.BLOCK_S / self.hop_s)
        rule = partial(hits.one_to_one, **self.collars) if strict else None
        return HitCounts.concatenate(
            [
                hit_counts(rolls[k], truth, block_frames=block or len(truth), rule=rule)
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
        """Area under the curve of each class's confidence against its annotation (claim P10).

        Of votes above `RAW_ALPHA`, neither scaled nor cut, so that no threshold search is measured with them.
        """
        models = self.tested("proposed", self.seeds[seed_index])[recording]
        alpha, truth = np.full(len(self.labels), RAW_ALPHA), self.test.rolls[recording]
        raw = np.mean([confidence(m, alpha) for m in models], axis=0)
        columns = [self.labels.index(label) for label in labels]
        return [float(roc_auc_score(truth[:, c], raw[:, c])) for c in columns]


def search(name: str, validation: tuple[list, list], count) -> ConfidenceRule | MedianRule:
    """The thresholds of one system on its validation data."""
    search_rule = search_confidence if name == "proposed" else search_median
    return search_rule(*validation, count=count)[0]


def percent(counts: HitCounts, metric: str) -> np.ndarray:
    """F1 or error rate in percent, with the shape of the counts."""
    return 100 * (counts.f1_score if metric.endswith("F1") else counts.error_rate)


def class_scores(run: MultitaskRun) -> pd.DataFrame:
    """One row a class (and Average, Overall) and seed: F1 and ER of both systems in percent."""
    rows = []
    for i, seed in enumerate(run.seeds):
        columns = {"class": run.rows, "seed": seed}
        for name in SYSTEMS:
            for metric in METRICS:
                counts = run.counted(name, metric)[i]
                columns[f"{name}_{metric}"] = table_column(run, counts, metric)
        rows.append(pd.DataFrame(columns))
    return pd.concat(rows, ignore_index=True)


def table_column(run: MultitaskRun, counts: HitCounts, metric: str) -> list[float]:
    """F1 or error rate of each class, Average and Overall, from counts by unit."""
    return [float(run.score(counts.sum(), metric, row)) for row in run.rows]


def beside_published(
    run: MultitaskRun, published: pd.DataFrame, *, corpus: str, source: str, size: str
) -> pd.DataFrame:
    """Table 1 or 2: mean and std over seeds, the printed values, on official data the difference.

    And what a detector that is always on gets by the same counting.
    """
    ours = evaluation.mean_and_std(class_scores(run), ["class"])
    references = run.counted("proposed", "F1")[0].references.sum(axis=0)
    ours.insert(1, "references", [*references, np.nan, references.sum()])
    for metric in METRICS:
        ours[f"always_on_{metric}"] = table_column(run, run.hits(run.always_on), metric)
    names = [paper_name(label) for label in ours["class"]]
    theirs = published.set_index("class").reindex(names)
    table = evaluation.with_printed(ours, theirs, source)
    return evaluation.provenance(table, corpus=corpus, source=source, size=size)


def paper_name(label: str) -> str:
    """What the paper's tables call a class, and "Average" and "Overall" as they are."""
    return PAPER_NAMES.get(label, label.replace("_", " "))


def one_to_one(run: MultitaskRun) -> pd.DataFrame:
    """Event scores by sed_eval, each reference matched once: one row a system and seed, in percent.

    Thresholds are those of the paper's counting and, a second time, those chosen one to one. Beside both
    systems stands a detector that is always on.
    Onsets within 200 ms, offsets within 200 ms or half the length (reading B12). Average is over the
    classes that have test events.
    """
    references = {k: run.corpus.events_of(k) for k in run.test.rolls}
    rows = []
    decisions = {
        (name, chosen.counting): runs
        for chosen in (run, run.strict)
        for name, runs in chosen.rolls.items()
    }
    decisions["always on", ""] = [run.always_on]
    for (name, counting), runs in decisions.items():
        for seed, rolls in zip(run.seeds, runs, strict=False):
            overall, classes = sed_eval_event(run, references, rolls)
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


def sed_eval_event(run: MultitaskRun, references: dict, rolls: dict):
    """sed_eval's scores of decisions: of all events, and a table of classes."""
    found = {
        k: activity.events_at_borders(roll, run.labels, hop_s=run.hop_s)
        for k, roll in rolls.items()
    }
    return sed_eval_adapter.event_scores(
        references,
        found,
        run.labels,
        collar_s=COLLAR_S,
        percentage_of_length=SHARE_OF_LENGTH,
    )
