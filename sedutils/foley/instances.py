"""The instances a corpus is mixed from: which there are, how long they last, who may hear them."""

from statistics import NormalDist

import numpy as np
import pandas as pd

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
SHORTEST_S, LONGEST_S = 0.5, 20.0
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


def durations(average_s: float, quantiles: np.ndarray) -> np.ndarray:
    """Instance durations at ``quantiles`` (0..1), log-normal within 0.5-20 s.

    The median is chosen by bisection so that the segments cut from them average ``average_s``.
    ValueError where no duration does.
    """
    deviates = np.array([NormalDist().inv_cdf(q) for q in quantiles])
    grid = np.array([NormalDist().inv_cdf(q) for q in (np.arange(400) + 0.5) / 400])

    def at(median_s: float, z: np.ndarray) -> np.ndarray:
        return np.clip(median_s * np.exp(_SPREAD * z), SHORTEST_S, LONGEST_S)

    low, high = SHORTEST_S, 2 * LONGEST_S
    if not SHORTEST_S <= average_s <= float(np.mean(mean_segment_s(at(high, grid)))):
        raise ValueError(f"foley: no instance duration gives segments of {average_s} s on average")
    for _ in range(50):
        middle = 0.5 * (low + high)
        if np.mean(mean_segment_s(at(middle, grid))) < average_s:
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


class Foley:
    """Procedural instances of every class: a table of them, and each one made when loaded.

    ``instances_per_class`` is one number, or a number a label (labels left out have none).
    ``instances`` has the columns instance, label, split, group, duration_s, seed; ``group`` is the
    instance itself, since no two share a source. The same arguments give the same table and audio.
    """

    def __init__(
        self,
        seed: int,
        instances_per_class: dict[str, int] | int,
        split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    ) -> None:
        counts = instances_per_class
        if not isinstance(counts, dict):
            counts = dict.fromkeys(AVERAGE_SECONDS, counts)
        for label in counts:
            if label not in AVERAGE_SECONDS:
                raise ValueError(f"foley: unknown label {label!r} in instances_per_class")
        self.labels = tuple(sorted(counts))
        tables = [
            self._class_table(seed, label, counts[label], split_fractions) for label in self.labels
        ]
        self.instances = pd.concat(tables, ignore_index=True)
        self._rows = self.instances.set_index("instance")

    @staticmethod
    def _class_table(seed: int, label: str, count: int, fractions) -> pd.DataFrame:
        place = list(AVERAGE_SECONDS).index(label)
        rng = np.random.default_rng([seed, place])
        sizes = split_counts(count, fractions)
        # one draw in each of `size` equal slices: a few instances already keep the average
        slices = [rng.permutation((np.arange(k) + rng.uniform(0.02, 0.98, k)) / k) for k in sizes]
        children = np.random.SeedSequence([seed, place]).spawn(count)
        names = [f"{label}-{i:04d}" for i in range(count)]
        return pd.DataFrame(
            {
                "instance": names,
                "label": label,
                "split": np.repeat(SPLITS, sizes),
                "group": names,
                "duration_s": durations(AVERAGE_SECONDS[label], np.concatenate(slices)).round(3),
                "seed": [
                    int(child.generate_state(2, np.uint32) @ [1, 2**20]) for child in children
                ],
            }
        )

    def load(self, instance: str) -> np.ndarray:
        """Audio of an instance, shape (duration in samples,) float32; ValueError if unknown."""
        from sedutils.foley import synthesise

        if instance not in self._rows.index:
            raise ValueError(f"foley: unknown instance {instance!r}")
        row = self._rows.loc[instance]
        return synthesise(row["label"], seed=int(row["seed"]), duration_s=float(row["duration_s"]))
