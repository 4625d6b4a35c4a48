"""Recordings of scenes: polyphony as asked, folds that share nothing, annotation that fits the sound."""

import numpy as np
import pandas as pd
import pytest

from sedutils import foley
from sedutils.corpora import corpus, scenes
from sedutils.foley import speech
from sedutils.foley.scenes import OCCURRENCES
from sedutils.pipeline import files

SETTINGS = {
    "seed": 7,
    "recordings_per_scene": 4,
    "recording_s": 25.0,
    "polyphony": 1.5,
    "event_to_background_db": [3.0, 18.0],
    "folds": 4,
    "validation_share": 0.2,
    "annotation_range_db": 30.0,
    "annotation_gap_s": 0.5,
}


def planned(name, **changes):
    recipe = {
        "seed": 1,
        "recordings_per_scene": 5,
        "recording_s": 60.0,
        "polyphony": 2.53,
        "event_to_background_db": (0.0, 15.0),
    } | changes
    return scenes.plan(foley.SCENES[name], foley.CORPORA[name], **recipe)


def test_the_plan_of_tut_sed_2009_has_its_polyphony_in_every_scene():
    parts = planned("tut_sed_2009")
    scene = parts.recording.str.rsplit("-", n=1).str[0]
    assert scene.nunique() == 10 and parts.label.nunique() >= 25
    seconds = (parts.offset_s - parts.onset_s).groupby(scene).sum() / (5 * 60)
    assert (abs(seconds / 2.53 - 1) < 0.031).all()
    assert parts.instance.is_unique
    assert parts.onset_s.min() >= 0 and parts.offset_s.max() <= 60


def test_a_class_never_overlaps_itself_and_keeps_to_its_scene():
    parts = planned("tut_sound_events_2016", polyphony=0.8)
    for (recording, label), rows in parts.groupby(["recording", "label"]):
        assert (rows.onset_s.to_numpy()[1:] >= rows.offset_s.to_numpy()[:-1]).all()
        assert label in foley.SCENES["tut_sound_events_2016"][recording.rsplit("-", 1)[0]]


def test_classes_are_as_frequent_as_people_counted():
    counts = OCCURRENCES["tut_sound_events_2016"]
    parts = planned(
        "tut_sound_events_2016", polyphony=0.6, recordings_per_scene=40, occurrences=counts
    )
    scene = parts.recording.str.rsplit("-", n=1).str[0]
    drawn = parts.groupby([scene, "label"]).size()
    for name, rows in counts.items():
        assert set(rows) == set(foley.SCENES["tut_sound_events_2016"][name])
        shares = drawn[name] / drawn[name].sum()
        for label, count in rows.items():
            assert shares[label] == pytest.approx(count / sum(rows.values()), rel=0.4, abs=0.01)


def test_same_seed_same_plan_other_seed_another():
    one, two = planned("tut_sound_events_2016"), planned("tut_sound_events_2016")
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(planned("tut_sound_events_2016", seed=2))


def test_what_cannot_be_reached_is_said(monkeypatch):
    with pytest.raises(ValueError, match="polyphony 9 is too much for 7 classes"):
        planned("tut_sound_events_2016", polyphony=9)
    monkeypatch.setattr(scenes.mixing, "ATTEMPTS", 3)
    with pytest.raises(ValueError, match=r"every class of home in two recordings .* 2.0 s"):
        planned("tut_sound_events_2016", recording_s=2.0)


@pytest.mark.parametrize(("groups", "folds", "sizes"), [(5, 5, (3, 1, 1)), (8, 4, (4, 2, 2))])
def test_folds_test_every_recording_once(groups, folds, sizes):
    table = scenes.folds_of(["a", "b"], groups, folds, 0.2)
    counts = table.groupby(["fold", "split"]).size().unstack()
    for split, size in zip(("train", "validation", "test"), sizes, strict=True):
        assert (counts[split] == 2 * size).all()
    assert table[table.split == "test"].recording.is_unique
    group = table.recording.str[-2:]
    assert (table.groupby([table.fold, group]).split.nunique() == 1).all()


def test_too_few_recordings_for_the_folds():
    for groups, folds in ((2, 2), (2, 3)):
        with pytest.raises(ValueError, match=f"2 recordings a scene are too few for {folds} folds"):
            scenes.folds_of(["a"], groups, folds, 0.2)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    name = "tut_sound_events_2016"
    scenes.build(name, folder, SETTINGS, backend="processes", workers=2)
    return corpus.read(folder, check_audio=True)


def test_the_corpus_is_valid_and_has_folds(built):
    assert len(built.recordings) == 8 and built.fold_numbers == [1, 2, 3, 4]
    assert len(built.labels) == 17
    assert len(built.recordings_of("train", 1)) == 4


def test_the_background_never_stops_and_events_stand_out(built):
    recording = built.recordings.recording[0]
    audio, rate = files.read_audio(built.audio_path(recording))
    hop = rate // 10
    levels = 10 * np.log10(np.mean(audio[: len(audio) // hop * hop].reshape(-1, hop) ** 2, axis=1))
    assert levels.min() > -70
    busy = np.zeros(len(levels), bool)
    for event in built.events_of(recording).itertuples():
        busy[int(event.onset_s * 10) : int(np.ceil(event.offset_s * 10))] = True
    assert busy.any() and not busy.all()
    assert np.median(levels[busy]) > np.median(levels[~busy]) + 3


def test_events_lie_within_what_was_planned(built):
    for event in built.events.itertuples():
        rows = built.parts[
            (built.parts.recording == event.recording) & (built.parts.label == event.label)
        ]
        inside = (rows.onset_s - 1e-6 <= event.onset_s) & (event.offset_s <= rows.offset_s + 1e-6)
        assert inside.any()


def test_a_recording_is_the_same_bytes_again(built):
    recording = built.recordings.recording[3]
    rows = built.parts[built.parts.recording == recording]
    groups = [f"{g:02d}" for g in range(4)]
    people = speech.deal(SETTINGS["seed"], groups, scenes.SPEAKERS)
    mine = people[people.group == recording[-2:]]
    again, _ = scenes.render(rows, mine, seed=SETTINGS["seed"], recording_s=25.0)
    kept, _ = files.read_audio(built.audio_path(recording))
    np.testing.assert_allclose(again, kept, atol=2 / 32768)
