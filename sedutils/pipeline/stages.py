"""The stages of dvc.yaml one by one, without DVC, which takes a second to say the same."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedutils.pipeline import params

PLACEHOLDER = re.compile(r"\$\{([\w.]+)\}")


@dataclass(frozen=True)
class Stage:
    """What a stage runs, and the paths that it needs and makes, from the project's root."""

    command: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]


def every(folder: Path) -> dict[str, Stage]:
    """Every stage of a project by the name that DVC gives it, such as ``train@laptop-main``."""
    tree = params.read(folder / "dvc.yaml")
    values = params.read(folder / params.PARAMS)
    for named in tree.get("vars", []):
        values |= named
    found = {}
    for name, stage in tree["stages"].items():
        matrix = filled(stage.get("matrix", {}), values)
        for item in params.combinations(matrix):
            parts = filled(
                {k: stage.get(k, []) for k in ("cmd", "deps", "outs")}, values | {"item": item}
            )
            key = f"{name}@{'-'.join(item.values())}" if item else name
            found[key] = Stage(parts["cmd"], tuple(parts["deps"]), tuple(map(_path, parts["outs"])))
    return found


def filled(tree: Any, values: dict) -> Any:
    """A tree with values in place of placeholders; one that is a whole text may stand for a list."""
    if isinstance(tree, dict):
        return {filled(key, values): filled(value, values) for key, value in tree.items()}
    if isinstance(tree, list):
        return [filled(value, values) for value in tree]
    if not isinstance(tree, str):
        return tree
    if whole := PLACEHOLDER.fullmatch(tree):
        return params.branch(values, whole[1])
    return PLACEHOLDER.sub(lambda found: str(params.branch(values, found[1])), tree)


def before(stages: dict[str, Stage]) -> dict[str, set[str]]:
    """The stages that each one waits for: those that make something of what it needs."""
    return {
        name: {
            other
            for other, maker in stages.items()
            if other != name and any(_meet(dep, out) for dep in stage.deps for out in maker.outs)
        }
        for name, stage in stages.items()
    }


def _path(out: str | dict) -> str:
    return out if isinstance(out, str) else next(iter(out))


def _meet(one: str, other: str) -> bool:
    """Whether one path is the other or lies in it."""
    return (
        Path(one) == Path(other)
        or f"{one}/".startswith(f"{other}/")
        or f"{other}/".startswith(f"{one}/")
    )
