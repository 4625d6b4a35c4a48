"""What the networks of `experiments` find in validation and public clips: Table 3 and its parts.

An ensemble is a tuple of (system, seed). Its scores are the mean of its members', those without windows standing
beside those of every context. The tags that mask them are those of all FBCRNNs (reading E-A13), of a `POOLED` system
those of all its own networks. Context, median and threshold of each class are the best on validation clips.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.decoding import class_wise, tag_thresholds
from sedutils.decoding.class_wise import Choice
from sedutils.metrics import events, psds, segments
from sedutils.metrics.events import AnnotatedClips
from sedutils.papers.ebbers2020.experiments import (
    ATTENTION,
    BLIND,
    CONDITIONED,
    CUTS,
    ENDS,
    FBCRNN,
    LINEAR,
    POOLED,
    WINDOWED,
)
from sedutils.training.run import Run

VALIDATION, PUBLIC = "validation", "test"
AVERAGE = "macro average"
SYSTEMS = {
    FBCRNN: "FBCRNN",
    ENDS: "FBCRNN, last tags only",
    ATTENTION: "CRNN, attention pooling",
    LINEAR: "CRNN, linear pooling",
    CONDITIONED: "tag-conditioned CNN",
    BLIND: "CNN without tags",
}
TAG_F = "tag_F"
# Of single networks on public clips: cut, and place of the only context to take; `TAG_F` is that of tags
METRICS = {"F": ("hidden", None)} | {f"F_{cut}": (cut, 0) for cut in CUTS}
Ensemble = tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class WeakRun(Run):
    """Kept scores of all networks on one corpus, and what is decided by them.

    ``contexts`` and ``medians`` in frames; ``reach`` of the CNN to either side, in frames
    """

    systems: tuple[str, ...] = tuple(SYSTEMS)
    features: Path
    contexts: tuple[int, ...]
    medians: tuple[int, ...]
    reach: int
    hop_s: float

    @cached_property
    def clips(self) -> dict[str, AnnotatedClips]:
        table = pd.read_csv(self.features / "recordings.csv", keep_default_na=False)
        return {
            split: AnnotatedClips(
                table[table.split == split].reset_index(drop=True),
                self.corpus.events,
                self.labels,
                self.hop_s,
            )
            for split in (VALIDATION, PUBLIC)
        }

    def ensemble(self, *systems: str) -> Ensemble:
        return tuple((system, seed) for system in systems for seed in self.seeds)

    def array(self, member: tuple[str, int], name: str, split: str) -> np.ndarray:
        system, seed = member
        return np.load(self.models / system / str(seed) / f"{name}_{split}.npy")

    def scores(self, members: Ensemble, split: str, cut: str = "hidden") -> np.ndarray:
        """Mean scores ``(contexts, frames, classes)``; one context where no member has any."""
        total = 0
        for member in members:
            frames = self.array(member, CUTS[cut], split) if member[0] in WINDOWED else None
            total = total + (
                self.array(member, "scores", split)[None] if frames is None else frames
            )
        return total / len(members)

    def tag_scores(self, members: Ensemble, split: str) -> np.ndarray:
        """Mean tag scores ``(clips, classes)`` of some taggers."""
        return np.mean([self.array(member, "tags", split) for member in members], axis=0)

    def tags(self, members: Ensemble, split: str) -> np.ndarray:
        """What taggers together say of clips, bool ``(clips, classes)``; thresholds from validation clips."""
        validation = self.tag_scores(members, VALIDATION)
        threshold, _ = tag_thresholds.best_f(validation, self.clips[VALIDATION].tags)
        return self.tag_scores(members, split) >= threshold

    def taggers_of(self, members: Ensemble) -> Ensemble:
        """Those whose tags mask the scores of an ensemble."""
        first = members[0][0]
        return self.ensemble(first if first in POOLED else FBCRNN)

    def variants(self, members, split, cut="hidden", context=None) -> dict:
        """Filtered scores without a mask, `sedutils.decoding.class_wise.variants_of`.

        context : place of the only one to take, None for all
        """
        scores = self.scores(members, split, cut)
        given = scores if context is None else scores[[min(context, len(scores) - 1)]]
        found = class_wise.variants_of(given, self.medians, self.clips[split])
        return found if context is None else {(context, m): s for (_, m), s in found.items()}

    def masked(self, members: Ensemble, split: str, *which) -> dict:
        """`variants`, 0 where the tags of clips are."""
        tags = self.tags(self.taggers_of(members), split)
        return masked(self.variants(members, split, *which), tags, self.clips[split])

    def choice(self, members: Ensemble, cut: str = "hidden", context: int | None = None) -> Choice:
        """What is best on all validation clips."""

        def make():
            variants = self.masked(members, VALIDATION, cut, context)
            return class_wise.choose(variants, self.clips[VALIDATION])

        return self.once(("choice", members, cut, context), make)

    def found(self, members, split, cut="hidden", context=None) -> pd.DataFrame:
        """The events of a split's clips: recording, onset_s, offset_s, label."""

        def make():
            chosen = self.choice(members, cut, context)
            variants = self.masked(members, split, cut, context)
            return class_wise.events_of(variants, chosen, self.clips[split])

        return self.once(("found", members, split, cut, context), make)

    def counts(self, members, split, cut="hidden", context=None) -> segments.Counts:
        """Matched events clip by clip, for the bootstrap."""
        found = self.found(members, split, cut, context)
        return events.clip_counts(found, self.clips[split])

    def counted(self, system: str, metric: str) -> list[segments.Counts]:
        """Of single networks on public clips; ``metric`` of `METRICS`, or `TAG_F`."""
        if metric == TAG_F:
            truth = self.clips[PUBLIC].tags
            found = [self.tags(((system, seed),), PUBLIC) for seed in self.seeds]
            return [segments.segment_counts(truth, tags, block_frames=1) for tags in found]
        cut, context = METRICS[metric]
        return [self.counts(((system, seed),), PUBLIC, cut, context) for seed in self.seeds]

    def score(self, counts: segments.Counts, metric: str, row: None = None) -> np.ndarray:
        """F1 of events or tags in percent, mean over the classes."""
        return events.macro_f_score(counts)

    def of_trivial(self, metric: str, row: None = None) -> list[float]:
        """Of silence, and of every class in every clip from its beginning to its end."""
        clips = self.clips[PUBLIC]
        if metric == TAG_F:
            everything = segments.segment_counts(
                clips.tags, np.ones_like(clips.tags), block_frames=1
            )
        else:
            each = clips.recordings[["recording", "duration_s"]].merge(
                pd.DataFrame({"label": list(self.labels)}), how="cross"
            )
            each = each.rename(columns={"duration_s": "offset_s"}).assign(onset_s=0.0)
            everything = events.clip_counts(each, clips)
        return [0.0, float(self.score(everything.sum(), metric))]

    def f_scores(self, members, split, cut="hidden", context=None) -> pd.Series:
        """Event-based F1 (percent) by sed_eval of each class, and their mean as `AVERAGE`."""
        found = self.found(members, split, cut, context)
        return with_average(events.class_f_scores(found, self.clips[split]))

    def psds(self, members: Ensemble, scenario: int) -> float:
        """On public clips, of scores that no tag has masked."""
        scores = class_wise.chosen_scores(self.variants(members, PUBLIC), self.choice(members))
        return psds.score(scores, self.clips[PUBLIC], scenario)


def masked(variants: dict, tags: np.ndarray, clips: AnnotatedClips) -> dict:
    return {key: class_wise.masked(scores, tags, clips) for key, scores in variants.items()}


def with_average(scores: pd.Series) -> pd.Series:
    """Class by class, then the mean of those that have events."""
    return pd.concat([scores, pd.Series({AVERAGE: scores.mean()})])
