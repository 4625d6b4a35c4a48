"""Who imports whom in sedutils: arrows one way between packages, no circle, no chapter that needs another."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import record

from sedutils.pipeline import closure
from sedutils.site import rooms

# Room -> the rooms that it imports beside itself, floor by floor; what each is stands in its __init__.py
IMPORTS = {
    "pipeline": "",
    "foley": "",
    "metrics": "",
    "claims": "metrics",
    "decoding": "metrics",
    "corpora": "foley metrics pipeline",
    "features": "corpora metrics pipeline",
    "show": "claims corpora foley pipeline",
    "models": "features metrics pipeline",
    "training": "models features decoding corpora metrics pipeline",
    "papers": "training models show features decoding corpora claims metrics pipeline",
    "site": "training show features decoding metrics pipeline",
    "benchmark": "papers training models features decoding corpora foley pipeline",
}
FLOORS = 8
PAPERS = ("cakir2017", "phan2018", "kao2018", "gradual", "ebbers2020", "comparison")


FILES = closure.modules()
GRAPH = {
    name: closure.imported(path.read_text("utf-8"), FILES, path) for name, path in FILES.items()
}


def arrows():
    """``(importer, imported)``, each without ``sedutils.``."""
    for name, found in GRAPH.items():
        for other in found:
            yield name.partition(".")[2], other.partition(".")[2]


def within(name, package):
    return name == package or name.startswith(f"{package}.")


def test_imports_are_found():
    source = "from sedutils.pipeline import files\ndef f():\n    from sedutils.metrics import tags, events as e"
    assert closure.imported(source, FILES, "n.ipynb") == {
        f"sedutils.{n}" for n in ("pipeline.files", "metrics.tags", "metrics.events")
    }
    for code, module in (
        ("from sedutils.metrics.hits import HitCounts", "sedutils.metrics.hits"),
        ("from sedutils.foley import Foley", "sedutils.foley"),
    ):
        assert closure.imported(code, FILES, "n.ipynb") == {module}
    assert len(FILES) > 100 and ("metrics.bootstrap", "metrics.segments") in set(arrows())


def test_there_is_no_circle():
    TopologicalSorter(GRAPH).prepare()  # CycleError names the modules of one


def room(name):
    return name.partition(".")[0]


def test_every_module_is_in_a_room():
    assert {room(name) for name, _ in arrows()} == {*IMPORTS}
    assert [path.name for path in Path("sedutils").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("name", IMPORTS)
def test_a_room_imports_what_is_said_of_it(name):
    imported = {room(other) for importer, other in arrows() if room(importer) == name}
    assert imported - {name} == {*IMPORTS[name].split()}


def test_the_rooms_stand_on_few_floors():
    floor = {}
    for name in TopologicalSorter({k: v.split() for k, v in IMPORTS.items()}).static_order():
        floor[name] = 1 + max((floor[other] for other in IMPORTS[name].split()), default=0)
    assert max(floor.values()) <= FLOORS


def test_no_paper_imports_another():
    papers = [[name.split(".")[1] for name in arrow] for arrow in arrows()
              if all(name.startswith("papers.") for name in arrow)]  # fmt: skip
    assert {paper for pair in papers for paper in pair} == {*PAPERS}
    assert not [pair for pair in papers if pair[0] != pair[1]]


def test_networks_know_nothing_of_kaldis_files():
    kaldi = "models.kaldi"
    assert not [
        a
        for a in arrows()
        if within(a[1], kaldi) and within(a[0], "models") and not within(a[0], kaldi)
    ]


def test_the_picture_is_of_this_house():
    """`python -m sedutils.site.rooms` draws it anew."""
    assert record.staged(rooms.PICTURE) == rooms.drawn(), "make it anew"


def test_the_picture_takes_no_arguments():
    """What is misspelt would draw it all the same."""
    command = [sys.executable, "-m", "sedutils.site.rooms", "bogus"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode and done.stderr.count("\n") == 1 and "'bogus'" in done.stderr


def test_the_picture_shows_every_room_once_and_arrows_down():
    uses = {"roof": {"wall", "ground"}, "wall": {"ground"}, "ground": set()}
    assert rooms.floors(uses) == [["ground"], ["wall"], ["roof"]]
    assert rooms.direct(uses) == {("roof", "wall"), ("wall", "ground")}
    assert all(rooms.drawn().count(f">{name}</text>") == 1 for name in IMPORTS)


@pytest.mark.parametrize("package", ["metrics", "decoding", "models.kaldi"])
def test_a_package_names_what_is_in_it(package):
    tree = ast.parse(FILES[f"sedutils.{package}"].read_text())
    listed = {
        f"`{name.rsplit('.', 1)[1]}`" for name in FILES if name.startswith(f"sedutils.{package}.")
    }
    assert not [name for name in listed if name not in ast.get_docstring(tree)]


@pytest.mark.parametrize("package", [*IMPORTS, *(f"papers.{paper}" for paper in PAPERS)])
def test_a_room_says_what_it_is_and_holds_nothing_itself(package):
    """But foley, which is a library by itself."""
    tree = ast.parse(FILES[f"sedutils.{package}"].read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1 or package == "foley"
