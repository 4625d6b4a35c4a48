"""The chapters on rare events (Kao et al. 2018, gradual network) at size `quick`."""

import pandas as pd
import pytest
import smoke

LABELS = ["babycry", "glassbreak", "gunshot"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return smoke.checkout(tmp_path_factory.mktemp("smoke"), "rare")


def test_every_notebook_runs_and_every_table_is_written(checkout):
    smoke.every_notebook_runs(checkout)
    tables = checkout / "reports/quick/rcrnn/tables"
    for number, methods in ((1, 4), (3, 3)):
        table = pd.read_csv(tables / f"table{number}.csv")
        assert table["class"].tolist() == methods * [*LABELS, "average"]
        assert set(table.source) == {"foley"} and table.ER_mean.notna().all()
    chosen = pd.read_csv(tables / "table2.csv")
    assert set(chosen.nodes) <= {8, 16} and set(chosen.units) == {4}
    compared = pd.read_csv(tables / "table4.csv")
    assert compared.ours.sum() == 3 and compared.eval_ER_mean.notna().all()


def test_every_claim_has_one_verdict(checkout):
    smoke.every_claim_has_one_verdict(checkout, "kao2018_rcrnn", "gradual_network")


def test_what_a_stage_reads_is_listed(checkout):
    smoke.what_a_stage_reads_is_listed(checkout)


def test_every_notebook_opens_and_changes_nothing(checkout):
    smoke.every_notebook_opens(checkout, {"20_features"})


def test_nothing_is_left_to_do(checkout):
    smoke.nothing_is_left_to_do(checkout)


def test_pages_and_notebooks_stand_alone(checkout):
    smoke.pages_and_notebooks_stand_alone(checkout)
