"""Features: aligned to the frame grid, the right numbers of them, normalised on training data."""

import json

import librosa
import numpy as np
import pandas as pd
import pytest
from sections import FRONT_END

from sedutils.corpora import corpus
from sedutils.features import spectra
from sedutils.features.frames import Frames
from sedutils.pipeline import files

RATE, HOP = 44100, 882


def test_a_click_shows_in_the_frame_it_lies_in():
    for frame in (10, 25):
        audio = np.zeros(RATE, np.float32)
        audio[frame * HOP + HOP // 2] = 1.0
        energy = spectra.log_mel(audio, **spectra.front_end(FRONT_END)).sum(axis=1)
        assert energy.argmax() == frame


def test_mel_energies_are_those_of_librosa(rng):
    audio = rng.normal(size=300 * HOP + 17).astype(np.float32)
    before = (2048 - HOP) // 2
    spectrum = librosa.stft(
        np.pad(audio, (before, 2048)),
        n_fft=2048,
        hop_length=HOP,
        win_length=1764,
        window="hamming",
        center=False,
    )
    expected = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=40) @ np.abs(spectrum) ** 2
    settings = {k: v for k, v in spectra.front_end(FRONT_END).items() if k != "log_floor"}
    energies = spectra.mel_energies(audio, **settings)
    np.testing.assert_allclose(energies, expected.T[:301], rtol=1e-4)


@pytest.mark.parametrize("samples", [HOP, HOP + 1, 5 * HOP - 1, 5 * HOP])
def test_frames_cover_the_recording(samples):
    mel = spectra.log_mel(np.ones(samples, np.float32), **spectra.front_end(FRONT_END))
    assert mel.shape == (-(-samples // HOP), 40)
    cepstra = spectra.mfcc(mel, mfcc=20, delta_frames=9)
    assert cepstra.shape == (len(mel), 59)
    assert np.isfinite(mel).all() and np.isfinite(cepstra).all()


def test_a_tone_lies_in_its_band():
    time = np.arange(RATE) / RATE
    low, high = (
        spectra.log_mel(
            np.sin(2 * np.pi * f * time).astype(np.float32), **spectra.front_end(FRONT_END)
        )
        .mean(axis=0)
        .argmax()
        for f in (200, 8000)
    )
    assert low < 8 and high > 25


@pytest.fixture
def made(tmp_path, rng):
    rows, events = [], []
    for i, split in enumerate(("train", "train", "validation", "test")):
        name = f"r{i}"
        files.write_wav(tmp_path / f"{name}.wav", 0.1 * rng.normal(size=RATE).clip(-3, 3), RATE)
        rows.append((name, f"{name}.wav", 1.0, RATE, "x", split))
        events.append((name, 0.1, 0.305, "a"))
    columns = ["recording", "path", "duration_s", "sample_rate", "scene", "split"]
    events = pd.DataFrame(events, columns=["recording", "onset_s", "offset_s", "label"])
    corpus.write(tmp_path, pd.DataFrame(rows, columns=columns), events, ["a", "b"])
    return corpus.read(tmp_path)


def test_extract_writes_one_map_a_front_end(made, tmp_path):
    folder = tmp_path / "features"
    spectra.extract(made, folder, settings=FRONT_END, backend="in-process", workers=1)
    targets = np.load(folder / "targets.npy")
    assert np.load(folder / "log_mel.npy").shape == (200, 40)
    assert np.load(folder / "mfcc.npy").shape == (200, 59)
    assert list(np.flatnonzero(targets[:50, 0])) == list(
        range(5, 16)
    )  # floor of onset, ceiling of offset
    assert not targets[:, 1].any()
    statistics = json.loads((folder / "statistics.json").read_text())["fixed"]["log_mel"]
    np.testing.assert_allclose(
        statistics["mean"], np.load(folder / "log_mel.npy")[:100].mean(0), atol=1e-4
    )
    x, _ = Frames.read(folder, "train").batch(np.array([0, 50]), 50)
    np.testing.assert_allclose(x.flatten(0, 1).mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(x.flatten(0, 1).std(0), 1, atol=0.02)


def test_two_workers_write_the_same_bytes(made, tmp_path):
    for name, backend, workers in (("a", "in-process", 1), ("b", "processes", 2)):
        spectra.extract(made, tmp_path / name, settings=FRONT_END, backend=backend, workers=workers)
    for file in ("log_mel.npy", "mfcc.npy", "targets.npy", "statistics.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_every_fold_is_normalised_on_its_own_training_recordings(made, tmp_path):
    names = made.recordings.recording.tolist()
    rows = [
        (fold, name, "test" if i == fold else "validation" if i == (fold + 1) % 4 else "train")
        for fold in range(4)
        for i, name in enumerate(names)
    ]
    folds = pd.DataFrame(rows, columns=["fold", "recording", "split"])
    bare = made.recordings.assign(split="")
    corpus.write(made.folder, bare, made.events, made.labels, folds=folds)
    folder = tmp_path / "features"
    crossed = corpus.read(made.folder)
    spectra.extract(crossed, folder, settings=FRONT_END, backend="in-process", workers=1)
    for fold in range(4):
        train = Frames.read(folder, "train", fold=fold)
        assert len(train.recordings) == 2 and f"r{fold}" not in set(train.recordings.recording)
        x, _ = train.batch(train.recordings.first_frame.to_numpy(), 50)
        np.testing.assert_allclose(x.flatten(0, 1).mean(0), 0, atol=1e-4)
    with pytest.raises(ValueError, match=r"statistics.json: no 'fixed', it has fold 0, fold 1"):
        Frames.read(folder, "train")
    with pytest.raises(ValueError, match="no 'fold 7'"):
        Frames.read(folder, "train", fold=7)


def test_tags_are_targets_in_every_frame(made, tmp_path):
    tags = pd.DataFrame({"recording": ["r0", "r2"], "label": ["b", "a"]})
    corpus.write(made.folder, made.recordings, None, made.labels, tags=tags)
    folder = tmp_path / "features"
    spectra.extract(
        corpus.read(made.folder), folder, settings=FRONT_END, backend="in-process", workers=1
    )
    targets = np.load(folder / "targets.npy").reshape(4, 50, 2)
    assert (targets == np.array([[0, 1], [0, 0], [1, 0], [0, 0]])[:, None]).all()


def test_tags_stand_beside_events(made, tmp_path):
    tags = pd.DataFrame({"recording": ["r0"], "label": ["b"]})
    events = made.events[made.events.recording.isin(["r2", "r3"])]
    corpus.write(made.folder, made.recordings, events, made.labels, tags=tags)
    read, folder = corpus.read(made.folder), tmp_path / "features"
    spectra.extract(read, folder, settings=FRONT_END, backend="in-process", workers=1)
    targets = np.load(folder / "targets.npy").reshape(4, 50, 2)
    assert targets[0].tolist() == [[0, 1]] * 50 and not targets[1].any()
    for timed in targets[2:]:
        assert list(np.flatnonzero(timed[:, 0])) == list(range(5, 16)) and not timed[:, 1].any()


def test_the_peak_is_divided_out(made, tmp_path):
    """A recording at a tenth of its level gives the same features; silence stays the floor."""
    peaked = FRONT_END | {"mfcc": 0, "peak": True}
    rng = np.random.default_rng(3)
    audio = (0.2 * rng.normal(size=RATE).clip(-3, 3)).astype(np.float32)
    for name, gain in (("r0", 1.0), ("r1", -0.1), ("r2", 0.0)):
        files.write_wav(made.folder / f"{name}.wav", gain * audio, RATE)
    for name, settings in (("with", peaked), ("without", peaked | {"peak": False})):
        spectra.extract(made, tmp_path / name, settings=settings, backend="in-process", workers=1)
    mel = np.load(tmp_path / "with/log_mel.npy").reshape(4, 50, 40)
    np.testing.assert_allclose(mel[1], mel[0], atol=0.01)
    loud = audio / np.abs(audio).max()
    expected = spectra.log_mel(loud, **spectra.front_end(FRONT_END))
    np.testing.assert_allclose(mel[0], expected, atol=0.01)
    assert (mel[2] == np.float32(np.log(FRONT_END["log_floor"]))).all()
    plain = np.load(tmp_path / "without/log_mel.npy").reshape(4, 50, 40)
    np.testing.assert_allclose(plain[0] - plain[1], np.log(100), atol=0.05)
    default = {key: value for key, value in peaked.items() if key != "peak"}
    spectra.extract(made, tmp_path / "older", settings=default, backend="in-process", workers=1)
    older = (tmp_path / "older/log_mel.npy").read_bytes()
    assert older == (tmp_path / "without/log_mel.npy").read_bytes()
