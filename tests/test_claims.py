"""Verdicts: the interval and its bound, the words a source allows; the published numbers."""

import math

import numpy as np
import pandas as pd
import pytest

from sedutils.claims import facts, verdicts

PUBLISHED = facts.read("data/published/cakir2017_crnn.yaml")


def test_the_interval_must_be_clear_of_the_bound():
    assert verdicts.outcome((0.05, 0.3)) == "holds"
    assert verdicts.outcome((-0.01, 0.3)) == "undecided"
    assert verdicts.outcome((0.0, 0.3)) == "undecided"  # touching is not clear
    assert verdicts.outcome((-0.3, -0.05)) == "fails"
    assert verdicts.outcome((0.05, 0.3), 0.2) == "undecided"
    assert verdicts.outcome((np.nan, np.nan)) == "undecided"
    assert verdicts.outcome((1.0, 1.0)) == "holds"
    assert verdicts.outcome((0.0, 0.0), -0.1) == "undecided"  # two silent systems


def test_failing_contrasts_are_corrected_for_their_number():
    def corrected(*p, outcomes=None):
        outcomes = outcomes or ["fails" if x <= 0.025 else "undecided" for x in p]
        return verdicts.corrected(pd.DataFrame({"outcome": outcomes, "p": p})).tolist()

    assert corrected(0.02) == ["fails"]
    assert corrected(0.02, 0.9) == ["undecided", "undecided"]
    assert corrected(0.9, 0.0125) == ["undecided", "fails"]
    assert corrected(0.02, 0.01, 0.004) == ["fails"] * 3  # Holm: after the first the bar is lower
    assert corrected(0.02, np.nan) == ["undecided", "undecided"]
    assert corrected(0.999, 0.0, outcomes=["holds", "fails"]) == ["holds", "fails"]


@pytest.mark.parametrize(
    ("source", "particular", "words"),
    [
        ("foley", False, ["holds here", "fails here", "undecided here"]),
        ("bank", False, ["holds here", "fails here", "undecided here"]),
        (["official", "foley"], False, ["holds here", "fails here", "undecided here"]),
        ("official", False, ["reproduced", "not reproduced", "undecided"]),
        ("official", True, ["reproduced", "not reproduced", "undecided"]),
        (["official", "official"], True, ["reproduced", "not reproduced", "undecided"]),
        ("foley", True, ["needs official data"] * 3),
    ],
)
def test_words_follow_the_source(source, particular, words):
    outcomes = ["holds", "fails", "undecided"]
    assert [verdicts.worded(x, source, particular=particular) for x in outcomes] == words


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="'foly' is not one of"):
        verdicts.worded("holds", "foly")


def test_conjunction():
    assert verdicts.conjunction(["holds", "holds"]) == "holds"
    assert verdicts.conjunction(["holds", "undecided"]) == "undecided"
    assert verdicts.conjunction(["undecided", "fails", "holds"]) == "fails"
    for wrong in ([], ["holds here"]):
        with pytest.raises(ValueError, match="outcomes"):
            verdicts.conjunction(wrong)


def test_published_tables():
    assert PUBLISHED.tables == ["T1", "T2", "T3", "T4", "T5", "T6"]
    assert PUBLISHED.table("T2").shape[0] == 15
    assert PUBLISHED.table("T3").total_s.sum() == 40569
    assert PUBLISHED.value("T2", "synth2016", "CRNN", metric="F1_frm") == 66.4
    assert PUBLISHED.value("T2", "synth2016", "CRNN", metric="F1_frm", spread=True) == 0.6
    assert math.isnan(PUBLISHED.value("T2", "synth2016", "GMM", metric="F1_frm", spread=True))
    assert PUBLISHED.value("T4", "(5,5)", metric="F1_frm") == 68.3
    assert list(PUBLISHED.claims) == [f"C{i:02d}" for i in range(1, 33)]
    assert PUBLISHED.readings.id.tolist() == [f"A{i:02d}" for i in range(1, 32)]
    with pytest.raises(ValueError, match="T2: 0 rows"):
        PUBLISHED.value("T2", "synth2016", "LSTM", metric="F1_frm")
    with pytest.raises(ValueError, match="no 'T9'"):
        PUBLISHED.table("T9")


@pytest.mark.parametrize(
    "claim",
    [c for c in PUBLISHED.claims.values() if c.get("holds_on_paper_numbers") is not None],
    ids=lambda claim: claim["id"],
)
def test_claims_agree_with_the_papers_numbers(claim):
    """Each test in the file, evaluated on the tables in the file, has the truth that it states."""

    def spread(table, *key):
        std = PUBLISHED.value(table, *key[:-1], metric=key[-1], spread=True)
        return 0 if math.isnan(std) else std

    def keys(table):
        entry = next(t for t in PUBLISHED.facts["tables"] if t["id"] == table)
        return [row[entry["key_columns"][0]] for row in entry["rows"]]

    names = {
        "M": lambda table, *key: PUBLISHED.value(table, *key[:-1], metric=key[-1]),
        "S": spread,
        "classes": keys,
        "params": lambda *key: PUBLISHED.value("T1", *key, metric="params_recomputed"),
    }
    assert eval(claim["test"], names) is claim["holds_on_paper_numbers"]
    if "test_exact" in claim:
        assert eval(claim["test_exact"], names)
    if "test_relaxed" in claim:
        assert eval(claim["test_relaxed"], names) is claim["relaxed_holds_on_paper_numbers"]


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "x.yaml").write_text("paper: {}\ntables: []\nclaims: []\n")
    with pytest.raises(ValueError, match=r"x\.yaml: no section 'readings'"):
        facts.read(tmp_path / "x.yaml")
