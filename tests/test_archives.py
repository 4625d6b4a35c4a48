"""Archives are not trusted: names are checked before anything is written, damage leaves nothing."""

import errno
import io
import os
import shutil
import stat
import tarfile
import zipfile

import numpy as np
import pytest
from conftest import refused

from sedutils.corpora.official import archives
from sedutils.corpora.official.archives import ArchiveError, extract
from sedutils.pipeline import files


def make_zip(path, entries):
    """Write a zip; an entry is name -> bytes, or name -> (bytes, Unix mode)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in entries.items():
            data, mode = data if isinstance(data, tuple) else (data, stat.S_IFREG | 0o644)
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            box.writestr(info, data)
    return path


def make_tar(path, entries):
    """Write a tar; an entry is name -> bytes, or name -> (kind, target)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, tuple):
                info.type, info.linkname = data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


GOOD = {"set/audio/a.wav": b"aaa", "set/meta/a.txt": b"0", "set/README.md": b"x"}


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("enclosed", [True, False])
def test_extract_takes_the_wanted_folders(make, enclosed, tmp_path):
    entries = GOOD if enclosed else {name.removeprefix("set/"): GOOD[name] for name in GOOD}
    out = tmp_path / "out"
    files.write_text(out / "README.md", "mine")
    for _ in range(2):  # the second time everything is there
        done = extract(make(tmp_path / "x.archive", entries), out, ("audio", "meta"))
    assert sorted(done) == [out / "audio/a.wav", out / "meta/a.txt"]
    assert (out / "audio/a.wav").read_bytes() == b"aaa"
    assert (out / "README.md").read_text() == "mine"
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "audio", "meta"]


ESCAPES = [
    (make_zip, {"../evil": b"x"}, "'../evil'"),
    (make_zip, {"audio/../../evil": b"x"}, "evil"),
    (make_zip, {"/evil": b"x"}, "'/evil'"),
    (make_zip, {"..\\evil": b"x"}, "evil"),
    (make_zip, {"C:\\evil": b"x"}, "evil"),
    (make_zip, {"audio/link": (b"/etc", stat.S_IFLNK | 0o777)}, "link"),
    (make_zip, {"audio/pipe": (b"", stat.S_IFIFO | 0o644)}, "special"),
    (make_tar, {"../evil": b"x"}, "'../evil'"),
    (make_tar, {"audio/../../evil": b"x"}, "evil"),
    (make_tar, {"/evil": b"x"}, "'/evil'"),
    (make_tar, {"audio/link": (tarfile.SYMTYPE, "/etc")}, "link"),
    (make_tar, {"audio/link": (tarfile.SYMTYPE, "../../evil")}, "link"),
    (make_tar, {"audio/link": (tarfile.LNKTYPE, "../evil")}, "link"),
    (make_tar, {"audio/pipe": (tarfile.FIFOTYPE, "")}, "special"),
]


@pytest.mark.parametrize(("make", "entries", "needle"), ESCAPES)
def test_escaping_entries_are_refused_before_anything_is_written(make, entries, needle, tmp_path):
    archive = make(tmp_path / "x.archive", {"audio/a.wav": b"a", "meta/a.txt": b"0"} | entries)
    out = tmp_path / "deep" / "out"
    refused(ArchiveError, lambda: extract(archive, out, ("audio", "meta")), archive, needle)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["x.archive"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_damaged_archives_leave_nothing(make, tmp_path):
    noise = np.random.default_rng(0).bytes(300_000)
    archive = make(tmp_path / "x.archive", {"audio/a.wav": noise, "audio/b.wav": noise[::-1]})
    whole, out = archive.read_bytes(), tmp_path / "out"
    middle = len(whole) // 2 + 9
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    for data in (whole[: len(whole) * 2 // 3], flipped, b"<html>moved</html>", b""):
        archive.write_bytes(data)
        refused(ArchiveError, lambda: extract(archive, out, ("audio",)), archive, "damaged")
        assert not out.exists() or not list(out.iterdir())


def test_archives_without_use(tmp_path):
    archive = make_zip(tmp_path / "x.zip", {"set/other/a.wav": b"a"})
    refused(ArchiveError, lambda: extract(archive, tmp_path, ("audio",)), archive, "audio")
    refused(FileNotFoundError, lambda: extract(tmp_path / "no.zip", tmp_path, ("audio",)), "no.zip")


def test_no_space_is_said_before_and_during(tmp_path, monkeypatch):
    archive, out = make_zip(tmp_path / "x.zip", {"audio/a.wav": b"a" * 99}), tmp_path / "out"
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    refused(ArchiveError, lambda: extract(archive, out, ("audio",)), archive, "needs 99 bytes")
    monkeypatch.undo()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    refused(ArchiveError, lambda: extract(archive, out, ("audio",)), archive, "No space left")
    assert list(out.iterdir()) == []
