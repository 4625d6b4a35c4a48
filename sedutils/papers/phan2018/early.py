"""Early detection: decisions from the confidence gathered so far (Phan et al. 2018, end of Sec. 3).

The paper says that its inference can detect an ongoing event and leaves it there. Votes add up and never
fall, so a decision about frame n may be taken as soon as frame n + lag is heard, from the votes up to
there: lag 0 decides at once, a lag of a whole recording is the paper's inference. Thresholds are searched
for each lag on validation data.

What is causal is the inference, not the network: its convolutions and its backward GRU have seen the whole
segment. Latencies are therefore those of the scheme, a lower bound for a listener.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedutils.metrics import activity
from sedutils.metrics.hits import hit_counts
from sedutils.metrics.ratios import mean_of_known
from sedutils.papers.phan2018.search import search_confidence
from sedutils.pipeline import jobs


@dataclass(frozen=True, eq=False)
class Latencies:
    """When the reference events of one or more recordings were detected; all ``(events,)``.

    column : class index
    length : frames of the event
    latency : frames from its onset to the decision that first marks it, NaN where none does
    """

    column: np.ndarray
    length: np.ndarray
    latency: np.ndarray

    @property
    def early(self) -> np.ndarray:
        """Detected before the event has ended, bool ``(events,)``."""
        return self.latency < self.length


def latencies(decisions: np.ndarray, reference: np.ndarray, lag: int) -> Latencies:
    """Detection times of one recording; both arrays bool ``(frames, classes)``.

    The decision about a frame comes ``lag`` frames after it. An event that an earlier false alarm runs
    into counts as detected at its onset.
    """
    start, stop, column = activity.runs(reference)
    frame = np.arange(len(decisions))[:, None]
    marked = np.where(decisions, frame, len(decisions))
    following = np.minimum.accumulate(marked[::-1], axis=0)[::-1]  # next marked frame, or the end
    first = following[start, column]
    latency = np.where(first < stop, first + lag - start, np.nan)
    return Latencies(column, stop - start, latency)


def early_curve(validation: tuple[list, list], test: tuple[list, list], lags: list[int]):
    """What waiting buys: one dict for each lag, thresholds chosen anew on validation data.

    validation, test : estimates (distances in frames) and references of their recordings, as
        `search_confidence` takes them
    lags : in frames

    Returns dicts of lag, average_f1_score (mean over classes with references), overall_f1_score,
    median_latency (frames, over detected events) and early_share (of all events, detected before their
    end).
    """
    rows = []
    for lag in lags:
        rule, _ = search_confidence(*validation, lag=lag)
        counts, found = None, []
        for estimates, reference in zip(*test, strict=True):
            decisions = rule.decide(estimates)
            one = hit_counts(decisions, reference)
            counts = one if counts is None else counts + one
            found.append(latencies(decisions, reference, lag))
        latency = np.concatenate([f.latency for f in found])
        rows.append(
            {
                "lag": lag,
                "average_f1_score": float(mean_of_known(counts.f1_score)),
                "overall_f1_score": float(counts.overall().f1_score),
                "median_latency": float(np.nanmedian(latency)),
                "early_share": float(np.mean(np.concatenate([f.early for f in found]))),
            }
        )
    return rows


def waiting_table(results, waits_s: list[float]) -> pd.DataFrame:
    """`early_curve` of the proposed system with every seed, in seconds and percent: one row a wait and seed.

    results : `sedutils.papers.phan2018.results.MultitaskRun` of a corpus with a fixed split
    waits_s : after a frame, before its decision; infinity waits for the end of the recording
    """
    frames = max(len(roll) for roll in results.test.rolls.values())
    lags = [round(min(wait / results.hop_s, frames)) for wait in waits_s]
    tasks = []
    for seed in results.seeds:
        tested = results.tested("proposed", seed)
        test = [tested[k][0] for k in results.test.rolls], list(results.test.rolls.values())
        validation = results.validation("proposed", seed)
        tasks += [{"validation": validation, "test": test, "lags": [lag]} for lag in lags]
    found = jobs.parallel(early_curve, tasks, label="waits", **results.spread)
    table = pd.DataFrame([row for rows in found for row in rows])
    table.insert(0, "seed", np.repeat(results.seeds, len(lags)))
    table.insert(1, "wait_s", waits_s * len(results.seeds))
    return pd.DataFrame(
        {
            "seed": table.seed,
            "wait_s": table.wait_s,
            "average_F1": 100 * table.average_f1_score,
            "overall_F1": 100 * table.overall_f1_score,
            "median_latency_s": table.median_latency * results.hop_s,
            "early_percent": 100 * table.early_share,
        }
    )
