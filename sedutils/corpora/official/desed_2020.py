"""DESED as of DCASE 2020 task 4: clips of ten seconds, five lists, and not all of the sound any more.

Layout under the folder, as the challenge's baseline leaves it in ``dataset/``::

    metadata/train/weak.tsv                        filename, event_labels (commas between)
    metadata/train/unlabel_in_domain.tsv           filename
    metadata/train/synthetic20/soundscapes.tsv     filename, onset, offset, event_label
    metadata/validation/validation.tsv             the same
    metadata/eval/public.tsv                       the same
    audio/train/{weak,unlabel_in_domain,synthetic20/soundscapes}/, audio/validation/, audio/eval/public/

TAB between columns, one header. A clip without events has one row with nothing but its name: it stays in
the count, where a detector may give false alarms. Many clips came from a video site and are gone: those
that are listed but not there are left out and told, never an error.
"""

import hashlib
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedutils.corpora import corpus
from sedutils.corpora.official.annotations import OfficialError, numbered_lines
from sedutils.corpora.official.scenes import RECORDINGS
from sedutils.pipeline import files

LABELS = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)
# part -> its list, the folder of its clips, and how many were published
LISTS = {
    "weak": ("train/weak.tsv", "train/weak", 1578),
    "unlabelled": ("train/unlabel_in_domain.tsv", "train/unlabel_in_domain", 14412),
    "synthetic": ("train/synthetic20/soundscapes.tsv", "train/synthetic20/soundscapes", 2584),
    "validation": ("validation/validation.tsv", "validation", 1168),
    "public": ("eval/public.tsv", "eval/public", 692),
}
NEEDED = (
    "weak",
    "validation",
    "public",
)  # without a clip of these there is nothing to train or to score
# md5 of the lists as they are known
KNOWN = {
    "e67c0829f5cf578545cca6eb44687f4e": "the challenge's list",
    "dcbbd3aeb815d043ecb1ac9a465fb3b1": "the challenge's list",
    "b28796c87aef1bb1a8ab912129c657cc": "the challenge's list",
    "64e5a63eb9d2eac066c9887fbbf6805f": "the list of the challenge in 2020, 4251 rows",
    "a5f66487feaea5c5d8f028bf1ef5bd41": "the list of March 2021 and later (desed 1.3.6), 4239 rows: "
    "overlapping events of one class were joined, about 0.1 points of F1",
}
WEAK, STRONG = ["filename", "event_labels"], ["filename", "onset", "offset", "event_label"]
HEADERS = {"weak": WEAK, "unlabelled": ["filename"]}  # the rest: STRONG


@dataclass(frozen=True)
class Found:
    """What was there.

    recordings : recording, path, duration_s, sample_rate, scene (the part), of the clips that are there
    events : recording, onset_s, offset_s, label, of synthetic, validation and public clips
    tags : recording, label, of weak clips
    missing : part, filename of the clips that are listed, but not there
    facts : list, fact; what to tell of each list
    """

    recordings: pd.DataFrame
    events: pd.DataFrame
    tags: pd.DataFrame
    missing: pd.DataFrame
    facts: pd.DataFrame


def read(folder: str | Path) -> Found:
    """Read the five lists and the headers of all clips that are there; paths relative to `folder`.

    An event that reaches past its clip's end is cut there; one that begins after it is left out, and so
    is a row that stands there twice. All of that, the number of clips and which list it is, by its
    checksum, stands in ``facts`` and goes to stderr.
    FileNotFoundError for a missing folder or list; OfficialError for another header, a row that is not as
    published, an unknown class, and where no clip of a part is there that is needed; AudioError for
    broken audio.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder (its README says how to fill it)")
    recordings, events, tags, missing, facts = [], [], [], [], []
    for part, (name, place, published) in LISTS.items():
        file = folder / "metadata" / name
        listed = read_list(file, part)
        clips, gone = there(folder, part, place, listed)
        recordings += clips
        missing += [(part, filename) for filename in gone]
        counts = [f"{len(listed)} clips listed, {published} published", kind_of(file)]
        counts.append(f"{len(clips)} found, {len(gone)} missing")
        empty = sum(not rows for rows in listed.values())
        if HEADERS.get(part, STRONG) == STRONG:
            found, odd = timed(clips, listed)
            events += found
            counts += [f"{empty} clips without events", *odd]
        else:
            known = {filename_of(path): name for name, path, *_ in clips}
            tags += [(known[f], label) for f, row in listed.items() if f in known for label in row]
        facts += [(name, fact) for fact in counts]
        print(f"{file}: {'; '.join(counts)}", file=sys.stderr)
    return Found(
        pd.DataFrame(recordings, columns=list(RECORDINGS)),
        pd.DataFrame(events, columns=list(corpus.EVENTS)),
        pd.DataFrame(tags, columns=["recording", "label"]),
        pd.DataFrame(missing, columns=["part", "filename"]),
        pd.DataFrame(facts, columns=["list", "fact"]),
    )


def kind_of(file: Path) -> str:
    """Which list a file is, by its checksum."""
    digest = hashlib.md5(file.read_bytes()).hexdigest()
    return KNOWN.get(digest, f"no list that is known here (md5 {digest})")


def filename_of(path: str) -> str:
    return path.rsplit("/", 1)[1]


def read_list(file: Path, part: str) -> dict[str, list]:
    """Return file name -> what the list says of it, in the list's order, clips without anything too.

    Labels of a weak clip, (onset, offset, label) of the others. FileNotFoundError for a missing list;
    OfficialError, with the line, for another header, a malformed row, an unknown class, a clip twice
    where a clip has one row.
    """
    (first, header), *rows = numbered_lines(file) or [(1, "")]
    columns = HEADERS.get(part, STRONG)
    if header.rstrip().split("\t") != columns:
        problem = f"header {header[:80]!r}, expected {', '.join(columns)} with TAB between"
        raise OfficialError(f"{file} line {first}: {problem}")
    found: dict[str, list] = {}
    for line, text in rows:
        where = f"{file} line {line}"
        fields = [field.strip() for field in text.split("\t")]
        fields += [""] * (
            len(columns) - len(fields)
        )  # an editor may have cut the TABs of an empty row
        filename, *values = fields
        if len(fields) != len(columns) or Path(filename).name != filename or "." not in filename:
            raise OfficialError(f"{where}: not {', '.join(columns)}: {text[:80]!r}")
        if columns != STRONG and filename in found:
            raise OfficialError(f"{where}: clip {filename!r} is listed already")
        found.setdefault(filename, []).extend(said(values, columns, where))
    if not found:
        raise OfficialError(f"{file}: empty list")
    return found


def said(values: list[str], columns: list[str], where: str) -> list:
    """What a row says of its clip: labels, or one event, or nothing."""
    if not any(values):
        if columns == WEAK:
            raise OfficialError(f"{where}: a weak clip without a label")
        return []
    labels = values[0].split(",") if columns == WEAK else values[-1:]
    for label in labels:
        if label not in LABELS:
            raise OfficialError(f"{where}: label {label!r} is none of {', '.join(LABELS)}")
    if columns == WEAK:
        return list(dict.fromkeys(labels))
    try:
        onset_s, offset_s = map(float, values[:2])
    except ValueError:
        onset_s = offset_s = math.nan
    if not 0 <= onset_s < offset_s < math.inf:
        raise OfficialError(f"{where}: no event from {values[0]!r} to {values[1]!r} s")
    return [(onset_s, offset_s, labels[0])]


def there(folder: Path, part: str, place: str, listed: dict) -> tuple[list[tuple], list[str]]:
    """Return the recordings whose audio is there, and the file names of the others."""
    clips, gone = [], []
    for filename in listed:
        path = folder / "audio" / place / filename
        if not path.is_file():
            gone.append(filename)
            continue
        info = files.audio_info(path)
        name = f"{part}_{path.stem}"
        where = path.relative_to(folder).as_posix()
        clips.append((name, where, info.duration_s, info.sample_rate, part))
    if not clips and part in NEEDED:
        problem = f"none of the {len(listed)} clips of {LISTS[part][0]} is there"
        raise OfficialError(f"{folder / 'audio' / place}: {problem}")
    return clips, gone


def timed(clips: list[tuple], listed: dict) -> tuple[list[tuple], list[str]]:
    """Return (recording, onset_s, offset_s, label) within the clips, and what had to be changed."""
    events, cut, late, twice = [], 0, 0, 0
    for name, path, duration_s, *_ in clips:
        own = listed[filename_of(path)]
        twice += len(own) - len(set(own))
        for onset_s, offset_s, label in sorted(set(own)):
            if onset_s >= duration_s:
                late += 1
                continue
            cut += offset_s > duration_s + corpus.HOP_S
            events.append((name, onset_s, min(offset_s, duration_s), label))
    counts = {
        "events cut at their clip's end": cut,
        "events left out that begin after it": late,
        "rows that stand there twice": twice,
    }
    return events, [f"{count} {what}" for what, count in counts.items() if count]
