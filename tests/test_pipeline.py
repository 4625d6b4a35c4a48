"""The pipeline's own promises: declared what is used, notebooks without outputs, the lock up to date."""

import ast
import re
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml

from sedutils import notebooks

STAGES = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
NOTEBOOKS = sorted(Path("notebooks").glob("*.ipynb"))
# how work is spread and shown changes no result, and every stage would depend on these
MACHINERY = {
    f"sedutils/{name}.py"
    for name in (
        *("params", "schema", "schema_corpora", "schema_systems", "schema_weak"),
        *("jobs", "__init__"),
    )
}


def stages_of(notebook):
    """The stages that run a notebook: name -> stage."""
    runs = {n: s for n, s in STAGES.items() if f"/{notebook.name} " in s["cmd"]}
    assert runs, f"no stage runs {notebook.name}"
    return runs


def code(notebook):
    return "\n".join(c.source for c in nbformat.read(notebook, 4).cells if c.cell_type == "code")


def imported(source):
    """Files of sedutils that a piece of Python imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sedutils":
            names |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.split(".")[0] == "sedutils"}
    for name in names:
        path = Path(name.replace(".", "/"))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                yield str(file)


def closure(source):
    """All files of sedutils behind a piece of Python."""
    found, todo = set(), set(imported(source))
    while todo:
        file = todo.pop()
        found.add(file)
        todo |= set(imported(Path(file).read_text())) - found
    return found


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 5


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stage_depends_on_every_module_its_notebook_imports(notebook):
    for name, stage in stages_of(notebook).items():
        declared = [d for d in stage["deps"] if d.startswith("sedutils")]
        missing = [
            file
            for file in closure(code(notebook)) - MACHINERY
            if not any(file == d or file.startswith(f"{d}/") for d in declared)
        ]
        assert not missing, f"stage {name} does not declare {sorted(missing)}"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stage_gives_parameters_its_notebook_has(notebook):
    for stage in stages_of(notebook).values():
        given = set(re.findall(r"(\w+)=\S*\$", stage["cmd"]))
        assert given and given <= papermill.inspect_notebook(str(notebook)).keys()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_a_chapter(notebook):
    nb = nbformat.read(notebook, 4)
    assert nb.metadata == notebooks.KERNEL  # no private kernel, no version
    assert nb.cells[0].source.startswith("# ")
    assert "\nPaper: " in nb.cells[0].source
    assert sum("parameters" in c.metadata.get("tags", []) for c in nb.cells) == 1
    for cell in nb.cells:
        assert not cell.get("outputs") and not cell.get("execution_count")
        assert cell.cell_type != "code" or cell.source.count("\n") < 20, cell.source


def test_code_only_copies_hold_no_text_and_no_outputs():
    nb = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("words"),
            nbformat.v4.new_code_cell("1 + 1", execution_count=3),
        ]
    )
    bare = notebooks.code_only(nb)
    assert [c.source for c in bare.cells] == ["1 + 1"]
    assert bare.cells[0].execution_count is None
    nb.cells[0].source = "other words"
    assert nbformat.writes(notebooks.code_only(nb)) == nbformat.writes(bare)


def run_notebook(tmp_path, *cells, **given):
    """Run code cells, the first one being the parameters, through the runner."""
    cells = [nbformat.v4.new_code_cell(c) for c in cells]
    nb = nbformat.v4.new_notebook(cells=cells, metadata=notebooks.KERNEL)
    nb.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nb, tmp_path / "n.ipynb")
    notebooks.run(tmp_path / "n.ipynb", tmp_path / "out" / "n.ipynb", given)
    return nbformat.read(tmp_path / "out" / "n.ipynb", 4)


PROGRESS = """from sedutils import jobs
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
    preamble = nbformat.v4.new_code_cell(notebooks.PREAMBLE)
    text = nbformat.v4.new_markdown_cell("words")
    kept = notebooks.tidy(nbformat.v4.new_notebook(cells=[preamble, text, run])).cells
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
    """A slow kernel, or a cell's late last output, is waited for."""
    seen = {}

    def execute(client, **_):
        seen.update(start=client.startup_timeout, output=client.iopub_timeout)

    monkeypatch.setattr("papermill.clientwrap.PapermillNotebookClient.execute", execute)
    code, executed = tmp_path / "code.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(metadata=notebooks.KERNEL), code)
    monkeypatch.setattr(notebooks, "prepare_environment", lambda: None)
    notebooks.run(code, executed, {})
    assert seen == {"start": notebooks.PATIENCE_S, "output": notebooks.PATIENCE_S}
