"""TUT-SED Synthetic 2016: 100 mixtures of 16 classes (Cakir et al. 2017, Section IV-A).

Layout under the folder::

    audio/TUT-SED-synthetic-2016-mix-{0..99}.wav
    meta/TUT-SED-synthetic-2016-annot-{0..99}.txt     onset, offset, label; TAB, no header
    evaluation_setup/{train+validate,validate,test,evaluate}.txt   checked where present

Audio and annotation have different stems and are matched on the trailing number. Mixtures 0-19 are
the test set, 20-39 validation, 40-99 training; the published "train+validate" list holds both.
Feature files (Python pickles) are never opened.
"""

import re
from pathlib import Path

import pandas as pd

from sedutils.corpora import corpus
from sedutils.corpora.official.annotations import (
    OfficialError,
    few,
    numbered_lines,
    read_annotation,
)
from sedutils.pipeline import files

LABELS = (
    "alarms_and_sirens",
    "baby_crying",
    "bird_singing",
    "bus",
    "cat_meowing",
    "crowd_applause",
    "crowd_cheering",
    "dog_barking",
    "footsteps",
    "glass_smash",
    "gun_shot",
    "horsewalk",
    "mixer",
    "motorcycle",
    "rain",
    "thunder",
)
SPLITS = {"test": range(20), "validation": range(20, 40), "train": range(40, 100)}
N_RECORDINGS = sum(len(numbers) for numbers in SPLITS.values())
SETUP = {
    "train+validate.txt": range(20, 100),
    "train.txt": SPLITS["train"],
    "validate.txt": SPLITS["validation"],
    "test.txt": SPLITS["test"],
    "evaluate.txt": SPLITS["test"],
}


def is_unpacked(folder: str | Path) -> bool:
    """Tell whether as many recordings and annotations lie there as were published."""
    found = [len(list(Path(folder).glob(glob))) for glob in ("audio/*.wav", "meta/*.txt")]
    return min(found) >= N_RECORDINGS


def read(
    folder: str | Path, *, tolerance_s: float = corpus.HOP_S
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Return (recordings, events, labels) in the corpus format, paths relative to `folder`.

    tolerance_s: how far an event may reach past its recording's end.
    FileNotFoundError for a missing folder, OfficialError for anything but 100 recordings and
    annotations, 60/20/20 of them in the splits, exactly 16 classes, well-formed annotation lines
    and split lists that agree; AudioError for a recording that is no whole audio file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder (make official fetches it)")
    audio, meta = _numbered(folder / "audio", ".wav"), _numbered(folder / "meta", ".txt")
    _check_setup(folder / "evaluation_setup")
    recordings, events = [], []
    for number, path in audio.items():
        info = files.audio_info(path)
        split = next(name for name, numbers in SPLITS.items() if number in numbers)
        place = path.relative_to(folder).as_posix()
        recordings.append((path.stem, place, info.duration_s, info.sample_rate, "", split))
        rows = read_annotation(meta[number], LABELS, info.duration_s, tolerance_s)
        events += [(path.stem, *row) for row in rows]
    recordings = pd.DataFrame(recordings, columns=list(corpus.TABLES["recordings.csv"]))
    events = pd.DataFrame(events, columns=list(corpus.EVENTS))
    absent = [label for label in LABELS if label not in set(events["label"])]
    if absent:
        raise OfficialError(f"{folder / 'meta'}: no event of class {', '.join(absent)}")
    corpus.validate(recordings, events, LABELS, tolerance_s=tolerance_s, where=f"{folder}: ")
    return recordings, events, LABELS


def _numbered(folder: Path, suffix: str) -> dict[int, Path]:
    """Return the files of a folder by their trailing number, which must be 0 to 99, each once."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    found: dict[int, Path] = {}
    for path in sorted(folder.glob(f"[!.]*{suffix}")):
        number = _trailing_number(path.name)
        if number is None or number >= N_RECORDINGS:
            raise OfficialError(f"{path}: no number 0 to {N_RECORDINGS - 1} at the end of its name")
        if number in found:
            raise OfficialError(f"{path}: has the number of {found[number].name}")
        found[number] = path
    missing = [number for number in range(N_RECORDINGS) if number not in found]
    if missing:
        counts = f"{len(found)} of {N_RECORDINGS} {suffix} files"
        raise OfficialError(f"{folder}: {counts}, number {few(missing)} missing")
    return dict(sorted(found.items()))


def _trailing_number(name: str) -> int | None:
    match = re.search(r"(\d+)(\.\w+)?$", name)
    return int(match[1]) if match else None


def _check_setup(folder: Path) -> None:
    """Compare the published split lists, where there are any, with `SPLITS`."""
    for name, expected in SETUP.items():
        file = folder / name
        if not file.is_file():
            continue
        listed = set()
        for line, text in numbered_lines(file):
            recording = text.split("\t")[0].strip()
            number = _trailing_number(recording)
            if number is None:
                raise OfficialError(f"{file} line {line}: no number ends {recording!r}")
            listed.add(number)
        for what, numbers in (("lacks", set(expected) - listed), ("adds", listed - set(expected))):
            if numbers:
                wanted = f"mixtures {expected[0]} to {expected[-1]}"
                problem = f"{what} {few(sorted(numbers))}"
                raise OfficialError(f"{file}: expected {wanted}, the list {problem}")
