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

from sedutils import claims, evaluation, jobs, metrics, scene_metrics, systems
from sedutils import corpus as corpora
from sedutils.crnn import chapter
from sedutils.crnn.chapter import METRICS, SECOND_FRAMES, Results
from sedutils.crnn.tagging import TagResults


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
            scores = evaluation.read_scores(
                self.models, self.designs[system], seed, "test", fold=fold
            )
            rolls |= evaluation.decide(reference, scores, threshold(fold), rule)
        return rolls

    def validated(self, system: str, seed: int) -> dict[str, np.ndarray]:
        """Rolls at the threshold that is best on the validation recordings of each fold."""

        def threshold(fold):
            scores = evaluation.read_scores(
                self.models, self.designs[system], seed, "validation", fold=fold
            )
            reference = evaluation.Reference.read(self.features, "validation", fold)
            return evaluation.best_threshold(reference, scores, self.rule(system))

        return self.decided(system, seed, threshold)

    def counts(self, rolls: dict[str, np.ndarray], segment_frames: int = 1) -> metrics.Counts:
        return scene_counts(self.test.rolls, rolls, self.scenes, segment_frames=segment_frames)

    @cached_property
    def frame_counts(self) -> dict[str, list[metrics.Counts]]:
        """Method -> one `scene_counts` a seed."""
        return {s: [self.counts(self.decisions(s, i)) for i in self.seeds] for s in self.systems}

    @cached_property
    def second_counts(self) -> dict[str, list[metrics.Counts]]:
        return {
            s: [self.counts(self.decisions(s, i), SECOND_FRAMES) for i in self.seeds]
            for s in self.systems
        }

    @cached_property
    def strata(self) -> np.ndarray:
        """The scene of each unit of the bootstrap, as a number."""
        each = per_scene(self.test.rolls, self.test.rolls, self.scenes)
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


def per_scene(references, outputs, scenes, *, segment_frames: int = 1) -> list[metrics.Counts]:
    """Counts of the units of each scene; the units are those of `claims.unit_counts`.

    Parameters
    ----------
    references, outputs : recording -> bool roll (frames, classes)
    scenes : scene -> its recordings
    """
    whole = len(references) >= claims.ENOUGH_RECORDINGS
    return [
        claims.unit_counts(
            {k: references[k] for k in names},
            {k: outputs[k] for k in names},
            segment_frames=segment_frames,
            whole=whole,
        )
        for names in scenes.values()
    ]


def scene_counts(references, outputs, scenes, *, segment_frames: int = 1) -> metrics.Counts:
    """Counts ``(units, scenes, classes)`` and ``(units, scenes)``: zero in all scenes but the unit's own.

    They are resampled and summed like any others; `f1_score` and `error_rate` average over the scenes.
    """
    each = per_scene(references, outputs, scenes, segment_frames=segment_frames)

    def placed(x, scene):
        whole = np.zeros((len(x), len(each), *x.shape[1:]), x.dtype)
        whole[:, scene] = x
        return whole

    return metrics.Counts.concatenate(
        own._map(lambda x, scene=i: placed(x, scene)) for i, own in enumerate(each)
    )


def f1_score(counts: metrics.Counts) -> np.ndarray:
    """Mean over scenes of F1, from counts (..., scenes, classes); NaN where a scene has no reference."""
    return claims.f1_score(counts).mean(axis=-1)


def error_rate(counts: metrics.Counts) -> np.ndarray:
    """Mean over scenes of the error rate; NaN where a scene has no reference."""
    rates = np.where(counts.n_reference > 0, claims.error_rate(counts), np.nan)
    return rates.mean(axis=-1)


def class_f1_scores(counts: metrics.Counts) -> np.ndarray:
    """F1 of each class over all scenes, from counts (..., scenes, classes)."""
    deep = counts.true_positives.ndim
    summed = counts._map(lambda x: x.sum(axis=-2 if x.ndim == deep else -1))
    return claims.class_f1_scores(summed)


def class_table(results: FoldResults) -> pd.DataFrame:
    """Frame F1 of each class in percent, mean and std over seeds, and its share of all event time."""
    table = pd.DataFrame({"class": results.test.labels})
    time = np.sum([roll.sum(axis=0) for roll in results.test.rolls.values()], axis=0)
    table["share_percent"] = 100 * time / time.sum()
    for system in results.systems:
        runs = [class_f1_scores(counts.sum()) for counts in results.frame_counts[system]]
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
        scenes = [
            chapter.score_by_sed_eval(
                name=name,
                seed=seed,
                rolls={k: rolls[k] for k in names},
                annotation={k: events[k] for k in names},
                durations=durations[names].to_dict(),
                labels=results.test.labels,
                hop_s=results.hop_s,
            )
            for names in results.scenes.values()
        ]
        rows.append({"method": name, "seed": seed, **pd.DataFrame(scenes)[list(METRICS)].mean()})
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
    """The four numbers of Table II by `sedutils.metrics`, which tests hold equal to sed_eval."""
    row = {}
    for suffix, frames in (("frm", 1), ("1s", SECOND_FRAMES)):
        each = per_scene(results.test.rolls, rolls, results.scenes, segment_frames=frames)
        totals = dict(zip(results.scenes, (counts.sum() for counts in each), strict=True))
        scores = scene_metrics.scene_scores(totals)
        row |= {f"F1_{suffix}": 100 * scores["f1_score"], f"ER_{suffix}": scores["error_rate"]}
    return row
