"""A corpus of a few short clips of two classes, with features in which events are loud: for the tests of
detectors."""

import json

import numpy as np
import pandas as pd
from sections import TRAINING

from sedutils.corpora import corpus
from sedutils.pipeline import files
from sedutils.training.rare import Task

SETTINGS = TRAINING | {"patience": 0, "checkpoint_epochs": 1}
LABELS = ["cry", "shot"]
FRAMES, BANDS, HOP_S = 64, 16, 0.1  # of a clip
BASE = {
    "kind": "RCRNN",
    "widths": [2, 4],
    "recurrent": "bigru",
    "units": 3,
    "nodes": 4,
    "conventions": True,
    "sequence_frames": FRAMES,
    "batch_frames": 2 * FRAMES,
    "learning_rate": 0.01,
}
CBRNN = {
    "kind": "CBRNN",
    "asr": "trained",
    "channels": 2,
    "units": 2,
    "layers": 1,
    "spectral_units": 2,
    "temporal_units": 2,
    "spectral_attention": True,
    "attention": "sigmoid",
    "dropout": 0.0,
    "sequence_frames": FRAMES,
    "batch_frames": 2 * FRAMES,
    "learning_rate": 0.01,
}
FACTS = {"corpus": "t", "features": {"mel_bands": BANDS, "hop_s": HOP_S}, "system": "x", "seed": 1}
OF_SPLIT = {"train": 6, "validation": 2, "development": 2, "evaluation": 2}  # clips of a class


def make(top):
    """A corpus of recipes and its features; of training clips half are of each event probability."""
    rng = np.random.default_rng(5)
    clips = [(f"{label}-{split}-{i}", label, split, i) for label in LABELS
             for split, count in OF_SPLIT.items() for i in range(count)]  # fmt: skip
    rows, recipes, events = [], [], []
    targets = np.zeros((len(clips), FRAMES, 2), np.uint8)
    mel = rng.normal(size=(len(clips), FRAMES, BANDS)).astype(np.float32)
    for n, (name, label, split, i) in enumerate(clips):
        rows.append((name, "", FRAMES * HOP_S, 44100, label, split))
        probability = 0.99 if split == "train" and i >= 3 else 0.5
        recipes.append({"recording": name, "event_probability": probability,
                        "background": f"{split}.wav", "background_cut_s": 0.0})  # fmt: skip
        onset = 10 + 7 * (i % 3)
        if i % 2 == 0:
            events.append((name, onset * HOP_S, (onset + 16) * HOP_S, label))
            recipes[-1] |= {"event": f"{label}-{split}.wav", "onset_s": onset * HOP_S, "ebr_db": 0.0,
                            "segment_onset_s": 0.0, "segment_offset_s": 16 * HOP_S}  # fmt: skip
            targets[n, onset : onset + 16, LABELS.index(label)] = 1
            mel[n, onset : onset + 16] += 4
        else:
            recipes[-1] |= {"event": ""}
    columns = ["recording", "path", "duration_s", "sample_rate", "scene", "split"]
    tables = pd.DataFrame(rows, columns=columns), pd.DataFrame(events, columns=corpus.EVENTS)
    corpus.write(top / "corpus", *tables, LABELS, recipes=pd.DataFrame(recipes))
    (top / "features").mkdir()
    asr = rng.normal(size=(len(clips) * FRAMES, 3)).astype(np.float32)
    wide = np.tile(mel, (1, 1, 20)).reshape(-1, 20 * BANDS)
    arrays = {"log_mel": mel.reshape(-1, BANDS), "trained": asr, "wide": wide}
    for name, array in (arrays | {"targets": targets.reshape(-1, 2)}).items():
        files.write_npy(top / "features" / f"{name}.npy", array)
    table = tables[0].assign(frames=FRAMES, first_frame=np.arange(len(clips)) * FRAMES)
    files.write_csv(top / "features" / "recordings.csv", table.drop(columns="path"))
    statistics = {
        k: {"mean": [0.0] * v.shape[1], "std": [1.0] * v.shape[1]} for k, v in arrays.items()
    }
    files.write_text(top / "features" / "statistics.json", json.dumps({"fixed": statistics}))


def task(world, label="shot", probability=0.99, **more):
    return Task(world / "corpus", world / "features", label, probability, **more)
