"""Archives: zip and tar files unpacked without trust in the names they carry."""

import contextlib
import gzip
import lzma
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
)


class ArchiveError(ValueError):
    """An archive that cannot be fetched, trusted or unpacked; one line naming the file."""


@dataclass(frozen=True)
class Member:
    """One entry: its `name`, unpacked `size` in bytes, `kind`, and `open` for its content."""

    name: str
    size: int
    kind: str  # file, folder, link, special or encrypted
    open: Callable[[], BinaryIO]


def extract(archive: str | Path, folder: str | Path, wanted: Sequence[str]) -> list[Path]:
    """Unpack the `wanted` top folders and files of a zip or tar into `folder`; return their paths.

    A single enclosing folder (``ESC-50-master/``) is left out. Every entry is checked before
    anything is written. Files are unpacked in a temporary folder and renamed into place when all
    are whole; files that already lie there with the same size are kept.
    ArchiveError for absolute paths, ``..``, links, special or encrypted entries, a repeated name, a
    damaged or partial archive, one that holds none of `wanted`, and where the disk is too small.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise FileNotFoundError(f"{archive}: no such archive")
    try:
        with _members(archive) as members:
            chosen = _chosen(archive, members, wanted)
            todo = {
                inner: member
                for inner, member in chosen.items()
                if _size(folder / inner) != member.size
            }
            _unpack(archive, folder, todo)
    except DAMAGED as error:
        reason = " ".join(str(error).split())
        raise ArchiveError(f"{archive}: damaged or partial archive ({reason})") from error
    except OSError as error:
        if error.filename is not None:
            raise
        raise ArchiveError(f"{archive}: not unpacked ({error.strerror or error})") from error
    return [folder / inner for inner in chosen]


@contextlib.contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            infos = tar.getmembers()
            while tar.fileobj.read(1 << 20):
                pass  # a compressed stream is checked at its very end, behind the last entry
            yield [
                Member(info.name, info.size, _tar_kind(info), partial(tar.extractfile, info))
                for info in infos
            ]
    else:  # not is_zipfile(): ZipFile itself says what is wrong with a broken one
        with zipfile.ZipFile(archive) as box:
            yield [
                Member(info.orig_filename, info.file_size, _zip_kind(info), partial(box.open, info))
                for info in box.infolist()
            ]


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "link"
    return "folder" if info.isdir() else "file" if info.isreg() else "special"


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16  # Unix permissions and type, 0 where made elsewhere
    if info.is_dir():
        return "folder"
    if info.flag_bits & 1:
        return "encrypted"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "special"


def _chosen(archive: Path, members: list[Member], wanted: Sequence[str]) -> dict[str, Member]:
    """Return the wanted files by the path they get; every member is checked, wanted or not."""
    files = {}
    for member in members:
        if member.kind not in ("file", "folder"):
            raise ArchiveError(f"{archive}: {member.kind} entry {member.name!r} is refused")
        name = member.name.replace("\\", "/")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts or "\0" in name:
            raise ArchiveError(f"{archive}: entry {member.name!r} leads out of the folder")
        if member.kind == "file":
            if tuple(parts) in files:
                raise ArchiveError(f"{archive}: entry {member.name!r} is there twice")
            files[tuple(parts)] = member
    tops = {parts[0] for parts in files}
    if len(tops) == 1 and not tops & set(wanted):
        files = {parts[1:]: member for parts, member in files.items()}
    chosen = {
        "/".join(parts): member for parts, member in files.items() if parts and parts[0] in wanted
    }
    if not chosen:
        raise ArchiveError(f"{archive}: holds none of {', '.join(wanted)}")
    return chosen


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _unpack(archive: Path, folder: Path, todo: dict[str, Member]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    need, free = sum(member.size for member in todo.values()), shutil.disk_usage(folder).free
    if need > free:
        raise ArchiveError(f"{archive}: needs {need} bytes in {folder}, {free} are free")
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=folder) as staged:
        for inner, member in todo.items():
            part = Path(staged, inner)
            part.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, open(part, "xb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        for inner in todo:
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(staged, inner), folder / inner)
