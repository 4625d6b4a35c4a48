"""Recordings of real scenes: a folder a scene, and the lists of a cross-validation.

Layout under the folder::

    audio/<scene>/<name>.wav
    meta/<scene>/<name><suffix>                          annotation lines, see `annotations`
    evaluation_setup/[<scene>_]fold{1..n}_{train,test}.txt   audio/<scene>/<name>.wav [TAB ...]

A recording is called ``<scene>_<name>``: names may occur in several scenes.
"""

from collections.abc import Collection, Mapping
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

RECORDINGS = ("recording", "path", "duration_s", "sample_rate", "scene")
FOLDS = ("fold", "recording", "split")


def read_scenes(
    folder: Path,
    scenes: Mapping[str, Collection[str] | None],
    suffix: str,
    tolerance_s: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (recordings, events) of the named scenes, each with the labels it allows (None: any).

    FileNotFoundError for a missing folder, OfficialError for a folder of another scene, audio
    without annotation or the reverse and annotations that are wrong, AudioError for broken audio.
    """
    recordings, events = [], []
    for top in ("audio", "meta"):
        if not (folder / top).is_dir():
            raise FileNotFoundError(f"{folder / top}: no such folder")
        for found in sorted((folder / top).glob("[!.]*/")):
            if found.name not in scenes:
                raise OfficialError(f"{found}: unknown scene, expected {', '.join(scenes)}")
    for scene, labels in scenes.items():
        for path, annotation in pairs(folder / "audio" / scene, folder / "meta" / scene, suffix):
            info, name = files.audio_info(path), f"{scene}_{path.stem}"
            place = path.relative_to(folder).as_posix()
            recordings.append((name, place, info.duration_s, info.sample_rate, scene))
            rows = read_annotation(annotation, labels, info.duration_s, tolerance_s)
            events += [(name, *row) for row in rows]
    recordings = pd.DataFrame(recordings, columns=list(RECORDINGS))
    return recordings, pd.DataFrame(events, columns=list(corpus.EVENTS))


def pairs(audio: Path, meta: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Return each recording of two folders with its annotation, by name.

    FileNotFoundError for a missing folder; OfficialError for one without the other, and for none.
    """
    for folder in (audio, meta):
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder")
    waves = {path.stem: path for path in sorted(audio.glob("[!.]*.wav"))}
    notes = {path.stem: path for path in sorted(meta.glob(f"[!.]*{suffix}"))}
    for stem in sorted(waves.keys() ^ notes.keys()):
        if stem in waves:
            raise OfficialError(f"{waves[stem]}: has no annotation {meta / stem}{suffix}")
        raise OfficialError(f"{notes[stem]}: has no recording {audio / stem}.wav")
    if not waves:
        raise OfficialError(f"{audio}: no .wav file")
    return [(waves[stem], notes[stem]) for stem in waves]


def read_folds(
    setup: Path, recordings: pd.DataFrame, n_folds: int, prefix: str = ""
) -> pd.DataFrame:
    """Return (fold, recording, split "train" or "test"): a row for each recording in each fold.

    FileNotFoundError for a missing list; OfficialError unless each fold's lists are disjoint and
    together all `recordings`, and each recording is tested in exactly one fold.
    """
    names = dict(zip(recordings["path"], recordings["recording"], strict=True))
    rows, tested = [], {}
    for fold in range(1, n_folds + 1):
        train_file, test_file = (
            setup / f"{prefix}fold{fold}_{split}.txt" for split in ("train", "test")
        )
        train, test = read_list(train_file, names), read_list(test_file, names)
        for path, line in test.items():
            if path in train:
                raise OfficialError(f"{test_file} line {line}: {path} is in {train_file.name} too")
            if path in tested:
                problem = f"{path} is tested in fold {tested[path]} too"
                raise OfficialError(f"{test_file} line {line}: {problem}")
            tested[path] = fold
        missing = [path for path in names if path not in train and path not in test]
        if missing:
            problem = f"{few(missing)} neither here nor in {test_file.name}"
            raise OfficialError(f"{train_file}: {problem}")
        rows += [(fold, names[path], "test" if path in test else "train") for path in names]
    untested = [path for path in names if path not in tested]
    if untested:
        raise OfficialError(f"{setup}: tested in no {prefix}fold: {few(untested)}")
    return pd.DataFrame(rows, columns=list(FOLDS))


def read_list(file: Path, known: Collection[str]) -> dict[str, int]:
    """Return the paths a list names, in its first column, with the line of their first mention.

    A recording may stand on many lines (one an event), no line may stand there twice.
    """
    found: dict[str, int] = {}
    seen = set()
    for line, text in numbered_lines(file):
        path = text.split("\t")[0].strip()
        if path not in known:
            raise OfficialError(f"{file} line {line}: no recording {path!r}")
        if text.strip() in seen:
            raise OfficialError(f"{file} line {line}: duplicate row {text!r}")
        seen.add(text.strip())
        found.setdefault(path, line)
    if not found:
        raise OfficialError(f"{file}: empty list")
    return found
