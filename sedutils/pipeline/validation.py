"""The check of params.yaml as a whole, before any work; stage `sources` alone needs it, and no chapter loads it."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from sedutils.pipeline import params
from sedutils.pipeline.schema import Params


def validate(path: str | Path) -> None:
    """Check every value of a params file for every size; ``ValueError`` names the key in one line."""
    try:
        tree = params.read(path)
        refuse_duplicates(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("sizes"), dict):
        raise ValueError(f"{path}: no section 'sizes'")
    sizes = tree.pop("sizes")
    for size, values in sizes.items():
        if not isinstance(values, dict):
            raise ValueError(f"{path}: sizes.{size} = {values!r}: sections are needed, or {{}}")
    for size in sizes:
        try:
            checked = Params.model_validate(params.at_size(tree, sizes, size))
        except ValueError as error:
            said = first_line(error) if isinstance(error, ValidationError) else error
            raise ValueError(f"{path} ({size}): {said}") from None
        for name in checked.build.sizes:
            if name not in sizes:
                raise ValueError(f"{path}: build.sizes names {name!r}, which is not under sizes")


def refuse_duplicates(path: str | Path) -> None:
    """Complain of a key that stands twice in a section: YAML would take the last."""
    text = Path(path).read_text(encoding="utf-8")
    nodes = [yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = set()
            for key, value in node.value:
                if key.value in keys:
                    line = key.start_mark.line + 1
                    raise ValueError(f"{path}: line {line}: {key.value!r} is there twice")
                keys.add(key.value)
                nodes.append(value)


def first_line(error: ValidationError) -> str:
    """The first complaint of pydantic as ``key = value: what is wrong``."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing" or isinstance(first["input"], dict):
        return f"{key}: {message}"
    return f"{key} = {first['input']!r}: {message}"
