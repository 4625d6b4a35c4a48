"""The claims of the "gradual network" paper that are no plain contrasts, rows for `sedutils.claims.verdicts.judge`.

Of the quoted systems the best counts, class by class (reading G-A16), and their average is the mean over the
classes that are here (reading G-A15).
"""

import numpy as np
import pandas as pd

from sedutils.claims.verdicts import contrast, nothing
from sedutils.corpora import phones
from sedutils.metrics import bootstrap
from sedutils.metrics.rare import AVERAGE
from sedutils.papers.gradual import event_phones
from sedutils.papers.gradual.results import GRADUAL, WITHOUT, GradualRun, printed_scores

# Where the acoustic model's speech comes from, in the words of `sedutils.claims.verdicts`
SPEECH = {"espeak": "foley", "librispeech": "official"}
BABY, GLASS, GUN = "babycry", "glassbreak", "gunshot"
COMPARABLE = 1.0  # G04: points of F1
COMPETITIVE = 10.0  # G05: points of F1
MOSTLY = 0.5  # G09
F1, ER = "evaluation_F1", "evaluation_ER"


def odd(run: GradualRun, published: pd.DataFrame, decoded: pd.DataFrame) -> list[dict]:
    """All but G06 and G10.

    published : Table 1 as printed; decoded : `sedutils.papers.gradual.event_phones.decode`
    """
    quoted = quoted_scores(run, published)
    rows = against_quoted(run, quoted) + features_alone(run, quoted)
    return rows + longer(run, decoded) + no_speech(run, decoded)


def sources(source: str, speech: str, *, kaldi: bool) -> dict[str, str]:
    """Where the sound behind the claims comes from.

    source : of the corpus; ``speech`` that of the acoustic model's corpus, "espeak" or "librispeech"
    kaldi : whether the ASR features come from Kaldi's own network, learnt from LibriSpeech
    """
    features = "official" if kaldi else SPEECH[speech]
    return {"clips": source, "asr_features": features, "speech": SPEECH[speech]}


def quoted_scores(run: GradualRun, published: pd.DataFrame) -> pd.DataFrame:
    """What others reach, (system, class) -> paper_ER, paper_F1; the average is of the classes here."""
    printed = printed_scores(published, run.labels)
    quoted = printed[printed["quoted"] & (printed["class"] != AVERAGE)]
    scores = quoted.set_index(["system", "class"])[["paper_ER", "paper_F1"]]
    means = scores.groupby("system", sort=False).mean().assign(**{"class": AVERAGE})
    return pd.concat([scores, means.set_index("class", append=True)])


def over(run: GradualRun, quoted: float, row: str) -> bootstrap.Estimate:
    """F1 gained by the gradual net over a printed number."""
    return run.estimate(lambda f1: f1 - quoted, GRADUAL, metric=F1, row=row)


def best_quoted(run: GradualRun, quoted: pd.DataFrame, claim: str, row: str) -> list[dict]:
    """The gradual net against the best quoted system of a row, in F1 and in errors."""
    column = quoted.xs(row, level="class")
    f1, er = column.paper_F1, column.paper_ER
    saved = run.estimate(lambda mine: er.min() - mine, GRADUAL, metric=ER, row=row)
    return [
        contrast(
            claim, f"{row} F1, gradual net - {f1.idxmax()} (quoted)", over(run, f1.max(), row)
        ),
        contrast(claim, f"{row} ER, {er.idxmin()} (quoted) - gradual net", saved),
    ]


def against_quoted(run: GradualRun, quoted: pd.DataFrame) -> list[dict]:
    """G01 to G04 and G07: Table 1 beside systems that the paper quotes."""
    rows = best_quoted(run, quoted, "G01", AVERAGE)
    for claim, label in (("G02", BABY), ("G03", GUN)):
        here = label in run.labels
        rows += (
            best_quoted(run, quoted, claim, label) if here else [nothing(claim, f"no {label} here")]
        )
    return [*rows, *comparable(run, quoted), profits(run)]


def comparable(run: GradualRun, quoted: pd.DataFrame) -> list[dict]:
    """G04: glassbreak is not best but comparable."""
    if GLASS not in run.labels:
        return [nothing("G04", f"no {GLASS} here")]
    best = quoted.paper_F1.xs(GLASS, level="class")
    gain, name = over(run, best.max(), GLASS), f"{best.idxmax()} (quoted)"
    loss = bootstrap.combined(np.negative, gain)
    return [
        contrast("G04", f"{GLASS} F1, {name} - gradual net", loss),
        contrast("G04", f"{GLASS} F1, gradual net - {name}", gain, -COMPARABLE),
    ]


def profits(run: GradualRun) -> dict:
    """G07: babycry gains most by the ASR features, over the CBRNN without them."""
    what = f"F1 gained over the CBRNN, {BABY} - largest of the others"
    labels = (BABY, GLASS, GUN)
    if not set(labels) <= set(run.labels):
        return nothing("G07", what)

    def ahead(scores, without):
        gained = scores - without
        return gained[..., 0] - gained[..., 1:].max(axis=-1)

    scores = [
        np.stack([run.resampled(system, F1, label) for label in labels], axis=-1)
        for system in (GRADUAL, WITHOUT)
    ]
    return contrast("G07", what, bootstrap.estimate(scores, ahead, n_units=run.units(F1)))


def features_alone(run: GradualRun, quoted: pd.DataFrame) -> list[dict]:
    """G05: the fine-tuning net is below the quoted systems and the gradual net, and not far below (the paper: 7.3)."""
    f1, alone = quoted.paper_F1.xs(AVERAGE, level="class"), "finetuning_net"
    below = run.estimate(lambda mine: f1.min() - mine, alone, metric=F1, row=AVERAGE)
    near = run.estimate(lambda mine: mine - f1.min(), alone, metric=F1, row=AVERAGE)
    less = run.above(GRADUAL, alone, F1, AVERAGE)
    return [
        contrast("G05", f"average F1, {f1.idxmin()} (quoted) - fine-tuning net", below),
        contrast(
            "G05", f"average F1, fine-tuning net - {f1.idxmin()} (quoted)", near, -COMPETITIVE
        ),
        contrast("G05", "average F1, gradual - fine-tuning net", less),
    ]


def of_events(run: GradualRun, decoded: pd.DataFrame, statistic) -> dict[str, np.ndarray]:
    """A statistic of the isolated events of each class, on all and on resamples: ``(1, resamples + 1)``.

    One acoustic model has heard them all: what they
    are, not what another training would make of them. Events are drawn class by class.
    """
    weights = bootstrap.unit_weights(decoded["label"], resamples=run.resamples, seed=1)
    own = {label: (decoded["label"] == label).to_numpy() for label in run.labels}
    return {k: statistic(decoded[mine], weights[:, mine])[None] for k, mine in own.items()}


def between(decoded: pd.DataFrame, one: np.ndarray, *others: np.ndarray) -> bootstrap.Estimate:
    """How much one class is above the largest of the others."""
    return bootstrap.estimate(
        [one, *others], lambda a, *b: a - np.max(b, axis=0), n_units=len(decoded), trained=False
    )


def longer(run: GradualRun, decoded: pd.DataFrame) -> list[dict]:
    """G08: babycry lasts longer, and more phones are heard in it."""
    tests = {
        "median length in s": median_length,
        "phones heard in an event": phones_an_event,
    }
    rows = []
    for name, statistic in tests.items():
        what = f"{name}, {BABY} - largest of the others"
        if BABY not in run.labels or len(run.labels) == 1:
            rows.append(nothing("G08", what))
            continue
        found = of_events(run, decoded, statistic)
        rows.append(contrast("G08", what, between(decoded, found.pop(BABY), *found.values())))
    return rows


def no_speech(run: GradualRun, decoded: pd.DataFrame) -> list[dict]:
    """G09: in glassbreak and gunshot SIL and SPN are most of what is decoded, and more than in babycry."""
    rows, share = [], of_events(run, decoded, share_without_speech)
    for label in (GLASS, GUN):
        what = f"share of SIL and SPN in {label}"
        if label not in share:
            rows.append(nothing("G09", f"{what}: none here"))
            continue
        least = np.zeros_like(share[label])
        rows.append(contrast("G09", what, between(decoded, share[label], least), MOSTLY))
        if BABY in share:
            more = between(decoded, share[label], share[BABY])
            rows.append(contrast("G09", f"{what} - in {BABY}", more))
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
    return weights @ event_phones.phones_of(events).to_numpy() / weights.sum(axis=1)


def share_without_speech(events: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Of all that is decoded; NaN where nothing is."""
    part, whole = (
        weights @ events[list(names)].sum(axis=1).to_numpy()
        for names in (event_phones.NO_SPEECH, phones.LABELS)
    )
    return np.divide(part, whole, out=np.full(len(weights), np.nan), where=whole > 0)
