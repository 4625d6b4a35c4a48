"""What git holds of this project, and the rule that no test takes what a user has made for it.

A run, an edit or an experiment changes params.yaml, dvc.lock, README.md, reports/ and data/. Tests about
the record read the last commit (`committed`, `unpack`); tests that hold params.yaml to the papers read it
as it is staged, so that a key and its code can change together before they are committed (`staged`).
Where git holds nothing, as in a folder unpacked from an archive, they are skipped.
"""

import functools
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = ("params.yaml", "dvc.lock", "README.md", "reports", "data", ".cache")
FACTS = "data/published"


@functools.cache
def unknown() -> str:
    """Why there is no record here; empty where there is one."""
    command = ["git", "cat-file", "-e", "HEAD:./dvc.lock"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "no record here: git is not on the path"
    return "" if done.returncode == 0 else f"no record here: {done.stderr.partition(chr(10))[0]}"


def git(*arguments: str, **variables: str) -> bytes:
    """What git prints; the test is skipped where there is no record."""
    if unknown():
        pytest.skip(unknown())
    env = os.environ | variables
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, env=env, capture_output=True, check=True
    ).stdout


def committed(path: str) -> str:
    """A file as of the last commit."""
    return git("show", f"HEAD:./{path}").decode()


def staged(path: str) -> str:
    """A file as it would be committed now."""
    return git("show", f":./{path}").decode()


def unpack(folder: Path, *paths: str, tree: str = "HEAD") -> None:
    """Lay the files of a commit or tree into a folder, all of them or those under some paths."""
    archive = io.BytesIO(git("archive", "--format=tar", tree, "--", *paths))
    with tarfile.open(fileobj=archive) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # none in Python 3.11.2
        tar.extractall(folder)


def lay(folder: Path, *patterns: str) -> None:
    """Lay files into a folder as they are staged or, where there is no record, as they are here."""
    if not unknown():
        with (
            tempfile.TemporaryDirectory() as own
        ):  # write-tree locks its index: tests side by side would meet
            index = shutil.copy(
                ROOT / git("rev-parse", "--git-path", "index").decode().strip(), own
            )
            tree = git("write-tree", GIT_INDEX_FILE=index).decode().strip()
        return unpack(folder, *patterns, tree=tree)
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def guard() -> None:
    """From now on a test fails that opens what is the user's own, be it by a library."""
    facts, own = str(ROOT / FACTS), tuple(f"{ROOT / name}/" for name in OWN)

    def refuse(event, arguments):
        # os.open, as of shutil.rmtree, gives no mode, and its path may begin at another open folder
        if event == "open" and arguments[1] and not isinstance(arguments[0], int):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if f"{path}/".startswith(own) and not path.startswith(facts):
                pytest.fail(f"a test opens {path}, which is the user's: see tests/record.py")

    if not unknown():
        sys.addaudithook(refuse)
