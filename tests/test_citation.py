"""CITATION.cff names every paper that is reproduced here, and one licence stands everywhere."""

import tomllib
from pathlib import Path

import yaml

CITATION = yaml.safe_load(Path("CITATION.cff").read_text())
PAPERS = [yaml.safe_load(p.read_text())["paper"] for p in Path("data/published").glob("*.yaml")]


def test_every_paper_is_named():
    known = {reference["title"]: reference for reference in CITATION["references"]}
    assert len(known) == len(PAPERS)
    for paper in PAPERS:
        if "title" in paper:  # the copies of two papers lack theirs
            reference = known.pop(paper["title"])
            ids = paper["external_ids"]
            assert reference["url"] == f"https://arxiv.org/abs/{ids['arxiv']}"
            assert reference.get("doi") == ids.get("doi")
    assert len(known) == 2


def test_there_is_one_licence():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert project["license"] == CITATION["license"] == "MIT"
    (file,) = project["license-files"]
    assert Path(file).read_text().startswith("MIT License\n")
