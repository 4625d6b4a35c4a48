"""Table VI of Cakir et al. 2017: equal error rates of tagging CHiME-Home (Sec. III-B, IV-D).

A rate is computed for each class and averaged over the classes; development is the mean over the
development folds, evaluation is fold 0, trained on all development chunks (reading A22).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.features.frames import Frames
from sedutils.metrics.ratios import mean_of_known
from sedutils.metrics.tags import equal_error_rates
from sedutils.training import evaluation
from sedutils.training.run import Run

EVALUATION_FOLD = 0
# Rows of Table VI, and what params.yaml calls them (reading A02: the printed CNN, then that of Sec. IV-D)
METHODS = {
    "cnn_chime": "CNN",
    "rnn_chime": "RNN",
    "crnn_chime": "CRNN",
    "cnn_chime_no_batch_norm": "CNN (no batch norm)",
    "cnn_chime_twin": "CNN of Sec. IV-D",
    "cnn_chime_no_norms": "CNN without any batch norm",
}
PARTS = ("dev", "eval")
METRICS = tuple(f"EER_{part}" for part in PARTS)


@dataclass(frozen=True, eq=False, kw_only=True)
class TagRun(Run):
    """Scores of every system, seed and fold on the test chunks; its metrics are `METRICS`.

    systems : as params.yaml calls them, see `METHODS`
    """

    features: Path
    folds: list[int]

    def folds_of(self, part: str) -> list[int]:
        """The folds behind a column of Table VI; ValueError where none of them was trained."""
        folds = [k for k in self.folds if (k == EVALUATION_FOLD) == (part == "eval")]
        if not folds:
            raise ValueError(
                f"families.chime_home.main.folds: none of the folds {self.folds} is for {part}"
            )
        return folds

    @cached_property
    def targets(self) -> dict[int, np.ndarray]:
        """Fold -> tags of its test chunks, bool (chunks, classes)."""
        return {fold: tags(self.features, fold) for fold in self.folds}

    def scores(self, system: str, seed: int, fold: int) -> np.ndarray:
        return evaluation.read_scores(self.models, system, seed, "test", fold=fold)

    def class_errors(self, system: str, seed: int, part: str) -> np.ndarray:
        """Equal error rate of each class in percent, mean over the folds, ``(classes,)``."""
        return 100 * mean_of_known(self.rates(system, seed, part), axis=0)

    def error(self, system: str, seed: int, part: str) -> float:
        """Equal error rate in percent: mean over the classes that a fold has, then over folds."""
        return 100 * float(mean_of_known(self.rates(system, seed, part), axis=1).mean())

    def rates(self, system: str, seed: int, part: str) -> np.ndarray:
        """Equal error rates ``(folds, classes)``."""
        each = [
            equal_error_rates(self.targets[k], self.scores(system, seed, k))
            for k in self.folds_of(part)
        ]
        return np.array(each)

    def resampled(self, system: str, metric: str, row: None = None) -> np.ndarray:
        """Mean equal error rate in percent of every seed, ``(seeds, resamples + 1)``, all chunks first.

        Resamples draw chunks within a fold, the same ones for every system and seed.
        """
        return self.once((system, metric), lambda: self.drawn(system, metric.removeprefix("EER_")))

    def drawn(self, system: str, part: str) -> np.ndarray:
        errors = np.zeros((len(self.seeds), self.resamples + 1))
        folds = self.folds_of(part)
        for fold in folds:
            targets, rng = self.targets[fold], np.random.default_rng((self.draw, fold))
            scores = [self.scores(system, run, fold) for run in self.seeds]
            for i in range(errors.shape[1]):
                drawn = rng.integers(len(targets), size=len(targets)) if i else slice(None)
                for run, values in enumerate(scores):
                    rates = equal_error_rates(targets[drawn], values[drawn])
                    errors[run, i] += 100 * mean_of_known(rates, axis=0) / len(folds)
        return errors

    def of_trivial(self, metric: str, row: None = None) -> list[float]:
        """Of one score for all chunks: as many false alarms as misses."""
        return [50.0]

    def units(self, metric: str) -> int:
        """How many chunks a column of Table VI rests on."""
        folds = self.folds_of(metric.removeprefix("EER_"))
        return sum(len(self.targets[fold]) for fold in folds)


def tags(features: Path, fold: int) -> np.ndarray:
    """Tags of the test chunks of a fold, bool ``(chunks, classes)``, from the targets of their frames."""
    frames = Frames.read(features, "test", fold=fold)
    return np.array(frames.targets[frames.recordings.first_frame.to_numpy()], dtype=bool)


def seed_rows(run: TagRun) -> pd.DataFrame:
    """EER_dev and EER_eval in percent, one row a system and seed."""
    rows = []
    for system in run.systems:
        for seed in run.seeds:
            errors = {f"EER_{part}": run.error(system, seed, part) for part in PARTS}
            rows.append({"method": METHODS[system], "seed": seed} | errors)
    return pd.DataFrame(rows)


def table6(run: TagRun, published: pd.DataFrame, *, source: str, size: str) -> pd.DataFrame:
    """Ours as mean and std over seeds beside the printed rows; quoted rows have no ours."""
    ours = evaluation.mean_and_std(seed_rows(run), ["method"])
    table = evaluation.beside_quoted(ours, published, METRICS, source)
    return evaluation.provenance(table, corpus="chime_home", source=source, size=size)


def class_errors(run: TagRun, part: str) -> pd.DataFrame:
    """Equal error rate per class in percent, mean and std over seeds: class, ``<system>_{mean,std}``."""
    values = {
        system: np.array([run.class_errors(system, seed, part) for seed in run.seeds])
        for system in run.systems
    }
    return evaluation.class_columns(values, run.labels).reset_index()
