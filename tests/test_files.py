"""Writes are whole or absent; audio that cannot be used is named in one line."""

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedutils.pipeline import files

RATE = 44100


@pytest.fixture
def tone():
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


def one_line(caught, *needles):
    message = str(caught.value)
    assert "\n" not in message
    for needle in needles:
        assert str(needle) in message
    return message


def only(folder):
    return sorted(path.name for path in folder.iterdir())


WRITERS = {
    "bytes": lambda path: files.write_bytes(path, b"new"),
    "text": lambda path: files.write_text(path, "new\n"),
    "csv": lambda path: files.write_csv(path, pd.DataFrame({"a": [1.0]})),
    "npy": lambda path: files.write_npy(path, np.ones(3)),
    "wav": lambda path: files.write_wav(path, np.ones(3) / 2, RATE),
    "set": lambda path: files.write_set(path.parent, {path.name: b"new"}, last=path.name),
}


@pytest.fixture(params=WRITERS)
def writer(request):
    return WRITERS[request.param]


def test_writers_replace_and_leave_no_other_file(writer, tmp_path):
    path = tmp_path / "new_folder" / "x"
    for _ in range(2):
        writer(path)
        assert path.stat().st_size > 0
    assert only(path.parent) == ["x"]


@pytest.mark.parametrize("old", [b"old", None])
def test_full_disk_leaves_the_old_content(writer, old, tmp_path, monkeypatch):
    path = tmp_path / "x.dat"
    if old is not None:
        path.write_bytes(old)
    real_open = open

    class Full:
        """A file on a disk that takes one byte and no more."""

        def __init__(self, handle):
            self.handle = handle

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.handle.close()

        def write(self, data):
            self.handle.write(bytes(data)[:1])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full_open(name, mode="r", *rest, **knobs):
        handle = real_open(name, mode, *rest, **knobs)
        return Full(handle) if "r" not in mode else handle

    monkeypatch.setattr("builtins.open", full_open)
    monkeypatch.setattr("io.open", full_open)  # pathlib's
    with pytest.raises(OSError) as caught:
        writer(path)
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC
    one_line(caught, path, "No space left", "not written")
    assert only(tmp_path) == (["x.dat"] if old else [])
    assert old is None or path.read_bytes() == old


def test_full_disk_in_a_set_changes_none_of_its_files(tmp_path, monkeypatch):
    files.write_set(tmp_path, {"a": b"1", "b": b"1"}, last="b")
    before = files.Path.write_bytes

    def full(path, data):
        if ".b." in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return before(path, data)

    monkeypatch.setattr(files.Path, "write_bytes", full)
    with pytest.raises(OSError):
        files.write_set(tmp_path, {"a": b"2", "b": b"2"}, last="b")
    assert only(tmp_path) == ["a", "b"]
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"1", b"1"]


def test_kill_before_the_rename_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.npy"
    files.write_npy(path, np.zeros(4))
    code = """
import os, signal, sys
import numpy as np
from sedutils.pipeline import files
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.write_npy(sys.argv[1], np.ones(100_000))
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    np.testing.assert_array_equal(np.load(path), np.zeros(4))
    (left,) = set(only(tmp_path)) - {"x.npy"}
    assert left.startswith(".x.npy.") and left.endswith(".part")


def test_kill_inside_a_set_leaves_its_last_file_missing(tmp_path):
    files.write_set(tmp_path, {"a": b"1", "b": b"1"}, last="b")
    code = """
import os, signal, sys
from sedutils.pipeline import files
real = os.replace
def replace(source, target):
    real(source, target)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace
files.write_set(sys.argv[1], {"b": b"2", "a": b"2"}, last="b")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / "a").read_bytes() == b"2"
    assert not (tmp_path / "b").exists()


def test_csv_is_the_same_text_for_the_same_table(tmp_path):
    table = pd.DataFrame({"name": ["ä", "b,c"], "x": [-1e-9, 2 / 3], "n": [1, 2]})
    files.write_csv(tmp_path / "t.csv", table)
    expected = 'name,x,n\nä,0.000000,1\n"b,c",0.666667,2\n'
    assert (tmp_path / "t.csv").read_bytes() == expected.encode()
    assert files.csv_bytes(table, decimals=1).splitlines()[1] == "ä,0.0,1".encode()
    assert table["x"][0] == -1e-9  # the caller's table stays as it is


def test_npy_refuses_objects(tmp_path):
    with pytest.raises(ValueError) as caught:
        files.write_npy(tmp_path / "x.npy", np.array([{}]))
    one_line(caught, "x.npy", "objects")
    assert only(tmp_path) == []


def test_digest_of_bytes_and_file_agree(tmp_path):
    files.write_bytes(tmp_path / "x", b"abc", sync=True)
    assert files.digest(tmp_path / "x") == files.digest(b"abc")
    assert files.digest(b"abc").startswith("ba7816bf")


def test_wav_round_trip_and_full_scale(tone, tmp_path):
    files.write_wav(tmp_path / "x.wav", tone, RATE)
    audio, rate = files.read_audio(tmp_path / "x.wav")
    assert rate == RATE and audio.dtype == np.float32
    np.testing.assert_allclose(audio, tone, atol=2 / 2**15)
    files.write_wav(tmp_path / "full.wav", np.array([1.0, -1.0]), RATE)
    assert np.abs(files.read_audio(tmp_path / "full.wav")[0]).max() <= 1


@pytest.mark.parametrize(
    ("audio", "why"),
    [
        (np.array([0.0, 1.01]), "1.01"),
        (np.array([0.0, np.nan]), "nan"),
        (np.array([0.0, -np.inf]), "inf"),
        (np.zeros(0), "(0,)"),
        (np.zeros((3, 2)), "(3, 2)"),
    ],
)
def test_wav_refuses_clipping_and_bad_arrays(audio, why, tmp_path):
    with pytest.raises(ValueError) as caught:
        files.write_wav(tmp_path / "x.wav", audio, RATE)
    one_line(caught, tmp_path / "x.wav", why)
    assert only(tmp_path) == []


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff", "mp3"])
@pytest.mark.parametrize("rate", [8000, 48000])
def test_read_mixes_down_and_resamples(suffix, rate, tmp_path):
    time = np.arange(rate) / rate
    left = 0.4 * np.sin(2 * np.pi * 500 * time)
    path = tmp_path / f"x.{suffix}"
    soundfile.write(path, np.stack([left, 0 * left], axis=1), rate)
    audio, out_rate = files.read_audio(path, sample_rate=RATE)
    assert out_rate == RATE and audio.dtype == np.float32 and audio.ndim == 1
    assert abs(len(audio) / RATE - files.audio_info(path).duration_s) < 1e-4
    middle = audio[RATE // 4 : RATE // 4 + RATE // 2]
    peak = np.abs(np.fft.rfft(middle)).argmax() * RATE / len(middle)
    assert abs(peak - 500) <= 2  # the pitch is kept
    assert abs(np.sqrt(2 * np.mean(middle**2)) - 0.2) < 0.02  # the mean of 0.4 and silence


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff", "mp3"])
def test_truncated_audio_is_named(suffix, tmp_path):
    noise = np.random.default_rng(0).normal(scale=0.1, size=2 * RATE)
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(files.AudioError) as caught:
        files.read_audio(path)
    message = one_line(caught, path)
    assert "truncated" in message or "damaged" in message


def test_a_streamed_wav_without_a_length_is_read(tone, tmp_path):
    path = tmp_path / "x.wav"
    files.write_wav(path, tone, RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4
    path.write_bytes(data)
    assert len(files.read_audio(path)[0]) == len(tone)


def test_missing_empty_and_non_audio_are_named(tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        files.read_audio(tmp_path / "no.wav")
    one_line(missing, tmp_path / "no.wav")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("hello world\n" * 99)
    (tmp_path / "dir.wav").mkdir()
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), RATE)
    for name, why in [
        ("empty.wav", "0 bytes"),
        ("text.wav", "not audio"),
        ("dir.wav", "not a file"),
        ("zero.wav", "0 frames"),
    ]:
        with pytest.raises(files.AudioError) as caught:
            files.read_audio(tmp_path / name)
        one_line(caught, tmp_path / name, why)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_named(value, tone, tmp_path):
    tone[1234] = value
    soundfile.write(tmp_path / "x.wav", tone, RATE, subtype="FLOAT")
    with pytest.raises(files.AudioError) as caught:
        files.read_audio(tmp_path / "x.wav")
    one_line(caught, tmp_path / "x.wav", "sample 1234", value)


@pytest.mark.parametrize("level", [0.0, 0.25])  # a constant is as silent as zeros
def test_silence_is_an_error_unless_allowed(level, tmp_path):
    path = tmp_path / "x.wav"
    files.write_wav(path, np.full(RATE, level), RATE)
    with pytest.raises(files.AudioError) as caught:
        files.read_audio(path)
    one_line(caught, path, "silent")
    audio, _ = files.read_audio(path, allow_silence=True)
    assert len(audio) == RATE


def test_a_folder_takes_the_place_of_the_old_one_whole(tmp_path):
    folder = tmp_path / "corpus"
    for content in ("old", "new"):
        with files.whole_folder(folder) as part:
            files.write_text(part / "audio" / content, content)
    assert [p.name for p in folder.rglob("*") if p.is_file()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_folder_leaves_the_old_one_and_nothing_else(tmp_path, error):
    folder = tmp_path / "corpus"
    with files.whole_folder(folder) as part:
        files.write_text(part / "old", "old")
    with pytest.raises(error), files.whole_folder(folder) as part:
        files.write_text(part / "half", "half")
        raise error
    assert [p.name for p in tmp_path.rglob("*")] == ["corpus", "old"]
