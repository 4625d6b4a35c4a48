"""Sessions of isolated events: never two at once, nothing shared, annotation that fits the sound."""

import itertools

import numpy as np
import pandas as pd
import pytest
from conftest import refused

from sedutils.corpora import corpus, mixing, recorded, sessions
from sedutils.corpora.official.itc_irst import EVALUATED
from sedutils.foley import meeting_room, recording, speech
from sedutils.pipeline import files
from sedutils.show import corpus_tables

SETTINGS = {
    "seed": 7,
    "train_sessions": 2,
    "test_sessions": 1,
    "events_per_class": 1,
    "session_s": 80.0,
    "event_to_background_db": [12.0, 30.0],
    "annotation_range_db": 40.0,
}
PLAN = {"seed": 3, "events_per_class": 2, "session_s": 150.0, "event_to_background_db": (12, 30)}
IN_PROCESS = {"backend": "in-process", "workers": 1}


@pytest.fixture(scope="module")
def planned():
    return sessions.plan(9, 3, **PLAN)


def test_every_session_has_every_class_as_often_as_asked(planned):
    assert set(sessions.CLASSES) == {*meeting_room.RECIPES, "speech"}
    assert len(sessions.CLASSES) == 16 and set(EVALUATED) < set(sessions.CLASSES)
    counts = planned.groupby(["recording", "label"]).size().unstack()
    assert counts.shape == (12, 16)
    assert (counts.pop("phone_ring") == 4).all() and (counts == 2).all().all()


def test_a_pause_lies_between_any_two_events(planned):
    for _, rows in planned.groupby("recording"):
        ends = np.append(0.0, rows.offset_s)
        starts = np.append(rows.onset_s, PLAN["session_s"])
        assert (starts - ends).min() > sessions.SHORTEST_PAUSE_S - 1e-5
        assert np.std(starts - ends) > 0.2  # no metronome


def test_lengths_and_levels_are_those_of_the_class(planned):
    table = planned.assign(length_s=planned.offset_s - planned.onset_s).groupby("label")
    for label, (mean_s, louder_db) in sessions.CLASSES.items():
        assert table.length_s.mean()[label] == pytest.approx(mean_s, rel=0.12), label
        over = table.get_group(label).level_db - sessions.BACKGROUND_DB - louder_db
        assert over.between(12, 30).all() and over.std() > 2, label


def test_same_seed_same_plan_and_sessions_differ(planned):
    pd.testing.assert_frame_equal(planned, sessions.plan(9, 3, **PLAN))
    assert not planned.equals(sessions.plan(9, 3, **PLAN | {"seed": 4}))
    orders = planned.groupby("recording").label.agg(tuple)
    assert orders.nunique() == 12
    longer = sessions.plan(10, 3, **PLAN)  # one more session leaves the others as they are
    pd.testing.assert_frame_equal(longer[: len(planned)], planned)


def test_what_does_not_fit_is_said():
    call = lambda: sessions.plan(2, 1, **PLAN | {"session_s": 60.0})  # noqa: E731
    refused(ValueError, call, "34 events need", "lasts 60 s", "events_per_class")


def test_no_two_sessions_share_a_voice():
    names = sessions.session_names(12)
    people = sessions.speakers_of(7, names)
    voices = people.assign(variant=people.voice.str.split("+").str[1]).groupby("group").variant
    heard = voices.agg(set)
    assert sorted(heard.index) == names
    for one, two in itertools.combinations(heard, 2):
        assert not one & two
    kinds = people.groupby("group").kind.agg(set)
    assert (kinds[:11].map(len) == 2).all() and kinds.iloc[11] == {"male"}
    refused(ValueError, lambda: sessions.speakers_of(7, names * 3), "24 groups, not 36")
    assert speech.most_groups(*speech.KINDS) == 11


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions")
    return recorded.make("itc_irst", "foley", SETTINGS, folder, **IN_PROCESS)


def test_the_corpus_has_a_fold_a_training_session_and_one_test_set(made):
    assert made.labels == EVALUATED and made.fold_numbers == [1, 2]
    assert made.recordings.scene.unique().tolist() == ["meeting_room"]
    for fold in (1, 2):
        assert made.recordings_of("test", fold).recording.tolist() == ["session-03"]
        assert made.recordings_of("validation", fold).recording.tolist() == [f"session-0{fold}"]
        trained = made.recordings_of("train", fold).recording
        assert trained.tolist() == [f"session-0{3 - fold}"]
        assert made.tags_of(trained[0]) == list(EVALUATED)


def test_events_are_the_evaluated_parts_one_each_and_never_two_at_once(made):
    placed = made.parts[made.parts.label.isin(EVALUATED)].reset_index(drop=True)
    assert len(made.parts) == 3 * 17 and len(placed) == len(made.events) == 3 * 13
    events = made.events
    assert events[["recording", "label"]].equals(placed[["recording", "label"]])
    assert (events.onset_s >= placed.onset_s - 1e-6).all()
    assert (events.offset_s <= placed.offset_s + 1e-6).all()
    for _, rows in events.groupby("recording"):
        assert (rows.onset_s.to_numpy()[1:] > rows.offset_s.to_numpy()[:-1] + 0.9).all()


def test_annotation_fits_the_sound(made):
    """The room is quiet, events stand over it where they are annotated, pauses do not."""
    for name in made.recordings.recording:
        audio, _ = files.read_audio(made.audio_path(name))
        levels = mixing.frame_levels_db(audio)
        quiet = np.ones(len(levels), bool)
        rows = made.parts[made.parts.recording == name]
        for part in rows.itertuples():
            quiet[int(part.onset_s * 50) : int(part.offset_s * 50) + 50] = False
        room = levels[quiet].mean()
        assert quiet.mean() > 0.1 and -75 < room < sessions.BACKGROUND_DB + 1
        assert levels[quiet].max() < room + 8
        for event in made.events_of(name).itertuples():
            own = levels[int(event.onset_s * 50) : int(np.ceil(event.offset_s * 50))]
            assert own.max() > room + 8, event
            assert own[:3].max() > room + 0.5, event  # it begins as soon as it is annotated


def test_each_room_sounds_of_its_own(made):
    spectra = []
    for name in made.recordings.recording:
        audio, _ = files.read_audio(made.audio_path(name))
        first = made.parts[made.parts.recording == name].onset_s.min()
        energy = np.abs(np.fft.rfft(audio[: int(first * 44100)])) ** 2
        edges = np.geomspace(30, energy.size, 12).astype(int)
        bands = [10 * np.log10(energy[a:b].mean()) for a, b in itertools.pairwise(edges)]
        spectra.append(np.array(bands) - np.mean(bands))
    for one, two in itertools.combinations(spectra, 2):
        assert np.abs(one - two).mean() > 1.0  # dB a band


def test_no_two_sessions_share_an_echo_or_an_instance(monkeypatch):
    echoes, draw = [], recording.room_response
    monkeypatch.setattr(
        recording, "room_response", lambda *a: echoes.append(draw(*a)) or echoes[-1]
    )
    names = sessions.session_names(3)
    people = sessions.speakers_of(7, names)
    stems = []
    for name in names:
        row = (name, 0.5, 1.5, "door_slam", f"{name}-000", 0.0, -30.0)
        parts = pd.DataFrame([row], columns=mixing.PART_COLUMNS)
        stems += sessions.render(parts, people, seed=7, session_s=2.5)[1]
    assert len(echoes) == 3
    for one, two in itertools.combinations(range(3), 2):
        for pair in ((echoes[one][1:], echoes[two][1:]), (stems[one], stems[two])):
            size = min(map(len, pair))
            assert abs(np.corrcoef(pair[0][:size], pair[1][:size])[0, 1]) < 0.5


def test_bytes_depend_on_no_order_and_no_number_of_workers(made, tmp_path):
    recorded.make("itc_irst", "foley", SETTINGS, tmp_path, backend="processes", workers=2)
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(names) == 3 + 5
    for name in names:
        assert files.digest(tmp_path / name) == files.digest(made.folder / name), name


def test_echoes_follow_the_sound_and_grow_with_distance():
    sound = np.zeros(4410, np.float32)
    sound[0] = 1.0
    echoes = np.zeros(2000, np.float32)
    echoes[[0, 900]] = 1.0, 0.2
    flat = ([20.0, 20000.0], [0.0, 0.0])
    near, far = (sessions.at_microphone(sound, echoes, flat, distance=d) for d in (0.5, 2.0))
    assert near.shape == far.shape == (6410,)
    assert near[900] / near[0] == pytest.approx(0.1, abs=0.01)
    assert far[900] / far[0] == pytest.approx(0.4, abs=0.02)


def test_a_faint_event_is_annotated_where_it_is_heard():
    parts = pd.DataFrame([("a", 1.0, 2.0, "cough", "a-0", 0.0, -40.0)], columns=mixing.PART_COLUMNS)
    t = np.arange(44100) / 44100
    stem = np.sin(2 * np.pi * 441 * t) * 10 ** (-60 * t / 20)  # falls by 60 dB in its second

    def annotated(sound):
        limits = {"range_db": 40.0, "gap_s": np.inf, "room_db": sessions.BACKGROUND_DB}
        return mixing.annotate(parts, [sound], **limits)

    loud = annotated(stem)
    assert loud.offset_s[0] == pytest.approx(1 + 40 / 60, abs=0.03)
    room = 10 ** (sessions.BACKGROUND_DB / 20)
    faint = annotated(stem * room * 10)
    assert faint.offset_s[0] == pytest.approx(1 + 17 / 60, abs=0.03)  # sine peak 20 dB over: RMS 17
    gone = annotated(stem * room * 0.1)
    assert gone.offset_s[0] == pytest.approx(1 + 10 / 60, abs=0.03)


def test_summary_beside_the_paper(made):
    paper = {"sessions": 12, "evaluated_classes": 12, "split": {"train": 9, "test": 3}}
    table = corpus_tables.summary(made, paper)
    assert table.paper[["recordings", "classes", "folds"]].tolist() == [12, 12, 9]
    assert table.ours[["recordings", "classes", "folds", "events"]].tolist() == [3, 12, 2, 39]


def test_folds_with_a_test_set_validate_every_other_recording_once(made):
    tables = (made.recordings, made.events, made.labels)
    corpus.validate(*tables, folds=made.folds)
    swapped = made.folds.copy()
    second = swapped.fold == 2
    swapped.loc[second, "split"] = swapped.split[~second].to_numpy()
    refused(
        corpus.CorpusError,
        lambda: corpus.validate(*tables, folds=swapped),
        "'session-01'",
        "validated in two folds",
    )
    left_out = made.folds[(made.folds.recording != "session-02") | (made.folds.split == "train")]
    refused(
        corpus.CorpusError,
        lambda: corpus.validate(*tables, folds=left_out),
        "'session-02' is validated in no fold",
    )
