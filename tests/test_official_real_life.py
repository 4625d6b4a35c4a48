"""Recordings of real scenes: the strict readers of TUT Sound Events 2016 and TUT-SED 2009."""

import functools
import shutil

import numpy as np
import pytest
from conftest import refused
from official_layouts import DURATION_S, check_folds, edit, packed, wave, write_folds

from sedutils.corpora.official import annotations, download
from sedutils.corpora.official import tut_sed_2009 as tut09
from sedutils.corpora.official import tut_sound_events_2016 as tut16
from sedutils.corpora.official.annotations import OfficialError
from sedutils.corpora.official.scenes import RECORDINGS
from sedutils.pipeline import files

# annotation lines


def test_annotation_lines(tmp_path):
    file = tmp_path / "a.ann"
    file.write_bytes("\ufeff0,01\t0,05\t(object) banging\r\n\r\n0.06\t1,0e-1\ta  b".encode())
    rows = annotations.read_annotation(file, None, 0.1, 0.02)
    assert rows == [(0.01, 0.05, "object_banging"), (0.06, 0.1, "a_b")]
    refused(OfficialError, lambda: annotations.read_annotation(file, ["a_b"], 1, 0), file, "line 1")
    file.write_bytes(b"0.01\t0.05\tcaf\xe9\n")
    refused(OfficialError, lambda: annotations.read_annotation(file, None, 1, 0), file, "not text")
    file.unlink()
    refused(FileNotFoundError, lambda: annotations.read_annotation(file, None, 1, 0), file)


# TUT Sound Events 2016


@pytest.fixture(scope="session")
def published_2016(tmp_path_factory):
    """The published layout; the same names in both scenes, labels as published."""
    folder, audio = tmp_path_factory.mktemp("tut16"), wave(44100, 2, "PCM_24")
    spelled = {"object_banging": "(object) banging", "object_snapping": "(object) snapping"}
    for scene, count in tut16.N_RECORDINGS.items():
        names = [f"a{number:03}" for number in range(count)]
        labels = [spelled.get(x, x.replace("_", " ")) for x in tut16.SCENE_LABELS[scene]]
        for i, name in enumerate(names):
            files.write_bytes(folder / "audio" / scene / f"{name}.wav", audio)
            heard = [labels[i % len(labels)], labels[(i + 5) % len(labels)]]
            text = f"0.010000\t0.050000\t{heard[0]}\r\n0,020000\t0,100000\t{heard[1]}\r\n"
            files.write_text(folder / "meta" / scene / f"{name}.ann", text)
        paths = [f"audio/{scene}/{name}.wav" for name in names]
        write_folds(folder, paths, 4, f"{scene}_", f"\t{scene}")
    return folder


@pytest.fixture
def tut2016(published_2016, tmp_path):
    return shutil.copytree(published_2016, tmp_path / "tut16")


def test_2016(tut2016):
    recordings, events, labels, folds = tut16.read(tut2016)
    assert list(recordings) == list(RECORDINGS) and len(recordings) == 22
    assert recordings["scene"].value_counts().to_dict() == {"home": 10, "residential_area": 12}
    row = recordings.iloc[10]
    assert row["recording"] == "residential_area_a000" and row["sample_rate"] == 44100
    assert row["path"] == "audio/residential_area/a000.wav"
    np.testing.assert_allclose(recordings["duration_s"], DURATION_S)
    assert len(labels) == 17 and list(labels) == sorted(labels) and "object_banging" in labels
    assert len(events) == 44 and set(events["label"]) == set(labels)
    walking = events["recording"][events["label"] == "people_walking"]
    assert {name.rsplit("_", 1)[0] for name in walking} == set(tut16.N_RECORDINGS)
    check_folds(folds, recordings, 4)
    assert folds[folds["split"] == "test"]["fold"].value_counts().to_dict() == {
        1: 6,
        2: 6,
        3: 5,
        4: 5,
    }
    files.read_audio(tut2016 / row["path"])


def test_2016_without_evaluate_lists(tut2016):
    for file in (tut2016 / "evaluation_setup").glob("*_evaluate.txt"):
        file.unlink()
    assert tut16.is_unpacked(tut2016) and len(tut16.read(tut2016)[3]) == 88


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("", ["no event"]),
        ("0.01\t0.05\tdishes\n0.01\t0.0", ["line 2", "not onset"]),
        ("0.01\t0.05\n", ["line 1", "not onset"]),
        ("0.01\t0.05\t\n", ["line 1", "unknown label ''"]),
        ("0.01\t0.05\tsnow\n", ["line 1", "'snow'"]),
        ("0.01\t0.05\tbird singing\n", ["line 1", "'bird singing'"]),  # of the other scene
        ("0.05\t0.01\tdishes\n", ["line 1", "onset 0.05", "offset 0.01"]),
        ("0.05\t0.13\tdishes\n", ["line 1", "offset 0.13", "allowed to 0.12"]),
        ("0.1\t0.11\tdishes\n", ["line 1", "onset 0.1", "ends at 0.1"]),
        ("0.01\t0.05\tdishes\n0,01\t0,05\tdishes\n", ["line 2", "duplicate"]),
    ],
)
def test_2016_bad_annotation_is_named(text, needles, tut2016):
    file = tut2016 / "meta" / "home" / "a003.ann"
    file.write_text(text)
    refused(OfficialError, lambda: tut16.read(tut2016), file, *needles)


def test_2016_missing_and_surplus_files_are_named(tut2016):
    read = functools.partial(tut16.read, tut2016)
    audio, meta = tut2016 / "audio" / "home" / "a007.wav", tut2016 / "meta" / "home" / "a007.ann"
    meta.rename(tut2016 / "kept")
    assert not tut16.is_unpacked(tut2016)
    refused(OfficialError, read, audio, f"no annotation {meta}")
    (tut2016 / "kept").rename(meta)
    audio.rename(tut2016 / "kept.wav")
    refused(OfficialError, read, meta, f"no recording {audio}")
    meta.unlink()
    refused(OfficialError, read, audio.parent, "9 recordings, expected 10")
    (tut2016 / "audio" / "street").mkdir()
    refused(OfficialError, read, "street", "unknown scene")
    shutil.rmtree(tut2016 / "audio")
    refused(FileNotFoundError, read, tut2016 / "audio")
    refused(FileNotFoundError, lambda: tut16.read(tut2016 / "no"), "tut_sound_events_2016")


def test_2016_each_scene_needs_its_own_classes(tut2016):
    for file in (tut2016 / "meta" / "residential_area").iterdir():
        edit(file, lambda text: text.replace("people walking", "wind blowing"))
    needles = [tut2016 / "meta" / "residential_area", "no event of class people_walking"]
    refused(OfficialError, lambda: tut16.read(tut2016), *needles)


def test_2016_broken_audio_is_named(tut2016):
    path = tut2016 / "audio" / "home" / "a001.wav"
    path.write_bytes(path.read_bytes()[:900])
    refused(files.AudioError, lambda: tut16.read(tut2016), path, "truncated")


A0, A1, A3 = (f"audio/home/a00{i}.wav" for i in (0, 1, 3))


@pytest.mark.parametrize(
    ("name", "change", "needles"),
    [
        ("home_fold1_train.txt", lambda text: text + A0[:-3], ["line 15", "no recording", A0[:-3]]),
        ("home_fold1_train.txt", lambda text: text + text, ["line 15", "duplicate row"]),
        ("home_fold1_train.txt", lambda text: text.replace(A3, A1), ["duplicate row"]),
        ("home_fold1_train.txt", lambda text: "", ["empty list"]),
        ("home_fold1_test.txt", lambda text: text.split("\n", 1)[1], ["fold1_train", A0]),
        ("home_fold1_test.txt", lambda text: text + A1, ["line 4", A1, "home_fold1_train.txt too"]),
        ("home_fold3_evaluate.txt", lambda text: text + A3, ["home_fold3_test.txt", A3]),
        ("residential_area_fold2_test.txt", lambda text: text + A1, ["no recording", A1]),
    ],
)
def test_2016_bad_lists_are_named(name, change, needles, tut2016):
    file = tut2016 / "evaluation_setup" / name
    edit(file, change)
    refused(OfficialError, lambda: tut16.read(tut2016), tut2016 / "evaluation_setup", *needles)


def test_2016_each_recording_is_tested_once(tut2016):
    setup = tut2016 / "evaluation_setup"
    read = functools.partial(tut16.read, tut2016)

    def train_only(fold, path):
        edit(setup / f"home_fold{fold}_test.txt", lambda text: text.replace(f"{path}\n", ""))
        edit(setup / f"home_fold{fold}_train.txt", lambda text: text + f"{path}\n")

    def test_only(fold, path):
        rows = (setup / f"home_fold{fold}_train.txt").read_text().splitlines(keepends=True)
        kept = "".join(row for row in rows if not row.startswith(path))
        (setup / f"home_fold{fold}_train.txt").write_text(kept)
        edit(setup / f"home_fold{fold}_test.txt", lambda text: text + f"{path}\n")

    test_only(2, A0)
    refused(OfficialError, read, setup / "home_fold2_test.txt", "line 4", A0, "in fold 1 too")
    train_only(1, A0)
    for file in setup.glob("*_evaluate.txt"):
        file.unlink()
    check_folds(read()[3], read()[0], 4)
    train_only(2, A0)
    refused(OfficialError, read, setup, "tested in no home_fold", A0)
    (setup / "home_fold4_test.txt").unlink()
    refused(FileNotFoundError, read, setup / "home_fold4_test.txt")


# TUT-SED 2009


@pytest.fixture(scope="session")
def owned_2009(tmp_path_factory):
    """The documented layout: ten scenes of eight recordings, 61 classes."""
    folder, audio = tmp_path_factory.mktemp("tut09"), wave(8000)
    labels = ["unknown", "shoe squeaks"] + [f"class {number}" for number in range(59)]
    paths = []
    for scene in tut09.SCENES:
        for name in range(8):
            label = labels[len(paths) % 61]
            files.write_bytes(folder / "audio" / scene / f"{name}.wav", audio)
            files.write_text(folder / "meta" / scene / f"{name}.txt", f"0\t0,05\t{label}\n")
            paths.append(f"audio/{scene}/{name}.wav")
    write_folds(folder, paths, 5)
    return folder


@pytest.fixture
def tut2009(owned_2009, tmp_path):
    return shutil.copytree(owned_2009, tmp_path / "tut09")


def test_2009(tut2009):
    recordings, events, labels, folds = tut09.read(tut2009)
    assert list(recordings) == list(RECORDINGS) and len(recordings) == 80
    assert recordings["recording"].is_unique and recordings["scene"].nunique() == 10
    assert len(labels) == 61 and list(labels) == sorted(labels)
    assert {"unknown", "shoe_squeaks"} <= set(labels) and len(events) == 80
    check_folds(folds, recordings, 5)


def test_2009_other_counts_are_named(tut2009):
    read = functools.partial(tut09.read, tut2009)
    note = tut2009 / "meta" / "beach" / "0.txt"
    edit(note, lambda text: text + "0.01\t0.02\tShoe squeaks\n")
    refused(OfficialError, read, tut2009 / "meta", "62 classes, expected at most 61")
    edit(note, lambda text: text.replace("Shoe", "shoe") + "0.02\t0.01\tunknown\n")
    refused(OfficialError, read, note, "line 3", "onset 0.02", "offset 0.01")
    for file in (note, tut2009 / "audio" / "beach" / "0.wav"):
        file.unlink()
    refused(OfficialError, read, tut2009 / "audio" / "beach", "7 recordings, expected 8 to 14")
    shutil.rmtree(tut2009 / "audio" / "street")
    refused(FileNotFoundError, read, tut2009 / "audio" / "street")
    (tut2009 / "meta" / "tram").mkdir()
    refused(OfficialError, read, tut2009 / "meta" / "tram", "unknown scene")
    refused(FileNotFoundError, lambda: tut09.read(tut2009 / "no"), "not public")


def test_2009_a_recording_in_two_test_lists(tut2009):
    setup = tut2009 / "evaluation_setup"
    again = (setup / "fold1_test.txt").read_text()
    edit(setup / "fold4_test.txt", lambda text: text + again)
    edit(
        setup / "fold4_train.txt",
        lambda text: "\n".join(
            row for row in text.splitlines() if row.split("\t")[0] not in again.split()
        ),
    )
    needles = [setup / "fold4_test.txt", "line 17", "audio/basketball_game/0.wav", "in fold 1 too"]
    refused(OfficialError, lambda: tut09.read(tut2009), *needles)
    (setup / "fold1_train.txt").unlink()
    refused(FileNotFoundError, lambda: tut09.read(tut2009), setup / "fold1_train.txt")


# downloads


def test_2016_registry():
    listed = download.packages("tut_sound_events_2016")
    assert len(listed) == 2 and sum(package.bytes for package in listed) == 1_014_162_988
    for package in listed:
        assert len(package.md5) == 32
        for url in package.urls:
            assert url.startswith("https://zenodo.org/") and url.endswith("/" + package.name)


def test_2016_install_unpacks_and_checks(published_2016, tmp_path):
    raw = tmp_path / "raw"
    registry = packed("tut_sound_events_2016", published_2016, raw)
    for _ in range(2):  # the second time without the archive
        message = download.install("tut_sound_events_2016", raw, registry=registry)
        assert "22 recordings, 44 events, 17 classes" in message
        (raw / "set.tar.gz").unlink(missing_ok=True)
    assert not (raw / "README").exists()
