"""The claims of Kao et al. 2018 that are no plain contrasts, rows for `sedutils.claims.verdicts.judge`."""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import contrast, exact, nothing
from sedutils.metrics import bootstrap
from sedutils.models.blocks import keras_parameters, trainable_parameters
from sedutils.models.kao2018 import RCRNN
from sedutils.papers.kao2018.results import FINETUNED, DetectorRun

SINGLE = ("DNN/CNN", "R-FCN", "Baseline")  # quoted systems that are no ensembles
SPLITS = {"dev_ER": "development", "eval_ER": "evaluation"}  # columns of Table 4


def odd(run: DetectorRun, tables: dict[str, pd.DataFrame]) -> list[dict]:
    """R01 to R05, and R11 to R13; ``tables`` as printed, T2 and T4."""
    rows = against_quoted(run, tables["T4"].set_index("method"))
    return [*rows, *generalised(run), searched(run), *counted(tables["T2"])]


def against_quoted(run: DetectorRun, printed: pd.DataFrame) -> list[dict]:
    """R01 to R04: Table 4, quoted error rates against those of its system here."""

    def better(quoted, column):
        return run.estimate(lambda er: quoted - er, FINETUNED, metric=f"{SPLITS[column]}_ER")

    def worse(quoted, column):
        return bootstrap.combined(np.negative, better(quoted, column))

    half = 0.5 * printed.dev_ER["R-FCN"] + 0.005
    what = "half the development ER of R-FCN (quoted) - ours"
    rows = [contrast("R01", what, better(half, "dev_ER"))]
    for column, split in SPLITS.items():
        best = min(printed.loc[m, column] for m in SINGLE)
        what = f"{split} ER, best single model (quoted) - ours"
        rows.append(contrast("R02", what, better(best, column)))
    winner = printed.dev_ER["1D-CRNN"]
    last = max(printed.eval_ER[m] for m in ("1D-CRNN", "CRNN"))
    winning, away = "1D-CRNN (quoted)", better(winner, "dev_ER")
    second = "evaluation ER, ours - the worse of the first two (quoted)"
    return [
        *rows,
        contrast("R03", f"development ER, {winning} - ours", away, -0.03),
        contrast("R03", f"development ER, ours - {winning}", worse(winner, "dev_ER"), -0.03),
        contrast("R04", second, worse(last, "eval_ER")),
    ]


def generalised(run: DetectorRun) -> list[dict]:
    """R05: clips of other sources, and over-fitting, which is what the clips that were learnt from show."""
    return [
        contrast("R05", f"ER, evaluation - {name}", run.rise(FINETUNED, split, "evaluation"), 0.1)
        for split, name in (("development", "development"), ("train", "the clips learnt from"))
    ]


def searched(run: DetectorRun) -> dict:
    """R11: chosen on validation clips; on the clips that are reported the better of two is never the worse one."""
    what = "development ER, before - after the search, classes whose network it changes"
    saved = run.searched("CRNN_BiGRU", FINETUNED)
    return contrast("R11", what, saved) if saved else nothing("R11", what)


def parameters_of_table1() -> dict[str, int]:
    """Of its networks at the paper's size, as the paper counts: 100 units, M = 512; it prints none of these."""
    return {
        name: keras_parameters(network(100, 512, recurrent=recurrent))
        for name, recurrent in (("CNN", "none"), ("CRNN_GRU", "gru"), ("CRNN_BiGRU", "bigru"))
    }


def network(units: int, nodes: int, classes: int = 1, recurrent: str = "bigru") -> RCRNN:
    """A live network of the paper's widths."""
    sizes = {"units": int(units), "nodes": int(nodes), "classes": classes}
    return RCRNN(bands=64, widths=(64, 128), recurrent=recurrent, **sizes)


def counted(printed: pd.DataFrame) -> list[dict]:
    """R12 and R13: parameters of live networks at the paper's size; ``printed`` is Table 2."""

    def equal(claim, what, value, wanted):
        return exact(claim, f"{what} - {wanted}", value == wanted, value=value - wanted)

    rows = []
    for nodes in sorted(set(printed.M)):
        one, two = (trainable_parameters(network(printed.bigru_units[0], nodes, k)) for k in (1, 2))
        what = f"a second class at M = {nodes}: parameters"
        rows.append(equal("R12", what, two - one, 3 * nodes + 3))
    for _, row in printed.iterrows():
        total = keras_parameters(network(row.bigru_units, row.M))
        rows.append(equal("R13", f"{row['class']}: parameters", total, row.params_reported))
    return rows
