"""The five lists of DESED: what is listed stays in the count, what is gone is told, what is odd is named."""

import hashlib

import pandas as pd
import pytest
from conftest import refused
from official_layouts import wave

from sedutils.corpora import corpus
from sedutils.corpora import domestic as domestic_mixing
from sedutils.corpora.official import desed_2020 as desed
from sedutils.corpora.official.annotations import OfficialError
from sedutils.pipeline import files

STRONG = "filename\tonset\toffset\tevent_label\n"
TEXTS = {
    "weak": "filename\tevent_labels\nYa_0.000_10.000.wav\tDog,Speech\nYgone_1.wav\tCat\n",
    "unlabelled": "filename\nYu1.wav\nYu2.wav\n",
    "synthetic": STRONG + "1.wav\t0.01\t0.05\tFrying\n",
    "validation": STRONG
    + "Yv.wav\t0.000\t0.04\tSpeech\r\nYv.wav\t0.02\t10.000\tDog\nYv.wav\t5.0\t6.0\tCat\n"
    + "Yv.wav\t0.000\t0.040\tSpeech\nYempty.wav\t\t\t\nYgone.wav\t0.1\t0.2\tDishes\n",
    "public": STRONG + "1Ro_120_130.wav\t0.0\t0.1\tBlender\n",
}
THERE = {
    "weak": ["Ya_0.000_10.000"],
    "unlabelled": ["Yu1", "Yu2"],
    "synthetic": ["1"],
    "validation": ["Yv", "Yempty"],
    "public": ["1Ro_120_130"],
}


def list_of(folder, part):
    return folder / "metadata" / desed.LISTS[part][0]


def clip_of(folder, part, name):
    return folder / "audio" / desed.LISTS[part][1] / f"{name}.wav"


@pytest.fixture
def layout(tmp_path):
    folder = tmp_path / "raw"
    for part, text in TEXTS.items():
        files.write_bytes(list_of(folder, part), text.encode())
        for name in THERE[part]:
            files.write_bytes(clip_of(folder, part, name), wave(16000))  # 0.1 s
    return folder


def test_the_corpus_of_what_is_there(layout, tmp_path, capsys):
    settings, folder = {"official": str(layout)}, tmp_path / "corpus"
    made = domestic_mixing.make("official", settings, folder, backend="in-process", workers=1)
    assert made.labels == desed.LABELS
    table = made.recordings.set_index("recording")
    assert table.scene.value_counts().to_dict() == {k: len(v) for k, v in THERE.items()}
    assert set(table.split[table.scene.isin(["weak", "unlabelled", "synthetic"])]) == {"train"}
    assert set(made.recordings_of("test").scene) == {"public"}
    assert made.tags_of("weak_Ya_0.000_10.000") == ["Dog", "Speech"]
    assert made.tags_of("unlabelled_Yu1") == []
    assert len(made.events_of("validation_Yempty")) == 0  # and yet it is in the count
    events = made.events_of("validation_Yv")
    assert sorted(events.itertuples(index=False, name=None)) == [
        ("validation_Yv", 0.0, 0.04, "Speech"),
        ("validation_Yv", 0.02, 0.1, "Dog"),
    ]
    missing = pd.read_csv(folder / "missing_clips.csv")
    assert missing.to_dict("list") == {
        "part": ["weak", "validation"],
        "filename": ["Ygone_1.wav", "Ygone.wav"],
    }
    told = domestic_mixing.facts(folder)
    for fact in (
        "weak.tsv: 1 found, 1 missing",
        "validation.tsv: 3 clips listed, 1168 published",
        "validation.tsv: 1 clips without events",
        "1 events cut at their clip's end",
        "1 events left out that begin after it",
        "1 rows that stand there twice",
        f"no list that is known here (md5 {hashlib.md5(TEXTS['public'].encode()).hexdigest()})",
    ):
        assert fact in told, fact
    assert "validation.tsv: 3 clips listed" in capsys.readouterr().err
    assert domestic_mixing.summary(made).clips.to_dict() == {k: len(v) for k, v in THERE.items()}
    summed = domestic_mixing.class_summary(made)
    assert summed.loc["Dog", ["validation events", "weak clips"]].tolist() == [1, 1]


def test_the_validation_list_is_told_by_its_checksum(layout, monkeypatch):
    md5 = hashlib.md5(TEXTS["validation"].encode()).hexdigest()
    monkeypatch.setitem(desed.KNOWN, md5, "the list of 2020")
    facts = desed.read(layout).facts
    assert "the list of 2020" in set(facts.fact[facts.list == "validation/validation.tsv"])
    both = [text for text in desed.KNOWN.values() if "rows" in text]
    assert [text.split(", ")[1].split(" rows")[0] for text in both] == ["4251 rows"[:4], "4239"]


@pytest.mark.parametrize(
    ("part", "text", "needles"),
    [
        ("weak", "filename,event_labels\n", ["line 1", "header", "event_labels"]),
        ("weak", "Ya.wav\tDog\n", ["line 1", "header 'Ya.wav"]),
        ("validation", "filename\tonset\toffset\n", ["line 1", "event_label"]),
        ("weak", "filename\tevent_labels\nYa.wav\tDog,Cow\n", ["line 2", "'Cow'", "Alarm_bell"]),
        ("weak", "filename\tevent_labels\nYa.wav\t\n", ["line 2", "without a label"]),
        (
            "weak",
            "filename\tevent_labels\nYa.wav\tDog\nYa.wav\tCat\n",
            ["line 3", "listed already"],
        ),
        ("unlabelled", "filename\n../x.wav\n", ["line 2", "../x.wav"]),
        ("unlabelled", "filename\n", ["empty list"]),
        ("unlabelled", "", ["line 1", "header ''"]),
        ("public", STRONG + "a.wav\t1.0\t0.5\tDog\n", ["line 2", "'1.0' to '0.5'"]),
        ("public", STRONG + "a.wav\tx\t0.5\tDog\n", ["line 2", "'x' to '0.5'"]),
        ("public", STRONG + "a.wav\t0.0\t0.5\t\n", ["line 2", "label ''"]),
        ("public", STRONG + "a.wav\t0.0\t0.5\tDog\t1\n", ["line 2", "not filename"]),
        ("validation", STRONG + "a.wav\t\t\t\n", ["audio/validation", "none of the 1 clips"]),
    ],
)
def test_an_odd_list_is_named(layout, part, text, needles):
    files.write_bytes(list_of(layout, part), text.encode())
    place = "audio" if "audio/validation" in needles else desed.LISTS[part][0]
    refused(OfficialError, lambda: desed.read(layout), place, *needles)


def test_what_is_not_there_is_named(layout, tmp_path):
    refused(FileNotFoundError, lambda: desed.read(tmp_path / "no"), "no: no such folder", "README")
    clip_of(layout, "synthetic", "1").unlink()  # may be missing altogether
    assert set(desed.read(layout).recordings.scene) == set(THERE) - {"synthetic"}
    files.write_bytes(clip_of(layout, "weak", "Ya_0.000_10.000"), b"")
    refused(files.AudioError, lambda: desed.read(layout), "Ya_0.000_10.000.wav", "0 bytes")
    list_of(layout, "public").unlink()
    files.write_bytes(clip_of(layout, "weak", "Ya_0.000_10.000"), wave(16000))
    refused(FileNotFoundError, lambda: desed.read(layout), "public.tsv")


def test_the_classes_are_those_that_are_made_here():
    from sedutils.foley import domestic

    assert desed.LABELS == domestic.LABELS
    assert issubclass(OfficialError, ValueError) and issubclass(corpus.CorpusError, ValueError)
