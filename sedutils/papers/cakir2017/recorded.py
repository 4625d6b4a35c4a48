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

from sedutils.corpora import corpus
from sedutils.decoding import thresholds
from sedutils.metrics import scenes, sed_eval_adapter, segments
from sedutils.papers.cakir2017.chapter import METRICS, TITLES, VALIDATED, FrameRun
from sedutils.papers.cakir2017.tagging import TagRun
from sedutils.pipeline import jobs
from sedutils.training import evaluation, systems


def method_of(system: str) -> str:
    """The method of Table II that a system of params.yaml is: ``crnn_2016`` is the CRNN."""
    return system.split("_")[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class SceneRun(FrameRun):
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
        if system == VALIDATED:
            return self.validated("gmm", seed)
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
        """`scenes.scene_counts`."""
        frames = {"segment_frames": segment_frames}
        return scenes.scene_counts(self.test.rolls, rolls, self.scenes, **frames)

    @property
    def mean_of(self):
        return scenes

    @cached_property
    def strata(self) -> np.ndarray:
        """The scene of each unit of the bootstrap, as a number."""
        each = scenes.per_scene(self.test.rolls, self.test.rolls, self.scenes)
        return np.repeat(np.arange(len(each)), [len(counts.substitutions) for counts in each])


def read(
    folder: Path, features: Path, models: Path, *, family: dict, seeds: list[int], **about
) -> FrameRun | TagRun:
    """The run of a family on a corpus: with one split, with folds, or of tagging.

    family : its section of params.yaml, which says how many of the seeds and folds were trained
    about : settings (section ``evaluation``), hop_s, title and draw
    """
    made, trials = corpus.read(folder), systems.trials(family, seeds, features)
    folds = list(dict.fromkeys(trial.fold for trial in trials))
    about |= {"corpus": made, "features": features, "models": models}
    about |= {"seeds": list(dict.fromkeys(trial.seed for trial in trials))}
    about |= {"resamples": about["settings"]["resamples"]}
    if made.events is None:
        del about["settings"], about["hop_s"]
        return TagRun(**about, systems=family["systems"], folds=folds)
    designs = {method_of(name): name for name in family["systems"]}
    about |= {"systems": list(designs)}
    return FrameRun(**about) if folds == [None] else SceneRun(**about, folds=folds, designs=designs)


def class_table(run: SceneRun) -> pd.DataFrame:
    """Frame F1 of each class in percent, mean and std over seeds, and its share of all event time."""
    table = evaluation.class_columns(run.class_scores(), run.labels).reset_index()
    time = np.sum([roll.sum(axis=0) for roll in run.test.rolls.values()], axis=0)
    table.insert(1, "share_percent", 100 * time / time.sum())
    return table.sort_values("share_percent", ascending=False, kind="stable", ignore_index=True)


def score_run(*, run: SceneRun, system: str, seed: int, events: dict) -> list[dict]:
    """The four numbers of Table II of one run by sed_eval itself, scene by scene, and their mean.

    ``events`` : recording -> annotated events. The GMM has a second row, at its validation threshold.
    """
    methods = [system, *([VALIDATED] if system == "gmm" else [])]
    chosen = {TITLES.get(m, m.upper()): run.decisions(m, seed) for m in methods}
    durations = run.test.recordings.set_index("recording").duration_s
    rows = []
    for name, rolls in chosen.items():
        each = [
            sed_eval_adapter.frame_and_second_scores(
                {k: rolls[k] for k in names},
                {k: events[k] for k in names},
                run.labels,
                durations=durations[names].to_dict(),
                hop_s=run.hop_s,
            )
            for names in run.scenes.values()
        ]
        rows.append({"method": name, "seed": seed, **pd.DataFrame(each)[list(METRICS)].mean()})
    return rows


def table2(run: SceneRun, *, backend: str, workers: int) -> pd.DataFrame:
    """Table II, the columns of one corpus: one row a method and seed, and two rows that know nothing."""
    events = {k: run.corpus.events_of(k) for k in run.test.rolls}
    tasks = [
        # a copy, without the counts that the original keeps
        {"run": replace(run), "system": system, "seed": seed, "events": events}
        for system in run.systems
        for seed in run.seeds
    ]
    scored = jobs.parallel(score_run, tasks, label="scores", backend=backend, workers=workers)
    rows = [row for part in scored for row in part]
    for name, rolls in run.reference_rolls().items():
        rows.append({"method": name, "seed": 0} | headline(run, rolls))
    return pd.DataFrame(rows)


def headline(run: SceneRun, rolls: dict[str, np.ndarray]) -> dict[str, float]:
    """The four numbers of Table II by `sedutils.metrics.scenes`, which tests hold equal to sed_eval."""

    def score(frames):
        each = scenes.per_scene(run.test.rolls, rolls, run.scenes, segment_frames=frames)
        totals = (counts.sum() for counts in each)
        return scenes.scene_scores(dict(zip(run.scenes, totals, strict=True)))

    return segments.frame_and_second(score)
