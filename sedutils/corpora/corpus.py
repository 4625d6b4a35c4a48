"""Corpus: a few tables and audio, whatever the origin; one reader, one writer, one validator.

A corpus folder holds

- ``recordings.csv``: recording, path, duration_s, sample_rate, scene, split
- ``events.csv``: recording, onset_s, offset_s, label; or ``tags.csv``: recording, label, where nothing
  but the presence of a class in a recording is known; or both, a recording in one of them at most
- ``labels.txt``: one class a line; its order is the order of every score array
- ``folds.csv``, for cross-validation: fold, recording, split; `split` in recordings.csv is empty then
- ``parts.csv``, when it was mixed here: one row a placed instance
- ``recipes.csv``, when it was mixed by `sedutils.corpora.rare`: how a recording is made of its
  sources. `path` in recordings.csv may be empty then: the audio is made when wanted

`path` is relative to the corpus folder, or absolute. Times are seconds with six decimals.

Every error is one line: file, line, recording and value. Line numbers count the header as line 1.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora.checks import (
    CHALLENGE_SPLITS,
    DECIMALS,
    EVENTS,
    SPLITS,
    TABLES,
    CorpusError,
    check_all,
    splits_of,
)
from sedutils.pipeline import files

__all__ = ["CHALLENGE_SPLITS", "EVENTS", "HOP_S", "SPLITS", "TABLES", "Corpus", "CorpusError"]
HOP_S = 0.02


@dataclass(frozen=True, eq=False)
class Corpus:
    """A validated corpus: `folder`, tables, and None for those it does not have."""

    folder: Path
    recordings: pd.DataFrame
    events: pd.DataFrame | None
    labels: tuple[str, ...]
    parts: pd.DataFrame | None = None
    tags: pd.DataFrame | None = None
    folds: pd.DataFrame | None = None
    recipes: pd.DataFrame | None = None

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        return dict(self.events.groupby("recording", sort=False).indices)

    @cached_property
    def tagged(self) -> frozenset[str]:
        """The recordings of which no more is known than tags: those of tags.csv."""
        return frozenset() if self.tags is None else frozenset(self.tags["recording"])

    @property
    def fold_numbers(self) -> list[int]:
        """The folds in order; [] for a corpus with one fixed split."""
        return [] if self.folds is None else sorted(map(int, self.folds["fold"].unique()))

    @property
    def splits(self) -> tuple[str, ...]:
        """`SPLITS`, or `CHALLENGE_SPLITS` where there are two test sets."""
        return splits_of(self.recordings["split"])

    def events_of(self, recording: str) -> pd.DataFrame:
        """Return the events of one recording (maybe none; none of a tagged one), index from 0."""
        self._known(recording)
        return self.events.iloc[self._rows.get(recording, [])].reset_index(drop=True)

    def tags_of(self, recording: str) -> list[str]:
        """Return the classes of one recording, by tags.csv or by its events, in the order of `labels`."""
        self._known(recording)
        table = self.tags if self.events is None or recording in self.tagged else self.events
        present = set(table["label"][table["recording"] == recording])
        return [label for label in self.labels if label in present]

    def recordings_of(self, split: str, fold: int | None = None) -> pd.DataFrame:
        """Return the recordings of one split (of one fold) in table order, index from 0."""
        if split not in self.splits:
            raise CorpusError(f"split {split!r} is none of {', '.join(self.splits)}")
        if fold not in (self.fold_numbers or [None]):
            raise CorpusError(f"{self.folder}: fold {fold} is none of {self.fold_numbers}")
        if fold is None:
            chosen = self.recordings["split"] == split
        else:
            rows = self.folds[(self.folds["fold"] == fold) & (self.folds["split"] == split)]
            chosen = self.recordings["recording"].isin(rows["recording"])
        return self.recordings[chosen].reset_index(drop=True)

    def audio_path(self, recording: str) -> Path:
        """Return where the audio of a recording lies: `folder` / path, or an absolute path.

        CorpusError for one that is a recipe only.
        """
        path = self.recordings["path"].iloc[self._known(recording)]
        if not path:
            raise CorpusError(f"{self.folder}: recording {recording!r} is a recipe, without audio")
        return Path(os.path.normpath(self.folder / path))

    def _known(self, recording: str) -> int:
        rows = np.flatnonzero(self.recordings["recording"] == recording)
        if len(rows) == 0:
            raise CorpusError(f"{self.folder}: no recording {recording!r}")
        return int(rows[0])


def read(folder: str | Path, *, check_audio: bool = False, tolerance_s: float = HOP_S) -> Corpus:
    """Read and validate a corpus folder.

    check_audio: also look at every audio file's header: it is there, whole, and as long (within
    `tolerance_s`) and of the rate that the table says.
    FileNotFoundError for a missing folder or table, CorpusError for what `validate` refuses.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no such corpus folder (dvc repro makes those of the pipeline)"
        )
    there = [name for name in TABLES if (folder / name).exists()]
    needed = ["recordings.csv"] + ["events.csv"] * ("tags.csv" not in there)
    names = dict.fromkeys([*needed, *there])  # a missing one is named by the reader
    tables = {name: _read_table(folder / name) for name in names}
    labels = _read_labels(folder / "labels.txt")
    tables = check_all(tables, labels, tolerance_s, f"{folder}/")
    corpus = Corpus(
        folder,
        tables["recordings.csv"],
        tables.get("events.csv"),
        tuple(labels),
        parts=tables.get("parts.csv"),
        tags=tables.get("tags.csv"),
        folds=tables.get("folds.csv"),
        recipes=tables.get("recipes.csv"),
    )
    if check_audio:
        _check_audio(corpus, tolerance_s)
    return corpus


def write(
    folder: str | Path,
    recordings: pd.DataFrame,
    events: pd.DataFrame | None,
    labels: Sequence[str],
    parts: pd.DataFrame | None = None,
    *,
    tags: pd.DataFrame | None = None,
    folds: pd.DataFrame | None = None,
    recipes: pd.DataFrame | None = None,
    tolerance_s: float = HOP_S,
) -> None:
    """Validate and write the tables of a corpus; audio is written by whoever makes it.

    Rows keep their order, columns take the documented one, seconds are rounded to 1 µs before
    they are checked. The files are replaced together: invalid tables or a full disk leave the old
    corpus, a kill half-way leaves a folder without ``recordings.csv``, which `read` refuses.
    """
    folder, labels = Path(folder), list(labels)
    tables = _given(recordings, events, parts, tags, folds, recipes)
    tables = check_all(tables, labels, tolerance_s, f"{folder}/")
    contents = {name: files.csv_bytes(t, decimals=DECIMALS) for name, t in tables.items()}
    contents["labels.txt"] = "".join(f"{label}\n" for label in labels).encode()
    files.write_set(folder, contents, last="recordings.csv", absent=set(TABLES) - set(contents))


def validate(
    recordings: pd.DataFrame,
    events: pd.DataFrame | None,
    labels: Sequence[str],
    parts: pd.DataFrame | None = None,
    *,
    tags: pd.DataFrame | None = None,
    folds: pd.DataFrame | None = None,
    recipes: pd.DataFrame | None = None,
    tolerance_s: float = HOP_S,
    where: str = "",
) -> None:
    """Raise CorpusError for the first thing that is wrong with a corpus's tables.

    tolerance_s: how far past its recording's end an event may reach; annotations of the published
    sets are rounded, so one hop (20 ms) is let pass.
    where: put before the file name in messages, e.g. ``data/corpora/mine/``.

    Refused: missing or unknown columns, empty tables, NaN, zero or negative durations, duplicated
    or split-sharing recordings, two recordings with one audio file, a missing or unknown split,
    unknown recordings and labels, a recording with events and tags, an onset below 0, an offset at
    or before its onset, an event past the end, duplicate rows, a recording tested in no fold or in
    two (where all folds have one test set: validated), (parts) one instance in two splits, and
    (recipes) one source in two splits, a recipe that lacks something or disagrees with events.csv,
    a recording with neither path nor recipe.
    """
    check_all(
        _given(recordings, events, parts, tags, folds, recipes), list(labels), tolerance_s, where
    )


def rebase(recordings: pd.DataFrame, source: str | Path, folder: str | Path) -> pd.DataFrame:
    """Return `recordings` with paths relative to `source` made relative to `folder`.

    Audio is left where it lies. If `source` is absolute (the user's choice), so are the new paths;
    paths that already are absolute stay.
    """

    def moved(path: str) -> str:
        if Path(path).is_absolute():
            return path
        if Path(source).is_absolute():
            return os.path.normpath(Path(source) / path)
        return Path(os.path.relpath(Path(source) / path, folder)).as_posix()

    return recordings.assign(path=[moved(path) for path in recordings["path"]])


def hold_out(
    folds: pd.DataFrame, recordings: pd.DataFrame, *, share: float, seed: int
) -> pd.DataFrame:
    """Make a share of each fold's training recordings its validation recordings, scene by scene.

    Parameters
    ----------
    folds : fold, recording, split, without any ``validation``
    recordings : recording and scene; with a column ``group``, whole groups are moved

    Returns
    -------
    ``folds`` with ``validation`` in place of ``train`` for ceil(share) of the groups of every scene
    """
    group = recordings.get("group", recordings["recording"])
    facts = pd.DataFrame({"group": list(group), "scene": list(recordings["scene"])})
    facts.index = recordings["recording"]
    made = folds.copy()
    for fold, rows in folds[folds["split"] == "train"].groupby("fold"):
        rng = np.random.default_rng((seed, int(fold)))
        for _, ours in rows.groupby(rows["recording"].map(facts["scene"])):
            group = ours["recording"].map(facts["group"])
            names = sorted(group.unique())
            if len(names) < 2:
                continue
            held = rng.choice(names, int(np.ceil(share * len(names))), replace=False)
            made.loc[ours.index[group.isin(held)], "split"] = "validation"
    return made


def _given(recordings, events, parts, tags, folds, recipes) -> dict[str, pd.DataFrame]:
    tables = {
        "recordings.csv": recordings,
        "events.csv": events,
        "tags.csv": tags,
        "folds.csv": folds,
        "parts.csv": parts,
        "recipes.csv": recipes,
    }
    return {name: table for name, table in tables.items() if table is not None}


def _read_table(path: Path) -> pd.DataFrame:
    """Read all columns as text, so that a recording named NA or 007 stays what it is."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such table (an interrupted write leaves it missing)")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise CorpusError(f"{path}: not a table ({reason})") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas makes the surplus column an index
        raise CorpusError(f"{path}: rows have more fields than the header")
    return table


def _read_labels(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return path.read_text(encoding="utf-8").splitlines()


def _check_audio(corpus: Corpus, tolerance_s: float) -> None:
    file = f"{corpus.folder}/recordings.csv"
    for line, row in enumerate(corpus.recordings.itertuples(), start=2):
        if not row.path:
            continue
        info = files.audio_info(corpus.audio_path(row.recording))
        where = f"{file} line {line}: recording {row.recording!r}"
        if info.sample_rate != row.sample_rate:
            raise CorpusError(f"{where}: sample_rate {row.sample_rate}, audio {info.sample_rate}")
        if abs(info.duration_s - row.duration_s) > tolerance_s:
            seconds = f"duration_s {row.duration_s:.10g}, audio {info.duration_s:.10g}"
            raise CorpusError(f"{where}: {seconds}")
