"""The R-CRNNs of this run and their scores: Tables 1 to 4 of Kao et al. 2018."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from sedutils.corpora import recipes
from sedutils.features import spectra
from sedutils.metrics import bootstrap, rare, ratios
from sedutils.papers.kao2018 import experiments
from sedutils.papers.kao2018.experiments import Detector
from sedutils.training import evaluation
from sedutils.training.run import ClipRun
from sedutils.training.systems import System

# What the paper's tables call extractors (Table 1), regimes (Table 3) and classes -> ours. The last extractor is no
# row of the paper's: what its words alone give (reading R-A06).
EXTRACTORS = {"CNN": "rcrnn_cnn", "CRNN_GRU": "rcrnn_gru", "CRNN_BiGRU": "rcrnn"}
EXTRACTORS |= {"CRNN_BiGRU, literal": "rcrnn_literal"}
REGIMES = {
    "W/o pre-training": "scratch",
    "Pre-training (fixed CRNN)": "fixed",
    "Pre-training (finetune CRNN)": "finetuned",
}
FINETUNED = "Pre-training (finetune CRNN)"  # the system of Table 4
PRINTED = {"babycry": "babycry", "glassbreak": "glass", "gunshot": "gunshot", "average": "avg"}
# Rows of Table 4 that are ours: name -> split that chose units and nodes, and how events are accepted
COMPARED = {
    "R-CRNN": ("validation", "probability by validation"),
    "R-CRNN, chosen on development": ("development", "probability by validation"),
    "R-CRNN, p >= 0.8": ("validation", "as printed"),
}
PROBABILITY = 0.8  # Sec. 2.3


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectorRun(ClipRun):
    """Detectors of every table: which they are, what they find.

    designs : section ``systems`` of params.yaml
    seeds, few : of the regimes, and of extractors and search
    probability : under which events are dropped; 0 for a value chosen on validation, for each detector
    trained_on : event probability of the clips that detectors have learnt from, which split "train" is here; None
        where the corpus has one training set
    """

    systems: tuple[str, ...] = (*EXTRACTORS, *REGIMES)
    designs: dict[str, dict]
    few: list[int]
    probability: float
    trained_on: float | None = None

    def reference(self, label: str, split: str) -> pd.Series:
        narrowed = {"event_probability": self.trained_on} if split == "train" else {}
        return recipes.onsets_of(self.corpus, label, split, **narrowed)

    @cached_property
    def choice(self) -> pd.DataFrame:
        """Units and nodes of each class, by the split that chose them."""
        return experiments.read_choice(self.models / "choice.json")

    def extractors(self, method: str) -> dict[str, list[Detector]]:
        """Detectors of a row of Table 1: label -> one a seed."""
        one = {method: self.designs[EXTRACTORS[method]]}
        return {label: experiments.extractors(label, one, self.few) for label in self.labels}

    def regime(self, name: str, split: str = "validation") -> dict[str, list[Detector]]:
        """Detectors of a regime of pre-training with the hyperparameters that a split chose (Tables 3, 4)."""
        seeds = self.seeds if split == "validation" else self.few
        rows = self.choice[self.choice.split == split].set_index("label")
        return {
            label: [
                Detector(
                    label,
                    "bigru",
                    int(rows.units[label]),
                    int(rows.nodes[label]),
                    REGIMES[name],
                    seed,
                )
                for seed in seeds
            ]
            for label in self.labels
        }

    def found(self, detector: Detector, split: str, probability: float | None = None) -> pd.Series:
        """Onset of the event in each clip, NaN for none."""
        if probability is None:
            probability = self.probability
        probability = probability or self.once(
            ("probability", detector),
            lambda: experiments.best_probability(detector, self.models, self.corpus),
        )
        return experiments.onsets(detector, self.models, self.corpus, split, probability)

    def onsets(self, system: str, split: str) -> list[list[pd.Series]]:
        detectors = self.extractors(system) if system in EXTRACTORS else self.regime(system)
        return self.all_found(detectors, split)

    def all_found(self, detectors: dict[str, list[Detector]], split: str, probability=None):
        """`found`: a seed, its classes."""
        runs = zip(*detectors.values(), strict=True)
        return [[self.found(d, split, probability) for d in run] for run in runs]

    def rise(self, system: str, first: str, second: str) -> bootstrap.Estimate:
        """How much higher the error rate of the same detectors is on the second split than on the first.

        One network has made both rates, so its seeds vary the difference; the clips of the splits are drawn
        independently, the second's resamples in reverse.
        """
        before, after = (self.resampled(system, f"{split}_ER") for split in (first, second))
        after = np.concatenate((after[:, :1], after[:, :0:-1]), axis=1)
        units = sum(self.units(f"{split}_ER") for split in (first, second))
        both = np.stack((before, after), axis=-1)
        return bootstrap.estimate([both], lambda x: x[..., 1] - x[..., 0], n_units=units)

    def searched(self, before: str, after: str) -> bootstrap.Estimate | None:
        """R11: how much lower the development error rate is than that of Table 1's network, over the classes.

        Of those alone for which the search has chosen another network: of the others the difference is 0
        whatever the clips. None where there are none.
        """
        one, other = self.extractors(before), self.regime(after)
        sizes = {k: [(d[k][0].units, d[k][0].nodes) for d in (one, other)] for k in self.labels}
        rows = [label for label, (a, b) in sizes.items() if a != b]
        if not rows:
            return None

        def mean(system):
            each = [self.resampled(system, "development_ER", row) for row in rows]
            return ratios.mean_of_known(np.stack(each, axis=-1))

        units = sum(len(self.reference(row, "development")) for row in rows)
        return bootstrap.estimate([mean(before), mean(after)], np.subtract, n_units=units)

    def scored(self, detectors: dict[str, list[Detector]], split: str, probability=None):
        """`ClipRun.score_table` of detectors."""
        seeds = [d.seed for d in next(iter(detectors.values()))]
        return self.score_table(self.all_found(detectors, split, probability), split, seeds)


def error_rates(
    run: DetectorRun, methods: dict[str, dict[str, list[Detector]]], printed: pd.DataFrame,
    *, split: str, source: str, size: str,
) -> pd.DataFrame:  # fmt: skip
    """Table 1 or 3: ER of each method and class, mean and std over seeds, beside the printed value.

    methods : the paper's name -> detectors; on official data with a column difference
    """
    rows = []
    theirs = printed.set_index("method").reindex(methods)
    for method, detectors in methods.items():
        scores = run.scored(detectors, split)[["class", "ER", "seed"]]
        table = evaluation.mean_and_std(scores, ["class"])
        table.insert(0, "method", method)
        table["paper_ER"] = [theirs.loc[method, f"ER_{PRINTED[c]}"] for c in table["class"]]
        rows.append(table)
    table = pd.concat(rows, ignore_index=True)
    if source == "official":
        table["difference"] = table.ER_mean - table.paper_ER
    return table.assign(split=split, source=source, size=size)


def hyperparameters(run: DetectorRun, printed: pd.DataFrame) -> pd.DataFrame:
    """Table 2: what each split chose for each class, and the paper's choice."""
    ours = run.choice.rename(columns={"label": "class"})
    theirs = printed.set_index("class").reindex(ours["class"])
    return ours.assign(
        paper_units=theirs.bigru_units.to_numpy(),
        paper_nodes=theirs.M.to_numpy(),
        paper_parameters=theirs.params_reported.to_numpy(),
    )


def comparison(run: DetectorRun, printed: pd.DataFrame, *, source: str, size: str) -> pd.DataFrame:
    """Table 4: ER and F1, mean over classes, on development and evaluation clips; ours, then the paper's rows."""
    rows = []
    for name, (chosen_on, accepted) in COMPARED.items():
        detectors = run.regime(FINETUNED, chosen_on)
        probability = PROBABILITY if accepted == "as printed" else 0.0
        row = {"method": name, "chosen_on": chosen_on, "ours": True}
        for split, short in (("development", "dev"), ("evaluation", "eval")):
            scores = run.scored(detectors, split, probability)
            average = scores[scores["class"] == rare.AVERAGE]
            for metric, column in (("ER", "ER"), ("F1", "F")):
                row[f"{short}_{column}_mean"] = average[metric].mean()
                row[f"{short}_{column}_std"] = average[metric].std(ddof=1)
            row["seeds"] = len(average)
        rows.append(row)
    theirs = [f"{split}_{metric}" for split in ("dev", "eval") for metric in ("ER", "F")]
    for row in printed.itertuples():
        values = {f"{column}_mean": getattr(row, column) for column in theirs}
        what = "quoted in the paper" if row.quoted else "printed"
        rows.append({"method": f"{row.method} ({what})", "ours": False} | values)
    table = pd.DataFrame(rows).assign(source=source, size=size)
    if source == "official":
        own = printed.set_index("method").loc["R-CRNN"]
        for column in theirs:
            table[f"{column}_difference"] = table[f"{column}_mean"].where(table.ours) - own[column]
    return table


def class_table(run: DetectorRun) -> pd.DataFrame:
    """ER and F1 of each class on both test sets, of the system of Table 4; mean and std over seeds."""
    detectors = run.regime(FINETUNED)
    parts = [
        run.scored(detectors, split).assign(split=split) for split in ("development", "evaluation")
    ]
    return evaluation.mean_and_std(pd.concat(parts), ["split", "class"])


def thresholds(run: DetectorRun) -> pd.DataFrame:
    """The probability chosen on validation clips, and the one that is best on each test set, ER of both."""
    rows = []
    for label, detectors in run.regime(FINETUNED).items():
        for d in detectors:
            chosen = experiments.best_probability(d, run.models, run.corpus)
            for split in ("development", "evaluation"):
                best = experiments.best_probability(d, run.models, run.corpus, split)
                rates = [
                    experiments.error_rate(d, run.models, run.corpus, split, p)
                    for p in (chosen, best, PROBABILITY)
                ]
                keys = ("by_validation", "best_there", "as_printed")
                rows.append(
                    {"class": label, "seed": d.seed, "split": split, "probability": chosen}
                    | {f"ER_{k}": r for k, r in zip(keys, rates, strict=True)}
                )
    return evaluation.mean_and_std(pd.DataFrame(rows), ["split", "class"])


def strongest(run: DetectorRun, label: str) -> str:
    """The evaluation clip with an event that the first seed's detector is surest of; for a picture."""
    detector = run.regime(FINETUNED)[label][0]
    truth = run.reference(label, "evaluation").dropna()
    events = experiments.read_events(run.models / detector.path, "evaluation", truth.index)
    return str(events.score.idxmax())


def normalised(system: System, sound: np.ndarray) -> torch.Tensor:
    """What a detector sees of audio at its front end's rate, ``(frames, bands)``."""
    statistics = system.description["statistics"]
    mel = spectra.log_mel(sound, **spectra.front_end(system.description["features"]))
    mean, std = (torch.tensor(statistics[key]) for key in ("mean", "std"))
    return (torch.from_numpy(mel) - mean) / std


def onset_errors(run: DetectorRun, split: str) -> pd.DataFrame:
    """Found onset minus true onset in seconds, wherever both are; columns class, seed, error_s."""
    rows = []
    for label, detectors in run.regime(FINETUNED).items():
        truth = run.reference(label, split)
        for d in detectors:
            error = (run.found(d, split) - truth).dropna()
            rows.append(pd.DataFrame({"class": label, "seed": d.seed, "error_s": error.to_numpy()}))
    return pd.concat(rows, ignore_index=True)
