"""Jobs: the same results in this process, in others and on a cluster that loses a worker."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import refused
from sections import FRONT_END, TRAINING

from sedutils.pipeline import files, jobs
from sedutils.training import systems

SETTINGS = TRAINING | {"max_epochs": 40, "minimum_epochs": 40, "checkpoint_epochs": 1}
FNN = {
    "kind": "FNN",
    "context": 5,
    "layers": 2,
    "pieces": 2,
    "dropout": 0.25,
    "sequence_frames": 64,
    "batch_frames": 128,
    "learning_rate": 0.01,
}


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """Features of six recordings in which two bands tell the classes."""
    folder, rng = tmp_path_factory.mktemp("features"), np.random.default_rng(0)
    targets = np.repeat(rng.random((36, 2)) < 0.4, 50, axis=0)
    values = rng.normal(size=(1800, 40)) + 2 * np.repeat(targets, 20, axis=1)
    np.save(folder / "log_mel.npy", values.astype(np.float32))
    np.save(folder / "targets.npy", targets.astype(np.uint8))
    statistics = {"fixed": {"log_mel": {"mean": [0.0] * 40, "std": [1.0] * 40}}}
    (folder / "statistics.json").write_text(json.dumps(statistics))
    (folder / "labels.txt").write_text("cat\ndog\n")
    rows = {"recording": list("abcdef"), "split": ["train"] * 4 + ["validation", "test"]}
    rows |= {"scene": "x", "first_frame": range(0, 1800, 300), "frames": 300, "duration_s": 6.0}
    files.write_csv(folder / "recordings.csv", pd.DataFrame(rows))
    return folder


def grid(features):
    """Six trainings; their results go to the current folder."""
    facts = {"size": "test", "corpus": "test", "source": "foley", "features": FRONT_END}
    return [
        {
            "name": f"fnn_{units}",
            "seed": 1,
            "arguments": FNN | {"units": units},
            "features": features,
            "folder": Path("models") / str(units),
            "settings": SETTINGS,
            "facts": facts,
        }
        for units in range(16, 28, 2)
    ]


def run(folder, features, **where):
    """Table and test scores of the grid, run in an empty folder with a checkpoint cache of its own."""
    with contextlib.chdir(folder):
        table = pd.DataFrame(jobs.parallel(systems.train, grid(features), label="grid", **where))
    return table, [p.read_bytes() for p in sorted(folder.glob("models/*/scores_test.npy"))]


@pytest.fixture(scope="module")
def expected(features, tmp_path_factory):
    """What the grid gives in this process."""
    return run(tmp_path_factory.mktemp("here"), features, backend="in-process", workers=1)


def assert_same(found, expected):
    pd.testing.assert_frame_equal(found[0], expected[0])
    assert found[1] == expected[1] and len(found[1]) == 6


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, each in a process of its own: address, workers."""
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    known = ["--scheduler-file", str(tmp_path / "scheduler.json"), "--no-dashboard"]
    worker = ["worker", "--nthreads", "1", "--no-nanny", *known]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in (["scheduler", "--host", "127.0.0.1", "--port", "0", *known], worker, worker)
    ]
    yield tmp_path / "scheduler.json", started[1:]
    for process in reversed(started):
        process.kill()
        process.wait()


def address(file, *, workers):
    """The scheduler's address once it has so many workers."""
    from distributed import Client

    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
        return client.scheduler.address


def test_a_cluster_that_loses_a_worker_gives_the_same_table(cluster, features, expected, tmp_path):
    file, (victim, survivor) = cluster
    folder = tmp_path / "found"
    folder.mkdir()

    def strike():
        deadline = time.monotonic() + 120
        while not list(folder.glob("models/*/scores_test.npy")) and time.monotonic() < deadline:
            time.sleep(0.01)
        victim.send_signal(signal.SIGKILL)

    killer = threading.Thread(target=strike)
    killer.start()
    found = run(folder, features, backend=address(file, workers=2), workers=0)
    killer.join()
    assert victim.wait() == -signal.SIGKILL and survivor.poll() is None
    assert_same(found, expected)


def test_processes_give_the_same_table(features, expected, tmp_path):
    assert_same(run(tmp_path, features, backend="processes", workers=2), expected)


@pytest.mark.parametrize("silent", [False, True])
def test_a_scheduler_that_does_not_answer_is_one_line_within_ten_seconds(silent):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if silent:  # takes the connection, and never says a word
            taken.listen()
        dead = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        start = time.monotonic()
        refused(
            ConnectionError,
            lambda: jobs.parallel(dict, [{}], label="none", backend=dead, workers=0),
            f"jobs.scheduler = {dead!r}",
        )
        assert time.monotonic() - start < 10


def test_dask_is_imported_only_when_it_is_used():
    script = (
        "import sys; from sedutils.pipeline import jobs\n"
        "print(jobs.parallel(dict, [{'a': 1}], label='x', backend='in-process', workers=1))\n"
        "print('distributed' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["[{'a': 1}]", "False"]
