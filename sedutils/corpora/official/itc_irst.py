"""ITC-Irst: isolated sounds of a meeting room in twelve sessions (Phan et al. 2018, Sec. 4.1); proprietary.

Recorded in the CHIL project on many microphones at once, without wav headers; nowhere to be
downloaded. The paper takes the one channel TABLE 1. Whoever holds a copy lays it out as::

    audio/<session>.wav                    twelve, TABLE 1 alone: 44.1 kHz, one channel
    meta/<session>.txt                     onset, offset, label; TAB, no header
    evaluation_setup/{train,test}.txt      audio/<session>.wav, one a line: nine and three

Sixteen classes are annotated. Twelve are evaluated, the others count as background: they are read
and checked, and left out of what is returned.
"""

import sys
from pathlib import Path

import pandas as pd

from sedutils.corpora import corpus
from sedutils.corpora.official.annotations import OfficialError, few, read_annotation
from sedutils.corpora.official.scenes import FOLDS, RECORDINGS, pairs, read_list
from sedutils.pipeline import files

EVALUATED = (
    "applause",
    "chair_moving",
    "cough",
    "door_knock",
    "door_slam",
    "key_jingle",
    "keyboard_clicking",
    "laugh",
    "paper_wrapping",
    "phone_ring",
    "spoon_cup_jingle",
    "steps",
)
# Other names of the same classes, as `annotations.clean_label` leaves them
ALIASES = {
    "keyboard_typing": "keyboard_clicking",
    "phone_ring/music": "phone_ring",
    "spoon/cup_jingle": "spoon_cup_jingle",
}
N_CLASSES = 16
N_SESSIONS = {"train": 9, "test": 3}
SAMPLE_RATE = 44100
SCENE = "meeting_room"


def read(
    folder: str | Path, *, tolerance_s: float = corpus.HOP_S
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...], pd.DataFrame]:
    """Return (recordings, events, labels, folds), paths relative to `folder`.

    recordings: recording (the session), path, duration_s, sample_rate, scene.
    events: recording, onset_s, offset_s, label; of the twelve classes evaluated.
    folds: those of `leave_one_out`, training sessions in the order of their list.
    tolerance_s: how far an event may reach past its recording's end.
    Events that overlap, which isolated ones should not, are counted on stderr.
    FileNotFoundError for a missing folder or list; OfficialError for anything but twelve sessions
    of one channel at 44.1 kHz, sixteen classes with the twelve among them in the training sessions,
    well-formed annotations, and nine and three sessions in lists that are disjoint; AudioError for
    broken audio.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder (not public; its README says more)")
    recordings, events = _read_sessions(folder, tolerance_s)
    lists = _read_split(folder / "evaluation_setup", recordings)
    _check_classes(folder / "meta", events, lists["train"])
    events = events[events["label"].isin(EVALUATED)].reset_index(drop=True)
    return recordings, events, EVALUATED, leave_one_out(lists["train"], lists["test"])


def leave_one_out(train: list[str], test: list[str]) -> pd.DataFrame:
    """Return (fold, recording, split): fold k validates on the k-th of `train` and trains on the rest.

    Every fold tests on all of `test`: the scores of its models are averaged there (Sec. 4.2).
    """
    rows = []
    for fold, held in enumerate(train, start=1):
        rows += [(fold, name, "validation" if name == held else "train") for name in train]
        rows += [(fold, name, "test") for name in test]
    return pd.DataFrame(rows, columns=list(FOLDS))


def _read_sessions(folder: Path, tolerance_s: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (recordings, events), the events of all classes."""
    for found in sorted((folder / "audio").glob("[!.]*")):
        if found.suffix != ".wav":
            problem = "not .wav (a raw channel needs a header first, see the README)"
            raise OfficialError(f"{found}: {problem}")
    recordings, events = [], []
    for path, annotation in pairs(folder / "audio", folder / "meta", ".txt"):
        info = files.audio_info(path)
        if (info.sample_rate, info.channels) != (SAMPLE_RATE, 1):
            problem = f"{info.channels} channels at {info.sample_rate} Hz, expected TABLE 1 alone"
            raise OfficialError(f"{path}: {problem}, 1 channel at {SAMPLE_RATE} Hz")
        place = f"audio/{path.name}"
        recordings.append((path.stem, place, info.duration_s, info.sample_rate, SCENE))
        rows = read_annotation(annotation, None, info.duration_s, tolerance_s)
        overlaps = _overlaps(rows, tolerance_s)
        if overlaps:
            print(f"{annotation}: {overlaps} events begin before another ends", file=sys.stderr)
        events += [(path.stem, *times, ALIASES.get(label, label)) for *times, label in rows]
    expected = sum(N_SESSIONS.values())
    if len(recordings) != expected:
        problem = f"{len(recordings)} sessions, expected {expected}"
        raise OfficialError(f"{folder / 'audio'}: {problem}")
    recordings = pd.DataFrame(recordings, columns=list(RECORDINGS))
    return recordings, pd.DataFrame(events, columns=list(corpus.EVENTS))


def _overlaps(rows: list[tuple[float, float, str]], tolerance_s: float) -> int:
    """Count the events that begin before an earlier one has ended, by more than the tolerance."""
    count, latest_s = 0, 0.0
    for onset_s, offset_s, _ in sorted(rows):
        count += onset_s < latest_s - tolerance_s
        latest_s = max(latest_s, offset_s)
    return count


def _read_split(setup: Path, recordings: pd.DataFrame) -> dict[str, list[str]]:
    """Return the sessions of the two lists, in their order."""
    names = dict(zip(recordings["path"], recordings["recording"], strict=True))
    lists: dict[str, list[str]] = {}
    for split, expected in N_SESSIONS.items():
        file = setup / f"{split}.txt"
        listed = read_list(file, names)
        for path, line in listed.items():
            if names[path] in lists.get("train", []):
                raise OfficialError(f"{file} line {line}: {path} is in train.txt too")
        if len(listed) != expected:
            raise OfficialError(f"{file}: {len(listed)} sessions, expected {expected}")
        lists[split] = [names[path] for path in listed]
    return lists


def _check_classes(meta: Path, events: pd.DataFrame, train: list[str]) -> None:
    """Raise OfficialError unless there are sixteen classes, the twelve of them among the training's."""
    found = sorted(set(events["label"]))
    trained = set(events["label"][events["recording"].isin(train)])
    missing = [label for label in EVALUATED if label not in trained]
    if missing:
        raise OfficialError(f"{meta}: no event of class {few(missing)} in a training session")
    if len(found) != N_CLASSES:
        others = ", ".join(label for label in found if label not in EVALUATED)
        problem = (
            f"{len(found)} classes, expected {N_CLASSES}; beside the twelve evaluated: {others}"
        )
        raise OfficialError(f"{meta}: {problem}")
