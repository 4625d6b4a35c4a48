"""How fast sound is made, turned into features, and shifted in pitch: rows of `sedutils.benchmark.run`."""

import tempfile
import time
from pathlib import Path

import numpy as np

from sedutils import foley
from sedutils.corpora import polyphonic, recipes
from sedutils.features import pitch, spectra
from sedutils.pipeline import files, jobs, params


def sound(size: str) -> list[tuple]:
    """Mixtures from foley on one core; features on all."""
    settings, front_end = params.load(
        "corpora.tut_sed_synthetic_2016", "features.cakir2017", size=size
    )
    shares = dict.fromkeys(foley.AVERAGE_SECONDS, 1.0)
    source = foley.Foley(settings["seed"], 5, tuple(settings["split_fractions"].values()))
    settings = settings | {"mixtures": {"train": 6, "validation": 6, "test": 6}}
    with tempfile.TemporaryDirectory() as name:
        folder, seconds = Path(name), settings["mixture_s"] * 18
        start = time.perf_counter()
        polyphonic.build(source, folder, settings, shares, backend="in-process", workers=1)
        yield (
            "mixtures from foley, one core",
            seconds / (time.perf_counter() - start),
            "x real time",
        )
        wavs = sorted(folder.rglob("*.wav")) * 10
        frames = round(settings["mixture_s"] / front_end["hop_s"])
        for file, width in spectra.widths(front_end).items():
            np.lib.format.open_memmap(
                folder / f"{file}.npy", "w+", np.float32, (frames * len(wavs), width)
            )
        tasks = [
            {
                "sound": recipes.Sound(w),
                "first": i * frames,
                "frames": frames,
                "folder": folder,
                "settings": front_end,
            }
            for i, w in enumerate(wavs)
        ]
        for label, count in (("warm-up", 4), ("features", len(tasks))):
            start = time.perf_counter()
            jobs.parallel(spectra.extract_recording, tasks[:count], label=label, **params.workers())
        spent = time.perf_counter() - start
        yield "log mel and MFCC, all cores", settings["mixture_s"] * count / spent, "x real time"


def shifting(size: str) -> list[tuple]:
    """Pitch shifts of eight recordings of 20 s: on all cores, again from the cache, and librosa one by one."""
    (front_end,) = params.load("features.cakir2017", size=size)
    rate, rng = front_end["sample_rate"], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{i}.wav" for i in range(8)]
        for path in paths:
            files.write_wav(path, 0.1 * rng.normal(size=20 * rate).clip(-3, 3), rate)
        tasks = [
            {"path": p, "steps": [1], "settings": front_end, "cache": Path(name) / "cache"}
            for p in paths
        ]

        def ours(some):
            jobs.parallel(pitch.log_mel, some, label="pitch shifts", **params.workers())

        def serially():
            for path in paths:
                pitch.shift(files.read_audio(path, sample_rate=rate)[0], rate, 1)

        ours([task | {"steps": [2]} for task in tasks[:2]])  # starts the workers
        times = []
        for function in (lambda: ours(tasks), lambda: ours(tasks), serially):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    parallel, cached, serial = times
    yield "pitch shifts and features, all cores", 160 / parallel, "x real time"
    yield (
        "pitch shifts, all cores (with features) / librosa one by one",
        serial / parallel,
        "times faster",
    )
    yield "pitch shifts found in the cache / librosa one by one", serial / cached, "times faster"
