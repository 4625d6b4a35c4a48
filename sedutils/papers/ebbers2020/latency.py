"""How early a tag is there: what the forward network says while a clip goes on.

Its output at a frame has heard ``reach`` frames more, those that the CNN sees ahead; so what it says of the first
s seconds stands ``reach`` frames before their end, and a tag is there when these frames have been heard, too.
At the end of a clip the CNN sees padding instead. Thresholds are the best for the forward network's last outputs
on validation clips, those of whole clips.
"""

import numpy as np
import pandas as pd

from sedutils.decoding import tag_thresholds
from sedutils.metrics.tags import tag_f_scores
from sedutils.papers.ebbers2020.results import PUBLIC, VALIDATION, WeakRun

FORWARD = 0  # its place in directions_*.npy


def forward(results: WeakRun, system: str, seed: int, split: str) -> list[np.ndarray]:
    """Scores of the forward network, ``(frames, classes)`` of each clip."""
    scores = results.array((system, seed), "directions", split)[FORWARD]
    return list(results.clips[split].parts(scores).values())


def thresholds(results: WeakRun, system: str, seed: int) -> np.ndarray:
    """Of the highest tag F on whole validation clips, ``(classes,)``."""
    last = [scores[-1] for scores in forward(results, system, seed, VALIDATION)]
    return tag_thresholds.best_f(np.stack(last), results.clips[VALIDATION].tags)[0]


def onsets(results: WeakRun) -> np.ndarray:
    """When a class begins in a public clip, in seconds ``(clips, classes)``; +inf where it does not."""
    clips = results.clips[PUBLIC]
    first_s = np.full(clips.tags.shape, np.inf)
    events = clips.annotation
    np.minimum.at(first_s, (events["clip"], events["column"]), events.onset_s)
    return first_s


def heard(results: WeakRun, systems: tuple[str, ...], seconds) -> pd.DataFrame:
    """How well the tags of the first seconds of public clips tell what has sounded in them.

    Columns system, seed, seconds, clips (those that long), F (percent, mean of the classes that have sounded)
    """
    frames, first_s = results.clips[PUBLIC].frames, onsets(results)
    rows = []
    for system in systems:
        for seed in results.seeds:
            clips = forward(results, system, seed, PUBLIC)
            least = thresholds(results, system, seed)
            for second in seconds:
                until = round(second / results.hop_s)
                long = np.flatnonzero(frames >= until)
                if not len(long) or until <= results.reach:
                    continue
                # a clip that ends here is heard to its end
                place = np.where(frames[long] > until, until - 1 - results.reach, until - 1)
                tags = np.stack([clips[i][n] for i, n in zip(long, place, strict=True)]) >= least
                f = tag_f_scores(tags, first_s[long] < second)
                row = {"system": system, "seed": seed, "seconds": second, "clips": len(long)}
                rows.append(row | {"F": pd.Series(f).mean()})
    return pd.DataFrame(rows)


def waits(results: WeakRun, system: str, seed: int) -> np.ndarray:
    """Seconds from the onset of a class until it is tagged, ``(clips, classes)`` of public clips.

    NaN where the class does not sound or is not tagged from its onset on, and where it was tagged before the CNN
    could hear it: such a tag is a false alarm that came true.
    """
    first_s, least = onsets(results), thresholds(results, system, seed)
    found = np.full(first_s.shape, np.nan)
    clips = forward(results, system, seed, PUBLIC)
    for clip, column in np.argwhere(np.isfinite(first_s)):
        on = clips[clip][:, column] >= least[column]
        start = max(0, int(first_s[clip, column] / results.hop_s) - results.reach)
        later = np.flatnonzero(on[start:])
        if on[:start].any() or not len(later):
            continue
        available = min(start + later[0] + 1 + results.reach, len(on)) * results.hop_s
        found[clip, column] = available - first_s[clip, column]
    return found
