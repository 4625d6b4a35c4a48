"""Sources of rare-event mixtures: isolated events of three classes, and places where none of them happens.

They stand in for those of TUT Rare Sound Events 2017: as many, in the same splits, as its authors
published, or a share of them. No two events and no two places share anything.
"""

import zlib
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd

from sedutils import foley
from sedutils.corpora import mixing
from sedutils.foley import dsp
from sedutils.pipeline import files

# Isolated events and background recordings by split. Backgrounds of the evaluation set are not
# public: as many as for development here.
EVENTS = {
    "babycry": {"train": 106, "development": 42, "evaluation": 61},
    "glassbreak": {"train": 96, "development": 43, "evaluation": 58},
    "gunshot": {"train": 134, "development": 53, "evaluation": 76},
}
BACKGROUNDS = {"train": 844, "development": 277, "evaluation": 277}
RECIPES = {"babycry": "baby_crying", "glassbreak": "glass_smash", "gunshot": "gun_shot"}
# Length of a clip in seconds: median, spread of the log, shortest and longest. A sound dies away
# before its clip ends; with these the sounding parts have about the published medians (2.33, 1.29
# and 1.21 s, gradual network, Table 2). Shortest and longest are those of the published events.
CLIP_S = {
    "babycry": (2.5, 0.4, 0.66, 5.1),
    "glassbreak": (2.5, 0.5, 0.26, 4.54),
    "gunshot": (2.3, 0.5, 0.24, 4.4),
}
# The scenes of TUT Acoustic Scenes 2016, by the ambience that each has here
SCENES = {
    "beach": "beach",
    "bus": "inside_bus",
    "cafe_restaurant": "restaurant",
    "car": "inside_car",
    "city_center": "street",
    "forest_path": "forest_path",
    "grocery_store": "shop",
    "home": "home",
    "library": "library",
    "metro_station": "metro_station",
    "office": "office",
    "park": "park",
    "residential_area": "residential_area",
    "train": "train",
    "tram": "tram",
}
# RMS of a place re full scale, from a library to a metro station: a guess
LEVEL_DB = (-36.0, -18.0)
# A microphone's own noise under the place, in dB: without it an event would show by the noise of its
# own recording, in bands where the place's microphone heard nothing.
NOISE_DB = (-55.0, -40.0)
SHORTEST_S = 0.1  # of a sounding part


def plan_events(share: float, *, seed: int) -> pd.DataFrame:
    """All events: source, label, split, seed, clip_s (of which a part sounds).

    share : of the published counts; at least one event of a class in each split, two for training
    """
    rows = []
    for label, counts in EVENTS.items():
        median_s, spread, shortest_s, longest_s = CLIP_S[label]
        for split, count in counts.items():
            rng = np.random.default_rng([seed, zlib.crc32(f"{label} {split}".encode())])
            count = _share_of(count, share, split)
            slices = rng.permutation((np.arange(count) + rng.uniform(0.02, 0.98, count)) / count)
            clip_s = median_s * np.exp([spread * NormalDist().inv_cdf(q) for q in slices])
            for i, length_s in enumerate(np.clip(clip_s, shortest_s, longest_s).round(3)):
                name = f"{label}-{split}-{i:03d}"
                rows.append((name, label, split, mixing.stable_seed(seed, name), length_s))
    return pd.DataFrame(rows, columns=["source", "label", "split", "seed", "clip_s"])


def plan_backgrounds(share: float, *, seed: int) -> pd.DataFrame:
    """All places: source, label (its scene), split, seed, level_db; scenes are dealt evenly."""
    rows = []
    for split, count in BACKGROUNDS.items():
        rng = np.random.default_rng([seed, zlib.crc32(f"backgrounds {split}".encode())])
        scenes = mixing.Deck(rng, SCENES)
        for i in range(_share_of(count, share, split)):
            scene = scenes.next()
            name = f"{scene}-{split}-{i:03d}"
            level_db = round(rng.uniform(*LEVEL_DB), 2)
            rows.append((name, scene, split, mixing.stable_seed(seed, name), level_db))
    return pd.DataFrame(rows, columns=["source", "label", "split", "seed", "level_db"])


def _share_of(count: int, share: float, split: str) -> int:
    return max(2 if split == "train" else 1, round(share * count))


def write_event(
    *, path: Path, label: str, seed: int, clip_s: float, range_db: float, gap_s: float
) -> float:
    """Make an event and write its sounding part; returns how long that is, in seconds.

    What sounds goes by `mixing.sounding`; of several parts, the longest is the event.
    """
    clip = foley.synthesise(RECIPES[label], seed=seed, duration_s=clip_s)
    parts = mixing.sounding(clip, range_db=range_db, gap_s=gap_s)
    onset_s, offset_s = max(parts, key=lambda part: part[1] - part[0])
    offset_s = max(offset_s, min(onset_s + SHORTEST_S, clip_s))
    start, stop = (round(time_s * mixing.SAMPLE_RATE) for time_s in (onset_s, offset_s))
    part = mixing.faded(clip[start:stop], seconds=0.002)
    files.write_wav(path, part, mixing.SAMPLE_RATE)
    return len(part) / mixing.SAMPLE_RATE


def write_background(
    *, path: Path, label: str, seed: int, level_db: float, duration_s: float
) -> None:
    """Make a place at its level and write it; turned down where it would clip."""
    audio = foley.background(SCENES[label], seed=seed, duration_s=duration_s)
    rng = np.random.default_rng([seed, 1])
    under = 10 ** (rng.uniform(*NOISE_DB) / 20) * float(np.std(audio))
    audio = audio + np.float32(under) * dsp.noise(rng, len(audio))
    gain = 10 ** ((level_db - mixing.active_level_db(audio)) / 20)
    gain = min(gain, mixing.PEAK / float(np.abs(audio).max()))
    files.write_wav(path, audio * np.float32(gain), mixing.SAMPLE_RATE)
