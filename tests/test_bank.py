"""The bank: splits that share no source, and one line about a folder that cannot be used."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import refused

from sedutils.corpora import bank
from sedutils.corpora.bank import Bank
from sedutils.pipeline import files

RATE = 8000


def clip(path, *, seed=None, rate=RATE, seconds=0.05, channels=1):
    """Write a short noise clip; different paths get different noise unless `seed` is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = files.digest(path.name.encode())[:8] if seed is None else str(seed)
    noise = np.random.default_rng(int(seed, 16)).uniform(
        -0.5, 0.5, (round(rate * seconds), channels)
    )
    soundfile.write(path, noise, rate)


@pytest.fixture
def plain(tmp_path):
    """Two labels with ten clips each, named freely, and the notes people keep beside them."""
    for label in ("rain", "dog bark"):
        for number in range(10):
            clip(tmp_path / label / f"{label} {number}.wav")
    (tmp_path / "README.md").write_text("mine\n")
    (tmp_path / "rain" / "sources.csv").write_text("a,b\n")
    (tmp_path / "rain" / ".DS_Store").write_bytes(b"\0")
    (tmp_path / ".cache").mkdir()
    return tmp_path


@pytest.fixture
def takes(tmp_path):
    """Clips named fold-source-take, two takes a source, two sources a fold."""
    for place, first in (("rain", 100), ("thunder", 200)):
        for fold in range(1, 6):
            for source in (first + fold, first + 10 + fold):
                for take in "AB":
                    clip(tmp_path / place / f"{fold}-{source}-{take}.wav")
    return tmp_path


def test_free_names_are_split_by_seeded_fractions(plain):
    made = Bank(plain)
    assert made.labels == ("dog bark", "rain")
    assert list(made.instances) == ["instance", "label", "split", "group", "duration_s"]
    assert made.instances["instance"].is_unique and len(made.instances) == 20
    counts = made.instances.groupby(["label", "split"]).size().unstack()
    for label in made.labels:
        assert counts.loc[label].to_dict() == {"train": 6, "validation": 2, "test": 2}
    np.testing.assert_allclose(made.instances["duration_s"], 0.05)
    pd.testing.assert_frame_equal(Bank(plain).instances, made.instances)
    assert not Bank(plain, seed=1).instances["split"].equals(made.instances["split"])


def test_a_class_is_split_without_regard_to_the_others(plain):
    both = Bank(plain).instances
    rain = Bank(plain, labels=["rain"]).instances
    expected = both[both["label"] == "rain"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rain, expected)
    assert Bank(plain, labels=["rain", "dog bark"]).labels == ("rain", "dog bark")


def test_takes_go_by_fold_and_sources_stay_together(takes):
    made = Bank(takes).instances
    split_of_fold = {"1": "train", "2": "train", "3": "train", "4": "validation", "5": "test"}
    for row in made.itertuples():
        assert row.split == split_of_fold[row.instance.split("/")[1][0]]
    assert (made.groupby("group")["split"].nunique() == 1).all()
    assert (made.groupby("group").size() == 2).all()
    other = Bank(takes, folds={"train": [5, 4], "validation": [3], "test": [2, 1]}).instances
    assert set(other[other["split"] == "train"]["instance"].str.split("[/-]").str[1]) == {"4", "5"}


def test_without_folds_takes_of_a_source_still_stay_together(takes):
    for seed in range(5):
        made = Bank(takes, folds=None, seed=seed).instances
        assert (made.groupby("group")["split"].nunique() == 1).all()
        assert made.groupby("label")["split"].nunique().eq(3).all()


def test_a_source_in_two_splits_is_refused(takes):
    clip(takes / "thunder" / "4-101-C.wav")  # rain has source 101 in fold 1
    refused(bank.BankError, lambda: Bank(takes), takes, "source 101", "1-101-A", "4-101-C")
    (takes / "thunder" / "4-101-C.wav").rename(takes / "thunder" / "2-101-C.wav")
    assert len(Bank(takes).instances) == 41  # two folds of one split share nothing across splits


def test_a_fold_in_no_split_is_refused(takes):
    clip(takes / "rain" / "0-999-A.wav")
    refused(bank.BankError, lambda: Bank(takes), "0-999-A.wav", "fold 0")


def test_load_is_mono_float32_at_44100(plain):
    clip(plain / "rain" / "stereo.flac", rate=48000, seconds=0.5, channels=2)
    made = Bank(plain)
    audio = made.load("rain/stereo.flac")
    assert audio.dtype == np.float32 and audio.shape == (22050,)
    row = made.instances.set_index("instance").loc["rain/stereo.flac"]
    assert abs(row["duration_s"] * 44100 - len(audio)) < 1
    refused(bank.BankError, lambda: made.load("rain/no.wav"), plain, "rain/no.wav")


def test_load_never_exceeds_full_scale(plain):
    loud = 3 * np.sin(np.arange(4000)).astype(np.float32)
    soundfile.write(plain / "rain" / "loud.wav", loud, 44100, subtype="FLOAT")
    assert np.abs(Bank(plain).load("rain/loud.wav")).max() == pytest.approx(1)


@pytest.mark.parametrize("content", ["silent", "nan"])
def test_load_names_silent_and_broken_clips(content, plain):
    audio = np.full(4000, 0.0 if content == "silent" else np.nan, np.float32)
    soundfile.write(plain / "rain" / "bad.wav", audio, 44100, subtype="FLOAT")
    made = Bank(plain)
    refused(files.AudioError, lambda: made.load("rain/bad.wav"), plain / "rain/bad.wav", content)


def test_missing_folder_and_label(plain):
    refused(FileNotFoundError, lambda: Bank(plain / "no"), plain / "no")
    refused(bank.BankError, lambda: Bank(plain, labels=["rain", "snow"]), plain, "'snow'")
    refused(bank.BankError, lambda: Bank(plain, labels=[]), "labels")
    refused(bank.BankError, lambda: Bank(plain, labels=["rain", "rain"]), "twice")


def test_empty_bank_and_empty_class(plain, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    refused(bank.BankError, lambda: Bank(empty), empty, "no sub-folder")
    (plain / "thunder").mkdir()
    refused(bank.BankError, lambda: Bank(plain), plain / "thunder", "no clip")
    (plain / "thunder" / "notes.txt").write_text("to do\n")
    refused(bank.BankError, lambda: Bank(plain), plain / "thunder", "no clip")
    assert Bank(plain, labels=["rain"]).labels == ("rain",)  # other folders do not matter then


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_clips(count, plain):
    for number in range(count):
        clip(plain / "thunder" / f"{number}.wav")
    refused(bank.BankError, lambda: Bank(plain), plain, "too few", "'thunder'", "train 0")
    for number in range(count, 3):
        clip(plain / "thunder" / f"{number}.wav")
    made = Bank(plain).instances
    assert sorted(made[made["label"] == "thunder"]["split"]) == ["test", "train", "validation"]


def test_minimum_clips_and_a_missing_fold(takes):
    assert len(Bank(takes, minimum_clips=4).instances) == 40
    refused(bank.BankError, lambda: Bank(takes, minimum_clips=5), "validation 4", "needs 5")
    for path in (takes / "rain").glob("5-*"):
        path.unlink()
    refused(bank.BankError, lambda: Bank(takes), "'rain'", "test 0")


@pytest.mark.parametrize("where", ["rain/clip.wav", "rain/program.exe", "rain/empty.ogg"])
def test_files_that_are_no_audio_are_named(where, plain):
    (plain / where).write_bytes(b"" if "empty" in where else b"MZ no sound" * 20)
    refused(files.AudioError, lambda: Bank(plain), plain / where)


def test_truncated_and_misplaced_clips_are_named(plain):
    clip(plain / "stray.wav")
    refused(bank.BankError, lambda: Bank(plain), plain / "stray.wav")
    (plain / "stray.wav").unlink()
    clip(plain / "rain" / "deep" / "x.wav")
    refused(bank.BankError, lambda: Bank(plain), plain / "rain" / "deep")
    (plain / "rain" / "deep" / "x.wav").unlink()
    (plain / "rain" / "deep").rmdir()
    cut = plain / "rain" / "cut.wav"
    clip(cut, seconds=1)
    cut.write_bytes(cut.read_bytes()[:5000])
    refused(files.AudioError, lambda: Bank(plain), cut, "truncated")


def test_the_same_file_twice_is_refused(plain):
    first = plain / "rain" / "rain 0.wav"
    (plain / "rain" / "copy.wav").write_bytes(first.read_bytes())
    refused(bank.BankError, lambda: Bank(plain), "rain 0.wav", "copy.wav", "same file")


@pytest.mark.parametrize(
    ("knobs", "needle"),
    [
        ({"split_fractions": {"train": 0.5, "validation": 0.2, "test": 0.2}}, "sum to 1"),
        ({"split_fractions": {"train": 0.8, "test": 0.2}}, "split_fractions"),
        ({"split_fractions": {"train": 1.0, "validation": 0.0, "test": 0.0}}, "split_fractions"),
        ({"folds": {"train": [1], "validation": [2], "test": [2]}}, "in two splits"),
        ({"folds": {"train": [1], "validation": [2], "test": []}}, "folds"),
    ],
)
def test_bad_knobs(knobs, needle, plain):
    refused(bank.BankError, lambda: Bank(plain, **knobs), needle)


# ESC-50's own layout


@pytest.fixture
def esc50(tmp_path):
    rows = []
    for target, category in enumerate(["dog", "rain"]):
        for fold in range(1, 6):
            for take in "AB":
                source = str(1000 * target + fold)
                name = f"{fold}-{source}-{take}-{target}.wav"
                clip(tmp_path / "audio" / name)
                rows.append([name, fold, target, category, True, source, take])
    table = pd.DataFrame(rows, columns=list(bank.ESC50_COLUMNS))
    (tmp_path / "meta").mkdir()
    table.to_csv(tmp_path / bank.ESC50_TABLE, index=False)
    return tmp_path, table


def test_esc50_layout(esc50):
    folder, table = esc50
    made = Bank(folder)
    assert made.labels == ("dog", "rain") and len(made.instances) == len(table)
    assert made.instances["instance"][0] == "audio/1-1-A-0.wav"
    assert made.instances["group"].nunique() == 10
    assert made.instances["split"].value_counts().to_dict() == {
        "train": 12,
        "validation": 4,
        "test": 4,
    }
    assert made.load("audio/1-1-A-0.wav").dtype == np.float32
    assert Bank(folder, labels=["rain"]).labels == ("rain",)


@pytest.mark.parametrize(
    ("column", "value", "needle"),
    [
        ("filename", "1-1-A-0.wav", "duplicate clip '1-1-A-0.wav'"),
        ("filename", "../x.wav", "'../x.wav'"),
        ("filename", "gone.wav", "gone.wav"),
        ("fold", "x", "fold 'x'"),
        ("fold", "", "fold ''"),
        ("category", "", "category ''"),
        ("src_file", "", "src_file ''"),
    ],
)
def test_esc50_bad_rows(column, value, needle, esc50):
    folder, table = esc50
    table = table.astype(str)
    table.loc[3, column] = value
    table.to_csv(folder / bank.ESC50_TABLE, index=False)
    refused((bank.BankError, FileNotFoundError), lambda: Bank(folder), "esc50.csv line 5", needle)


def test_esc50_bad_tables(esc50):
    folder, table = esc50
    for changed, needle in [
        (table.drop(columns="src_file"), "missing column src_file"),
        (table.iloc[:0], "empty table"),
    ]:
        changed.to_csv(folder / bank.ESC50_TABLE, index=False)
        refused(bank.BankError, lambda: Bank(folder), "esc50.csv", needle)
    (folder / bank.ESC50_TABLE).write_bytes(b"")
    refused(bank.BankError, lambda: Bank(folder), "esc50.csv", "not a table")
    (folder / bank.ESC50_TABLE).unlink()
    refused(bank.BankError, lambda: Bank(folder), folder, "without meta/esc50.csv")
    table.assign(fold=[5, *table["fold"][1:]]).to_csv(folder / bank.ESC50_TABLE, index=False)
    refused(bank.BankError, lambda: Bank(folder), "source 1 ", "two splits")
