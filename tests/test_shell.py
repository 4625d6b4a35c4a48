"""Neither the variables of a shell nor the settings in a home change what a run gives."""

import os
import subprocess
import sys

import nbformat
import pytest

from sedutils.site import runner

NUMBERS = """
import hashlib, math
import numpy as np, torch
from threadpoolctl import threadpool_info
from sedutils.pipeline import jobs
def numbers(**_):
    random = np.random.default_rng(0)
    a, b = random.standard_normal((203, 517)), random.standard_normal((517, 301))
    x, y = torch.from_numpy(a.astype("f4")), torch.from_numpy(b[:5, :7].astype("f4"))
    results = {
        "BLAS": a.astype("f4") @ b.astype("f4"), "LAPACK": np.linalg.svd(a)[1], "numpy": np.exp(a),
        "C": np.array([math.sin(value) for value in a.ravel()]), "matrices": (x @ x.T).numpy(),
        "convolution": torch.conv2d(x[None, None], y[None, None]).numpy(), "softmax": x.softmax(1).numpy(),
    }
    digests = {k: hashlib.sha256(np.ascontiguousarray(v)).hexdigest() for k, v in results.items()}
    libraries = [(each["prefix"], each.get("architecture"), each["num_threads"]) for each in threadpool_info()]
    return digests, sorted(libraries, key=str), torch.get_num_threads()
numbers(), jobs.parallel(numbers, [{}, {}], label="numbers", backend="processes", workers=2)
"""
LOOKS = """
import matplotlib.pyplot as plt, pandas as pd
from pathlib import Path
from sedutils.show import plots
figure, axes = plt.subplots()
axes.plot([0, 1, 0])
axes.set_title("0.25 × σ")
plots.save(figure, Path("figure.png"))
print(pd.DataFrame([[1 / 3] * 30]), {"a", "b", "c"})
"""
EVIL = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "2",
    "GOTO_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "2",
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3,X86_V4,AVX512_ICL,AVX512_SPR",
    "NUMBA_DISABLE_JIT": "1",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
    "PYTHONHASHSEED": "7",
    "PYTHONSTARTUP": "{home}/startup.py",
    "FREETYPE_PROPERTIES": "truetype:interpreter-version=35",
    "MATPLOTLIBRC": "{home}/.config/matplotlib",
    "JUPYTER_PATH": "{home}/.local/share/jupyter",
    "COLUMNS": "40",
    "TZ": "Asia/Kolkata",
    "LC_ALL": "C",
}
HOME = {
    "startup.py": "print('startup')",
    ".ipython/profile_default/startup/00.py": "print('profile')",
    ".ipython/profile_default/ipython_kernel_config.py": "c.InlineBackend.figure_formats = {'svg'}",
    ".config/matplotlib/matplotlibrc": "axes.facecolor: red\nlines.linewidth: 5\ntext.hinting: none\n",
    ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "", "language": ""}',
}


@pytest.fixture
def results(tmp_path):
    """Runs the cells in a new folder with a home and variables; what comes out is bytes of each file."""
    cells = [nbformat.v4.new_code_cell(source) for source in (NUMBERS, LOOKS)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=runner.KERNEL)

    def run(name, home, variables):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "sedutils").symlink_to(os.path.abspath("sedutils"))
        nbformat.write(notebook, folder / "code.ipynb")
        command = [
            sys.executable,
            "-m",
            "sedutils.site.runner",
            "run",
            "code.ipynb",
            "executed.ipynb",
        ]
        plain = {"PATH": os.environ["PATH"], "HOME": str(home)}
        subprocess.run(command, cwd=folder, env=plain | variables, check=True, capture_output=True)
        return {p.name: p.read_bytes() for p in folder.glob("*.*")}

    return run


def test_a_shell_and_a_home_change_no_byte(results, tmp_path):
    home = tmp_path / "home"
    for name, text in HOME.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    evil = {name: value.format(home=home) for name, value in EVIL.items()}
    plain = results("plain", tmp_path / "empty", {})
    assert set(plain) == {"code.ipynb", "executed.ipynb", "figure.png"}
    assert results("evil", home, evil) == plain


def test_what_a_run_needs_of_a_shell_stays():
    kept = (
        "HOME",
        "PATH",
        "TMPDIR",
        "CUDA_VISIBLE_DEVICES",
        "NUMBA_CACHE_DIR",
        "MPLCONFIGDIR",
        "DVC_STAGE",
    )
    assert not [name for name in kept if runner.FROM_A_SHELL.match(name)]
