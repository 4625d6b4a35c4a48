"""What code can reach: files through imports and names of files, definitions through what they mention."""

import re
import shutil
from pathlib import Path

import pytest
from conftest import refused

from sedutils.models.cakir2017 import CNN, CRNN, FNN
from sedutils.models.ebbers2020 import FBCRNN
from sedutils.pipeline import closure
from sedutils.training import loop as training

PACKAGE = {
    "__init__.py": "",
    "pipeline/__init__.py": "",
    "pipeline/params.py": "from sedutils import other\n",
    "other.py": "x = 1\n",
    "notes.txt": "",
    "top.py": "def later():\n    from sedutils.room import inner\n    return inner\n",
    "room/__init__.py": '"""A room."""\n',
    "room/inner.py": 'STYLE = Path(__file__).with_name("page.css")\nfrom sedutils.other import x\n',
    "room/beside.py": "from json import dumps as x\n",
    "room/page.css": "",
    "room/helper.py": "",
    "room/starts.py": 'subprocess.run(["python", "helper.py"])\n',
}


@pytest.fixture
def project(tmp_path):
    for name, text in PACKAGE.items():
        path = tmp_path / "sedutils" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        (
            "from sedutils import top",
            ["other", "room/__init__", "room/inner", "room/page.css", "top"],
        ),
        ("from sedutils.room import beside", ["room/__init__", "room/beside"]),
        ("from sedutils.room.beside import x", ["room/__init__", "room/beside"]),
        ("from sedutils.room import starts", ["room/__init__", "room/helper", "room/starts"]),
        ("from sedutils.pipeline import params", ["other"]),  # itself it changes no result
        ("import numpy\nfrom pathlib import Path", []),
    ],
)
def test_files_are_reached_by_import_and_by_name(project, code, reached):
    found = closure.files_behind(code, "n.ipynb", project)
    names = [path.as_posix().removeprefix("sedutils/") for path in found]
    assert [name.removesuffix(".py") for name in names] == reached


WRONG = (
    "import sedutils.room.inner",
    "import json, sedutils.room",
    "from . import other",
    "from sedutils.room import iner",
    "from sedutils.rom.inner import x",
    "from sedutils.room.inner import y",
    "from sedutils import",
)


@pytest.mark.parametrize("code", WRONG)
def test_code_that_cannot_be_followed_is_refused_with_its_file(project, code):
    call = lambda: closure.files_behind(code, "n.ipynb", project)  # noqa: E731
    refused(ValueError, call, "n.ipynb: line 1: ", "import" if "import " in code else "syntax")
    (project / "sedutils/other.py").write_text(f"{code}\nx = 1\n")
    call = lambda: closure.files_behind("from sedutils import top", "n.ipynb", project)  # noqa: E731
    refused(ValueError, call, "sedutils/other.py: line 1: ")


def test_every_module_can_be_followed():
    for path in Path("sedutils").rglob("*.py"):
        closure.files_behind(path.read_text(), path)


def behind(*objects):
    return {
        f"{module.rpartition('.')[2]}:{name}"
        for module, name in closure.definitions_behind(*objects)
    }


def test_a_network_rests_on_its_layers_and_not_on_those_of_others():
    crnn = behind(CRNN)
    assert {"cakir2017:CRNN", "blocks:ConvBlock", "blocks:GRULayer", "gru:gru"} <= crnn
    assert not {"blocks:GRULayer", "gru:gru"} & behind(FNN)
    assert not {"blocks:GRULayer"} & behind(CNN)
    assert not any(name.startswith("cakir2017:") for name in behind(FBCRNN))


def test_training_rests_on_the_loop_and_the_frames_and_not_on_words_of_progress():
    loop = behind(training.fit)
    assert {"loop:fit", "loop:TrainingState", "frames:Frames"} <= loop
    assert not any(name.startswith("jobs:") for name in loop)


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A function that changes a module of a copy of the package, and digests the CRNN anew."""
    shutil.copytree("sedutils", tmp_path / "sedutils")
    monkeypatch.setattr(closure, "ROOT", tmp_path)

    def change(name, pattern, replacement):
        path = tmp_path / f"sedutils/models/{name}.py"
        text = path.read_text()
        assert re.search(pattern, text)
        path.write_text(re.sub(pattern, replacement, text, count=1))
        closure._read.cache_clear()
        closure._mentioned.cache_clear()
        digest = closure.digest_of(CRNN)
        path.write_text(text)
        return digest

    yield change
    closure._read.cache_clear()
    closure._mentioned.cache_clear()


def test_a_digest_changes_with_code_and_not_with_words(edited):
    as_it_is = edited("cakir2017", "$", "")
    assert as_it_is == edited("blocks", "\n\n\n", "\n\n\n# a remark\n")
    assert as_it_is == edited("cakir2017", 'class CRNN\\(.*\n    """', "\\g<0>In other words: ")
    assert as_it_is == edited("blocks", "class Dense", "class Denser")
    assert as_it_is != edited("blocks", "class ConvBlock\\(.*\n", "\\g<0>    extra = 1\n")
    assert as_it_is != edited("gru", "def forward\\(", "def forward(*, ")
