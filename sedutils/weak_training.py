"""Training on clips of which some have tags, some times, most nothing (Ebbers & Haeb-Umbach 2020, Sec. 1-3)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch


@dataclass
class Clips:
    """Clips of one split: features (frames, bands), targets (frames, classes), recordings, mean, std (bands,)."""

    features: "np.ndarray | torch.Tensor"
    targets: "np.ndarray | torch.Tensor"
    recordings: pd.DataFrame
    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def read(cls, folder: Path, split: str, parts: tuple[str, ...] | None = None) -> "Clips":
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.recordings)

    @property
    def tags(self) -> np.ndarray:
        """(clips, classes) float32"""
        raise NotImplementedError


def fit_tagger(
    model,
    train: Clips,
    validation: Clips,
    *,
    unlabelled: Clips | None,
    settings: dict,
    hop_s: float,
    seed: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    raise NotImplementedError


def fit_localiser(
    model,
    train: Clips,
    validation: Clips,
    *,
    train_tags: np.ndarray,
    validation_tags: np.ndarray,
    false_alarms: np.ndarray,
    settings: dict,
    hop_s: float,
    seed: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[dict]:
    raise NotImplementedError


def tag_scores(model, clips: Clips, device: str = "cpu") -> np.ndarray:
    raise NotImplementedError


def window_scores(model, clips: Clips, contexts, device="cpu", cut="hidden") -> np.ndarray:
    raise NotImplementedError


def direction_scores(model, clips: Clips, device: str = "cpu") -> np.ndarray:
    raise NotImplementedError


def localised(model, clips: Clips, tags: np.ndarray, device: str = "cpu") -> np.ndarray:
    raise NotImplementedError


def code_digests(kind: type) -> list[str]:
    """Digests of the code that decides a training's numbers; ``kind``: FBCRNN or TagConditionedCNN."""
    raise NotImplementedError
