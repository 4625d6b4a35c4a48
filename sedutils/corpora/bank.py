"""Bank: the user's folder of isolated clips as a source of instances for the mixer.

Two layouts are read. One sub-folder a label::

    my_clips/rain/1-17367-A.ogg   my_clips/dog barking/rex at the gate.flac   ...

or ESC-50's own: ``audio/`` and ``meta/esc50.csv``. Clips may have any format soundfile reads, any
rate and number of channels; hidden files and .md, .txt and .csv notes are passed over, any other
file must be audio.

Splits never share a source recording. A clip named ``<fold>-<source id>-<take>`` (ESC-10, ESC-50)
belongs to the group of its source id and goes where its fold goes; any other clip is a group of its
own, and each class's groups are dealt out by a seeded shuffle. To keep takes of one recording
together, name them so, with any fold, and pass ``folds=None``.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora.corpus import SPLITS
from sedutils.pipeline import files

SAMPLE_RATE = 44100
FOLDS = {"train": (1, 2, 3), "validation": (4,), "test": (5,)}
SPLIT_FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}

ESC50_TABLE = Path("meta", "esc50.csv")
ESC50_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
_TAKE_NAME = re.compile(r"(?P<fold>\d+)-(?P<source>\d+)-(?P<take>[A-Z])(-\d+)?")
_NOTES = {".md", ".txt", ".csv"}


class BankError(ValueError):
    """A bank that cannot be used; the message is one line naming folder, clip or label."""


class Bank:
    """Instances from a folder of clips: `labels`, the table `instances`, and `load`.

    folder: one sub-folder a label, or ESC-50's layout.
    labels: which labels to take, in this order; None takes all, sorted.
    folds: which folds of clips named ``<fold>-<source id>-<take>`` make which split; None ignores
        the folds and splits those sources by fractions too.
    split_fractions: shares of the other clips, per class; each split gets at least one group.
    seed: of the shuffle behind the fractions; a class's split depends on its own clips only.
    minimum_clips: how many clips each label needs in each split.

    FileNotFoundError for a missing folder; BankError for a missing or empty label, too few clips,
    a source in two splits, the same file twice; AudioError for a clip that is no whole audio file.
    No clip is decoded before `load`.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        labels: Sequence[str] | None = None,
        folds: Mapping[str, Sequence[int]] | None = FOLDS,
        split_fractions: Mapping[str, float] = SPLIT_FRACTIONS,
        seed: int = 0,
        minimum_clips: int = 1,
    ):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder}: no such folder of clips")
        _check_splits(folds, split_fractions)
        clips = _clips(self.folder, labels)
        self.labels = _chosen_labels(self.folder, clips, labels)
        clips = clips[clips["label"].isin(self.labels)]
        clips = clips.sort_values("instance", key=lambda names: names.map(str))
        clips = clips.sort_values("label", key=lambda c: c.map(self.labels.index), kind="stable")
        clips = clips.reset_index(drop=True)
        clips["split"] = _splits(self.folder, clips, folds, split_fractions, seed)
        _check_counts(self.folder, clips, self.labels, minimum_clips)
        _check_copies(self.folder, clips)
        infos = [files.audio_info(self.folder / name) for name in clips["instance"]]
        clips["duration_s"] = [info.duration_s for info in infos]
        self.instances = clips[["instance", "label", "split", "group", "duration_s"]]

    def load(self, instance: str) -> np.ndarray:
        """Return a clip as float32 (samples,) mono at 44100 Hz.

        A clip that goes beyond full scale (float files, resampling) is scaled to a peak of 1.
        AudioError names a clip that is damaged, silent or not finite.
        """
        if instance not in set(self.instances["instance"]):
            raise BankError(f"{self.folder}: no clip {instance!r}")
        audio, _ = files.read_audio(self.folder / instance, sample_rate=SAMPLE_RATE)
        return audio / max(1.0, float(np.abs(audio).max()))


def labels_in(folder: str | Path) -> list[str]:
    """The labels of which a bank has clips, however many, sorted."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder of clips")
    return sorted(set(_clips(folder, None)["label"]))


def _clips(folder: Path, labels: Sequence[str] | None) -> pd.DataFrame:
    """List the clips of a bank: instance, label, group and fold, in no particular order."""
    if (folder / ESC50_TABLE).is_file():
        return _esc50_clips(folder)
    return _folder_clips(folder, labels)


def _check_splits(folds: Mapping | None, fractions: Mapping) -> None:
    if set(fractions) != set(SPLITS) or any(not 0 < share < 1 for share in fractions.values()):
        raise BankError(f"split_fractions {dict(fractions)}: a share is due for each of {SPLITS}")
    if abs(sum(fractions.values()) - 1) > 1e-9:
        raise BankError(f"split_fractions {dict(fractions)}: they do not sum to 1")
    if folds is None:
        return
    if set(folds) != set(SPLITS) or not all(folds.values()):
        raise BankError(f"folds {dict(folds)}: at least one fold is due for each of {SPLITS}")
    named = [fold for split in SPLITS for fold in folds[split]]
    if len(named) != len(set(named)):
        raise BankError(f"folds {dict(folds)}: a fold is in two splits")


def _is_note(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix.lower() in _NOTES


def _folder_clips(folder: Path, labels: Sequence[str] | None) -> pd.DataFrame:
    """List the clips of sub-folders; with `labels`, only those folders need be in order."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    names = {path.name for path in entries}
    if {"audio", "meta"} <= names:
        raise BankError(f"{folder}: audio/ and meta/ without {ESC50_TABLE.as_posix()}")
    for path in entries:
        if not path.is_dir() and not _is_note(path):
            raise BankError(f"{path}: lies in no label's folder")
    rows = []
    for place in (path for path in entries if path.is_dir()):
        if labels is not None and place.name not in labels:
            continue
        clips = sorted(path for path in place.iterdir() if not _is_note(path))
        if not clips:
            raise BankError(f"{place}: no clip in this label's folder")
        for clip in clips:
            if clip.is_dir():
                raise BankError(f"{clip}: a folder inside a label's folder")
            rows.append(_clip_row(f"{place.name}/{clip.name}", place.name))
    if not rows and labels is None:
        raise BankError(f"{folder}: no sub-folder with clips and no {ESC50_TABLE.as_posix()}")
    return pd.DataFrame(rows, columns=["instance", "label", "group", "fold"])


def _clip_row(instance: str, label: str) -> dict:
    """Group a clip by the source id in its name, else by its own name within its label."""
    take = _TAKE_NAME.fullmatch(Path(instance).stem)
    if take:
        group, fold = f"source {int(take['source'])}", int(take["fold"])
    else:
        group, fold = instance, -1
    return {"instance": instance, "label": label, "group": group, "fold": fold}


def _esc50_clips(folder: Path) -> pd.DataFrame:
    """List the clips of ``meta/esc50.csv``; files in ``audio/`` that it does not name are left."""
    file = folder / ESC50_TABLE
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise BankError(f"{file}: not a table ({' '.join(str(error).split())})") from error
    missing = [column for column in ESC50_COLUMNS if column not in table]
    if missing:
        raise BankError(f"{file}: missing column {', '.join(missing)}")
    rows, seen = [], set()
    for line, row in enumerate(table.itertuples(index=False), start=2):
        where = f"{file} line {line}"
        if not row.category or not row.src_file or not str(row.fold).isdecimal():
            fields = f"fold {row.fold!r}, category {row.category!r}, src_file {row.src_file!r}"
            raise BankError(f"{where}: clip {row.filename!r}: {fields}")
        if row.filename in seen:
            raise BankError(f"{where}: duplicate clip {row.filename!r}")
        if not row.filename or Path(row.filename).name != row.filename:
            raise BankError(f"{where}: {row.filename!r} is no file name")
        if not (folder / "audio" / row.filename).is_file():
            raise FileNotFoundError(f"{where}: no clip {folder / 'audio' / row.filename}")
        seen.add(row.filename)
        group = f"source {row.src_file}"
        rows.append((f"audio/{row.filename}", row.category, group, int(row.fold)))
    if not rows:
        raise BankError(f"{file}: empty table")
    return pd.DataFrame(rows, columns=["instance", "label", "group", "fold"])


def _chosen_labels(folder: Path, clips: pd.DataFrame, labels: Sequence[str] | None) -> tuple:
    found = sorted(set(clips["label"]))
    if labels is None:
        return tuple(found)
    if len(labels) == 0 or len(set(labels)) != len(labels):
        raise BankError(f"labels {list(labels)}: none, or one twice")
    missing = [label for label in labels if label not in found]
    if missing:
        raise BankError(f"{folder}: no clips of label {', '.join(map(repr, missing))}")
    return tuple(labels)


def _splits(folder, clips, folds, fractions, seed) -> list[str]:
    """Return each clip's split: by fold where its name has one, else by seeded fractions."""
    split_of_fold = {fold: split for split in SPLITS for fold in (folds or {}).get(split, ())}
    chosen: dict[str, tuple[str, str]] = {}  # group -> (split, its first clip)
    for clip in clips.itertuples() if folds is not None else ():
        if clip.fold < 0:  # no fold in its name
            continue
        if clip.fold not in split_of_fold:
            raise BankError(f"{folder / clip.instance}: fold {clip.fold} is in no split of {folds}")
        split = split_of_fold[clip.fold]
        first_split, first = chosen.setdefault(clip.group, (split, clip.instance))
        if first_split != split:
            pair = f"{first} ({first_split}) and {clip.instance} ({split})"
            raise BankError(f"{folder}: {clip.group} is in two splits: {pair}")
    for label, rows in clips.groupby("label", sort=False):
        groups = sorted(set(rows["group"]) - set(chosen))
        order = np.random.default_rng([seed, zlib.crc32(label.encode())]).permutation(len(groups))
        for split, group in zip(_deal(len(groups), fractions), order, strict=True):
            chosen[groups[group]] = (split, "")
    return [chosen[group][0] for group in clips["group"]]


def _deal(n: int, fractions: Mapping[str, float]) -> list[str]:
    """Return `n` split names, each split at least once if n >= 3, as near `fractions` as can be."""
    count = {split: max(1, round(n * fractions[split])) for split in ("validation", "test")}
    while n > 2 and sum(count.values()) > n - 1:
        count[max(count, key=count.get)] -= 1
    names = ["validation"] * count["validation"] + ["test"] * count["test"]
    return (names + ["train"] * max(0, n - len(names)))[:n]


def _check_counts(folder: Path, clips: pd.DataFrame, labels: tuple, minimum: int) -> None:
    counts = clips.groupby(["label", "split"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=list(SPLITS), fill_value=0)
    for label in labels:
        if counts.loc[label].min() < max(1, minimum):
            have = ", ".join(f"{split} {counts.loc[label, split]}" for split in SPLITS)
            need = f"each split needs {max(1, minimum)}"
            raise BankError(f"{folder}: too few clips of label {label!r}: {have}; {need}")


def _check_copies(folder: Path, clips: pd.DataFrame) -> None:
    """Refuse one file under two names: named without a source id, it could land in two splits."""
    own = clips[clips["group"] == clips["instance"]]
    sizes = own["instance"].map(lambda name: (folder / name).stat().st_size)
    seen: dict[str, str] = {}
    for name in own["instance"][sizes.duplicated(keep=False)]:
        first = seen.setdefault(files.digest(folder / name), name)
        if first != name:
            raise BankError(f"{folder}: {first} and {name} are the same file")
