"""Where things lie, from wherever a notebook's kernel stands: a function a kind of thing.

Paths are relative to the current folder, so that no executed notebook holds one of this machine. The runner
works in the project's root, JupyterLab in ``notebooks/``: there they begin with ``..``.
"""

import os
import sys
from functools import cache
from pathlib import Path

# The runner sets it: what a chapter makes then belongs to the pipeline.
PIPELINE = "SEDUTILS_PIPELINE"
BY_HAND = "data/by_hand"


def root() -> Path:
    """The project's folder: the nearest one above that has a params.yaml, else that of this package.

    Raises
    ------
    ValueError : where the nearest one is another checkout than the one whose code is running
    """
    own, here = Path(__file__).resolve().parents[2], Path.cwd()
    above = (folder for folder in (here, *here.parents) if (folder / "params.yaml").is_file())
    found = next(above, own)
    if (found / "sedutils").is_dir() and found.resolve() != own:
        raise ValueError(
            f"{here} belongs to {found}, but this kernel runs the code of {own}: "
            f"choose the kernel of {found}/.venv, or open this notebook with make lab there"
        )
    return Path(os.path.relpath(found, here))


def params(size: str) -> Path:
    """The values of params.yaml at a size, as stage `sources` resolves them."""
    return root() / "data/params" / f"{size}.json"


def corpus(size: str, name: str) -> Path:
    """A corpus; its name ends with where the sound came from, such as ``tut_rare_2017-foley``."""
    return root() / "data/corpora" / size / name


def features(size: str, *parts: str) -> Path:
    """All features, or those by a front end of section ``features``, or those of a corpus by it."""
    return root().joinpath("data/features", size, *parts)


def models(size: str, corpus: str, *parts: str) -> Path:
    """The trained systems of a corpus, or of one of its families, or one of them."""
    return root().joinpath("data/models", size, corpus, *parts)


def report(size: str, chapter: str) -> Path:
    """The tables and figures of a chapter."""
    return root() / "reports" / size / chapter


def published(name: str) -> Path:
    """The numbers, claims and open points of a paper."""
    return root() / "data/published" / f"{name}.yaml"


def measured(table: str = "") -> Path:
    """The tables of the benchmark, or one of them, such as ``speed.csv``."""
    return root() / "data/measured" / table


def cache_of(kind: str) -> Path:
    """What may be deleted and is then made again, such as the checkpoints of trainings.

    Absolute, for a worker in another folder; no result holds it.
    """
    return root().resolve() / ".cache" / kind


def made(path: Path) -> Path:
    """Where a chapter writes what the pipeline has at ``path``.

    There, in a stage. By hand below ``data/by_hand``, so that trying something changes nothing that git or DVC
    hold; chapters read what the pipeline made.
    """
    if os.environ.get(PIPELINE):
        return path
    say_where()
    return root() / BY_HAND / path.relative_to(root())


@cache
def say_where() -> None:
    """Say once where the results of a chapter that is run by hand go."""
    print(f"Run by hand: what this chapter makes goes to {BY_HAND}/.", file=sys.stderr)
