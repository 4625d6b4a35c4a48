"""The numbers of the chapter on Cakir et al. 2017: decisions, Tables I-III, claims."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils.claims.facts import Published
from sedutils.corpora.polyphonic import paper_name
from sedutils.decoding import smoothing, thresholds
from sedutils.features.frames import Frames
from sedutils.metrics import sed_eval_adapter, segments
from sedutils.models.blocks import trainable_parameters
from sedutils.pipeline import jobs
from sedutils.show.titles import DATASETS
from sedutils.training import evaluation, systems
from sedutils.training.run import Run

METRICS = ("F1_frm", "ER_frm", "F1_1s", "ER_1s")
VALIDATED = "gmm_validated"  # decisions of the GMM at the threshold that is best on validation data
CLASSES = {"synth2016": 16, "tut2009": 61, "tut2016": 17, "chime": 7}  # outputs (reading A05)
TITLES = {VALIDATED: "GMM, validation threshold"}


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameRun(Run):
    """Decisions of every system and seed on the test recordings, frame by frame.

    settings : section ``evaluation`` of params.yaml
    """

    features: Path
    settings: dict
    hop_s: float

    @cached_property
    def test(self) -> evaluation.Reference:
        return evaluation.Reference.read(self.features, "test")

    @cached_property
    def validation(self) -> evaluation.Reference:
        return evaluation.Reference.read(self.features, "validation")

    @property
    def labels(self) -> list[str]:
        return self.test.labels

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

        def make():
            if system == VALIDATED:
                return self.oracle("gmm", seed, "validation")
            scores = self.test.split(self.scores(system, seed))
            return thresholds.decisions(scores, self.threshold(system), self.rule(system))

        return self.once(("decisions", system, seed), make)

    @cached_property
    def rolls(self) -> dict[str, list[dict[str, np.ndarray]]]:
        """Decisions: system -> one dict (recording -> roll) a seed."""
        return {s: [self.decisions(s, seed) for seed in self.seeds] for s in self.systems}

    def counts(self, rolls: dict[str, np.ndarray], segment_frames: int = 1) -> segments.Counts:
        return self.test.counts(rolls, segment_frames=segment_frames)

    def counted(self, system: str, metric: str) -> list[segments.Counts]:
        """Of frames, or of seconds where the metric's name ends so."""
        frames = segments.SECOND_FRAMES if metric.endswith("_1s") else 1

        def make():
            return [self.counts(self.decisions(system, seed), frames) for seed in self.seeds]

        return self.once(("counted", system, frames), make)

    def score(self, counts: segments.Counts, metric: str, row: None = None) -> np.ndarray:
        """F1 in percent (``class_F1_frm``: of each class, NaN for one that never sounds), or the error rate."""
        if metric.startswith("ER"):
            return self.mean_of.error_rate(counts)
        if metric.startswith("class"):
            return 100 * self.mean_of.class_f1_scores(counts)
        return 100 * self.mean_of.f1_score(counts)

    def of_trivial(self, metric: str, row: None = None) -> list[float]:
        frames = segments.SECOND_FRAMES if metric.endswith("_1s") else 1
        rolls = self.reference_rolls().values()
        return [float(self.score(self.counts(r, frames).sum(), metric)) for r in rolls]

    def class_scores(self) -> dict[str, np.ndarray]:
        """Frame F1 of each class in percent: system -> ``(seeds, classes)``."""
        return {
            s: np.array([self.score(c.sum(), "class_F1_frm") for c in self.counted(s, "F1_frm")])
            for s in self.systems
        }

    @property
    def mean_of(self):
        """The module with scores of `counted`."""
        return segments

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


def table1(run: FrameRun, published: Published) -> pd.DataFrame:
    """Parameters of every system, ours as trained, beside the printed ones (Table I, Sec. III-C)."""
    networks = published.table("T1").query("dataset == 'synth2016'").set_index("method")
    printed = networks.T.to_dict()
    for name in ("gmm", "fnn"):
        printed[name.upper()] = published.facts["architectures"][f"{name}_baseline"]
    rows = []
    for name in run.systems:
        system = systems.System.read(run.models / name / str(run.seeds[0]))
        known = printed.get(name.upper(), {})
        arguments = {k: v for k, v in system.description["arguments"].items() if k != "kind"}
        rows.append(
            {
                "method": name.upper(),
                "parameters": system.parameters,
                "paper_printed": known.get("params_reported", ""),
                "paper_recomputed": networks.params_recomputed.get(name.upper(), ""),
                "settings": ", ".join(f"{k} {v}" for k, v in arguments.items()),
            }
        )
    return pd.DataFrame(rows)


def table1_columns(
    published: Published, designs: dict[str, dict], families: dict[str, dict], front_end: dict
) -> pd.DataFrame:
    """All twelve columns of Table I, each beside a network that is built for it.

    Columns data set, method, layout, paper_printed, paper_recomputed, parameters (those of the network) and system.

    designs, front_end : sections ``systems`` and ``features.cakir2017`` of size paper
    families : corpus -> its family ``main``; of several systems of a method the first stands in Table I
    """
    built = {}
    for corpus, family in families.items():
        for name in family["systems"]:
            built.setdefault((DATASETS[corpus], name.split("_")[0].upper()), name)
    rows = []
    for row in published.table("T1").itertuples():
        name = built[row.dataset, row.method]
        description = {
            "arguments": designs[name],
            "labels": [""] * CLASSES[row.dataset],
            "statistics": {"mean": [0.0] * front_end["mel_bands"]},
            "features": front_end,
        }
        with torch.device("meta"):  # counts need no weights
            network = systems.make(description)
        layout = {
            "convolutions": row.cnn_layers,
            "pooling": "x".join(map(str, row.pool)) if row.pool else None,
            "recurrent": row.rnn_layers,
            "feedforward": row.fnn_layers,
            "units": row.units,
            "frames": row.seq_frames,
        }
        known = {
            k: v if isinstance(v, str) else f"{v:.0f}" for k, v in layout.items() if pd.notna(v)
        }
        rows.append(
            {
                "data set": row.dataset,
                "method": row.method,
                "printed layout": ", ".join(f"{k} {v}" for k, v in known.items()),
                "paper_printed": row.params_reported,
                "paper_recomputed": row.params_recomputed,
                "parameters": trainable_parameters(network),
                "system": name,
            }
        )
    return pd.DataFrame(rows)


def table2(run: FrameRun, *, backend: str, workers: int) -> pd.DataFrame:
    """Table II, this corpus's four columns: one row a method and seed, and the reference rows."""
    methods = [*run.systems, *([VALIDATED] if "gmm" in run.systems else [])]
    runs = {
        (TITLES.get(method, method.upper()), seed): run.decisions(method, seed)
        for method in methods
        for seed in run.seeds
    }
    test = run.test.recordings.set_index("recording")
    shared = {
        "reference_events": {k: run.corpus.events_of(k) for k in test.index},
        "durations": test.duration_s.to_dict(),
        "labels": run.labels,
        "hop_s": run.hop_s,
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
    return pd.DataFrame(rows + reference_rows(run))


def reference_rows(run: FrameRun) -> list[dict]:
    """Rows of Table II for each system at its oracle threshold, for silence, and for always on."""
    rows = []
    for system in run.systems:
        for seed in run.seeds:
            found = headline(run.test, run.oracle(system, seed, "test"))
            rows.append({"method": f"{system.upper()}, oracle", "seed": seed} | found)
    for name, rolls in run.reference_rolls().items():
        rows.append({"method": name, "seed": 0} | headline(run.test, rolls))
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
    names = [f"{metric}_{part}" for metric in METRICS for part in ("mean", "std")]
    table = evaluation.with_printed(ours, theirs[names].reindex(ours.method), source)
    return evaluation.provenance(table, corpus=corpus, source=source, size=size)


def table3(run: FrameRun, published: pd.DataFrame) -> pd.DataFrame:
    """Frame F1 per class in percent, mean and std over seeds, beside Table III where the classes are its."""
    table = evaluation.class_columns(run.class_scores(), run.labels)
    theirs = published.set_index("class")
    for name in ("CNN", "RNN", "CRNN"):
        column = theirs[f"F1_frm_{name}_mean"]
        table[f"paper_{name.lower()}"] = [
            column.get(paper_name(label), np.nan) for label in table.index
        ]
    return table.reset_index()


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
