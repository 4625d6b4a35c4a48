"""Intervals of scores over the seeds of training and over test units together, paired between systems.

A system is a sequence of counts, one a seed, each with a leading axis of units. A unit is a test
recording, or a 30-second block where there are fewer than 20 recordings. Scores are averaged over
seeds. What would come out with other seeds is told from the scores of each seed, system by system,
since their trainings are independent; what with other units from resampling them, the same ones for
every system and seed (paired). Both variances add up to that of a t-interval, whose degrees of freedom
are Welch's and Satterthwaite's: few seeds that spread widely count for little, however many the units.
How often it holds what it says is simulated in tests/test_power.py.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from sedutils.metrics import segments

CONFIDENCE = 0.95
ENOUGH_RECORDINGS = 20
BLOCK_S = 30.0


def unit_counts(references, outputs, *, segment_frames=1, hop_s=0.02, whole=None):
    """Counts of one system and seed along a leading axis of units.

    references, outputs: recording -> bool roll (frames, classes), the same recordings in both.
    Units are the recordings in sorted order, or, below 20 of them, their 30-second blocks; `whole`
    decides where the recordings are only a part of all.
    """
    if references.keys() != outputs.keys():
        strange = sorted(references.keys() ^ outputs.keys())[0]
        raise ValueError(f"recording {strange!r} is not in both reference and output")
    whole = len(references) >= ENOUGH_RECORDINGS if whole is None else whole
    # a block is cut between segments, so that counts of blocks add up to those of recordings
    block_frames = max(1, round(BLOCK_S / hop_s / segment_frames)) * segment_frames
    counts = [
        segments.segment_counts(
            references[recording],
            outputs[recording],
            segment_frames=segment_frames,
            block_frames=None if whole else block_frames,
        )
        for recording in sorted(references)
    ]
    return segments.Counts.stack(counts) if whole else segments.Counts.concatenate(counts)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A statistic on all units, of the seeds' mean scores and seed by seed, and what it rests on.

    resampled : ``(resamples,)``, of the scores averaged over seeds, without a value where a class is in no unit
    by_seed : of each system one number a seed: the statistic where this system alone has the scores of that seed,
        and the others their means; empty where nothing was trained
    """

    value: float  # of the scores averaged over seeds
    per_seed: np.ndarray  # (n_seeds,)
    resampled: np.ndarray
    n_units: int
    by_seed: tuple[np.ndarray, ...] = ()

    @property
    def n_seeds(self):
        return len(self.per_seed)

    @property
    def std(self):
        """Standard deviation over seeds, ddof=1; NaN with a single seed."""
        return float(np.std(self.per_seed, ddof=1)) if self.n_seeds > 1 else float("nan")

    @cached_property
    def parts(self):
        """Variances that add up to that of ``value``, and the degrees of freedom of each: ``(2, parts)``.

        The last one is that of the units, of resamples that have a value; NaN for a system of a single seed.
        """
        known = self.resampled[~np.isnan(self.resampled)]
        units = known.var(ddof=1) if len(known) > 1 else np.nan
        seeds = [
            (x.var(ddof=1) / len(x) if len(x) > 1 else np.nan, len(x) - 1) for x in self.by_seed
        ]
        return np.array([*seeds, (units, self.n_units - 1)], dtype=float).T

    @property
    def error(self):
        """Standard error of ``value``: 0 where neither a seed nor a unit changes it, NaN where that is unknown."""
        return float(np.sqrt(self.parts[0].sum()))

    @property
    def resolves(self):
        """Half the width of the interval: how far from a bound the statistic must be to be decided."""
        return half_width(*self.parts)

    def resolves_with(self, n_seeds):
        """What it would be with as many seeds of each system that spread as these do, on the same units."""
        variances, freedom = self.parts
        had = freedom[:-1] + 1
        return half_width(
            np.r_[variances[:-1] * had / n_seeds, variances[-1]],
            np.r_[np.full(len(had), n_seeds - 1), freedom[-1]],
        )

    @property
    def interval(self):
        """``(low, high)`` over seeds and units at 95 %; ``(NaN, NaN)`` where there is a single seed."""
        return self.value - self.resolves, self.value + self.resolves

    def below(self, bound):
        """How probable so low a value is, or a lower one, if the statistic is the bound: p, one-sided."""
        if not self.error:
            return float(self.value >= bound)
        return float(stats.t.cdf((self.value - bound) / self.error, satterthwaite(*self.parts)))

    def row(self):
        """The columns of a table of claims: value, std, low, high, resolves, seeds, units."""
        low, high = self.interval
        return {
            "value": self.value,
            "std": self.std,
            "low": low,
            "high": high,
            "resolves": self.resolves,
            "resolves_with_10": self.resolves_with(10),
            "n_seeds": self.n_seeds,
            "n_units": self.n_units,
        }


def satterthwaite(variances, freedom):
    """Degrees of freedom of a sum of independent variances (Welch 1947; Satterthwaite 1946)."""
    variances, freedom = variances[variances != 0], freedom[variances != 0]
    return float(variances.sum() ** 2 / (variances**2 / np.maximum(freedom, 1)).sum())


def half_width(variances, freedom):
    """Of the t-interval of a value with these parts of its variance."""
    error = np.sqrt(variances.sum())
    if not error:
        return 0.0
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, satterthwaite(variances, freedom))
    return float(quantile * error)


def paired(systems, score, statistic, *, resamples=1000, seed=0, strata=None):
    """Statistic of the scores of several systems, with its paired bootstrap over units -> Estimate.

    systems: sequence of systems (see module), each with seeds of its own. score: Counts
    (..., n_classes) -> (...) or (..., k). statistic: as many score arrays as systems -> (...), a
    trailing k reduced. Both must take any leading shape. strata: of each unit,
    see `unit_weights`. Equal arguments give equal numbers.
    """
    n_units = _check(systems)
    strata = np.zeros(n_units, dtype=int) if strata is None else strata
    weights = unit_weights(strata, resamples=resamples, seed=seed)
    # a system that stands there twice is scored once, and its seeds are no others
    scored = {id(s): np.stack([score(run.weighted(weights)) for run in s]) for s in systems}
    return estimate([scored[id(s)] for s in systems], statistic, n_units=n_units)


def unit_weights(strata, *, resamples, seed=0):
    """How often each unit is drawn, (resamples + 1, n_units); the first row is all units once.

    One stratum: as many units as there are, with replacement. Several (scenes), which may hold a
    handful of units each: n - 1 of a stratum's n units, weighted by n / (n - 1), without which the
    variance of a mean would come out (n - 1) / n of what it is (Rao & Wu 1988). A stratum of one
    unit does not vary.
    """
    strata = np.asarray(strata)
    rng, names = np.random.default_rng(seed), np.unique(strata)
    # the first row: the statistic on all units takes the same way as its resamples
    weights = np.ones((resamples + 1, len(strata)))
    for name in names:
        mine = np.flatnonzero(strata == name)
        n = len(mine)
        draws = n if len(names) == 1 else n - 1
        if draws:
            drawn = rng.multinomial(draws, np.full(n, 1 / n), size=resamples)
            weights[1:, mine] = drawn * (n / draws)
    return weights


def estimate(scores, statistic, *, n_units, trained=True):
    """A statistic of scores on all units and on resamples of them -> Estimate.

    scores: for each system an array (seeds, resamples + 1) or (seeds, resamples + 1, k), all units
    first; an array that stands there twice is one system. statistic: as in `paired`. trained: whether
    other seeds would have given other scores.
    """
    means = [x.mean(axis=0) for x in scores]
    values = np.asarray(statistic(*means), dtype=float)
    if values.shape != (scores[0].shape[1],):
        raise ValueError(f"statistic: one number a resample is needed, not shape {values.shape}")

    def on_all(*chosen):
        return float(statistic(*(x[:1] for x in chosen))[0])  # [:1] keeps the axis of resamples

    def with_seeds_of(system):
        return np.array(
            [
                on_all(*(run if x is system else m for x, m in zip(scores, means, strict=True)))
                for run in system
            ]
        )

    # the seeds that all have; a system of one run stands beside every seed of the others
    n_seeds = min((len(x) for x in scores if len(x) > 1), default=1)
    per_seed = [on_all(*(x[min(i, len(x) - 1)] for x in scores)) for i in range(n_seeds)]
    systems = {id(x): x for x in scores}.values() if trained else ()
    return Estimate(
        value=float(values[0]),
        per_seed=np.array(per_seed),
        resampled=values[1:],
        n_units=n_units,
        by_seed=tuple(map(with_seeds_of, systems)),
    )


def of_seeds(values):
    """The mean of one number a seed, where resampling units makes no sense -> Estimate."""
    values = np.asarray(values, dtype=float)
    mean = values.mean()
    return Estimate(float(mean), values, np.full(2, mean), n_units=1, by_seed=(values,))


def combined(function, *estimates):
    """A function of independent estimates (of several corpora) -> Estimate.

    They must have been resampled with different seeds. The seeds of training that all of them have
    stand beside each other.
    """
    n_seeds = min(e.n_seeds for e in estimates)
    values = [e.value for e in estimates]
    return Estimate(
        value=float(function(*values)),
        per_seed=np.array(function(*(e.per_seed[:n_seeds] for e in estimates)), dtype=float),
        resampled=np.asarray(function(*(e.resampled for e in estimates)), dtype=float),
        n_units=sum(e.n_units for e in estimates),
        by_seed=tuple(
            np.asarray(function(*values[:i], varied, *values[i + 1 :]), dtype=float)
            for i, e in enumerate(estimates)
            for varied in e.by_seed
        ),
    )


def compare(counts_a, counts_b, score, *, resamples=1000, seed=0, strata=None):
    """Paired difference score(a) - score(b) -> Estimate; counts: one Counts of units a seed."""
    return paired(
        [counts_a, counts_b], score, np.subtract, resamples=resamples, seed=seed, strata=strata
    )


def summary(counts, score, *, resamples=1000, seed=0, strata=None):
    """The score of one system -> Estimate."""
    return paired([counts], score, lambda a: a, resamples=resamples, seed=seed, strata=strata)


def _check(systems):
    n_units = {run.units for system in systems for run in system}
    if len(n_units) != 1:
        raise ValueError(f"systems: unequal numbers of units: {sorted(n_units)}")
    if not all(map(len, systems)):
        raise ValueError("systems: one has no seed")
    return n_units.pop()
