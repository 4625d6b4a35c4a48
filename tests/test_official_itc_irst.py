"""ITC-Irst as a user lays it out: twelve sessions, one channel, sixteen classes, nine and three."""

import functools
import shutil

import pytest
from conftest import refused
from official_layouts import edit, wave, write_sessions

from sedutils.corpora import recorded
from sedutils.corpora.official import itc_irst as itc
from sedutils.corpora.official.annotations import OfficialError
from sedutils.corpora.official.scenes import RECORDINGS
from sedutils.pipeline import files


@pytest.fixture(scope="session")
def owned(tmp_path_factory):
    return write_sessions(tmp_path_factory.mktemp("itc"))


@pytest.fixture
def sessions(owned, tmp_path):
    return shutil.copytree(owned, tmp_path / "itc")


@pytest.fixture
def read(sessions):
    return functools.partial(itc.read, sessions)


def test_twelve_sessions_twelve_classes(owned, capsys):
    recordings, events, labels, _ = itc.read(owned)
    assert list(recordings) == list(RECORDINGS) and len(recordings) == 12
    assert set(recordings["scene"]) == {"meeting_room"}
    assert recordings["path"][0] == "audio/s01.wav" and recordings["sample_rate"][0] == 44100
    assert labels == itc.EVALUATED and len(labels) == 12 and list(labels) == sorted(labels)
    assert set(events["label"]) == set(labels) and len(events) == 12 * 12  # of 16 a session
    assert capsys.readouterr().err == ""


def test_a_fold_a_training_session_and_one_test_set(owned):
    folds = itc.read(owned)[3]
    assert len(folds) == 9 * 12
    for fold, rows in folds.groupby("fold"):
        split = rows.groupby("split")["recording"].agg(list)
        assert split["test"] == ["s10", "s11", "s12"]
        assert split["validation"] == [f"s{10 - fold:02}"]  # the list is not in order of names
        assert len(split["train"]) == 8


def test_the_corpus_keeps_the_folds_of_the_lists(owned, tmp_path):
    settings = {"official": str(owned)}
    made = recorded.make(
        "itc_irst", "official", settings, tmp_path / "out", backend="in-process", workers=1
    )
    assert made.fold_numbers == list(range(1, 10)) and made.labels == itc.EVALUATED
    assert made.recordings_of("validation", 2)["recording"].tolist() == ["s08"]
    assert made.audio_path("s03") == owned / "audio" / "s03.wav"


@pytest.mark.parametrize(
    ("data", "needles"),
    [
        (wave(44100, 4, "PCM_24"), ["4 channels at 44100 Hz", "TABLE 1 alone"]),
        (wave(16000), ["1 channels at 16000 Hz", "44100 Hz"]),
    ],
)
def test_only_the_one_channel_at_its_rate(data, needles, sessions, read):
    path = sessions / "audio" / "s04.wav"
    path.write_bytes(data)
    refused(OfficialError, read, path, *needles)


def test_raw_and_broken_audio_is_named(sessions, read):
    raw = sessions / "audio" / "s13.raw"
    raw.write_bytes(b"\0" * 300)
    refused(OfficialError, read, raw, "needs a header")
    raw.unlink()
    path = sessions / "audio" / "s05.wav"
    path.write_bytes(path.read_bytes()[:900])
    refused(files.AudioError, read, path, "truncated")


@pytest.mark.parametrize(
    ("change", "needles"),
    [
        (lambda text: text + "0.09\t441\tcough\n", ["s02.txt line 17", "441"]),  # samples
        (lambda text: text + "0.09 0.095 cough\n", ["s02.txt line 17", "not onset"]),
        (lambda text: text.replace("cough", "Cough"), ["17 classes, expected 16", "Cough"]),
        (lambda text: "", ["s02.txt: no event"]),
    ],
)
def test_bad_annotation_is_named(change, needles, sessions, read):
    edit(sessions / "meta" / "s02.txt", change)
    refused(OfficialError, read, sessions / "meta", *needles)


def test_every_class_is_in_training_and_sixteen_there_are(sessions, read):
    for number in range(1, 10):
        note = sessions / "meta" / f"s{number:02}.txt"
        edit(note, lambda text: text.replace("keyboard typing", "speech"))
    refused(OfficialError, read, sessions / "meta", "class keyboard_clicking in a training session")
    for note in (sessions / "meta").iterdir():
        edit(note, lambda text: text.replace("\tspeech", "\tkeyboard clicking"))
    refused(OfficialError, read, sessions / "meta", "15 classes, expected 16", "door_open")


def test_other_counts_and_files_are_named(sessions, read):
    note, audio = sessions / "meta" / "s12.txt", sessions / "audio" / "s12.wav"
    note.rename(sessions / "kept")
    refused(OfficialError, read, audio, f"no annotation {note}")
    audio.unlink()
    refused(OfficialError, read, sessions / "audio", "11 sessions, expected 12")
    shutil.rmtree(sessions / "meta")
    refused(FileNotFoundError, read, sessions / "meta")
    refused(FileNotFoundError, lambda: itc.read(sessions / "no"), "not public")


@pytest.mark.parametrize(
    ("name", "change", "needles"),
    [
        ("test", lambda text: text + "audio/s01.wav\n", ["line 4", "s01.wav is in train.txt too"]),
        ("test", lambda text: text.replace("s12", "s13"), ["line 3", "audio/s13.wav"]),
        ("test", lambda text: text[:-14], ["2 sessions, expected 3"]),
        ("train", lambda text: text[:-14], ["8 sessions, expected 9"]),
        ("train", lambda text: "", ["empty list"]),
    ],
)
def test_bad_lists_are_named(name, change, needles, sessions, read):
    file = sessions / "evaluation_setup" / f"{name}.txt"
    edit(file, change)
    refused(OfficialError, read, file, *needles)


def test_overlapping_events_are_counted_and_kept(sessions, read, capsys):
    note = sessions / "meta" / "s07.txt"
    edit(note, lambda text: text + "0.01\t0.09\tlaugh\n")
    assert len(read()[1]) == 12 * 12 + 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and str(note) in told
    # those that begin more than 20 ms before 0.09 s: at 0.015, 0.020, ... 0.065
    assert ": 11 events begin before another ends" in told
