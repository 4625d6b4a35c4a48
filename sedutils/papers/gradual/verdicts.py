"""The claims of the "gradual network" paper, each with its test (`sedutils.claims.claims`); F1 in percent."""

from functools import cached_property

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import contrast, nothing, with_verdicts
from sedutils.corpora import phones
from sedutils.metrics import bootstrap
from sedutils.metrics.rare import AVERAGE
from sedutils.papers.gradual import heard as phones_heard
from sedutils.papers.gradual.results import GRADUAL, WITHOUT, Results, printed_scores

# against quoted rows, or about particular classes
PARTICULAR = {"G01", "G02", "G03", "G04", "G05", "G07", "G08", "G09"}
# Where the acoustic model's speech comes from, in the words of `sedutils.claims.claims`
SPEECH = {"espeak": "foley", "librispeech": "official"}
BABY, GLASS, GUN = "babycry", "glassbreak", "gunshot"
ATTENTION = "CRNN+TA+RA"  # what the paper's gains are measured from
COMPARABLE = 1.0  # G04: points of F1
MOSTLY = 0.5  # G09


class Judge:
    """Contrasts on one corpus.

    published : Table 1 as printed. Of the quoted systems the best counts, class by class (reading G-A16),
        and their average is the mean over the classes that are here (reading G-A15).
    heard : `sedutils.papers.gradual.heard.hear`
    """

    def __init__(self, results: Results, published: pd.DataFrame, heard: pd.DataFrame):
        self.results, self.heard = results, heard
        printed = printed_scores(published, results.labels)
        quoted = printed[printed["quoted"] & (printed["class"] != AVERAGE)]
        scores = quoted.set_index(["system", "class"])[["paper_ER", "paper_F1"]]
        means = scores.groupby("system", sort=False).mean().assign(**{"class": AVERAGE})
        self.quoted = pd.concat([scores, means.set_index("class", append=True)])

    def of_others(self, metric: str, row: str) -> pd.Series:
        """A quoted column: system -> what is printed."""
        return self.quoted[f"paper_{metric}"].xs(row, level="class")

    def over(self, metric: str, row: str, quoted: float) -> bootstrap.Estimate:
        """F1 gained or errors saved by the gradual net against a printed number."""
        sign = 1 if metric == "F1" else -1
        return self.estimate(
            [self.results.value(GRADUAL, metric, row)], lambda a: sign * (a - quoted)
        )

    def estimate(self, scores: list[np.ndarray], statistic) -> bootstrap.Estimate:
        return bootstrap.estimate(scores, statistic, n_units=self.results.n_units)

    def best_quoted(self, claim: str, row: str) -> list[dict]:
        """The gradual net against the best quoted system of a row, in F1 and in errors."""
        f1, er = self.of_others("F1", row), self.of_others("ER", row)
        return [
            contrast(
                claim,
                f"{row} F1, gradual net - {f1.idxmax()} (quoted)",
                self.over("F1", row, f1.max()),
            ),
            contrast(
                claim,
                f"{row} ER, {er.idxmin()} (quoted) - gradual net",
                self.over("ER", row, er.min()),
            ),
        ]

    @cached_property
    def event_weights(self) -> np.ndarray:
        """Draws of isolated events, ``(resamples + 1, events)``, class by class."""
        return bootstrap.unit_weights(self.heard["label"], resamples=self.results.resamples, seed=1)

    def of_events(self, label: str, statistic) -> np.ndarray:
        """A statistic of the isolated events of a class on all and on resamples, ``(1, resamples + 1)``."""
        own = (self.heard["label"] == label).to_numpy()
        return statistic(self.heard[own], self.event_weights[:, own])[None]

    def between(self, one: np.ndarray, *others: np.ndarray) -> bootstrap.Estimate:
        """How much one class is above the largest of the others; one acoustic model, so no seeds."""
        return bootstrap.estimate(
            [one, *others], lambda a, *b: a - np.max(b, axis=0), n_units=len(self.heard)
        )


def against_quoted(judge: Judge) -> list[dict]:
    """G01 to G04 and G07: Table 1 beside systems that the paper quotes."""
    rows = judge.best_quoted("G01", AVERAGE)
    for claim, label in (("G02", BABY), ("G03", GUN)):
        here = label in judge.results.labels
        rows += judge.best_quoted(claim, label) if here else [nothing(claim, f"no {label} here")]
    return [*rows, *comparable(judge), profits(judge)]


def comparable(judge: Judge) -> list[dict]:
    """G04: glassbreak is not best but comparable."""
    if GLASS not in judge.results.labels:
        return [nothing("G04", f"no {GLASS} here")]
    best = judge.of_others("F1", GLASS)
    gain = judge.over("F1", GLASS, best.max())
    loss = judge.estimate([judge.results.value(GRADUAL, "F1", GLASS)], lambda a: best.max() - a)
    name = f"{best.idxmax()} (quoted)"
    return [
        contrast("G04", f"{GLASS} F1, {name} - gradual net", loss),
        contrast("G04", f"{GLASS} F1, gradual net - {name}", gain, -COMPARABLE),
    ]


def profits(judge: Judge) -> dict:
    """G07: babycry gains most over the system that the paper measures gains from."""
    what = f"F1 gained over {ATTENTION} (quoted), {BABY} - largest of the others"
    if not {BABY, GLASS, GUN} <= set(judge.results.labels):
        return nothing("G07", what)
    labels = (BABY, GLASS, GUN)
    values = [judge.results.value(GRADUAL, "F1", label) for label in labels]
    printed = [judge.of_others("F1", label)[ATTENTION] for label in labels]

    def ahead(*scores):
        baby, *others = (a - b for a, b in zip(scores, printed, strict=True))
        return baby - np.max(others, axis=0)

    return contrast("G07", what, judge.estimate(values, ahead))


def features_alone(judge: Judge) -> list[dict]:
    """G05: the fine-tuning net is below the quoted systems and the gradual net."""
    weakest = judge.of_others("F1", AVERAGE)
    alone = judge.results.value("finetuning_net", "F1", AVERAGE)
    pair = [judge.results.value(GRADUAL, "F1", AVERAGE), alone]
    below = judge.estimate([alone], lambda a: weakest.min() - a)
    what = f"average F1, {weakest.idxmin()} (quoted) - fine-tuning net"
    return [
        contrast("G05", what, below),
        contrast("G05", "average F1, gradual - fine-tuning net", judge.estimate(pair, np.subtract)),
    ]


def complement(judge: Judge) -> list[dict]:
    """G06: with ASR features the CBRNN is better, in every class and on average."""
    return [
        contrast(
            "G06", f"{row} F1, gradual net - own CBRNN", judge.results.gain(WITHOUT, "F1", row)
        )
        for row in judge.results.rows
    ]


def longer(judge: Judge) -> list[dict]:
    """G08: babycry lasts longer, and more phones are heard in it."""
    tests = {
        "median length in s": median_length,
        "phones heard in an event": phones_an_event,
    }
    labels = judge.results.labels
    if BABY not in labels or len(labels) == 1:
        return [nothing("G08", f"{name}, {BABY} - largest of the others") for name in tests]
    others = [label for label in labels if label != BABY]
    return [
        contrast(
            "G08",
            f"{name}, {BABY} - largest of the others",
            judge.between(*(judge.of_events(label, statistic) for label in (BABY, *others))),
        )
        for name, statistic in tests.items()
    ]


def no_speech(judge: Judge) -> list[dict]:
    """G09: in glassbreak and gunshot SIL and SPN are most of what is heard, and more than in babycry."""
    rows, labels = [], judge.results.labels
    for label in (GLASS, GUN):
        what = f"share of SIL and SPN in {label}"
        if label not in labels:
            rows.append(nothing("G09", f"{what}: none here"))
            continue
        share = judge.of_events(label, share_without_speech)
        rows.append(contrast("G09", what, judge.between(share, np.zeros_like(share)), MOSTLY))
        if BABY in labels:
            baby = judge.of_events(BABY, share_without_speech)
            rows.append(contrast("G09", f"{what} - in {BABY}", judge.between(share, baby)))
        else:
            rows.append(nothing("G09", f"{what} - in {BABY}: none here"))
    return rows


def median_length(events: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Median of the lengths, each taken ``weights`` (draws, events) times; of two middle ones the mean."""
    order = np.argsort(events["lasting_s"])
    lasting_s, passed = events["lasting_s"].to_numpy()[order], weights[:, order].cumsum(axis=1)
    # weights are thirds and sevenths, so that half of their sum is met up to rounding
    half = passed[:, -1:] / 2 * np.array([1 - 1e-9, 1 + 1e-9])
    middle = (passed[:, None] < half[..., None]).sum(axis=-1)  # (draws, 2)
    return lasting_s[middle].mean(axis=1)


def phones_an_event(events: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    return weights @ phones_heard.phones_of(events).to_numpy() / weights.sum(axis=1)


def share_without_speech(events: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Of all that is decoded; NaN where nothing is."""
    part, whole = (
        weights @ events[list(names)].sum(axis=1).to_numpy()
        for names in (phones_heard.NO_SPEECH, phones.LABELS)
    )
    return np.divide(part, whole, out=np.full(len(weights), np.nan), where=whole > 0)


def judge(
    results: Results,
    published: pd.DataFrame,
    heard: pd.DataFrame,
    *,
    source: str,
    speech: str,
    kaldi: bool,
) -> pd.DataFrame:
    """All contrasts of all claims, one row each, with the verdict of the whole claim.

    source : of the corpus; ``speech`` that of the acoustic model's corpus, "espeak" or "librispeech"
    kaldi : whether the ASR features come from Kaldi's own network, learnt from LibriSpeech
    """
    of = Judge(results, published, heard)
    rows = against_quoted(of) + features_alone(of) + complement(of) + longer(of) + no_speech(of)
    rows.append(nothing("G10", "word error rate: there is no decoder here, and no language model"))
    detection = {source, "official" if kaldi else SPEECH[speech]}
    involved = {row["claim"]: detection for row in rows}
    involved["G08"] = involved["G09"] = {source, SPEECH[speech]}
    return with_verdicts(rows, involved | {"G10": {SPEECH[speech]}}, PARTICULAR)
