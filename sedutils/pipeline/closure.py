"""What a piece of code can reach: the files behind a notebook, the definitions behind a training.

A stage depends on the files that its notebook reaches, a checkpoint on the definitions that decide a training's
numbers. Both are read from the source, so that nobody keeps a list.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

PACKAGE = "sedutils"
ROOT = Path(__file__).parents[2]
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# These hand out params, spread work or find folders: they change no result, and every notebook reaches them.
MACHINERY = frozenset(
    f"{PACKAGE}/{name}.py"
    for name in ("__init__", *(f"pipeline/{n}" for n in ("__init__", "params", "jobs", "places")))
)


def files_behind(code: str, where: str | Path, root: Path = ROOT) -> list[Path]:
    """Every file of sedutils that a piece of Python can reach, but for `MACHINERY`, below ``root``.

    Reached are modules by import, also inside functions, with the packages around them, and whatever a module
    names in a string and has beside it, such as a style sheet.

    where : the file that the code is from

    Raises
    ------
    ValueError : in one line with the file, for code that is no Python, and imports of ours that find nothing
    """
    found, waiting = set(), set(_imported(parsed(code, where), root, where))
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _reached_from(path, root) - found
    names = {path.relative_to(root) for path in found}
    return sorted(name for name in names if name.as_posix() not in MACHINERY)


def parsed(code: str, where: str | Path) -> ast.Module:
    """The syntax tree of some code; ``ValueError`` names its file and line where it is no Python."""
    try:
        return ast.parse(code)
    except SyntaxError as error:
        raise ValueError(f"{where}: line {error.lineno}: {error.msg}") from None


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module and package of ours by its dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(code: str, known: Iterable[str], where: str | Path) -> set[str]:
    """The modules among ``known`` that a piece of Python takes something from, also inside functions.

    A module taken from a package is meant by itself: a package counts where it defines the name.
    """
    taken = _imports(parsed(code, where), where)
    return {whole if (whole := f"{m}.{a.name}") in known else m for m, a in taken}


@cache
def _reached_from(path: Path, root: Path) -> frozenset[Path]:
    """The files that one file reaches by itself."""
    if path.suffix != ".py":
        return frozenset()
    tree = _tree(path)
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    texts = {value for value in constants if isinstance(value, str)}
    beside = {p for p in path.parent.iterdir() if p.name in texts and p.is_file()}
    return frozenset(beside.union(_imported(tree, root, path.relative_to(root))))


def _imported(tree: ast.AST, root: Path, where: str | Path) -> Iterator[Path]:
    """The files that the imports of a tree execute; of a name taken from a package, perhaps its module."""
    for module, alias in _imports(tree, where):
        dotted = accumulate([*module.split("."), alias.name], "{}.{}".format)
        *packages, last = [_path_of(each, root) for each in dotted]
        if None in packages or (last is None and alias.name not in _names_in(packages[-1])):
            line = f"{where}: line {alias.lineno}"
            raise ValueError(
                f"{line}: from {module} import {alias.name}: there is nothing of this name"
            )
        yield from filter(None, (*packages, last))


@cache
def _names_in(path: Path) -> frozenset[str]:
    """What can be imported from a file."""
    tree = _tree(path)
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return frozenset(names.union(*map(_names_defined, tree.body)))


def _imports(tree: ast.AST, where: str | Path) -> Iterator[tuple[str, ast.alias]]:
    """(module, name) of every ``from module import name`` in a tree, as far as the module is ours.

    Raises
    ------
    ValueError : for other ways to import a module of ours, which nothing here needs
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            written = f"from .{node.module or ''} import …: name the package"
            raise ValueError(f"{where}: line {node.lineno}: {written}")
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    written = f"import {alias.name}: write from … import …"
                    raise ValueError(f"{where}: line {node.lineno}: {written}")
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == PACKAGE:
            yield from ((node.module, alias) for alias in node.names)


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
    definitions: dict[str, list[ast.AST]] = {}
    tree = _tree(_path_of(module))
    for node in tree.body:
        for name in _names_defined(node):
            definitions.setdefault(name, []).append(node)
    return Source(definitions, _aliases(module, tree.body))


def _tree(path: Path) -> ast.Module:
    return parsed(path.read_text(encoding="utf-8"), path)


def _path_of(module: str, root: Path | None = None) -> Path | None:
    """The file of a module or package of ours, None where there is none."""
    base = (root or ROOT).joinpath(*module.split("."))
    candidates = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _aliases(module: str, nodes) -> dict[str, tuple[str, str]]:
    """Name -> (module, name) of everything of ours that is imported in some nodes of a module."""
    return {
        alias.asname or alias.name: (source, alias.name)
        for node in nodes
        for source, alias in _imports(node, module)
    }


def _names_defined(node: ast.AST) -> Iterator[str]:
    """The names that a statement at the top of a module gives a meaning to."""
    for each in [node] if isinstance(node, DEFINITIONS) else ast.walk(node):
        if isinstance(each, DEFINITIONS):
            yield each.name
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id


@cache
def _mentioned(module: str, name: str) -> frozenset[tuple[str, str]]:
    """(module, name) of every definition of ours that one definition mentions."""
    source = _read(module)
    nodes = source.definitions[name]
    aliases = source.aliases | _aliases(module, nodes)
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
        if isinstance(each, DEFINITIONS) and ast.get_docstring(each) is not None:
            each.body = each.body[1:] or [ast.Pass()]
    return node
