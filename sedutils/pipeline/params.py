"""The values of params.yaml, handed out by section and size; `sedutils.pipeline.schema` checks them."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import yaml

from sedutils.pipeline import files, jobs, places

PARAMS = "params.yaml"
FOLDERS = ("official", "bank", "kaldi")


def overlaid(base: Any, over: Any) -> Any:
    """``base`` with the values of ``over`` in place of its own, branch by branch; lists are replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{k: overlaid(base.get(k), v) for k, v in over.items()}}


def at_size(tree: dict, sizes: dict, size: str) -> dict:
    """All sections with the values of a size laid over them, and every system in full.

    A size may name by ``base`` another one whose values it takes over where it has none of its own.
    """
    own = dict(sizes[size])
    base = own.pop("base", None)
    if base is not None and (str(base) not in sizes or "base" in sizes[base]):
        raise ValueError(f"sizes.{size}.base = {base!r}: no such size, or one with a base itself")
    whole = overlaid(overlaid(tree, sizes[base]) if base else tree, own)
    if isinstance(whole.get("systems"), dict):
        whole["systems"] = in_full(whole["systems"])
    return whole


def in_full(systems: dict[str, dict]) -> dict[str, dict]:
    """Every system with all its values: a variant names by ``base`` the system whose values it takes over."""
    full: dict[str, dict] = {}
    for entry, values in systems.items():
        for name, own in variants(entry, values).items():
            if name in full:
                raise ValueError(
                    f"systems.{name}: there twice; one entry, or one `vary`, may name it"
                )
            base = own.pop("base", None) if isinstance(own, dict) else None
            if base is not None and not (
                isinstance(base, str) and "kind" in (systems.get(base) or {})
            ):
                raise ValueError(
                    f"systems.{entry}.base = {base!r}: no such system, or itself a variant"
                )
            full[name] = overlaid(systems[base], own) if base else own
    return full


def variants(entry: str, values: Any) -> dict[str, Any]:
    """The systems that an entry stands for: itself or, of ``vary: {filter_shape: {crnn_3x3: [3, 3]}}``, crnn_3x3."""
    if not isinstance(values, dict) or "vary" not in values:
        return {entry: dict(values) if isinstance(values, dict) else values}
    shared = {key: value for key, value in values.items() if key != "vary"}
    by_key = values["vary"]
    if not isinstance(by_key, dict) or not all(isinstance(v, dict) for v in by_key.values()):
        raise ValueError(
            f"systems.{entry}.vary = {by_key!r}: give a key and, by system, its values"
        )
    return {
        name: {**shared, key: value}
        for key, named in by_key.items()
        for name, value in named.items()
    }


def resolved(size: str) -> dict:
    """The project's params.yaml at a size."""
    tree = read(places.root() / PARAMS)
    return at_size(tree, tree.pop("sizes"), size)


def write_resolved() -> None:
    """Write every size as a file of its own, of which a stage declares the branches that it reads."""
    for size in read(places.root() / PARAMS)["sizes"]:
        text = json.dumps(resolved(size), indent=1, ensure_ascii=False) + "\n"
        files.write_text(places.params(size), text)


def load(*sections: str, size: str) -> list[dict]:
    """Return sections of params.yaml with the values of a size laid over them.

    A section is named by its path, such as ``"training"`` or ``"corpora.tut_sed_synthetic_2016"``.
    Inside a DVC stage only what the stage declares under ``params`` can be read, so a forgotten
    declaration is a ``KeyError`` and not a stale result.
    """
    stage = os.environ.get("DVC_STAGE")
    tree = written(size, stage) if stage else resolved(size)
    loaded = [located(branch(tree, name)) for name in sections]
    for name, values in zip(sections, loaded, strict=True):
        if not values:
            raise KeyError(f"params.yaml has no {name!r}, or stage {stage} does not declare it")
    return loaded


def written(size: str, stage: str) -> dict:
    """What a stage declares of the values that stage `sources` has resolved."""
    return kept(json.loads(places.params(size).read_text()), declared(stage))


def located(tree: dict) -> dict:
    """Folders, which params.yaml names from the project's root, as they are named from the current folder."""
    return {
        key: located(value)
        if isinstance(value, dict)
        else str(places.root() / value)
        if key in FOLDERS and value
        else value
        for key, value in tree.items()
    }


def read(path: str | Path) -> dict:
    """A YAML file, by libyaml where PyYAML has it: ten times faster than in Python."""
    return yaml.load(
        Path(path).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )


def declared(stage: str) -> list[str]:
    """The branches of the resolved params that a stage of dvc.yaml declares.

    A placeholder stands for all there is. DVC's own answer, `dvc.api.params_show`, parses dvc.lock too and takes
    seconds in every notebook.
    """
    name = stage.rsplit(":", 1)[-1].split("@")[0]
    entries = read(places.root() / "dvc.yaml")["stages"][name].get("params", [])
    branches = [path for entry in entries for paths in entry.values() for path in paths]
    return [path.split(".${")[0] for path in branches]


def kept(tree: dict, paths: list[str]) -> dict:
    """Of a tree nothing but the branches at some dotted paths."""
    whole: dict = {}
    for path in paths:
        *parents, last = path.split(".")
        source, target = branch(tree, ".".join(parents)) if parents else tree, whole
        for parent in parents:
            target = target.setdefault(parent, {})
        if last in source:
            target[last] = source[last]
    return whole


def branch(tree: dict, path: str) -> dict:
    """The dictionary at a dotted path, empty where there is none."""
    for part in path.split("."):
        tree = tree.get(part, {})
    return tree


def workers(device: str = "cpu", *, path: str | Path | None = None) -> dict:
    """How `jobs.parallel` spreads work: ``backend`` (of a Dask cluster its address) and ``workers``.

    Section ``jobs``, read past DVC: how work is spread changes no result, so no stage depends on it.

    device : ``training.device`` of jobs that run there; of those on one GPU `jobs.gpu_trainings` go at once, while a
        cluster has as many workers as it has room for
    """
    section = read(path or places.root() / PARAMS)["jobs"]
    scheduler, at_once = section.pop("scheduler"), section.pop("gpu_trainings")
    if section["backend"] == "processes" and jobs.on_gpu(device):
        section["workers"] = at_once
    return section | ({"backend": scheduler} if section["backend"] == "dask" else {})


def combinations(lists: dict[str, list]) -> list[dict]:
    """Every choice of one value from each list."""
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
