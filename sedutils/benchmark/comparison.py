"""What the systems of the comparison cost on one thread: an epoch of training, and listening to a cut.

Sound, features and targets are random, of as many seconds as the comparison's mixtures have, and networks are
not trained before they listen: times depend on sizes, and hardly on what is heard.
"""

import time
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import numpy as np
import pandas as pd
import torch

from sedutils.decoding.confidence import in_frames
from sedutils.features import spectra as features
from sedutils.features.frames import Frames
from sedutils.models.gradual import PER_DECISION
from sedutils.models.kao2018 import of_tagger
from sedutils.models.kinds import KINDS
from sedutils.models.network import Network
from sedutils.papers.comparison import cuts, entries, scoring, trainings
from sedutils.papers.gradual.features import stacked
from sedutils.pipeline import params
from sedutils.training import loop
from sedutils.training import weak as weak_training

CORPUS, CLASSES = "tut_sed_synthetic_2016", 16
EPOCHS, ROUNDS = 2, 7  # timed: of training their mean, of listening the median


def costs(size: str):
    """For each system seconds an epoch (of the FBCRNN a step), and ms a second of sound from samples to scores.

    Yields ``(what, value, unit)`` under the names that `sedutils.papers.comparison.scoring` looks for.
    """
    torch.set_num_threads(1)
    comparison, rules, weak, front_end = params.load(
        "comparison", "evaluation", "weak_labels", "features.ebbers2020", size=size
    )
    chosen = entries.chosen(comparison["systems"], rules, weak, front_end["hop_s"])
    for name, entry in chosen.items():
        bench = Bench(entry, size)
        for unit, seconds in bench.training():
            yield scoring.TRAINING.format(name, unit), seconds, "s"
        yield scoring.SCORING.format(name), 1000 * bench.listening() / bench.seconds, "ms/s"


@dataclass
class Bench:
    """One system of the comparison at one size."""

    entry: entries.Entry
    size: str

    def __post_init__(self):
        (self.front_end,) = params.load(f"features.{self.entry.front_end}", size=self.size)
        comparison, settings, designs, self.weak, self.decoding, regions = params.load(
            *("comparison", "training", "systems", "weak_training", "weak_labels", "rcrnn"),
            size=self.size,
        )
        mixtures, families = params.load(f"corpora.{CORPUS}", f"families.{CORPUS}", size=self.size)
        self.seconds, self.hop_s = comparison["seconds"], trainings.hop_of(self.front_end)
        self.counts, self.mixture_s = mixtures["mixtures"], mixtures["mixture_s"]
        settings |= families[self.entry.family].get("training", {}) if self.entry.family else {}
        self.settings = {k: v for k, v in settings.items() if k != "seeds"}
        self.settings |= {"device": "cpu", "patience": 0, "max_epochs": EPOCHS}
        self.arguments, self.pretraining = designs[self.entry.system], regions["pretraining"]
        if self.entry.family is None and self.entry.supervision == entries.STRONG:
            frames = int(self.seconds / self.hop_s + cuts.ROUNDING)
            self.arguments |= {"sequence_frames": frames}

    @cached_property
    def model(self) -> Network:
        return self.new(self.arguments)

    def new(self, arguments: dict) -> Network:
        torch.manual_seed(1)
        sizes = {"classes": CLASSES, "width": self.width, "front_end": self.front_end}
        return KINDS[arguments["kind"]].from_params(arguments, **sizes)

    @property
    def of_mfccs(self) -> bool:
        return KINDS[self.arguments["kind"]].front_end(self.arguments) == "mfcc"

    @property
    def width(self) -> int:
        """Numbers in a row of features."""
        if self.of_mfccs:
            return 3 * self.front_end["mfcc"] - 1
        stacks = PER_DECISION * self.front_end["context"] if "context" in self.front_end else 1
        return stacks * self.front_end["mel_bands"]

    def random(self, split: str) -> Frames:
        """A split of random features; each class sounds for a tenth of each mixture."""
        rng, count = np.random.default_rng(0), self.counts[split]
        length = int(np.ceil(self.mixture_s / self.hop_s - cuts.ROUNDING))
        rows = [{"recording": str(i), "duration_s": self.mixture_s} for i in range(count)]
        table = pd.DataFrame(rows).assign(frames=length, first_frame=np.arange(count) * length)
        targets = np.zeros((count, length, CLASSES), np.uint8)
        for mixture, label in np.ndindex(count, CLASSES):
            start = rng.integers(0, length - length // 10)
            targets[mixture, start : start + length // 10, label] = 1
        if self.entry.family is None:
            table = cuts.table(table, self.seconds, self.hop_s)
        noise = rng.standard_normal((count * length, self.width), np.float32)
        return Frames(noise, targets.reshape(-1, CLASSES), table, *self.unit())

    def unit(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of features that are not normalised."""
        return torch.zeros(self.width), torch.ones(self.width)

    def training(self):
        """Seconds of one of each unit of the rounds that the system's training has: ``(unit, seconds)``."""
        train, validation = self.random("train"), self.random("validation")
        if self.entry.supervision == entries.WEAK:
            yield "step", self.tagging(train, validation)
            return
        if self.entry.pretrained:
            own = of_tagger(self.arguments, self.pretraining)
            yield "pretraining epoch", self.epoch(self.new(own), own, train, validation)
        yield "epoch", self.epoch(self.model, self.arguments, train, validation)

    def epoch(self, model: Network, arguments: dict, train: Frames, validation: Frames) -> float:
        """Seconds of an epoch and the validation after it; of a GMM of all."""
        begin_s = timed(lambda: model.begin(train, 1))
        if not model.by_gradient:
            return begin_s
        given = model, model.targets(train), validation
        how = {"arguments": arguments, "settings": self.settings, "seed": 1}
        return timed(lambda: loop.fit_sequences(*given, **how)) / EPOCHS

    def tagging(self, train: Frames, validation: Frames) -> float:
        """Seconds of a step, its share of a validation included."""
        steps = self.weak["validation_steps"]
        given = {"settings": self.weak | {"steps": steps}, "hop_s": self.hop_s, "seed": 1}
        given |= {"unlabelled": None, "device": "cpu"}
        batches = weak_training.Tagging(self.model, train, validation, **given)
        return timed(lambda: weak_training.fit(batches)) / steps

    def listening(self) -> float:
        """Seconds from the samples of one cut to the scores that meet a threshold."""
        rate = self.front_end["sample_rate"]
        noise = np.random.default_rng(0).standard_normal(round(self.seconds * rate))
        audio, smoothing = (0.1 * noise).astype(np.float32), self.entry.smoothing
        scores = self.scores(audio)
        smooth = smoothing.fitted(smoothing.choices[0], scores)
        times = [timed(lambda: smooth(self.scores(audio))) for _ in range(ROUNDS)]
        return median(times)

    def scores(self, audio: np.ndarray) -> np.ndarray:
        """What `CutRun.raw` has of a cut, ``(1, grid frames, …)``, from its samples."""
        rows = self.rows(audio)
        whole = pd.DataFrame([{"recording": "", "duration_s": self.seconds, "first_frame": 0}])
        table = cuts.table(whole, self.seconds, self.hop_s)
        frames = Frames(rows, np.zeros((len(rows), CLASSES), np.uint8), table, *self.unit())
        if self.entry.supervision == entries.WEAK:
            context = max(self.decoding["contexts"])
            found = trainings.masked(self.model, frames, context, np.zeros(CLASSES), "cpu")
        elif self.entry.family is None:
            points = cuts.middles(table, self.seconds, self.hop_s)
            return self.model.scores_at(frames, points, "cpu")
        else:
            found = self.model.predict(frames, self.arguments.get("sequence_frames"), "cpu")
        if found.ndim == 3:
            found = in_frames(found, np.full(CLASSES, round(self.seconds / self.hop_s)))
            found[:, 1:] *= self.hop_s / cuts.GRID_S
        return cuts.on_grid(cuts.stacked(found, table), table, self.seconds, self.hop_s)

    def rows(self, audio: np.ndarray) -> np.ndarray:
        """The front end of the system, ``(frames, width)``."""
        own = self.front_end
        energies = features.log_mel(audio, **features.front_end(own))
        if self.of_mfccs:
            return features.mfcc(energies, mfcc=own["mfcc"], delta_frames=own["delta_frames"])
        if "context" not in own:
            return energies
        spectra = stacked(energies, mean_frames=own["mean_frames"], context=own["context"])
        return spectra[: len(spectra) // PER_DECISION * PER_DECISION].reshape(-1, self.width)


def timed(function) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
