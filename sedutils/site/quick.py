"""A first look: every notebook and every page at size `quick`, in a copy of this project's sources.

    python -m sedutils.site.quick [CHAPTER ...]     crnn, multitask, rare, weak; all in one where none is named

What is made lies in quick/, anew at every call. Git and DVC leave it alone: no table, no lock and no setting changes
here. DVC runs one stage at a time; starting each takes longer than its work at this size, so here as many go at once
as there are cores.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

import joblib
import yaml

from sedutils.pipeline import params, stages
from sedutils.pipeline.closure import ROOT

FOLDER = ROOT / "quick"
# What a copy has of the project: what is the same for everyone, and what a reader may have changed
CODE = ("data/published", "dvc.yaml", "notebooks", "sedutils")
HELD = ("params.yaml", "data/measured/*.csv", "data/raw/*/README.md")
# Stages of every chapter, those of the later ones, and the corpora in the matrices of each
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
SIZE = "quick"
# Starting workers would take longer than what they do.
JOBS = {"backend": "in-process"}


def copy(folder: Path, *patterns: str) -> None:
    """Lay files and folders of this project into another folder."""
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        target = folder / path.relative_to(ROOT)
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(path, target, ignore=ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def cut(folder: Path, chapter: str = "") -> None:
    """Set size `quick` and sound made here in a copy, and leave a chapter's stages only where one is named."""
    tree = params.read(folder / params.PARAMS)
    made = {name: "foley" for name in tree["sizes"][SIZE]["corpora"]} | {"speech": "espeak"}
    over = {"corpora": {name: {"source": source} for name, source in made.items()}, "jobs": JOBS}
    tree = params.overlaid(tree, over | {"build": {"sizes": [SIZE]}})
    (folder / params.PARAMS).write_text(yaml.safe_dump(tree, sort_keys=False))
    if chapter:
        pipeline = params.read(folder / "dvc.yaml")
        pipeline["stages"] = stages_of(chapter, pipeline["stages"])
        (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
        commands = " ".join(str(stage["cmd"]) for stage in pipeline["stages"].values())
        for notebook in (folder / "notebooks").glob("*.ipynb"):
            if f"/{notebook.name} " not in commands:
                notebook.unlink()


def stages_of(chapter: str, declared: dict[str, dict]) -> dict[str, dict]:
    """A chapter's stages among those of dvc.yaml, for its corpora; the first has what no other has."""
    wanted = {*SHARED, *STAGES.get(chapter, ())}
    if chapter == "crnn":
        wanted |= set(declared).difference(*STAGES.values())
    elif chapter == "multitask":
        wanted |= {"corpus", "recorded", "features_cakir2017", "train"}
    kept = {name: stage for name, stage in declared.items() if name in wanted}
    for name, stage in kept.items():
        matrix = stage.get("matrix", {})
        if "corpus" in matrix:
            named = [c for c in matrix["corpus"] if c.split("-")[0] in CORPORA[chapter]]
            matrix["corpus"] = named
        if (chapter, name) == ("multitask", "train"):
            matrix["family"] = ["main"]
    return kept


def command(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run a command of this environment in a copy; what it prints is captured."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder)} | variables
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def make(folder: Path) -> None:
    """Run all stages of a copy, each when what it needs is there, as many at once as there are cores.

    Raises
    ------
    SystemExit : with what a stage has printed that ended badly
    """
    every = stages.every(folder)
    order = TopologicalSorter(stages.before(every))
    order.prepare()
    running = {}
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        while order.is_active():
            for name in order.get_ready():
                words = shlex.split(every[name].command)
                running[pool.submit(command, folder, *words, DVC_STAGE=name)] = name
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                name, done = running.pop(ended), ended.result()
                if done.returncode:
                    pool.shutdown(cancel_futures=True)
                    sys.exit(f"{done.stdout}{done.stderr}\nStage {name} did not end well")
                print(f"{time.strftime('%H:%M:%S')}  {name}", flush=True)
                order.done(name)


def main(*chapters: str) -> None:
    """Make chapters, each in a folder of its own, or everything in one."""
    for chapter in chapters:
        if chapter not in CORPORA:
            sys.exit(f"no chapter {chapter!r}: it is one of {', '.join(CORPORA)}")
    for chapter in chapters or ("",):
        folder = FOLDER / (chapter or "all")
        shutil.rmtree(folder, ignore_errors=True)
        copy(folder, *CODE, *HELD)
        cut(folder, chapter)
        index = (folder / "reports/index.html").relative_to(ROOT)
        print(f"From the first page on, open {index}", flush=True)
        make(folder)
        print(f"Done. Open {index}")


if __name__ == "__main__":
    main(*sys.argv[1:])
