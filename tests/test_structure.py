"""Who imports whom in sedutils: arrows one way between packages, no circle, no chapter that needs another."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CHAPTERS = ("crnn", "multitask", "rcrnn", "gradual", "fbcrnn", "comparison")
GROUND = ("files", "jobs", "params")
# Package -> what of sedutils it may import beside itself
MAY_IMPORT = {
    "models": ("metrics", "frames", "files", "triplets"),
    "metrics": GROUND,
    "decoding": ("metrics", *GROUND),
}


def name_of(path):
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(Path("sedutils").rglob("*.py"))}


def imported(source):
    """Modules and packages of sedutils that a piece of Python names in imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            # a name in a module means the module itself, and so does one that a package defines
            names |= {name if name in FILES else node.module for name in members}
    return names & FILES.keys()


GRAPH = {name: imported(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def arrows():
    """``(importer, imported)``, each without ``sedutils.``."""
    for name, found in GRAPH.items():
        for other in found:
            yield name.partition(".")[2], other.partition(".")[2]


def within(name, package):
    return name == package or name.startswith(f"{package}.")


def test_imports_are_found():
    source = "import sedutils.files\ndef f():\n    from sedutils.metrics import tags, events as e"
    assert imported(source) == {
        f"sedutils.{n}" for n in ("files", "metrics.tags", "metrics.events")
    }
    assert imported("from sedutils.metrics.hits import HitCounts") == {"sedutils.metrics.hits"}
    assert imported("from sedutils.models import build") == {"sedutils.models"}
    assert len(FILES) > 100 and ("metrics.bootstrap", "metrics.segments") in set(arrows())


def test_there_is_no_circle():
    TopologicalSorter(GRAPH).prepare()  # CycleError names the modules of one


def test_no_chapter_imports_another():
    crossing = [
        (name, other)
        for name, other in arrows()
        for a in CHAPTERS
        for b in CHAPTERS
        if a != b and within(name, a) and within(other, b)
    ]
    assert not crossing


def test_of_the_rest_only_the_benchmark_knows_chapters():
    knowing = {
        name
        for name, other in arrows()
        if any(within(other, c) for c in CHAPTERS) and not any(within(name, c) for c in CHAPTERS)
    }
    assert knowing == {"benchmark_comparison"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_what_it_may_and_no_more(package):
    allowed = (package, *MAY_IMPORT[package])
    astray = [
        (name, other)
        for name, other in arrows()
        if within(name, package) and not any(within(other, a) for a in allowed)
    ]
    assert not astray


def test_networks_know_nothing_of_kaldis_files():
    kaldi = "models.kaldi"
    assert not [
        a
        for a in arrows()
        if within(a[1], kaldi) and within(a[0], "models") and not within(a[0], kaldi)
    ]


@pytest.mark.parametrize("package", ["metrics", "decoding", "models.kaldi"])
def test_a_package_says_what_is_in_it_and_holds_nothing_itself(package):
    tree = ast.parse(FILES[f"sedutils.{package}"].read_text())
    assert ast.get_docstring(tree) and len(tree.body) == 1
    listed = {
        f"`{name.rsplit('.', 1)[1]}`" for name in FILES if name.startswith(f"sedutils.{package}.")
    }
    assert not [name for name in listed if name not in ast.get_docstring(tree)]
