"""Rare-event mixtures: the ratio, the recipe and nothing else; splits that share nothing."""

import copy
import functools

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sections import RARE_EVENTS

from sedutils.corpora import corpus, rare, rare_sources
from sedutils.corpora.recipes import clips_of, of_training_set, render, sounds
from sedutils.pipeline import files, schema_corpora, validation

TINY = RARE_EVENTS | {
    "clip_s": 6.0,
    "clips": {"pretraining": 4, "detection": 4, "validation": 2, "development": 2, "evaluation": 2},
    "events_share": 0.04,
    "backgrounds_share": 0.005,
}
IN_PROCESS = {"backend": "in-process", "workers": 1}
RATE = 44100


def write(path, audio):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, RATE, subtype="FLOAT")


def recipe(**values):
    row = dict.fromkeys(rare.COLUMNS, 0.0) | {"recording": "r", "background": "b.wav"}
    row |= {"event": "e.wav", "segment_offset_s": 0.5, "ebr_db": 6.0}
    return pd.Series(row | values)


def rms_db(sound):
    return 10 * np.log10(np.mean(np.asarray(sound, np.float64) ** 2))


def test_a_mixture_worked_by_hand(tmp_path):
    """A background of 0.01, from 1 s on 0.1, an event of 0.5: at 6 dB over 0.1 it stands at 0.19953."""
    write(tmp_path / "b.wav", np.repeat([0.01, 0.1], RATE))
    write(tmp_path / "e.wav", np.r_[np.zeros(RATE), np.full(RATE, 0.5)])
    row = recipe(segment_onset_s=1.2, segment_offset_s=1.7, onset_s=1.25)
    audio = render(row, tmp_path, duration_s=2.0)
    assert audio.shape == (2 * RATE,) and audio.dtype == np.float32
    start, stop = round(1.25 * RATE), round(1.75 * RATE)
    np.testing.assert_allclose(audio[:RATE], 0.2 * 0.01, rtol=1e-6)
    np.testing.assert_allclose(audio[start:stop], 0.2 * (0.1 + 0.1 * 10**0.3), rtol=1e-6)
    np.testing.assert_allclose(np.r_[audio[RATE:start], audio[stop:]], 0.2 * 0.1, rtol=1e-6)
    alone = render(recipe(event=""), tmp_path, duration_s=2.0)
    np.testing.assert_allclose(alone, 0.2 * np.repeat([0.01, 0.1], RATE), rtol=1e-6)
    later = render(recipe(event="", background_cut_s=0.5), tmp_path, duration_s=1.0)
    np.testing.assert_allclose(later, alone[RATE // 2 : -RATE // 2], rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    ebr_db=st.sampled_from([-6.0, 0.0, 6.0]),
    onset_s=st.floats(0, 1.5),
    lasting_s=st.floats(0.02, 0.5),
    gain=st.floats(0.01, 1.0),
)
def test_the_ratio_is_that_of_the_recipe(tmp_path_factory, ebr_db, onset_s, lasting_s, gain):
    folder, rng = tmp_path_factory.mktemp("mix"), np.random.default_rng(1)
    background = rng.normal(0, 0.02, 2 * RATE) * np.linspace(0.1, 3, 2 * RATE)
    write(folder / "b.wav", background)
    write(folder / "e.wav", gain * 0.3 * rng.uniform(-1, 1, RATE))
    row = recipe(ebr_db=ebr_db, onset_s=onset_s, segment_offset_s=lasting_s)
    audio = render(row, folder, duration_s=2.0) / 0.2
    start, count = round(onset_s * RATE), round(lasting_s * RATE)
    under = background[start : start + count]
    event = audio[start : start + count] - under
    assert rms_db(event) - rms_db(under) == pytest.approx(ebr_db, abs=0.01)


def test_what_goes_beyond_full_scale_is_scaled_to_it(tmp_path):
    write(tmp_path / "b.wav", np.resize([0.9, -0.9], RATE))
    click = np.zeros(RATE)
    click[100] = 1.0
    write(tmp_path / "e.wav", click)
    audio = render(recipe(segment_offset_s=1.0), tmp_path, duration_s=1.0)
    assert np.abs(audio).max() == pytest.approx(1.0, abs=1e-6)
    assert audio[0] == pytest.approx(0.9 / (0.9 + 0.9 * 10**0.3 * np.sqrt(RATE)), rel=1e-4)


def test_silence_and_short_sources_are_one_clear_line(tmp_path):
    write(tmp_path / "b.wav", np.repeat([0.1, 0.0], RATE))
    write(tmp_path / "e.wav", np.repeat([0.0, 0.1], RATE))
    call = lambda **row: lambda: render(recipe(**row), tmp_path, duration_s=2.0)  # noqa: E731
    late = {"segment_onset_s": 1.0, "segment_offset_s": 1.5}
    refused(ValueError, call(onset_s=1.2, **late), tmp_path / "b.wav", "silent", "of r")
    refused(ValueError, call(), tmp_path / "e.wav", "silent for the 0.500 s")
    refused(ValueError, call(background_cut_s=0.5), "2 s from 0.5 s wanted, 2 s long")
    refused(ValueError, call(segment_onset_s=1.8, segment_offset_s=2.5), "e.wav", "0.7 s from")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return rare.make("foley", TINY, tmp_path_factory.mktemp("rare"), **IN_PROCESS)


def test_each_class_has_clips_of_its_own_in_four_splits(made):
    assert made.labels == ("babycry", "glassbreak", "gunshot")
    assert made.splits == corpus.CHALLENGE_SPLITS and made.fold_numbers == []
    for label in made.labels:
        sizes = [len(clips_of(made, label, split)) for split in made.splits]
        assert sizes == [8, 2, 2, 2]
        for probability, present in ((0.5, 2), (0.99, 4)):
            clips = clips_of(made, label, "train", event_probability=probability)
            assert len(clips) == 4 and set(clips.scene) == {label}
            assert made.events.recording.isin(clips.recording).sum() == present
    assert len(clips_of(made, "gunshot", "train", most=3)) == 3
    scene = made.recordings.set_index("recording").scene
    assert (made.events.recording.map(scene) == made.events.label).all()
    assert made.events.recording.is_unique


def test_a_corpus_of_one_training_set_keeps_the_clips_that_are_read(made):
    narrowed = of_training_set(made, 0.5, most=2)
    for label in made.labels:
        wanted = clips_of(made, label, "train", event_probability=0.5, most=2)
        assert list(narrowed.recordings_of("train").query("scene == @label").recording) == list(
            wanted.recording
        )
    for split in ("validation", "development", "evaluation"):
        assert narrowed.recordings_of(split).equals(made.recordings_of(split))


def test_no_source_is_in_two_splits(made):
    split = made.recipes.recording.map(made.recordings.set_index("recording").split)
    for kind in ("background", "event"):
        used = made.recipes[kind] != ""
        assert (split[used].groupby(made.recipes[kind][used]).nunique() == 1).all()
    moved = made.recipes.copy()
    evaluated = (split == "evaluation").to_numpy()
    moved.loc[evaluated, "background"] = moved.background[split == "train"].iloc[0]
    call = lambda: corpus.validate(made.recordings, made.events, made.labels, recipes=moved)  # noqa: E731
    refused(corpus.CorpusError, call, "recipes.csv line", "background in two splits", "also_in")


def test_annotation_is_where_the_event_was_put(made):
    recipes = made.recipes.set_index("recording")
    for event in made.events.itertuples():
        row = recipes.loc[event.recording]
        assert event.onset_s == pytest.approx(row.onset_s)
        length_s = row.segment_offset_s - row.segment_onset_s
        assert event.offset_s - event.onset_s == pytest.approx(length_s, abs=2e-6)
        assert 0 <= event.onset_s < event.offset_s <= 6.0 + 1e-6
        mixture = sounds(made)[event.recording].read(RATE)
        silent = row.copy()
        silent["event"] = ""
        changed = np.flatnonzero(
            np.abs(mixture - render(silent, made.folder, duration_s=6.0)) > 1e-4
        )
        if np.abs(mixture).max() < 0.999:  # else the whole clip was turned down
            assert changed[0] >= event.onset_s * RATE - 1
            assert changed[-1] <= event.offset_s * RATE + 1


def test_bytes_depend_on_no_order_and_no_process(made, tmp_path):
    again = rare.make("foley", TINY, tmp_path, backend="processes", workers=2)
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(names) > 3 * 14 + 4
    for name in names:
        assert files.digest(tmp_path / name) == files.digest(made.folder / name), name
    backwards = made.recipes.iloc[::-1].iloc[:4]
    for row in backwards.itertuples():
        audio = render(row, again.folder, duration_s=6.0)
        files.write_wav(tmp_path / "x.wav", audio, RATE)
        assert files.digest(tmp_path / "x.wav") == files.digest(made.audio_path(row.recording))


def test_without_audio_the_recipes_are_the_corpus(made, tmp_path):
    lean = rare.make("foley", TINY | {"audio": False}, tmp_path, **IN_PROCESS)
    assert not (tmp_path / "audio").exists() and set(lean.recordings.path) == {""}
    pd.testing.assert_frame_equal(lean.recipes, made.recipes)
    name = lean.recordings.recording[5]
    stored, _ = files.read_audio(made.audio_path(name))
    assert np.abs(sounds(lean)[name].read(RATE) - stored).max() < 1 / 30000
    refused(corpus.CorpusError, lambda: lean.audio_path(name), name, "a recipe, without audio")


def test_the_ratios_and_onsets_are_drawn_evenly_and_another_seed_draws_others():
    events = pd.DataFrame([("e", "gunshot", "train", "e", 1.0, 3.0)], columns=rare_sources.EVENTS)
    places = pd.DataFrame([("b", "park", "train", "b", 70.0)], columns=rare_sources.BACKGROUNDS)
    setting = RARE_EVENTS | {"seed": 3}
    _, recipes = rare.plan(events, places, setting, {"pretraining": 900, "detection": 300})
    present = recipes.event != ""
    assert present[:900].sum() == 450 and present[900:].sum() == 297
    assert present[:900].rolling(100).mean().dropna().between(0.3, 0.7).all()  # not in one block
    counts = recipes.ebr_db.value_counts()
    assert set(counts.index) == {-6.0, 0.0, 6.0} and counts.min() > 0.27 * counts.sum()
    assert recipes.onset_s.max() <= 28.0 and recipes.onset_s.mean() == pytest.approx(14.0, abs=1.0)
    assert recipes.background_cut_s.mean() == pytest.approx(20.0, abs=2.0)
    _, others = rare.plan(events, places, RARE_EVENTS | {"seed": 4}, {"pretraining": 900})
    assert not others.onset_s.equals(recipes.onset_s[:900])
    call = lambda **s: lambda: rare.plan(events, places, RARE_EVENTS | s, {"validation": 1})  # noqa: E731
    refused(ValueError, call(), "no event of gunshot for the validation mixtures")
    refused(ValueError, call(clip_s=1.5), "e: an event longer than a clip of 1.5 s (2 s)")
    refused(ValueError, call(clip_s=90.0), "b: a background shorter than a clip of 90 s (70 s)")


def test_a_tenth_of_the_groups_validates_and_a_group_goes_whole():
    rows = [("gunshot", "train", f"g{i // 2}") for i in range(60)]
    rows += [(scene, "train", f"b{i}") for i in range(20) for scene in ("park", "tram")]
    rows += [("gunshot", "evaluation", "g99"), ("babycry", "train", "alone")]
    table = pd.DataFrame(rows, columns=["label", "split", "group"])
    (held,) = rare_sources.hold_out([table], share=0.1, seed=1)
    assert held.groupby("group").split.nunique().max() == 1
    validated = held[held.split == "validation"].group.unique()
    assert sum(name.startswith("g") for name in validated) == 3  # of 30
    assert sum(name.startswith("b") for name in validated) == 2  # of 20, all scenes together
    assert held.split[held.group == "g99"].tolist() == ["evaluation"]
    assert held.split[held.group == "alone"].tolist() == ["train"]


@pytest.fixture
def clips(tmp_path, rng):
    """A bank of one target class and one background, four-second clips, takes of one source by twos."""
    for label in ("crying_baby", "rain", "cat"):
        for source in range(10):
            for take in "AB":
                audio = 0.1 * rng.normal(0, 0.3, 4 * RATE)
                if label == "crying_baby":
                    audio[RATE : 3 * RATE] *= 1e-6  # two cries
                name = f"{source % 5 + 1}-{hash_of(label)}{source}-{take}.wav"
                write(tmp_path / "bank" / label / name, audio)
    return tmp_path / "bank"


def hash_of(label):
    return sum(map(ord, label))


def test_a_bank_makes_the_classes_it_has(clips, tmp_path):
    setting = TINY | {"bank": str(clips), "bank_backgrounds": ["rain"]}
    made = rare.make("bank", setting, tmp_path / "out", **IN_PROCESS)
    assert made.labels == ("babycry",)
    recipes = made.recipes[made.recipes.event != ""]
    assert set(recipes.segment_onset_s) == {0.0, 3.0}
    assert (recipes.segment_offset_s - recipes.segment_onset_s).tolist() == pytest.approx(
        [1.0] * len(recipes), abs=0.03
    )
    split = recipes.recording.map(made.recordings.set_index("recording").split)
    source = recipes.event.str.extract(r"-(\d+)-")[0]
    assert (split.groupby(source).nunique() == 1).all()
    assert set(made.recipes.background.str.extract("(rain-.*).wav")[0]) == {
        f"rain-{split}" for split in made.splits
    }
    assert (made.folder / recipes.event.iloc[0]).is_file()
    refused(
        ValueError,
        lambda: rare.make(
            "bank",
            setting
            | {
                "bank_events": dict.fromkeys(made.labels, "owl")
                | {"glassbreak": "x", "gunshot": "y"}
            },
            tmp_path,
            **IN_PROCESS,
        ),
        str(clips),
        "'owl', 'x', 'y'",
    )


def test_joined_clips_fade_into_each_other_at_one_level(rng):
    loud, soft = (gain * rng.normal(0, 0.1, 2 * RATE).astype(np.float32) for gain in (1, 0.01))
    audio = rare_sources.cross_faded([loud, soft], rng, least_s=5.0)
    assert len(audio) == 3 * 2 * RATE - 2 * round(0.25 * RATE)
    blocks = [rms_db(part) for part in np.array_split(audio, 40)]
    assert max(blocks) - min(blocks) < 1.5
    assert (
        len(rare_sources.cross_faded([loud, soft], rng, least_s=0.1)) > 3.5 * RATE
    )  # each one once
    refused(
        ValueError, lambda: rare_sources.cross_faded([loud[:99]], rng, least_s=1.0), "lasts 0.5 s"
    )


def test_recipes_that_lack_something_are_named(made):
    tables = (made.recordings, made.events, made.labels)
    present = np.flatnonzero(made.recipes.event != "")[0]
    empty = np.flatnonzero(made.recipes.event == "")[0]
    bad = [
        (present, "ebr_db", np.nan, "ebr_db without an event, or the reverse"),
        (empty, "onset_s", 1.0, "onset_s without an event"),
        (present, "segment_offset_s", 0.0, "empty segment"),
        (present, "onset_s", 0.123, "not the event of events.csv"),
        (present, "recording", "nobody", "'nobody': is not in recordings.csv"),
        (present, "recording", made.recipes.recording[present + 1], "duplicate recipe"),
        (present, "background_cut_s", -1.0, "cut before the background starts"),
        (present, "background_cut_s", "x", "background_cut_s is no number"),
        (empty, "event_probability", 1.5, "no probability, event_probability 1.5"),
        (empty, "background", "", "background is empty"),
    ]
    for row, column, value, needle in bad:
        changed = made.recipes.astype({column: object})
        changed.loc[row, column] = value
        call = functools.partial(corpus.validate, *tables, recipes=changed)
        refused(corpus.CorpusError, call, "recipes.csv line", needle)
    unmade = made.recordings.assign(path="")
    rest = made.recipes.drop(index=0)
    call = lambda: corpus.validate(unmade, made.events, made.labels, recipes=rest)  # noqa: E731
    refused(
        corpus.CorpusError, call, "recordings.csv line 2", "path is empty and there is no recipe"
    )


def test_what_the_notebook_shows(made):
    table = rare.summary(made)
    assert table.loc[("gunshot", "train"), ["clips", "with event"]].tolist() == [8, 6]
    published = pd.DataFrame({"event": ["gunshot", "babycry"], "median_s": [1.21, 2.33]})
    lengths = rare.median_lengths(made, published)
    assert list(lengths.index) == list(made.labels)
    assert lengths.paper_median_s["babycry"] == 2.33 and np.isnan(
        lengths.paper_median_s["glassbreak"]
    )
    rows = made.recipes[made.recipes.recording.str.match("gunshot-(pre|det)")]
    rows = rows[rows.event != ""].drop_duplicates("event")
    assert lengths.median_s["gunshot"] == pytest.approx(rows.segment_offset_s.median(), abs=0.006)


@pytest.mark.parametrize(
    ("path", "value", "needle"),
    [
        ("source", "youtube", "source = 'youtube'"),
        ("detection_event_probability", 0.5, "could not be told apart"),
        ("event_probability", 1.5, "event_probability = 1.5"),
        ("clips.detection", 0, "clips.detection = 0"),
        ("clips.training", 5, "clips.training"),
        ("ebr_db", [], "ebr_db"),
        ("bank_events", {"babycry": "cry"}, "no label for glassbreak"),
        ("bank_backgrounds", ["crying_baby"], "a label is there twice"),
        ("backgrounds_share", 0.0, "backgrounds_share = 0.0"),
        ("audio", "yes", "audio = 'yes'"),
    ],
)
def test_impossible_settings_are_one_line(path, value, needle):
    changed = copy.deepcopy(RARE_EVENTS)
    *parents, key = path.split(".")
    branch = changed
    for parent in parents:
        branch = branch[parent]
    branch[key] = value
    with pytest.raises(ValidationError) as caught:
        schema_corpora.RareEvents.model_validate(changed)
    assert needle in validation.first_line(caught.value)


def test_another_source_is_refused(tmp_path):
    call = lambda: rare.make("youtube", TINY, tmp_path, **IN_PROCESS)  # noqa: E731
    refused(ValueError, call, "corpora.tut_rare_2017.source = 'youtube'")
