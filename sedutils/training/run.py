"""What a chapter asks of its trained systems on one corpus: scores on all test units and on resamples of them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sedutils.corpora.corpus import Corpus
from sedutils.metrics import bootstrap


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
        """A statistic of the scores of some systems, over the seeds that all have -> `bootstrap.Estimate`."""
        scores = [self.resampled(system, metric, row) for system in systems]
        seeds = min(map(len, scores))
        return bootstrap.estimate(
            [x[:seeds] for x in scores], statistic, n_units=self.units(metric)
        )

    def above(self, first: str, second: str, metric: str, row: str | None = None):
        """How much more of a metric the first system has than the second."""
        return self.estimate(np.subtract, first, second, metric=metric, row=row)
