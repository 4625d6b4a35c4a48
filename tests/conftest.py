import atexit
import json
import os
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
import record
import torch

from sedutils.pipeline import files

record.guard()

# Tests side by side that compile the same function of librosa at once can leave numba's cache broken, and then every
# later call ends the process.
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="sedutils-numba-")
atexit.register(shutil.rmtree, os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items):
    """The smoke run first: it takes longer than all the rest, which goes beside it in `make test`."""
    items.sort(key=lambda item: "test_smoke" not in item.nodeid)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def staged(tmp_path_factory):
    """A folder in which `params` finds params.yaml as it is staged."""
    folder = tmp_path_factory.mktemp("staged")
    (folder / "params.yaml").write_text(record.staged("params.yaml"))
    shutil.copy(record.ROOT / "dvc.yaml", folder)
    return folder


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Runs git in a repository of the test's own, without anything that the user has configured."""
    if not shutil.which("git"):
        pytest.skip("git is not on the path")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@b")

    def run(*arguments):
        command = ["git", "-C", str(tmp_path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet")
    return run


def refused(error, call, *needles):
    """The call raises the error with a message of one line that holds every needle."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for needle in needles:
        assert str(needle) in message


class CountingGenerator(np.random.Generator):
    """A generator that counts how often a recipe asks it for something."""

    asked = 0

    def __getattribute__(self, name):
        if name in {"uniform", "normal", "random", "integers", "choice", "exponential", "pareto"}:
            type(self).asked += 1
        return super().__getattribute__(name)


def features_folder(folder, recordings, folds, labels, targets):
    """What `features.extract` leaves behind, as far as scores need it; recordings of equal length."""
    frames = len(targets) // len(recordings)
    recordings = recordings.assign(frames=frames, first_frame=np.arange(len(recordings)) * frames)
    columns = ["recording", "split", "scene", "first_frame", "frames", "duration_s"]
    files.write_csv(folder / "recordings.csv", recordings[columns])
    files.write_text(folder / "labels.txt", "\n".join(labels) + "\n")
    files.write_npy(folder / "log_mel.npy", np.zeros((len(targets), 2), np.float32))
    files.write_npy(folder / "targets.npy", targets.astype(np.uint8))
    zero = {"log_mel": {"mean": [0.0, 0.0], "std": [1.0, 1.0]}}
    keys = ["fixed"]
    if folds is not None:
        files.write_csv(folder / "folds.csv", folds)
        keys = [f"fold {k}" for k in folds.fold.unique()]
    files.write_text(folder / "statistics.json", json.dumps(dict.fromkeys(keys, zero)))


class PhoneOracle:
    """An acoustic model that hears the phone whose place stands in the first coefficient."""

    subsampling, channel = 1, None

    def parameters(self):
        return iter([torch.zeros(1)])

    def eval(self):
        return self

    def __call__(self, x):
        return torch.nn.functional.one_hot(x[:, :, 0].long(), 41).float()
