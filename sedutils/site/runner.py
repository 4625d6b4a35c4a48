"""The pipeline's machinery: code-only copies of the notebooks, and their execution through papermill.

    python -m sedutils.site.runner sources
    python -m sedutils.site.runner run CODE.ipynb EXECUTED.ipynb name=value ...
    python -m sedutils.site.runner report
    python -m sedutils.site.runner clean      a notebook from stdin to stdout, as git keeps it

`sources` checks params.yaml and takes apart what stages depend on: the values of each size, the code of each
notebook, a list of the files that this code can reach, and its text, which only `report` reads to put it together
with the results again. So reading, running or re-wording a notebook retrains nothing. Executed notebooks hold
nothing that changes from run to run: no times, no random ids, no stderr.
"""

import atexit
import functools
import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

# With it jsonschema, which nbformat imports, spends two seconds on a grammar of web addresses; it does without.
sys.modules.setdefault("rfc3987_syntax", None)

import nbformat  # noqa: E402

from sedutils.pipeline import closure, files, params, places  # noqa: E402

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
NOTEBOOKS = Path("notebooks")
CODE = Path("data/notebooks/code")
TEXT = Path("data/notebooks/text")
EXECUTED = Path("data/notebooks/executed")
REPORTS = Path("reports")
MEASURED = Path("data/measured/stages.csv")
TITLE = "Sound event detection: five papers, run again"
LEAD = "Every table and figure from one command, beside the published numbers, with a verdict on each claim."
NOTE = (
    "Unless a page says that its source is official, the sound is procedural or from a folder of clips: "
    "the pages then show that the pipeline works and are no evidence about the papers."
)
# What papermill says besides the notebook's own output
NOISE = ("Executing", "Ending", "Input Notebook", "Output Notebook", "<Figure", "<IPython")
# How long a kernel may take to start, and a cell's last output to arrive: by default a minute and four
# seconds, which on a machine busy with something else ends a training that has finished.
PATIENCE_S = 600
# A kernel that has not come up: jupyter looks for free ports, and another kernel's start may take them before it does.
NOT_UP = re.compile("Kernel (didn't respond|died before replying)")
# What a shell may set that changes numbers or bytes: the kernel and its workers do without.
FROM_A_SHELL = re.compile(
    r"""
    ( OPENBLAS | GOTO | BLIS | NVPL | VECLIB | MKL | OMP | GOMP | KMP )_  # BLAS: its kernels and threads
    | ( ATEN | DNNL | ONEDNN | TORCH | NPY )_ | NVIDIA_TF32_OVERRIDE      # instructions of torch and numpy,
    | NUMBA_(?!CACHE_DIR)                                                 # of what numba compiles
    | GLIBC_TUNABLES                                                      # and of the C library's exp and sin
    | FREETYPE_PROPERTIES | COLUMNS                                       # glyphs; the width of printed tables
    | PYTHON(STARTUP|OPTIMIZE) | JUPYTER_PATH                             # the reader's own code and kernels
    """,
    re.VERBOSE,
)
# Runs before the first cell and is dropped from the executed notebook.
PREAMBLE = "from sedutils.pipeline import jobs; jobs.strict_warnings()"
# What stage `report` runs, beside the notebooks
REPORT = "from sedutils.site import report"


def sources() -> None:
    """Check params.yaml, and write what stages depend on."""
    from sedutils.pipeline import (
        validation,
    )  # which reads networks: what is wrong there is one line, too

    validation.validate(params.PARAMS)
    params.write_resolved()
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):  # no reader's own
        try:
            notebook = nbformat.read(path, 4)
        except ValueError as error:
            raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        write_notebook(CODE / path.name, code)
        write_notebook(TEXT / path.name, notebook.cells)
        write_list(CODE / f"{path.stem}.files", "\n".join(cell.source for cell in code), path)
    write_list(CODE / "report.files", REPORT, __file__)


def write_notebook(path: Path, cells: list) -> None:
    """Write cells without outputs, under ids that count them."""
    notebook = bare(cells)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
    files.write_text(path, nbformat.writes(notebook) + "\n")


def bare(cells: list):
    """A notebook of the text, the code and the tags of some cells: what its author has written."""
    made = [
        getattr(nbformat.v4, f"new_{cell.cell_type}_cell")(
            cell.source,
            id=cell.get("id", f"cell-{i}"),  # notebooks before 4.5 have none
            metadata={k: v for k, v in cell.metadata.items() if k == "tags"},
        )
        for i, cell in enumerate(cells)
    ]
    return nbformat.v4.new_notebook(cells=made, metadata=KERNEL)


def clean(text: str) -> str:
    """A notebook as git keeps it, so that outputs that someone saves are no change; in the midst of a merge, all."""
    if "<<<<<<<" in text:
        return text
    return nbformat.writes(bare(nbformat.reads(text, 4).cells)) + "\n"


def write_list(path: Path, code: str, where: str | Path) -> None:
    """Write the files that some code, which stands in a file, can reach: a digest and a path a line."""
    lines = ["sha256  file\n"]
    for name in closure.files_behind(code, where):
        lines.append(f"{files.digest(closure.ROOT / name)}  {name}\n")
    files.write_text(path, "".join(lines))


def run(code: Path, executed: Path, given: dict[str, str]) -> None:
    """Execute a code-only notebook with parameters, and write it without what changes from run to run.

    Raises
    ------
    SystemExit : in one line, for a parameter the notebook does not have, or the error of a failed cell
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    known = papermill.inspect_notebook(str(code))
    for name in given.keys() - known.keys():
        sys.exit(f"{code}: unknown parameter {name!r}, it has {', '.join(sorted(known))}")
    prepare_environment()
    show()
    notebook = nbformat.read(code, 4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(PREAMBLE, id="preamble"))
    partial = executed.with_suffix(".partial.ipynb")
    partial.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, partial)
    execute = functools.partial(
        papermill.execute_notebook,
        str(partial),
        str(partial),
        given,
        kernel_name="python3",
        progress_bar=False,
        log_output=True,
        request_save_on_cell_execute=False,
        start_timeout=PATIENCE_S / 2,
        iopub_timeout=PATIENCE_S,
        extra_arguments=["--IPKernelApp.log_level=50"],
    )
    try:
        try:
            execute()
        except RuntimeError as error:
            if not NOT_UP.match(str(error)):
                raise
            execute()  # before any cell has run
    except PapermillExecutionError as error:
        sys.exit(f"{code.name}: {error.ename}: {error.evalue}\nHow far it came: {partial}")
    files.write_text(executed, nbformat.writes(tidy(nbformat.read(partial, 4))) + "\n")
    partial.unlink()
    show(executed)


def show(executed: Path | None = None) -> None:
    """Where a stage runs this, write what can be read of the run so far, before and after: see `sedutils.site.live`."""
    stage = os.environ.get("DVC_STAGE", "").rpartition(":")[2]
    if not stage:
        return
    from sedutils.site import live

    about = {"title": TITLE, "lead": LEAD, "note": NOTE, "texts": TEXT, "reports": REPORTS}
    try:
        if executed:
            live.end(stage, executed, costs=stage_costs(), **about)
        else:
            live.begin(stage, **about)
    except (
        Exception
    ) as error:  # stage `report` will end with what is wrong; this one has its results
        print(f"No page for now: {error!r}", file=sys.stderr)


def prepare_environment() -> None:
    """One thread a process, this checkout's sedutils, nothing from the reader's shell or home that
    changes results, warnings as errors, and output shown at once."""
    for name in filter(FROM_A_SHELL.match, list(os.environ)):
        del os.environ[name]
    os.environ.update(
        PYTHONPATH=os.getcwd(),
        OMP_NUM_THREADS="1",
        **{places.PIPELINE: "1"},
        PYTHONHASHSEED="0",
        PYTHONUTF8="1",
        PYTHONNOUSERSITE="1",
        IPYTHONDIR=empty_folder(),  # else the reader's profile, whose startup files run first
        JUPYTER_PREFER_ENV_PATH="1",  # else the reader's kernel of the same name
        SEDUTILS_STRICT="1",
        PYDEVD_DISABLE_FILE_VALIDATION="1",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Printed())
    # stderr (a warning to papermill) has reached the terminal already, by the kernel's descriptor
    handler.addFilter(lambda record: record.levelno != logging.WARNING)
    handler.addFilter(lambda record: record.getMessage().strip())
    handler.addFilter(lambda record: not record.getMessage().startswith(NOISE))
    log = logging.getLogger("papermill")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def empty_folder() -> str:
    """A new folder, which goes with this process."""
    folder = tempfile.mkdtemp(prefix="sedutils-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Printed(logging.Formatter):
    """What a notebook prints, without a blank line behind it."""

    def format(self, record):
        return record.getMessage().rstrip("\n")


def tidy(notebook):
    """An executed notebook without its preamble, times, random ids and stderr, and with streams joined."""
    cells = [c for c in notebook.cells if c.source != PREAMBLE]
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
        cell.metadata = {"tags": cell.metadata.get("tags", [])}
        if cell.cell_type != "code":
            continue
        cell["execution_count"] = i + 1
        cell["outputs"] = joined(o for o in cell.outputs if o.get("name") != "stderr")
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = i + 1
    return nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)


def joined(outputs) -> list:
    """Outputs with neighbouring chunks of printed text made one: the kernel splits them at random."""
    whole = []
    for output in outputs:
        if output.output_type == "stream" and whole and whole[-1].output_type == "stream":
            whole[-1]["text"] += output.text
        else:
            whole.append(output)
    return whole


def report() -> None:
    """Write the pages of all executed notebooks, and the index over them."""
    from sedutils.site import report as pages

    prepare_environment()  # a reader's own templates would be taken
    for folder in ("pages", "notebooks"):
        shutil.rmtree(REPORTS / folder, ignore_errors=True)
    pages.build(TEXT, EXECUTED, REPORTS, title=TITLE, lead=LEAD, note=NOTE, costs=stage_costs())


def stage_costs() -> dict[str, str]:
    """Time and memory of every stage in a sentence, from the last benchmark."""
    import pandas as pd

    rows = pd.read_csv(MEASURED).set_index("what")
    sentences = {}
    for what, row in rows[rows.unit == "s"].iterrows():
        memory = rows.value[f"{what}, peak anonymous memory"]
        sentences[what.removeprefix("stage ")] = (
            f"When measured ({row.date}, {row.cores} cores, {row.cpu}) the stage took "
            f"{row.value:.0f} s and {memory / 1000:.1f} GB of memory."
        )
    return sentences


def main(arguments: list[str]) -> None:
    try:
        match arguments:
            case ["sources"]:
                sources()
            case ["run", code, executed, *pairs] if all("=" in pair for pair in pairs):
                run(Path(code), Path(executed), dict(pair.split("=", 1) for pair in pairs))
            case ["report"]:
                report()
            case ["clean"]:
                sys.stdout.write(clean(sys.stdin.read()))
            case _:
                sys.exit(__doc__)
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
