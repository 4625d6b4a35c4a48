"""The chapter on Cakir et al. 2017 and all that is not another chapter's, at size `quick`."""

import pandas as pd
import pytest
import record
import smoke


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return smoke.checkout(tmp_path_factory.mktemp("smoke"), "crnn")


def test_every_notebook_runs_and_every_table_is_written(checkout):
    smoke.every_notebook_runs(checkout)
    table = pd.read_csv(checkout / "reports/quick/crnn/tables/table2.csv")
    methods = {"GMM", "FNN", "CNN", "RNN", "CRNN", "silence", "everything always on"}
    assert methods <= set(table.method)
    assert table.set_index("method").ER_frm_mean["silence"] == pytest.approx(1)
    assert set(table.source) == {"foley"} and set(table["size"]) == {"quick"}
    claims = pd.read_csv(checkout / "reports/quick/crnn/tables/claims.csv")
    assert {"C01", "C02", "C04", "C06", "C08"} <= set(claims.claim)
    recorded = pd.read_csv(checkout / "reports/quick/crnn_recorded/tables/claims.csv")
    assert {"C03", "C17", "C23", "C26", "C27", "C31", "C32"} <= set(recorded.claim)
    assert not set(claims.claim) & set(recorded.claim)
    for verdicts in (claims.verdict, recorded.verdict):
        assert not set(verdicts) & {"reproduced", "not reproduced"}
    points = pd.read_csv(checkout / "reports/quick/crnn_grid/tables/points.csv")
    assert points.groupby("search").corpus.nunique().to_dict() == {"first": 2, "second": 2}
    assert points.groupby("corpus").selected.sum().eq(3).all()


def test_every_claim_has_one_verdict(checkout):
    smoke.every_claim_has_one_verdict(checkout, "cakir2017_crnn")


def test_what_a_stage_reads_is_listed(checkout):
    smoke.what_a_stage_reads_is_listed(checkout)


def test_every_notebook_opens_and_changes_nothing(checkout):
    smoke.every_notebook_opens(checkout)


def test_just_what_can_reach_a_file_is_due(checkout):
    styles = ["show/player.css", "show/report.css"]
    code = ["models/blocks.py", "metrics/tags.py", "foley/espeak.py", "papers/phan2018/early.py"]
    unreached = ["benchmark/run.py", "pipeline/schema.py"]
    smoke.just_what_can_reach_a_file_is_due(
        checkout, [f"sedutils/{n}" for n in styles + code + unreached]
    )


def test_nothing_is_left_to_do(checkout):
    smoke.nothing_is_left_to_do(checkout)


def test_pages_and_notebooks_stand_alone(checkout):
    smoke.pages_and_notebooks_stand_alone(checkout)


def test_bad_params_end_in_one_line_before_any_work(checkout):
    path = checkout / "params.yaml"
    good = path.read_text()
    path.write_text(good.replace("learning_rate:", "learnig_rate:", 1))
    try:
        done = smoke.repro(checkout)
    finally:
        path.write_text(good)
    assert done.returncode != 0
    assert "learnig_rate" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_the_lock_is_the_record_of_the_sources(tmp_path):
    record.unpack(tmp_path)
    done = smoke.repro(smoke.repository(tmp_path), "--dry", "--allow-missing")
    assert done.returncode == 0, done.stderr
    assert "Running stage" not in done.stdout, done.stdout
