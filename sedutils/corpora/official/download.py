"""Fetch and unpack published data: ``python -m sedutils.corpora.official.download NAME [--to DIR]``.

Archives are checked against the byte counts and md5 sums in ``packages.tsv`` before anything is
taken out of them. Archives that already lie in the folder are used, so a host that has moved, or a
connection that needs ``wget -c``, is no obstacle. A failed download leaves nothing behind.
"""

import argparse
import csv
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from sedutils.corpora.bank import ESC50_TABLE, Bank
from sedutils.corpora.official import (
    chime_home,
    librispeech,
    tut_rare_2017,
    tut_sed_synthetic_2016,
    tut_sound_events_2016,
)
from sedutils.corpora.official.archives import ArchiveError, extract

REGISTRY = Path(__file__).with_name("packages.tsv")
RAW = Path("data", "raw")
READERS = {
    "tut_sed_synthetic_2016": tut_sed_synthetic_2016,
    "tut_sound_events_2016": tut_sound_events_2016,
    "chime_home": chime_home,
    "tut_rare_2017": tut_rare_2017,
    "librispeech": librispeech,
}
# what is taken out of archives; features (Python pickles), scripts and readmes are left there
WANTED = ("audio", "meta", "evaluation_setup")
WANTED_FROM = {
    "chime_home": ("chunks", chime_home.DEVELOPMENT, chime_home.EVALUATION),
    "tut_rare_2017": ("data",),
    "librispeech": librispeech.SUBSETS,
}
ESC50_URL = "https://github.com/karoldvl/ESC-50/archive/master.zip"
ESC50_CLIPS, ESC50_CLASSES = 2000, 50
TIMEOUT_S = 30


@dataclass(frozen=True)
class Package:
    """One archive of a corpus: `urls` in the order to try, size and checksum None if unknown."""

    name: str
    urls: tuple[str, ...]
    bytes: int | None = None
    md5: str | None = None


def packages(corpus: str, registry: str | Path = REGISTRY) -> list[Package]:
    """Return a corpus's archives from a registry (tab separated, addresses split by spaces)."""
    with open(registry, encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle, delimiter="\t") if row["corpus"] == corpus]
    if not rows:
        raise ArchiveError(f"{registry}: no archive of corpus {corpus!r}")
    return [
        Package(row["package"], tuple(row["urls"].split()), int(row["bytes"]), row["md5"])
        for row in rows
    ]


def verify(path: str | Path, package: Package) -> None:
    """Raise ArchiveError if a file's size or md5 is not the package's; the file is left alone."""
    path, size = Path(path), Path(path).stat().st_size
    if package.bytes is not None and size < package.bytes:
        resume = f"complete it with: wget -c -P {path.parent} {package.urls[0]}"
        raise ArchiveError(f"{path}: partial, {size} of {package.bytes} bytes; {resume}")
    if package.md5 is None:
        return
    with open(path, "rb") as handle:
        found = hashlib.file_digest(handle, "md5").hexdigest()
    if found != package.md5:
        raise ArchiveError(f"{path}: wrong checksum, md5 {found}, expected {package.md5}")


def fetch(package: Package, folder: str | Path, *, timeout_s: float = TIMEOUT_S) -> Path:
    """Return a verified archive in `folder`, downloading it unless it is there.

    Addresses are tried in turn. ArchiveError if an archive that lies there is partial or wrong (it
    is kept: it may be yours), or if every address fails, with the reason of each.
    """
    target = Path(folder, package.name)
    if target.exists():
        verify(target, package)
        return target

    def download(url: str, part: str, _pooch: object) -> None:
        # pooch hands a temporary file beside the target and removes it if this raises
        get = pooch.HTTPDownloader(
            progressbar=sys.stderr.isatty(), chunk_size=1 << 20, timeout=timeout_s
        )
        get(url, part, None)
        verify(part, package)

    reasons = []
    pooch.get_logger().setLevel("WARNING")
    for url in package.urls:
        try:
            pooch.retrieve(url, None, fname=package.name, path=folder, downloader=download)
            return target
        except ArchiveError as error:
            reasons.append(f"{url}: {str(error).split(': ', 1)[1].split('; complete it')[0]}")
        except requests.RequestException as error:
            reasons.append(f"{url}: {_reason(error)}")
        except OSError as error:  # the disk, not the host: another address would not help
            raise ArchiveError(f"{target}: not downloaded ({_reason(error)})") from error
    by_hand = f"fetch it by hand: wget -c -P {folder} {package.urls[-1]}"
    raise ArchiveError(f"{target}: not downloaded ({'; '.join(reasons)}); {by_hand}")


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return f"{type(error).__name__} {' '.join(str(error).split())[:160]}"


def install(corpus: str, folder: str | Path, *, registry: str | Path = REGISTRY) -> str:
    """Fetch, verify, unpack and check a published corpus in `folder`; return a line about it.

    Archives that lie in `folder` are used, missing ones are downloaded; unpacked data are left as
    they are and need no archive. The archives stay: delete them when you like.
    ArchiveError for an archive, the reader's own error for data that are not what they should be.
    """
    folder, reader = Path(folder), READERS[corpus]
    if not reader.is_unpacked(folder):
        # all are there and verified before the first is unpacked
        for archive in [fetch(package, folder) for package in packages(corpus, registry)]:
            extract(archive, folder, WANTED_FROM.get(corpus, WANTED))
    if reader is librispeech:  # phones come with the alignment
        utterances = reader.read(folder)
        hours = utterances["duration_s"].sum() / 3600
        speakers = utterances["speaker"].nunique()
        return f"{folder}: {len(utterances)} utterances, {speakers} speakers, {hours:.1f} h"
    recordings, rows, labels, *_ = reader.read(folder)
    minutes = recordings["duration_s"].sum() / 60
    what = "events" if "onset_s" in rows else "tags"
    counts = f"{len(recordings)} recordings, {len(rows)} {what}, {len(labels)} classes"
    return f"{folder}: {counts}, {minutes:.0f} min"


def install_bank(
    folder: str | Path,
    *,
    url: str = ESC50_URL,
    clips: int = ESC50_CLIPS,
    classes: int = ESC50_CLASSES,
) -> str:
    """Fetch ESC-50 (K. J. Piczak, 2015; CC BY-NC) into `folder`; return a line about it.

    GitHub packs the archive on demand, so it has no checksum to rely on: the content is checked
    instead, `clips` of `classes` listed in ``meta/esc50.csv``, each there with a whole header.
    """
    folder = Path(folder)
    own = sorted(p.name for p in folder.glob("[!.]*/") if p.name not in WANTED)
    if own:
        raise ArchiveError(f"{folder}: holds other clips already ({', '.join(own)}), use --to")
    if not (folder / ESC50_TABLE).is_file():
        extract(fetch(Package("ESC-50-master.zip", (url,)), folder), folder, WANTED)
    bank = Bank(folder)
    found = (len(bank.instances), len(bank.labels))
    if found != (clips, classes):
        problem = f"{found[0]} clips of {found[1]} classes, expected {clips} of {classes}"
        raise ArchiveError(f"{folder / ESC50_TABLE}: {problem}")
    return f"{folder}: {clips} clips of {classes} classes (ESC-50, CC BY-NC: no commercial use)"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m sedutils.corpora.official.download")
    parser.add_argument("name", choices=[*READERS, "bank"], help="what to fetch")
    parser.add_argument("--to", type=Path, help=f"folder (default: {RAW}/NAME)")
    chosen = parser.parse_args(arguments)
    folder = chosen.to or RAW / chosen.name
    try:
        message = install_bank(folder) if chosen.name == "bank" else install(chosen.name, folder)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(message)
    return 0


if __name__ == "__main__":
    sys.exit(main())
