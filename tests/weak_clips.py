"""Small clips for tests of weak labels: noise in which a band tells the class, of tags, times or nothing."""

import json

import numpy as np
import pandas as pd

from sedutils.pipeline import files

SETTINGS = {
    "batch_clips": 4,
    "padding": 0.05,
    "steps": 12,
    "validation_steps": 4,
    "patience": 1000,
    "learning_rate": 0.005,
    "gradient_clip": 20.0,
    "precision": 0.9,
    "npv": 0.98,
    "augmentation": {
        "mixup_probability": 0.6667,
        "longest_s": 1.5,
        "scale_spread": 1.0,
        "scale_limit": 3.0,
        "warp": 0.08,
        "time_mask_s": 0.14,
        "time_mask_share": 0.2,
        "frequency_mask_share": 0.15,
        "blur_scale": 0.5,
        "noise_std": 0.2,
    },
}
HOP_S = 0.04
PARTS = {"weak": 12, "synthetic": 8, "unlabelled": 10, "validation": 16, "public": 4}
SPLITS = {"validation": "validation", "public": "test"}


def features_folder(folder, rng, *, bands=8, classes=2, shortest=20, longest=25):
    """A features folder of clips of 0.8 to 1 s with events of at least half of that."""
    scenes = [scene for scene, count in PARTS.items() for _ in range(count)]
    lengths = rng.integers(shortest, longest + 1, len(scenes))
    features, targets = [], []
    for scene, length in zip(scenes, lengths, strict=True):
        events = np.zeros((length, classes), bool)
        for k in np.flatnonzero(rng.random(classes) < 0.5):
            start = rng.integers(0, length // 2)
            events[start : start + length // 2, k] = True
        loud = np.repeat(events, bands // classes, axis=1)
        features.append(rng.normal(-8, 1, (length, bands)) + 6 * loud)
        given = {"weak": np.broadcast_to(events.any(0), events.shape), "unlabelled": 0 * events}
        targets.append(given.get(scene, events))
    table = pd.DataFrame({"recording": [f"clip{i:02}" for i in range(len(scenes))]})
    table = table.assign(
        split=[SPLITS.get(scene, "train") for scene in scenes],
        scene=scenes,
        first_frame=np.cumsum(lengths) - lengths,
        frames=lengths,
        duration_s=lengths * HOP_S,
    )
    files.write_csv(folder / "recordings.csv", table)
    files.write_npy(folder / "log_mel.npy", np.concatenate(features).astype(np.float32))
    files.write_npy(folder / "targets.npy", np.concatenate(targets).astype(np.uint8))
    files.write_text(folder / "labels.txt", "".join(f"class {k}\n" for k in range(classes)))
    values = np.concatenate(features)
    statistics = {"mean": values.mean(0).tolist(), "std": values.std(0).tolist()}
    files.write_text(folder / "statistics.json", json.dumps({"fixed": {"log_mel": statistics}}))
    return folder
