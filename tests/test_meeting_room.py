"""The sixteen sounds of a meeting room: sane audio, and each as high, as rhythmic, as low as such a sound is."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import CountingGenerator

from sedutils.foley import SAMPLE_RATE, meeting_room
from sedutils.foley.meeting_room import RECIPES

OWN = [label for label, recipe in RECIPES.items() if recipe.__module__ == meeting_room.__name__]


def made(label, seed, duration_s=1.5):
    return RECIPES[label](np.random.default_rng([5, seed]), duration_s)[: round(duration_s * 44100)]


def power(x):
    return np.fft.rfftfreq(x.size, 1 / SAMPLE_RATE), np.abs(np.fft.rfft(x)) ** 2


def centroid(label):
    """Median over twelve instances, in Hz."""
    found = []
    for seed in range(12):
        hz, energy = power(made(label, seed))
        found.append(np.sum(hz * energy) / np.sum(energy))
    return float(np.median(found))


def level(x, block_s=0.005):
    """RMS of every block in dB re the loudest."""
    size = round(block_s * SAMPLE_RATE)
    blocks = 10 * np.log10(
        np.mean(x[: x.size // size * size].reshape(-1, size) ** 2, axis=1) + 1e-12
    )
    return blocks - blocks.max()


def strikes(x, under_db=-20.0, apart_s=0.06):
    """Times in seconds at which the level rises by 6 dB within 10 ms to less than ``under_db``."""
    loud = level(x)
    rises = np.flatnonzero((loud[2:] - loud[:-2] > 6) & (loud[2:] > under_db)) + 2
    times = rises * 0.005
    return times[np.diff(times, prepend=-1.0) > apart_s]


def test_seven_recipes_are_new_and_speech_is_elsewhere():
    assert len(RECIPES) == 15 and len(OWN) == 7
    assert "speech" not in RECIPES


@pytest.mark.parametrize("label", OWN)
def test_a_sound_is_finite_and_as_long_as_asked_and_of_its_seed(label):
    for seed, duration_s in ((1, 0.3), (2, 0.777), (3, 4.0)):
        x = made(label, seed, duration_s)
        assert x.shape == (round(duration_s * SAMPLE_RATE),)
        assert np.isfinite(x).all() and np.abs(x).max() > 1e-3
        assert made(label, seed, duration_s).tobytes() == x.tobytes()
        assert abs(np.corrcoef(x, made(label, seed + 10, duration_s))[0, 1]) < 0.9


@pytest.mark.parametrize("label", OWN)
def test_a_recipe_has_six_random_parameters_and_says_what_it_follows(label):
    CountingGenerator.asked = 0
    RECIPES[label](CountingGenerator(np.random.PCG64(5)), 1.0)
    assert CountingGenerator.asked >= 6
    lines = RECIPES[label].__doc__.strip().split("\n")
    assert len(lines) >= 3 and len(lines[0]) <= 100


@pytest.mark.parametrize("label", OWN)
def test_instances_of_a_class_differ_in_colour(label):
    spectra = []
    for seed in range(4):
        _, energy = power(made(label, seed))
        edges = np.geomspace(60, energy.size, 16).astype(int)
        bands = 10 * np.log10([energy[a:b].mean() + 1e-9 for a, b in pairwise(edges)])
        spectra.append(bands - bands.mean())
    assert np.std(spectra, axis=0).mean() > 1.5  # dB a band


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        ("key_jingle", "spoon_cup_jingle"),
        ("spoon_cup_jingle", "keyboard_clicking"),
        ("applause", "door_knock"),
        ("door_open", "door_slam"),
        ("falling_object", "door_slam"),
        ("phone_ring", "phone_vibration"),
    ],
)
def test_small_and_hard_sounds_are_higher_than_large_and_soft_ones(higher, lower):
    assert centroid(higher) > 1.2 * centroid(lower)


def test_a_knock_is_two_to_six_blows_in_an_even_rhythm():
    for seed in range(12):
        times = strikes(made("door_knock", seed, 1.0))
        assert 2 <= times.size <= 6, seed
        gaps = np.diff(times)
        assert gaps.min() > 1 / 9 and gaps.max() < 1 / 2, seed


def test_a_slam_booms_and_is_over_at_once():
    low = []
    for seed in range(12):
        x = made("door_slam", seed)
        hz, energy = power(x)
        low.append(energy[hz < 150].sum() / energy.sum())
        loud = level(x, 0.02)
        assert 0.04 < 0.02 * (loud > -20).sum() < 0.4, seed
        assert loud[-10:].max() < -30, seed
    assert np.median(low) > 0.15


def test_the_bounces_of_a_falling_object_crowd_together():
    gaps = [np.diff(strikes(made("falling_object", k), under_db=-14.0)) for k in range(30)]
    shrink = [each[1] / each[0] for each in gaps if each.size > 1]
    assert len(shrink) >= 8
    assert 0.3 < np.median(shrink) < 0.8  # a bounce too faint to be found makes the odd one longer


def test_a_vibrating_phone_buzzes_at_the_pace_of_its_motor():
    for seed in range(8):
        x = made("phone_vibration", seed, 2.0)
        loudest = np.argmax(level(x, 0.2))
        hz, energy = power(x[round(0.2 * loudest * 44100) : round(0.2 * (loudest + 1) * 44100)])
        strong = energy[(hz > 100) & (hz < 2000)].sum() / energy.sum()
        assert strong > 0.6, seed
        spectrum = np.fft.irfft(energy)  # autocorrelation: its first peak is one turn
        lags = slice(round(44100 / 240), round(44100 / 70))
        assert spectrum[lags].max() > 0.5 * spectrum[0], seed


def test_few_people_clap_apart_and_more_fill_the_gaps():
    silent = [(level(made("applause", k, 3.0), 0.01)[100:200] < -25).mean() for k in range(16)]
    assert min(silent) < 0.6 and max(silent) > 0.8  # of the blocks between claps, before any echo
