"""The chapter on Ebbers & Haeb-Umbach 2020 at size `quick`."""

import pandas as pd
import pytest
import smoke


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return smoke.checkout(tmp_path_factory.mktemp("smoke"), "weak")


def test_every_notebook_runs_and_every_table_is_written(checkout):
    smoke.every_notebook_runs(checkout)
    tables = checkout / "reports/quick/fbcrnn/tables"
    table = pd.read_csv(tables / "table3.csv")
    assert len(table) == 11 and table.paper_F.notna().all()
    assert set(table.source) == {"foley"} and set(table.corpus) == {"desed_2020"}
    assert table[["validation", "crossed", "public"]].iloc[-1].between(0, 100).all()
    assert len(pd.read_csv(tables / "heard.csv")) > 0


def test_every_claim_has_one_verdict(checkout):
    smoke.every_claim_has_one_verdict(checkout, "ebbers2020_fbcrnn")


def test_what_a_stage_reads_is_listed(checkout):
    smoke.what_a_stage_reads_is_listed(checkout)


def test_every_notebook_opens_and_changes_nothing(checkout):
    smoke.every_notebook_opens(checkout, {"20_features"})


def test_nothing_is_left_to_do(checkout):
    smoke.nothing_is_left_to_do(checkout)


def test_pages_and_notebooks_stand_alone(checkout):
    smoke.pages_and_notebooks_stand_alone(checkout)
