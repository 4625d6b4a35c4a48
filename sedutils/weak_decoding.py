"""From the scores of an ensemble to events (Ebbers & Haeb-Umbach 2020, Sec. 4).

The order is the text's (readings E-A13, E-A14): average the scores of all networks, mask them by the tags of
the clip, filter them by a running median, compare with a threshold. Context, width of the median and threshold
are chosen for every class. Tags are constant in a clip, so masking and filtering may change places: scores are
filtered once and masked by whichever tags.

Scores are (frames, classes), the frames of all clips below each other.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedutils import decoding, weak_metrics
from sedutils.weak_metrics import Clips

Variant = tuple[int, int]  # place of the context, width of the median in frames


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen for each class, arrays ``(classes,)``.

    variants : of `variants_of`; thresholds : +inf where a class is never to be found
    f_scores : event-based F1 (0..1) on the clips that chose
    """

    variants: list[Variant]
    thresholds: np.ndarray
    f_scores: np.ndarray


def variants_of(scores: np.ndarray, medians, clips: Clips) -> dict[Variant, np.ndarray]:
    """Scores of every context ``(contexts, frames, classes)`` through every median filter."""
    return {
        (context, width): filtered(of_context, width, clips)
        for context, of_context in enumerate(scores)
        for width in medians
    }


def filtered(scores: np.ndarray, width: int, clips: Clips) -> np.ndarray:
    """A running median over ``width`` frames that does not cross from clip to clip."""
    parts = clips.parts(scores).values()
    return np.concatenate([decoding.median_filter(part, width) for part in parts])


def masked(scores: np.ndarray, tags: np.ndarray, clips: Clips) -> np.ndarray:
    """Scores ``(..., frames, classes)`` times the binary tags ``(clips, classes)`` of their clips."""
    return scores * np.asarray(tags, scores.dtype)[clips.clip_of_frame]


def choose(variants: dict[Variant, np.ndarray], clips: Clips) -> Choice:
    """For each class the variant and threshold of highest event-based F1; of equals the first variant."""
    chosen = []
    for column, label in enumerate(clips.labels):
        tried = {
            variant: weak_metrics.best_threshold(scores[:, column], label, clips)
            for variant, scores in variants.items()
        }
        variant = max(tried, key=lambda v: np.nan_to_num(tried[v][1], nan=-1.0))
        chosen.append((variant, *tried[variant]))
    names, thresholds, f_scores = zip(*chosen, strict=True)
    return Choice(list(names), np.array(thresholds), np.array(f_scores))


def chosen_scores(variants: dict[Variant, np.ndarray], choice: Choice) -> np.ndarray:
    """Of every class the scores of its own variant, ``(frames, classes)``."""
    columns = [variants[variant][:, k] for k, variant in enumerate(choice.variants)]
    return np.stack(columns, axis=1)


def events_of(variants: dict[Variant, np.ndarray], choice: Choice, clips: Clips) -> pd.DataFrame:
    """The events of all clips: recording, onset_s, offset_s, label."""
    decided = chosen_scores(variants, choice) >= choice.thresholds
    tables = [
        decoding.events_for_people(part, clips.labels, hop_s=clips.hop_s).assign(recording=name)
        for name, part in clips.parts(decided).items()
    ]
    return pd.concat(tables, ignore_index=True)[["recording", "onset_s", "offset_s", "label"]]
