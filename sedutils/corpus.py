"""Corpus: three tables and audio, whatever the origin; one reader, one writer, one validator.

A corpus folder holds ``recordings.csv`` (recording, path, duration_s, sample_rate, scene, split),
``events.csv`` (recording, onset_s, offset_s, label), ``labels.txt`` (one class a line, its order is
the order of every score array) and, when it was mixed here, ``parts.csv``: one row a placed
instance. `path` is relative to the corpus folder, or absolute. Times are seconds with six decimals.

Every error is one line: file, line, recording and value. Line numbers count the header as line 1.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils import files

SPLITS = ("train", "validation", "test")
HOP_S = 0.02
DECIMALS = 6

TEXT, SECONDS, NUMBER, WHOLE = "text", "seconds", "number", "whole number"
EVENTS = {"recording": TEXT, "onset_s": SECONDS, "offset_s": SECONDS, "label": TEXT}
TABLES = {
    "recordings.csv": {
        "recording": TEXT,
        "path": TEXT,
        "duration_s": SECONDS,
        "sample_rate": WHOLE,
        "scene": TEXT,
        "split": TEXT,
    },
    "events.csv": EVENTS,
    "parts.csv": EVENTS | {"instance": TEXT, "cut_s": SECONDS, "level_db": NUMBER},
}
MAY_BE_EMPTY = {"scene"}


class CorpusError(ValueError):
    """A corpus that cannot be used; the message is one line naming file, line and value."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """A validated corpus: `folder`, three tables, and `parts` (None unless it was mixed here)."""

    folder: Path
    recordings: pd.DataFrame
    events: pd.DataFrame
    labels: tuple[str, ...]
    parts: pd.DataFrame | None = None

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        return dict(self.events.groupby("recording", sort=False).indices)

    def events_of(self, recording: str) -> pd.DataFrame:
        """Return the events of one recording (maybe none), index from 0."""
        self._known(recording)
        return self.events.iloc[self._rows.get(recording, [])].reset_index(drop=True)

    def recordings_of(self, split: str) -> pd.DataFrame:
        """Return the recordings of one split in table order, index from 0."""
        if split not in SPLITS:
            raise CorpusError(f"split {split!r} is none of {', '.join(SPLITS)}")
        chosen = self.recordings["split"] == split
        return self.recordings[chosen].reset_index(drop=True)

    def audio_path(self, recording: str) -> Path:
        """Return where the audio of a recording lies: `folder` / path, or an absolute path."""
        row = self._known(recording)
        return Path(os.path.normpath(self.folder / self.recordings["path"].iloc[row]))

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
        raise FileNotFoundError(f"{folder}: no such corpus folder")
    recordings = _read_table(folder / "recordings.csv")
    events = _read_table(folder / "events.csv")
    parts = _read_table(folder / "parts.csv") if (folder / "parts.csv").exists() else None
    labels = _read_labels(folder / "labels.txt")
    recordings, events, parts = _checked(
        recordings, events, labels, parts, tolerance_s=tolerance_s, where=f"{folder}/"
    )
    corpus = Corpus(folder, recordings, events, tuple(labels), parts)
    if check_audio:
        _check_audio(corpus, tolerance_s)
    return corpus


def write(
    folder: str | Path,
    recordings: pd.DataFrame,
    events: pd.DataFrame,
    labels: Sequence[str],
    parts: pd.DataFrame | None = None,
    *,
    tolerance_s: float = HOP_S,
) -> None:
    """Validate and write the tables of a corpus; audio is written by whoever makes it.

    Rows keep their order, columns take the documented one, seconds are rounded to 1 µs before
    they are checked. The files are replaced together: invalid tables or a full disk leave the old
    corpus, a kill half-way leaves a folder without ``recordings.csv``, which `read` refuses.
    """
    folder = Path(folder)
    labels = list(labels)
    recordings, events, parts = _checked(
        recordings, events, labels, parts, tolerance_s=tolerance_s, where=f"{folder}/"
    )
    contents = {
        "recordings.csv": files.csv_bytes(recordings, decimals=DECIMALS),
        "events.csv": files.csv_bytes(events, decimals=DECIMALS),
        "labels.txt": "".join(f"{label}\n" for label in labels).encode(),
    }
    if parts is not None:
        contents["parts.csv"] = files.csv_bytes(parts, decimals=DECIMALS)
    files.write_set(folder, contents, last="recordings.csv", absent=set(TABLES) - set(contents))


def validate(
    recordings: pd.DataFrame,
    events: pd.DataFrame,
    labels: Sequence[str],
    parts: pd.DataFrame | None = None,
    *,
    tolerance_s: float = HOP_S,
    where: str = "",
) -> None:
    """Raise CorpusError for the first thing that is wrong with a corpus's tables.

    tolerance_s: how far past its recording's end an event may reach; annotations of the published
    sets are rounded, so one hop (20 ms) is let pass.
    where: put before the file name in messages, e.g. ``data/corpora/mine/``.

    Refused: missing or unknown columns, empty tables, NaN, zero or negative durations, duplicated
    or split-sharing recordings, two recordings with one audio file, a missing or unknown split,
    unknown recordings and labels, an onset below 0, an offset at or before its onset, an event past
    the end, duplicate rows, and (parts) one instance in two splits.
    """
    _checked(recordings, events, list(labels), parts, tolerance_s=tolerance_s, where=where)


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


def _checked(recordings, events, labels, parts, *, tolerance_s, where):
    """Return the three tables typed, rounded and in column order, or raise CorpusError."""
    recordings = _typed(recordings, f"{where}recordings.csv", TABLES["recordings.csv"])
    events = _typed(events, f"{where}events.csv", TABLES["events.csv"])
    _check_labels(labels, f"{where}labels.txt")
    _check_recordings(recordings, f"{where}recordings.csv")
    _check_events(events, recordings, labels, tolerance_s, f"{where}events.csv")
    if parts is not None:
        parts = _typed(parts, f"{where}parts.csv", TABLES["parts.csv"])
        _check_events(parts, recordings, labels, tolerance_s, f"{where}parts.csv")
        _check_parts(parts, recordings, f"{where}parts.csv")
    return recordings, events, parts


def _typed(table: pd.DataFrame, file: str, columns: Mapping[str, str]) -> pd.DataFrame:
    missing = [column for column in columns if column not in table]
    unknown = [str(column) for column in table if column not in columns]
    if missing or unknown:
        parts = [f"missing column {', '.join(missing)}"] if missing else []
        parts += [f"unknown column {', '.join(unknown)}"] if unknown else []
        raise CorpusError(f"{file}: {'; '.join(parts)}")
    if len(table) == 0:
        raise CorpusError(f"{file}: empty table")
    table = table[list(columns)].reset_index(drop=True)
    for column, kind in columns.items():
        values = table[column]
        if kind == TEXT:
            empty = values.isna() | (values.astype(str).str.strip() == "")
            if column in MAY_BE_EMPTY:
                table[column] = values.where(~empty, "").astype(str)
                continue
            _refuse(table, empty, file, f"{column} is empty")
            table[column] = values.astype(str)
            continue
        numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
        _refuse(table, ~np.isfinite(numbers), file, f"{column} is no number", column)
        if kind == WHOLE:
            odd = (numbers != numbers.round()) | (numbers <= 0)
            _refuse(table, odd, file, f"{column} is no positive whole number", column)
        table[column] = numbers.astype(np.int64) if kind == WHOLE else numbers.round(DECIMALS)
    return table


def _refuse(table: pd.DataFrame, bad: pd.Series, file: str, what: str, *columns: str) -> None:
    """Raise CorpusError for the first row where `bad` holds, with the values of `columns`."""
    rows = np.flatnonzero(np.asarray(bad))
    if len(rows) == 0:
        return
    row = table.iloc[rows[0]]
    shown = "".join(f", {column} {_plain(row[column])}" for column in columns)
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    recording = _plain(row["recording"])
    line = rows[0] + 2  # the header is line 1
    raise CorpusError(f"{file} line {line}: recording {recording}: {what}{shown}{more}")


def _plain(value: object) -> str:
    return repr(value) if isinstance(value, str) else f"{value:.10g}"


def _check_labels(labels: Sequence[str], file: str) -> None:
    if not labels:
        raise CorpusError(f"{file}: no label")
    for line, label in enumerate(labels, start=1):
        if not isinstance(label, str) or label != " ".join(label.split()) or not label:
            raise CorpusError(f"{file} line {line}: {label!r} is no label")
        if label in labels[: line - 1]:
            raise CorpusError(f"{file} line {line}: duplicate label {label!r}")


def _check_recordings(table: pd.DataFrame, file: str) -> None:
    name = table["recording"]
    plain = name.str.fullmatch(r"[^/\\\x00-\x1f]+") & ~name.isin([".", ".."])
    _refuse(table, ~plain, file, "the name cannot be used as a file name")
    _refuse(table, table["duration_s"] <= 0, file, "not longer than 0 s", "duration_s")
    _refuse(table, ~table["split"].isin(SPLITS), file, "unknown split", "split")
    repeated = name.duplicated()
    shared = repeated & ~table.duplicated(["recording", "split"])
    _refuse(table, shared, file, "is in two splits, the second is here", "split")
    _refuse(table, repeated, file, "duplicate recording")
    same_audio = table["path"].map(os.path.normpath).duplicated()
    _refuse(table, same_audio, file, "its audio is another recording's too", "path")
    for split in SPLITS:
        if not (table["split"] == split).any():
            raise CorpusError(f"{file}: no recording in split {split!r}")


def _check_events(table, recordings, labels, tolerance_s, file):
    duration = table["recording"].map(recordings.set_index("recording")["duration_s"])
    onset, offset = table["onset_s"], table["offset_s"]
    _refuse(table, duration.isna(), file, "is not in recordings.csv")
    _refuse(table, ~table["label"].isin(labels), file, "not in labels.txt", "label")
    _refuse(table, onset < 0, file, "starts before the recording", "onset_s")
    _refuse(table, offset <= onset, file, "ends before it starts", "onset_s", "offset_s")
    # the small addition absorbs the rounding of seconds to DECIMALS on both sides
    past = (offset > duration + tolerance_s + 2 * 10.0**-DECIMALS) | (onset >= duration)
    shown = table.assign(duration_s=duration)
    _refuse(shown, past, file, "past the end", "onset_s", "offset_s", "duration_s")
    _refuse(table, table.duplicated(), file, "duplicate row", "onset_s", "offset_s", "label")


def _check_parts(table: pd.DataFrame, recordings: pd.DataFrame, file: str) -> None:
    _refuse(table, table["cut_s"] < 0, file, "cut before the instance starts", "cut_s")
    split = table["recording"].map(recordings.set_index("recording")["split"])
    first = split.groupby(table["instance"]).transform("first")
    shown = table.assign(split=split, also_in=first)
    _refuse(shown, split != first, file, "instance in two splits", "instance", "split", "also_in")


def _check_audio(corpus: Corpus, tolerance_s: float) -> None:
    file = f"{corpus.folder}/recordings.csv"
    for line, row in enumerate(corpus.recordings.itertuples(), start=2):
        info = files.audio_info(corpus.audio_path(row.recording))
        told = f"{file} line {line}: recording {row.recording!r}"
        if info.sample_rate != row.sample_rate:
            raise CorpusError(f"{told}: sample_rate {row.sample_rate}, audio {info.sample_rate}")
        if abs(info.duration_s - row.duration_s) > tolerance_s:
            seconds = f"duration_s {row.duration_s:.10g}, audio {info.duration_s:.10g}"
            raise CorpusError(f"{told}: {seconds}")
