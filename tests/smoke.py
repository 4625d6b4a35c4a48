"""The pipeline at smoke size, a chapter at a time, in checkouts of their own with nothing but its sources.

python tests/smoke.py [CHAPTER ...]        crnn, multitask, rare, weak; all where none is named
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pandas as pd
import record
import yaml
from nbclient import NotebookClient

from sedutils.pipeline import closure, files
from sedutils.show import markup

# Stages that all checkouts have, those of the later chapters, and the corpora in the matrices of each
SHARED = ("sources", "report")
STAGES = {
    # and the comparison of all chapters, which takes the systems of this one and of the first
    "multitask": (
        *("features_phan2018", "train_multitask", "multitask"),
        *("features_kao2018", "features_ebbers2020", "features_comparison_gradual"),
        *("train_comparison", "comparison"),
    ),
    "rare": (
        *("rare_events", "acoustic_model", "features_kao2018", "features_gradual"),
        *("train_rcrnn", "train_gradual", "rcrnn", "gradual"),
    ),
    "weak": ("domestic", "features_ebbers2020", "train_weak", "fbcrnn"),
}
CORPORA = {
    "crnn": ("tut_sed_synthetic_2016", "tut_sed_2009", "tut_sound_events_2016", "chime_home"),
    "multitask": ("tut_sed_synthetic_2016", "itc_irst"),
    "rare": ("tut_rare_2017",),
    "weak": ("desed_2020",),
}

TINY = yaml.safe_load(Path(__file__).with_name("smoke.yaml").read_text())
# Where git has no params.yaml it is the user's, who may build, read and run something else
MADE_HERE = {
    "build": {"sizes": ["laptop"]},
    "corpora": {
        **{name: {"source": "foley"} for name in TINY["corpora"]},
        "speech": {"source": "espeak"},
    },
    "jobs": {"backend": "in-process"},
}
# What a checkout has of the project: as it stands here, and as it is staged
CODE = ("data/published", "notebooks", "sedutils")
HELD = (
    *(".dvc/config", ".dvcignore", ".gitignore", "params.yaml"),
    *("data/measured/*.csv", "data/raw/*/README.md"),
)


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


def overlay(base, over):
    for key, value in over.items():
        if isinstance(value, dict):
            overlay(base.setdefault(key, {}), value)
        else:
            base[key] = value


def copy_of_the_sources(folder):
    """All that the pipeline begins with, in a folder in which DVC works."""
    for name in CODE:
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(record.ROOT / name, folder / name, ignore=ignored)
    shutil.copy(record.ROOT / "dvc.yaml", folder)
    record.lay(folder, *HELD)
    return repository(folder)


def repository(folder):
    """The folder as DVC wants it: a repository, or told that there is no git."""
    if shutil.which("git"):
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    else:
        (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    return folder


def stages_of(chapter, declared):
    """Names of a chapter's stages among those of dvc.yaml; the first chapter has what no other has."""
    if chapter == "crnn":
        return set(declared).difference(*STAGES.values())
    if chapter == "multitask":
        return {*SHARED, "corpus", "recorded", "features_cakir2017", "train", *STAGES[chapter]}
    return {*SHARED, *STAGES[chapter]}


def checkout(folder, chapter, values=None):
    """The sources with a tiny laptop size and no stages but a chapter's.

    Every job runs in the kernel, since starting workers takes longer, and without the lock, all of which
    DVC writes after every stage.

    values : a params.yaml other than the staged one
    """
    copy_of_the_sources(folder)
    tree = yaml.safe_load((values or folder / "params.yaml").read_text())
    overlay(tree, MADE_HERE)
    overlay(tree["sizes"]["laptop"], TINY)
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
    kept = stages_of(chapter, pipeline["stages"])
    pipeline["stages"] = {name: s for name, s in pipeline["stages"].items() if name in kept}
    if chapter == "multitask":
        pipeline["stages"]["train"]["matrix"]["family"] = ["main"]
    for stage in pipeline["stages"].values():
        corpora = stage.get("matrix", {}).get("corpus")
        if corpora:
            wanted = [c for c in corpora if c.split("-")[0] in CORPORA[chapter]]
            stage["matrix"]["corpus"] = wanted
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
    (folder / "sitecustomize.py").write_text(OPENED)
    commands = " ".join(str(stage["cmd"]) for stage in pipeline["stages"].values())
    for notebook in (folder / "notebooks").glob("*.ipynb"):
        if f"/{notebook.name} " not in commands:
            notebook.unlink()
    return folder


def command(folder, *arguments, shown=False):
    """Run a command of this environment in a checkout; what it prints is shown, or captured."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder)}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=not shown, text=True, check=False
    )


def repro(folder, *arguments, shown=False):
    return command(folder, "dvc", "repro", *arguments, shown=shown)


def run(*chapters):
    """Make chapters from the working tree, each in a folder of its own, and name it."""
    for chapter in chapters:
        if chapter not in CORPORA:
            sys.exit(f"no chapter {chapter!r}: it is one of {', '.join(CORPORA)}")
    for chapter in chapters or CORPORA:
        folder = Path(tempfile.mkdtemp(prefix=f"smoke-{chapter}-"))
        done = repro(checkout(folder, chapter, values=record.ROOT / "params.yaml"), shown=True)
        if done.returncode:
            sys.exit(f"Chapter {chapter} did not end well; what it made is in {folder}")
        print(f"Chapter {chapter} is made. Open {folder}/reports/index.html")


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
    tables = [pd.read_csv(p) for p in (folder / "reports/laptop").glob("*/tables/claims.csv")]
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
    stages = {name for name in pipeline["stages"] if name not in SHARED}
    for name in names:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b"\n")
        try:
            command(folder, "python", "-m", "sedutils.site.runner", "sources")
            due = json.loads(command(folder, "dvc", "status", "--json").stdout)
        finally:
            (folder / name).write_bytes(content)
        assert {stage.split("@")[0] for stage in due} - set(SHARED) == {
            stage for stage in stages if name in listed(folder, stage)
        }, name
    command(folder, "python", "-m", "sedutils.site.runner", "sources")


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
    for path in by_hand.rglob("reports/laptop/*/*/*"):
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
    for path in (folder / "data/notebooks/executed").glob("*.ipynb"):
        text = json.dumps(json.loads(path.read_text()))
        assert " at 0x" not in text and str(folder) not in text, path.name


if __name__ == "__main__":
    run(*sys.argv[1:])
