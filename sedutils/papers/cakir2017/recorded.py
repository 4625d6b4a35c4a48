"""Tables II and V of Cakir et al. 2017 on recorded scenes: counts over recordings and folds, means over scenes.

One run is one seed through all folds (reading A29): a recording is tested in one fold, so the folds'
decisions together are one set of decisions. Counts are summed within a scene, scores averaged over scenes
(reading A13); every scene is scored with the classes of all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import corpus as corpora
from sedutils.decoding import thresholds
from sedutils.metrics import scenes, sed_eval_adapter, segments
from sedutils.papers.cakir2017.chapter import METRICS, Results
from sedutils.papers.cakir2017.tagging import TagResults
from sedutils.pipeline import jobs
from sedutils.training import evaluation, systems


def method_of(system: str) -> str:
    """The method of Table II that a system of params.yaml is: ``crnn_2016`` is the CRNN."""
    return system.split("_")[0]


@dataclass(frozen=True)
class FoldResults(Results):
    """Decisions of every method and seed on the test recordings of some folds of a corpus of scenes.

    systems : methods in the order of Table II; ``designs`` says which system of params.yaml each is
    """

    folds: list[int]
    designs: dict[str, str]

    @cached_property
    def references(self) -> dict[int, evaluation.Reference]:
        """The annotation of each fold's test recordings."""
        return {k: evaluation.Reference.read(self.features, "test", k) for k in self.folds}

    @cached_property
    def test(self) -> evaluation.Reference:
        """The annotation of all folds' test recordings."""
        each = list(self.references.values())
        rolls = {name: roll for reference in each for name, roll in reference.rolls.items()}
        recordings = pd.concat([r.recordings for r in each], ignore_index=True)
        return evaluation.Reference(recordings, each[0].labels, rolls)

    @cached_property
    def scenes(self) -> dict[str, list[str]]:
        """Scene -> its test recordings, sorted."""
        names = self.test.recordings.groupby("scene").recording
        return {scene: sorted(rows) for scene, rows in names}

    def decisions(self, system: str, seed: int) -> dict[str, np.ndarray]:
        return self.decided(system, seed, lambda _: self.threshold(system))

    def decided(self, system: str, seed: int, threshold: Callable) -> dict[str, np.ndarray]:
        """Rolls of the test recordings of all folds, at ``threshold(fold)``."""
        rolls, rule = {}, self.rule(system)
        for fold, reference in self.references.items():
            scores = self.fold_scores(reference, system, seed, "test", fold)
            rolls |= thresholds.decisions(scores, threshold(fold), rule)
        return rolls

    def fold_scores(
        self, reference: evaluation.Reference, system: str, seed: int, split: str, fold: int
    ):
        """Scores of the recordings of a fold's split, by recording."""
        whole = evaluation.read_scores(self.models, self.designs[system], seed, split, fold=fold)
        return reference.split(whole)

    def validated(self, system: str, seed: int) -> dict[str, np.ndarray]:
        """Rolls at the threshold that is best on the validation recordings of each fold."""

        def threshold(fold):
            reference = evaluation.Reference.read(self.features, "validation", fold)
            scores = self.fold_scores(reference, system, seed, "validation", fold)
            return thresholds.search_quantiles(reference.rolls, scores, self.rule(system))

        return self.decided(system, seed, threshold)

    def counts(self, rolls: dict[str, np.ndarray], segment_frames: int = 1) -> segments.Counts:
        return scenes.scene_counts(
            self.test.rolls, rolls, self.scenes, segment_frames=segment_frames
        )

    @cached_property
    def frame_counts(self) -> dict[str, list[segments.Counts]]:
        """Method -> one `scene_counts` a seed."""
        return {s: [self.counts(self.decisions(s, i)) for i in self.seeds] for s in self.systems}

    @cached_property
    def second_counts(self) -> dict[str, list[segments.Counts]]:
        return {
            s: [self.counts(self.decisions(s, i), segments.SECOND_FRAMES) for i in self.seeds]
            for s in self.systems
        }

    @cached_property
    def strata(self) -> np.ndarray:
        """The scene of each unit of the bootstrap, as a number."""
        each = scenes.per_scene(self.test.rolls, self.test.rolls, self.scenes)
        return np.repeat(np.arange(len(each)), [len(counts.substitutions) for counts in each])


def results(
    folder: Path,
    features: Path,
    models: Path,
    *,
    family: dict,
    seeds: list[int],
    settings: dict,
    hop_s: float,
) -> Results | TagResults:
    """The results of a family on a corpus: with one split, with folds, or of tagging.

    family : its section of params.yaml, which says how many of the seeds and folds were trained
    """
    corpus, trials = corpora.read(folder), systems.trials(family, seeds, features)
    seeds = list(dict.fromkeys(trial.seed for trial in trials))
    folds = list(dict.fromkeys(trial.fold for trial in trials))
    if corpus.events is None:
        return TagResults(features, models, family["systems"], seeds, folds, settings)
    designs = {method_of(name): name for name in family["systems"]}
    shared = (corpus, features, models, list(designs), seeds, settings, hop_s)
    return Results(*shared) if folds == [None] else FoldResults(*shared, folds, designs)


def class_table(results: FoldResults) -> pd.DataFrame:
    """Frame F1 of each class in percent, mean and std over seeds, and its share of all event time."""
    table = pd.DataFrame({"class": results.test.labels})
    time = np.sum([roll.sum(axis=0) for roll in results.test.rolls.values()], axis=0)
    table["share_percent"] = 100 * time / time.sum()
    for system in results.systems:
        runs = [scenes.class_f1_scores(counts.sum()) for counts in results.frame_counts[system]]
        values = 100 * np.nan_to_num(runs)
        table[f"{system}_mean"] = values.mean(axis=0)
        table[f"{system}_std"] = values.std(axis=0, ddof=1) if len(values) > 1 else np.nan
    return table.sort_values("share_percent", ascending=False, kind="stable", ignore_index=True)


def score_run(*, results: FoldResults, system: str, seed: int, events: dict) -> list[dict]:
    """The four numbers of Table II of one run by sed_eval itself, scene by scene, and their mean.

    ``events`` : recording -> annotated events. The GMM has a second row, at its validation threshold.
    """
    chosen = {system.upper(): results.decisions(system, seed)}
    if system == "gmm":
        chosen["GMM, validation threshold"] = results.validated(system, seed)
    durations = results.test.recordings.set_index("recording").duration_s
    rows = []
    for name, rolls in chosen.items():
        each = [
            sed_eval_adapter.frame_and_second_scores(
                {k: rolls[k] for k in names},
                {k: events[k] for k in names},
                results.test.labels,
                durations=durations[names].to_dict(),
                hop_s=results.hop_s,
            )
            for names in results.scenes.values()
        ]
        rows.append({"method": name, "seed": seed, **pd.DataFrame(each)[list(METRICS)].mean()})
    return rows


def table2(results: FoldResults, *, backend: str, workers: int) -> pd.DataFrame:
    """Table II, the columns of one corpus: one row a method and seed, and two rows that know nothing."""
    events = {k: results.corpus.events_of(k) for k in results.test.rolls}
    tasks = [
        # a copy, without the counts that the original keeps
        {"results": replace(results), "system": system, "seed": seed, "events": events}
        for system in results.systems
        for seed in results.seeds
    ]
    scored = jobs.parallel(score_run, tasks, label="scores", backend=backend, workers=workers)
    rows = [row for part in scored for row in part]
    for name, rolls in results.reference_rolls().items():
        rows.append({"method": name, "seed": 0} | headline(results, rolls))
    return pd.DataFrame(rows)


def headline(results: FoldResults, rolls: dict[str, np.ndarray]) -> dict[str, float]:
    """The four numbers of Table II by `sedutils.metrics.scenes`, which tests hold equal to sed_eval."""

    def score(frames):
        each = scenes.per_scene(results.test.rolls, rolls, results.scenes, segment_frames=frames)
        totals = (counts.sum() for counts in each)
        return scenes.scene_scores(dict(zip(results.scenes, totals, strict=True)))

    return segments.frame_and_second(score)
