"""CHiME-Home: the strict reader of tagged chunks, and its archive."""

import functools
import io
import tarfile

import pytest
from conftest import refused
from official_layouts import check_folds, chunk_names, edit, packed, wave, write_chunks

from sedutils.corpora.official import chime_home as chime
from sedutils.corpora.official import download
from sedutils.corpora.official.annotations import OfficialError
from sedutils.corpora.official.archives import ArchiveError, extract
from sedutils.corpora.official.scenes import RECORDINGS

N_DEVELOPMENT, N_EVALUATION = 10, 4


@pytest.fixture
def chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(chime, "N_DEVELOPMENT", N_DEVELOPMENT)
    monkeypatch.setattr(chime, "N_EVALUATION", (3, N_EVALUATION))
    development, evaluation = chunk_names(N_DEVELOPMENT), chunk_names(N_EVALUATION, 100)
    return write_chunks(tmp_path / "chime_home", development, evaluation)


def rewrite(file, text):
    """Write a file anew: chunks of the fixture are hard links."""
    file.unlink(missing_ok=True)
    file.write_text(text)


def test_reader(chunks, capsys):
    recordings, tags, labels, folds = chime.read(chunks)
    assert list(recordings) == [*RECORDINGS, "group"] and len(recordings) == 14
    assert recordings["recording"][0] == chunk_names(1)[0]  # the first row is no header
    assert recordings["path"][0] == f"chunks/{chunk_names(1)[0]}.48kHz.wav"
    assert set(recordings["sample_rate"]) == {48000} and set(recordings["scene"]) == {"home"}
    assert recordings["group"][0] == recordings["group"][1] == "CR_lounge_220000_0731.s0"
    assert recordings["group"].nunique() == 7
    assert labels == tuple(chime.TAGS[letter] for letter in "cmfvpbo")
    by_chunk = tags.groupby("recording")["label"].agg(tuple).to_dict()
    names = chunk_names(10)
    assert by_chunk[names[3]] == ("percussive_sound", "broadband_noise", "other_sound")
    assert by_chunk[names[5]] == ("video_game_or_tv",) and names[2] not in by_chunk
    assert by_chunk[names[6]] == ("child_speech", "male_speech", "other_sound")
    check_folds(folds[folds["fold"] > 0], recordings[:10], 5)
    assert folds[folds["fold"] == 0]["split"].tolist() == ["train"] * 10 + ["test"] * 4
    assert set(folds["fold"]) == set(range(6))
    first = folds[(folds["fold"] == 1) & (folds["split"] == "test")]
    assert first["recording"].tolist() == names[:2]  # fold 0 of the list
    assert "4 evaluation chunks" in capsys.readouterr().err


def test_other_rate_is_asked_for(chunks):
    recordings, *_ = chime.read(chunks, rate_khz=16)
    assert set(recordings["sample_rate"]) == {16000}
    assert recordings["path"].str.endswith(".16kHz.wav").all()
    refused(ValueError, lambda: chime.read(chunks, rate_khz=44), "44")
    path = chunks / recordings["path"][3]
    path.unlink()
    refused(FileNotFoundError, lambda: chime.read(chunks, rate_khz=16), path)
    path.write_bytes(wave(8000))
    refused(OfficialError, lambda: chime.read(chunks, rate_khz=16), path, "8000")
    assert len(chime.read(chunks)[0]) == 14


@pytest.mark.parametrize("n_evaluation", [816, 846])
def test_as_many_as_published(n_evaluation, tmp_path, capsys):
    lists = chunk_names(1946), chunk_names(n_evaluation, 4000)
    folder = write_chunks(tmp_path / "chime_home", *lists, rates=("48kHz",))
    assert chime.is_unpacked(folder)
    recordings, _, _, folds = chime.read(folder)
    assert len(recordings) == 1946 + n_evaluation
    assert len(folds) == 5 * 1946 + len(recordings)
    assert f"{n_evaluation} evaluation chunks" in capsys.readouterr().err
    edit(folder / chime.DEVELOPMENT, lambda text: text.split("\n", 1)[1])
    needles = [folder / chime.DEVELOPMENT, "1945 chunks, expected 1946"]
    refused(OfficialError, lambda: chime.read(folder), *needles)


FIRST, LAST = chunk_names(1)[0], chunk_names(N_DEVELOPMENT)[-1]


@pytest.mark.parametrize(
    ("name", "change", "needles"),
    [
        (chime.DEVELOPMENT, lambda text: "id,chunkname,fold\n" + text, ["line 1", "chunkname"]),
        (chime.DEVELOPMENT, lambda text: text[:-3], ["line 10", f"9,{LAST}"]),
        (chime.DEVELOPMENT, lambda text: text.replace(f"{LAST},4", f"{LAST},5"), ["fold '5'"]),
        (chime.DEVELOPMENT, lambda text: text.replace(LAST, FIRST), ["line 10", FIRST, "already"]),
        (chime.DEVELOPMENT, lambda text: text.replace(",4\n", ",3\n"), ["no chunk in fold 4"]),
        (chime.DEVELOPMENT, lambda text: text.replace(FIRST, "../x_chunk1"), ["../x_chunk1"]),
        (chime.EVALUATION, lambda text: "id,chunkname\n" + text, ["line 1", "chunkname"]),
        (chime.EVALUATION, lambda text: text + f"4,{FIRST}\n", ["line 5", FIRST, "already"]),
        (chime.EVALUATION, lambda text: text[:20], ["line 1", "not id, chunk"]),
        (chime.EVALUATION, lambda text: text.split("\n")[0], ["1 chunks, expected 3 or 4"]),
        (chime.EVALUATION, lambda text: "", ["0 chunks"]),
    ],
)
def test_bad_lists_are_named(name, change, needles, chunks):
    edit(chunks / name, change)
    refused(OfficialError, lambda: chime.read(chunks), chunks / name, *needles)


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("", ["no key 'majorityvote'"]),
        ("annotation_a1,c\n", ["no key 'majorityvote'"]),
        ("annotation_a1,c\nmajorityvote\n", ["line 2", "not key, value"]),
        ("majorityvote,c,p\n", ["line 1", "not key, value"]),
        ("majorityvote,cx\n", ["line 1", "unknown tag 'x'", "'cx'"]),
        ("majorityvote,cpc\n", ["line 1", "duplicate tag 'c'"]),
        ("majorityvote,c\nmajorityvote,c\n", ["line 2", "duplicate key"]),
    ],
)
def test_bad_vote_is_named(text, needles, chunks):
    file = chunks / "chunks" / f"{LAST}.csv"
    rewrite(file, text)
    refused(OfficialError, lambda: chime.read(chunks), file, *needles)


def test_a_vote_may_be_empty(chunks):
    rewrite(chunks / "chunks" / f"{FIRST}.csv", "majorityvote,\n")
    assert FIRST not in set(chime.read(chunks)[1]["recording"])


def test_missing_files_are_named(chunks):
    file = chunks / "chunks" / f"{chunk_names(1, 101)[0]}.csv"
    file.unlink()
    refused(FileNotFoundError, lambda: chime.read(chunks), file, "evaluation chunks")
    for name in (chime.EVALUATION, chime.DEVELOPMENT):
        (chunks / name).unlink()
        assert not chime.is_unpacked(chunks)
        refused(FileNotFoundError, lambda: chime.read(chunks), name)
    refused(FileNotFoundError, lambda: chime.read(chunks / "no"), "download chime_home")


# downloads


def test_registry():
    (package,) = download.packages("chime_home")
    assert package.bytes == 4_162_513_717 and len(package.md5) == 32
    assert package.urls == ("https://archive.org/download/chime-home/chime_home.tar.gz",)


def test_install_unpacks_and_checks(chunks, tmp_path):
    raw = tmp_path / "raw"
    registry = packed("chime_home", chunks, raw)
    for _ in range(2):  # the second time without the archive
        message = download.install("chime_home", raw, registry=registry)
        assert "14 recordings, 20 tags, 7 classes" in message
        (raw / "set.tar.gz").unlink(missing_ok=True)
    assert not (raw / "README").exists()


def test_single_files_are_taken_out_of_archives_safely(tmp_path):
    def archive(*entries):
        with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
            for name, kind in entries:
                info = tarfile.TarInfo(name)
                info.type, info.linkname, info.size = kind, "/etc/passwd", 0
                tar.addfile(info, io.BytesIO())
        return tmp_path / "x.tar.gz"

    wanted, out = download.WANTED_FROM["chime_home"], tmp_path / "out"
    listed = (f"chime_home/{chime.EVALUATION}", tarfile.REGTYPE)
    chunk, note = ("chime_home/chunks/a.csv", tarfile.REGTYPE), ("chime_home/R", tarfile.REGTYPE)
    for name, kind in [
        (f"chime_home/{chime.DEVELOPMENT}", tarfile.SYMTYPE),
        (f"chime_home/{chime.DEVELOPMENT}", tarfile.LNKTYPE),
        (f"chime_home/chunks/../../{chime.DEVELOPMENT}", tarfile.REGTYPE),
        (f"/{chime.DEVELOPMENT}", tarfile.REGTYPE),
    ]:
        bad = archive(listed, chunk, (name, kind))
        refused(ArchiveError, functools.partial(extract, bad, out, wanted), bad, name)
        assert not out.exists()
    done = extract(archive(listed, chunk, note), out, wanted)
    assert sorted(done) == [out / "chunks" / "a.csv", out / chime.EVALUATION]


def test_command_line_names_what_is_wrong(chunks, tmp_path, capsys):
    assert download.main(["chime_home", "--to", str(chunks)]) == 0
    assert "14 recordings, 20 tags" in capsys.readouterr().out
    (tmp_path / "chime_home.tar.gz").write_bytes(b"half")
    assert download.main(["chime_home", "--to", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "partial, 4 of 4162513717 bytes" in error
