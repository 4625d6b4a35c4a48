"""The numbers of the chapter on Cakir et al. 2017: decisions, Tables I-III, claims."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora.corpus import Corpus
from sedutils.corpora.polyphonic import paper_name
from sedutils.decoding import smoothing, thresholds
from sedutils.features.frames import Frames
from sedutils.metrics import sed_eval_adapter, segments
from sedutils.pipeline import jobs
from sedutils.show.tables import DATASETS
from sedutils.training import evaluation, systems

METRICS = ("F1_frm", "ER_frm", "F1_1s", "ER_1s")


@dataclass(frozen=True)
class Results:
    """Decisions of every system and seed on the test recordings.

    corpus : the annotation that sed_eval gets
    systems : names in the order of Table II
    settings : section ``evaluation`` of params.yaml
    """

    corpus: Corpus
    features: Path
    models: Path
    systems: list[str]
    seeds: list[int]
    settings: dict
    hop_s: float

    @cached_property
    def test(self) -> evaluation.Reference:
        return evaluation.Reference.read(self.features, "test")

    @cached_property
    def validation(self) -> evaluation.Reference:
        return evaluation.Reference.read(self.features, "validation")

    def scores(self, system: str, seed: int, split: str = "test") -> np.ndarray:
        return evaluation.read_scores(self.models, system, seed, split)

    def rule(self, system: str) -> dict | None:
        """The shortest event and gap of the GMM baseline; networks have no post-processing."""
        if system != "gmm":
            return None
        return smoothing.tidy_frames(
            minimum_event_s=self.settings["gmm_minimum_event_s"],
            minimum_gap_s=self.settings["gmm_minimum_gap_s"],
            hop_s=self.hop_s,
        )

    def threshold(self, system: str) -> float:
        return thresholds.GMM_THRESHOLD if system == "gmm" else self.settings["threshold"]

    def decisions(self, system: str, seed: int) -> dict[str, np.ndarray]:
        """Rolls of the test recordings by name."""
        scores = self.test.split(self.scores(system, seed))
        return thresholds.decisions(scores, self.threshold(system), self.rule(system))

    @cached_property
    def rolls(self) -> dict[str, list[dict[str, np.ndarray]]]:
        """Decisions: system -> one dict (recording -> roll) a seed."""
        return {s: [self.decisions(s, seed) for seed in self.seeds] for s in self.systems}

    @cached_property
    def frame_counts(self) -> dict[str, list[segments.Counts]]:
        return {s: [self.test.counts(r) for r in runs] for s, runs in self.rolls.items()}

    @cached_property
    def second_counts(self) -> dict[str, list[segments.Counts]]:
        return {
            s: [self.test.counts(r, segment_frames=segments.SECOND_FRAMES) for r in runs]
            for s, runs in self.rolls.items()
        }

    def oracle(self, system: str, seed: int, split: str) -> dict[str, np.ndarray]:
        """Decisions on the test set at the threshold that is best on a split (``test``: an oracle)."""
        reference = self.test if split == "test" else self.validation
        scores, rule = reference.split(self.scores(system, seed, split)), self.rule(system)
        best = thresholds.search_quantiles(reference.rolls, scores, rule)
        return thresholds.decisions(self.test.split(self.scores(system, seed)), best, rule)

    def reference_rolls(self) -> dict[str, dict[str, np.ndarray]]:
        """What a system that knows nothing would put out: silence, and everything always on."""
        truth = self.test.rolls
        return {
            "silence": {k: np.zeros_like(r) for k, r in truth.items()},
            "everything always on": {k: np.ones_like(r) for k, r in truth.items()},
        }


def table1(results: Results, published: pd.DataFrame) -> pd.DataFrame:
    """Parameters of every system, ours as trained, beside the printed ones (Table I, Sec. III-C)."""
    printed = published.query("dataset == 'synth2016'").set_index("method")
    rows = []
    for name in results.systems:
        system = systems.System.read(results.models / name / str(results.seeds[0]))
        known = printed.loc[name.upper()] if name.upper() in printed.index else {}
        arguments = {k: v for k, v in system.description["arguments"].items() if k != "kind"}
        rows.append(
            {
                "method": name.upper(),
                "parameters": system.parameters,
                "paper_printed": known.get("params_reported", ""),
                "paper_recomputed": known.get("params_recomputed", ""),
                "settings": ", ".join(f"{k} {v}" for k, v in arguments.items()),
            }
        )
    return pd.DataFrame(rows)


def table2(results: Results, *, backend: str, workers: int) -> pd.DataFrame:
    """Table II, this corpus's four columns: one row a method and seed, and the reference rows."""
    runs = {
        (system.upper(), seed): results.rolls[system][i]
        for system in results.systems
        for i, seed in enumerate(results.seeds)
    }
    for seed in results.seeds if "gmm" in results.systems else ():
        runs["GMM, validation threshold", seed] = results.oracle("gmm", seed, "validation")
    test = results.test.recordings.set_index("recording")
    shared = {
        "reference_events": {k: results.corpus.events_of(k) for k in test.index},
        "durations": test.duration_s.to_dict(),
        "labels": results.test.labels,
        "hop_s": results.hop_s,
    }
    scored = jobs.parallel(
        sed_eval_adapter.frame_and_second_scores,
        [{"rolls": rolls} | shared for rolls in runs.values()],
        label="scores",
        backend=backend,
        workers=workers,
    )
    rows = [
        {"method": name, "seed": seed} | scores
        for (name, seed), scores in zip(runs, scored, strict=True)
    ]
    return pd.DataFrame(rows + reference_rows(results))


def reference_rows(results: Results) -> list[dict]:
    """Rows of Table II for each system at its oracle threshold, for silence, and for always on."""
    rows = []
    for system in results.systems:
        for seed in results.seeds:
            found = headline(results.test, results.oracle(system, seed, "test"))
            rows.append({"method": f"{system.upper()}, oracle", "seed": seed} | found)
    for name, rolls in results.reference_rolls().items():
        rows.append({"method": name, "seed": 0} | headline(results.test, rolls))
    return rows


def headline(reference: evaluation.Reference, rolls: dict[str, np.ndarray]) -> dict[str, float]:
    """The four numbers of Table II by `sedutils.metrics.segments`."""
    return segments.frame_and_second(
        lambda n: segments.overall_scores(reference.counts(rolls, segment_frames=n).sum())
    )


def beside_published(
    rows: pd.DataFrame,
    published: pd.DataFrame,
    *,
    source: str,
    size: str,
    corpus: str = "tut_sed_synthetic_2016",
) -> pd.DataFrame:
    """Mean and std over seeds, the printed values, and, on official data alone, the difference."""
    ours = evaluation.mean_and_std(rows, ["method"])
    theirs = published[published.dataset == DATASETS[corpus]].set_index("method")
    ours.insert(0, "corpus", corpus)
    ours.insert(1, "source", source)
    ours.insert(2, "size", size)
    for metric in METRICS:
        for part in ("mean", "std"):
            ours[f"paper_{metric}_{part}"] = ours.method.map(theirs[f"{metric}_{part}"])
        if source == "official":
            ours[f"{metric}_difference"] = ours[f"{metric}_mean"] - ours[f"paper_{metric}_mean"]
    return ours


def table3(results: Results, published: pd.DataFrame) -> pd.DataFrame:
    """Frame F1 per class in percent, mean and std over seeds, beside Table III where the classes are its."""
    rows = []
    for system in results.systems:
        runs = [counts.sum() for counts in results.frame_counts[system]]
        # 0 for a class that never sounds
        values = 100 * np.nan_to_num([segments.class_f1_scores(counts) for counts in runs])
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
        rows.append(
            pd.DataFrame(
                {f"{system}_mean": values.mean(axis=0), f"{system}_std": spread},
                index=results.test.labels,
            )
        )
    table = pd.concat(rows, axis=1)
    theirs = published.set_index("class")
    for name in ("CNN", "RNN", "CRNN"):
        column = theirs[f"F1_frm_{name}_mean"]
        table[f"paper_{name.lower()}"] = [
            column.get(paper_name(label), np.nan) for label in table.index
        ]
    return table.rename_axis("class").reset_index()


def busiest(roll: np.ndarray, *, seconds: float, hop_s: float) -> float:
    """Start in seconds of the stretch with the most different classes, then the most activity."""
    length = round(seconds / hop_s)
    starts = range(0, max(1, len(roll) - length + 1), round(1 / hop_s))
    windows = {s: roll[s : s + length] for s in starts}
    return max(starts, key=lambda s: (windows[s].any(0).sum(), windows[s].sum())) * hop_s


def normalised(features: Path, recording: str) -> np.ndarray:
    """Normalised log mel energies ``(frames, bands)`` of one test recording."""
    frames = Frames.read(features, "test")
    row = next(r for r in frames.recordings.itertuples() if r.recording == recording)
    return frames.recording(row, row.frames)[0][0].numpy()
