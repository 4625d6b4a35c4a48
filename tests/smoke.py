"""The pipeline at smoke size, a chapter at a time, in checkouts of their own with nothing but its sources."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import record
import yaml

from sedutils import markup

# Stages that all checkouts have, those of the later chapters, and the corpora in the matrices of each
SHARED = ("sources", "report")
STAGES = {
    # and the comparison of all chapters, which takes the systems of this one and of the first
    "multitask": (
        *("features_multitask", "train_multitask", "multitask"),
        *("features_comparison", "features_comparison_gradual"),
        *("train_comparison", "comparison"),
    ),
    "rare": (
        *("rare_events", "acoustic_model", "features_rcrnn", "features_gradual"),
        *("train_rcrnn", "train_gradual", "rcrnn", "gradual"),
    ),
    "weak": ("domestic", "features_domestic", "train_weak", "fbcrnn"),
}
CORPORA = {
    "crnn": ("tut_sed_synthetic_2016", "tut_sed_2009", "tut_sound_events_2016", "chime_home"),
    "multitask": ("tut_sed_synthetic_2016", "itc_irst"),
    "rare": (),
    "weak": (),
}

TINY = {
    "corpora": {
        "tut_sed_synthetic_2016": {
            "mixture_s": 20.0,
            "mixtures": {"train": 8, "validation": 8, "test": 8},
            "uses_per_instance": 3.0,
        },
        # recordings this short hold every class of their scene only when many sound at once
        "tut_sed_2009": {
            "recordings_per_scene": 3,
            "recording_s": 10.0,
            "polyphony": 4.0,
            "folds": 3,
        },
        "tut_sound_events_2016": {
            "recordings_per_scene": 3,
            "recording_s": 20.0,
            "polyphony": 4.0,
            "folds": 3,
        },
        "chime_home": {"development": 24, "evaluation": 12},
        "itc_irst": {
            "train_sessions": 2,
            "test_sessions": 1,
            "events_per_class": 1,
            "session_s": 80.0,
        },
        "tut_rare_2017": {
            "clip_s": 12.0,
            "clips": {
                "pretraining": 4,
                "detection": 4,
                "validation": 4,
                "development": 4,
                "evaluation": 4,
            },
            "events_share": 0.04,
            "backgrounds_share": 0.005,
        },
        "desed_2020": {
            "clip_s": 4.0,
            "clips": {
                "weak": 6,
                "unlabelled": 4,
                "synthetic": 6,
                "validation": 12,
                "public": 12,
            },
        },
        "speech": {"minutes": 1.5, "recording_s": 5.0},
    },
    "comparison": {"seconds": 5.0, "training": {"max_epochs": 2, "patience": 1}},
    "rcrnn": {"search": {"units": [4], "nodes": [8, 16]}},
    "weak_training": {"batch_clips": 3, "steps": 2, "validation_steps": 1},
    "acoustic_model": {
        "dim": 24,
        "bottleneck": 8,
        "strides": [1, 0, 3],
        "prefinal": 8,
        "max_epochs": 1,
    },
    "systems": {
        "gmm": {"components": 2, "frames_per_model": 500},
        "fnn": {"units": 16},
        "cnn": {"maps": 4},
        "rnn": {"units": 8},
        "crnn": {"maps": 4},
        "multilabel_crnn": {"maps": 4, "units": 4},
        "rcrnn": {"widths": [4, 4], "units": 4, "nodes": 8, "sequence_frames": 517},
        "cbrnn": {"channels": 2, "units": 4, "sequence_frames": 120},
        "finetuning_net": {"sequence_frames": 120},
        "fbcrnn": {"widths": [4, 4], "units": 4},
        "tag_cnn": {"widths": [4, 4], "units": 4},
    },
    # a mixture of 20 s holds no longer sequence
    "families": {
        "tut_sed_synthetic_2016": {
            "sequence_length": {"systems": ["crnn_8", "crnn_256", "rnn_8", "rnn_256"]},
            "multitask": {"training": {"max_epochs": 2}},
        },
        "itc_irst": {"multitask": {"training": {"max_epochs": 2}}},
        "tut_rare_2017": {
            "rcrnn": {"seeds": 1, "training": {"max_epochs": 1}},
            "gradual": {"seeds": 1, "training": {"max_epochs": 1}},
        },
    },
    "grid": {
        "corpora": {
            name: {"points": 1}
            for name in (
                "tut_sed_synthetic_2016",
                "chime_home",
                "tut_sed_2009",
                "tut_sound_events_2016",
            )
        }
    },
    "training": {"seeds": [1, 2], "max_epochs": 2, "minimum_epochs": 1},
    "evaluation": {"resamples": 100},
}

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
        return {*SHARED, "corpus", "recorded", "features", "train", *STAGES[chapter]}
    return {*SHARED, *STAGES[chapter]}


def checkout(folder, chapter):
    """The sources with a tiny laptop size and no stages but a chapter's.

    Every job runs in the kernel, since starting workers takes longer, and without the lock, all of which
    DVC writes after every stage.
    """
    copy_of_the_sources(folder)
    tree = yaml.safe_load((folder / "params.yaml").read_text())
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
    commands = " ".join(str(stage["cmd"]) for stage in pipeline["stages"].values())
    for notebook in (folder / "notebooks").glob("*.ipynb"):
        if f"/{notebook.name} " not in commands:
            notebook.unlink()
    return folder


def repro(folder, *arguments):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["dvc", "repro", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def every_notebook_runs(folder):
    done = repro(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    notebooks = {p.stem for p in (folder / "notebooks").glob("*.ipynb")}
    executed = {p.stem.split("@")[0] for p in (folder / "data/notebooks/executed").glob("*.ipynb")}
    assert executed == notebooks
    overview = (folder / "reports/index.html").read_text()
    for page in executed:
        assert page.split("_", 1)[1].replace("_", "-") in overview


def every_claim_has_one_verdict(folder, *papers):
    """And on sound that is not the paper's nothing counts as reproduced."""
    tables = [pd.read_csv(p) for p in (folder / "reports/laptop/tables").glob("*claims.csv")]
    judged = [claim for table in tables for claim in table.claim.unique()]
    facts = [yaml.safe_load((folder / f"data/published/{p}.yaml").read_text()) for p in papers]
    assert sorted(judged) == sorted(claim["id"] for paper in facts for claim in paper["claims"])
    for table in tables:  # of numbers of parameters no corpus is the ground
        verdicts = table.verdict[table.source != "official"]
        assert not set(verdicts) & {"reproduced", "not reproduced"}


def nothing_is_left_to_do(folder):
    done = repro(folder)
    assert "Running stage" not in done.stdout and done.returncode == 0


def pages_and_notebooks_stand_alone(folder):
    """Nothing is fetched, and no address of an object and no path of the machine is kept."""
    pages = list((folder / "reports").rglob("*.html"))
    assert len(pages) >= 5
    for page in pages:
        assert not list(markup.remote(page.read_text())), page.name
    for path in (folder / "data/notebooks/executed").glob("*.ipynb"):
        text = json.dumps(json.loads(path.read_text()))
        assert " at 0x" not in text and str(folder) not in text, path.name
