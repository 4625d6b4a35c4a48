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

from sedutils.decoding import smoothing, thresholds
from sedutils.metrics import activity
from sedutils.metrics.events import AnnotatedClips

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


def variants_of(scores: np.ndarray, medians, clips: AnnotatedClips) -> dict[Variant, np.ndarray]:
    """Scores of every context ``(contexts, frames, classes)`` through every median filter."""
    return {
        (context, width): filtered(own, width, clips)
        for context, own in enumerate(scores)
        for width in medians
    }


def filtered(scores: np.ndarray, width: int, clips: AnnotatedClips) -> np.ndarray:
    """A running median over ``width`` frames that does not cross from clip to clip."""
    parts = clips.parts(scores).values()
    return np.concatenate([smoothing.median_filter(part, width) for part in parts])


def masked(scores: np.ndarray, tags: np.ndarray, clips: AnnotatedClips) -> np.ndarray:
    """Scores ``(..., frames, classes)`` times the binary tags ``(clips, classes)`` of their clips."""
    return scores * np.asarray(tags, scores.dtype)[clips.clip_of_frame]


def choose(variants: dict[Variant, np.ndarray], clips: AnnotatedClips) -> Choice:
    """For each class the variant and threshold of highest event-based F1; of equals the first variant."""
    chosen = []
    for column, label in enumerate(clips.labels):
        tried = {
            variant: thresholds.search_events(scores[:, column], label, clips)
            for variant, scores in variants.items()
        }
        variant = max(tried, key=lambda v: np.nan_to_num(tried[v][1], nan=-1.0))
        chosen.append((variant, *tried[variant]))
    names, levels, f_scores = zip(*chosen, strict=True)
    return Choice(list(names), np.array(levels), np.array(f_scores))


def chosen_scores(variants: dict[Variant, np.ndarray], choice: Choice) -> np.ndarray:
    """Of every class the scores of its own variant, ``(frames, classes)``."""
    columns = [variants[variant][:, k] for k, variant in enumerate(choice.variants)]
    return np.stack(columns, axis=1)


def events_of(
    variants: dict[Variant, np.ndarray], choice: Choice, clips: AnnotatedClips
) -> pd.DataFrame:
    """The events of all clips: recording, onset_s, offset_s, label."""
    decided = chosen_scores(variants, choice) >= choice.thresholds
    return activity.event_table(clips.parts(decided), clips.labels, hop_s=clips.hop_s)
