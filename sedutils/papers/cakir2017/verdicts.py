"""The claims of Cakir et al. 2017 that concern TUT-SED Synthetic 2016 alone, each with its test.

A claim is one or more contrasts `statistic > bound` on bootstrapped test units (`sedutils.metrics.bootstrap`).
Claims on several corpora, this one among them, are judged in `sedutils.papers.cakir2017.recorded_verdicts`.
"""

import numpy as np
import pandas as pd

from sedutils.claims import claims
from sedutils.claims.verdicts import by_seeds, contrast, with_verdicts
from sedutils.corpora.polyphonic import paper_name
from sedutils.metrics import bootstrap, segments
from sedutils.papers.cakir2017 import analysis, chapter
from sedutils.training import systems


class Judge:
    """Tests of claims on one set of results; every method returns rows of the table of claims.

    seed : of the bootstrap; ``strata`` : the stratum of each of its units, one for all if None
    """

    seed = 0
    strata: np.ndarray | None = None

    def __init__(self, results, corpus, published: claims.Published, source: str):
        self.results, self.corpus, self.published, self.source = results, corpus, published, source
        self.frames, self.seconds = results.frame_counts, results.second_counts
        self.resamples = results.settings["resamples"]

    def lead(self, a: str, b: str, *, counts=None, error: bool = False) -> bootstrap.Estimate:
        """By how much system ``a`` beats ``b``: F1 in points, or the error rate it saves."""
        counts = counts or self.frames
        score = self.error_rate if error else self.f1_points
        pair = (counts[b], counts[a]) if error else (counts[a], counts[b])
        return bootstrap.compare(
            *pair, score, resamples=self.resamples, seed=self.seed, strata=self.strata
        )

    def f1_points(self, counts) -> np.ndarray:
        return 100 * segments.f1_score(counts)

    def error_rate(self, counts) -> np.ndarray:
        return segments.error_rate(counts)

    def table2(self) -> list[dict]:
        """C01, C02, C04, C05: Table II and Table I."""
        rows = [
            contrast("C01", "CRNN - CNN, frame F1", self.lead("crnn", "cnn")),
            contrast("C02", "CRNN - RNN, frame F1", self.lead("crnn", "rnn")),
        ]
        for name in ("fnn", "cnn", "rnn", "crnn"):
            for counts, unit in ((self.frames, "frame"), (self.seconds, "one-second")):
                lead = self.lead(name, "gmm", counts=counts)
                rows.append(contrast("C04", f"{name.upper()} - GMM, {unit} F1", lead))
        rows += [
            contrast("C05", f"CRNN - {r.upper()}, frame F1", self.lead("crnn", r))
            for r in ("cnn", "rnn")
        ]
        rows.append(self.parameters())
        return rows

    def parameters(self) -> dict:
        """C05's other half: the CRNN has at most 2 % more parameters than the smaller rival."""
        models, seed = self.results.models, str(self.results.seeds[0])
        counts = {
            n: systems.System.read(models / n / seed).parameters for n in ("cnn", "rnn", "crnn")
        }
        excess = counts["crnn"] / min(counts["cnn"], counts["rnn"]) - 1
        return {
            "claim": "C05",
            "contrast": "parameters of the CRNN above the smaller rival, share",
            "bound": 0.02,
            "outcome": "holds" if excess <= 0.02 else "fails",
            "value": excess,
        }

    def classes(self) -> list[dict]:
        """C06, C07, C09: Table III."""
        nets = [self.frames[n] for n in ("crnn", "cnn", "rnn")]
        count = len(self.results.test.labels)

        def best(crnn, cnn, rnn):
            return (np.nan_to_num(crnn) > np.maximum(np.nan_to_num(cnn), np.nan_to_num(rnn))).sum(
                -1
            )

        estimate = bootstrap.paired(nets, segments.class_f1_scores, best, resamples=self.resamples)
        bound = 0.75 * count - 0.5
        rows = [contrast("C06", f"classes of {count} where the CRNN is best", estimate, bound)]
        names = [paper_name(label) for label in self.results.test.labels]
        for net in ("cnn", "rnn", "crnn") if "cat meowing" in names else ():
            weakest = self.weakest_lead(net, names.index("cat meowing"))
            rows.append(
                contrast("C07", f"{net.upper()}: weakest other class - cat meowing, F1", weakest)
            )
        for name in ("gun shot", "thunder", "bird singing", "baby crying", "mixer"):
            if name in names:
                gain = self.class_lead(names.index(name))
                rows.append(contrast("C09", f"{name}: CRNN - better of CNN and RNN, F1", gain, 5.0))
        return rows

    def weakest_lead(self, net: str, column: int) -> bootstrap.Estimate:
        def margin(scores):
            scores = np.nan_to_num(scores)
            return 100 * (np.delete(scores, column, axis=-1).min(-1) - scores[..., column])

        return bootstrap.paired(
            [self.frames[net]], segments.class_f1_scores, margin, resamples=self.resamples
        )

    def class_lead(self, column: int) -> bootstrap.Estimate:
        def margin(crnn, cnn, rnn):
            crnn, cnn, rnn = (np.nan_to_num(x[..., column]) for x in (crnn, cnn, rnn))
            return 100 * (crnn - np.maximum(cnn, rnn))

        nets = [self.frames[n] for n in ("crnn", "cnn", "rnn")]
        return bootstrap.paired(nets, segments.class_f1_scores, margin, resamples=self.resamples)

    def confusions(self) -> list[dict]:
        """C08 and C16: what is taken for what, and gun shots under other sounds."""
        labels = self.results.test.labels
        names = [paper_name(label) for label in labels]
        rows = []
        if {"cat meowing", "baby crying"} <= set(names):
            cat, baby = names.index("cat meowing"), names.index("baby crying")
            share = []
            for roll in self.results.rolls["crnn"]:
                wrong = analysis.confusion(self.results.test, roll).to_numpy()[cat].astype(float)
                wrong[cat] = 0
                share.append(wrong[baby] - np.delete(wrong, [cat, baby]).max())
            rows.append(
                by_seeds("C08", "cat missed: frames called baby - frames of the next class", share)
            )
        if "gun shot" in names:
            gun = names.index("gun shot")
            share = [
                self.overlapped_recall("crnn", i, gun)
                - max(self.overlapped_recall(n, i, gun) for n in ("cnn", "rnn"))
                for i in range(len(self.results.seeds))
            ]
            rows.append(
                by_seeds(
                    "C16", "gun shot under other sounds: recall of the CRNN - better rival", share
                )
            )
        return rows

    def overlapped_recall(self, net: str, run: int, column: int) -> float:
        """Share of the frames of a class that are found where another class sounds too, in percent."""
        found, total = 0, 0
        for name, truth in self.results.test.rolls.items():
            where = truth[:, column] & (truth.sum(axis=1) > 1)
            found += self.results.rolls[net][run][name][where, column].sum()
            total += where.sum()
        return 100 * found / max(total, 1)


# about particular classes, or about several data sets of which this corpus is one
PARTICULAR = {"C07", "C08", "C09", "C16"}


def judge(
    results: chapter.Results, corpus, published: claims.Published, source: str
) -> pd.DataFrame:
    """All contrasts of all claims on this corpus, one row each, with the verdict of the whole claim."""
    judge = Judge(results, corpus, published, source)
    return with_verdicts(judge.table2() + judge.classes() + judge.confusions(), source, PARTICULAR)
