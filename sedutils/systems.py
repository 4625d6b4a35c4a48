"""A system from its parameters to its scores: trained, saved, found again, applied to any sound."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
import torch

from sedutils import files, models, training, triplets
from sedutils.frames import Frames, read_statistics
from sedutils.models.blocks import trainable_parameters
from sedutils.models.gmm import GMM
from sedutils.models.phan2018 import MultiTaskCRNN

# Values of a network's section in params.yaml that its training takes, not its class
OF_TRAINING = ("sequence_frames", "batch_frames", "learning_rate")


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

    @property
    def facts(self) -> dict:
        """What `train` must know of it beside system and seed."""
        fold = {} if self.fold is None else {"fold": self.fold}
        return fold | ({} if self.share == 1 else {"share": self.share})


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


def train(
    *,
    name: str,
    seed: int,
    arguments: dict,
    features: Path,
    folder: Path,
    settings: dict,
    facts: dict,
) -> dict:
    """Train one system with one seed and write all that later chapters need of it.

    Parameters
    ----------
    arguments : the system's section of params.yaml
    features : folder of `sedutils.features.extract`
    folder : gets ``model.safetensors``, ``description.json``, ``history.csv`` (networks) and
        ``scores_{validation,test}.npy``, frames of all recordings below each other
    settings : section ``training``
    facts : corpus, source, size, front-end settings, and where they apply fold and share (of the training
        recordings); kept in the description

    Returns
    -------
    system, seed, fold (where there are folds), parameters, epochs, best_epoch, validation_score, ran_out
    """
    system = System.new(arguments, features, facts | {"system": name, "seed": seed})
    history = system.fit(features, seed=seed, settings=settings)
    system.write(folder)
    if history:
        files.write_csv(folder / "history.csv", pd.DataFrame(history))
    for split in ("validation", "test"):
        frames = Frames.read(features, split, system.front_end, facts.get("fold"))
        files.write_npy(
            folder / f"scores_{split}.npy", system.scores_of(frames, settings["device"])
        )
    best = next((epoch for epoch in history if epoch["best"]), {})
    return {
        "system": name,
        "seed": seed,
        **({"fold": facts["fold"]} if "fold" in facts else {}),
        "parameters": system.parameters,
        "epochs": len(history),
        "best_epoch": best.get("epoch", 0),
        "validation_score": best.get("validation_score", np.nan),
        "ran_out": bool(history) and ran_out(pd.DataFrame(history), settings),
    }


def ran_out(history: pd.DataFrame, settings: dict) -> bool:
    """Whether a training ended at ``max_epochs`` before its validation score had stopped rising."""
    waited = len(history) - history.epoch[history.best].item()
    return len(history) == settings["max_epochs"] and waited < settings["patience"]


def trainings_cut(folders: list[Path], settings: dict) -> str:
    """How many of the trainings below some folders of models ran out of epochs, in a sentence."""
    found = [p for folder in folders for p in sorted(Path(folder).rglob("history.csv"))]
    cut = sum(ran_out(pd.read_csv(path), settings) for path in found)
    return (
        f"{cut} of {len(found)} trainings ended at {settings['max_epochs']} epochs, before validation had "
        f"stopped rising for {settings['patience']}."
    )


@dataclass
class System:
    """A model and the description it needs to be used again: labels, front end, normalisation."""

    model: torch.nn.Module | GMM
    description: dict

    @classmethod
    def new(cls, arguments: dict, features: Path, facts: dict) -> "System":
        """An untrained system for the features in a folder."""
        features = Path(features)
        labels = (features / "labels.txt").read_text().split("\n")[:-1]
        front_end = "mfcc" if arguments["kind"] == "GMM" else "log_mel"
        statistics = read_statistics(features, front_end, facts.get("fold"))
        torch.manual_seed(facts["seed"])
        model = make(arguments, len(labels), facts["features"])
        return cls(
            model,
            facts
            | {
                "arguments": arguments,
                "labels": labels,
                "front_end": front_end,
                "statistics": statistics,
            },
        )

    @property
    def front_end(self) -> str:
        return self.description["front_end"]

    @property
    def labels(self) -> list[str]:
        return self.description["labels"]

    @property
    def parameters(self) -> int:
        return (
            self.model.parameters
            if isinstance(self.model, GMM)
            else trainable_parameters(self.model)
        )

    def fit(self, features: Path, *, seed: int, settings: dict) -> list[dict]:
        """Train on the ``train`` split; returns the history of a network, nothing for a GMM."""
        fold, share = self.description.get("fold"), self.description.get("share", 1.0)
        train = Frames.read(features, "train", self.front_end, fold, share)
        if isinstance(self.model, GMM):
            x, y = (torch.cat(parts).numpy() for parts in zip(*recordings(train), strict=True))
            self.model.fit(x, y, seed=seed)
            return []
        if isinstance(self.model, MultiTaskCRNN):
            longest = triplets.longest_events(triplets.rolls(train))
            train = triplets.with_triplets(train, longest)
            self.description["longest_events"] = longest.tolist()  # in frames, scale of distances
        return fit_network(
            self.model,
            train,
            Frames.read(features, "validation", fold=fold),
            features,
            arguments=self.description["arguments"],
            seed=seed,
            settings=settings,
            label=f"{self.description['system']} seed {seed}",
            facts={"fold": fold, "share": share},
        )

    def scores_of(self, frames: Frames, device: str = "cpu") -> np.ndarray:
        """Scores ``(frames, classes)``, or triplets, of all recordings of a split below each other."""
        if isinstance(self.model, GMM):
            return np.concatenate([self.model.scores(x.numpy()) for x, _ in recordings(frames)])
        return training.predict(
            self.model, frames, self.description["arguments"]["sequence_frames"], device
        )

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores ``(frames, classes)`` of any sound from its features ``(frames, dimensions)``."""
        one = pd.DataFrame({"first_frame": [0], "frames": [len(features)]})
        mean, std = (torch.tensor(self.description["statistics"][k]) for k in ("mean", "std"))
        nothing = np.zeros((len(features), len(self.labels)), np.uint8)
        return self.scores_of(Frames(features, nothing, one, mean, std))

    def write(self, folder: Path) -> None:
        """Write weights and description; no pickle."""
        if isinstance(self.model, GMM):
            weights = safetensors.numpy.save(self.model.state())
        else:
            weights = safetensors.torch.save(
                {k: v.detach().cpu().contiguous() for k, v in self.model.state_dict().items()}
            )
        files.write_bytes(folder / "model.safetensors", weights)
        files.write_text(folder / "description.json", json.dumps(self.description, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "System":
        """Open a system that `write` wrote; ``FileNotFoundError`` or ``ValueError`` names the file."""
        folder = Path(folder)
        description = json.loads((folder / "description.json").read_text())
        model = make(description["arguments"], len(description["labels"]), description["features"])
        path = folder / "model.safetensors"
        try:
            if isinstance(model, GMM):
                model.restore(safetensors.numpy.load_file(path))
            else:
                model.load_state_dict(safetensors.torch.load_file(path))
        except (safetensors.SafetensorError, RuntimeError, KeyError) as error:
            raise ValueError(
                f"{path}: not the weights of {description['system']} ({error})"
            ) from None
        return cls(model, description)


def fit_network(
    model: torch.nn.Module,
    train: Frames,
    validation: Frames,
    features: Path,
    *,
    arguments: dict,
    seed: int,
    settings: dict,
    label: str,
    facts: dict,
    front_end: str = "log_mel",
) -> list[dict]:
    """`sedutils.training.fit` with a checkpoint for all that decides the result; returns the history.

    arguments : the system's section of params.yaml
    features : the folder whose arrays ``front_end`` names
    settings : section ``training``
    facts : JSON values, what else decides it: which recordings, the weights that it begins with
    """
    options = {k: v for k, v in settings.items() if k != "seeds"}
    arrays = [f"{name}.npy" for name in (*front_end.split("+"), "targets")]
    checkpoint = training.checkpoint_path(
        training.CHECKPOINTS,
        arguments=arguments,
        training=options,
        seed=seed,
        code=[files.digest(path) for path in training.code_of(type(model))],
        data=[
            files.digest(features / name)
            for name in (*arrays, "recordings.csv", "folds.csv", "statistics.json")
            if (features / name).exists()
        ],
        **facts,
    )
    return training.fit(
        model,
        train,
        validation,
        seed=seed,
        checkpoint=checkpoint,
        label=f"{label}: epoch",
        **{name: arguments[name] for name in OF_TRAINING},
        **options,
    )


def make(arguments: dict, classes: int, front_end: dict) -> torch.nn.Module | GMM:
    """The model that a system's section of params.yaml describes."""
    arguments = dict(arguments)
    kind = arguments.pop("kind")
    if kind == "GMM":
        return GMM(window_frames=round(arguments.pop("window_s") / front_end["hop_s"]), **arguments)
    # networks that learn in steps have none of these (section weak_training)
    arguments = {k: v for k, v in arguments.items() if k not in OF_TRAINING}
    bands = front_end["mel_bands"] * front_end.get("context", 1)
    return models.build(kind, bands=bands, classes=classes, **arguments)


def recordings(frames: Frames):
    """Each recording's normalised features (frames, dimensions) and targets (frames, classes)."""
    for row in frames.recordings.itertuples():
        x, y = frames.recording(row, row.frames)
        yield x[0], y
