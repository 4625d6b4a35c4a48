"""Where things lie: from the root, from notebooks/, from elsewhere; by hand beside what the pipeline made."""

import os
from pathlib import Path

import pytest

from sedutils.pipeline import params, places

HERE = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without code of its own, the current folder being its root."""
    (tmp_path / "params.yaml").write_text("")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(places.PIPELINE, raising=False)
    return tmp_path


def test_in_the_root_paths_are_those_of_the_pipeline(project):
    assert places.corpus("laptop", "a-foley") == Path("data/corpora/laptop/a-foley")
    assert places.features("laptop", "kao2018", "a") == Path("data/features/laptop/kao2018/a")
    assert places.models("laptop", "a", "main", "1") == Path("data/models/laptop/a/main/1")
    assert places.report("laptop", "crnn") == Path("reports/laptop/crnn")


def test_from_the_notebooks_they_lead_to_the_same_files(project, monkeypatch):
    wanted = places.published("phan2018_multitask").resolve()
    monkeypatch.chdir(project / "notebooks")
    found = places.published("phan2018_multitask")
    assert found.resolve() == wanted and not found.is_absolute()


def test_outside_every_project_they_are_those_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.root().resolve() == HERE


def test_the_code_of_one_checkout_does_not_work_in_another(project, monkeypatch):
    (project / "sedutils").mkdir()
    monkeypatch.chdir(project / "notebooks")
    with pytest.raises(ValueError, match=r"belongs to .* runs the code of") as caught:
        places.root()
    assert str(project) in str(caught.value) and str(HERE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_made_by_hand_lies_beside(project, monkeypatch, capsys):
    places.say_where.cache_clear()
    monkeypatch.chdir(project / "notebooks")
    made = [places.made(places.report("laptop", name)) for name in ("crnn", "rcrnn")]
    assert made[0] == Path("../data/by_hand/reports/laptop/crnn")
    assert capsys.readouterr().err.count("data/by_hand") == 1
    monkeypatch.setenv(places.PIPELINE, "1")
    assert places.made(places.report("laptop", "crnn")) == places.report("laptop", "crnn")


def test_folders_that_params_name_are_found_from_the_notebooks(staged, monkeypatch):
    monkeypatch.chdir(staged)
    (settings,) = params.load("corpora.tut_rare_2017", size="laptop")
    (staged / "notebooks").mkdir()
    monkeypatch.chdir(staged / "notebooks")
    (there,) = params.load("corpora.tut_rare_2017", size="laptop")
    assert there["official"] == os.path.join("..", settings["official"])
    assert there | {"official": 0, "bank": 0} == settings | {"official": 0, "bank": 0}


def test_the_cache_is_absolute(project):
    assert places.cache_of("checkpoints") == project.resolve() / ".cache/checkpoints"
