"""Intervals of scores by resampling test units, paired between systems.

A system is a sequence of counts, one a seed, each with a leading axis of units. A unit is a test
recording, or a 30-second block where there are fewer than 20 recordings. Scores are averaged over
seeds; the interval comes from resampling units, the same ones for every system and seed (paired); the
spread over seeds is shown beside it.
"""

from dataclasses import dataclass

import numpy as np

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
    """A statistic on all units, seed by seed and of the seeds' mean scores, and its resamples."""

    value: float  # of the scores averaged over seeds
    per_seed: np.ndarray  # (n_seeds,)
    resampled: np.ndarray  # (resamples,), of the scores averaged over seeds
    n_units: int

    @property
    def n_seeds(self):
        return len(self.per_seed)

    @property
    def std(self):
        """Standard deviation over seeds, ddof=1; NaN with a single seed."""
        return float(np.std(self.per_seed, ddof=1)) if self.n_seeds > 1 else float("nan")

    @property
    def interval(self):
        """Percentile interval (low, high) over units at 95 %; resamples without a value (a class
        that no unit of the resample holds) are left out, (NaN, NaN) if none is left."""
        known = self.resampled[~np.isnan(self.resampled)]
        if not len(known):
            return float("nan"), float("nan")
        low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    def row(self):
        """The columns of a table of claims: value, std, low, high, seeds, units."""
        low, high = self.interval
        return {
            "value": self.value,
            "std": self.std,
            "low": low,
            "high": high,
            "n_seeds": self.n_seeds,
            "n_units": self.n_units,
        }


def paired(systems, score, statistic, *, resamples=1000, seed=0, strata=None):
    """Statistic of the scores of several systems, with its paired bootstrap over units -> Estimate.

    systems: sequence of systems (see module); a system of one run stands beside every seed of the
    others. score: Counts (..., n_classes) -> (...) or (..., k). statistic: as many score arrays as
    systems -> (...), a trailing k reduced. Both must take any leading shape. strata: of each unit,
    see `unit_weights`. Equal arguments give equal numbers.
    """
    n_units = _check(systems)
    strata = np.zeros(n_units, dtype=int) if strata is None else strata
    weights = unit_weights(strata, resamples=resamples, seed=seed)
    scores = [np.stack([score(run.weighted(weights)) for run in system]) for system in systems]
    return estimate(scores, statistic, n_units=n_units)


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


def estimate(scores, statistic, *, n_units):
    """A statistic of scores on all units and on resamples of them -> Estimate.

    scores: for each system an array (seeds, resamples + 1) or (seeds, resamples + 1, k), all units
    first. statistic: as in `paired`.
    """
    n_seeds = max(len(x) for x in scores)
    # a system of one run stands beside every seed of the others; [:1], all units, keeps the axis of resamples
    per_seed = [statistic(*(x[min(i, len(x) - 1)][:1] for x in scores)) for i in range(n_seeds)]
    values = np.asarray(statistic(*(x.mean(axis=0) for x in scores)), dtype=float)
    if values.shape != (scores[0].shape[1],):
        raise ValueError(f"statistic: one number a resample is needed, not shape {values.shape}")
    return Estimate(
        value=float(values[0]),
        per_seed=np.array([float(x[0]) for x in per_seed]),
        resampled=values[1:],
        n_units=n_units,
    )


def combined(function, *estimates):
    """A function of independent estimates (of several corpora) -> Estimate.

    They must have been resampled with different seeds. The seeds of training that all of them have
    stand beside each other.
    """
    n_seeds = min(e.n_seeds for e in estimates)
    return Estimate(
        value=float(function(*(e.value for e in estimates))),
        per_seed=np.array(function(*(e.per_seed[:n_seeds] for e in estimates)), dtype=float),
        resampled=np.asarray(function(*(e.resampled for e in estimates)), dtype=float),
        n_units=sum(e.n_units for e in estimates),
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
    n_seeds = {len(system) for system in systems} - {1}
    if len(n_units) != 1:
        raise ValueError(f"systems: unequal numbers of units: {sorted(n_units)}")
    if len(n_seeds) > 1 or 0 in n_seeds:
        raise ValueError(f"systems: unequal numbers of seeds: {sorted(n_seeds)}")
    return n_units.pop()
