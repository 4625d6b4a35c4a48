"""Speech made here: phone times fall where the sound is, voices are disjoint, bytes depend on the seed alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import refused

from sedutils import foley
from sedutils.corpora import corpus, phones, synthesised
from sedutils.features import mfcc
from sedutils.foley import speech
from sedutils.pipeline import files

RATE = mfcc.SAMPLE_RATE
SETTINGS = {"seed": 3, "recording_s": 4.0, "noise_share": 0.4, "snr_db": (20.0, 40.0)}
ANYBODY = speech.Speaker("male", "en-us", 50, 50, 1.0, 175.0)
TABLE = synthesised.plan(seed=3, minutes=2.0, recording_s=4.0)


def made(row):
    audio, events = synthesised.render(TABLE.iloc[row], **SETTINGS)
    return audio, events


def digest(row):
    audio, events = made(row)
    return files.digest(audio.tobytes() + events.to_csv().encode())


@pytest.fixture(scope="module")
def recordings():
    return [made(row) for row in range(14)]


def pieces(recordings, *labels, trim_s=0.01):
    """The sound of each phone of these labels without its edges, over the level of its recording."""
    for audio, events in recordings:
        level = np.sqrt(np.mean(audio**2))
        for row in events[events.label.isin(labels)].itertuples():
            part = audio[
                round((row.onset_s + trim_s) * RATE) : round((row.offset_s - trim_s) * RATE)
            ]
            if len(part) >= 0.02 * RATE:
                yield part / level


def levels_db(recordings, *labels):
    return [10 * np.log10(np.mean(p**2) + 1e-9) for p in pieces(recordings, *labels)]


def centroids_hz(recordings, *labels):
    found = []
    for part in pieces(recordings, *labels):
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        hz = np.fft.rfftfreq(len(part), 1 / RATE)
        power[hz < 400] = 0  # there is the rumble of the recording
        found.append(np.sum(power * hz) / power.sum())
    return found


def test_vowels_are_louder_than_pauses_and_closures(recordings):
    vowels = levels_db(recordings, "AA", "AE", "EH", "AO", "OW", "EY", "AY")
    pauses = levels_db(recordings, "SIL")
    assert min(len(vowels), len(pauses)) > 20
    assert np.median(vowels) > np.median(pauses) + 15
    assert np.percentile(vowels, 10) > np.percentile(pauses, 80)


def test_fricatives_are_high_and_vowels_low(recordings):
    hiss, vowels = centroids_hz(recordings, "S", "SH"), centroids_hz(recordings, "AA", "AO", "AH")
    assert min(len(hiss), len(vowels)) > 10
    assert np.median(hiss) > 3000 and np.median(vowels) < 1800
    assert np.percentile(hiss, 20) > np.percentile(vowels, 80)


def test_a_stop_begins_with_its_closure():
    for text, quiet_db in (("a copper kettle", -25), ("a paper cup", -25)):
        audio, table = speech.speak(text, voice="en-us+m3", phonemes=True)
        events = synthesised.with_closures(audio, table)
        stops = events[events.label.isin(["K", "P"])].iloc[1:]
        assert len(stops) >= 1
        for row in stops.itertuples():
            closure, vowel = (
                audio[round(at * foley.SAMPLE_RATE) :][:600]
                for at in (row.onset_s, row.onset_s - 0.03)
            )
            assert 20 * np.log10(np.std(closure) / np.std(vowel)) < quiet_db
        assert (events.offset_s > events.onset_s).all()


def test_an_l_within_a_vowel_is_not_lost():
    _, table = speech.speak("else, milk", voice="en-us+f2", phonemes=True)
    rows = phones.from_espeak(table)
    said = [label for label in rows.label if label != "SIL"]
    assert said == ["EH", "L", "S", "M", "IH", "L", "K"]
    lengths = (rows.offset_s - rows.onset_s)[rows.label.isin(["EH", "L"])].to_numpy()
    assert lengths[0] == pytest.approx(lengths[1]) and lengths[0] > 0.05


def test_every_moment_has_one_label(recordings):
    for audio, events in recordings:
        assert events.onset_s.iloc[0] == 0
        assert events.offset_s.iloc[-1] == pytest.approx(len(audio) / RATE, abs=1e-5)
        assert (events.onset_s.to_numpy()[1:] == events.offset_s.to_numpy()[:-1]).all()
        assert set(events.label) <= set(phones.LABELS)
        assert 0.05 < np.abs(audio).max() <= 0.95


def test_noise_is_where_spn_is(recordings):
    noises = levels_db(recordings, "SPN")
    assert len(noises) >= 3
    assert np.median(noises) > np.median(levels_db(recordings, "SIL")) + 8


def test_spn_has_no_target_of_the_rare_event_task():
    assert set(synthesised.NOISES) <= set(foley.RECIPES)
    assert not {"baby_crying", "glass_smash", "gun_shot"} & set(synthesised.NOISES)


def test_words_hold_the_phone_they_stand_for():
    assert tuple(synthesised.WORDS) == phones.ARPABET
    spoken = [
        (p, speech.Line(w, ANYBODY)) for p, ws in synthesised.WORDS.items() for w in ws.split("|")
    ]
    tables = [table for _, table in speech.say([line for _, line in spoken])]
    holds = pd.DataFrame(
        [
            (phone, phone in set(phones.from_espeak(table).label))
            for (phone, _), table in zip(spoken, tables, strict=True)
        ],
        columns=["phone", "held"],
    )
    share = holds.groupby("phone").held.mean()  # espeak says some words in another way
    assert share.min() >= 0.7, share[share < 0.7].to_dict()


def test_splits_share_no_voice():
    for minutes in (1.0, 24.0):
        table = synthesised.plan(seed=5, minutes=minutes, recording_s=15.0)
        variants = table.voice.str.split("+").str[1]
        assert (table.split.groupby(variants).nunique() == 1).all()
        assert table.recording.is_unique and list(table.split.unique()) == list(synthesised.SHARES)
    assert variants[table.split == "train"].nunique() > 12
    counts = table.split.value_counts()
    assert counts["train"] / len(table) == pytest.approx(0.8, abs=0.03)
    assert not table.equals(synthesised.plan(seed=6, minutes=24.0, recording_s=15.0))


def test_recordings_depend_on_no_order_and_no_process():
    here = [digest(row) for row in (0, 1)]
    code = "from test_synthesised_speech import *; print(digest(1), digest(0))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.decode().split() == here[::-1]


def test_a_corpus_like_any_other(tmp_path):
    settings = SETTINGS | {"minutes": 0.2}
    synthesised.build(tmp_path, settings, backend="in-process", workers=1)
    found = corpus.read(tmp_path, check_audio=True)
    assert found.labels == phones.LABELS and len(found.recordings) == 4
    assert set(found.recordings.split) == set(corpus.SPLITS)
    assert set(found.recordings.sample_rate) == {RATE}


def test_a_sound_without_a_place_stops_the_work(monkeypatch):
    monkeypatch.delitem(phones.FROM_ESPEAK, "_:")
    refused(ValueError, lambda: made(0), "'_:'")
