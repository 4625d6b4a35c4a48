"""Procedural sound: one recipe for each of the 16 classes of TUT-SED Synthetic 2016.

Everything is source-filter or modal synthesis in numpy, made on the spot from a seed. It lets the
whole pipeline run without a download; it is no evidence about the papers. ``synthesise`` makes one
clip; ``Foley`` is the instance source a corpus is mixed from. One file holds one family of sounds.
"""

import zlib
from collections.abc import Callable

import numpy as np

from sedutils.foley.alarms import alarms_and_sirens
from sedutils.foley.animals import bird_singing, cat_meowing, dog_barking
from sedutils.foley.crowds import crowd_applause, crowd_cheering
from sedutils.foley.dsp import SAMPLE_RATE, length
from sedutils.foley.impacts import footsteps, glass_smash, gun_shot, horsewalk
from sedutils.foley.machines import bus, mixer, motorcycle
from sedutils.foley.recording import record
from sedutils.foley.voices import baby_crying
from sedutils.foley.weather import rain, thunder

Recipe = Callable[[np.random.Generator, float], np.ndarray]

RECIPES: dict[str, Recipe] = {
    "alarms_and_sirens": alarms_and_sirens,
    "baby_crying": baby_crying,
    "bird_singing": bird_singing,
    "bus": bus,
    "cat_meowing": cat_meowing,
    "crowd_applause": crowd_applause,
    "crowd_cheering": crowd_cheering,
    "dog_barking": dog_barking,
    "footsteps": footsteps,
    "glass_smash": glass_smash,
    "gun_shot": gun_shot,
    "horsewalk": horsewalk,
    "mixer": mixer,
    "motorcycle": motorcycle,
    "rain": rain,
    "thunder": thunder,
}

# where such a recording is usually taken; the rest happens "any"where
_SPACES = {
    "bird_singing": "outdoor",
    "bus": "outdoor",
    "crowd_applause": "hall",
    "gun_shot": "outdoor",
    "horsewalk": "outdoor",
    "mixer": "room",
    "motorcycle": "outdoor",
    "rain": "outdoor",
    "thunder": "outdoor",
}


def synthesise(label: str, *, seed: int, duration_s: float) -> np.ndarray:
    """One recorded clip of ``label``, shape (round(duration_s * 44100),) float32, peak 0.95.

    The same arguments give the same bytes. ValueError for an unknown label or a duration <= 0.
    """
    if label not in RECIPES:
        raise ValueError(f"foley: unknown label {label!r}; known: {', '.join(RECIPES)}")
    if not duration_s > 0:
        raise ValueError(f"foley: duration_s must be positive, got {duration_s}")
    rng = np.random.default_rng([zlib.crc32(label.encode()), seed])
    # edges are made longer than asked for, so that a short clip still holds its sound
    dry = RECIPES[label](rng, max(duration_s, 0.3))[: length(duration_s)]
    return record(rng, dry / max(float(np.max(np.abs(dry))), 1e-9), space=_SPACES.get(label, "any"))


from sedutils.foley.instances import AVERAGE_SECONDS, Foley  # noqa: E402

__all__ = ["AVERAGE_SECONDS", "RECIPES", "SAMPLE_RATE", "Foley", "synthesise"]
