"""The pipeline's own promises: declared what is used, notebooks without outputs, the lock up to date."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
import record
import yaml

from sedutils.pipeline import closure, params
from sedutils.site import runner

NAMED = re.compile(r"/(\w+\.ipynb) ")
STAGES = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
# What else lies there is the reader's own
NOTEBOOKS = sorted({Path(f"notebooks/{n}") for s in STAGES.values() for n in NAMED.findall(str(s))})


def stages_of(notebook):
    """The stages that run a notebook: name -> stage."""
    return {n: s for n, s in STAGES.items() if f"/{notebook.name} " in s["cmd"]}


def test_a_stage_runs_every_notebook():
    names = record.git("ls-files", "notebooks/*.ipynb").decode().split()
    assert [str(notebook) for notebook in NOTEBOOKS] == names


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stage_depends_on_the_code_of_its_notebook_and_on_what_it_reaches(notebook):
    for stage in stages_of(notebook).values():
        named = [d for d in stage["deps"] if d.startswith(("${code}", "sedutils"))]
        assert named == [f"${{code}}/{notebook.stem}.{kind}" for kind in ("ipynb", "files")]


def test_words_beside_claims_leave_corpora_features_and_trainings_as_they_are():
    for notebook in NOTEBOOKS:
        cells = nbformat.read(notebook, 4).cells
        code = "\n".join(c.source for c in cells if c.cell_type == "code")
        reached = [path.name for path in closure.files_behind(code, notebook)]
        assert ("tables.py" in reached) <= (notebook.name > "4"), notebook


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stage_gives_parameters_its_notebook_has(notebook):
    for stage in stages_of(notebook).values():
        given = set(re.findall(r"(\w+)=\S*\$", stage["cmd"]))
        assert given and given <= papermill.inspect_notebook(str(notebook)).keys()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_a_chapter(notebook):
    # as it would be committed: a reader's copy has outputs and a kernel of its own
    text = record.staged(str(notebook))
    assert runner.clean(text) == text  # no outputs, no private kernel, no version
    nb = nbformat.reads(text, 4)
    assert nb.cells[0].source.startswith("# ")
    assert "\nPaper: " in nb.cells[0].source
    assert sum("parameters" in c.metadata.get("tags", []) for c in nb.cells) == 1
    for cell in nb.cells:
        assert cell.cell_type != "code" or cell.source.count("\n") < 40, cell.source


@pytest.fixture
def project(tmp_path, staged, monkeypatch):
    """A project of one notebook, its text and outputs as JupyterLab saves them."""
    shutil.copy(staged / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    output = nbformat.v4.new_output("stream", text="2\n")
    code = nbformat.v4.new_code_cell(
        "from sedutils.show import player",
        execution_count=3,
        outputs=[output],
        metadata={"scrolled": True},
    )
    cells = [nbformat.v4.new_markdown_cell("words"), code]
    saved = {
        "kernelspec": {"name": "python3", "display_name": "mine"},
        "language_info": {"name": "python"},
    }
    Path("notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=saved), "notebooks/10_n.ipynb")
    return tmp_path


def test_what_stages_depend_on_holds_no_text_and_no_outputs(project):
    runner.sources()
    code = nbformat.read("data/notebooks/code/10_n.ipynb", 4)
    assert [c.source for c in code.cells] == ["from sedutils.show import player"]
    assert code.cells[0].execution_count is None and not code.cells[0].outputs
    listed = Path("data/notebooks/code/10_n.files").read_text()
    assert re.search(r"^[0-9a-f]{64}  sedutils/show/player.css$", listed, re.M)
    stages_see = {p: p.read_bytes() for p in Path("data/notebooks/code").iterdir()}
    path = Path("notebooks/10_n.ipynb")
    path.write_text(path.read_text().replace("words", "other words"))
    runner.sources()
    assert {p: p.read_bytes() for p in Path("data/notebooks/code").iterdir()} == stages_see
    assert "other words" in Path("data/notebooks/text/10_n.ipynb").read_text()
    assert params.resolved("paper") == json.loads(Path("data/params/paper.json").read_text())


OWN = """{"cells": [{"cell_type": "raw", "source": "words", "metadata": {}},
  {"cell_type": "code", "source": "%matplotlib inline", "metadata": {}, "outputs": [], "execution_count": 3}],
 "metadata": {}, "nbformat": 4, "nbformat_minor": 2}"""


def test_a_readers_own_notebook_is_no_part_of_the_pipeline(project):
    Path("notebooks/Untitled.ipynb").write_text(OWN)
    runner.sources()
    assert {p.stem for p in Path("data/notebooks/code").iterdir()} == {"10_n", "report"}


def test_git_keeps_a_readers_own_notebook_too():
    kept = runner.clean(OWN)
    assert runner.clean(OWN) == runner.clean(kept) == kept
    assert [c.source for c in nbformat.reads(kept, 4).cells] == ["words", "%matplotlib inline"]


def test_git_keeps_what_the_author_wrote(project):
    kept = runner.clean(Path("notebooks/10_n.ipynb").read_text())
    assert runner.clean(kept) == kept
    nb = nbformat.reads(kept, 4)
    assert nb.metadata == runner.KERNEL
    assert not nb.cells[1].outputs and not nb.cells[1].metadata and not nb.cells[1].execution_count
    assert nb.cells[1].id == nbformat.read("notebooks/10_n.ipynb", 4).cells[1].id


def run_notebook(tmp_path, *cells, **given):
    """Run code cells, the first one being the parameters, through the runner."""
    cells = [nbformat.v4.new_code_cell(c) for c in cells]
    nb = nbformat.v4.new_notebook(cells=cells, metadata=runner.KERNEL)
    nb.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nb, tmp_path / "n.ipynb")
    runner.run(tmp_path / "n.ipynb", tmp_path / "out" / "n.ipynb", given)
    return nbformat.read(tmp_path / "out" / "n.ipynb", 4)


PROGRESS = """from sedutils.pipeline import jobs
def count(**_): jobs.Progress("counting", total=3).update(3)
count(); jobs.parallel(count, [{}], label="jobs", backend="processes", workers=2);"""


def test_an_executed_notebook_has_the_same_bytes_twice(tmp_path, capfd):
    cells = ("size = 'a'", "for i in range(3): print(i, size)", PROGRESS, "1")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        nb = run_notebook(tmp_path / name, *cells, size="b")
    assert (tmp_path / "one/out/n.ipynb").read_bytes() == (
        tmp_path / "two/out/n.ipynb"
    ).read_bytes()
    outputs = [o for c in nb.cells for o in c.get("outputs", [])]
    assert outputs[0].text == "0 b\n1 b\n2 b\n"
    assert len(outputs) == 2
    assert (
        capfd.readouterr().err.count("counting 3/3") == 4
    )  # twice a run: from here and from a worker


def test_tidying_keeps_text_and_drops_stderr():
    run = nbformat.v4.new_code_cell(
        "1", outputs=[nbformat.v4.new_output("stream", name="stderr", text="half done")]
    )
    preamble = nbformat.v4.new_code_cell(runner.PREAMBLE)
    text = nbformat.v4.new_markdown_cell("words")
    kept = runner.tidy(nbformat.v4.new_notebook(cells=[preamble, text, run])).cells
    assert [c.source for c in kept] == ["words", "1"]
    assert kept[1].outputs == []


def test_an_unknown_parameter_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match="unknown parameter 'sise', it has size"):
        run_notebook(tmp_path, "size = 'a'", sise="b")


def test_a_failed_cell_and_a_warning_end_the_stage(tmp_path):
    for cell in (
        "raise ValueError('x = 3 is odd')",
        "import warnings\nwarnings.warn('x = 3 is odd')",
    ):
        with pytest.raises(SystemExit, match=r"n.ipynb: \w+: x = 3 is odd"):
            run_notebook(tmp_path, "size = 'a'", cell)
        assert not (tmp_path / "out" / "n.ipynb").exists()


def test_a_busy_machine_ends_no_stage(tmp_path, monkeypatch):
    """A slow kernel, or a cell's late last output, is waited for; a kernel that does not come up is started again."""
    seen = []

    def execute(client, **_):
        seen.append((client.startup_timeout, client.iopub_timeout))
        if len(seen) == 1:
            raise RuntimeError("Kernel didn't respond in 300 seconds")

    monkeypatch.setattr("papermill.clientwrap.PapermillNotebookClient.execute", execute)
    code, executed = tmp_path / "code.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(metadata=runner.KERNEL), code)
    monkeypatch.setattr(runner, "prepare_environment", lambda: None)
    runner.run(code, executed, {})
    assert seen == [(runner.PATIENCE_S / 2, runner.PATIENCE_S)] * 2
