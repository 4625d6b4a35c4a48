"""The instances a corpus is mixed from: which there are, how long they last, who may hear them."""

import zlib
from statistics import NormalDist

import numpy as np
import pandas as pd

from sedutils.foley.synthesis import synthesise

SPLITS = ("train", "validation", "test")

# Mean length of an instance of each class in seconds: Cakir et al. 2017, Table III, column "avg".
AVERAGE_SECONDS = {
    "alarms_and_sirens": 8.2,
    "baby_crying": 6.9,
    "bird_singing": 6.1,
    "bus": 7.8,
    "cat_meowing": 2.1,
    "crowd_applause": 7.3,
    "crowd_cheering": 8.1,
    "dog_barking": 5.0,
    "footsteps": 7.1,
    "glass_smash": 1.2,
    "gun_shot": 1.7,
    "horsewalk": 6.4,
    "mixer": 7.9,
    "motorcycle": 7.0,
    "rain": 8.2,
    "thunder": 5.9,
}

# Mean length of an event of the recorded corpora, in seconds. No number is published for a class:
# these are our guesses of what such an event lasts, and what fits a procedural instance.
_TUT_2016_SECONDS = {
    "bird_singing": 4.0,
    "car_passing_by": 8.0,
    "children_shouting": 2.5,
    "cupboard": 1.2,
    "cutlery": 1.5,
    "dishes": 1.5,
    "drawer": 1.3,
    "glass_jingling": 1.2,
    "object_banging": 1.5,
    "object_impact": 0.8,
    "object_rustling": 2.5,
    "object_snapping": 0.6,
    "people_speaking": 5.0,
    "people_walking": 6.0,
    "washing_dishes": 8.0,
    "water_tap_running": 6.0,
    "wind_blowing": 7.0,
}
_TUT_2009_SECONDS = {
    "ball_hitting_floor": 3.0,
    "bird_singing": 4.0,
    "brakes_squeak": 1.8,
    "bus": 10.0,
    "buzzer": 1.8,
    "car": 10.0,
    "cash_register_beep": 1.0,
    "chair_moving": 1.2,
    "children_shouting": 2.5,
    "coughing": 1.2,
    "crowd_applause": 6.0,
    "crowd_cheering": 5.0,
    "cutlery": 1.5,
    "dishes": 1.5,
    "dog_barking": 2.5,
    "door": 2.0,
    "engine_accelerating": 5.0,
    "footsteps": 6.0,
    "keyboard": 5.0,
    "keys_jangling": 1.5,
    "laughter": 1.8,
    "motorcycle": 6.0,
    "music": 14.0,
    "object_rustling": 2.5,
    "paper_rustling": 2.0,
    "pressure_release": 1.0,
    "printer": 6.0,
    "road": 14.0,
    "sea_waves": 10.0,
    "shoe_squeaks": 1.0,
    "shopping_cart": 5.0,
    "speech": 5.0,
    "telephone": 4.0,
    "traffic": 12.0,
    "turn_signal": 5.0,
    "unknown": 2.0,
    "water_splash": 1.5,
    "whistle": 0.8,
    "wind_blowing": 7.0,
    "wipers": 8.0,
    "yelling": 1.5,
}
SYNTHETIC = "tut_sed_synthetic_2016"
CORPORA: dict[str, dict[str, float]] = {
    SYNTHETIC: AVERAGE_SECONDS,
    "tut_sound_events_2016": _TUT_2016_SECONDS,
    "tut_sed_2009": _TUT_2009_SECONDS,
}
SHORTEST_S, LONGEST_S = 0.5, 20.0
_WHOLE_S = (0.3, 60.0)  # the same of instances that are never cut
_SEGMENT_S = (
    3.0,
    15.0,
)  # a mixture cuts a segment of this length, or the whole instance if shorter
_SPREAD = 0.35  # of the log of the duration: instances of a class differ by a factor of two or so


def mean_segment_s(duration_s: np.ndarray) -> np.ndarray:
    """Expected length of min(duration, U(3, 15)) for each instance duration, in seconds."""
    low, high = _SEGMENT_S
    inside = np.clip(duration_s, low, high)
    cut = (inside**2 - low**2) / 2 + inside * (high - inside)
    return np.where(duration_s <= low, duration_s, cut / (high - low))


def durations(average_s: float, quantiles: np.ndarray, *, whole: bool = False) -> np.ndarray:
    """Instance durations at ``quantiles`` (0..1), log-normal within 0.5-20 s.

    The median is chosen by bisection so that the segments cut from them average ``average_s``;
    with ``whole`` nothing is cut, the instances themselves do, within 0.3-60 s. ValueError where
    no duration does.
    """
    shortest_s, longest_s = _WHOLE_S if whole else (SHORTEST_S, LONGEST_S)
    deviates = np.array([NormalDist().inv_cdf(q) for q in quantiles])
    grid = np.array([NormalDist().inv_cdf(q) for q in (np.arange(400) + 0.5) / 400])

    def at(median_s: float, z: np.ndarray) -> np.ndarray:
        return np.clip(median_s * np.exp(_SPREAD * z), shortest_s, longest_s)

    def mean_s(median_s: float) -> float:
        lasting = at(median_s, grid)
        return float(np.mean(lasting if whole else mean_segment_s(lasting)))

    low, high = shortest_s, 2 * longest_s
    if not shortest_s <= average_s <= mean_s(high):
        raise ValueError(f"foley: no instance duration gives segments of {average_s} s on average")
    for _ in range(50):
        middle = 0.5 * (low + high)
        if mean_s(middle) < average_s:
            low = middle
        else:
            high = middle
    return at(low, deviates)


def split_counts(count: int, fractions: tuple[float, float, float]) -> list[int]:
    """How many of ``count`` instances go to train, validation and test: at least one each."""
    if count < len(SPLITS):
        raise ValueError(f"foley: instances_per_class must be at least 3, got {count}")
    if len(fractions) != len(SPLITS) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(
            f"foley: split_fractions must be three positive shares of 1, got {fractions}"
        )
    counts = [max(1, round(count * share)) for share in fractions[1:]]
    while count - sum(counts) < 1:
        counts[int(np.argmax(counts))] -= 1
    return [count - sum(counts), *counts]


def _place(label: str) -> int:
    """A number of a label's own: its place in Table III, or one far from those."""
    if label in AVERAGE_SECONDS:
        return list(AVERAGE_SECONDS).index(label)
    return zlib.crc32(label.encode())


class Foley:
    """Procedural instances of every class: a table of them, and each one made when loaded.

    ``instances_per_class`` is one number, or a number a label (labels left out have none).
    ``corpus`` (a key of ``CORPORA``) decides the labels and how long their instances last; those of
    TUT-SED Synthetic 2016 are cut into segments when mixed, those of the others used whole.
    ``instances`` has the columns instance, label, split, group, duration_s, seed; ``group`` is the
    instance itself, since no two share a source. The same arguments give the same table and audio.
    """

    def __init__(
        self,
        seed: int,
        instances_per_class: dict[str, int] | int,
        split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
        *,
        corpus: str = SYNTHETIC,
    ) -> None:
        if corpus not in CORPORA:
            raise ValueError(f"foley: unknown corpus {corpus!r}; known: {', '.join(CORPORA)}")
        counts = instances_per_class
        if not isinstance(counts, dict):
            counts = dict.fromkeys(CORPORA[corpus], counts)
        for label in counts:
            if label not in CORPORA[corpus]:
                raise ValueError(f"foley: unknown label {label!r} in instances_per_class")
        self.corpus = corpus
        self.labels = tuple(sorted(counts))
        tables = [
            self._class_table(seed, label, counts[label], split_fractions) for label in self.labels
        ]
        self.instances = pd.concat(tables, ignore_index=True)
        self._rows = self.instances.set_index("instance")

    def _class_table(self, seed: int, label: str, count: int, fractions) -> pd.DataFrame:
        place, average_s = _place(label), CORPORA[self.corpus][label]
        rng = np.random.default_rng([seed, place])
        sizes = split_counts(count, fractions)
        # one draw in each of `size` equal slices: a few instances already keep the average
        slices = [rng.permutation((np.arange(k) + rng.uniform(0.02, 0.98, k)) / k) for k in sizes]
        children = np.random.SeedSequence([seed, place]).spawn(count)
        names = [f"{label}-{i:04d}" for i in range(count)]
        whole = self.corpus != SYNTHETIC
        return pd.DataFrame(
            {
                "instance": names,
                "label": label,
                "split": np.repeat(SPLITS, sizes),
                "group": names,
                "duration_s": durations(average_s, np.concatenate(slices), whole=whole).round(3),
                "seed": [
                    int(child.generate_state(2, np.uint32) @ [1, 2**20]) for child in children
                ],
            }
        )

    def load(self, instance: str) -> np.ndarray:
        """Audio of an instance, shape (duration in samples,) float32; ValueError if unknown."""
        if instance not in self._rows.index:
            raise ValueError(f"foley: unknown instance {instance!r}")
        row = self._rows.loc[instance]
        return synthesise(row["label"], seed=int(row["seed"]), duration_s=float(row["duration_s"]))
