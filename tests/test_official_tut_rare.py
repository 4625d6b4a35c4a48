"""TUT Rare Sound Events 2017 as archives and synthesiser leave it, with fewer files of everything."""

import functools
import os
import shutil

import pytest
import yaml
from conftest import refused
from official_layouts import edit, wave
from sections import RARE_EVENTS

from sedutils.corpora import rare as rare_mixing
from sedutils.corpora.official import download
from sedutils.corpora.official import tut_rare_2017 as rare
from sedutils.corpora.official.annotations import OfficialError
from sedutils.pipeline import files

EVENTS = {
    "devtrain": dict.fromkeys(rare.LABELS, 6),
    "devtest": dict.fromkeys(rare.LABELS, 2),
}
BACKGROUNDS = {"devtrain": 12, "devtest": 3}
N_MIXTURES, PATCHED = 4, 3
HASH = {"devtest": "20b255", "evaltest": "bbb815"}
WAVE = wave(44100, 1, "PCM_24")  # of 0.1 s


def link(source, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, path)


def write_mixtures(folder, subset, source):
    place = folder / "data" / "mixture_data" / subset / HASH[subset]
    for label in rare.LABELS:
        lines = []
        for i in range(N_MIXTURES):
            name = f"mixture_{subset}_{label}_{i:03d}_07a75692b15446.wav"
            link(source, place / "audio" / name)
            lines.append(name + (f"\t0.0{i + 1}\t0.08\t{label}" if i % 2 else ""))
        text = "\r\n".join(lines) + "\r\n"
        files.write_text(place / "meta" / f"event_list_{subset}_{label}.csv", text)


def write_sources(folder, source):
    place = folder / "data" / "source_data"
    for subset, first in (("devtrain", 0), ("devtest", 500)):
        listed = {}
        for label, count in EVENTS[subset].items():
            ids = [
                f"{first + i // 2}{rare.LABELS.index(label)}" for i in range(count)
            ]  # two events a recording
            for name in set(ids):
                link(source, place / "events" / label / f"{name}.wav")
                note = {"valid_segments": [[0.0, 0.04], [0.05, 0.1]], "license": "CC0"}
                text = yaml.safe_dump(note) + "username: !!python/unicode 'someone'\n"
                files.write_text(place / "events" / label / f"{name}.yaml", text)
            listed[label] = [
                {"audio_filename": f"{name}.wav", "segment": [[0.0, 0.04], [0.05, 0.1]][i % 2]}
                for i, name in enumerate(ids)
            ]
        files.write_text(place / "cv_setup" / f"events_{subset}.yaml", yaml.safe_dump(listed))
        names = [f"audio/b{first + i // 3}_{i % 3}.wav" for i in range(BACKGROUNDS[subset])]
        for name in names:
            link(source, place / "bgs" / name)
        rows = [{"filepath": name, "classname": "cafe/restaurant"} for name in names]
        files.write_text(place / "cv_setup" / f"bgs_{subset}.yaml", yaml.safe_dump(rows))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rare")
    (folder / "one.tmp").write_bytes(WAVE)
    for subset in rare.SUBSETS:
        write_mixtures(folder, subset, folder / "one.tmp")
    write_sources(folder, folder / "one.tmp")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(rare, "N_MIXTURES", N_MIXTURES)
    monkeypatch.setattr(rare, "N_PATCHED", {("devtest", "babycry"): PATCHED})
    monkeypatch.setattr(rare, "N_EVENTS", EVENTS)
    monkeypatch.setattr(rare, "N_BACKGROUNDS", BACKGROUNDS)


@pytest.fixture
def raw(published, tmp_path):
    return shutil.copytree(published, tmp_path / "raw")


@pytest.fixture
def read(raw):
    return functools.partial(rare.read, raw)


@pytest.fixture
def read_sources(raw):
    return functools.partial(rare.read_sources, raw)


def list_of(raw, label="gunshot", subset="devtest"):
    meta = raw / "data" / "mixture_data" / subset / HASH[subset] / "meta"
    return meta / f"event_list_{subset}_{label}.csv"


def setup_of(raw, name):
    return raw / "data" / "source_data" / "cv_setup" / name


def test_the_ready_made_mixtures(published, capsys):
    recordings, events, labels = rare.read(published)
    assert labels == ("babycry", "glassbreak", "gunshot")
    counts = recordings.groupby(["split", "scene"]).size()
    assert set(counts) == {4} and list(counts.index.levels[0]) == ["development", "evaluation"]
    assert len(events) == 12 and events["recording"].is_unique
    first = events.iloc[0]
    assert first["recording"] == "mixture_devtest_babycry_001_07a75692b15446"
    assert (first["onset_s"], first["offset_s"], first["label"]) == (0.02, 0.08, "babycry")
    assert (published / recordings["path"][0]).is_file()
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "4 mixtures (not patched" in told


def test_the_patched_babycry_is_accepted_and_said(raw, read, capsys):
    edit(list_of(raw, "babycry"), lambda text: text.split("\n", 1)[1])
    assert len(read()[0]) == 23
    assert "3 mixtures (patched)" in capsys.readouterr().err


@pytest.mark.parametrize(("label", "subset"), [("gunshot", "devtest"), ("babycry", "evaltest")])
def test_other_counts_are_refused(label, subset, raw, read):
    file = list_of(raw, label, subset)
    edit(file, lambda text: text.split("\n", 1)[1])
    refused(OfficialError, read, file, "3 mixtures, expected 4")
    baby = list_of(raw, "babycry")
    edit(baby, lambda text: "\n".join(text.split("\n")[2:]))
    refused(OfficialError, read, baby, "2 mixtures, expected 4 or 3")


@pytest.mark.parametrize(
    ("change", "needles"),
    [
        (lambda t: t.replace("\tgunshot", "", 1), ["line 2", "neither a file name"]),
        (lambda t: t.replace("\t0.08\tgunshot", "", 1), ["line 2", "neither a file name"]),
        (lambda t: t.replace("\t0.02", "\tNaN", 1), ["line 2", "neither a file name"]),
        (lambda t: t.replace("\t0.08", "\t0.8", 1), ["line 2", "event 0.02 to 0.8 s", "of 0.1 s"]),
        (lambda t: t.replace("\t0.08", "\t0.01", 1), ["line 2", "event 0.02 to 0.01 s"]),
        (lambda t: t.replace("\tgunshot", "\tgunshots", 1), ["line 2", "class 'gunshots'"]),
        (lambda t: t.replace("_gunshot_", "_babycry_", 1), ["line 1", "no mixture of devtest"]),
        (lambda t: t.replace("mixture_", "../mixture_", 1), ["line 1", "no mixture of devtest"]),
        (lambda t: t.replace("_003_", "_001_"), ["line 4", "duplicate mixture"]),
    ],
)
def test_a_bad_line_is_named(change, needles, raw, read):
    file = list_of(raw)
    edit(file, change)
    refused(OfficialError, read, file, *needles)


def test_missing_and_doubled_folders_and_files_are_named(raw, read, tmp_path):
    place = raw / "data" / "mixture_data" / "devtest"
    (place / "other").mkdir()
    refused(OfficialError, read, place, "several folders of mixtures", HASH["devtest"], "other")
    (place / "other").rmdir()
    audio = next(iter(sorted((place / HASH["devtest"] / "audio").iterdir())))
    audio.rename(tmp_path / "kept")
    refused(FileNotFoundError, read, audio)
    audio.write_bytes(WAVE[:900])
    refused(files.AudioError, read, audio, "truncated")
    audio.write_bytes(wave(16000))
    refused(OfficialError, read, audio, "sample rate 16000")
    list_of(raw, "babycry").unlink()
    refused(FileNotFoundError, read, list_of(raw, "babycry"))
    shutil.rmtree(place / HASH["devtest"])
    refused(FileNotFoundError, read, place, "synthesiser", "README")
    refused(FileNotFoundError, lambda: rare.read(raw / "no"), "download tut_rare_2017")


def test_the_source_data(published):
    events, backgrounds = rare.read_sources(published)
    assert events.groupby(["split", "label"]).size()["train"].tolist() == [6, 6, 6]
    assert events["group"].nunique() == 3 * (3 + 1)
    assert events.loc[1, ["segment_onset_s", "segment_offset_s"]].tolist() == [0.05, 0.1]
    assert (published / events["path"][0]).is_file()
    assert backgrounds.groupby("split")["group"].nunique().to_dict() == {
        "train": 4,
        "development": 1,
    }
    assert set(backgrounds["label"]) == {"cafe_restaurant"}
    assert backgrounds["duration_s"][0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "change", "needles"),
    [
        ("events_devtrain.yaml", lambda t: t.replace("gunshot:", "shot:"), ["events for each of"]),
        ("events_devtrain.yaml", lambda t: t.replace("segment:", "part:", 1), ["babycry 1"]),
        ("events_devtrain.yaml", lambda t: t.replace("00.wav", "../00.wav", 1), ["babycry 1"]),
        ("events_devtrain.yaml", lambda t: t.replace("0.04", "0.03", 1), ["babycry 1", "none of"]),
        ("events_devtrain.yaml", lambda t: t + "- a\n", ["7 events of gunshot, expected 6"]),
        ("events_devtrain.yaml", lambda t: t + "}", ["line", "not plain YAML"]),
        (
            "events_devtest.yaml",
            lambda t: t + "x: !!python/object/apply:os.getcwd []",
            ["not plain"],
        ),
        (
            "bgs_devtrain.yaml",
            lambda t: t.replace("filepath", "file", 1),
            ["entry 1", "not filepath"],
        ),
        ("bgs_devtrain.yaml", lambda t: t.replace("b0_1.", "b0_0."), ["entry 2", "duplicate"]),
        ("bgs_devtest.yaml", lambda t: "[]", ["0 backgrounds, expected 3"]),
    ],
)
def test_bad_source_lists_are_named(name, change, needles, raw, read_sources):
    edit(setup_of(raw, name), change)
    refused(OfficialError, read_sources, setup_of(raw, name), *needles)


def test_a_location_or_recording_of_both_subsets_is_refused(raw, read_sources):
    shutil.copy(raw / "one.tmp", raw / "data" / "source_data" / "bgs" / "audio" / "b0_9.wav")
    edit(setup_of(raw, "bgs_devtest.yaml"), lambda text: text.replace("b500_2", "b0_9"))
    refused(OfficialError, read_sources, "in devtrain and in devtest: location b0")


def test_bad_notes_and_missing_recordings_are_named(raw, read_sources):
    note = raw / "data" / "source_data" / "events" / "babycry" / "00.yaml"
    note.write_text("valid_segments: [[1.0]]")
    refused(OfficialError, read_sources, note, "no valid_segments")
    note.with_suffix(".wav").unlink()
    note.write_text("valid_segments: [[0.0, 0.04], [0.05, 0.1]]")
    refused(FileNotFoundError, read_sources, note.with_suffix(".wav"))


def test_training_is_mixed_of_the_sources_and_tests_are_left_as_they_are(raw, tmp_path):
    clips = dict.fromkeys(RARE_EVENTS["clips"], 2)
    settings = RARE_EVENTS | {"official": str(raw), "clip_s": 0.1, "clips": clips}
    made = rare_mixing.make("official", settings, tmp_path / "out", backend="in-process", workers=1)
    assert made.recordings.groupby("split").size().to_dict() == {
        "train": 12,
        "validation": 6,
        "development": 12,
        "evaluation": 12,
    }
    assert set(made.recordings.split[made.recordings.recording.isin(made.recipes.recording)]) == {
        "train",
        "validation",
    }
    test = made.recordings_of("development").recording[0]
    assert raw in made.audio_path(test).parents
    split = made.recipes.recording.map(made.recordings.set_index("recording").split)
    location = made.recipes.background.str.extract(r"/(b\d+)_")[0]
    assert (split.groupby(location).nunique() == 1).all()
    assert not location.str.startswith("b500").any()  # devtest's


def test_the_registry_lists_what_can_be_fetched(raw):
    listed = download.packages("tut_rare_2017")
    assert len(listed) == 14
    assert sum(package.bytes for package in listed) == 12_917_506_542
    assert all(len(package.md5) == 32 and len(package.urls) == 2 for package in listed)
    assert rare.is_unpacked(raw)
    shutil.rmtree(raw / "data" / "mixture_data" / "devtest")
    assert rare.is_unpacked(raw)
    shutil.rmtree(raw / "data" / "mixture_data" / "evaltest")
    assert not rare.is_unpacked(raw)
