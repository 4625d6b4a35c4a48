"""TUT-SED 2009: ten scenes, 61 classes (Cakir et al. 2017, Section IV-A); proprietary.

The data set was never published (it holds private speech), so the layout is this project's own.
Whoever holds a copy lays it out as::

    audio/<scene>/<name>.wav
    meta/<scene>/<name>.txt                       onset, offset, label; TAB, no header
    evaluation_setup/fold{1..5}_{train,test}.txt  audio/<scene>/<name>.wav, one a line

The published folds also have validation lists: put those recordings into the training list, from
which validation is cut later. The 61 classes were never listed in full either: labels are those
that occur, sorted; ``unknown``, which collects unknown and rare events, is one of them.
"""

from pathlib import Path

import pandas as pd

from sedutils.corpora import corpus
from sedutils.corpora.official.annotations import OfficialError
from sedutils.corpora.official.scenes import read_folds, read_scenes

SCENES = (
    "basketball_game",
    "beach",
    "hallway",
    "inside_bus",
    "inside_car",
    "office",
    "restaurant",
    "shop",
    "stadium",
    "street",
)
RECORDINGS_PER_SCENE = range(8, 14 + 1)
MAX_CLASSES = 61
N_FOLDS = 5


def read(
    folder: str | Path, *, tolerance_s: float = corpus.HOP_S
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...], pd.DataFrame]:
    """Return (recordings, events, labels, folds), paths relative to `folder`.

    recordings: recording (``<scene>_<name>``), path, duration_s, sample_rate, scene.
    events: recording, onset_s, offset_s, label.
    folds: fold (1 to 5), recording, split (train or test); a row for each recording in each fold.
    tolerance_s: how far an event may reach past its recording's end.
    FileNotFoundError for a missing folder or list; OfficialError for anything but the ten scenes
    with 8 to 14 recordings each, at most 61 classes, well-formed annotations and folds whose lists
    are disjoint, complete and test each recording once; AudioError for broken audio.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder (not public; its README says more)")
    recordings, events = read_scenes(folder, dict.fromkeys(SCENES), ".txt", tolerance_s)
    counts = recordings["scene"].value_counts()
    for scene in SCENES:
        if counts[scene] not in RECORDINGS_PER_SCENE:
            least, most = RECORDINGS_PER_SCENE[0], RECORDINGS_PER_SCENE[-1]
            problem = f"{counts[scene]} recordings, expected {least} to {most}"
            raise OfficialError(f"{folder / 'audio' / scene}: {problem}")
    labels = tuple(sorted(set(events["label"])))
    if len(labels) > MAX_CLASSES:
        problem = f"{len(labels)} classes, expected at most {MAX_CLASSES}"
        raise OfficialError(f"{folder / 'meta'}: {problem} (two spellings of one?)")
    folds = read_folds(folder / "evaluation_setup", recordings, N_FOLDS)
    return recordings, events, labels, folds
