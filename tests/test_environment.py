"""The environment: one list of pins, one range of Python versions, and a .venv of whichever of them works."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import record
import yaml

VENV = Path(".ci/venv").resolve()
VERSIONS = ["3.13", "3.12", "3.11"]
# A Python that notes what it makes and says what else it is asked
FAKE = """#!/bin/sh
case $1 in -m) echo "$0 $*" >> made ;; *) {answer} ;; esac
"""
WORKS = f'exec {shlex.quote(sys.executable)} "$@"'
STUB = "echo pyenv: command not found >&2; exit 127"


def test_environment_yml_installs_the_same_pins():
    environment = yaml.safe_load(Path("environment.yml").read_text())
    pip = next(d for d in environment["dependencies"] if isinstance(d, dict))["pip"]
    assert pip == ["-r requirements.txt", "-e ."]
    pins = [
        line.split("#")[0].strip() for line in Path("requirements.txt").read_text().splitlines()
    ]
    for pin in filter(None, pins):
        assert re.fullmatch(r'[\w.-]+==[\w.]+(; python_version >= "3.1[23]")?', pin), pin


def test_every_file_names_the_same_versions_of_python():
    requires = tomllib.loads(Path("pyproject.toml").read_text())["project"]["requires-python"]
    assert requires == ">=3.11,<3.14"
    assert (
        f"python{requires}" in yaml.safe_load(Path("environment.yml").read_text())["dependencies"]
    )
    script = VENV.read_text()
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in script
    assert " ".join(f"python{v}" for v in VERSIONS) in script
    assert "Python 3.11, 3.12 or 3.13" in script
    assert "Python 3.11, 3.12 or 3.13" in record.staged("README.md")


@pytest.fixture
def machine(tmp_path):
    """Calls .ci/venv where nothing but a shell and the given Pythons is on the PATH: what was made, what was said."""
    tools = tmp_path / "a tool box"
    tools.mkdir()
    for name in ("sh", "sed", "env"):
        (tools / name).symlink_to(shutil.which(name))

    def install(path, answer):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FAKE.format(answer=answer))
        path.chmod(0o755)

    def make(*, venv=None, PYTHON="", CC="", **pythons):
        for version, answer in pythons.items():
            install(tools / version.replace("_", "."), answer)
        if venv:
            install(tmp_path / ".venv/bin/python", venv)
        compiler = CC or f"env PATH={shlex.quote(os.environ['PATH'])} cc"
        environment = {"PATH": str(tools), "PYTHON": PYTHON, "CC": compiler}
        done = subprocess.run(
            ["/bin/sh", VENV],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        made = tmp_path / "made"
        assert (done.returncode == 0) == (not done.stderr)
        assert done.stderr.count("\n") <= 1
        return made.read_text().strip() if made.exists() else "", done.stderr

    return make


def made_with(made):
    return re.fullmatch(r".*/(\S+) -m venv --clear \.venv", made)[1]


def test_the_newest_python_is_taken(machine):
    made, _ = machine(python3_11="echo 3.11", python3_12="echo 3.12", python3_13="echo 3.13")
    assert made_with(made) == "python3.13"


def test_a_python_that_does_not_work_is_passed_over(machine):
    """A stub, one without venv, and a real one."""
    made, _ = machine(python3_13=STUB, python3_12="echo lacks ensurepip", python3_11=WORKS)
    assert made_with(made) == "python3.11"


def test_a_python_with_a_space_in_its_path_can_be_named(machine, tmp_path):
    machine(python3_12="echo 3.12", python3_13="echo 3.13", venv="echo 3.13")
    made, _ = machine(PYTHON=str(tmp_path / "a tool box/python3.12"))
    assert made_with(made) == "python3.12"


def test_an_environment_that_works_stays(machine):
    assert machine(venv="echo 3.11", python3_13="echo 3.13") == ("", "")
    assert machine(venv="echo 3.11", PYTHON="python3.13")[0]


@pytest.mark.parametrize("broken", [STUB, "echo is Python 3.10", "echo lacks pip"])
def test_an_environment_that_does_not_work_is_made_anew(machine, broken):
    made, _ = machine(venv=broken, python3_13="echo 3.13")
    assert made_with(made) == "python3.13"


def test_a_machine_without_python_is_told_what_to_install(machine):
    made, said = machine(python3_13=STUB)
    assert not made
    assert "python3.13 does not run; python3.12 is not there" in said
    assert "needed are Python 3.11, 3.12 or 3.13 with venv and headers, and a C compiler" in said


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false"])
def test_a_machine_without_a_compiler_is_told_before_anything_is_made(machine, compiler):
    made, said = machine(python3_12=WORKS, CC=compiler)
    assert not made
    assert f"python3.12 finds no C compiler that works ({compiler})" in said
