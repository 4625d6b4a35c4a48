"""Which sounds happen in which scene of the two corpora that were recorded in real places.

Speech classes ("people_speaking", "speech") are not made here and are added by whoever mixes.
"""

# TUT Sound Events 2016, development set: the published labels of both scenes, less people_speaking
_TUT_2016 = {
    "home": (
        "cupboard",
        "cutlery",
        "dishes",
        "drawer",
        "glass_jingling",
        "object_impact",
        "object_rustling",
        "object_snapping",
        "people_walking",
        "washing_dishes",
        "water_tap_running",
    ),
    "residential_area": (
        "bird_singing",
        "car_passing_by",
        "children_shouting",
        "object_banging",
        "people_walking",
        "wind_blowing",
    ),
}

# TUT-SED 2009: its ten scenes. The paper counts 61 classes without naming them: this choice of
# sounds that such places have is ours. "stadium" is the stadium with track and field events.
_TUT_2009 = {
    "basketball_game": (
        "ball_hitting_floor",
        "buzzer",
        "crowd_applause",
        "crowd_cheering",
        "footsteps",
        "shoe_squeaks",
        "unknown",
        "whistle",
        "yelling",
    ),
    "beach": (
        "bird_singing",
        "children_shouting",
        "dog_barking",
        "footsteps",
        "sea_waves",
        "unknown",
        "water_splash",
        "wind_blowing",
    ),
    "inside_bus": (
        "brakes_squeak",
        "bus",
        "coughing",
        "engine_accelerating",
        "object_rustling",
        "pressure_release",
        "telephone",
        "unknown",
    ),
    "inside_car": (
        "car",
        "engine_accelerating",
        "music",
        "road",
        "turn_signal",
        "unknown",
        "wipers",
    ),
    "hallway": (
        "coughing",
        "door",
        "footsteps",
        "keys_jangling",
        "laughter",
        "shoe_squeaks",
        "telephone",
        "unknown",
    ),
    "office": (
        "chair_moving",
        "coughing",
        "door",
        "keyboard",
        "paper_rustling",
        "printer",
        "telephone",
        "unknown",
    ),
    "restaurant": (
        "chair_moving",
        "coughing",
        "cutlery",
        "dishes",
        "footsteps",
        "laughter",
        "music",
        "unknown",
    ),
    "shop": (
        "cash_register_beep",
        "coughing",
        "footsteps",
        "keys_jangling",
        "music",
        "object_rustling",
        "shopping_cart",
        "unknown",
    ),
    "street": (
        "bird_singing",
        "brakes_squeak",
        "bus",
        "car",
        "dog_barking",
        "footsteps",
        "motorcycle",
        "traffic",
        "unknown",
        "wind_blowing",
    ),
    "stadium": (
        "buzzer",
        "crowd_applause",
        "crowd_cheering",
        "footsteps",
        "music",
        "unknown",
        "whistle",
        "wind_blowing",
        "yelling",
    ),
}

SCENES: dict[str, dict[str, tuple[str, ...]]] = {
    "tut_sound_events_2016": _TUT_2016,
    "tut_sed_2009": _TUT_2009,
}


def labels_of(corpus: str) -> tuple[str, ...]:
    """All labels of a corpus over its scenes, sorted; ValueError for an unknown corpus."""
    if corpus not in SCENES:
        raise ValueError(f"foley: no scenes for corpus {corpus!r}; known: {', '.join(SCENES)}")
    return tuple(sorted({label for labels in SCENES[corpus].values() for label in labels}))
