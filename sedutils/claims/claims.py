"""Verdicts on a paper's claims, and the paper's own numbers.

A claim is written as `statistic > bound`: for an error the difference is turned round, "alike
within b" is the conjunction of d > -b and -d > -b, "at least 12 classes" is a number of classes
with bound 11.5. A verdict needs both: the interval over test units (`sedutils.metrics.bootstrap`) clear of
the claim's bound, and every seed on the same side of it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

NEEDS_OFFICIAL = "needs official data"
# outcome -> words: what a source allows to be said
WORDS = {
    "official": {"holds": "reproduced", "fails": "not reproduced", "undecided": "undecided"},
    "other": {"holds": "holds here", "fails": "fails here", "undecided": "undecided here"},
}


def outcome(per_seed, interval, bound=0.0):
    """'holds', 'fails' or 'undecided' of the claim statistic > bound.

    Decided only if the interval is clear of the bound and every seed lies on the same side.
    """
    per_seed, (low, high) = np.asarray(per_seed, dtype=float), interval
    if low > bound and (per_seed > bound).all():
        return "holds"
    if high < bound and (per_seed < bound).all():
        return "fails"
    return "undecided"


def conjunction(outcomes):
    """A claim of several parts: fails if any part fails, holds if all hold."""
    outcomes = list(outcomes)
    if not outcomes or set(outcomes) - {"holds", "fails", "undecided"}:
        raise ValueError(f"outcomes: {outcomes}")
    if "fails" in outcomes:
        return "fails"
    return "holds" if set(outcomes) == {"holds"} else "undecided"


def worded(result, source, *, particular=False):
    """Verdict of an outcome: what may be said of it, given where the sound came from.

    source: 'official', 'bank' or 'foley', or one for each corpus involved. particular: the claim
    is against quoted rows or about particular classes or data sets.
    """
    sources = {source} if isinstance(source, str) else set(source)
    if not sources or sources - {"official", "bank", "foley"}:
        raise ValueError(f"source: {source!r} is not one of official, bank, foley")
    if sources == {"official"}:
        return WORDS["official"][result]
    return NEEDS_OFFICIAL if particular else WORDS["other"][result]


@dataclass(frozen=True)
class Published:
    """What a paper prints: tables, claims, and the readings of what it leaves open."""

    facts: dict

    @property
    def tables(self):
        """Table ids in the paper's order."""
        return [table["id"] for table in self.facts["tables"]]

    def table(self, table_id):
        """Rows of a table as a DataFrame, percent and names as printed."""
        return pd.DataFrame(self._entry("tables", table_id)["rows"])

    def value(self, table_id, *key, metric, spread=False):
        """One printed number: the mean (or single run) of `metric` in the row with these keys, or
        with spread=True its standard deviation, NaN where none is printed."""
        entry = self._entry("tables", table_id)
        rows = [r for r in entry["rows"] if [r[c] for c in entry["key_columns"]] == list(key)]
        if len(rows) != 1:
            raise ValueError(f"{table_id}: {len(rows)} rows with {key}")
        names = [f"{metric}_std"] if spread else [f"{metric}_mean", metric]
        known = [rows[0][name] for name in names if name in rows[0]]
        if not known and not spread:
            raise ValueError(f"{table_id}: no column {metric!r}")
        return float("nan") if not known or known[0] is None else float(known[0])

    def dataset(self, dataset_id):
        """What the paper says of a data set, as a dict."""
        return self._entry("datasets", dataset_id)

    @property
    def claims(self):
        """Claims as dicts, by id."""
        return {claim["id"]: claim for claim in self.facts["claims"]}

    @property
    def readings(self):
        """Readings of open points as a DataFrame id, topic, issue, reading, why, severity."""
        return pd.DataFrame(self.facts["readings"])

    def _entry(self, section, entry_id):
        for entry in self.facts[section]:
            if entry["id"] == entry_id:
                return entry
        raise ValueError(f"{section}: no {entry_id!r}")


def read_published(path):
    """Read a paper's facts file of data/published."""
    facts = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    missing = {"paper", "tables", "claims", "readings"} - facts.keys()
    if missing:
        raise ValueError(f"{path}: no section {sorted(missing)[0]!r}")
    return Published(facts)
