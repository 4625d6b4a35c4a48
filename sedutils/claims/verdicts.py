"""Verdicts on a paper's claims: one row a contrast, `statistic > bound`, and what may be said of the whole claim.

For an error the difference is turned round, "alike within b" is the conjunction of d > -b and -d > -b,
"at least 12 classes" is a number of classes with bound 11.5. A plain contrast is declared beside the
claim's text (`declared`); code makes the rows of the others.
"""

from itertools import product

import numpy as np
import pandas as pd

from sedutils.metrics import bootstrap

NEEDS_OFFICIAL = "needs official data"
LEVEL = (1 - bootstrap.CONFIDENCE) / 2  # of one side of an interval
# outcome -> words: what a source allows to be said
WORDS = {
    "official": {"holds": "reproduced", "fails": "not reproduced", "undecided": "undecided"},
    "other": {"holds": "holds here", "fails": "fails here", "undecided": "undecided here"},
}


def outcome(interval, bound=0.0):
    """'holds', 'fails' or 'undecided' of the claim statistic > bound, by the statistic's interval.

    The interval (`sedutils.metrics.bootstrap`) must be clear of the bound. That of 0 against 0, which neither seeds
    nor units change, decides nothing: two silent systems are alike within any bound.
    """
    low, high = interval
    if low == high == 0:
        return "undecided"
    return "holds" if low > bound else "fails" if high < bound else "undecided"


def corrected(parts):
    """Outcomes of a claim's contrasts, of which one that fails makes the whole claim fail.

    Of m contrasts that all hold, m times as often one seems to fail by chance: those that fail must do so by
    Holm's procedure (1979) at the level of all together. That all hold needs no correction.

    parts : columns outcome and p, the probability of so low a value, or NaN
    """
    p = parts.p.fillna(1.0).sort_values()
    adjusted = (p * np.arange(len(p), 0, -1)).cummax()
    chance = (parts.outcome == "fails") & (adjusted.reindex(parts.index) > LEVEL)
    return parts.outcome.mask(chance, "undecided")


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


def contrast(claim: str, what: str, estimate: bootstrap.Estimate, bound: float = 0.0) -> dict:
    """A contrast judged by its interval over seeds and units."""
    found = {"outcome": outcome(estimate.interval, bound), "p": estimate.below(bound)}
    return {"claim": claim, "contrast": what, "bound": bound} | found | estimate.row()


def by_seeds(claim: str, what: str, per_seed: list[float], bound: float = 0.0) -> dict:
    """A contrast judged by its seeds alone, where resampling units makes no sense."""
    row = contrast(claim, what, bootstrap.of_seeds(per_seed), bound)
    return row | {"n_units": np.nan}


def exact(claim: str, what: str, holds: bool, **columns: float) -> dict:
    """A statement about numbers as they stand; ``columns`` such as value."""
    said = {"claim": claim, "contrast": what, "bound": np.nan}
    return said | {"outcome": "holds" if holds else "fails", "p": float(holds)} | columns


def beside_trivial(row: dict, as_well: bool) -> dict:
    """The row; undecided where systems that hear nothing do as well as the best of those that it compares."""
    if not as_well:
        return row
    what = f"{row['contrast']} (a system that hears nothing does as well)"
    return row | {"contrast": what, "outcome": "undecided", "p": np.nan}


def nothing(claim: str, what: str) -> dict:
    """A claim that the data at hand cannot speak to."""
    return {"claim": claim, "contrast": what, "bound": 0.0, "outcome": "undecided"}


def declared(claim: str, here: dict, runs: dict, wording: dict) -> list[dict]:
    """The contrasts that stand beside a claim's text, a row each.

    Every entry of ``contrasts`` says `above`: [first, second], two systems or lists of them, in a
    `metric`: of what the first has more, by more than `bound`; of an error the worse one stands first.
    It may name a `row` of the paper's table (``classes`` and ``all`` stand for each of them), some of
    the `runs` that the claim rests on, and its `words`. `untested` says why there is no test.

    runs : name -> `sedutils.training.run.Run`; wording : `facts.Published.wording`
    """
    entries = here.get("contrasts", [])
    rows = [nothing(claim, entry["untested"]) for entry in entries if "untested" in entry]
    known = [name for name in here.get("rests_on", runs) if name in runs]
    for name, entry in product(known, entries):
        if "above" in entry and name in entry.get("runs", known):
            start = f"{wording['titles'][name]}: " if len(known) > 1 else ""
            for row in expanded(claim, entry, runs[name], wording):
                rows.append(row | {"contrast": start + row["contrast"]})
    return rows


def expanded(claim: str, entry: dict, run, wording: dict) -> list[dict]:
    """The rows of one entry on one run: rows of the paper's table, pairs of systems, metrics."""
    wanted = entry.get("row")
    if wanted in ("classes", "all"):
        wanted = run.labels if wanted == "classes" else run.rows
    choices = (wanted, *entry["above"], entry["metric"])
    found = []
    for row, *pair, metric in product(*(x if isinstance(x, list) else [x] for x in choices)):
        titles = [wording["titles"].get(x, x) for x in (*pair, metric)]
        words = dict(zip(("first", "second", "metric"), titles, strict=True))
        words["row"] = "" if row is None else f"{row} "
        what = entry.get("words") or wording["contrast"].format(**words)
        if row is None or row in run.rows:
            judged = contrast(claim, what, run.above(*pair, metric, row), entry.get("bound", 0.0))
            found.append(beside_trivial(judged, run.trivial(*pair, metric=metric, row=row)))
        else:
            found.append(nothing(claim, what))
    return found


def judge(published, page: str, sources: dict[str, str], runs: dict, odd=()) -> pd.DataFrame:
    """All contrasts of the claims that a page judges, sorted by claim, each with its claim's verdict.

    published : `sedutils.claims.facts.Published`
    sources : where the sound comes from, of all that claims rest on
    runs : name -> `sedutils.training.run.Run`, for what is declared
    odd : the rows that are not; they follow the declared ones of their claim
    """
    here, wording = published.judged_on(page), published.wording
    rows = [row for claim, said in here.items() for row in declared(claim, said, runs, wording)]
    rows += odd
    for row in rows:
        if row["claim"] not in here:
            raise ValueError(f"claim {row['claim']}: data/published has no page {page!r} for it")
    columns = ["claim", "contrast", "bound", "outcome", "value", "std", "low", "high", "resolves"]
    columns += ["resolves_with_10", "n_seeds", "n_units"]
    table = pd.DataFrame(rows, columns=[*columns, "p"])
    for claim, parts in table.groupby("claim"):
        table.loc[parts.index, "outcome"] = corrected(parts)
        said = here[claim]
        # of numbers of parameters no corpus is the ground
        involved = {sources[name] for name in said.get("rests_on", sources)} or {"official"}
        verdict = worded(
            conjunction(table.outcome[parts.index]),
            involved,
            particular=said.get("particular", False),
        )
        table.loc[parts.index, ["verdict", "source"]] = verdict, ", ".join(sorted(involved))
    table = table.drop(columns="p")
    return table.sort_values("claim", kind="stable", ignore_index=True)
