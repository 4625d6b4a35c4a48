"""Which sounds happen in which scene of the two corpora that were recorded in real places.

Speech ("people_speaking", "speech") is made by `sedutils.foley.talk`, the rest by `sedutils.foley`.
"""

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
        "speech",
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
        "speech",
        "telephone",
        "unknown",
    ),
    "inside_car": (
        "car",
        "engine_accelerating",
        "music",
        "road",
        "speech",
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
        "speech",
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
        "speech",
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
        "speech",
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
        "speech",
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
        "speech",
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

# How many events of each class people annotated in a published corpus (Mesaros et al., EUSIPCO 2016,
# the development set of TUT Sound Events 2016); of TUT-SED 2009 nobody says.
OCCURRENCES: dict[str, dict[str, dict[str, int]]] = {
    "tut_sound_events_2016": {
        "home": {
            "object_rustling": 60,
            "object_snapping": 57,
            "cupboard": 40,
            "cutlery": 76,
            "dishes": 151,
            "drawer": 51,
            "glass_jingling": 36,
            "object_impact": 250,
            "people_walking": 54,
            "washing_dishes": 84,
            "water_tap_running": 47,
        },
        "residential_area": {
            "object_banging": 23,
            "bird_singing": 271,
            "car_passing_by": 108,
            "children_shouting": 31,
            "people_speaking": 52,
            "people_walking": 44,
            "wind_blowing": 30,
        },
    }
}

SCENES: dict[str, dict[str, tuple[str, ...]]] = {
    **{
        name: {scene: tuple(sorted(counts)) for scene, counts in scenes.items()}
        for name, scenes in OCCURRENCES.items()
    },
    "tut_sed_2009": _TUT_2009,
}


def labels_of(corpus: str) -> tuple[str, ...]:
    """All labels of a corpus over its scenes, sorted; ValueError for an unknown corpus."""
    if corpus not in SCENES:
        raise ValueError(f"foley: no scenes for corpus {corpus!r}; known: {', '.join(SCENES)}")
    return tuple(sorted({label for labels in SCENES[corpus].values() for label in labels}))
