"""Features and targets as training reads them: which frames, of which recordings, beside what."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from sedutils.features.frames import Columns, Frames, read_statistics
from sedutils.pipeline import files


@pytest.fixture
def folder(tmp_path, rng):
    """Features of five recordings of 60 frames."""
    np.save(tmp_path / "log_mel.npy", rng.normal(size=(300, 8)).astype(np.float32))
    np.save(tmp_path / "targets.npy", (rng.random((300, 2)) < 0.3).astype(np.uint8))
    splits = ["train"] * 3 + ["validation", "test"]
    table = pd.DataFrame({"recording": list("abcde"), "split": splits, "scene": "x"})
    table = table.assign(first_frame=range(0, 300, 60), frames=60, duration_s=1.2)
    files.write_csv(tmp_path / "recordings.csv", table)
    statistics = {"fixed": {"log_mel": {"mean": [0.0] * 8, "std": [1.0] * 8}}}
    (tmp_path / "statistics.json").write_text(json.dumps(statistics))
    return tmp_path


def test_sequences_overlap_when_the_hop_is_short(folder):
    frames = Frames.read(folder, "train")
    apart, overlapping = frames.starts(20, offset=3), frames.starts(20, offset=3, hop=8)
    assert apart[:2].tolist() == [3, 23] and overlapping[:3].tolist() == [3, 11, 19]
    assert {start % 60 + 20 <= 60 for start in overlapping} == {True}
    covered = [frames.starts(20, offset=n, hop=8) for n in range(8)]
    assert sorted(np.concatenate(covered)) == [f for f in range(180) if f % 60 <= 40]


def test_sequences_begin_73_frames_later_each_epoch_and_stay_in_their_recording(folder):
    frames = Frames.read(folder, "train")
    assert list(frames.starts(16, 0)[:4]) == [0, 16, 32, 60]
    assert list(frames.starts(16, 73 % 16)[:4]) == [9, 25, 41, 69]
    for offset in range(16):
        starts = frames.starts(16, offset)
        assert (starts // 60 == (starts + 15) // 60).all()


def test_a_share_of_the_recordings_is_spread_over_the_scenes(folder):
    table = pd.read_csv(folder / "recordings.csv")
    table["split"] = ["train"] * 4 + ["test"]
    table["scene"] = list("ppqqq")
    files.write_csv(folder / "recordings.csv", table)
    for share, recordings in ((0.5, ["a", "d"]), (0.1, ["a"]), (1.0, list("abcd"))):
        assert list(Frames.read(folder, "train", share=share).recordings.recording) == recordings


def test_gathered_rows_are_the_same_recordings_and_no_others(folder):
    frames = Frames.read(folder, "train", only=["a", "c"])
    own = frames.gathered()
    assert own.features.shape == (120, 8) and own.recordings.first_frame.tolist() == [0, 60]
    for whole, part in zip(
        (frames.batch(frames.starts(16, 5), 16), frames.padded(frames.features, np.array([1, -1]))),
        (own.batch(own.starts(16, 5), 16), own.padded(own.features, np.array([1, -1]))),
        strict=True,
    ):
        for x, y in zip(whole, part, strict=True):
            assert x.shape == y.shape
        torch.testing.assert_close(whole[0][0], part[0][0])
    np.testing.assert_array_equal(frames.roll, own.roll)
    elsewhere = frames.to(torch.device("meta"))  # as on a GPU
    assert elsewhere.features.shape == (120, 8) and elsewhere.recordings.equals(own.recordings)


@pytest.fixture
def beside(folder, rng):
    """The folder with a second front end of three columns, moments of its own."""
    values = rng.normal(size=(300, 3)).astype(np.float32)
    np.save(folder / "heard.npy", values)
    kept = json.loads((folder / "statistics.json").read_text())
    kept["fixed"]["heard"] = {"mean": [1.0, 2.0, 3.0], "std": [2.0, 2.0, 4.0]}
    (folder / "statistics.json").write_text(json.dumps(kept))
    return folder


def test_two_front_ends_stand_beside_each_other(beside):
    frames = Frames.read(beside, "train", "log_mel+heard")
    mel, heard = (np.load(beside / f"{name}.npy") for name in ("log_mel", "heard"))
    normalised = np.concatenate([mel, (heard - [1, 2, 3]) / [2, 2, 4]], axis=1)
    x, y = frames.batch(np.array([5, 100]), 7)
    assert x.shape == (2, 7, 11) and y.shape == (2, 7, 2) and x.dtype == torch.float32
    np.testing.assert_allclose(x[1], normalised[100:107], atol=1e-6)
    row = next(frames.recordings.iloc[1:].itertuples())
    sequences, _ = frames.recording(row, 25)
    assert sequences.shape == (3, 25, 11)
    np.testing.assert_allclose(sequences.flatten(0, 1)[:60], normalised[60:120], atol=1e-6)
    assert (sequences[2, 10:] == 0).all()
    # the order is the one asked for, and the statistics follow it
    assert read_statistics(beside, "heard+log_mel", None)["mean"] == [1, 2, 3, *[0] * 8]
    turned, _ = Frames.read(beside, "train", "heard+log_mel").batch(np.array([5]), 7)
    assert torch.equal(turned[0], torch.cat((x[0, :, 8:], x[0, :, :8]), dim=1))


def test_columns_are_the_joined_array(rng):
    arrays = [rng.normal(size=(20, n)).astype(np.float32) for n in (2, 3, 1)]
    joined, columns = np.concatenate(arrays, axis=1), Columns(arrays)
    for rows in (slice(3, 9), np.array([4, 4, 0]), np.array([[1, 2], [3, 4]])):
        np.testing.assert_array_equal(columns[rows], joined[rows])
    np.testing.assert_array_equal(np.array(columns), joined)
    assert np.asarray(columns, np.float64).dtype == np.float64


def test_only_some_recordings_of_a_split_in_the_order_of_the_table(folder):
    frames = Frames.read(folder, "train", only=["c", "a", "e"])
    assert list(frames.recordings.recording) == ["a", "c"]  # e is in another split
    assert frames.starts(60, offset=0).tolist() == [0, 120]
    assert list(Frames.read(folder, "train", only=["c", "b"], share=0.5).recordings.recording) == [
        "b"
    ]
    with pytest.raises(ValueError, match="no recording of split 'train'"):
        Frames.read(folder, "train", only=["e"])
