"""LibriSpeech as published, in small: read strictly, split by speaker, aligned to phone times."""

import functools
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
from conftest import refused
from official_layouts import edit

from sedutils import foley
from sedutils.corpora import corpus, phones
from sedutils.corpora.official import download
from sedutils.corpora.official import librispeech as libri
from sedutils.corpora.official.annotations import OfficialError
from sedutils.foley import speech
from sedutils.pipeline import files

TEXTS = ("SEE THE FATHER OF THE TEACHER", "SHE SELLS ZORBLES BY THE SEA", "HE ASKED FOR SALT")
SPEAKERS = {"dev-clean": ("84", "174"), "test-clean": ("61",)}


def say(text, voice):
    audio, table = speech.speak(text.lower(), voice=voice, phonemes=True)
    audio = np.pad(audio, (4410, 4410))
    table = table.assign(onset_s=table.onset_s + 0.1, offset_s=table.offset_s + 0.1)
    return soxr.resample(audio, foley.SAMPLE_RATE, 16000), table


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    top = tmp_path_factory.mktemp("libri") / "LibriSpeech"
    for subset, speakers in SPEAKERS.items():
        for i, speaker in enumerate(speakers):
            chapter = top / subset / speaker / "7"
            chapter.mkdir(parents=True)
            lines = []
            for n, text in enumerate(TEXTS):
                name = f"{speaker}-7-{n:04}"
                soundfile.write(chapter / f"{name}.flac", say(text, f"en-us+m{i + 1}")[0], 16000)
                lines.append(f"{name} {text}\n")
            files.write_text(chapter / f"{speaker}-7.trans.txt", "".join(lines))
    return top.parent


@pytest.fixture
def own(library, tmp_path):
    return shutil.copytree(library, tmp_path / "own")


def test_utterances_are_read(library):
    table = libri.read(library)
    assert table.recording.tolist()[:2] == ["174-7-0000", "174-7-0001"] and len(table) == 9
    assert table.subset.value_counts().to_dict() == {"dev-clean": 6, "test-clean": 3}
    assert table.text[0] == TEXTS[0] and set(table.sample_rate) == {16000}
    assert (library / table.path[0]).is_file()
    assert libri.read(library / "LibriSpeech").recording.equals(table.recording)
    assert not libri.is_unpacked(library)


def test_a_corpus_of_phones_split_by_speaker(library, tmp_path, capsys):
    settings = {"official": str(library), "seed": 1}
    libri.build(tmp_path, settings, backend="in-process", workers=1)
    found = corpus.read(tmp_path, check_audio=True)
    assert found.labels == phones.LABELS and len(found.recordings) == 9
    speaker = found.recordings.recording.str.partition("-")[0]
    assert (found.recordings.split.groupby(speaker).nunique() == 1).all()
    assert "0 of 9 utterances not aligned and left out, 3 words" in capsys.readouterr().err
    rows = found.events_of("84-7-0001")
    assert (rows.onset_s[1:].to_numpy() == rows.offset_s[:-1].to_numpy()).all()
    said = [x for x in rows.label if x != "SIL"]
    assert said[:7] == ["SH", "IY", "S", "EH", "L", "Z", "Z"] and said[-2:] == ["S", "IY"]


def test_phone_times_are_those_of_the_synthesiser(library):
    table = libri.read(library)
    row = table[table.recording == "84-7-0000"]
    events, _ = libri.align(folder=library, utterances=row)
    audio, own = say(TEXTS[0], "en-us+m1")
    truth = phones.at_frames(phones.from_espeak(own), len(audio) // 160, 0.01)
    found = phones.at_frames(events, len(audio) // 160, 0.01)
    assert np.mean(found == truth) > 0.6
    hiss = [t[t.label == "S"].onset_s.iloc[0] for t in (events, phones.from_espeak(own))]
    assert abs(hiss[0] - hiss[1]) < 0.04


def test_alignment_does_not_depend_on_the_utterances_before(library):
    table = libri.read(library)
    rows = table[table.speaker == "61"]
    there, _ = libri.align(folder=library, utterances=rows)
    back, _ = libri.align(folder=library, utterances=rows[::-1])
    order = ["recording", "onset_s"]
    assert (
        there.sort_values(order)
        .reset_index(drop=True)
        .equals(back.sort_values(order).reset_index(drop=True))
    )


def test_what_cannot_be_aligned_has_no_events(library, tmp_path):
    noise = np.zeros(3200)  # 0.2 s, and eleven words
    soundfile.write(tmp_path / "x.flac", noise, 16000)
    row = pd.DataFrame(
        {"recording": ["x"], "path": ["x.flac"], "duration_s": [0.2], "text": [" ".join(TEXTS)]}
    )
    events, _ = libri.align(folder=tmp_path, utterances=row)
    assert events.empty and list(events) == list(corpus.EVENTS)


def test_splits_are_drawn_by_speaker():
    speakers = [str(i) for i in range(40)]
    drawn = libri.splits(speakers, 3)
    counts = pd.Series(drawn).value_counts().to_dict()
    assert counts == {"train": 32, "validation": 4, "test": 4} and set(drawn) == set(speakers)
    assert drawn == libri.splits(speakers[::-1], 3) != libri.splits(speakers, 4)
    assert sorted(libri.splits(["1", "2", "3"], 0).values()) == ["test", "train", "validation"]
    refused(ValueError, lambda: libri.splits(["1", "2"], 0), "2 speakers")


@pytest.mark.parametrize(
    ("change", "needles"),
    [
        (lambda t: t.replace("84-7-0001", "84-8-0001"), ["line 2", "'84-8-0001'"]),
        (lambda t: t.replace("SELLS", "sells"), ["line 2", "not words in capitals"]),
        (lambda t: t + t[:50].split("\n")[0] + "\n", ["line 4", "second transcript"]),
        (lambda t: t[: t.index("84-7-0002")], ["84-7-0002: no transcript"]),
        (lambda t: t + "84-7-0003 SO\n", ["84-7-0003: no audio"]),
    ],
)
def test_bad_transcripts_are_named(change, needles, own):
    edit(own / "LibriSpeech" / "dev-clean" / "84" / "7" / "84-7.trans.txt", change)
    refused(OfficialError, functools.partial(libri.read, own), *needles)


def test_other_layouts_are_named(own):
    top = own / "LibriSpeech"
    read = functools.partial(libri.read, own)
    soundfile.write(top / "test-clean" / "61" / "7" / "61-7-0001.flac", np.zeros(800), 8000)
    refused(OfficialError, read, "61-7-0001.flac", "8000 Hz")
    (top / "test-clean" / "61").rename(top / "test-clean" / "62")
    refused(FileNotFoundError, read, "62-7.trans.txt")
    (top / "test-clean").rename(top / "clean")
    refused(OfficialError, read, "unknown subset clean")
    refused(FileNotFoundError, lambda: libri.read(own / "no"), "no such folder")


def test_a_speaker_is_in_one_subset(own):
    top = own / "LibriSpeech"
    (top / "test-clean" / "61").rename(top / "test-clean" / "84")
    chapter = top / "test-clean" / "84" / "7"
    for path in sorted(chapter.iterdir()):
        path.rename(path.with_name(path.name.replace("61-", "84-")))
    edit(chapter / "84-7.trans.txt", lambda text: text.replace("61-", "84-"))
    refused(OfficialError, lambda: libri.read(own), "speaker 84 is in dev-clean and in test-clean")


def test_the_registry_has_what_the_downloader_fetches():
    names = [package.name for package in download.packages("librispeech")]
    assert names == [f"{subset}.tar.gz" for subset in libri.FETCHED]
