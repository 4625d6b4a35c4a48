"""The whole pipeline at smoke size, in a checkout of its own with nothing but what git would hold."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

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
    },
    "systems": {
        "gmm": {"components": 2, "frames_per_model": 500},
        "fnn": {"units": 16},
        "cnn": {"maps": 4},
        "rnn": {"units": 8},
        "crnn": {"maps": 4},
        "multilabel_crnn": {"maps": 4, "units": 4},
    },
    # a mixture of 20 s holds no longer sequence
    "families": {
        "tut_sed_synthetic_2016": {
            "sequence_length": {"systems": ["crnn_8", "crnn_256", "rnn_8", "rnn_256"]},
            "multitask": {"training": {"max_epochs": 2}},
        },
        "itc_irst": {"multitask": {"training": {"max_epochs": 2}}},
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


def overlay(base, over):
    for key, value in over.items():
        if isinstance(value, dict):
            overlay(base.setdefault(key, {}), value)
        else:
            base[key] = value


def copy_of_the_sources(folder):
    """Every file that git tracks or would track in a folder, which becomes a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        if Path(name).is_file() and not name.startswith("reports/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The sources with a tiny laptop size, every job in the kernel: starting workers takes longer."""
    folder = copy_of_the_sources(tmp_path_factory.mktemp("smoke"))
    (folder / "dvc.lock").unlink()  # DVC writes all of it after every stage
    tree = yaml.safe_load((folder / "params.yaml").read_text())
    overlay(tree["sizes"]["laptop"], TINY)
    tree["jobs"]["backend"] = "in-process"
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
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


def test_every_notebook_runs_and_every_table_is_written(checkout):
    done = repro(checkout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    notebooks = {p.stem for p in (checkout / "notebooks").glob("*.ipynb")}
    executed = {
        p.stem.split("@")[0] for p in (checkout / "data/notebooks/executed").glob("*.ipynb")
    }
    assert executed == notebooks
    for page in executed:
        assert (
            page.split("_", 1)[1].replace("_", "-") in (checkout / "reports/index.html").read_text()
        )
    table = pd.read_csv(checkout / "reports/laptop/tables/crnn_table2.csv")
    methods = {"GMM", "FNN", "CNN", "RNN", "CRNN", "silence", "everything always on"}
    assert methods <= set(table.method)
    assert table.set_index("method").ER_frm_mean["silence"] == pytest.approx(1)
    assert set(table.source) == {"foley"} and set(table["size"]) == {"laptop"}
    claims = pd.read_csv(checkout / "reports/laptop/tables/crnn_claims.csv")
    assert {"C01", "C02", "C04", "C06", "C08"} <= set(claims.claim)
    recorded = pd.read_csv(checkout / "reports/laptop/tables/crnn_recorded_claims.csv")
    assert {"C03", "C17", "C23", "C26", "C27", "C31", "C32"} <= set(recorded.claim)
    assert not set(claims.claim) & set(recorded.claim)
    for verdicts in (claims.verdict, recorded.verdict):
        assert not set(verdicts) & {"reproduced", "not reproduced"}
    points = pd.read_csv(checkout / "reports/laptop/tables/crnn_grid.csv")
    assert points.groupby("search").corpus.nunique().to_dict() == {"first": 2, "second": 2}
    assert points.groupby("corpus").selected.sum().eq(3).all()


def test_every_claim_has_one_verdict(checkout):
    tables = (checkout / "reports/laptop/tables").glob("*claims.csv")
    judged = [claim for path in tables for claim in pd.read_csv(path).claim.unique()]
    papers = (checkout / "data/published").glob("*.yaml")
    facts = [yaml.safe_load(path.read_text()) for path in papers]
    assert sorted(judged) == sorted(claim["id"] for of in facts for claim in of["claims"])


def test_nothing_is_left_to_do(checkout):
    done = repro(checkout)
    assert "Running stage" not in done.stdout and done.returncode == 0


def test_pages_need_nothing_from_outside(checkout):
    from sedutils import markup

    pages = list((checkout / "reports").rglob("*.html"))
    assert len(pages) >= 8
    for page in pages:
        assert not list(markup.remote(page.read_text())), page.name


def test_executed_notebooks_hold_no_addresses_and_no_paths(checkout):
    for path in (checkout / "data/notebooks/executed").glob("*.ipynb"):
        text = path.read_text()
        assert " at 0x" not in text and str(checkout) not in text, path.name


def test_bad_params_end_in_one_line_before_any_work(checkout):
    path = checkout / "params.yaml"
    good = path.read_text()
    path.write_text(good.replace("learning_rate:", "learnig_rate:", 1))
    try:
        done = repro(checkout)
    finally:
        path.write_text(good)
    assert done.returncode != 0
    assert "learnig_rate" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_the_lock_is_the_record_of_the_sources(tmp_path):
    # in a copy: what an older run left here would count as changed
    done = repro(copy_of_the_sources(tmp_path), "--dry", "--allow-missing")
    assert done.returncode == 0, done.stderr
    assert "Running stage" not in done.stdout, done.stdout
