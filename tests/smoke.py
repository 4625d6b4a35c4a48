"""Chapters at size `quick`, in checkouts of their own with nothing but the project's sources."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pandas as pd
import record
import yaml
from nbclient import NotebookClient

from sedutils.pipeline import closure, files
from sedutils.show import markup
from sedutils.site import quick
from sedutils.site.report import WARNINGS

# What DVC needs in a checkout
DVC = (".dvc/config", ".dvcignore", ".gitignore")

# Goes into a checkout: notes every file of the checkout's sedutils that a stage opens, whatever process does
OPENED = """
import os, sys
root, stage = os.path.dirname(os.path.abspath(__file__)), os.environ.get("DVC_STAGE")

def note(event, arguments, seen=set()):
    if event == "open" and isinstance(arguments[0], str) and arguments[0] not in seen:
        seen.add(arguments[0])
        if os.path.abspath(arguments[0]).startswith(root + "/sedutils/"):
            with open(f"{root}/.cache/opened.txt", "a") as log:
                log.write(f"{stage} {os.path.relpath(arguments[0], root)}\\n")

if stage and "SEDUTILS_PIPELINE" in os.environ:
    os.makedirs(f"{root}/.cache", exist_ok=True)
    sys.addaudithook(note)
"""


def repository(folder):
    """The folder as DVC wants it: a repository, or told that there is no git."""
    if shutil.which("git"):
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    else:
        (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    return folder


def checkout(folder, chapter):
    """A copy for DVC with size `quick` and no stages but a chapter's, its settings those that are staged."""
    quick.copy(folder, *quick.CODE)
    record.lay(folder, *quick.HELD, *DVC)
    quick.cut(repository(folder), chapter)
    (folder / "sitecustomize.py").write_text(OPENED)
    return folder


def repro(folder, *arguments):
    return quick.command(folder, "dvc", "repro", *arguments)


def every_notebook_runs(folder):
    done = repro(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    notebooks = {p.stem for p in (folder / "notebooks").glob("*.ipynb")}
    executed = {p.stem.split("@")[0] for p in (folder / "data/notebooks/executed").glob("*.ipynb")}
    assert executed == notebooks
    read = {p.stem.split("@")[0] for p in (folder / "reports/notebooks").glob("*.ipynb")}
    assert read == notebooks
    overview = (folder / "reports/index.html").read_text()
    for page in executed:
        assert page.split("_", 1)[1].replace("_", "-") in overview


def every_claim_has_one_verdict(folder, *papers):
    """And on sound that is not the paper's nothing counts as reproduced."""
    tables = [pd.read_csv(p) for p in (folder / "reports/quick").glob("*/tables/claims.csv")]
    judged = [claim for table in tables for claim in table.claim.unique()]
    facts = [yaml.safe_load((folder / f"data/published/{p}.yaml").read_text()) for p in papers]
    assert sorted(judged) == sorted(claim["id"] for paper in facts for claim in paper["claims"])
    for table in tables:  # of numbers of parameters no corpus is the ground
        verdicts = table.verdict[table.source != "official"]
        assert not set(verdicts) & {"reproduced", "not reproduced"}


def nothing_is_left_to_do(folder):
    done = repro(folder)
    assert "Running stage" not in done.stdout and done.returncode == 0


def listed(folder, stage):
    """The files that a stage depends on by the list of its notebook."""
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
    command = pipeline["stages"][stage.split("@")[0]]["cmd"]
    notebook = command.partition("${code}/")[2].partition(".ipynb")[0]
    lines = (folder / "data/notebooks/code" / f"{notebook}.files").read_text().splitlines()
    return {line.split("  ")[1] for line in lines[1:]}


def what_a_stage_reads_is_listed(folder):
    """Of sedutils, no kernel and no worker of it has opened a file that its stage does not depend on."""
    opened = {}
    for line in (folder / ".cache/opened.txt").read_text().splitlines():
        stage, path = line.split(" ", 1)
        path = Path(path)
        if path.name == "__pycache__":
            continue
        if path.parent.name == "__pycache__":
            path = path.parent.parent / f"{path.name.partition('.')[0]}.py"
        opened.setdefault(stage.rpartition(":")[2], set()).add(path.as_posix())
    assert len(opened) >= 4  # stages
    for stage, paths in opened.items():
        assert paths - closure.MACHINERY <= listed(folder, stage), stage


def just_what_can_reach_a_file_is_due(folder, names):
    """One byte more in a file, and the stages that are due are those that list it, and no other."""
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
    names_of = {name for name in pipeline["stages"] if name not in quick.SHARED}
    for name in names:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b"\n")
        try:
            quick.command(folder, "python", "-m", "sedutils.site.runner", "sources")
            due = json.loads(quick.command(folder, "dvc", "status", "--json").stdout)
        finally:
            (folder / name).write_bytes(content)
        assert {stage.split("@")[0] for stage in due} - set(quick.SHARED) == {
            stage for stage in names_of if name in listed(folder, stage)
        }, name
    quick.command(folder, "python", "-m", "sedutils.site.runner", "sources")


def every_notebook_opens(folder, elsewhere=()):
    """As JupyterLab opens it, with a kernel in ``notebooks/``, each runs whole and changes nothing held.

    elsewhere : those that another chapter's checkout opens
    """
    before = contents(folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SEDUTILS")}
    environment |= {"PYTHONPATH": str(folder)}  # this checkout has no environment of its own
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        if path.stem in elsewhere:
            continue
        notebook = nbformat.read(path, 4)
        notebook.cells[1].source += given(folder, path.stem)
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute(env=environment)
    assert contents(folder) == before
    # what chapters say by hand is what they say in a stage
    by_hand = folder / "data/by_hand"
    for path in by_hand.rglob("reports/quick/*/*/*"):
        assert path.read_bytes() == (folder / path.relative_to(by_hand)).read_bytes(), path


def given(folder, name):
    """The parameters of one of a notebook's stages: a chapter alone may lack what it has by default."""
    executed = min((folder / "data/notebooks/executed").glob(f"{name}@*.ipynb"))
    cells = [
        c for c in nbformat.read(executed, 4).cells if "injected-parameters" in c.metadata.tags
    ]
    return "".join("\n" + cell.source for cell in cells)


def contents(folder):
    """Path -> digest of every file that git or DVC may hold."""
    passed = {".cache", ".git", "by_hand", "__pycache__", "tmp", ".ipynb_checkpoints"}
    paths = (p for p in folder.rglob("*") if not passed & set(p.relative_to(folder).parts))
    return {str(p.relative_to(folder)): files.digest(p) for p in paths if p.is_file()}


def pages_and_notebooks_stand_alone(folder):
    """Nothing is fetched, and no address of an object and no path of the machine is kept."""
    pages = list((folder / "reports").rglob("*.html"))
    assert len(pages) >= 5
    for page in pages:
        assert not list(markup.remote(page.read_text())), page.name
        assert WARNINGS["quick"] in page.read_text() or "own_audio" in page.parts, page.name
    for path in (folder / "data/notebooks/executed").glob("*.ipynb"):
        text = json.dumps(json.loads(path.read_text()))
        assert " at 0x" not in text and str(folder) not in text, path.name
