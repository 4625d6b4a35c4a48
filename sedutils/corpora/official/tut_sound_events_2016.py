"""TUT Sound Events 2016, development set: 22 recordings of two scenes (Cakir et al. 2017, IV-A).

Layout under the folder::

    audio/{home,residential_area}/*.wav                  44.1 kHz, 24 bits, binaural
    meta/{home,residential_area}/*.ann                   onset, offset, label; TAB, no header
    evaluation_setup/{scene}_fold{1..4}_{train,test}.txt     audio/{scene}/*.wav, then TAB and more
    evaluation_setup/{scene}_fold{1..4}_evaluate.txt         checked where present

The paper trains one net for both scenes, so labels are joined: "people walking", which occurs in
both, is one class, 17 in all. Validation recordings are cut from a fold's training list later.
"""

from pathlib import Path

import pandas as pd

from sedutils.corpora import corpus
from sedutils.corpora.official.annotations import OfficialError, few
from sedutils.corpora.official.scenes import read_folds, read_list, read_scenes

SCENE_LABELS = {
    "home": (
        "cupboard",
        "cutlery",
        "dishes",
        "drawer",
        "glass_jingling",
        "object_impact",
        "object_rustling",
        "object_snapping",
        "people_walking",
        "washing_dishes",
        "water_tap_running",
    ),
    "residential_area": (
        "bird_singing",
        "car_passing_by",
        "children_shouting",
        "object_banging",
        "people_speaking",
        "people_walking",
        "wind_blowing",
    ),
}
LABELS = tuple(sorted(set().union(*SCENE_LABELS.values())))
N_RECORDINGS = {"home": 10, "residential_area": 12}
N_FOLDS = 4


def is_unpacked(folder: str | Path) -> bool:
    """Tell whether as many recordings, annotations and lists lie there as were published."""
    folder = Path(folder)
    return all(
        len(list(folder.glob(f"audio/{scene}/[!.]*.wav"))) >= published
        and len(list(folder.glob(f"meta/{scene}/[!.]*.ann"))) >= published
        and len(list(folder.glob(f"evaluation_setup/{scene}_fold*_t*.txt"))) >= 2 * N_FOLDS
        for scene, published in N_RECORDINGS.items()
    )


def read(
    folder: str | Path, *, tolerance_s: float = corpus.HOP_S
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...], pd.DataFrame]:
    """Return (recordings, events, labels, folds), paths relative to `folder`.

    recordings: recording (``<scene>_<name>``), path, duration_s, sample_rate, scene.
    events: recording, onset_s, offset_s, label.
    folds: fold (1 to 4), recording, split (train or test); a row for each recording in each fold.
    tolerance_s: how far an event may reach past its recording's end.
    FileNotFoundError for a missing folder or list; OfficialError for anything but 10 and 12
    recordings, the scenes' own 11 and 7 labels, well-formed annotations and folds whose lists are
    disjoint, complete and test each recording once; AudioError for broken audio.
    """
    folder = Path(folder)
    if not folder.is_dir():
        fetch = "python -m sedutils.corpora.official.download tut_sound_events_2016 fetches it"
        raise FileNotFoundError(f"{folder}: no such folder ({fetch})")
    recordings, events = read_scenes(folder, SCENE_LABELS, ".ann", tolerance_s)
    scenes = recordings.groupby("scene")
    scene_of = recordings.set_index("recording")["scene"]
    folds = []
    for scene, published in N_RECORDINGS.items():
        own = scenes.get_group(scene)
        if len(own) != published:
            problem = f"{len(own)} recordings, expected {published}"
            raise OfficialError(f"{folder / 'audio' / scene}: {problem}")
        annotated = set(events["label"][events["recording"].map(scene_of) == scene])
        absent = [label for label in SCENE_LABELS[scene] if label not in annotated]
        if absent:
            raise OfficialError(f"{folder / 'meta' / scene}: no event of class {few(absent)}")
        folds.append(_scene_folds(folder / "evaluation_setup", scene, own))
    folds = pd.concat(folds).sort_values("fold", kind="stable", ignore_index=True)
    return recordings, events, LABELS, folds


def _scene_folds(setup: Path, scene: str, recordings: pd.DataFrame) -> pd.DataFrame:
    """Read the folds of a scene; a published "evaluate" list must name what "test" names."""
    folds = read_folds(setup, recordings, N_FOLDS, prefix=f"{scene}_")
    paths = recordings.set_index("recording")["path"]
    for fold in range(1, N_FOLDS + 1):
        file = setup / f"{scene}_fold{fold}_evaluate.txt"
        if file.is_file():
            chosen = (folds["fold"] == fold) & (folds["split"] == "test")
            other = set(read_list(file, set(paths))) ^ set(paths[folds["recording"][chosen]])
            if other:
                test = f"{scene}_fold{fold}_test.txt"
                raise OfficialError(f"{file}: disagrees with {test} on {few(sorted(other))}")
    return folds
