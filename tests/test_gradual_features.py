"""Input of the gradual network: by hand, from files and recipes, and what acoustic models add to it."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import refused
from sections import GRADUAL_FRONT_END

from sedutils.corpora import corpus
from sedutils.corpora.recipes import Sound, sounds
from sedutils.features.frames import Frames
from sedutils.features.spectra import front_end, log_mel
from sedutils.models.tdnnf import TDNNF
from sedutils.papers.gradual import acoustic_model, features
from sedutils.pipeline import files

IN_PROCESS = {"backend": "in-process", "workers": 1}
RATE = 44100
CLIP_S = 2.0
WIDTHS = {"mfcc": 40, "dim": 12, "bottleneck": 4, "strides": [1, 0, 3], "prefinal": 6, "phones": 41}


def test_means_and_neighbours_by_hand():
    """Means of two of seven frames, the last one left over, each between its neighbours."""
    energies = np.array([[0, 10], [2, 12], [4, 14], [6, 16], [8, 18], [10, 20], [99, 99]], float)
    found = features.stacked(energies, mean_frames=2, context=3)
    means = [[1, 11], [5, 15], [9, 19]]
    rows = [means[0] * 2 + means[1], means[0] + means[1] + means[2], means[1] + means[2] * 2]
    assert found.tolist() == rows and found.dtype == np.float32
    assert features.stacked(energies, mean_frames=2, context=1).tolist() == means


RECIPES = [  # recording, split, onset_s, cut_s of the background
    ("a", "train", 0.5, 0.0),
    ("b", "train", None, 1.0),
    ("c", "validation", 1.25, 2.0),
    ("d", "development", 0.0, 3.0),
    ("e", "evaluation", None, 0.25),
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The same five clips as recipes alone, and with files beside them."""
    top, rng = tmp_path_factory.mktemp("gradual"), np.random.default_rng(3)
    sources = {"event": np.sin(np.arange(RATE) * 0.2), "quiet": rng.normal(0, 0.05, 6 * RATE)}
    for split in corpus.CHALLENGE_SPLITS:
        for name, audio in sources.items():
            files.write_wav(top / f"{split}-{name}.wav", 0.5 * audio, RATE)
    made = []
    for name, with_files in (("lean", False), ("filed", True)):
        folder = top / name
        rows = [
            (r, f"{r}.wav" if with_files else "", CLIP_S, RATE, "cry", s) for r, s, *_ in RECIPES
        ]
        columns = ["recording", "path", "duration_s", "sample_rate", "scene", "split"]
        recipes = pd.DataFrame([recipe(*row) for row in RECIPES])
        events = [(r, at, at + 0.4, "cry") for r, _, at, _ in RECIPES if at is not None]
        tables = pd.DataFrame(rows, columns=columns), pd.DataFrame(events, columns=corpus.EVENTS)
        corpus.write(folder, *tables, ["cry"], recipes=recipes)
        made.append(corpus.read(folder))
    for name, sound in sounds(made[0]).items():
        files.write_wav(made[1].audio_path(name), sound.read(RATE), RATE)
    return made


def recipe(recording, split, onset_s, cut_s):
    present = onset_s is not None
    return {
        "recording": recording,
        "event_probability": 0.5,
        "background": f"../{split}-quiet.wav",
        "background_cut_s": cut_s,
        "event": f"../{split}-event.wav" if present else "",
        "segment_onset_s": 0.1 if present else np.nan,
        "segment_offset_s": 0.5 if present else np.nan,
        "onset_s": onset_s if present else np.nan,
        "ebr_db": 6.0 if present else np.nan,
    }


def test_a_sound_is_the_same_from_file_and_recipe_at_any_rate(pair):
    lean, filed = (sounds(made) for made in pair)
    assert list(lean) == list(filed) == ["a", "b", "c", "d", "e"]
    assert lean["a"].path is None and filed["a"].path == pair[1].audio_path("a")
    for rate in (RATE, 16000):
        for name in lean:
            one, other = lean[name].read(rate), filed[name].read(rate)
            assert one.shape == other.shape == (CLIP_S * rate,)
            assert one.dtype == other.dtype == np.float32
            assert np.abs(one - other).max() < 1.5 / 32767
    spectrum = np.abs(np.fft.rfft(lean["a"].read(16000)))
    assert spectrum.argmax() / CLIP_S == pytest.approx(0.2 * RATE / 2 / np.pi, abs=2)


def test_a_silent_file_is_read(tmp_path):
    files.write_wav(tmp_path / "x.wav", np.zeros(RATE), RATE)
    assert (Sound(tmp_path / "x.wav").read(16000) == 0).all()


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Two acoustic models of six ASR features, batch norms not as they begin."""
    top, folders = tmp_path_factory.mktemp("networks"), {}
    for seed, name in enumerate(("trained", "untrained")):
        torch.manual_seed(seed)
        model = TDNNF(**WIDTHS)
        for norm in (part for part in model.modules() if isinstance(part, torch.nn.BatchNorm1d)):
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
        acoustic_model.write(model, top / name)
        folders[name] = top / name
    return folders


@pytest.fixture(scope="module")
def extracted(pair, networks, tmp_path_factory):
    folders = [tmp_path_factory.mktemp(name) for name in ("of_lean", "of_filed")]
    for made, folder in zip(pair, folders, strict=True):
        features.extract(made, folder, settings=GRADUAL_FRONT_END, networks=networks, **IN_PROCESS)
    return folders


def test_a_row_is_a_decision_of_100_ms(extracted, pair):
    shapes = {"log_mel": 400, "trained": 6, "untrained": 6, "targets": 1}
    for name, width in shapes.items():
        assert np.load(extracted[0] / f"{name}.npy").shape == (5 * 20, width)
    targets = np.load(extracted[0] / "targets.npy")[:, 0].reshape(5, 20)
    assert np.flatnonzero(targets[0]).tolist() == [5, 6, 7, 8]  # from 0.5 to 0.9 s
    assert np.flatnonzero(targets[2]).tolist() == [12, 13, 14, 15, 16]  # from 1.25 to 1.65 s
    assert np.flatnonzero(targets[3]).tolist() == [0, 1, 2, 3] and not targets[[1, 4]].any()
    train = Frames.read(extracted[0], "train", "log_mel+trained")
    assert train.starts(20, offset=0).tolist() == [0, 20]
    x, y = train.batch(np.array([0]), 20)
    assert x.shape == (1, 20, 406) and y.shape == (1, 20, 1)


def test_a_decision_is_two_means_of_50_ms_with_their_neighbours(extracted, pair):
    """The middle one of five neighbours is the mean itself; energies as they are stand in the file."""
    audio = sounds(pair[0])["c"].read(16000)
    means = log_mel(audio, **front_end(GRADUAL_FRONT_END)).reshape(40, 5, 40).mean(1)
    rows = np.load(extracted[0] / "log_mel.npy")[40:60].reshape(20, 2, 5, 40)
    np.testing.assert_allclose(rows[:, 0, 2], means[::2], rtol=1e-6)
    np.testing.assert_allclose(rows[:, 1, 2], means[1::2], rtol=1e-6)
    np.testing.assert_allclose(rows[3, 1], means[5:10], rtol=1e-6)


def test_the_energies_of_training_lie_in_0_to_1(extracted, pair):
    """Least and largest energy of 10 ms over the training clips alone, of every band (G-A12)."""
    each = [
        log_mel(sounds(pair[0])[name].read(16000), **front_end(GRADUAL_FRONT_END)) for name in "ab"
    ]
    energies = np.concatenate(each)
    least, largest = energies.min(0), energies.max(0)
    statistics = json.loads((extracted[0] / "statistics.json").read_text())["fixed"]
    assert statistics["log_mel"]["mean"] == pytest.approx(np.tile(least, 10), abs=1e-5)
    assert statistics["log_mel"]["std"] == pytest.approx(np.tile(largest - least, 10), abs=1e-5)
    x, _ = Frames.read(extracted[0], "train").batch(np.array([0, 20]), 20)
    assert -1e-5 < x.min() < 0.3 and 0.7 < x.max() < 1 + 1e-5
    assert statistics["trained"] == {"mean": [0.0] * 6, "std": [1.0] * 6}


def test_asr_columns_are_what_the_acoustic_models_say(extracted, networks, pair):
    for name, path in networks.items():
        network = acoustic_model.read(path)
        array = np.load(extracted[0] / f"{name}.npy")
        for i, sound in enumerate(sounds(pair[0]).values()):
            direct = acoustic_model.asr_features(network, sound.read(16000))
            np.testing.assert_allclose(array[20 * i : 20 * i + 20], direct, atol=1e-5)
    trained, untrained = (np.load(extracted[0] / f"{name}.npy") for name in networks)
    assert np.abs(trained - untrained).max() > 0.1


def test_recipes_and_files_give_the_same_arrays(extracted):
    lean, filed = ([np.load(f / f"{n}.npy") for n in ("log_mel", "targets")] for f in extracted)
    # in the emptiest band 16 bits are half of what is there
    assert np.median(np.abs(lean[0] - filed[0])) < 0.01
    loud = lean[0] > np.quantile(lean[0], 0.5)
    assert np.abs(lean[0] - filed[0])[loud].max() < 0.05
    np.testing.assert_array_equal(lean[1], filed[1])
    for name in ("recordings.csv", "labels.txt"):
        assert (extracted[0] / name).read_bytes() == (extracted[1] / name).read_bytes()


def test_audio_that_is_shorter_than_its_table_is_refused(pair, networks, tmp_path):
    short = sounds(pair[1])["a"].read(RATE)[: RATE // 2]
    files.write_wav(tmp_path / "short.wav", short, RATE)
    np.save(tmp_path / "log_mel.npy", np.zeros((20, 400), np.float32))
    given = {"sound": Sound(tmp_path / "short.wav"), "part": slice(0, 20), "folder": tmp_path}
    call = lambda: features.extract_recording(**given, settings=GRADUAL_FRONT_END, networks={})  # noqa: E731
    refused(ValueError, call, tmp_path / "short.wav", "5 decisions of audio, 20 by recordings.csv")


def test_a_network_that_was_trained_again_is_opened_again(networks, tmp_path):
    for name, path in networks.items():
        acoustic_model.write(acoustic_model.read(path), tmp_path)
        found = features.opened(tmp_path).state_dict()
        expected = acoustic_model.read(networks[name]).state_dict()
        assert all(torch.equal(found[k], expected[k]) for k in expected), name
