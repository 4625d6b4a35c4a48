"""Scores and decisions of every system and seed on the test cuts, all on one grid."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.decoding.confidence import in_frames
from sedutils.metrics import activity, bootstrap, ratios, segments
from sedutils.papers.comparison import cuts
from sedutils.papers.comparison.cuts import GRID_S
from sedutils.papers.comparison.entries import Entry
from sedutils.papers.comparison.smoothing import Rule, search
from sedutils.pipeline import jobs
from sedutils.training.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class CutRun(Run):
    """What the compared systems say of cuts of the validation and test mixtures of a corpus.

    features, models : folders of all front ends (of a size) and of all families (of the corpus)
    entries : the systems; seeds : of each those that are trained
    hops : of each front end, in seconds
    seconds : of a cut
    spread : how `sedutils.pipeline.jobs.parallel` spreads the searches for thresholds
    """

    seeds: dict[str, list[int]]
    features: Path
    entries: dict[str, Entry]
    hops: dict[str, float]
    seconds: float
    spread: dict

    @property
    def trials(self) -> list[tuple[str, int]]:
        """Every system and seed."""
        return [(name, seed) for name in self.entries for seed in self.seeds[name]]

    def table(self, split: str, hop_s: float = GRID_S) -> pd.DataFrame:
        """The cuts of a split; first_frame counts from the split's first frame of that hop on."""
        recordings = self.corpus.recordings_of(split)
        frames = [activity.frame_count(s, hop_s=hop_s) for s in recordings.duration_s]
        first = np.cumsum(frames) - frames
        return cuts.table(recordings.assign(first_frame=first), self.seconds, hop_s)

    @cached_property
    def test(self) -> pd.DataFrame:
        return self.table("test")

    @cached_property
    def annotation(self) -> pd.DataFrame:
        """Events of the test cuts: recording, onset_s, offset_s, label."""
        return cuts.annotation(self.corpus.events, self.test, self.seconds)

    def truth(self, split: str) -> np.ndarray:
        """The annotation as a roll, bool ``(cuts, frames, classes)``."""
        table = self.table(split)
        events = cuts.annotation(self.corpus.events, table, self.seconds).groupby("recording")
        some, frames = events.indices, cuts.grid_frames(self.seconds)
        empty = np.zeros((frames, len(self.labels)), bool)
        return np.stack(
            [
                activity.event_roll(events.get_group(name), self.labels, n_frames=frames)
                if name in some
                else empty
                for name in table.recording
            ]
        )

    @cached_property
    def truths(self) -> dict[str, np.ndarray]:
        return {split: self.truth(split) for split in ("validation", "test")}

    def folder(self, name: str, seed: int) -> Path:
        """Where the model of a system and seed lies."""
        return self.models / (self.entries[name].family or "comparison") / name / str(seed)

    def raw(self, name: str, seed: int, split: str) -> np.ndarray:
        """Scores ``(cuts, frames, classes)`` before any smoothing, of triplets ``(cuts, frames, 3, classes)``.

        Of triplets the distances are in frames of the grid.
        """
        entry, folder = self.entries[name], self.folder(name, seed)
        scores = np.load(folder / f"scores_{split}.npy")
        if entry.family is None:
            return scores
        if scores.ndim == 3:
            description = json.loads((folder / "description.json").read_text())
            scores = in_frames(scores, np.array(description["longest_events"]))
            scores[:, 1:] *= self.hops[entry.front_end] / GRID_S
        table = self.table(split, self.hops[entry.front_end])
        return cuts.on_grid(
            cuts.stacked(scores, table), table, self.seconds, self.hops[entry.front_end]
        )

    @cached_property
    def rules(self) -> dict[tuple[str, int], Rule]:
        """Smoothing and threshold of every system and seed, as best on its validation cuts."""
        tasks = [
            {
                "smoothing": self.entries[name].smoothing,
                "validation": self.raw(name, seed, "validation"),
                "truth": self.truths["validation"],
            }
            for name, seed in self.trials
        ]
        found = jobs.parallel(search, tasks, label="thresholds", **self.spread)
        return dict(zip(self.trials, found, strict=True))

    def scores(self, name: str, seed: int) -> np.ndarray:
        """Scores of the test cuts that thresholds are applied to, ``(cuts, frames, classes)``."""
        smoothing, rule = self.entries[name].smoothing, self.rules[name, seed]
        of_validation = self.raw(name, seed, "validation")
        return smoothing.fitted(rule.choice, of_validation)(self.raw(name, seed, "test"))

    @cached_property
    def decisions(self) -> dict[tuple[str, int], dict[str, np.ndarray]]:
        """Rolls of the test cuts: system and seed -> cut -> bool ``(frames, classes)``."""
        names = list(self.test.recording)
        return {
            trial: dict(zip(names, self.scores(*trial) >= rule.threshold, strict=True))
            for trial, rule in self.rules.items()
        }

    def by_mixture(self, rolls: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Rolls of cuts as those of their mixtures, the units of the bootstrap."""
        return {
            mixture: np.concatenate([rolls[name] for name in rows.recording])
            for mixture, rows in self.test.groupby("mixture")
        }

    @cached_property
    def reference(self) -> dict[str, np.ndarray]:
        """The annotation of the test mixtures, as far as cuts reach."""
        return self.by_mixture(dict(zip(self.test.recording, self.truths["test"], strict=True)))

    def counted(self, system: str, metric: str) -> list[segments.Counts]:
        """Frame counts by unit of the bootstrap."""

        def make():
            rolls = (self.decisions[system, seed] for seed in self.seeds[system])
            return [bootstrap.unit_counts(self.reference, self.by_mixture(r)) for r in rolls]

        return self.once(("counted", system), make)

    def score(self, counts: segments.Counts, metric: str, row: None = None) -> np.ndarray:
        """Frame F1 in percent."""
        return 100 * segments.f1_score(counts)

    @cached_property
    def always_on(self) -> float:
        """Frame F1 on the test cuts of a detector that says everything, always."""
        truth = self.truths["test"]
        return float(ratios.f1(truth.sum(), truth.sum(), truth.size))

    def parameters(self, name: str) -> int:
        """Trained numbers of a system."""
        folder = self.folder(name, self.seeds[name][0])
        return json.loads((folder / "description.json").read_text())["parameters"]

    def rounds(self, name: str) -> dict[str, float]:
        """How many epochs (of the FBCRNN steps) a system was trained, and its extractor: means over seeds."""
        found = {}
        for course, unit in (("pretraining", "pretraining epoch"), ("history", "epoch")):
            paths = [self.folder(name, seed) / f"{course}.csv" for seed in self.seeds[name]]
            tables = [pd.read_csv(path) for path in paths if path.exists()]
            if tables and "step" in tables[0]:
                found["step"] = float(np.mean([table.step.max() for table in tables]))
            elif tables:
                found[unit] = float(np.mean([table.epoch.max() for table in tables]))
        return found or {"epoch": 1.0}  # a GMM has no history

    def shown(self) -> str:
        """The test cut with most classes in it, then with most activity; of equals the first."""
        truth = self.truths["test"]
        busy = [(roll.any(axis=0).sum(), roll.sum()) for roll in truth]
        return self.test.recording[max(range(len(busy)), key=lambda i: busy[i])]
