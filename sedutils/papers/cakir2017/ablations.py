"""Variants of the CRNN and shifted test mixtures: Table IV, sequence length, Figure 5, and their claims."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import contrast
from sedutils.decoding.thresholds import decisions
from sedutils.features.frames import Frames
from sedutils.metrics import bootstrap, segments
from sedutils.metrics.segments import Counts
from sedutils.papers.cakir2017 import chapter
from sedutils.pipeline import jobs
from sedutils.training import evaluation, systems

NETWORKS = ("cnn", "rnn", "crnn")
SHIFTS = (-2, -1, 1, 2)  # quartertones; reading A20
# name -> shifts one after the other; a control has the pitch of the original and the artefacts of two shifts
COURSES = {"original": []} | {f"{s:+d}": [s] for s in SHIFTS}
CONTROLS = {f"control {s}": [s, -s] for s in (1, 2)}
SMALL, FLAT = ("crnn_3x3", "crnn_5x5"), "crnn_1x5"  # C10, C11
FAR = 15.0  # points of F1


def variants(run: chapter.FrameRun) -> pd.DataFrame:
    """One row a system of a family: parameters, epochs and scores, mean and std over seeds.

    Columns system, parameters, epochs, best_epoch, validation_score, F1_frm_mean, F1_frm_std, ER_frm_mean ...
    """
    rows = []
    for name in run.systems:
        for seed, rolls in zip(run.seeds, run.rolls[name], strict=True):
            folder = run.models / name / str(seed)
            history = pd.read_csv(folder / "history.csv")
            row = {"system": name, "seed": seed, "epochs": len(history)}
            best = history[history.best].iloc[0]
            row["best_epoch"] = best.epoch
            row["validation_score"] = best.validation_score
            row["parameters"] = systems.System.read(folder).parameters
            rows.append(row | chapter.headline(run.test, rolls))
    table = evaluation.mean_and_std(pd.DataFrame(rows), ["system"])
    same = ["parameters_std", "epochs_std", "best_epoch_std"]
    return table.drop(columns=same).rename(
        columns={f"{n}_mean": n for n in ("parameters", "epochs", "best_epoch")}
    )


def shifted_counts(
    models: Path,
    names: list[str],
    seeds: list[int],
    courses: dict[str, Frames],
    *,
    threshold: float,
    device: str,
    backend: str,
    workers: int,
) -> dict[tuple[str, str], list[Counts]]:
    """Counts per unit of every trained network on every course of shifts: (system, course) -> one a seed.

    courses : of `sedutils.features.pitch.shifted`, the test recordings in each
    """
    how = {"courses": courses, "threshold": threshold, "device": device}
    tasks = [{"folder": models / name / str(seed)} | how for name in names for seed in seeds]
    found = iter(
        jobs.parallel(
            counts_of_system, tasks, label="shifted mixtures", backend=backend, workers=workers
        )
    )
    runs = {name: [next(found) for _ in seeds] for name in names}
    return {(name, c): [run[c] for run in runs[name]] for name in names for c in courses}


def counts_of_system(
    *, folder: Path, courses: dict[str, Frames], threshold: float, device: str
) -> dict:
    """Counts of one trained network, course by course."""
    system, counts = systems.System.read(folder), {}
    for name, frames in courses.items():
        rolls = {
            r.recording: np.asarray(frames.targets[r.first_frame : r.first_frame + r.frames], bool)
            for r in frames.recordings.itertuples()
        }
        reference = evaluation.Reference(frames.recordings, system.labels, rolls)
        scores = reference.split(system.scores_of(frames, device))
        counts[name] = reference.counts(decisions(scores, threshold))
    return counts


def pitch_table(counts: dict[tuple[str, str], list[Counts]], seeds: list[int]) -> pd.DataFrame:
    """Figure 5 in numbers: frame F1 in points and its change, a row a system, course and seed."""
    rows = []
    for (name, course), runs in counts.items():
        for seed, run, original in zip(seeds, runs, counts[name, "original"], strict=True):
            f1, before = (100 * float(segments.f1_score(c.sum())) for c in (run, original))
            rows.append((name, course, seed, f1, f1 - before))
    return pd.DataFrame(rows, columns=["system", "course", "seed", "F1_frm", "change"])


def alike(run: chapter.FrameRun) -> list[dict]:
    """C28: GRU and LSTM are alike within the spread over seeds."""
    within = max(spread(run, "crnn_with_both"), spread(run, "crnn_lstm"))
    words, rows = {"crnn_with_both": "GRU", "crnn_lstm": "LSTM"}, []
    for a, b in (("crnn_with_both", "crnn_lstm"), ("crnn_lstm", "crnn_with_both")):
        lead = f"{words[a]} - {words[b]}, frame F1, above minus the spread over seeds"
        row = contrast("C28", lead, run.above(a, b, "F1_frm"), -within)
        # a single seed has no spread, and nothing is alike within nothing
        single = {"contrast": f"{lead} (one seed: no spread)", "outcome": "undecided"}
        rows.append(row | (single if np.isnan(within) else {}))
    return rows


def spread(run: chapter.FrameRun, name: str) -> float:
    """Standard deviation of frame F1 over seeds in points; NaN for a single one."""
    f1 = [run.score(c.sum(), "F1_frm") for c in run.counted(name, "F1_frm")]
    return float(np.std(f1, ddof=1)) if len(f1) > 1 else np.nan


def small_filters(run: chapter.FrameRun) -> dict:
    """C10: the mean of the small filters above that of the others."""
    others = [name for name in run.systems if name not in SMALL]

    def lead(*f1):
        return np.mean(f1[: len(SMALL)], axis=0) - np.mean(f1[len(SMALL) :], axis=0)

    what = "mean of (3,3) and (5,5) - mean of the other shapes, frame F1"
    return contrast("C10", what, run.estimate(lead, *SMALL, *others, metric="F1_frm"))


def flat_filter(run: chapter.FrameRun, source: str) -> list[dict]:
    """C11: (1,5) is the worst shape; on the published mixtures, where levels mean something, far the worst."""
    bound = FAR if source == "official" else 0.0
    return [
        contrast(
            "C11",
            f"({','.join(name.removeprefix('crnn_').split('x'))}) - (1,5), frame F1",
            run.above(name, FLAT, "F1_frm"),
            bound,
        )
        for name in run.systems
        if name != FLAT
    ]


def shifts(counts: dict[tuple[str, str], list[Counts]], resamples: int) -> list[dict]:
    """C14 and C15 (Figure 5): a drop is the F1 that a shift takes beyond what its control loses, in points."""
    courses = [*COURSES, *CONTROLS]
    runs = [counts[n, c] for n in NETWORKS for c in courses]

    def resampled(statistic: Callable) -> bootstrap.Estimate:
        def drops(*scores):
            scores = 100 * np.stack(scores).reshape(len(NETWORKS), len(courses), -1)
            f1 = dict(zip(courses, scores.swapaxes(0, 1), strict=True))
            down, up = (
                np.mean([f1[f"control {s}"] - f1[f"{sign * s:+d}"] for s in (1, 2)], axis=0)
                for sign in (-1, 1)
            )
            return statistic(
                dict(zip(NETWORKS, down, strict=True)), dict(zip(NETWORKS, up, strict=True))
            )

        return bootstrap.paired(runs, segments.f1_score, drops, resamples=resamples)

    rows = [
        contrast(
            "C14",
            f"upward shifts, beyond the control: drop of the RNN - drop of the {n.upper()}",
            resampled(lambda down, up, n=n: up["rnn"] - up[n]),
        )
        for n in ("cnn", "crnn")
    ]
    ranges = resampled(
        lambda down, up: np.ptp(list(up.values()), 0) - np.ptp(list(down.values()), 0)
    )
    what = "range of drops over networks, beyond the control: upward - downward shifts"
    return [*rows, contrast("C15", what, ranges)]
