"""All systems of the "gradual network" paper on one corpus: thresholds, decisions, scores, Table 1."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd

from sedutils.decoding import dynamic
from sedutils.metrics import bootstrap, rare
from sedutils.metrics.rare import AVERAGE
from sedutils.training import evaluation
from sedutils.training.run import ClipRun

SYSTEMS = {
    "crnn_ta": "CRNN+TA",
    "cbrnn": "CBRNN",
    "cbrnn_attended": "CBRNN, an attention that attends",
    "finetuning_net": "Finetuning Net",
    "gradual_net": "Gradual Net",
    "gradual_net_untrained": "Gradual Net, ASR untrained",
}
GRADUAL, WITHOUT, UNTRAINED = "gradual_net", "cbrnn", "gradual_net_untrained"
# What the gradual net has beyond each control
CONTROLS = {WITHOUT: "over the CBRNN", UNTRAINED: "over untrained ASR features"}
# The paper's own rows of Table 1; the others are quoted
OWN_ROWS = {"finetuning_net": "Finetuning Net", "gradual_net": "Gradual Net"}
METRICS = ("ER", "F1")


@dataclass(frozen=True, eq=False, kw_only=True)
class GradualRun(ClipRun):
    """Decisions of every system, seed and class on the clips of one corpus.

    models : folder of the family, as `sedutils.training.rare.decisions` fills it
    systems : those trained, of `SYSTEMS`
    selected : the split whose clips the thresholds are best on, for each class, system and seed
    """

    selected: str = "validation"

    def scores(self, system: str, seed: int, label: str, split: str) -> np.ndarray:
        """What a detector says of its clips, ``(clips, decisions)``."""
        return np.load(self.models / label / system / str(seed) / f"scores_{split}.npy")

    @cached_property
    def rules(self) -> dict[tuple[str, int, str], dynamic.DynamicThreshold]:
        """The dynamic threshold (eq. 8) of each system, seed and class."""
        return {
            (system, seed, label): dynamic.search(
                self.scores(system, seed, label, self.selected),
                self.reference(label, self.selected),
            )[0]
            for system, seed, label in product(self.systems, self.seeds, self.labels)
        }

    def found(self, system: str, seed: int, label: str, split: str) -> pd.DataFrame:
        """onset_s and offset_s of the event found in each clip, NaN for none; by recording."""
        ends = self.rules[system, seed, label].decide(self.scores(system, seed, label, split))
        clips = self.reference(label, split).index
        frames = pd.DataFrame(dict(zip(("onset_s", "offset_s"), ends, strict=True)), index=clips)
        return (frames * dynamic.HOP_S).where(frames >= 0)

    def onsets(self, system: str, split: str) -> list[list[pd.Series]]:
        return [
            [self.found(system, seed, label, split).onset_s for label in self.labels]
            for seed in self.seeds
        ]

    def resampled(self, system: str, metric: str, row: str | None = None) -> np.ndarray:
        """The mean over classes is NaN in resamples that hold no event of one of them."""
        if row == AVERAGE:
            return np.mean([self.resampled(system, metric, x) for x in self.labels], axis=0)
        return super().resampled(system, metric, row)

    def gain(self, control: str, metric: str, row: str) -> bootstrap.Estimate:
        """How much better the gradual net is than a control: F1 gained, errors saved; paired by clip."""
        pair = (GRADUAL, control) if metric == "F1" else (control, GRADUAL)
        return self.above(*pair, f"evaluation_{metric}", row)

    def shown(self, label: str) -> str:
        """The evaluation clip of the decoding figure.

        The first one with an event that of gradual net and CBRNN, first seed, only one finds; the
        first with an event where there is no such clip.
        """
        reference = self.reference(label, "evaluation").dropna()
        pair = [
            self.found(system, self.seeds[0], label, "evaluation").onset_s[reference.index]
            for system in (WITHOUT, GRADUAL)
        ]
        near = [((onset_s - reference).abs() <= rare.COLLAR_S) for onset_s in pair]
        differs = near[0] != near[1]
        return str(differs.index[np.argmax(differs)])


def class_scores(run: GradualRun, split: str) -> pd.DataFrame:
    """ER and F1 (percent) by sed_eval: one row a system, seed and class, and the mean of the classes."""
    tables = [
        run.score_table(run.onsets(system, split), split, run.seeds).assign(system=system)
        for system in run.systems
    ]
    return pd.concat(tables, ignore_index=True)


def printed_scores(published: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Table 1 as printed, one row a model and class: system, quoted, class, paper_ER, paper_F1.

    The average is left out where a class is missing here: that of all three would mislead.
    """
    columns = {label: label for label in labels if f"{label}_ER" in published}
    if len(columns) == sum(name.endswith("_ER") for name in published) - 1:
        columns[AVERAGE] = "avg"
    rows = [
        {
            "system": row["model"],
            "quoted": row["quoted"],
            "class": name,
            "paper_ER": row[f"{column}_ER"],
            "paper_F1": row[f"{column}_F"],
        }
        for _, row in published.iterrows()
        for name, column in columns.items()
    ]
    return pd.DataFrame(rows, columns=["system", "quoted", "class", "paper_ER", "paper_F1"])


def beside_published(
    run: GradualRun, published: pd.DataFrame, *, corpus: str, source: str, size: str
) -> pd.DataFrame:
    """Table 1: mean and std over seeds, the paper's own rows beside ours, and the quoted rows.

    On official data also the difference. events : evaluation clips that have one, of ours
    """
    ours = evaluation.mean_and_std(class_scores(run, "evaluation"), ["system", "class"])
    printed = printed_scores(published, run.labels)
    names = {theirs: own for own, theirs in OWN_ROWS.items()}
    mine = printed.assign(system=printed.system.map(names)).dropna(subset="system")
    ours = ours.merge(mine.drop(columns="quoted"), "left", ["system", "class"])
    if source == "official":
        for metric in METRICS:
            ours[f"{metric}_difference"] = ours[f"{metric}_mean"] - ours[f"paper_{metric}"]
    quoted = printed[printed.quoted].drop(columns="quoted")
    table = pd.concat([quoted.assign(quoted=True), ours.assign(quoted=False)], ignore_index=True)
    events = {label: run.reference(label, "evaluation").count() for label in run.labels}
    events[AVERAGE] = sum(events.values())
    table.insert(2, "events", table["class"].map(events).mask(table["quoted"]).astype("Int64"))
    table["seeds"] = table["seeds"].astype("Int64")
    return evaluation.provenance(table, corpus=corpus, source=source, size=size)


def selections(run: GradualRun) -> pd.DataFrame:
    """The same networks with thresholds from elsewhere, and on other clips: mean and std over seeds.

    Columns split (the clips), selected (the clips that the thresholds are best on), system, class.
    """
    on_reported = replace(run, selected="evaluation")
    parts = [
        class_scores(of, split).assign(split=split, selected=of.selected)
        for of, split in (
            (run, "evaluation"),
            (on_reported, "evaluation"),
            (run, "development"),
        )
    ]
    keys = ["split", "selected", "system", "class"]
    return evaluation.mean_and_std(pd.concat(parts, ignore_index=True), keys)


def gains(run: GradualRun) -> pd.DataFrame:
    """What ASR features add, by control, metric and class: value, interval over seeds and clips, each seed."""
    rows = []
    for control, metric, row in product(CONTROLS, METRICS, run.rows):
        estimate = run.gain(control, metric, row)
        seeds = {f"seed_{s}": x for s, x in zip(run.seeds, estimate.per_seed.tolist(), strict=True)}
        rows.append({"control": control, "metric": metric, "class": row} | estimate.row() | seeds)
    return pd.DataFrame(rows)


def thresholds(run: GradualRun) -> pd.DataFrame:
    """What was selected: one row a system, class and seed."""
    return pd.DataFrame(
        [
            {"system": system, "class": label, "seed": seed, "base": rule.base, "ratio": rule.ratio}
            for (system, seed, label), rule in run.rules.items()
        ]
    )
