"""What a piece of code can reach: the files behind a notebook, the definitions behind a training.

A stage depends on the files that its notebook reaches, a checkpoint on the definitions that decide a training's
numbers. Both are read from the source, so that nobody keeps a list.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "sedutils"
ROOT = Path(__file__).parents[2]
# These hand out params, spread work or find folders: they change no result, and every notebook reaches them.
MACHINERY = frozenset(
    f"{PACKAGE}/{name}.py"
    for name in ("__init__", *(f"pipeline/{n}" for n in ("__init__", "params", "jobs", "places")))
)


def files_behind(code: str, root: Path = ROOT) -> list[Path]:
    """Every file of sedutils that a piece of Python can reach, but for `MACHINERY`, below ``root``.

    Reached are modules by import, also inside functions, with the packages around them, and whatever a module
    names in a string and has beside it, such as a style sheet.
    """
    found, waiting = set(), set(_imported(ast.parse(code), root))
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _reached_from(path, root) - found
    names = {path.relative_to(root) for path in found}
    return sorted(name for name in names if name.as_posix() not in MACHINERY)


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module and package of ours by its dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(code: str, known: Iterable[str]) -> set[str]:
    """The modules among ``known`` that a piece of Python takes something from, also inside functions.

    A module taken from a package is meant by itself: a package counts where it defines the name.
    """
    taken = [pair for node in ast.walk(ast.parse(code)) for pair in _imports(node)]
    return {whole if (whole := f"{m}.{name}") in known else m for m, name in taken}


@cache
def _reached_from(path: Path, root: Path) -> frozenset[Path]:
    """The files that one file reaches by itself."""
    if path.suffix != ".py":
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    texts = {value for value in constants if isinstance(value, str)}
    beside = {p for p in path.parent.iterdir() if p.name in texts and p.is_file()}
    return frozenset(beside.union(_imported(tree, root)))


def _imported(tree: ast.AST, root: Path) -> Iterator[Path]:
    """The files that the imports of a tree execute; of a name taken from a package, perhaps its module."""
    for node in ast.walk(tree):
        for module, name in _imports(node):
            parts = [*module.split("."), name]
            for end in range(1, len(parts) + 1):
                base = root.joinpath(*parts[:end])
                candidates = (base.with_name(f"{base.name}.py"), base / "__init__.py")
                yield from (path for path in candidates if path.is_file())


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name) of ``from module import name``, as far as the module is ours.

    Raises
    ------
    ValueError : for other ways to import a module of ours, which nothing here needs
    """
    if isinstance(node, ast.ImportFrom) and node.level:
        raise ValueError(
            f"line {node.lineno}: from .{node.module or ''} import …: name the package"
        )
    if isinstance(node, ast.Import) and any(a.name.split(".")[0] == PACKAGE for a in node.names):
        raise ValueError(f"line {node.lineno}: import {node.names[0].name}: write from … import …")
    if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == PACKAGE:
        yield from ((node.module, alias.name) for alias in node.names)


def digest_of(*objects) -> str:
    """A digest of every definition behind some functions or classes; comments and docstrings do not count."""
    texts = [
        f"{module}:{name}\n{ast.unparse(_without_docstrings(node))}\n"
        for module, name in definitions_behind(*objects)
        for node in _read(module).definitions[name]
    ]
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def definitions_behind(*objects) -> list[tuple[str, str]]:
    """(module, name) of the functions, classes and constants of sedutils that some of them use.

    What a definition mentions counts as used, even where a local variable has the name of something global;
    `MACHINERY` does not.
    """
    found = set()
    waiting = {(each.__module__, each.__qualname__.partition(".")[0]) for each in objects}
    while waiting:
        place = waiting.pop()
        found.add(place)
        used = {each for each in _mentioned(*place) if not _is_machinery(each[0])}
        waiting |= used - found
    return sorted(found)


def _is_machinery(module: str) -> bool:
    return _path_of(module).relative_to(ROOT).as_posix() in MACHINERY


@dataclass(frozen=True)
class Source:
    """A module as it is written: statements by the names that they define, and what imports stand for."""

    definitions: dict[str, list[ast.AST]]
    aliases: dict[str, tuple[str, str]]


@cache
def _read(module: str) -> Source:
    path = _path_of(module)
    definitions: dict[str, list[ast.AST]] = {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        for name in _names_defined(node):
            definitions.setdefault(name, []).append(node)
    return Source(definitions, _aliases(tree.body))


def _path_of(module: str) -> Path | None:
    """The file of a module or package of ours, None where there is none."""
    base = ROOT.joinpath(*module.split("."))
    candidates = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _aliases(nodes) -> dict[str, tuple[str, str]]:
    """Name -> (module, name) of everything of ours that is imported in some nodes."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for top in nodes
        for node in ast.walk(top)
        if list(_imports(node))
        for alias in node.names
    }


def _names_defined(node: ast.AST) -> Iterator[str]:
    """The names that a statement at the top of a module gives a meaning to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    else:
        stores = (n for n in ast.walk(node) if isinstance(n, ast.Name | ast.FunctionDef))
        for each in stores:
            if isinstance(each, ast.FunctionDef):
                yield each.name
            elif isinstance(each.ctx, ast.Store):
                yield each.id


@cache
def _mentioned(module: str, name: str) -> frozenset[tuple[str, str]]:
    """(module, name) of every definition of ours that one definition mentions."""
    source = _read(module)
    nodes = source.definitions[name]
    aliases = source.aliases | _aliases(nodes)
    found, seen = set(), set()
    for node in (each for top in nodes for each in ast.walk(top)):  # an attribute before its value
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            taken = ".".join(aliases.get(node.value.id, ("",)))
            if taken and _path_of(taken):
                seen.add(node.value)
                found |= {(taken, node.attr)} if node.attr in _read(taken).definitions else set()
        elif isinstance(node, ast.Name) and node not in seen:
            found |= _meant(module, node.id, aliases)
    return frozenset(found)


def _meant(module: str, name: str, aliases: dict) -> set[tuple[str, str]]:
    """What a name in a module means: a definition of its own or of another module, or a whole module."""
    if name not in aliases:
        return {(module, name)} & {(module, known) for known in _read(module).definitions}
    where, what = aliases[name]
    whole = f"{where}.{what}"
    if _path_of(whole):
        return {(whole, known) for known in _read(whole).definitions}
    while what in _read(where).aliases:  # handed on by a package
        where, what = _read(where).aliases[what]
    return {(where, what)}


def _without_docstrings(node: ast.AST) -> ast.AST:
    node = ast.parse(ast.unparse(node))
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and (
            ast.get_docstring(each) is not None
        ):
            each.body = each.body[1:] or [ast.Pass()]
    return node
