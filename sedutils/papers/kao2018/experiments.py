"""Which R-CRNNs the tables of Kao et al. 2018 need, and their training, round by round.

Table 1 compares extractors with the units and nodes of one system; the search (Table 2) tries others; the
regimes of pre-training (Table 3) and the comparison (Table 4) take what the search has found for each class.
"""

import itertools
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.decoding.thresholds import search_onsets
from sedutils.metrics import rare
from sedutils.models.blocks import keras_parameters
from sedutils.models.kao2018 import of_tagger
from sedutils.pipeline import files, jobs
from sedutils.training import rare as rare_training
from sedutils.training import systems
from sedutils.training.rare import Task

REGIMES = ("scratch", "fixed", "finetuned")  # of the extractor (Table 3)


@dataclass(frozen=True)
class Detector:
    """One R-CRNN: its class, extractor, nodes M, how its extractor begins, the seed, and whether it has Faster
    R-CNN's conventions (`sedutils.models.kao2018.RCRNN`)."""

    label: str
    recurrent: str
    units: int
    nodes: int
    regime: str
    seed: int
    conventions: bool = True

    @property
    def path(self) -> Path:
        """Where it lies in the folder of the family."""
        name = f"{self.recurrent}-{self.units}-{self.nodes}{'' if self.conventions else '-literal'}"
        return Path(self.label, self.regime, name, str(self.seed))

    @property
    def tagger(self) -> Path:
        """Where its pre-trained extractor lies."""
        return Path(self.label, "tagger", f"{self.recurrent}-{self.units}", str(self.seed))


def extractors(label: str, designs: dict[str, dict], seeds: list[int]) -> list[Detector]:
    """Table 1: the systems of the family, name -> section of params.yaml."""
    own = ("recurrent", "units", "nodes", "conventions")
    return [
        Detector(label, regime="finetuned", seed=seed, **{key: s[key] for key in own})
        for s, seed in itertools.product(designs.values(), seeds)
    ]


def grid(label: str, search: dict, seeds: list[int]) -> list[Detector]:
    """The search of Table 2."""
    points = itertools.product(search["units"], search["nodes"], seeds)
    return [Detector(label, "bigru", u, m, "finetuned", seed) for u, m, seed in points]


def regimes(label: str, units: int, nodes: int, seeds: list[int]) -> list[Detector]:
    """Table 3, of which the last regime is Table 4."""
    points = itertools.product(REGIMES, seeds)
    return [Detector(label, "bigru", units, nodes, regime, seed) for regime, seed in points]


def tasks_of_round(
    detectors: list[Detector],
    *,
    corpus: Path,
    features: Path,
    folder: Path,
    base: dict,
    settings: dict,
    probabilities: dict[str, float],
    pretraining: dict,
    facts: dict,
) -> tuple[list[dict], list[dict]]:
    """How the extractors that a round of detectors needs are trained into ``folder``, and then the detectors: what
    `sedutils.training.systems.train` takes.

    base : section ``systems.rcrnn``, of which each detector replaces its own values
    settings : section ``training``; pretraining : ``rcrnn.pretraining``
    probabilities : of an event in a clip, "tagger" and "detector" sets
    facts : kept with each network
    """
    taggers, rows = {}, {}
    for d in detectors:
        arguments = base | {"recurrent": d.recurrent, "units": d.units, "nodes": d.nodes}
        arguments |= {"conventions": d.conventions}
        own = {"seed": d.seed, "settings": settings, "facts": facts}
        rows[d.path] = own | {
            "name": f"{d.regime} {d.path.parent.name}",
            "data": Task(corpus, features, d.label, probabilities["detector"]),
            "folder": folder / d.path,
            "arguments": arguments,
            "answers": rare_training.best_events,
        }
        if d.regime != "scratch":
            taggers[d.tagger] = own | {
                "name": f"tagger {d.recurrent}-{d.units}",
                "data": Task(corpus, features, d.label, probabilities["tagger"]),
                "folder": folder / d.tagger,
                "arguments": of_tagger(arguments, pretraining),
                "answers": rare_training.nothing,
            }
            begin = {"tagger": folder / d.tagger, "fixed": d.regime == "fixed"}
            rows[d.path]["learn"] = partial(rare_training.finetuned, **begin)
    return list(taggers.values()), list(rows.values())


def train_round(detectors: list[Detector], *, spread: dict, **how) -> None:
    """Train what `tasks_of_round` says, as far as it is not there yet.

    spread : how `sedutils.pipeline.jobs.parallel` spreads the trainings; how : what `tasks_of_round` takes
    """
    taggers, rows = tasks_of_round(detectors, **how)
    for tasks, what in ((taggers, "extractors"), (rows, "R-CRNNs")):
        todo = [t for t in tasks if not (t["folder"] / "history.csv").exists()]
        jobs.parallel(systems.train, todo, label=what, **spread)


def best_point(
    points: list[Detector], folder: Path, made: Corpus, split: str, probability: float
) -> dict:
    """The units and nodes with the least error rate on a split, mean over seeds.

    Of equals, which a small split has many of, the one with the least loss on validation clips.

    Returns label, split, units, nodes, parameters (as the paper counts), error_rate, validation_loss.
    """
    rows = []
    for (units, nodes), group in itertools.groupby(points, lambda d: (d.units, d.nodes)):
        group = list(group)
        rates = [error_rate(d, folder, made, split, probability) for d in group]
        courses_of = [pd.read_csv(folder / d.path / "history.csv") for d in group]
        losses = [-course.validation_score[course.best].item() for course in courses_of]
        rows.append(
            {
                "label": group[0].label,
                "split": split,
                "units": units,
                "nodes": nodes,
                "parameters": keras_parameters(systems.System.read(folder / group[0].path).model),
                # rounded, so that the order of the seeds does not tell equals apart
                "error_rate": round(float(np.mean(rates)), 9),
                "validation_loss": round(float(np.mean(losses)), 6),
            }
        )
    return min(rows, key=lambda row: (row["error_rate"], row["validation_loss"]))


def error_rate(
    detector: Detector, folder: Path, made: Corpus, split: str, probability: float
) -> float:
    """Event-based error rate of one detector on a split."""
    found = onsets(detector, folder, made, split, probability)
    reference_s = recipes.onsets_of(made, detector.label, split)
    return float(rare.counts(reference_s, found).sum().error_rate)


def onsets(
    detector: Detector, folder: Path, made: Corpus, split: str, probability: float
) -> pd.Series:
    """The onset found in each clip of a split, NaN for none; by recording.

    probability : events below it are dropped; 0 for the one that is best on validation clips
    """
    reference_s = recipes.onsets_of(made, detector.label, split)
    events = read_events(folder / detector.path, split, reference_s.index)
    if not probability:
        probability = best_probability(detector, folder, made)
    return events.onset_s.where(events.score >= probability)


def best_probability(
    detector: Detector, folder: Path, made: Corpus, split: str = "validation"
) -> float:
    """The probability of least error rate on a split, by default the validation clips."""
    reference_s = recipes.onsets_of(made, detector.label, split)
    events = read_events(folder / detector.path, split, reference_s.index)
    return search_onsets(reference_s, events.onset_s, events.score)


def read_events(folder: Path, split: str, recordings: pd.Index) -> pd.DataFrame:
    """The most probable event of each clip, by recording; score 0 where none was proposed."""
    events = pd.read_csv(folder / f"events_{split}.csv").set_index("recording")
    events = events[["onset_s", "offset_s", "score"]].astype(float)
    return events.reindex(recordings).fillna({"score": 0.0})


def write_choice(rows: list[dict], path: Path) -> None:
    files.write_text(path, json.dumps(rows, indent=1) + "\n")


def read_choice(path: Path) -> pd.DataFrame:
    """What `best_point` chose: a row a class and split that chose."""
    return pd.DataFrame(json.loads(path.read_text()))


def courses(folder: Path) -> pd.DataFrame:
    """Epochs of every training below a folder, and the epoch whose weights stayed."""
    rows = []
    for path in sorted(folder.rglob("history.csv")):
        history = pd.read_csv(path)
        label, regime, network, seed = path.parent.relative_to(folder).parts
        best = history[history.best].epoch.item()
        row = {"class": label, "regime": regime, "network": network, "seed": seed}
        rows.append(row | {"epochs": len(history), "best_epoch": best})
    return pd.DataFrame(rows)
