"""Clips of a home: sane sounds, parts that share nothing, labels hidden as they should be, any order the same."""

import itertools

import numpy as np
import pandas as pd
import pytest
from conftest import CountingGenerator, refused
from sections import HOME

from sedutils.corpora import corpus, domestic_sources, mixing
from sedutils.corpora import domestic as domestic_mixing
from sedutils.foley import domestic
from sedutils.pipeline import files

IN_PROCESS = {"backend": "in-process", "workers": 1}
OWN = [k for k, recipe in domestic.RECIPES.items() if recipe.__module__ == domestic.__name__]


def sound(label, seed, duration_s=2.0):
    x = domestic.RECIPES[label](np.random.default_rng([9, seed]), duration_s)
    return x[: round(duration_s * 44100)]


def centroid(label):
    """Median over eight instances of the mean frequency of the power, in Hz."""
    found = []
    for seed in range(8):
        energy = np.abs(np.fft.rfft(sound(label, seed))) ** 2
        found.append(np.sum(np.fft.rfftfreq(88200, 1 / 44100) * energy) / energy.sum())
    return float(np.median(found))


def test_ten_classes_five_recipes_are_new():
    assert len(domestic.LABELS) == 10 and len(OWN) == 5
    assert set(domestic.RECIPES) | {domestic.SPEECH} == set(domestic.LABELS)


@pytest.mark.parametrize("label", OWN)
def test_a_recipe_is_sane_and_has_six_random_parameters(label):
    for seed, duration_s in ((1, 0.3), (2, 0.777), (3, 2.0)):
        x = sound(label, seed, duration_s)
        assert x.shape == (round(duration_s * 44100),) and np.isfinite(x).all()
        assert np.abs(x).max() > 1e-3
        assert sound(label, seed, duration_s).tobytes() == x.tobytes()
        assert abs(np.corrcoef(x, sound(label, seed + 10, duration_s))[0, 1]) < 0.9
    CountingGenerator.asked = 0
    domestic.RECIPES[label](CountingGenerator(np.random.PCG64(5)), 1.0)
    assert CountingGenerator.asked >= 6
    lines = domestic.RECIPES[label].__doc__.strip().split("\n")
    assert len(lines) >= 3 and len(lines[0]) <= 100


def test_frying_is_high_a_dog_low_and_motors_between():
    assert centroid("Frying") > 1.5 * centroid("Vacuum_cleaner") > 1.5 * centroid("Dog")


def test_motors_hold_their_level_and_alarms_do_not():
    """Deviation of the frame levels in the middle of a sound, in dB."""
    uneven = {
        label: np.median([mixing.frame_levels_db(sound(label, s))[25:75].std() for s in range(8)])
        for label in ("Vacuum_cleaner", "Blender", "Frying", "Alarm_bell_ringing")
    }
    alarm = uneven.pop("Alarm_bell_ringing")
    assert max(uneven.values()) < 4 < alarm


def test_machines_run_on_and_dishes_clink():
    rng, clip_s = np.random.default_rng(1), 10.0
    for label in domestic.LABELS:
        drawn = [domestic.lasting(rng, label, clip_s) for _ in range(300)]
        spans = np.array([span for spans in drawn for span in spans])
        length_s = spans[:, 1] - spans[:, 0]
        assert (spans[:, 0] >= 0).all() and (spans[:, 1] <= clip_s).all() and (length_s > 0).all()
        if label in domestic.RUNNING:
            assert length_s.min() > 2.9 and np.median(length_s) > 4.5
            cut = spans[:, 2] > 0
            assert (spans[cut, 0] == 0).all() and 0.1 < cut.mean() < 0.9
        else:
            assert (spans[:, 2] == 0).all()
        if label == "Dishes":
            assert length_s.max() < 1 and np.mean([len(spans) for spans in drawn]) > 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domestic")
    return domestic_mixing.make("foley", HOME, folder, **IN_PROCESS)


def check_annotation(made, labels):
    scene = made.recordings.set_index("recording").scene
    assert made.labels == tuple(labels) and scene.value_counts().to_dict() == HOME["clips"]
    assert set(made.tagged) == set(scene.index[scene == "weak"])
    annotated = set(scene[made.events.recording])
    assert annotated == {"synthetic", "validation", "public"}
    placed = made.parts.groupby("recording").label.agg(set)
    assert placed.map(len).between(1, 3).all() and set(placed.index) == set(scene.index)
    for name, part in scene.items():
        assert set(made.tags_of(name)) == (set() if part == "unlabelled" else placed[name])


def test_each_part_tells_what_it_should(made):
    check_annotation(made, domestic.LABELS)
    assert set(made.recordings.sample_rate) == {16000}
    assert made.parts.instance.nunique() == len(made.parts)
    split = made.recordings.set_index("recording")
    assert (split.split == split.scene.map(domestic_sources.PARTS)).all()


def test_speech_is_heard_most_and_every_class_in_every_part():
    counts = dict.fromkeys(HOME["clips"], 40)
    source = domestic_sources.Home(1)
    parts = domestic_mixing.plan(source, HOME | {"clips": counts})
    clips = parts.drop_duplicates(["recording", "label"])
    table = clips.groupby([clips.recording.str.rsplit("-", n=1).str[0], "label"]).size().unstack()
    assert (table >= 3).all().all() and (
        table.Speech > 2 * table.drop(columns="Speech").max(axis=1)
    ).all()
    over_db = parts.level_db - domestic_mixing.BACKGROUND_DB
    low, high = HOME["event_to_background_db"]
    assert over_db.between(low, high).all() and over_db.min() < low + 2 and over_db.max() > high - 2
    assert (clips.groupby("recording").size().value_counts(normalize=True) > 0.08).all()
    longer = domestic_mixing.plan(source, HOME | {"clips": counts | {"weak": 50}})
    pd.testing.assert_frame_equal(longer[: (parts.recording < "weak-00040").sum()][:50], parts[:50])


def test_no_two_splits_share_a_voice():
    people = domestic_sources.Home(2020).people
    heard = people.voice.str.split("+").str[1].groupby(people.group).agg(set)
    assert sorted(heard.index) == ["test", "train", "validation"]
    for one, two in itertools.combinations(heard, 2):
        assert not one & two


def test_a_clip_is_its_own_whatever_is_made_before_it(made, tmp_path):
    """One clip alone, rendered last or by another worker, has the bytes it has in the corpus."""
    name = made.recordings.recording.iloc[-2]
    source = domestic_sources.Home(HOME["seed"])
    own = made.parts[made.parts.recording == name]
    events = domestic_mixing.write_clip(
        parts=own, source=source, path=tmp_path / "one.wav", settings=HOME
    )
    assert files.digest(tmp_path / "one.wav") == files.digest(made.audio_path(name))
    assert len(events) == len(made.events_of(name))
    again = domestic_mixing.make("foley", HOME, tmp_path / "b", backend="processes", workers=2)
    for row in again.recordings.itertuples():
        assert files.digest(again.audio_path(row.recording)) == files.digest(
            made.audio_path(row.recording)
        )
    for table in ("recordings", "events", "tags", "parts"):
        pd.testing.assert_frame_equal(getattr(again, table), getattr(made, table))


def test_events_stand_over_the_room_where_they_are_annotated(made):
    for name in made.events.recording.unique():
        audio, rate = files.read_audio(made.audio_path(name))
        levels = 10 * np.log10(np.mean(audio.reshape(-1, rate // 50) ** 2, axis=1) + 1e-12)
        events, sounding = made.events_of(name), np.zeros(len(levels), bool)
        for event in events.itertuples():
            first, last = int(event.onset_s * 50), int(np.ceil(event.offset_s * 50))
            sounding[first:last] = True
            assert levels[first:last].max() > domestic_mixing.BACKGROUND_DB + 3, event
        if np.abs(audio).max() < mixing.PEAK - 0.01 and (~sounding).sum() > 10:
            room = np.quantile(levels[~sounding], 0.2)
            assert abs(room - domestic_mixing.BACKGROUND_DB) < 4, name


def test_annotation_worked_by_hand():
    """A tone 20 dB over the room that falls by 60 dB a second is heard for a third of one.

    Beside it two sounds of a class 0.2 s apart are one event, 0.4 s apart two.
    """
    rows = [("c", 0.5, 1.5, "a", "a0", 0, -30), ("c", 3.0, 3.1, "b", "b0", 0, -30)]
    rows += [("c", 3.3, 3.4, "b", "b1", 0, -30), ("c", 3.8, 3.9, "b", "b2", 0, -30)]
    parts = pd.DataFrame(rows, columns=mixing.PART_COLUMNS)
    t = np.arange(44100) / 44100
    level = np.sqrt(2) * 10 ** ((domestic_mixing.BACKGROUND_DB + 20) / 20)
    falling = level * np.sin(2 * np.pi * 500 * t) * 10 ** (-3 * t)
    short = level * np.sin(2 * np.pi * 500 * t[:8820])  # its echo is longer than the part
    events = domestic_mixing.class_events(
        parts, [falling, short, short, short], range_db=40, gap_s=0.3
    )
    assert events.label.tolist() == ["a", "b", "b"]
    np.testing.assert_allclose(events.onset_s, [0.5, 3.0, 3.8], atol=1e-6)
    np.testing.assert_allclose(events.offset_s, [0.5 + 1 / 3, 3.4, 3.9], atol=0.021)


def test_spectra_are_those_of_what_sounds_alone(tmp_path):
    rate, t = 16000, np.arange(32000) / 16000
    audio = np.r_[np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 4000 * t)] / 2
    files.write_wav(tmp_path / "x.wav", audio, rate)
    names = ["r0", "r1", "r2"]
    for name in names:
        files.write_wav(tmp_path / f"{name}.wav", audio, rate)
    recordings = pd.DataFrame({"recording": names, "path": [f"{n}.wav" for n in names]})
    recordings = recordings.assign(duration_s=4.0, sample_rate=rate, scene="validation")
    recordings["split"] = ["train", "validation", "test"]
    events = [("r1", 0, 3.0, "low"), ("r1", 2.0, 4.0, "high"), ("r2", 2.0, 2.5, "high")]
    events += [("r1", 2.2, 2.4, "never")]
    events = pd.DataFrame(events, columns=list(corpus.EVENTS))
    corpus.write(tmp_path, recordings, events, ["low", "high", "never"])
    table = domestic_mixing.spectra(corpus.read(tmp_path))
    assert table.low.idxmax() == 500 and table.high.idxmax() == 4000
    assert table.low[4000] < -40 and table.never.isna().all()


@pytest.fixture
def bank(tmp_path):
    """Two classes, five source recordings to train on, one and one; a class has pauses."""
    rng = np.random.default_rng(4)
    for label, count in (("hum", 7), ("knock", 7)):
        for i in range(count):
            fold = 1 + i % 3 if i < 5 else i - 1
            audio = 0.3 * rng.normal(size=44100).clip(-3, 3)
            audio *= (np.arange(44100) % 22050 < 4410) if label == "knock" else 1.0
            files.write_wav(tmp_path / "bank" / label / f"{fold}-{i}-A.wav", audio, 44100)
    return tmp_path / "bank"


def test_a_bank_gives_every_part_recordings_of_its_own(bank, tmp_path):
    settings = HOME | {"bank": str(bank)}
    made = domestic_mixing.make("bank", settings, tmp_path / "corpus", **IN_PROCESS)
    check_annotation(made, ["hum", "knock"])
    part = made.parts.recording.str.rsplit("-", n=1).str[0]
    shared = part.groupby(made.parts.instance).nunique()
    assert (shared == 1).all() and shared.index.str.contains("/").all()
    fold = made.parts.instance.str.extract(r"/(\d)-")[0].astype(int)
    assert set(fold[part == "validation"]) == {4} and set(fold[part == "public"]) == {5}
    assert set(fold[part.isin(domestic_sources.TRAINED)]) <= {1, 2, 3}
    knocks = made.events[made.events.label == "knock"]
    # two clips may meet, but the pauses of one part its knocks
    assert (knocks.offset_s - knocks.onset_s).median() < 0.2 < HOME["annotation_gap_s"]
    again = domestic_mixing.make("bank", settings, tmp_path / "b", **IN_PROCESS)
    pd.testing.assert_frame_equal(again.parts, made.parts)
    assert domestic_mixing.facts(tmp_path / "b") == ""


def test_what_a_bank_lacks_is_named(bank, tmp_path):
    settings = HOME | {"bank": str(bank)}
    call = lambda **other: domestic_mixing.make(  # noqa: E731
        "bank", settings | other, tmp_path / "c", **IN_PROCESS
    )
    refused(
        FileNotFoundError,
        lambda: call(bank=str(tmp_path / "no")),
        tmp_path / "no",
        "no such folder",
    )
    for name in ("1-0-A", "2-1-A", "3-2-A"):
        (bank / "knock" / f"{name}.wav").unlink()
    refused(ValueError, call, bank, "too few clips of label 'knock'", "2 source recordings", "weak")
    (bank / "knock" / "5-6-A.wav").unlink()
    refused(ValueError, call, bank, "'knock'", "test 0")
    refused(
        ValueError, lambda: domestic_mixing.make("no", settings, tmp_path, **IN_PROCESS), "'no'"
    )


def test_shares_of_the_training_recordings():
    clips = pd.DataFrame({"instance": [f"i{n}" for n in range(40)], "label": "a"})
    clips["group"] = [f"g{n // 2}" for n in range(40)]
    shares = {"weak": 1, "unlabelled": 2, "synthetic": 1}
    parts = domestic_sources.dealt("b", clips, shares, seed=1)
    assert pd.Series(parts).value_counts().to_dict() == {
        "unlabelled": 20,
        "weak": 10,
        "synthetic": 10,
    }
    assert all(parts[f"i{n}"] == parts[f"i{n + 1}"] for n in range(0, 40, 2))
