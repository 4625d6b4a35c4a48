"""The pages while a run goes: what an index says in the midst of it, and that nothing else differs in the end."""

import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sedutils.pipeline import stages
from sedutils.site import live, report

PIPELINE = """
vars: [{run: python -m sedutils.site.runner run}, {executed: data/notebooks/executed}]
stages:
  sources: {cmd: python -m sedutils.site.runner sources, deps: [notebooks], outs: [data/notebooks/code]}
  corpus:
    matrix: {size: "${build.sizes}"}
    cmd: ${run} data/notebooks/code/10_corpus.ipynb ${executed}/10_corpus@${item.size}.ipynb size=${item.size}
    deps: [data/notebooks/code/10_corpus.ipynb]
    outs: ["data/corpora/${item.size}/a-${corpora.a.source}", "${executed}/10_corpus@${item.size}.ipynb"]
  train:
    matrix: {size: "${build.sizes}", family: [main, wide, deep]}
    cmd: ${run} data/notebooks/code/30_train.ipynb ${executed}/30_train@${item.size}-${item.family}.ipynb
      size=${item.size} family=${item.family}
    deps: ["data/corpora/${item.size}/a-${corpora.a.source}"]
    outs: ["${executed}/30_train@${item.size}-${item.family}.ipynb", {"reports/${item.family}": {cache: false}}]
  report: {cmd: python -m sedutils.site.runner report, deps: [data/notebooks/executed], outs: [reports/index.html]}
"""
TEXTS, EXECUTED, REPORTS = (
    Path(p) for p in ("data/notebooks/text", "data/notebooks/executed", "reports")
)
ABOUT = {"title": "All", "lead": "", "note": "Made here."}
FOLDERS = {"texts": TEXTS, "reports": REPORTS}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of a corpus and three trainings, none of which has run."""
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(PIPELINE)
    Path("params.yaml").write_text("build: {sizes: [quick]}\ncorpora: {a: {source: foley}}\n")
    for folder in (TEXTS, EXECUTED, Path("data/measured")):
        folder.mkdir(parents=True)
    Path("data/measured/stages.csv").write_text("what,value\nstage corpus,100\nstage train,3000\n")
    for name in ("10_corpus", "30_train"):
        cells = [
            new_markdown_cell(f"# About {name}\n\nWords.\n\nPaper: a"),
            new_code_cell('size = "laptop"\nfamily = ""', metadata={"tags": ["parameters"]}),
        ]
        nbformat.write(new_notebook(cells=cells), TEXTS / f"{name}.ipynb")


def execute(name, **given):
    """Lay an executed notebook where a stage does; return its path."""
    nb = nbformat.read(TEXTS / f"{name}.ipynb", 4)
    code = "\n".join(f"{key} = {value!r}" for key, value in given.items())
    nb.cells.append(new_code_cell(code, metadata={"tags": ["injected-parameters"]}))
    nb.cells = nb.cells[1:]
    path = EXECUTED / f"{name}@{'-'.join(given.values())}.ipynb"
    nbformat.write(nb, path)
    return path


def made(stage, name, **given):
    """A stage from beginning to end."""
    live.begin(stage, **FOLDERS, **ABOUT)
    live.end(stage, execute(name, **given), costs={}, **FOLDERS, **ABOUT)


def shown():
    """The index: what it says of every page, which of them can be opened, and how far the run is."""
    soup = BeautifulSoup((REPORTS / "index.html").read_text(), "html.parser")
    items = soup.select(".pages li")
    states = [item.select_one(".about b").get_text() for item in items]
    opened = [item.a["href"] for item in items if item.a]
    return states, opened, soup.select_one(".progress").get_text(), soup


def test_stages_are_told_apart_and_in_order(project):
    every = stages.every(Path())
    names = ["corpus@quick", *(f"train@quick-{family}" for family in ("main", "wide", "deep"))]
    assert [*every] == ["sources", *names, "report"]
    assert every["train@quick-wide"].command.endswith(
        "data/notebooks/executed/30_train@quick-wide.ipynb size=quick family=wide"
    )
    waits = stages.before(every)
    assert waits["corpus@quick"] == {"sources"} and waits["train@quick-main"] == {"corpus@quick"}
    assert waits["report"] == {*names} and waits["sources"] == set()


def test_the_index_says_what_is_made_what_runs_and_what_is_to_come(project):
    made("corpus@quick", "10_corpus", size="quick")
    made("train@quick-deep", "30_train", size="quick", family="deep")
    live.begin("train@quick-main", **FOLDERS, **ABOUT)
    states, opened, progress, soup = shown()
    assert [state.rstrip("0123456789:") for state in states] == [
        "made at ", "made at ", "runs since ", "not made yet"
    ]  # fmt: skip
    assert opened == ["pages/corpus-quick.html", "pages/train-quick-deep.html"]
    assert all((REPORTS / page).is_file() for page in opened)
    assert "2 of 4 pages" in progress and "Running: train@quick-main." in progress
    assert soup.select_one(".warning").get_text() == report.WARNINGS["quick"]
    assert soup.find("meta", {"http-equiv": "refresh"})["content"] == str(live.REFRESH_S)


def test_in_the_end_pages_are_as_they_were_and_nothing_of_the_run_is_left(project):
    made("corpus@quick", "10_corpus", size="quick")
    for family in ("main", "wide", "deep"):
        made(f"train@quick-{family}", "30_train", size="quick", family=family)
    pages = {p: p.read_bytes() for p in REPORTS.rglob("*@*.ipynb")} | {
        p: p.read_bytes() for p in (REPORTS / "pages").iterdir()
    }
    assert len(pages) == 8
    titles = [link.get_text() for link in shown()[3].select(".pages a")]
    report.build(TEXTS, EXECUTED, REPORTS, **ABOUT)
    assert {p: p.read_bytes() for p in pages} == pages
    text = (REPORTS / "index.html").read_text()
    assert "refresh" not in text and "made at" not in text and "A run goes on" not in text
    assert report.WARNINGS["quick"] in text
    last = BeautifulSoup(text, "html.parser")
    assert [link.get_text() for link in last.select(".pages a")] == titles


def test_pages_of_another_run_stay_and_say_so(project, monkeypatch):
    made("corpus@quick", "10_corpus", size="quick")
    made("train@quick-main", "30_train", size="quick", family="main")
    later = SimpleNamespace(pid=1, create_time=lambda: time.time() - 1)
    monkeypatch.setattr(live, "_above", lambda: later)
    live.begin("corpus@quick", **FOLDERS, **ABOUT)
    states, opened, progress, _ = shown()
    assert states[0].endswith(f"; this page is {live.EARLIER}")
    assert sorted(states[1:]) == [live.EARLIER, "not made yet", "not made yet"]
    assert len(opened) == 2 and "0 of 4 pages" in progress
    assert progress.endswith("less where nothing has changed.")


def test_what_a_stage_takes_is_as_it_last_took_or_as_was_measured(project):
    names = ["corpus@laptop", "train@laptop-main", "train@laptop-wide", "new@laptop"]
    seconds = live.expected(names, {"train@laptop-main": {"seconds": 20.0}})
    assert seconds == {
        "corpus@laptop": 100.0,
        "train@laptop-main": 20.0,
        "train@laptop-wide": 1500.0,
        "new@laptop": pytest.approx(540.0),
    }
    assert set(live.expected(["corpus@quick"], {}).values()) == {0.0}


def test_the_rest_is_told_by_the_pace_so_far():
    now = time.time()
    notes = {"a": {"began": now - 600, "ended": now}}
    assert "about 20 min" in live.progress(notes, {"a": 300, "b": 600}, earlier=False)
    started = {"a": {"began": now, "ended": None}}
    assert "about 15 min" in live.progress(started, {"a": 300, "b": 600}, earlier=False)
