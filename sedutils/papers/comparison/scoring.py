"""Scores of every system and seed on the test cuts, by one set of rules; what each costs; who leads."""

import numpy as np
import pandas as pd

from sedutils.claims import verdicts
from sedutils.metrics import activity, events, psds, sed_eval_adapter
from sedutils.papers.comparison.cuts import GRID_S
from sedutils.papers.comparison.results import CutRun
from sedutils.pipeline import jobs
from sedutils.training import evaluation

# Column -> whether more is better
METRICS = {
    "F1_frm": True,
    "ER_frm": False,
    "F1_1s": True,
    "ER_1s": False,
    "event_F1": True,
    "PSDS1": True,
    "PSDS2": True,
}
# What `sedutils.benchmark.comparison` calls its rows
TRAINING, SCORING = "comparison, training of {}, one {}", "comparison, {} from samples to scores"


def all_scores(run: CutRun, *, backend: str, workers: int) -> pd.DataFrame:
    """One row a system and seed: threshold and `METRICS`, F1 and PSDS in percent."""
    clips = events.AnnotatedClips(
        run.test.assign(frames=len(run.truths["test"][0]), duration_s=run.seconds),
        run.annotation,
        tuple(run.labels),
        GRID_S,
    )
    tasks = [
        {
            "system": name,
            "seed": seed,
            "threshold": run.rules[name, seed].threshold,
            "scores": run.scores(name, seed),
            "clips": clips,
        }
        for name, seed in run.trials
    ]
    return pd.DataFrame(
        jobs.parallel(score, tasks, label="scores", backend=backend, workers=workers)
    )


def score(
    *, system: str, seed: int, threshold: float, scores: np.ndarray, clips: events.AnnotatedClips
) -> dict:
    """The row of one system and seed; ``scores`` ``(cuts, frames, classes)``."""
    rolls = dict(zip(clips.recordings.recording, scores >= threshold, strict=True))
    by_segment = sed_eval_adapter.frame_and_second_scores(
        rolls,
        dict(tuple(clips.events.groupby("recording"))),
        clips.labels,
        durations=dict(zip(clips.recordings.recording, clips.recordings.duration_s, strict=True)),
        hop_s=GRID_S,
    )
    found = activity.event_table(rolls, clips.labels, hop_s=GRID_S)
    rows = scores.reshape(-1, len(clips.labels))
    return {
        "system": system,
        "seed": seed,
        "threshold": threshold,
        **by_segment,
        "event_F1": events.class_f_scores(found, clips).mean(),
        **{f"PSDS{i}": 100 * psds.score(rows, clips, i) for i in psds.SCENARIOS},
    }


def table(run: CutRun, rows: pd.DataFrame, speed: pd.DataFrame | None) -> pd.DataFrame:
    """One row a system: who it is, mean and std of every metric over seeds, interval, size and cost.

    rows : of `all_scores`
    speed : data/measured/speed.csv, None for a size that it was not measured at

    The interval, ``F1_frm_low`` to ``F1_frm_high``, is that over seeds and test mixtures. Costs that
    were not measured are NaN.
    """
    means = evaluation.mean_and_std(rows, ["system"]).set_index("system")
    corpus, source = run.corpus.folder.name.rsplit("-", 1)
    found = []
    for name, entry in run.entries.items():
        low, high = run.estimate(lambda f1: f1, name, metric="F1_frm").interval
        about = {"corpus": corpus, "source": source, "size": run.corpus.folder.parent.name}
        about |= {"system": name, "title": entry.title, "paper": entry.paper}
        about |= {"supervision": entry.supervision, "parameters": run.parameters(name)}
        spread = {"F1_frm_low": low, "F1_frm_high": high}
        cost = costs(speed, name, run.rounds(name))
        found.append(about | means.loc[name].to_dict() | spread | cost)
    return pd.DataFrame(found)


def costs(speed: pd.DataFrame | None, system: str, rounds: dict[str, float]) -> dict[str, float]:
    """Training in seconds and the real-time factor, from what `make benchmark` measured; else NaN.

    rounds : of `CutRun.rounds`
    """
    value = {} if speed is None else dict(zip(speed.what, speed.value, strict=True))
    once = {unit: value.get(TRAINING.format(system, unit), np.nan) for unit in rounds}
    return {
        "training_s": sum(once[unit] * count for unit, count in rounds.items()),
        "real_time_factor": value.get(SCORING.format(system), np.nan) / 1000,  # from ms a second
    }


def leads(run: CutRun, best: str) -> pd.DataFrame:
    """How far each other system lies behind the best one in frame F1, in points, on the same mixtures.

    Each mean takes all seeds of its system; ``seeds`` is the smaller number of both. ``clear``: the interval is
    above zero.
    """
    found = []
    for name, entry in run.entries.items():
        if name == best:
            continue
        lead = run.above(best, name, "F1_frm")
        low, high = lead.interval
        found.append(
            {
                "system": name,
                "title": entry.title,
                "supervision": entry.supervision,
                "behind": lead.value,
                "low": low,
                "high": high,
                "std": lead.std,
                "seeds": lead.n_seeds,
                "units": lead.n_units,
                "clear": verdicts.outcome(lead.interval) == "holds",
            }
        )
    columns = ["system", "title", "supervision", "behind", "low", "high", "std", "seeds", "units"]
    return pd.DataFrame(found, columns=[*columns, "clear"]).sort_values(
        "behind", kind="stable", ignore_index=True
    )
