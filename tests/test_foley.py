"""The procedural sound: same seed same bytes, sane audio, honest splits, published durations."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import CountingGenerator

from sedutils.foley import AVERAGE_SECONDS, RECIPES, SAMPLE_RATE, Foley, synthesise
from sedutils.foley.instances import durations, mean_segment_s, split_counts

LABELS = tuple(AVERAGE_SECONDS)  # the others: test_foley_scenes.py


def test_sixteen_classes_have_a_recipe_and_a_duration():
    assert len(LABELS) == 16
    assert tuple(RECIPES)[:16] == LABELS
    assert list(LABELS) == sorted(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_a_clip_is_finite_loud_and_as_long_as_asked(label):
    for duration_s in (0.5, 2.345):
        x = synthesise(label, seed=3, duration_s=duration_s)
        assert x.dtype == np.float32
        assert x.shape == (round(duration_s * SAMPLE_RATE),)
        assert np.isfinite(x).all()
        assert 0.5 < np.abs(x).max() <= 1.0
        assert np.sqrt(np.mean(x**2)) > 1e-3


@pytest.mark.parametrize("label", LABELS)
def test_the_seed_decides_every_byte(label):
    first, again = (synthesise(label, seed=11, duration_s=1.0) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    other = synthesise(label, seed=12, duration_s=1.0)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.9


@pytest.mark.parametrize("label", LABELS)
def test_a_recipe_has_at_least_six_random_parameters(label):
    CountingGenerator.asked = 0
    RECIPES[label](CountingGenerator(np.random.PCG64(5)), 1.0)
    assert CountingGenerator.asked >= 6


@pytest.mark.parametrize("label", LABELS)
def test_instances_of_a_class_differ_in_colour(label):
    spectra = []
    for seed in range(4):
        power = np.abs(np.fft.rfft(synthesise(label, seed=seed, duration_s=1.5))) ** 2
        edges = np.geomspace(2, power.size, 16).astype(int)
        bands = 10 * np.log10([power[a:b].mean() + 1e-9 for a, b in pairwise(edges)])
        spectra.append(bands - bands.mean())
    assert np.std(spectra, axis=0).mean() > 1.5  # dB a band


def test_every_recipe_says_what_it_follows():
    for label, recipe in RECIPES.items():
        lines = recipe.__doc__.strip().split("\n")
        assert len(lines) >= 3, label
        assert len(lines[0]) <= 100, label


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: synthesise("whale", seed=0, duration_s=1.0), "'whale'"),
        (lambda: synthesise("rain", seed=0, duration_s=0.0), "duration_s"),
        (lambda: Foley(0, 2), "at least 3, got 2"),
        (lambda: Foley(0, {"whale": 4}), "'whale'"),
        (lambda: Foley(0, 6, (0.5, 0.2, 0.2)), "split_fractions"),
        (lambda: Foley(0, 3).load("rain-9999"), "'rain-9999'"),
        (lambda: durations(14.0, np.array([0.5])), "14.0"),
    ],
)
def test_mistakes_are_one_clear_line(call, words):
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_splits_share_no_instance_and_no_seed():
    table = Foley(7, 10).instances
    assert len(table) == 160
    assert table["instance"].is_unique and table["seed"].is_unique and table["group"].is_unique
    sizes = table.groupby(["label", "split"]).size().unstack()
    assert (sizes[["train", "validation", "test"]] == [6, 2, 2]).all().all()


def test_three_instances_serve_three_splits():
    assert split_counts(3, (0.6, 0.2, 0.2)) == [1, 1, 1]
    assert split_counts(62, (0.6, 0.2, 0.2)) == [38, 12, 12]
    source = Foley(0, {"rain": 3, "gun_shot": 5})
    assert source.labels == ("gun_shot", "rain")
    assert set(source.instances.query("label == 'rain'")["split"]) == {
        "train",
        "validation",
        "test",
    }


def test_another_seed_is_another_source():
    first, again, other = Foley(1, 4), Foley(1, 4), Foley(2, 4)
    assert first.instances.equals(again.instances)
    assert not set(first.instances["seed"]) & set(other.instances["seed"])


def test_a_class_does_not_depend_on_the_others():
    alone = Foley(1, {"rain": 5}).instances
    among = Foley(1, 5).instances.query("label == 'rain'").reset_index(drop=True)
    assert alone.equals(among)


def test_load_gives_the_instance_of_the_table():
    source = Foley(4, {"glass_smash": 3})
    row = source.instances.iloc[1]
    x = source.load(row["instance"])
    assert x.dtype == np.float32
    assert x.shape == (round(row["duration_s"] * SAMPLE_RATE),)
    assert x.tobytes() == source.load(row["instance"]).tobytes()


def test_mean_segment_matches_simulation():
    cut = np.random.default_rng(0).uniform(3, 15, 100_000)
    for duration_s in (1.0, 3.0, 6.5, 15.0, 19.0):
        simulated = np.minimum(cut, duration_s).mean()
        assert mean_segment_s(np.array([duration_s]))[0] == pytest.approx(simulated, rel=0.01)


@pytest.mark.parametrize("count", [10, 60])
def test_segments_last_as_long_as_published(count):
    table = Foley(5, count).instances
    assert table["duration_s"].between(0.5, 20).all()
    cut = np.random.default_rng(1).uniform(3, 15, (len(table), 200))
    table = table.assign(segment_s=np.minimum(cut, table[["duration_s"]].to_numpy()).mean(axis=1))
    means = table.groupby("label")["segment_s"].mean()
    for label, average_s in AVERAGE_SECONDS.items():
        assert means[label] == pytest.approx(average_s, rel=0.1), label
