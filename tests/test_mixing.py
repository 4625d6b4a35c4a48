"""Mixtures: the recipe's numbers, its annotation, and nothing shared between splits."""

import numpy as np
import pandas as pd
import pytest

from sedutils.corpora import corpus, mixing, polyphonic

RATE = mixing.SAMPLE_RATE
RECIPE = {
    "seed": 1,
    "mixture_s": 40.0,
    "classes_per_mixture": (2, 3),
    "segment_s": (3.0, 15.0),
    "polyphony": 1.2,
    "level_spread_db": 6.0,
}
SHARES = {"a": 2.0, "b": 1.0, "c": 1.0, "d": 1.0}


class Tones:
    """An instance source whose sounds are steady tones with a silent second in the middle."""

    labels = tuple("abcd")

    def __init__(self):
        rows = [
            (f"{label}-{i}", label, split, f"{label}-{i}", 4.0 + i)
            for label in self.labels
            for i, split in enumerate(["train"] * 3 + ["validation", "test"])
        ]
        self.instances = pd.DataFrame(
            rows, columns=["instance", "label", "split", "group", "duration_s"]
        )

    def load(self, instance):
        seconds = float(self.instances.set_index("instance").duration_s[instance])
        time = np.arange(round(seconds * RATE)) / RATE
        tone = np.sin(2 * np.pi * (300 + 100 * (ord(instance[0]) - 96)) * time)
        return (0.5 * tone * (np.abs(time - seconds / 2) > 0.5)).astype(np.float32)


def plan(split="train", mixtures=12, **changes):
    return polyphonic.plan(
        Tones(), split=split, mixtures=mixtures, shares=SHARES, **(RECIPE | changes)
    )


def test_same_seed_same_plan():
    pd.testing.assert_frame_equal(plan(), plan())
    assert not plan().equals(plan(seed=2))


def test_a_plan_keeps_to_the_recipe():
    parts = plan(mixtures=24)
    length = parts.offset_s - parts.onset_s
    assert length.sum() / (24 * 40) == pytest.approx(1.2, rel=mixing.TOLERANCE)
    assert parts.groupby("recording").label.nunique().between(2, 3).all()
    assert (length <= 15).all() and (parts.offset_s <= 40).all()
    share = length.groupby(parts.label).sum() / length.sum()
    assert share["a"] == pytest.approx(0.4, abs=0.1)  # double that of the others
    for _, track in parts.groupby(["recording", "label"]):
        track = track.sort_values("onset_s")
        assert (track.onset_s.to_numpy()[1:] >= track.offset_s.to_numpy()[:-1] - 1e-6).all()


def test_splits_share_no_instance():
    used = [set(plan(split, mixtures=8).instance) for split in ("train", "validation", "test")]
    assert not used[0] & used[1] and not used[0] & used[2] and not used[1] & used[2]


def test_instances_are_used_evenly():
    uses = plan(mixtures=24).groupby(["label", "instance"]).size()
    assert (uses.groupby("label").max() - uses.groupby("label").min() <= 2).all()


def test_a_class_without_instances_is_an_error():
    source = Tones()
    source.instances = source.instances.query("not (label == 'c' and split == 'test')")
    with pytest.raises(ValueError, match="c: no instance for the test mixtures"):
        polyphonic.plan(source, split="test", mixtures=4, shares=SHARES, **RECIPE)


def test_an_impossible_polyphony_is_an_error():
    with pytest.raises(ValueError, match="polyphony 9"):
        plan(polyphony=9.0)


def test_stems_add_up_to_the_mixture_at_the_planned_levels():
    parts = plan(mixtures=2).query("recording == 'train-00'")
    audio, stems = polyphonic.render(parts, Tones(), mixture_s=40.0)
    total = np.zeros_like(audio)
    for part, stem in zip(parts.itertuples(), stems, strict=True):
        total[round(part.onset_s * RATE) :][: len(stem)] += stem
        assert mixing.active_level_db(stem) == pytest.approx(part.level_db, abs=0.05)
    np.testing.assert_allclose(audio, total, atol=1e-5)
    assert np.abs(audio).max() <= mixing.PEAK + 1e-6


def test_annotation_follows_frame_energy():
    parts = pd.DataFrame([("r", 2.0, 8.0, "a", "a-0", 0.0, -26.0)], columns=mixing.PART_COLUMNS)
    time = np.arange(6 * RATE) / RATE
    stem = np.where((time > 1) & (time < 2) | (time > 4.5) & (time < 5), 0.1, 1e-6).astype(
        np.float32
    )
    one = mixing.annotate(parts, [stem], range_db=40, gap_s=3.0)
    two = mixing.annotate(parts, [stem], range_db=40, gap_s=1.0)
    np.testing.assert_allclose(one[["onset_s", "offset_s"]], [[3.0, 7.0]], atol=0.021)
    np.testing.assert_allclose(two[["onset_s", "offset_s"]], [[3.0, 4.0], [6.5, 7.0]], atol=0.021)


def test_build_writes_a_corpus_with_the_same_bytes_whatever_the_workers(tmp_path):
    settings = RECIPE | {
        "mixtures": {"train": 3, "validation": 2, "test": 2},
        "mixture_s": 20.0,
        "polyphony": 1.0,
        "annotation_range_db": 40.0,
        "annotation_gap_s": 2.0,
    }
    for name, backend, workers in (("one", "in-process", 1), ("two", "processes", 2)):
        polyphonic.build(
            Tones(), tmp_path / name, settings, SHARES, backend=backend, workers=workers
        )
    made = corpus.read(tmp_path / "one", check_audio=True)
    assert list(made.recordings.split) == ["train"] * 3 + ["validation"] * 2 + ["test"] * 2
    for path in sorted((tmp_path / "one").rglob("*")):
        if path.is_file():
            other = tmp_path / "two" / path.relative_to(tmp_path / "one")
            assert path.read_bytes() == other.read_bytes(), path.name


def test_published_shares_only_for_the_papers_classes():
    table = pd.DataFrame({"class": ["alarms", "rain"], "total_s": [4405, 3975]})
    assert polyphonic.published_shares(table, ["alarms_and_sirens", "rain"]) == {
        "alarms_and_sirens": 4405,
        "rain": 3975,
    }
    assert polyphonic.published_shares(table, ["rain", "rooster"]) == {"rain": 1.0, "rooster": 1.0}
