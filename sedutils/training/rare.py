"""Detectors of rare events, one a class: trained, saved, and what they say of every clip.

A clip belongs to the detector of one class, which learns from that class's clips alone. Both papers'
networks see whole clips. What is kept of each, for later chapters: weights and description
(`sedutils.training.systems.System`), ``history.csv``, and its answers on the splits `ANSWERED`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import corpus
from sedutils.corpora.recipes import clips_of
from sedutils.features.frames import Frames
from sedutils.models.kao2018 import CLIPS_AT_ONCE, Detections
from sedutils.models.network import pick
from sedutils.pipeline import files
from sedutils.training.systems import System, by_sequences

ANSWERED = ("validation", "development", "evaluation")


@dataclass(frozen=True)
class Task:
    """What a detector learns from: the clips of one class.

    event_probability : of the training set (`sedutils.corpora.recipes.clips_of`)
    most : training clips, the first ones; None for all
    """

    corpus: Path
    features: Path
    label: str
    event_probability: float
    most: int | None = None

    @property
    def labels(self) -> list[str]:
        return [self.label]

    @property
    def facts(self) -> dict:
        """JSON values that say which clips of the features they are; kept with the system."""
        return {"event_probability": self.event_probability, "most": self.most}

    def frames(self, split: str, front_end: str = "log_mel") -> Frames:
        """Features and the one column of targets of a split's clips. ValueError for clips of unequal lengths."""
        made = corpus.read(self.corpus)
        narrowed = {}
        if split == "train":
            narrowed = {"event_probability": self.event_probability, "most": self.most}
        names = clips_of(made, self.label, split, **narrowed).recording
        frames = Frames.read(self.features, split, front_end, only=list(names))
        lengths = frames.recordings.frames
        if lengths.nunique() > 1:
            odd = frames.recordings[lengths != lengths.mode()[0]].iloc[0]
            problem = f"{odd.recording} has {odd.frames} frames, other clips {lengths.mode()[0]}"
            raise ValueError(f"{self.features / 'recordings.csv'}: {problem}")
        column = list(made.labels).index(self.label)
        return replace(frames, targets=frames.targets[:, column : column + 1])


def finetuned(
    system: System, data: Task, settings: dict, *, tagger: Path, fixed: bool
) -> dict[str, list[dict]]:
    """Train an R-CRNN whose extractor is that of a trained `ClipTagger`, and with ``fixed`` stays it."""
    system.model.begin_from(System.read(tagger).model, fixed=fixed)
    begins = files.digest(tagger / "model.safetensors") + (", fixed" if fixed else "")
    return by_sequences(system, data, settings, begins=begins)


def nothing(system: System, data: Task, device: str) -> dict:
    """Of a tagger, whose extractor alone is wanted."""
    return {}


def best_events(system: System, data: Task, device: str) -> dict[str, pd.DataFrame]:
    """``events_<split>``, the most probable event of every clip, however improbable: recording, onset_s, offset_s,
    label, score. And of the clips it has learnt from, which show over-fitting (claim R05)."""
    splits = ("train", *ANSWERED)
    return {f"events_{split}": best_of(system, data, split, device) for split in splits}


def best_of(system: System, data: Task, split: str, device: str) -> pd.DataFrame:
    frames = data.frames(split, system.front_end)
    length = system.description["arguments"]["sequence_frames"]
    device = pick(device)
    system.model.to(device).eval()
    tables = []
    for start in range(0, len(frames), CLIPS_AT_ONCE):
        clips = frames.recordings[start : start + CLIPS_AT_ONCE]
        x, _ = frames.batch(clips.first_frame.to_numpy(), length)
        found = system.model.detect(x.to(device))
        names = list(clips.recording)
        tables.append(
            event_table(
                found, recordings=names, labels=system.labels, hop_s=system.hop_s, threshold=0.0
            )
        )
    return pd.concat(tables, ignore_index=True)


def decisions(system: System, data: Task, device: str) -> dict[str, np.ndarray]:
    """``scores_<split>``: scores ``(clips, decisions)`` of the network of one class."""
    found = {}
    for split in ANSWERED:
        frames = data.frames(split, system.front_end)
        found[f"scores_{split}"] = system.scores_of(frames, device).reshape(len(frames), -1)
    return found


def event_table(
    detections: Detections,
    *,
    recordings: list[str],
    labels: list[str],
    hop_s: float,
    threshold: float = 0.8,
    single: bool = True,
) -> pd.DataFrame:
    """The events of at least ``threshold``: recording (one a clip), onset_s, offset_s, label, score.

    ``single`` keeps the most probable one of a clip and class, as at most one is known to be there
    (Sec. 2.3).
    """
    chosen = detections.present & (detections.score >= threshold)
    row = chosen.nonzero()[:, 0].cpu().numpy()
    onset, offset, label, score, _ = (v[chosen].cpu().numpy() for v in detections)
    table = pd.DataFrame(
        {
            "recording": [recordings[i] for i in row],
            "onset_s": onset * hop_s,
            "offset_s": offset * hop_s,
            "label": [labels[i] for i in label],
            "score": score,
        }
    )
    if single:  # a class's candidates come in falling order
        table = table.drop_duplicates(["recording", "label"])
    return table.sort_values(["recording", "onset_s"], kind="stable", ignore_index=True)
