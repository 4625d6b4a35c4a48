"""The claims of Cakir et al. 2017 that concern recorded corpora, alone or with TUT-SED Synthetic 2016.

A claim is one or more contrasts `statistic > bound` (`sedutils.claims.claims`). Scenes are resampled by test
recordings within a scene, CHiME-Home by chunks within a fold; corpora are independent of each other.
"""

from functools import cached_property

import numpy as np
import pandas as pd

from sedutils.claims import claims
from sedutils.claims.verdicts import contrast, with_verdicts
from sedutils.metrics import bootstrap, scenes
from sedutils.papers.cakir2017 import legacy, tagging
from sedutils.papers.cakir2017.verdicts import Judge
from sedutils.show.tables import TITLES

SYNTHETIC, SCENES_2009, SCENES_2016, HOME = (
    "tut_sed_synthetic_2016",
    "tut_sed_2009",
    "tut_sound_events_2016",
    "chime_home",
)
NETS = ("fnn", "cnn", "rnn", "crnn")
RIVALS = ("gmm", "fnn", "cnn", "rnn")
# The corpora that a claim is about
CORPORA = {
    "C03": {SYNTHETIC, SCENES_2009, SCENES_2016},
    **dict.fromkeys(("C17", "C18"), frozenset({SCENES_2009})),
    **dict.fromkeys(("C19", "C20", "C21", "C23"), frozenset({SCENES_2016})),
    "C22": {SYNTHETIC, SCENES_2009, SCENES_2016},
    **dict.fromkeys(("C24", "C25", "C26"), frozenset({HOME})),
    "C27": {SYNTHETIC, SCENES_2009, SCENES_2016, HOME},
    "C31": {SYNTHETIC, SCENES_2009},
    "C32": {SYNTHETIC, SCENES_2009},
}
# against quoted rows, or about the classes or the difficulty of particular data sets
PARTICULAR = {"C17", "C18", "C22", "C23", "C24"}


class SceneJudge(Judge):
    """Contrasts on a corpus of scenes: means over scenes, recordings resampled within a scene."""

    def __init__(self, results, published: claims.Published, source: str, seed: int):
        super().__init__(results, results.corpus, published, source)
        self.strata, self.seed = results.strata, seed

    def f1_points(self, counts) -> np.ndarray:
        return 100 * scenes.f1_score(counts)

    def error_rate(self, counts) -> np.ndarray:
        return scenes.error_rate(counts)

    def legacy(self) -> list[dict]:
        """C17 and C18: Table V, the quoted rows as constants."""
        printed = self.published.table("T5").set_index("method").legacy_F1_1s_mean
        earlier = printed.drop(["CNN", "RNN", "CRNN"])
        resampled = {
            net: legacy.resampled(self.results, net, resamples=self.resamples, seed=self.seed)
            for net in NETS
        }

        def estimate(statistic, *nets):
            return bootstrap.estimate(
                [resampled[n] for n in nets], statistic, n_units=len(self.results.test.rolls)
            )

        rows = [
            contrast("C17", f"CRNN - {n.upper()}, legacy F1", estimate(np.subtract, "crnn", n), 2.0)
            for n in ("cnn", "rnn")
        ]
        best, name = earlier.max(), earlier.idxmax()
        found = estimate(lambda x: x - best, "crnn")
        rows.append(contrast("C17", f"CRNN - {best:g} of {name} (quoted), legacy F1", found, 2.0))
        older = printed[list(legacy.OTHERS)]
        best, name = older.max(), older.idxmax()
        for net in NETS:
            found = estimate(lambda x: x - best, net)
            what = f"{net.upper()} - {best:g} of {name} (quoted), legacy F1"
            rows.append(contrast("C18", what, found))
        return rows

    def sparse(self) -> list[dict]:
        """C19-C21: the order of the methods on TUT Sound Events 2016."""
        rows = [
            contrast("C19", f"{a.upper()} - {b.upper()}, frame F1", self.lead(a, b))
            for a in ("crnn", "rnn")
            for b in ("gmm", "fnn", "cnn")
        ]
        for rival in RIVALS:
            for counts, unit in ((self.frames, "frame"), (self.seconds, "one-second")):
                saved = self.lead("crnn", rival, counts=counts, error=True)
                rows.append(contrast("C20", f"{rival.upper()} - CRNN, {unit} ER", saved))
        for rival in ("gmm", "cnn", "rnn", "crnn"):
            name = rival.upper()
            more = self.lead("fnn", rival, counts=self.seconds)
            rows.append(contrast("C21", f"FNN - {name}, one-second F1", more))
            worse = self.lead(rival, "fnn", counts=self.seconds, error=True)
            rows.append(contrast("C21", f"FNN - {name}, one-second ER", worse))
        return rows

    def classes(self) -> list[dict]:
        """C23: frequent and rare classes, frame F1 of the CRNN."""
        labels, rows = self.results.test.labels, []
        for name in ("bird_singing", "car_passing_by", "cupboard", "object_snapping"):
            if name not in labels:
                raise ValueError(f"{self.results.features / 'labels.txt'}: no class {name!r}")
            frequent = name in ("bird_singing", "car_passing_by")
            found = self.class_margin(labels.index(name), 35.0 if frequent else 10.0, frequent)
            what = "frame F1 - 35" if frequent else "10 - frame F1"
            rows.append(contrast("C23", f"{name.replace('_', ' ')}: {what}", found))
        return rows

    def class_margin(self, column: int, level: float, above: bool) -> bootstrap.Estimate:
        """By how many points the CRNN's F1 of a class lies above a level (or below it)."""

        def margin(scores):
            f1 = 100 * np.nan_to_num(scores[..., column])
            return f1 - level if above else level - f1

        return bootstrap.paired(
            [self.frames["crnn"]],
            scenes.class_f1_scores,
            margin,
            resamples=self.resamples,
            seed=self.seed,
            strata=self.strata,
        )


class HomeJudge:
    """Contrasts on CHiME-Home: equal error rates in points, lower is better."""

    def __init__(self, results: tagging.TagResults, published: claims.Published, seed: int):
        self.results, self.published, self.seed = results, published, seed

    @cached_property
    def errors(self) -> dict[tuple[str, str], np.ndarray]:
        """(system, part) -> mean equal error rate, (seeds, resamples + 1)."""
        return {
            (system, part): self.results.resampled(system, part, seed=self.seed)
            for system in self.results.systems
            for part in tagging.PARTS
        }

    def row(self, claim: str, part: str, worse: str | float, better: str, what: str) -> dict:
        """The error of ``worse`` (a system, or a printed number) less that of ``better``."""
        mine = self.errors[better, part]
        if isinstance(worse, str):
            scores, statistic = [self.errors[worse, part], mine], np.subtract
        else:
            scores, statistic = [mine], lambda x: worse - x
        found = bootstrap.estimate(scores, statistic, n_units=self.results.units(part))
        return contrast(claim, f"{what}, EER {part}", found)

    def rows(self) -> list[dict]:
        """C24-C26, and CHiME-Home's part of C27: Table VI."""
        cnn, rnn, crnn = "cnn_chime", "rnn_chime", "crnn_chime"
        bare = "cnn_chime_no_batch_norm"
        printed = self.published.table("T6").query("quoted").set_index("method").EER_eval_mean
        best, name = printed.min(), printed.idxmin()
        rows = [
            self.row("C24", "eval", best, net, f"{best:g} of {name} (quoted) - {title}")
            for net, title in ((cnn, "CNN"), (rnn, "RNN"), (crnn, "CRNN"))
        ]
        for part in tagging.PARTS:
            rows += [
                self.row("C25", part, crnn, cnn, "CRNN - CNN"),
                self.row("C26", part, bare, crnn, "CNN without batch norm - CRNN"),
            ]
        return rows + [
            self.row("C27", "eval", rival, crnn, f"CHiME-Home: {title} - CRNN")
            for rival, title in ((cnn, "CNN"), (rnn, "RNN"))
        ]


def several(judges: dict[str, Judge]) -> list[dict]:
    """C03, C27, C31, C32 on all their corpora but CHiME-Home: Table II."""
    rows = []
    for corpus, judge in judges.items():
        title = TITLES[corpus]
        for rival in RIVALS:
            lead, what = judge.lead("crnn", rival), f"{title}: CRNN - {rival.upper()}, frame F1"
            rows += [contrast(claim, what, lead) for claim in ("C03", "C27")]
        if corpus not in CORPORA["C31"]:
            continue
        for rival in RIVALS:
            for counts, unit in ((judge.frames, "frame"), (judge.seconds, "one-second")):
                saved = judge.lead("crnn", rival, counts=counts, error=True)
                what = f"{title}: {rival.upper()} - CRNN, {unit} ER"
                rows.append(contrast("C31", what, saved))
        lead = judge.lead("cnn", "rnn")
        rows.append(contrast("C32", f"{title}: CNN - RNN, frame F1", lead))
        more = judge.lead("rnn", "cnn", counts=judge.seconds, error=True)
        rows.append(contrast("C32", f"{title}: CNN - RNN, one-second ER", more))
    return rows


def harder(judges: dict[str, Judge]) -> dict:
    """C22: the worst network elsewhere is 10 points above the best on TUT Sound Events 2016."""

    def extreme(corpus, pick):
        judge = judges[corpus]
        return bootstrap.paired(
            [judge.frames[net] for net in NETS],
            judge.f1_points,
            lambda *scores: pick(scores, axis=0),
            resamples=judge.resamples,
            seed=judge.seed,
            strata=judge.strata,
        )

    found = bootstrap.combined(
        lambda a, b, sparse: np.minimum(a, b) - sparse,
        extreme(SYNTHETIC, np.min),
        extreme(SCENES_2009, np.min),
        extreme(SCENES_2016, np.max),
    )
    what = "worst network of the other two - best network of TUT Sound Events 2016, frame F1"
    return contrast("C22", what, found, 10.0)


def judge(
    synthetic: Judge,
    scenes: dict[str, SceneJudge],
    home: HomeJudge,
    sources: dict[str, str],
) -> pd.DataFrame:
    """All contrasts of all these claims, one row each, with the verdict of the whole claim.

    scenes, sources : by corpus; each judge has a bootstrap seed of its own
    """
    judges = {SYNTHETIC: synthetic, **scenes}
    rows = [*several(judges), harder(judges), *home.rows()]
    rows += scenes[SCENES_2009].legacy()
    rows += scenes[SCENES_2016].sparse() + scenes[SCENES_2016].classes()
    involved = {claim: {sources[c] for c in corpora} for claim, corpora in CORPORA.items()}
    return with_verdicts(rows, involved, PARTICULAR)
