"""Rows of a table of claims: one a contrast, `statistic > bound`, and the verdict of the whole claim."""

import numpy as np
import pandas as pd

from sedutils.claims import claims
from sedutils.metrics import bootstrap


def contrast(claim: str, what: str, estimate: bootstrap.Estimate, bound: float = 0.0) -> dict:
    """A contrast judged by its bootstrap interval and its seeds."""
    outcome = claims.outcome(estimate.per_seed, estimate.interval, bound)
    return {"claim": claim, "contrast": what, "bound": bound, "outcome": outcome} | estimate.row()


def by_seeds(claim: str, what: str, per_seed: list[float], bound: float = 0.0) -> dict:
    """A contrast judged by its seeds alone, where resampling units makes no sense."""
    values = np.array(per_seed)
    above, below = (values > bound).all(), (values < bound).all()
    return {
        "claim": claim,
        "contrast": what,
        "bound": bound,
        "outcome": "holds" if above else "fails" if below else "undecided",
        "value": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
        "n_seeds": len(values),
    }


def nothing(claim: str, what: str) -> dict:
    """A claim that the data at hand cannot speak to."""
    return {"claim": claim, "contrast": what, "bound": 0.0, "outcome": "undecided"}


def with_verdicts(
    rows: list[dict], sources: str | dict[str, set[str]], particular: set[str] = frozenset()
) -> pd.DataFrame:
    """Contrasts as a table sorted by claim, each with the verdict of its whole claim.

    sources : where the sound comes from; for each claim, if several corpora are involved
    particular : claims about quoted rows, particular classes or data sets
    """
    columns = ["claim", "contrast", "bound", "outcome", "value", "std"]
    table = pd.DataFrame(rows, columns=[*columns, "low", "high", "n_seeds", "n_units"])
    if isinstance(sources, str):
        sources = {claim: {sources} for claim in table.claim}
    verdicts = {
        claim: claims.worded(
            claims.conjunction(parts.outcome), sources[claim], particular=claim in particular
        )
        for claim, parts in table.groupby("claim")
    }
    table["verdict"] = table.claim.map(verdicts)
    table["source"] = [", ".join(sorted(sources[claim])) for claim in table.claim]
    return table.sort_values("claim", kind="stable", ignore_index=True)
