"""How many trainings a minute a grid does with one worker and with two (a part of `sedutils.benchmark.run`)."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.pipeline import files, jobs, params
from sedutils.training import systems

TRAININGS = 8
EPOCHS = 6


def grid_throughput(size: str):
    """Rows of the benchmark: laptop CRNNs of six epochs on six minutes of random features."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random_features(folder, frames=18_000, seed=time.time_ns())  # so none is in the cache
        for workers in (1, 2):
            # two trainings a worker first: behind them each has imported and compiled what it needs
            run(folder, size, workers, seeds=range(100 * workers, 102 * workers))
            start = time.perf_counter()
            run(folder, size, workers, seeds=range(1000 * workers, 1000 * workers + TRAININGS))
            minutes = (time.perf_counter() - start) / 60
            noun = "worker" if workers == 1 else "workers"
            yield f"grid throughput, {workers} {noun}", TRAININGS / minutes, "trainings a minute"


def run(folder: Path, size: str, workers: int, seeds) -> None:
    """Train the CRNN of a size once per seed on the features in a folder."""
    design, front_end, settings = params.load(
        "systems.crnn", "features.cakir2017", "training", size=size
    )
    settings |= {"max_epochs": EPOCHS, "minimum_epochs": EPOCHS, "device": "cpu"}
    facts = {"size": size, "corpus": "random", "source": "none", "features": front_end}
    tasks = [
        {
            "name": f"crnn_{seed}",
            "seed": seed,
            "arguments": design,
            "data": systems.Recordings(folder),
            "folder": folder / str(seed),
            "settings": settings,
            "facts": facts,
        }
        for seed in seeds
    ]
    jobs.parallel(systems.train, tasks, label="grid", backend="processes", workers=workers)


def random_features(folder: Path, *, frames: int, seed: int) -> None:
    """A features folder of noise: recordings of a minute, the last two for validation and test."""
    rng, count = np.random.default_rng(seed), frames // 3000
    np.save(folder / "log_mel.npy", rng.normal(size=(frames, 40)).astype(np.float32))
    np.save(folder / "targets.npy", (rng.random((frames, 16)) < 0.1).astype(np.uint8))
    statistics = {"fixed": {"log_mel": {"mean": [0.0] * 40, "std": [1.0] * 40}}}
    files.write_text(folder / "statistics.json", json.dumps(statistics))
    files.write_text(folder / "labels.txt", "".join(f"class {i}\n" for i in range(16)))
    splits = ["train"] * (count - 2) + ["validation", "test"]
    rows = {"recording": [f"noise {i}" for i in range(count)], "split": splits, "scene": "none"}
    rows |= {"first_frame": np.arange(count) * 3000, "frames": 3000, "duration_s": 60.0}
    files.write_csv(folder / "recordings.csv", pd.DataFrame(rows))
