"""Sounds and ambiences of the corpora recorded in real places, and the tables that hold them."""

import time
from itertools import pairwise

import numpy as np
import pytest

from sedutils.corpora import rare_foley
from sedutils.corpora.official import tut_sed_2009
from sedutils.foley import (
    AVERAGE_SECONDS,
    CORPORA,
    RECIPES,
    SAMPLE_RATE,
    SCENES,
    Foley,
    background,
    labels_of,
    synthesise,
    talk,
)
from sedutils.foley.backgrounds import AMBIENCES, CHUNK_S
from sedutils.foley.instances import durations

NEW = tuple(label for label in RECIPES if label not in AVERAGE_SECONDS)


def centroid(label: str) -> float:
    """Mean over eight instances of the log of the spectral centroid, back in Hz."""
    found = []
    for seed in range(8):
        power = np.abs(np.fft.rfft(synthesise(label, seed=seed, duration_s=2.0))) ** 2
        hz = np.fft.rfftfreq(round(2.0 * SAMPLE_RATE), 1 / SAMPLE_RATE)
        found.append(np.log(np.sum(power * hz) / np.sum(power)))
    return float(np.exp(np.mean(found)))


def loudness(x: np.ndarray) -> np.ndarray:
    """RMS of every 100 ms in dB."""
    size = SAMPLE_RATE // 10
    return 10 * np.log10(np.mean(x[: x.size // size * size].reshape(-1, size) ** 2, axis=1) + 1e-20)


@pytest.mark.parametrize("label", NEW)
def test_an_event_begins_at_once(label):
    for seed in range(4):
        x = synthesise(label, seed=seed, duration_s=2.0)
        loud = loudness(x)
        assert loud[:5].max() > loud.max() - 30, seed  # within half a second


def test_a_recipe_is_much_faster_than_real_time():
    synthesise("door", seed=0, duration_s=1.0)
    started = time.process_time()
    for label in NEW:
        synthesise(label, seed=1, duration_s=2.0)
    assert 2.0 * len(NEW) / (time.process_time() - started) > 20  # about 100 on an idle core


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        ("glass_jingling", "object_banging"),
        ("cutlery", "cupboard"),
        ("dishes", "door"),
        ("keys_jangling", "keyboard"),
        ("object_snapping", "object_impact"),
        ("water_tap_running", "traffic"),
        ("pressure_release", "road"),
        ("whistle", "buzzer"),
        ("shoe_squeaks", "ball_hitting_floor"),
        ("children_shouting", "yelling"),
        ("paper_rustling", "drawer"),
        ("brakes_squeak", "car"),
    ],
)
def test_small_and_hard_sounds_are_higher_than_large_and_soft_ones(higher, lower):
    assert centroid(higher) > 1.2 * centroid(lower)


def test_steady_classes_are_steady_and_struck_ones_are_not():
    def crest(label):
        loud = [loudness(synthesise(label, seed=seed, duration_s=4.0)) for seed in range(4)]
        return np.mean([x.max() - np.median(x) for x in loud])

    for steady in ("road", "traffic", "water_tap_running", "car"):
        for struck in ("object_impact", "object_banging", "door"):
            assert crest(steady) + 6 < crest(struck), (steady, struck)


def test_every_label_of_a_scene_has_a_recipe_and_a_length():
    assert len(labels_of("tut_sound_events_2016")) == 17
    assert sorted(SCENES["tut_sed_2009"]) == sorted(tut_sed_2009.SCENES)
    assert len(labels_of("tut_sed_2009")) >= 24
    known = set(RECIPES) | set(talk.RECIPES)
    for corpus, scenes in SCENES.items():
        assert set(labels_of(corpus)) == set(CORPORA[corpus])
        assert set(labels_of(corpus)) <= known
        for scene, labels in scenes.items():
            assert list(labels) == sorted(set(labels)), scene
    used = {label for corpus in CORPORA.values() for label in corpus}
    assert set(RECIPES) <= used <= known
    places = {scene for scenes in SCENES.values() for scene in scenes}
    assert places | set(rare_foley.SCENES.values()) == set(AMBIENCES)
    with pytest.raises(ValueError, match="'esc'"):
        labels_of("esc")


def test_unknown_is_in_every_scene_of_2009_and_nowhere_else():
    assert all("unknown" in labels for labels in SCENES["tut_sed_2009"].values())
    assert "unknown" not in labels_of("tut_sound_events_2016")


@pytest.mark.parametrize("corpus", SCENES)
def test_instances_of_a_corpus_last_as_long_as_its_table_says(corpus):
    source = Foley(5, 40, corpus=corpus)
    assert source.labels == labels_of(corpus)
    means = source.instances.groupby("label")["duration_s"].mean()
    for label, average_s in CORPORA[corpus].items():
        assert means[label] == pytest.approx(average_s, rel=0.1), label
    assert source.instances["seed"].is_unique
    row = source.instances.query("label == 'people_walking' or label == 'door'").iloc[0]
    assert source.load(row["instance"]).size == round(row["duration_s"] * SAMPLE_RATE)


def test_corpora_do_not_disturb_each_other():
    assert Foley(7, 10).instances.equals(Foley(7, 10, corpus="tut_sed_synthetic_2016").instances)
    with pytest.raises(ValueError, match="'tut_2020'"):
        Foley(0, 3, corpus="tut_2020")
    with pytest.raises(ValueError, match="'door'"):
        Foley(0, {"door": 3})
    with pytest.raises(ValueError, match=r"70\.0"):
        durations(70.0, np.array([0.5]), whole=True)


@pytest.mark.parametrize("scene", AMBIENCES)
def test_an_ambience_goes_on_without_gap_or_event(scene):
    for seed in (1, 2, 3):
        x = background(scene, seed=seed, duration_s=6.0)
        assert x.dtype == np.float32
        assert x.shape == (6 * SAMPLE_RATE,)
        assert np.isfinite(x).all()
        assert np.abs(x).max() == pytest.approx(0.95, abs=1e-3)
        loud = loudness(x)
        assert loud.min() > np.median(loud) - 12
        assert loud.max() < np.median(loud) + 12


@pytest.mark.parametrize("scene", AMBIENCES)
def test_another_seed_is_another_place(scene):
    first, again = (background(scene, seed=1, duration_s=2.0) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    spectra = []
    for seed in (1, 2, 3):
        power = np.abs(np.fft.rfft(background(scene, seed=seed, duration_s=2.0))) ** 2
        edges = np.geomspace(60, power.size, 12).astype(int)
        spectra.append(10 * np.log10([power[a:b].mean() + 1e-9 for a, b in pairwise(edges)]))
    assert np.std(spectra, axis=0).mean() > 1.0


def test_chunks_of_a_long_ambience_join_without_a_seam():
    x = background("shop", seed=4, duration_s=CHUNK_S + 4.0)
    loud = loudness(x)
    seam, before = loud[int(10 * CHUNK_S) : int(10 * CHUNK_S) + 20], loud[-200:-60]
    assert abs(np.median(seam) - np.median(before)) < 3
    assert np.abs(np.diff(loud)).max() < 9
    same_place = [np.abs(np.fft.rfft(part)) ** 2 for part in (x[:110250], x[-110250:])]
    edges = np.geomspace(60, same_place[0].size, 12).astype(int)
    bands = [[10 * np.log10(p[a:b].mean()) for a, b in pairwise(edges)] for p in same_place]
    assert np.abs(np.subtract(*bands)).max() < 6


@pytest.mark.parametrize(("scene", "duration_s"), [("moon", 1.0), ("home", 0.0), ("home", -1.0)])
def test_impossible_ambiences_are_one_clear_line(scene, duration_s):
    with pytest.raises(ValueError, match=r"moon|duration_s") as caught:
        background(scene, seed=0, duration_s=duration_s)
    assert "\n" not in str(caught.value)
