"""Speech and the home: same arguments same bytes, sane phoneme times, honest splits, heard tags."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr
from scipy.linalg import solve_toeplitz

from sedutils.foley import SAMPLE_RATE, home, home_sounds, talk
from sedutils.foley.speech import KINDS, Line, Speaker, cast, deal, draw_speaker, say, speak, voices
from sedutils.pipeline import files

TEXT = "Where is my red shoe? I put it under the table."


def pitch_hz(x: np.ndarray) -> float:
    """Median pitch over the loud frames."""
    import librosa  # here: a second process loads this file and needs none

    found = librosa.yin(x, fmin=60, fmax=600, sr=SAMPLE_RATE)
    power = librosa.feature.rms(y=x, frame_length=2048)[0]
    return float(np.median(found[power > 0.3 * power.max()]))


def third_formant_hz(x: np.ndarray) -> float:
    """Median frequency of the third resonance over the loud frames, by linear prediction."""
    y = soxr.resample(np.diff(x), SAMPLE_RATE, 12000)
    frames = np.lib.stride_tricks.sliding_window_view(y, 300)[::150] * np.hamming(300)
    power = np.sum(frames**2, axis=1)
    found = []
    for frame in frames[power > 0.1 * power.max()]:
        lags = np.correlate(frame, frame, "full")[299:312]
        poles = np.roots(np.append(1, -solve_toeplitz(lags[:-1], lags[1:])))
        hz = np.angle(poles) * 12000 / (2 * np.pi)
        sharp = -np.log(np.abs(poles)) * 12000 / np.pi < 500
        peaks = np.sort(hz[(hz > 200) & sharp])
        found += list(peaks[2:3])
    return float(np.median(found))


def family(seed: int = 0) -> list[Speaker]:
    rng = np.random.default_rng(seed)
    return [draw_speaker(rng, kind) for kind in KINDS]


CHUNKS = {1: ["child_speech", "percussive_sound"], 2: ["video_game_or_tv"], 3: ["male_speech"]}


def chunk_digest(seed: int) -> str:
    x = home.chunk(CHUNKS[seed], seed=seed, speakers=family(), programme=family(1)[1:])
    return files.digest(x.tobytes())


def test_phoneme_times_are_in_order_and_within_the_audio():
    for shift in (1.0, 1.3):
        x, table = speak(TEXT, voice="en-gb-x-rp+f2", shift=shift, phonemes=True)
        assert x.dtype == np.float32 and 1 < x.size / SAMPLE_RATE < 6
        assert list(table.columns) == ["phoneme", "onset_s", "offset_s"]
        assert len(table) > 20 and table["onset_s"].iloc[0] >= 0
        assert (table["offset_s"] > table["onset_s"]).all()
        assert (table["onset_s"].to_numpy()[1:] == table["offset_s"].to_numpy()[:-1]).all()
        assert table["offset_s"].iloc[-1] <= x.size / SAMPLE_RATE


def test_phoneme_times_are_where_the_sound_is():
    x, table = speak("See, see.", voice="en-us+m3", phonemes=True)
    hiss = table[table["phoneme"] == "s"]
    assert len(hiss) == 2
    for row in hiss.itertuples():  # an s has little below 2 kHz
        part = x[int(row.onset_s * SAMPLE_RATE) : int(row.offset_s * SAMPLE_RATE)]
        power = np.abs(np.fft.rfft(part * np.hanning(part.size))) ** 2
        hz = np.fft.rfftfreq(part.size, 1 / SAMPLE_RATE)
        assert power[hz > 2500].sum() > 5 * power[hz < 2000].sum()


def test_a_recording_is_the_same_whatever_was_said_before():
    lines = [Line(TEXT, who, seed) for seed, who in enumerate(family(), 1)]
    first = say(lines)
    say(lines[::-1])
    again = say(lines)
    for (x, table), (y, other) in zip(first, again, strict=True):
        assert x.tobytes() == y.tobytes() and table.equals(other)
        assert 0.05 < np.abs(x).max() <= 1


def test_speakers_differ_in_pitch_and_formants():
    people = cast(deal(2, ["train", "validation", "test"], each=3))
    spoken = say([Line(TEXT, who) for who in people.values()])
    pitch, formant = ({kind: [] for kind in KINDS} for _ in range(2))
    for who, (x, _) in zip(people.values(), spoken, strict=True):
        pitch[who.kind].append(pitch_hz(x))
        formant[who.kind].append(third_formant_hz(x))
    assert min(pitch["child"]) > max(pitch["female"])
    assert min(pitch["female"]) > max(pitch["male"])
    child, female, male = (np.median(formant[kind]) for kind in ("child", "female", "male"))
    assert child > 1.1 * female and female > 1.1 * male
    assert len({round(hz) for hz in pitch["child"]}) > 3


def test_groups_share_no_voice():
    groups = ["train", "validation", "test"]
    table = deal(4, groups, each=5)
    assert len(table) == 5 * 3 * 3 and table["speaker"].is_unique
    variants = table.assign(variant=table["voice"].str.split("+").str[1])
    assert (variants.groupby("variant")["group"].nunique() == 1).all()
    assert set(variants["variant"]) <= set(voices()["variant"])
    assert table.equals(deal(4, groups, each=5))
    assert not table.equals(deal(5, groups, each=5))
    assert list(cast(table)) == list(table["speaker"])


@pytest.mark.parametrize("name", talk.RECIPES)
def test_recipes_fill_what_they_are_asked_for(name):
    x, again = (talk.RECIPES[name](np.random.default_rng(3), 2.0) for _ in range(2))
    assert x.shape == (2 * SAMPLE_RATE,) and np.isfinite(x).all()
    assert x.tobytes() == again.tobytes()
    assert np.mean(np.abs(x) > 0.02 * np.abs(x).max()) > 0.1
    assert len(talk.RECIPES[name].__doc__.strip()) > 40


def test_recipes_use_the_speakers_they_are_given():
    girl = family()[0]
    lines = talk.lines(np.random.default_rng(0), [girl], 4.0)
    assert {line.speaker for line in lines} == {girl}
    with pytest.raises(ValueError, match="no speaker of kind 'male'"):
        talk.male_speech(np.random.default_rng(0), 1.0, [girl])


def test_sentences_are_whole_and_many():
    rng = np.random.default_rng(0)
    for kind in (*KINDS, "shouting"):
        said = [talk.sentence(rng, kind) for _ in range(100)]
        assert not any("{" in text for text in said)
        assert len(set(said)) > 30


@pytest.mark.parametrize("tag", home.LABELS)
def test_a_tag_is_heard_over_the_room(tag):
    for seed in range(2):
        x = home.chunk([tag], seed=seed, speakers=family(), programme=family(1)[1:])
        room = home.chunk([], seed=seed, speakers=[])
        assert x.dtype == np.float32 and x.shape == (4 * SAMPLE_RATE,)
        assert np.abs(x).max() <= 0.95 + 1e-6
        blocks, quiet = (np.std(y.reshape(-1, 4410), axis=1).max() for y in (x, room))
        assert blocks > 2 * quiet > 0


def test_chunks_depend_on_no_order_and_no_process():
    here = [chunk_digest(seed) for seed in CHUNKS]
    assert len(set(here)) == 3
    code = "from test_speech import *; print(*(chunk_digest(seed) for seed in (3, 1, 2)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.decode().split() == [here[2], here[0], here[1]]


def test_a_second_sound_leaves_the_first_as_it_was():
    rng = np.random.default_rng([9, 1 + home.LABELS.index("percussive_sound")])
    alone = home_sounds.percussive_sound(rng, home.SECONDS)
    at = np.abs(alone).argmax()
    both = home.chunk(["percussive_sound", "other_sound"], seed=9, speakers=[])
    single = home.chunk(["percussive_sound"], seed=9, speakers=[])
    near = slice(max(at - 2000, 0), at + 2000)
    assert abs(np.corrcoef(both[near], single[near])[0, 1]) > 0.3


def test_tags_are_plausible_for_a_home():
    rng = np.random.default_rng(0)
    drawn = [home.draw_tags(rng) for _ in range(3000)]
    counts = np.array([len(tags) for tags in drawn])
    assert counts.min() == 1 and (counts <= 3).mean() > 0.9
    for label in home.LABELS:
        assert 0.1 < np.mean([label in tags for tags in drawn]) < 0.65
    assert all(list(tags) == sorted(tags, key=home.LABELS.index) for tags in drawn)


def test_a_plan_shares_nothing_between_folds_and_evaluation():
    table, people = home.plan(7, 90, 31)
    assert (table["fold"] > 0).sum() == 90 and (table["fold"] == 0).sum() == 31
    assert set(table["fold"]) == {0, 1, 2, 3, 4}
    assert table["recording"].is_unique and table["seed"].is_unique
    assert not set(table["seed"]) & set(table["room_seed"])
    for column in ("group", "room_seed", "speakers", "programme"):
        assert (table.groupby(column)["fold"].nunique() == 1).all(), column
    assert (table.groupby("group")[["room_seed", "speakers"]].nunique() == 1).all().all()
    folds = table.set_index("fold")["speakers"].str.split().explode()
    variants = people.set_index("speaker")["voice"].str.split("+").str[1][folds].to_numpy()
    shared = folds.to_frame().assign(variant=variants).reset_index()
    assert (shared.groupby("variant")["fold"].nunique() == 1).all()
    again, _ = home.plan(7, 90, 31)
    assert table.equals(again)


def test_a_planned_chunk_is_made_and_shares_its_groups_room():
    table, people = home.plan(1, 8, 2)
    row = table[table["tags"].str.contains("speech")].iloc[0]
    x = home.made(row, people)
    assert x.shape == (4 * SAMPLE_RATE,) and x.tobytes() == home.made(row, people).tobytes()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: speak(" "), "empty"),
        (lambda: speak("a", pitch=120), "120"),
        (lambda: speak("a", speed_wpm=900), "900"),
        (lambda: speak("a", voice="en-us+nobody"), "'en-us+nobody'"),
        (lambda: draw_speaker(np.random.default_rng(0), "robot"), "'robot'"),
        (lambda: deal(0, [str(i) for i in range(40)], each=1), "40"),
        (lambda: home.chunk(["whale"], seed=0, speakers=[]), "'whale'"),
        (lambda: home.chunk(["male_speech"], seed=0, speakers=family()[:1]), "'male'"),
        (lambda: home.plan(0, 2, 1), "4 folds"),
    ],
)
def test_mistakes_are_one_clear_line(call, words):
    with pytest.raises((ValueError, RuntimeError)) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_library_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(RuntimeError, match=r"pip install espeakng-loader") as caught:
        speak("a")
    assert "\n" not in str(caught.value)
