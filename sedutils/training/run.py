"""What a chapter asks of its trained systems on one corpus: scores on all test units and on resamples of them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.metrics import bootstrap, rare
from sedutils.metrics.hits import HitCounts


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """The systems of a chapter on one corpus, every seed; a chapter says how scores become counts.

    corpus : the annotation
    models : folder of the family
    systems : those trained, in the order of the paper's table
    resamples : of the test units, for intervals
    draw : seed of the bootstrap, another for each corpus that stands beside others in one claim
    """

    corpus: Corpus
    models: Path
    systems: list[str]
    seeds: list[int]
    resamples: int
    draw: int = 0
    # what was counted and scored: neither given nor copied by `dataclasses.replace`
    kept: dict = field(default_factory=dict, init=False, repr=False)

    def counted(self, system: str, metric: str) -> list:
        """Counts behind a metric with a leading axis of test units, one a seed."""
        raise NotImplementedError

    def score(self, counts, metric: str, row: str | None) -> np.ndarray:
        """A metric, in the units of the paper's table, of counts ``(resamples + 1, …)``."""
        raise NotImplementedError

    def of_trivial(self, metric: str, row: str | None) -> list[float]:
        """A metric of systems that hear nothing: silence, and everything always on; none where they mean nothing."""
        return []

    @property
    def labels(self) -> list[str]:
        return list(self.corpus.labels)

    @property
    def rows(self) -> list[str]:
        """Of the paper's table."""
        return self.labels

    @property
    def strata(self) -> np.ndarray | None:
        """The stratum of each unit, for `bootstrap.unit_weights`; None for a single one."""
        return None

    def once(self, key: tuple, make):
        """What ``make()`` returns, made at the first call with a key."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def resampled(self, system: str, metric: str, row: str | None = None) -> np.ndarray:
        """A metric on all units and on resamples, ``(seeds, resamples + 1)`` or more axes, all units first.

        Resamples are the same for every system and seed: differences are paired.
        """

        def make():
            each = self.counted(system, metric)
            weights = self.weights(metric)
            return np.stack([self.score(c.weighted(weights), metric, row) for c in each])

        return self.once(("resampled", system, metric, row), make)

    def weights(self, metric: str) -> np.ndarray:
        """How often each unit is drawn, ``(resamples + 1, units)``."""

        def make():
            units = self.units(metric)
            strata = np.zeros(units, int) if self.strata is None else self.strata
            return bootstrap.unit_weights(strata, resamples=self.resamples, seed=self.draw)

        return self.once(("weights", self.units(metric)), make)

    def units(self, metric: str) -> int:
        """How many test units a metric rests on."""
        return self.counted(self.systems[0], metric)[0].units

    def estimate(self, statistic, *systems: str, metric: str, row: str | None = None):
        """A statistic of the scores of some systems -> `bootstrap.Estimate`."""
        scores = [self.resampled(system, metric, row) for system in systems]
        return bootstrap.estimate(scores, statistic, n_units=self.units(metric))

    def above(self, first: str, second: str, metric: str, row: str | None = None):
        """How much more of a metric the first system has than the second."""
        return self.estimate(np.subtract, first, second, metric=metric, row=row)

    def trivial(self, *systems: str, metric: str, row: str | None = None) -> bool:
        """Whether a system that hears nothing does as well as the best of some systems, so that they show nothing."""
        up = -1 if "ER" in metric else 1  # error rates: less is better
        best = max(up * self.resampled(name, metric, row)[:, 0].mean() for name in systems)
        return any(up * score >= best for score in self.of_trivial(metric, row))


class ClipRun(Run):
    """One event or none a clip, each class on clips of its own (`sedutils.metrics.rare`).

    Metrics are named by the split that they are of: ``development_ER``, ``evaluation_F1``.
    """

    def onsets(self, system: str, split: str) -> list[list[pd.Series]]:
        """Onset found in each clip, NaN for none: a seed, its classes."""
        raise NotImplementedError

    @property
    def rows(self) -> list[str]:
        """The classes and their mean."""
        return [*self.labels, rare.AVERAGE]

    def reference(self, label: str, split: str) -> pd.Series:
        """Onset in each clip of a class, NaN for none."""
        return recipes.onsets_of(self.corpus, label, split)

    def references(self, split: str) -> list[pd.Series]:
        return self.once(
            ("references", split), lambda: [self.reference(x, split) for x in self.labels]
        )

    def counted(self, system: str, metric: str) -> list[list[HitCounts]]:
        """Counts of each clip: a seed, its classes."""
        split = metric.rpartition("_")[0]

        def make():
            return [
                [rare.counts(*pair) for pair in zip(self.references(split), found, strict=True)]
                for found in self.onsets(system, split)
            ]

        return self.once(("counted", system, split), make)

    def resampled(self, system: str, metric: str, row: str | None = None) -> np.ndarray:
        """ER, or F1 in percent; without a row that of the mean over classes."""
        index = None if row in (None, rare.AVERAGE) else self.labels.index(row)

        def make():
            runs, name = self.counted(system, metric), metric.rpartition("_")[2]
            return rare.resampled(runs, name, resamples=self.resamples, row=index)

        return self.once(("resampled", system, metric, index), make)

    def of_trivial(self, metric: str, row: str | None) -> list[float]:
        """Of silence: every event is missed (that an event is always on has no onset)."""
        return [1.0 if metric.endswith("ER") else 0.0]

    def units(self, metric: str) -> int:
        return sum(map(len, self.references(metric.rpartition("_")[0])))

    def score_table(
        self, found: list[list[pd.Series]], split: str, seeds: list[int]
    ) -> pd.DataFrame:
        """By sed_eval of `onsets`, one row a class (and average) and seed: class, ER, F1 (percent), seed."""
        tables = [
            rare.score_table(self.labels, self.references(split), onsets).assign(seed=seed)
            for seed, onsets in zip(seeds, found, strict=True)
        ]
        return pd.concat(tables, ignore_index=True)
