"""Tests look at what git holds, and at nothing that a user has made in the folder they run in."""

import os
import shutil

import pandas as pd
import pytest
import record


@pytest.fixture
def lock(git, tmp_path, monkeypatch):
    """The file whose commit makes a record, in a repository without any."""
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "unknown", record.unknown.__wrapped__)
    (tmp_path / "dvc.lock").write_text("edited")
    return tmp_path / "dvc.lock"


def test_what_is_committed_is_told_from_what_is_staged_and_from_what_lies_there(git, lock):
    for state in ("committed", "staged"):
        lock.write_text(state)
        git("add", ".")
        if state == "committed":
            git("commit", "--quiet", "-m", "record")
    lock.write_text("edited")
    assert record.committed("dvc.lock") == "committed" and record.staged("dvc.lock") == "staged"
    record.unpack(lock.parent / "a")
    (lock.parent / ".git/index.lock").touch()  # another test, or the user, is at it
    record.lay(lock.parent / "b", "*.lock")
    assert [(lock.parent / f / "dvc.lock").read_text() for f in "ab"] == ["committed", "staged"]


def test_without_a_commit_there_is_no_record(git, lock):
    git("add", ".")
    for call in (record.committed, record.staged):
        with pytest.raises(pytest.skip.Exception, match="no record here: fatal"):
            call("dvc.lock")
    record.lay(lock.parent / "b", "*.lock")
    assert (lock.parent / "b/dvc.lock").read_text() == "edited"


@pytest.mark.parametrize("name", record.OWN)
def test_a_test_that_opens_what_is_the_users_fails(name):
    if record.unknown():
        pytest.skip(record.unknown())
    inside = record.ROOT / name / "any.csv"
    for path in (inside, os.path.relpath(inside)):
        for read in (open, pd.read_csv):
            with pytest.raises(pytest.fail.Exception, match="which is the user's"):
                read(path)
    with pytest.raises(pytest.fail.Exception, match="which is the user's"):
        (record.ROOT / name).read_bytes()


def test_folders_of_the_same_names_elsewhere_can_be_removed(tmp_path):
    (tmp_path / "a/reports").mkdir(parents=True)
    shutil.rmtree(tmp_path / "a")
    assert not list(tmp_path.iterdir())
