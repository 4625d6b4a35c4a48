"""Every label's recipe and room, and one clip of a label."""

import zlib
from collections.abc import Callable

import numpy as np

from sedutils.foley.alarms import alarms_and_sirens
from sedutils.foley.animals import bird_singing, cat_meowing, dog_barking
from sedutils.foley.crowds import crowd_applause, crowd_cheering
from sedutils.foley.dsp import length
from sedutils.foley.household import (
    cupboard,
    cutlery,
    dishes,
    drawer,
    glass_jingling,
    object_impact,
    object_rustling,
    object_snapping,
)
from sedutils.foley.impacts import footsteps, glass_smash, gun_shot, horsewalk
from sedutils.foley.machines import bus, mixer, motorcycle
from sedutils.foley.oddities import unknown
from sedutils.foley.outdoors import object_banging, people_walking, wind_blowing
from sedutils.foley.people import children_shouting, coughing, laughter, yelling
from sedutils.foley.recording import record
from sedutils.foley.signals import cash_register_beep, music, telephone
from sedutils.foley.sports import ball_hitting_floor, buzzer, shoe_squeaks, whistle
from sedutils.foley.vehicles import (
    brakes_squeak,
    car,
    car_passing_by,
    engine_accelerating,
    pressure_release,
    road,
    traffic,
    turn_signal,
    wipers,
)
from sedutils.foley.voices import baby_crying
from sedutils.foley.water import sea_waves, washing_dishes, water_splash, water_tap_running
from sedutils.foley.weather import rain, thunder
from sedutils.foley.workplaces import (
    chair_moving,
    door,
    keyboard,
    keys_jangling,
    paper_rustling,
    printer,
    shopping_cart,
)

Recipe = Callable[[np.random.Generator, float], np.ndarray]

# TUT-SED Synthetic 2016 first, then what the recorded corpora add (``SCENES`` says where)
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
    "ball_hitting_floor": ball_hitting_floor,
    "brakes_squeak": brakes_squeak,
    "buzzer": buzzer,
    "car": car,
    "car_passing_by": car_passing_by,
    "cash_register_beep": cash_register_beep,
    "chair_moving": chair_moving,
    "children_shouting": children_shouting,
    "coughing": coughing,
    "cupboard": cupboard,
    "cutlery": cutlery,
    "dishes": dishes,
    "door": door,
    "drawer": drawer,
    "engine_accelerating": engine_accelerating,
    "glass_jingling": glass_jingling,
    "keyboard": keyboard,
    "keys_jangling": keys_jangling,
    "laughter": laughter,
    "music": music,
    "object_banging": object_banging,
    "object_impact": object_impact,
    "object_rustling": object_rustling,
    "object_snapping": object_snapping,
    "paper_rustling": paper_rustling,
    "people_walking": people_walking,
    "pressure_release": pressure_release,
    "printer": printer,
    "road": road,
    "sea_waves": sea_waves,
    "shoe_squeaks": shoe_squeaks,
    "shopping_cart": shopping_cart,
    "telephone": telephone,
    "traffic": traffic,
    "turn_signal": turn_signal,
    "unknown": unknown,
    "washing_dishes": washing_dishes,
    "water_splash": water_splash,
    "water_tap_running": water_tap_running,
    "whistle": whistle,
    "wind_blowing": wind_blowing,
    "wipers": wipers,
    "yelling": yelling,
}

# where such a recording is usually taken; the rest happens "any"where
_SPACES = {
    "bird_singing": "outdoor",
    "bus": "outdoor",
    "crowd_applause": "hall",
    "footsteps": "outdoor",
    "gun_shot": "outdoor",
    "horsewalk": "outdoor",
    "mixer": "room",
    "motorcycle": "outdoor",
    "rain": "outdoor",
    "thunder": "outdoor",
    "ball_hitting_floor": "hall",
    "brakes_squeak": "outdoor",
    "buzzer": "hall",
    "car": "room",
    "car_passing_by": "outdoor",
    "cash_register_beep": "room",
    "chair_moving": "room",
    "children_shouting": "outdoor",
    "cupboard": "room",
    "cutlery": "room",
    "dishes": "room",
    "drawer": "room",
    "engine_accelerating": "outdoor",
    "glass_jingling": "room",
    "keyboard": "room",
    "object_banging": "outdoor",
    "object_impact": "room",
    "object_rustling": "room",
    "object_snapping": "room",
    "paper_rustling": "room",
    "printer": "room",
    "road": "room",
    "sea_waves": "outdoor",
    "shoe_squeaks": "hall",
    "telephone": "room",
    "traffic": "outdoor",
    "turn_signal": "room",
    "washing_dishes": "room",
    "water_splash": "outdoor",
    "water_tap_running": "room",
    "wind_blowing": "outdoor",
    "wipers": "room",
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
