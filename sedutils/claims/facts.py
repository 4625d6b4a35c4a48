"""What a paper prints: tables, claims and what it leaves open, read from its file in data/published."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml


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

    def judged_on(self, page):
        """How each claim that a page judges is tested: id -> its section ``here``."""
        return {name: c["here"] for name, c in self.claims.items() if c["here"]["page"] == page}

    @property
    def wording(self):
        """How contrasts are worded: ``contrast``, a pattern, and ``titles`` of what stands in it."""
        return self.facts["wording"]

    @property
    def readings(self):
        """Readings of open points as a DataFrame id, topic, issue, reading, why, severity."""
        return pd.DataFrame(self.facts["readings"])

    def _entry(self, section, entry_id):
        for entry in self.facts[section]:
            if entry["id"] == entry_id:
                return entry
        raise ValueError(f"{section}: no {entry_id!r}")


def read(path):
    """Read a paper's file of data/published."""
    facts = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    missing = {"paper", "tables", "claims", "readings"} - facts.keys()
    if missing:
        raise ValueError(f"{path}: no section {sorted(missing)[0]!r}")
    return Published(facts)
