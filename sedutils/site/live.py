"""The pages while a run goes: after every notebook its own, and an index that says how far the run is.

A stage calls `begin` and `end`. They write where stage `report` does, which makes the same pages again once all
notebooks are done, and an index without what is said here. A page of an earlier run stays until its notebook has run.
"""

import json
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import psutil

from sedutils.pipeline import files, places, stages
from sedutils.site import report

RUN = " -m sedutils.site.runner run "
REFRESH_S = 10
# How long a run has taken for what says nothing about the rest before this.
CALIBRATION_S = 60
# The size whose stages `make benchmark` times
MEASURED = "laptop"
SHELLS = {"sh", "bash", "dash", "zsh", "fish", "ksh"}
EARLIER = "from an earlier run"


def begin(stage: str, *, texts: Path, reports: Path, **about) -> None:
    """Note that a stage has begun, and write the index.

    texts, reports : the folders of the notebooks with their text, and of the pages
    about : title, lead and note of the index
    """
    notes = {"run": _above().pid, "began": time.time(), "ended": None}
    _note(stage, _noted().get(stage, {}) | notes)
    _write_index(texts, reports, **about)


def end(stage: str, executed: Path, *, texts: Path, reports: Path, costs: dict, **about) -> None:
    """Note that a stage has ended, and write the page of its notebook, and the index."""
    notes = _noted()[stage]
    _note(stage, notes | {"ended": time.time(), "seconds": time.time() - notes["began"]})
    papers = report.names(places.published("").parent)
    about_page = {"papers": papers, "note": about["note"], "costs": costs}
    report.write_page(executed, texts, reports, **about_page)
    _write_index(texts, reports, **about)


def _above() -> psutil.Process:
    """The process that runs one stage after the other: the nearest above this one that is no shell."""
    return next(p for p in psutil.Process().parents() if p.name() not in SHELLS)


def _noted() -> dict[str, dict]:
    """What is known of every stage that has run here: when it last began and ended, in which run, and its seconds."""
    return {p.stem: json.loads(p.read_text()) for p in places.cache_of("run").glob("[!.]*.json")}


def _note(stage: str, notes: dict) -> None:
    files.write_text(places.cache_of("run") / f"{stage}.json", json.dumps(notes))


def _write_index(texts: Path, reports: Path, **about) -> None:
    every = stages.every(places.root())
    commands = {name: s.command for name, s in every.items() if RUN in s.command}
    run, noted = _above(), _noted()
    now = {
        name: notes
        for name, notes in noted.items()
        if notes["run"] == run.pid
        and notes["began"] > run.create_time() - 1  # no other of its number
    }
    pairs = sorted(
        (_entry(command, now.get(name), texts, reports) for name, command in commands.items()),
        key=lambda pair: pair[0],
    )
    entries = [entry for _, entry in pairs]
    earlier = any(entry.state == EARLIER for entry in entries)
    state = progress(now, expected(commands, noted), earlier=earlier)
    papers = report.names(places.published("").parent)
    html = report.index(entries, progress=state, papers=papers, **about)
    refresh = f'<head>\n<meta http-equiv="refresh" content="{REFRESH_S}">'
    files.write_text(reports / "index.html", html.replace("<head>", refresh, 1))


def _entry(command: str, notes: dict | None, texts: Path, reports: Path):
    """The name of a notebook's run and its entry, as `report` will have it, with what this run has done so far."""
    code, executed, *pairs = command.partition(RUN)[2].split()
    # without the check of its format, which takes longer than all the rest
    nb = nbformat.v4.reads((texts / Path(code).name).read_text(encoding="utf-8"))
    given = "\n".join("{} = {!r}".format(*pair.split("=", 1)) for pair in pairs)
    injected = {"tags": ["injected-parameters"]}
    cell = {"cell_type": "code", "source": given, "metadata": injected, "outputs": []}
    nb.cells.append(nbformat.from_dict(cell))
    entry = report.entry_of(nb, Path(executed).stem)
    made = (reports / entry.href).is_file()
    if not notes:
        state = EARLIER if made else "not made yet"
    elif notes["ended"]:
        state = f"made at {clock(notes['ended'])}"
    else:
        state = f"runs since {clock(notes['began'])}"
        state += f"; this page is {EARLIER}" if made else ""
    return Path(executed).stem, replace(entry, state=state, made=made)


def progress(now: dict[str, dict], expected: dict[str, float], *, earlier: bool) -> str:
    """How far a run is, and about when it will have made the rest.

    now : stage -> its notes of this run; expected : stage -> seconds; earlier : pages of another run are there
    """
    done = [name for name, notes in now.items() if notes["ended"]]
    runs = ", ".join(sorted(now.keys() - set(done)))
    said = (
        f"A run goes on: {len(done)} of {len(expected)} pages are made, as of {clock(time.time())}."
    )
    said += f" Running: {runs}." if runs else ""
    if not any(expected.values()):
        return said
    passed = time.time() - min(notes["began"] for notes in now.values())
    spent = sum(expected[name] for name in done)
    pace = passed / spent if spent > CALIBRATION_S else 1
    for name, notes in now.items():
        if not notes["ended"]:
            spent += min(expected[name], (time.time() - notes["began"]) / pace)
    rest_s = pace * (sum(expected.values()) - spent)
    said += f" The rest takes about {max(1, round(rest_s / 60))} min, until {clock(time.time() + rest_s)}"
    return said + (", less where nothing has changed." if earlier else ".")


def expected(names, noted: dict[str, dict]) -> dict[str, float]:
    """About how many seconds each stage takes: as it last did here, else as measured, else as others did; or 0."""
    measured = pd.read_csv(places.measured("stages.csv")).set_index("what").value
    known = {}
    for name in names:
        stage, _, item = name.partition("@")
        if "seconds" in noted.get(name, {}):
            known[name] = noted[name]["seconds"]
        elif item.split("-")[0] == MEASURED and f"stage {stage}" in measured:
            alike = sum(other.partition("@")[0] == stage for other in names)
            known[name] = measured[f"stage {stage}"] / alike
    usual = sum(known.values()) / len(known) if known else 0.0
    return {name: known.get(name, usual) for name in names}


def clock(seconds: float) -> str:
    """A time of this machine's clock."""
    return time.strftime("%H:%M", time.localtime(seconds))
