"""README's table is that of the reports; an experiment's folder holds what it changed."""

from pathlib import Path

import pytest
import record

from sedutils.site import readme


def test_the_table_is_that_of_the_committed_reports(tmp_path, monkeypatch):
    record.unpack(tmp_path, "README.md", "reports")
    monkeypatch.setattr(readme, "REPORTS", tmp_path / "reports")
    assert readme.table() in (tmp_path / "README.md").read_text()


@pytest.fixture
def kept(git, tmp_path, monkeypatch):
    """A repository with an experiment as DVC keeps it: a commit under refs/exps that no branch holds."""
    monkeypatch.chdir(tmp_path)
    tables = Path("reports/laptop/tables")
    tables.mkdir(parents=True)
    for name in ("same.csv", "other.csv"):
        (tables / name).write_text("1\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "base")
    base = git("rev-parse", "HEAD")
    (tables / "other.csv").write_text("2\n")
    (tables / "new.csv").write_text("3\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "experiment")
    git("update-ref", "refs/exps/12/345/mine", "HEAD")
    git("reset", "--quiet", "--hard", base)


def test_an_experiment_is_laid_beside_the_committed_reports(kept):
    stale = Path("reports/mine/tables/old.csv")
    stale.parent.mkdir(parents=True)
    stale.write_text("0\n")
    readme.experiment("mine", "make experiment NAME=mine")
    found = {p.name: p.read_text() for p in Path("reports/mine/tables").iterdir()}
    assert found == {"other.csv": "2\n", "new.csv": "3\n"}
    assert "make experiment NAME=mine" in Path("reports/mine/README.md").read_text()
    assert Path("reports/laptop/tables/other.csv").read_text() == "1\n"


def test_an_unknown_experiment_is_one_line(kept, capsys):
    with pytest.raises(SystemExit, match=r"experiment 'yours': DVC kept none"):
        readme.main(["experiment", "yours", "make"])
