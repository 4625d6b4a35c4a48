"""Table V of Cakir et al. 2017: the F1 that papers before 2016 reported, averaged over one-second segments."""

import numpy as np
import pandas as pd

from sedutils.metrics import bootstrap, scenes
from sedutils.papers.cakir2017.recorded import SceneRun
from sedutils.training import evaluation

# Rows of Table V without a neural network
OTHERS = (
    "HMM multiple Viterbi decoding",
    "NMF-HMM",
    "NMF-HMM + stream elimination",
    "GMM",
    "Coupled NMF",
)

METHODS = {"gmm": "GMM (scene-independent)"}


def segments(run: SceneRun, system: str, seed: int) -> dict[str, list[np.ndarray]]:
    """Scene -> the F1 of every one-second segment of its test recordings, one array a recording."""
    rolls, truth = run.decisions(system, seed), run.test.rolls
    return {
        scene: [scenes.legacy_f1_scores(truth[k], rolls[k]) for k in names]
        for scene, names in run.scenes.items()
    }


def table5(run: SceneRun, published: pd.DataFrame, *, source: str, size: str) -> pd.DataFrame:
    """Ours as mean and std over seeds beside the printed rows, in percent; quoted rows have no ours.

    ``skipped_percent_mean`` is the share of segments with neither reference nor output, which the
    legacy F1 leaves out (Sec. IV-B). The printed GMM row is scene-dependent (reading A23), ours is not.
    """
    rows = []
    for system in run.systems:
        for seed in run.seeds:
            f1, skipped = scenes.legacy_f1_score(segments(run, system, seed))
            shares = {"legacy_F1_1s": 100 * f1, "skipped_percent": 100 * skipped}
            rows.append({"method": METHODS.get(system, system.upper()), "seed": seed} | shares)
    ours = evaluation.mean_and_std(pd.DataFrame(rows), ["method"])
    table = evaluation.beside_quoted(ours, published, ("legacy_F1_1s",), source)
    return evaluation.provenance(table, corpus="tut_sed_2009", source=source, size=size)


def resampled(run: SceneRun, system: str) -> np.ndarray:
    """Legacy F1 in percent of every seed, ``(seeds, resamples + 1)``, all test recordings first.

    Resamples draw recordings within their scene.
    """
    strata = np.repeat(np.arange(len(run.scenes)), [len(n) for n in run.scenes.values()])
    weights = bootstrap.unit_weights(strata, resamples=run.resamples, seed=run.draw)
    rows = []
    for seed in run.seeds:
        parts = [s for scene in segments(run, system, seed).values() for s in scene]
        total = np.array([np.nansum(part) for part in parts])
        count = np.array([np.count_nonzero(~np.isnan(part)) for part in parts])
        scenes = []
        for scene in range(len(run.scenes)):
            mine = strata == scene
            drawn = weights[:, mine] @ count[mine]
            mean = np.full(len(drawn), np.nan)
            np.divide(weights[:, mine] @ total[mine], drawn, out=mean, where=drawn > 0)
            scenes.append(mean)
        rows.append(100 * np.mean(scenes, axis=0))
    return np.array(rows)
