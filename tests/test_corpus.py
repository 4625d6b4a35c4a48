"""The three tables: what is valid is written and read back, what is not is named in one line."""

import errno
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sedutils.corpora import corpus
from sedutils.pipeline import files

LABELS = ("rain", "dog_barking")


@pytest.fixture
def tables():
    names = ["one", "two", "three", "NA"]
    recordings = pd.DataFrame(
        {
            "recording": names,
            "path": [f"audio/{name}.wav" for name in names],
            "duration_s": [1.0, 2.0, 3.0, 0.5],
            "sample_rate": 8000,
            "scene": ["", "street", "", ""],
            "split": ["train", "validation", "test", "train"],
        }
    )
    events = pd.DataFrame(
        {
            "recording": ["one", "one", "three", "NA"],
            "onset_s": [0.0, 0.1234567, 2.0, 0.25],
            "offset_s": [0.5, 1.0, 3.0199999, 0.5],
            "label": ["rain", "dog_barking", "rain", "rain"],
        }
    )
    return recordings, events


@pytest.fixture
def parts(tables):
    return tables[1].assign(instance=["a", "b", "c", "a"], cut_s=0.0, level_db=-3.5)


def refused(call, *needles):
    with pytest.raises(corpus.CorpusError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for needle in needles:
        assert needle in message


def test_write_then_read(tables, parts, tmp_path):
    corpus.write(tmp_path / "mine", *tables, LABELS, parts)
    made = corpus.read(tmp_path / "mine")
    assert made.labels == LABELS
    assert list(made.recordings["recording"]) == ["one", "two", "three", "NA"]
    assert made.events["onset_s"].tolist() == [0.0, 0.123457, 2.0, 0.25]
    assert made.events_of("NA")["label"].tolist() == ["rain"]
    assert len(made.events_of("two")) == 0
    assert made.recordings_of("train")["recording"].tolist() == ["one", "NA"]
    assert made.parts["level_db"].tolist() == [-3.5] * 4
    assert made.audio_path("two") == tmp_path / "mine" / "audio" / "two.wav"
    refused(lambda: made.events_of("four"), "'four'")
    refused(lambda: made.recordings_of("evaluation"), "'evaluation'")


def test_files_hold_fixed_decimals_and_do_not_depend_on_the_round(tables, tmp_path):
    for folder in ("a", "b"):
        corpus.write(tmp_path / folder, *tables, LABELS)
    made = corpus.read(tmp_path / "a")
    corpus.write(tmp_path / "c", made.recordings, made.events, made.labels)
    for name in ("recordings.csv", "events.csv", "labels.txt"):
        texts = {(tmp_path / folder / name).read_bytes() for folder in "abc"}
        assert len(texts) == 1
    lines = (tmp_path / "a" / "events.csv").read_bytes().split(b"\n")
    assert lines[:2] == [b"recording,onset_s,offset_s,label", b"one,0.000000,0.500000,rain"]
    assert b"\r" not in (tmp_path / "a" / "events.csv").read_bytes()


# (table, row, column, value, what the message says); row None sets the whole column
BAD_CELLS = [
    ("recordings", 1, "duration_s", 0.0, ["recordings.csv line 3", "'two'", "duration_s 0"]),
    ("recordings", 1, "duration_s", -2.0, ["line 3", "duration_s -2"]),
    ("recordings", 1, "duration_s", np.nan, ["line 3", "no number", "nan"]),
    ("recordings", 1, "duration_s", np.inf, ["line 3", "no number", "inf"]),
    ("recordings", 1, "duration_s", "1,5", ["line 3", "no number", "'1,5'"]),
    ("recordings", 2, "sample_rate", 0, ["line 4", "sample_rate"]),
    ("recordings", 2, "sample_rate", 44100.5, ["line 4", "44100.5"]),
    ("recordings", 2, "split", "evaluation", ["line 4", "'three'", "split 'evaluation'"]),
    ("recordings", 2, "split", "", ["line 4", "split is empty"]),
    ("recordings", 2, "split", np.nan, ["line 4", "split is empty"]),
    ("recordings", 2, "split", "train", ["recordings.csv", "'test'"]),
    ("recordings", 3, "recording", "one", ["line 5", "'one'", "duplicate recording"]),
    ("recordings", 1, "recording", "one", ["line 3", "'one'", "two splits", "'validation'"]),
    ("recordings", 1, "recording", "../x", ["line 3", "'../x'", "file name"]),
    ("recordings", 1, "path", "audio/./one.wav", ["line 3", "'two'", "audio", "one.wav"]),
    ("recordings", 1, "path", "", ["line 3", "path is empty"]),
    ("events", 0, "onset_s", -0.01, ["events.csv line 2", "'one'", "onset_s -0.01"]),
    ("events", 1, "offset_s", 0.1, ["line 3", "'one'", "before it starts", "offset_s 0.1"]),
    ("events", 1, "offset_s", 0.1234567, ["line 3", "before it starts"]),
    ("events", 2, "offset_s", 3.03, ["line 4", "'three'", "past the end", "3.03"]),
    ("events", 2, "onset_s", np.nan, ["line 4", "onset_s is no number"]),
    ("events", 2, "label", "snow", ["line 4", "label 'snow'"]),
    ("events", 2, "label", None, ["line 4", "label is empty"]),
    ("events", 2, "recording", "four", ["line 4", "'four'", "not in recordings.csv"]),
    ("parts", 3, "instance", "c", ["parts.csv line 5", "'c'", "'train'", "'test'"]),
    ("parts", 3, "cut_s", -1.0, ["parts.csv line 5", "cut_s -1"]),
    ("parts", 3, "level_db", np.nan, ["parts.csv line 5", "level_db"]),
    ("parts", 3, "offset_s", 9.0, ["parts.csv line 5", "past the end"]),
]


@pytest.mark.parametrize(("table", "row", "column", "value", "needles"), BAD_CELLS)
def test_a_bad_cell_is_named(table, row, column, value, needles, tables, parts, tmp_path):
    named = {"recordings": tables[0], "events": tables[1], "parts": parts}
    corpus.write(tmp_path, *tables, LABELS, parts)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    bad = named[table].astype({column: object})
    bad.loc[row, column] = value
    named[table] = bad
    changed = (named["recordings"], named["events"], LABELS, named["parts"])
    refused(lambda: corpus.validate(*changed), *needles)
    refused(lambda: corpus.write(tmp_path, *changed), str(tmp_path), *needles)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    # the same cell in a file on the disk
    text = pd.read_csv(tmp_path / f"{table}.csv", dtype=str, keep_default_na=False)
    text.loc[row, column] = "" if value is None else str(value)
    text.to_csv(tmp_path / f"{table}.csv", index=False)
    lenient = [needle for needle in needles if needle not in ("nan", "inf", "split is empty")]
    refused(lambda: corpus.read(tmp_path), str(tmp_path), *lenient)


def test_tolerance_is_one_hop_and_can_be_set(tables):
    corpus.validate(*tables, LABELS)
    refused(lambda: corpus.validate(*tables, LABELS, tolerance_s=0.01), "past the end", "3.02")


def test_an_event_that_starts_at_the_end_is_past_it(tables):
    recordings, events = tables
    events.loc[2, ["onset_s", "offset_s"]] = [3.0, 3.01]
    refused(lambda: corpus.validate(recordings, events, LABELS), "past the end", "onset_s 3")


@pytest.mark.parametrize("name", ["recordings", "events", "parts"])
def test_missing_unknown_and_no_rows(name, tables, parts):
    named = {"recordings": tables[0], "events": tables[1], "parts": parts}
    column = named[name].columns[2]

    def check(table):
        changed = named | {name: table}
        corpus.validate(changed["recordings"], changed["events"], LABELS, changed["parts"])

    refused(lambda: check(named[name].drop(columns=column)), f"{name}.csv", "missing", column)
    refused(lambda: check(named[name].assign(fold=1)), f"{name}.csv", "unknown", "fold")
    refused(lambda: check(named[name].iloc[:0]), f"{name}.csv", "empty table")
    if name != "recordings":
        twice = pd.concat([named[name], named[name].iloc[1:2]])
        refused(lambda: check(twice), f"{name}.csv line 6", "duplicate row", "'dog_barking'")


@pytest.mark.parametrize(
    ("labels", "needle"),
    [
        ((), "no label"),
        (("rain", "dog_barking", "rain"), "line 3: duplicate label 'rain'"),
        (("rain", ""), "line 2"),
        (("rain ", "dog_barking"), "'rain '"),
        (("rain", "dog\nbarking"), "line 2"),
    ],
)
def test_bad_labels(labels, needle, tables):
    refused(lambda: corpus.validate(*tables, labels), "labels.txt", needle)


def test_missing_folder_and_tables(tables, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such corpus folder"):
        corpus.read(tmp_path / "nowhere")
    for name in ("recordings.csv", "events.csv", "labels.txt"):
        corpus.write(tmp_path, *tables, LABELS)
        (tmp_path / name).unlink()
        with pytest.raises(FileNotFoundError) as caught:
            corpus.read(tmp_path)
        assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "needle"),
    [
        (b"", "not a table"),
        (b"\xff\xfe\x00junk\n", "not a table"),
        (b"recording,onset_s,offset_s,label\none,0,1,rain,9\n", "more fields"),
        (b"recording,onset_s,offset_s,label\none,0\n", "offset_s is no number"),
        (b"recording,onset_s,offset_s,label\n", "empty table"),
    ],
)
def test_broken_csv(content, needle, tables, tmp_path):
    corpus.write(tmp_path, *tables, LABELS)
    (tmp_path / "events.csv").write_bytes(content)
    refused(lambda: corpus.read(tmp_path), "events.csv", needle)


def test_full_disk_keeps_the_old_corpus(tables, parts, tmp_path, monkeypatch):
    corpus.write(tmp_path, *tables, LABELS, parts)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    real = files.Path.write_bytes

    def full(path, data):
        if "labels" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, data)

    monkeypatch.setattr(files.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        corpus.write(tmp_path, tables[0], tables[1].iloc[:2], LABELS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_killed_write_is_noticed(tables, tmp_path):
    corpus.write(tmp_path, *tables, LABELS)
    code = """
import os, signal, sys
from sedutils.corpora import corpus
made = corpus.read(sys.argv[1])
real = os.replace
def replace(source, target):
    real(source, target)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace
corpus.write(sys.argv[1], made.recordings, made.events.iloc[:1], made.labels)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    with pytest.raises(FileNotFoundError, match=r"recordings\.csv.*interrupted"):
        corpus.read(tmp_path)


def test_parts_of_an_older_corpus_do_not_stay(tables, parts, tmp_path):
    corpus.write(tmp_path, *tables, LABELS, parts)
    corpus.write(tmp_path, *tables, LABELS)
    assert corpus.read(tmp_path).parts is None


def test_check_audio(tables, tmp_path):
    recordings, events = tables
    corpus.write(tmp_path, recordings, events, LABELS)
    for row in recordings.itertuples():
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, round(row.duration_s * 8000))
        files.write_wav(tmp_path / row.path, noise, 8000)
    corpus.read(tmp_path, check_audio=True)
    files.write_wav(tmp_path / "audio/two.wav", noise, 8000)  # half a second, not two
    refused(lambda: corpus.read(tmp_path, check_audio=True), "line 3", "'two'", "audio 0.5")
    files.write_wav(tmp_path / "audio/two.wav", np.resize(noise, 32000), 16000)
    refused(lambda: corpus.read(tmp_path, check_audio=True), "line 3", "audio 16000")
    (tmp_path / "audio/two.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"two\.wav"):
        corpus.read(tmp_path, check_audio=True)


def test_rebase_keeps_pointing_at_the_same_file(tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recordings = tables[0]
    moved = corpus.rebase(recordings, "data/raw/set", "data/corpora/official")
    assert moved["path"][0] == "../../raw/set/audio/one.wav"
    absolute = corpus.rebase(recordings, tmp_path / "raw", "data/corpora/official")
    assert absolute["path"][0] == str(tmp_path / "raw/audio/one.wav")
    assert corpus.rebase(absolute, "elsewhere", "here")["path"][0] == absolute["path"][0]


@pytest.fixture
def folds():
    """Four recordings, each tested once."""
    names = ["one", "two", "three", "NA"]
    rows = []
    for fold, name in enumerate(names, start=1):
        rest = [other for other in names if other != name]
        rows += [(fold, name, "test"), (fold, rest[0], "validation")]
        rows += [(fold, other, "train") for other in rest[1:]]
    return pd.DataFrame(rows, columns=["fold", "recording", "split"])


def test_folds_come_back_and_say_who_is_tested(tables, folds, tmp_path):
    recordings, events = tables
    corpus.write(tmp_path, recordings.assign(split=""), events, LABELS, folds=folds)
    made = corpus.read(tmp_path)
    assert made.fold_numbers == [1, 2, 3, 4]
    assert made.recordings_of("test", 3).recording.tolist() == ["three"]
    assert made.recordings_of("train", 1).recording.tolist() == ["three", "NA"]
    refused(lambda: made.recordings_of("test"), "fold None is none of [1, 2, 3, 4]")
    refused(lambda: made.recordings_of("test", 5), "fold 5")


@pytest.mark.parametrize(
    ("edit", "needles"),
    [
        (
            lambda t: t.assign(recording=t.recording.replace("two", "2")),
            ("folds.csv", "recordings.csv"),
        ),
        (lambda t: t.assign(split=t.split.replace("train", "dev")), ("unknown split", "'dev'")),
        (lambda t: t.assign(fold=t.fold + 0.5), ("no whole number", "1.5")),
        (lambda t: pd.concat([t, t.iloc[[1]]]), ("twice in one fold", "fold 1")),
        (lambda t: t[t.fold != 2], ("'two' is tested in no fold",)),
        (
            lambda t: t.assign(split=t.split.replace("validation", "train")),
            ("fold 1", "'validation'"),
        ),
        (
            lambda t: pd.concat(
                [
                    t[~((t.fold == 2) & (t.recording == "one"))],
                    pd.DataFrame({"fold": [2], "recording": ["one"], "split": ["test"]}),
                ]
            ),
            ("tested in two folds",),
        ),
    ],
)
def test_bad_folds_are_named(edit, needles, tables, folds):
    recordings, events = tables
    bare = recordings.assign(split="")
    corpus.validate(bare, events, LABELS, folds=folds)
    refused(lambda: corpus.validate(bare, events, LABELS, folds=edit(folds)), *needles)


def test_with_folds_no_instance_is_in_two_recordings(tables, parts, folds):
    recordings, events = tables
    bare = recordings.assign(split="")
    call = lambda: corpus.validate(bare, events, LABELS, parts, folds=folds)  # noqa: E731
    refused(call, "parts.csv line 5", "instance in two recordings", "'a'")


def test_tags_stand_in_for_events(tables, tmp_path):
    recordings, _ = tables
    tags = pd.DataFrame(
        {"recording": ["one", "one", "three"], "label": ["rain", "dog_barking", "rain"]}
    )
    corpus.write(tmp_path, recordings, None, LABELS, tags=tags)
    made = corpus.read(tmp_path)
    assert made.events is None and made.tags_of("one") == ["rain", "dog_barking"]
    assert made.tags_of("two") == []
    refused(lambda: corpus.validate(recordings, None, LABELS), "one of the two")
    refused(
        lambda: corpus.validate(recordings, None, ("rain",), tags=tags), "line 3", "'dog_barking'"
    )
    refused(
        lambda: corpus.validate(recordings, None, LABELS, tags=pd.concat([tags, tags])),
        "duplicate row",
    )


def test_some_recordings_have_events_others_tags_others_nothing(tables, tmp_path):
    recordings, events = tables
    events = events[events.recording == "one"]
    tags = pd.DataFrame({"recording": ["NA", "NA"], "label": ["dog_barking", "rain"]})
    corpus.write(tmp_path, recordings, events, LABELS, tags=tags)
    made = corpus.read(tmp_path)
    assert made.tags_of("NA") == ["rain", "dog_barking"] and len(made.events_of("NA")) == 0
    assert made.tags_of("one") == ["rain", "dog_barking"] and len(made.events_of("one")) == 2
    assert made.tags_of("two") == [] and len(made.events_of("two")) == 0
    assert made.tagged == {"NA"}
    both = pd.concat([tags, pd.DataFrame({"recording": ["one"], "label": ["rain"]})])
    call = lambda: corpus.validate(recordings, events, LABELS, tags=both)  # noqa: E731
    refused(call, "tags.csv line 4", "'one'", "is in events.csv too", "'rain'")
    corpus.write(tmp_path, recordings, events, LABELS)  # tags of an older corpus do not stay
    assert corpus.read(tmp_path).tags is None


def test_hold_out_takes_a_share_of_every_scene_and_fold():
    names = [f"{scene}{i}" for scene in "hr" for i in range(10)]
    recordings = pd.DataFrame({"recording": names, "scene": [n[0] for n in names]})
    rows = [(f, n, "test" if int(n[1]) % 4 == f else "train") for f in range(4) for n in names]
    folds = pd.DataFrame(rows, columns=["fold", "recording", "split"])
    made = corpus.hold_out(folds, recordings, share=0.2, seed=1)
    assert (made.split == "test").equals(folds.split == "test")
    held = made[made.split == "validation"]
    assert (held.groupby(["fold", held.recording.str[0]]).size() == 2).all()
    assert made.equals(corpus.hold_out(folds, recordings, share=0.2, seed=1))
    assert not made.equals(corpus.hold_out(folds, recordings, share=0.2, seed=2))


def test_hold_out_moves_whole_groups():
    recordings = pd.DataFrame({"recording": list("abcdef"), "scene": "", "group": list("xxyyzz")})
    folds = pd.DataFrame({"fold": 1, "recording": list("abcdef"), "split": "train"})
    made = corpus.hold_out(folds, recordings, share=0.3, seed=3)
    held = made.recording[made.split == "validation"].tolist()
    assert held in (["a", "b"], ["c", "d"], ["e", "f"])
