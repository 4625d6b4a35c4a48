"""Pitch-shifted test recordings: where a tone goes, and which frames come back."""

import numpy as np
import pandas as pd
import pytest
import torch
from sections import FRONT_END

from sedutils.features import pitch
from sedutils.features.frames import Frames
from sedutils.pipeline import files

RATE = 44100


def tone(frequency, seconds=1.0):
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)).astype(
        np.float32
    )


def loudest(audio):
    """Frequency of the highest peak of the spectrum in Hz."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return np.argmax(spectrum) * RATE / len(audio)


@pytest.mark.parametrize("quartertones", [-2, -1, 1, 2])
def test_a_tone_moves_by_quartertones(quartertones):
    moved = pitch.shift(tone(880), RATE, quartertones)
    assert len(moved) == RATE
    assert loudest(moved) == pytest.approx(880 * 2 ** (quartertones / 24), rel=2e-3)


def test_no_shift_is_the_same_bytes_and_the_control_comes_back():
    audio = tone(880)
    assert pitch.shift(audio, RATE, 0) is audio
    there = pitch.shift(pitch.shift(audio, RATE, 2), RATE, -2)
    assert loudest(there) == pytest.approx(880, rel=2e-3)


@pytest.fixture
def frames(tmp_path):
    """Two test recordings behind one of training, of other lengths than whole hops."""
    rows, first = [], 50
    for name, seconds, frequency in (("a", 0.5, 500), ("b", 0.71, 2000)):
        files.write_wav(tmp_path / f"{name}.wav", tone(frequency, seconds), RATE)
        count = int(np.ceil(seconds / 0.02))
        rows.append({"recording": name, "first_frame": first, "frames": count})
        first += count
    features = np.zeros((first, 40), np.float32)
    targets = np.arange(first, dtype=np.uint8)[:, None] % 2
    return Frames(features, targets, pd.DataFrame(rows), torch.zeros(40), torch.ones(40))


def test_shifted_frames_keep_targets_and_move_bands(frames, tmp_path, monkeypatch):
    given = {
        "paths": [tmp_path / "a.wav", tmp_path / "b.wav"],
        "settings": FRONT_END,
        "cache": tmp_path / "cache",
        "backend": "in-process",
        "workers": 1,
    }
    courses = {"0": [], "+12": [12.0], "control": [12.0, -12.0]}
    made = pitch.shifted(frames, courses=courses, **given)
    bands = {}
    for name, split in made.items():
        assert split.features.shape == (61, 40)
        (_, y), (x, _) = (split.recording(r, r.frames) for r in split.recordings.itertuples())
        np.testing.assert_array_equal(y[:, 0], np.arange(50, 75) % 2)
        bands[name] = x[0][5:-5].mean(0).argmax().item()
    assert bands["0"] == bands["control"] < bands["+12"]
    assert len(list((tmp_path / "cache").iterdir())) == 6

    monkeypatch.setattr(pitch, "shift", lambda *_: pytest.fail("made again"))
    again = pitch.shifted(frames, courses=courses, **given)
    for name in courses:
        np.testing.assert_array_equal(again[name].features, made[name].features)
