"""A system from its parameters to its scores: trained, saved, found again, applied to any sound."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils.features.frames import Frames, read_statistics
from sedutils.models.blocks import trainable_parameters
from sedutils.models.kinds import KINDS
from sedutils.models.network import Network
from sedutils.pipeline import closure, files
from sedutils.training import loop


@dataclass(frozen=True)
class Trial:
    """One training of a family: a system, a seed and, in cross-validation, a fold."""

    system: str
    seed: int
    fold: int | None = None
    share: float = 1.0

    @property
    def path(self) -> Path:
        """Where its model lies in the folder of the family."""
        parts = [self.system, str(self.seed), *([] if self.fold is None else [f"fold{self.fold}"])]
        return Path(*parts)

    def data(self, features: Path) -> "Recordings":
        return Recordings(features, self.fold, self.share)


def trials(family: dict, seeds: list[int], features: Path) -> list[Trial]:
    """All trainings of a family (its section of params.yaml) on the folds of a features folder."""
    folds = [None]
    if (Path(features) / "folds.csv").exists():
        folds = sorted(pd.read_csv(Path(features) / "folds.csv").fold.unique().tolist())
    return [
        Trial(system, seed, fold, family["share"])
        for system in family["systems"]
        for seed in seeds[: family["seeds"] or None]
        for fold in folds[: family["folds"] or None]
    ]


@dataclass(frozen=True)
class Recordings:
    """What a system learns from and is scored on: the recordings of a features folder, perhaps of one fold.

    A chapter may have its own kind of data, which then overrides `frames`.

    share : of the training recordings
    """

    features: Path  # folder of `sedutils.features.spectra.extract`
    fold: int | None = None
    share: float = 1.0

    def frames(self, split: str, front_end: str) -> Frames:
        """One split, with the arrays that ``front_end`` names."""
        share = self.share if split == "train" else 1.0
        return Frames.read(self.features, split, front_end, self.fold, share)

    @property
    def labels(self) -> list[str]:
        return (Path(self.features) / "labels.txt").read_text().split("\n")[:-1]

    @property
    def facts(self) -> dict:
        """JSON values that say which part of the features it is; kept with the system."""
        fold = {} if self.fold is None else {"fold": self.fold}
        return fold | ({} if self.share == 1 else {"share": self.share})


@dataclass
class System:
    """A network and the description it needs to be used again: labels, front end, normalisation."""

    model: Network
    description: dict

    @classmethod
    def new(cls, arguments: dict, data: Recordings, facts: dict) -> "System":
        """An untrained system for some data.

        arguments : its section of params.yaml
        facts : system, seed and features (section of the front end), and what else its description shall keep
        """
        front_end = KINDS[arguments["kind"]].front_end(arguments)
        description = facts | data.facts
        description |= {
            "arguments": arguments,
            "labels": data.labels,
            "front_end": front_end,
            "statistics": read_statistics(data.features, front_end, description.get("fold")),
        }
        torch.manual_seed(facts["seed"])
        return cls(make(description), description)

    @property
    def front_end(self) -> str:
        return self.description["front_end"]

    @property
    def labels(self) -> list[str]:
        return self.description["labels"]

    @property
    def seed(self) -> int:
        return self.description["seed"]

    @property
    def hop_s(self) -> float:
        return self.description["features"]["hop_s"]

    @property
    def parameters(self) -> int:
        return trainable_parameters(self.model)

    @property
    def title(self) -> str:
        """What progress is reported under."""
        return f"{self.description['system']} seed {self.seed}"

    def checkpoint(self, data: Recordings, settings: dict, *code, **facts) -> Path:
        """Named by all that decides a training; ``code``: what runs it, ``facts``: JSON values, what else does."""
        read = (*self.front_end.split("+"), "targets")
        paths = [Path(data.features) / f"{name}.npy" for name in read]
        tables = ("recordings.csv", "folds.csv", "statistics.json")
        paths += [path for path in (Path(data.features) / name for name in tables) if path.exists()]
        return loop.checkpoint_path(
            arguments=self.description["arguments"],
            labels=self.labels,
            features=self.description["features"],
            settings={k: v for k, v in settings.items() if k != "seeds"},
            seed=self.seed,
            code=closure.digest_of(type(self.model), type(data), *code),
            data=[*map(files.digest, paths), data.facts],
            **facts,
        )

    def scores_of(self, frames: Frames, device: str = "cpu") -> np.ndarray:
        """Scores ``(frames, classes)``, or triplets, of all recordings of a split below each other."""
        return self.model.predict(
            frames, self.description["arguments"].get("sequence_frames"), device
        )

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores ``(frames, classes)`` of any sound from its features ``(frames, dimensions)``."""
        one = pd.DataFrame({"first_frame": [0], "frames": [len(features)]})
        mean, std = (torch.tensor(self.description["statistics"][k]) for k in ("mean", "std"))
        nothing = np.zeros((len(features), len(self.labels)), np.uint8)
        return self.scores_of(Frames(features, nothing, one, mean, std))

    def write(self, folder: Path) -> None:
        """Write weights and description; no pickle."""
        self.model.write(folder)
        described = self.description | {"parameters": self.parameters}
        files.write_text(folder / "description.json", json.dumps(described, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "System":
        """Open a system that `write` wrote; ``FileNotFoundError`` or ``ValueError`` names the file."""
        description = json.loads((Path(folder) / "description.json").read_text())
        model = make(description)
        model.read(folder)
        return cls(model, description)


def make(description: dict) -> Network:
    """An untrained network as a description has it."""
    arguments = description["arguments"]
    return KINDS[arguments["kind"]].from_params(
        arguments,
        classes=len(description["labels"]),
        width=len(description["statistics"]["mean"]),
        front_end=description["features"],
    )


def by_sequences(
    system: System, data: Recordings, settings: dict, *, begins: str = "drawn"
) -> dict[str, list[dict]]:
    """Learn from sequences of the recordings; returns the history, and of a GMM nothing.

    settings : section ``training``; begins : which weights it begins with, for the checkpoint
    """
    model, train = system.model, data.frames("train", system.front_end)
    system.description |= model.begin(train, system.seed)
    if not model.by_gradient:
        return {}
    history = loop.fit_sequences(
        model,
        model.targets(train),
        data.frames("validation", system.front_end),
        arguments=system.description["arguments"],
        settings=settings,
        seed=system.seed,
        checkpoint=system.checkpoint(data, settings, loop.fit_sequences, begins=begins),
        label=system.title,
    )
    return {"history": history}


def scores(system: System, data: Recordings, device: str) -> dict[str, np.ndarray]:
    """Scores of the frames of validation and test recordings below each other."""
    return {
        f"scores_{split}": system.scores_of(data.frames(split, system.front_end), device)
        for split in ("validation", "test")
    }


def train(
    *, name: str, seed: int, arguments: dict, data: Recordings, folder: Path, settings: dict,
    facts: dict, learn: Callable = by_sequences, answers: Callable = scores,
) -> dict:  # fmt: skip
    """Train one system with one seed and write all that later chapters need of it.

    Parameters
    ----------
    arguments : the system's section of params.yaml
    folder : gets what `keep` writes
    settings : section ``training``, or what else ``learn`` takes, and ``device``
    facts : corpus, source, size, front-end settings; kept in the description
    learn : ``(system, data, settings)`` to the history of each course of training, the network's own last
    answers : ``(system, data, device)`` to arrays and tables, by the names of their files

    Returns
    -------
    system, seed, fold (where there are folds), parameters, epochs, best_epoch, validation_score, ran_out
    """
    system = System.new(arguments, data, facts | {"system": name, "seed": seed})
    courses = learn(system, data, settings)
    keep(system, folder, answers(system, data, settings["device"]), courses)
    history = courses.get("history", [])
    best = next((epoch for epoch in history if epoch["best"]), {})
    return {
        "system": name,
        "seed": seed,
        **({"fold": data.fold} if "fold" in data.facts else {}),
        "parameters": system.parameters,
        "epochs": len(history),
        "best_epoch": best.get("epoch", 0),
        "validation_score": best.get("validation_score", np.nan),
        "ran_out": bool(history) and ran_out(pd.DataFrame(history), settings),
    }


def keep(system: System, folder: Path, answers: dict, courses: dict[str, list[dict]]) -> None:
    """Write a trained system: what it answers, weights and description, and last, so that all is there if they are,
    the courses of its training."""
    for name, found in answers.items():
        if isinstance(found, pd.DataFrame):
            files.write_csv(folder / f"{name}.csv", found)
        else:
            files.write_npy(folder / f"{name}.npy", found)
    system.model.cpu()
    system.write(folder)
    for name, history in courses.items():
        files.write_csv(folder / f"{name}.csv", pd.DataFrame(history))


def ran_out(history: pd.DataFrame, settings: dict) -> bool:
    """Whether a training came to the end of its budget before its validation score had stopped rising."""
    waited = len(history) - history.epoch[history.best].item()
    return waited < settings["patience"]


def length_of(settings: dict) -> str:
    """How long trainings take and which weights stay, in words; ``settings``: section ``training`` and its like."""
    ends = [
        f"{settings[k]} {k.removeprefix('max_')}"
        for k in ("steps", "max_epochs")
        if settings.get(k)
    ]
    end, averaged = " or ".join(ends), settings.get("average", 0)
    if settings["patience"]:
        waits = f"until validation has not risen for {settings['patience']} epochs, at most {end}"
        return waits + (", with averaged weights" if averaged else "")
    return (
        f"{end}, and {'the average of the weights stays' if averaged else 'the last weights stay'}"
    )


def trainings_cut(folders: list[Path], settings: dict) -> str:
    """How long the trainings below some folders of models took, and how many were cut, in a sentence."""
    found = [p for folder in folders for p in sorted(Path(folder).rglob("history.csv"))]
    cut = sum(ran_out(pd.read_csv(path), settings) for path in found)
    ending = f"; {cut} of them were still rising then" if settings["patience"] else ""
    return f"{len(found)} trainings: {length_of(settings)}{ending}."
