"""The chapter on Phan et al. 2018, and the comparison of all chapters, at size `quick`."""

import pandas as pd
import pytest
import smoke


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return smoke.checkout(tmp_path_factory.mktemp("smoke"), "multitask")


def test_every_notebook_runs_and_every_table_is_written(checkout):
    smoke.every_notebook_runs(checkout)
    tables = checkout / "reports/quick/multitask/tables"
    for number, corpus in ((1, "itc_irst"), (2, "tut_sed_synthetic_2016")):
        table = pd.read_csv(tables / f"table{number}.csv")
        assert table["class"].tolist()[-2:] == ["Average", "Overall"]
        assert set(table.corpus) == {corpus} and set(table.source) == {"foley"}
        overall = table.set_index("class").loc["Overall"]
        assert overall.references > 10
        # after two epochs nothing is found one to one, whatever the paper's counting says
    strict = pd.read_csv(tables / "one_to_one.csv")
    assert set(strict.system) == {"proposed", "baseline", "always on"}
    assert (strict.overall_ER_mean > 50).all()
    waits = pd.read_csv(tables / "early.csv")
    assert waits.groupby("seed").size().eq(8).all()


def test_the_comparison_has_every_system(checkout):
    tables = checkout / "reports/quick/comparison/tables"
    table = pd.read_csv(tables / "scores.csv")
    assert len(table) == 11 and set(table.supervision) == {"strong", "weak (tags)"}
    assert table.F1_frm_mean.between(0, 100).all()
    assert len(pd.read_csv(tables / "seeds.csv")) == 22
    assert len(pd.read_csv(tables / "leads.csv")) == 10


def test_every_claim_has_one_verdict(checkout):
    smoke.every_claim_has_one_verdict(checkout, "phan2018_multitask")


def test_what_a_stage_reads_is_listed(checkout):
    smoke.what_a_stage_reads_is_listed(checkout)


def test_every_notebook_opens_and_changes_nothing(checkout):
    smoke.every_notebook_opens(
        checkout, {"10_corpus", "12_recorded", "20_features", "21_gradual_features", "30_train"}
    )


def test_nothing_is_left_to_do(checkout):
    smoke.nothing_is_left_to_do(checkout)


def test_pages_and_notebooks_stand_alone(checkout):
    smoke.pages_and_notebooks_stand_alone(checkout)
