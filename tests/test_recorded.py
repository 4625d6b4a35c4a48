"""Recorded corpora: made or read into folds that share nothing, the same bytes however they are made."""

import functools

import pandas as pd
import pytest
from conftest import refused
from official_layouts import chunk_names, wave, write_chunks, write_folds

from sedutils.claims import facts
from sedutils.corpora import corpus, recorded
from sedutils.corpora.official import chime_home
from sedutils.corpora.official import tut_sound_events_2016 as tut
from sedutils.foley import home
from sedutils.pipeline import files
from sedutils.show import corpus_tables, titles

CHUNKS = {"seed": 3, "development": 8, "evaluation": 2, "validation_share": 0.2}
IN_PROCESS = {"backend": "in-process", "workers": 1}
PUBLISHED = facts.read("data/published/cakir2017_crnn.yaml")


def test_folds_of_a_made_home_share_no_part():
    plan, _ = home.plan(3, 40, 10)
    folds = recorded.folds_of(plan, CHUNKS)
    part = folds.recording.map(plan.set_index("recording").fold)
    for fold, rows in folds.groupby("fold"):
        splits = rows.split.groupby(part).unique()
        assert all(len(names) == 1 for names in splits)  # parts share voices within, never between
        assert splits[fold] == ["test"]
        if fold > 0:
            assert set(rows.recording) == set(plan.recording[plan.fold > 0])
    assert (folds[folds.fold == 0].split == "test").sum() == 10
    counts = folds.groupby(["fold", "split"]).size().unstack()
    assert counts.validation.tolist() == [10] * 5
    assert counts.train.tolist() == [30, 20, 20, 20, 20]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    return recorded.make("chime_home", "foley", CHUNKS, folder, **IN_PROCESS)


def test_a_made_home_is_a_corpus_of_tags_with_an_evaluation_fold(made):
    assert made.events is None and made.labels == home.LABELS
    assert made.fold_numbers == [0, 1, 2, 3, 4]
    assert len(made.recordings_of("test", 0)) == 2 and len(made.recordings_of("test", 1)) == 2
    plan, _ = home.plan(3, 8, 2)
    for row in plan.itertuples():
        assert made.tags_of(row.recording) == [t for t in home.LABELS if t in row.tags.split()]


def test_bytes_depend_on_no_order_and_no_number_of_workers(made, tmp_path):
    recorded.make("chime_home", "foley", CHUNKS, tmp_path, backend="processes", workers=2)
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(names) == 10 + 4
    for name in names:
        assert files.digest(tmp_path / name) == files.digest(made.folder / name), name


def test_whole_numbers_of_folds_are_read_back_as_such(made):
    text = (made.folder / "folds.csv").read_text().splitlines()
    assert text[1].startswith("0,")
    assert pd.read_csv(made.folder / "folds.csv").fold.dtype == int


@pytest.fixture
def official_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(chime_home, "N_DEVELOPMENT", 20)
    monkeypatch.setattr(chime_home, "N_EVALUATION", (3, 4))
    monkeypatch.setattr(home, "SECONDS", 0.1)
    return write_chunks(tmp_path / "chime", chunk_names(20), chunk_names(4, 100))


def test_official_chunks_are_held_out_by_whole_segments(official_chunks, tmp_path):
    settings = {"official": str(official_chunks), "seed": 1, "validation_share": 0.2}
    made = recorded.make("chime_home", "official", settings, tmp_path / "out", **IN_PROCESS)
    assert made.fold_numbers == [0, 1, 2, 3, 4, 5]
    segment = made.folds.recording.str.split("_chunk").str[0]
    assert (made.folds.groupby([made.folds.fold, segment]).split.nunique() == 1).all()
    # 10 development segments; two of them, four chunks, validate in fold 0, ceil(0.2 * 8) elsewhere
    assert [len(made.recordings_of("validation", k)) for k in range(6)] == [4] * 6
    assert len(made.recordings_of("test", 0)) == 4


@pytest.fixture
def official_scenes(tmp_path):
    folder = tmp_path / "tut"
    for scene, labels in tut.SCENE_LABELS.items():
        paths = [f"audio/{scene}/a{i:02d}.wav" for i in range(tut.N_RECORDINGS[scene])]
        rows = [f"0.0{i % 5}\t0,09\t{label}".replace(".", ",") for i, label in enumerate(labels)]
        for path in paths:
            files.write_bytes(folder / path, wave(44100, 2, "PCM_24"))
            note = path.replace("audio", "meta").replace(".wav", ".ann")
            files.write_text(folder / note, "\n".join(rows).replace("_", " ") + "\n")
        write_folds(folder, paths, tut.N_FOLDS, prefix=f"{scene}_", scene="")
    return folder


def test_official_scenes_hold_out_a_share_of_every_scene(official_scenes, tmp_path):
    settings = {"official": str(official_scenes), "seed": 1, "validation_share": 0.2}
    make = functools.partial(recorded.make, "tut_sound_events_2016", "official", settings)
    made = make(tmp_path / "out", **IN_PROCESS)
    assert len(made.recordings) == 22 and len(made.labels) == 17
    scene = made.recordings.set_index("recording").scene
    for fold in made.fold_numbers:
        held = made.recordings_of("validation", fold).recording.map(scene).value_counts()
        assert held.to_dict() == {"home": 2, "residential_area": 2}  # ceil(0.2 * 7 or 8), * 9
    again = make(tmp_path / "again", **IN_PROCESS)
    pd.testing.assert_frame_equal(made.folds, again.folds)


def test_bad_input_is_one_line(tmp_path):
    settings = {"official": str(tmp_path / "nowhere"), "seed": 1, "validation_share": 0.2}
    make = functools.partial(recorded.make, folder=tmp_path / "out", settings=settings)
    for name in recorded.READERS:
        refused(FileNotFoundError, lambda n=name: make(n, "official", **IN_PROCESS), "nowhere")
    refused(ValueError, lambda: make("esc50", "foley", **IN_PROCESS), "esc50", "chime_home")
    refused(
        ValueError, lambda: make("chime_home", "bank", **IN_PROCESS), "corpora.chime_home.source"
    )
    few = CHUNKS | {"development": 3}
    call = functools.partial(recorded.make, "chime_home", "foley", few, tmp_path / "out")
    refused(ValueError, lambda: call(**IN_PROCESS), "3 development chunks for 4 folds")


def tiny(tmp_path, tags=None, events=None):
    recordings = pd.DataFrame(
        {
            "recording": ["a", "b", "c"],
            "path": ["a.wav", "b.wav", "c.wav"],
            "duration_s": 60.0,
            "sample_rate": 44100,
            "scene": ["x", "x", "y"],
            "split": "",
        }
    )
    names = {1: ("train", "validation", "test"), 2: ("test", "train", "validation")}
    names[3] = ("validation", "test", "train")
    rows = [(k, r, s) for k, each in names.items() for r, s in zip("abc", each, strict=True)]
    folds = pd.DataFrame(rows, columns=["fold", "recording", "split"])
    corpus.write(tmp_path, recordings, events, ["p", "q", "r"], tags=tags, folds=folds)
    return corpus.read(tmp_path)


def test_summary_and_minutes_by_hand(tmp_path):
    rows = [("a", 0.0, 30.0, "q"), ("a", 20.0, 50.0, "p"), ("c", 0.0, 60.0, "p")]
    events = pd.DataFrame(rows, columns=["recording", "onset_s", "offset_s", "label"])
    made = tiny(tmp_path, events=events)
    table = corpus_tables.summary(made, PUBLISHED.dataset(titles.DATASETS["tut_sed_2009"]))
    assert table.ours.to_dict() == {
        "recordings": 3,
        "minutes": 3.0,
        "scenes": 2,
        "classes": 3,
        "folds": 3,
        "events": 3,
        "mean polyphony": 0.67,  # 120 s of events in 180 s
    }
    assert table.paper["mean polyphony"] == 2.53 and table.paper["minutes"] == 1133
    assert corpus_tables.class_minutes(made).to_dict() == {"r": 0.0, "q": 0.5, "p": 1.5}
    cut = corpus_tables.as_events(made, "a", 25.0)
    assert cut.offset_s.tolist() == [25.0, 25.0]
    folds = corpus_tables.fold_summary(made)
    assert folds["events"]["train"].tolist() == [2, 0, 1]
    assert folds["classes"]["test"].tolist() == [1, 2, 0]


def test_summary_of_tags_by_hand(tmp_path):
    tags = pd.DataFrame([("a", "p"), ("a", "q"), ("c", "p")], columns=["recording", "label"])
    made = tiny(tmp_path, tags=tags)
    table = corpus_tables.summary(made, PUBLISHED.dataset(titles.DATASETS["chime_home"]))
    assert table.ours["mean tags of a chunk"] == 1.0
    assert table.paper["recordings"] == 1946 + 846 and table.paper["folds"] == 4
    unknown = corpus_tables.summary(made, corpus_tables.described("a corpus of no paper"))
    assert unknown.ours.equals(table.ours) and set(unknown.paper) == {""}
    assert corpus_tables.class_minutes(made).to_dict() == {"r": 0.0, "q": 1.0, "p": 2.0}
    assert corpus_tables.as_events(made, "a", 4.0).label.tolist() == ["p", "q"]
