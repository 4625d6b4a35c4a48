"""Published data: the strict reader, and downloads that are verified before they are used."""

import errno
import functools
import hashlib
import http.server
import os
import shutil
import threading
import zipfile

import numpy as np
import pytest
import soundfile
from conftest import refused

from sedutils.corpora import corpus
from sedutils.corpora.official import download
from sedutils.corpora.official import tut_sed_synthetic_2016 as tut
from sedutils.corpora.official.archives import ArchiveError
from sedutils.corpora.official.download import Package, fetch
from sedutils.pipeline import files

NAME = "TUT-SED-synthetic-2016"
RATE = 8000


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The published layout with 100 mixtures of 0.1 s."""
    folder = tmp_path_factory.mktemp("published")
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, RATE // 10)
    for number in range(100):
        files.write_wav(folder / "audio" / f"{NAME}-mix-{number}.wav", noise, RATE)
        labels = (tut.LABELS[number % 16], tut.LABELS[(number + 5) % 16])
        lines = [f"0.010000\t0.050000\t{labels[0]}", f"0.020000\t0.100000\t{labels[1]}"]
        text = "\r\n".join(lines) if number % 2 else "\n".join(lines) + "\n"
        files.write_text(folder / "meta" / f"{NAME}-annot-{number}.txt", text)
    for name, numbers in tut.SETUP.items():
        lines = [f"audio/{NAME}-mix-{number}.wav\t0,1\t0,2\tbus\n" for number in numbers]
        files.write_text(folder / "evaluation_setup" / name, "".join(lines))
    return folder


@pytest.fixture
def official(published, tmp_path):
    return shutil.copytree(published, tmp_path / "official")


# the reader


@pytest.mark.parametrize("setup", ["present", "partial", "absent"])
def test_reader(setup, official, tmp_path):
    if setup == "absent":
        shutil.rmtree(official / "evaluation_setup")
    if setup == "partial":
        (official / "evaluation_setup" / "train.txt").unlink()
    recordings, events, labels = tut.read(official)
    assert labels == tut.LABELS and len(labels) == 16
    assert recordings["split"].value_counts().to_dict() == {
        "train": 60,
        "validation": 20,
        "test": 20,
    }
    number = recordings["recording"].str.rsplit("-", n=1).str[1].astype(int)
    assert number.tolist() == list(range(100))
    assert set(number[recordings["split"] == "train"]) == set(range(40, 100))
    assert set(number[recordings["split"] == "test"]) == set(range(20))
    assert recordings["path"][7] == f"audio/{NAME}-mix-7.wav"
    np.testing.assert_allclose(recordings["duration_s"], 0.1)
    assert len(events) == 200
    # annot-i belongs to mix-i
    of_21 = events[events["recording"] == f"{NAME}-mix-21"]
    assert of_21["label"].tolist() == [tut.LABELS[21 % 16], tut.LABELS[26 % 16]]
    made = tmp_path / "corpora" / "official"
    corpus.write(made, corpus.rebase(recordings, official, made), events, labels)
    assert len(corpus.read(made, check_audio=True).events) == 200


def test_decimal_comma_and_words_in_labels(official):
    file = official / "meta" / f"{NAME}-annot-3.txt"
    file.write_text("0,010000\t0,050000\tdog barking\n\n0.06\t1,0e-1\tbus\n")
    _, events, _ = tut.read(official)
    rows = events[events["recording"] == f"{NAME}-mix-3"]
    assert rows["onset_s"].tolist() == [0.01, 0.06]
    assert rows["offset_s"].tolist() == [0.05, 0.1]
    assert rows["label"].tolist() == ["dog_barking", "bus"]


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT"])
def test_other_sample_formats(subtype, official):
    path = official / "audio" / f"{NAME}-mix-0.wav"
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, RATE // 10)
    soundfile.write(path, noise, RATE, subtype=subtype)
    recordings, _, _ = tut.read(official)
    audio, _ = files.read_audio(official / recordings["path"][0])
    np.testing.assert_allclose(audio, noise, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("", ["no event"]),
        ("0.01\t0.05\train\n0.01 0.05 rain\n", ["line 2", "not onset"]),
        ("onset\toffset\tlabel\n", ["line 1", "not onset"]),
        ("0.01\t\train\n", ["line 1", "not onset"]),
        ("0.01\tnan\train\n", ["line 1", "not onset"]),
        ("-0.01\t0.05\train\n", ["line 1", "not onset"]),
        ("0.01\t0.05\tsnow\n", ["line 1", "'snow'"]),
        ("0.05\t0.05\train\n", ["line 1", "onset 0.05", "offset 0.05"]),
        ("0.05\t0.01\train\n", ["line 1", "onset 0.05", "offset 0.01"]),
        ("0.05\t0.13\train\n", ["line 1", "offset 0.13", "allowed to 0.12"]),
        ("0.01\t0.05\train\n0,01\t0,05\train\n", ["line 2", "duplicate"]),
    ],
)
def test_bad_annotation_is_named(text, needles, official):
    file = official / "meta" / f"{NAME}-annot-42.txt"
    file.write_text(text)
    refused(tut.OfficialError, lambda: tut.read(official), file, *needles)


@pytest.mark.parametrize("where", [f"audio/{NAME}-mix-17.wav", f"meta/{NAME}-annot-17.txt"])
def test_a_missing_file_fails_the_count(where, official):
    (official / where).unlink()
    assert not tut.is_unpacked(official)
    refused(tut.OfficialError, lambda: tut.read(official), "99 of 100", "17 missing")


def test_surplus_and_ambiguous_files_are_named(official):
    extra = official / "audio" / f"{NAME}-mix-100.wav"
    files.write_wav(extra, np.ones(800) / 2, RATE)
    refused(tut.OfficialError, lambda: tut.read(official), extra, "0 to 99")
    extra.rename(extra.with_name("mix-007.wav"))
    refused(tut.OfficialError, lambda: tut.read(official), "mix-007.wav", f"{NAME}-mix-7.wav")


def test_missing_class_and_folders(official):
    for file in (official / "meta").iterdir():
        file.write_text(file.read_text().replace("thunder", "rain"))
    refused(tut.OfficialError, lambda: tut.read(official), "meta", "no event of class thunder")
    shutil.rmtree(official / "meta")
    refused(FileNotFoundError, lambda: tut.read(official), official / "meta")
    refused(FileNotFoundError, lambda: tut.read(official / "no"), official / "no")


def test_broken_audio_is_named(official):
    path = official / "audio" / f"{NAME}-mix-50.wav"
    path.write_bytes(path.read_bytes()[:900])
    refused(files.AudioError, lambda: tut.read(official), path, "truncated")


@pytest.mark.parametrize(
    ("name", "edit", "needles"),
    [
        ("test.txt", lambda text: text.replace("mix-3.", "mix-33."), ["lacks 3"]),
        ("validate.txt", lambda text: text + f"audio/{NAME}-mix-40.wav\n", ["adds 40"]),
        ("train+validate.txt", lambda text: text.split("\n", 1)[1], ["lacks 20"]),
        ("evaluate.txt", lambda text: "", ["lacks 0, 1, 2, 3, 4, ..."]),
        ("test.txt", lambda text: "audio/mix.wav\n" + text, ["line 1", "audio/mix.wav"]),
    ],
)
def test_split_lists_that_disagree_fail_loudly(name, edit, needles, official):
    file = official / "evaluation_setup" / name
    file.write_text(edit(file.read_text()))
    refused(tut.OfficialError, lambda: tut.read(official), file, *needles)


# downloads


def make_zip(path, entries):
    with zipfile.ZipFile(path, "w") as box:
        for name, data in entries.items():
            box.writestr(name, data)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def host(tmp_path):
    """A web server on this machine; returns its folder and its address."""
    folder = tmp_path / "host"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def package(data, *urls, name="x.zip"):
    return Package(name, urls, len(data), hashlib.md5(data).hexdigest())


def test_fetch_tries_hosts_in_turn(host, tmp_path):
    folder, url = host
    data = b"x" * 5000
    (folder / "x.zip").write_bytes(data)
    wanted = package(data, "http://127.0.0.1:9/x.zip", f"{url}/gone/x.zip", f"{url}/x.zip")
    assert fetch(wanted, tmp_path / "raw").read_bytes() == data
    (folder / "x.zip").unlink()
    assert fetch(wanted, tmp_path / "raw").read_bytes() == data  # what lies there is used


def test_fetch_names_every_failure(host, tmp_path):
    folder, url = host
    wanted = package(b"right", f"{url}/gone.zip", f"{url}/x.zip", "http://127.0.0.1:9/x.zip")
    for served, problem in [
        (b"wrong", hashlib.md5(b"wrong").hexdigest()),
        (b"rig", "3 of 5 bytes"),
    ]:
        (folder / "x.zip").write_bytes(served)
        needles = ["HTTP 404", problem, "127.0.0.1:9", "wget -c", tmp_path / "raw" / "x.zip"]
        refused(ArchiveError, lambda: fetch(wanted, tmp_path / "raw"), *needles)
        assert list((tmp_path / "raw").iterdir()) == []
    needle = hashlib.md5(b"right").hexdigest()
    (folder / "x.zip").write_bytes(b"wrong")
    refused(ArchiveError, lambda: fetch(wanted, tmp_path / "raw"), needle)


def test_archives_that_lie_there_are_verified_and_kept(tmp_path):
    wanted = package(b"right", "http://127.0.0.1:9/x.zip")
    target = tmp_path / "x.zip"
    target.write_bytes(b"wrong")
    sums = [hashlib.md5(data).hexdigest() for data in (b"wrong", b"right")]
    refused(ArchiveError, lambda: fetch(wanted, tmp_path), target, "checksum", *sums)
    target.write_bytes(b"rig")
    needles = [target, "partial, 3 of 5 bytes", f"wget -c -P {tmp_path} {wanted.urls[0]}"]
    refused(ArchiveError, lambda: fetch(wanted, tmp_path), *needles)
    assert target.read_bytes() == b"rig"


def test_full_disk_while_downloading_leaves_nothing(host, tmp_path, monkeypatch):
    folder, url = host
    (folder / "x.zip").write_bytes(b"right")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download.pooch.HTTPDownloader, "__call__", full)
    raw = tmp_path / "raw"
    wanted = package(b"right", f"{url}/x.zip")
    refused(ArchiveError, lambda: fetch(wanted, raw), raw / "x.zip", "No space left")
    assert list(raw.iterdir()) == []


def test_registry_lists_six_archives_at_two_hosts():
    listed = download.packages("tut_sed_synthetic_2016")
    assert len(listed) == 6 and sum(p.bytes for p in listed) == 4_421_668_303
    for entry in listed:
        assert entry.urls[0].startswith("https://webpages.tuni.fi/")
        assert entry.urls[1].startswith("http://www.cs.tut.fi/")
        assert all(url.endswith("/" + entry.name) for url in entry.urls)
        assert len(entry.md5) == 32
    refused(ArchiveError, lambda: download.packages("nothing"), "packages.tsv", "'nothing'")


@pytest.fixture
def served(published, host, tmp_path):
    """The tiny set as two archives on the host, and a registry of them."""
    folder, url = host
    lines = ["corpus\tpackage\turls\tbytes\tmd5"]
    for name, tops in (("meta.zip", ("meta", "evaluation_setup")), ("audio.zip", ("audio",))):
        found = [path for top in tops for path in sorted((published / top).iterdir())]
        make_zip(folder / name, {f"{p.parent.name}/{p.name}": p.read_bytes() for p in found})
        wanted = package((folder / name).read_bytes())
        urls = f"http://127.0.0.1:9/{name} {url}/{name}"
        lines.append(f"tut_sed_synthetic_2016\t{name}\t{urls}\t{wanted.bytes}\t{wanted.md5}")
    registry = tmp_path / "packages.tsv"
    registry.write_text("\n".join(lines) + "\n")
    return folder, registry


def test_install_and_again(served, tmp_path):
    folder, registry = served
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(folder / "meta.zip", raw)  # one archive is the user's own
    message = download.install("tut_sed_synthetic_2016", raw, registry=registry)
    assert "100 recordings, 200 events, 16 classes" in message
    for name in ("meta.zip", "audio.zip"):
        (raw / name).unlink()
        (folder / name).unlink()
    assert download.install("tut_sed_synthetic_2016", raw, registry=registry) == message


def test_install_unpacks_nothing_if_one_archive_is_wrong(served, tmp_path):
    folder, registry = served
    (folder / "audio.zip").write_bytes(b"moved")
    raw = tmp_path / "raw"
    call = functools.partial(download.install, "tut_sed_synthetic_2016", raw, registry=registry)
    refused(ArchiveError, call, raw / "audio.zip", "not downloaded")
    assert [path.name for path in raw.iterdir()] == ["meta.zip"]


def test_install_bank(host, tmp_path):
    folder, url = host
    rows, entries = ["filename,fold,target,category,esc10,src_file,take"], {}
    for fold in range(1, 6):
        name = f"{fold}-{fold}00-A-0.wav"
        noise = np.random.default_rng(fold).uniform(-0.1, 0.1, 800)
        files.write_wav(tmp_path / "clip.wav", noise, RATE)
        entries[f"ESC-50-master/audio/{name}"] = (tmp_path / "clip.wav").read_bytes()
        rows.append(f"{name},{fold},0,dog,True,{fold}00,A")
    entries["ESC-50-master/meta/esc50.csv"] = "\n".join(rows).encode()
    entries["ESC-50-master/README.md"] = b"theirs"
    make_zip(folder / "master.zip", entries)
    raw = tmp_path / "bank"
    files.write_text(raw / "README.md", "mine")
    install = functools.partial(download.install_bank, raw, url=f"{url}/master.zip")
    assert "5 clips of 1 classes" in install(clips=5, classes=1)
    assert (raw / "README.md").read_text() == "mine"
    refused(ArchiveError, install, "esc50.csv", "5 clips of 1 classes", "expected 2000 of 50")
    next((raw / "audio").iterdir()).unlink()
    refused(FileNotFoundError, lambda: install(clips=5, classes=1), "esc50.csv line")
    (raw / "my own clips").mkdir()
    refused(ArchiveError, install, raw, "my own clips")


def test_command_line(published, tmp_path, capsys):
    assert download.main(["tut_sed_synthetic_2016", "--to", str(published)]) == 0
    assert "100 recordings" in capsys.readouterr().out
    (tmp_path / "ESC-50-master.zip").write_bytes(b"half")
    assert download.main(["bank", "--to", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "ESC-50-master.zip" in error and "damaged" in error
