"""CHiME-Home as refined for DCASE 2016 task 4: tagged chunks of 4 s (Cakir et al. 2017, IV-A).

Layout under the folder::

    development_chunks_refined_crossval_dcase2016.csv    id,chunk,fold (0 to 4)
    evaluation_chunks_refined.csv                        id,chunk
    chunks/<chunk>.{16kHz,48kHz}.wav                     16 kHz mono, 48 kHz stereo
    chunks/<chunk>.csv                                   key,value; majorityvote,<letters>

No file has a header. A vote is a string of letters, one a tag; S (silence, background) and U
(unidentifiable) are no classes and are dropped, so a chunk may have no tag.

Chunks were cut from five-minute segments and are called ``<segment>_chunk<number>``: the segment is
the chunk's group, which must not be torn apart where validation is cut from training data.
The published folds 0 to 4 are 1 to 5 here, fold 0 is the evaluation set. The paper speaks of four
folds and 846 evaluation chunks; the list has five, and other sources count 816.
"""

import csv
import re
import sys
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sedutils.corpora.official.annotations import OfficialError, numbered_lines
from sedutils.corpora.official.scenes import FOLDS, RECORDINGS
from sedutils.pipeline import files

TAGS = {
    "c": "child_speech",
    "m": "male_speech",
    "f": "female_speech",
    "v": "video_game_or_tv",
    "p": "percussive_sound",
    "b": "broadband_noise",
    "o": "other_sound",
}
DROPPED = "SU"
LABELS = tuple(TAGS.values())
DEVELOPMENT = "development_chunks_refined_crossval_dcase2016.csv"
EVALUATION = "evaluation_chunks_refined.csv"
N_DEVELOPMENT = 1946
N_EVALUATION = (816, 846)
N_FOLDS = 5
RATES_KHZ = (16, 48)
_CHUNK = re.compile(r"(?P<group>[^/\\]+)_chunk\d+")


def is_unpacked(folder: str | Path) -> bool:
    """Tell whether the lists and at least as many chunks as they should name lie there."""
    folder, least = Path(folder), N_DEVELOPMENT + min(N_EVALUATION)
    return all((folder / name).is_file() for name in (DEVELOPMENT, EVALUATION)) and all(
        len(list(folder.glob(f"chunks/[!.]*{end}"))) >= least for end in (".wav", ".csv")
    )


def read(
    folder: str | Path, *, rate_khz: int = 48
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...], pd.DataFrame]:
    """Return (recordings, tags, labels, folds), paths relative to `folder`.

    rate_khz: 48, which holds the 22.05 kHz that the paper's features cover, or 16, the challenge's
    condition. Never chosen by what is there: two copies of the data would give two experiments.
    recordings: recording (the chunk), path, duration_s, sample_rate, scene, group (its segment).
    tags: recording, label; a row a tag, labels in the order of `LABELS`.
    folds: fold, recording, split; in folds 1 to 5 development chunks are train or test, in fold 0
    all development chunks are train and all evaluation chunks test.
    FileNotFoundError for a missing file; OfficialError for anything but 1946 development and 816
    or 846 evaluation chunks (stderr says which), each listed once, five folds and well-formed
    votes; AudioError for broken audio.
    """
    folder = Path(folder)
    if not folder.is_dir():
        fetch = "python -m sedutils.corpora.official.download chime_home fetches it"
        raise FileNotFoundError(f"{folder}: no such folder ({fetch})")
    if rate_khz not in RATES_KHZ:
        raise ValueError(f"rate_khz {rate_khz!r} is none of {RATES_KHZ}")
    fold_of = _listed(folder / DEVELOPMENT, [N_DEVELOPMENT], n_folds=N_FOLDS)
    evaluation = _listed(folder / EVALUATION, N_EVALUATION, taken=fold_of)
    print(f"{folder / EVALUATION}: {len(evaluation)} evaluation chunks", file=sys.stderr)
    recordings, tags = [], []
    for chunk in (*fold_of, *evaluation):
        recordings.append(_recording(folder, chunk, rate_khz))
        vote = _vote(folder / "chunks" / f"{chunk}.csv")
        tags += [(chunk, label) for letter, label in TAGS.items() if letter in vote]
    rows = [(0, chunk, "train") for chunk in fold_of] + [(0, chunk, "test") for chunk in evaluation]
    for fold in range(1, N_FOLDS + 1):
        rows += [(fold, chunk, "test" if fold_of[chunk] == fold else "train") for chunk in fold_of]
    recordings = pd.DataFrame(recordings, columns=[*RECORDINGS, "group"])
    tags = pd.DataFrame(tags, columns=["recording", "label"])
    return recordings, tags, LABELS, pd.DataFrame(rows, columns=list(FOLDS))


def _listed(
    file: Path, counts: Collection[int], *, n_folds: int = 0, taken: Collection[str] = ()
) -> dict[str, int]:
    """Return the chunks of a list with their folds: 1 to `n_folds`, or 0 in a list without."""
    found: dict[str, int] = {}
    expected = "id, chunk, fold" if n_folds else "id, chunk"
    for line, fields in _rows(file):
        if len(fields) != len(expected.split()) or not _CHUNK.fullmatch(fields[1]):
            raise OfficialError(f"{file} line {line}: not {expected}: {','.join(fields)!r}")
        chunk = fields[1]
        if chunk in found or chunk in taken:
            raise OfficialError(f"{file} line {line}: chunk {chunk!r} is listed already")
        if n_folds and fields[2] not in map(str, range(n_folds)):
            raise OfficialError(f"{file} line {line}: fold {fields[2]!r}, not 0 to {n_folds - 1}")
        found[chunk] = int(fields[2]) + 1 if n_folds else 0
    if len(found) not in counts:
        wanted = " or ".join(map(str, counts))
        raise OfficialError(f"{file}: {len(found)} chunks, expected {wanted} (there is no header)")
    for fold in range(n_folds):
        if fold + 1 not in found.values():
            raise OfficialError(f"{file}: no chunk in fold {fold}")
    return found


def _recording(folder: Path, chunk: str, rate_khz: int) -> tuple[str, str, float, int, str, str]:
    place = f"chunks/{chunk}.{rate_khz}kHz.wav"
    info = files.audio_info(folder / place)
    if info.sample_rate != rate_khz * 1000:
        raise OfficialError(f"{folder / place}: sample rate {info.sample_rate}")
    group = _CHUNK.fullmatch(chunk)["group"]
    return chunk, place, info.duration_s, info.sample_rate, "home", group


def _vote(file: Path) -> str:
    """Return the letters of a chunk's majority vote, none twice, maybe none at all."""
    if not file.is_file():
        why = "copies from before the challenge ended lack those of the evaluation chunks"
        raise FileNotFoundError(f"{file}: no such annotation; {why}")
    vote = None
    for line, fields in _rows(file):
        if len(fields) != 2:
            raise OfficialError(f"{file} line {line}: not key, value: {','.join(fields)!r}")
        if fields[0] == "majorityvote":
            if vote is not None:
                raise OfficialError(f"{file} line {line}: duplicate key 'majorityvote'")
            vote = fields[1]
            for letter in vote:
                if letter not in (*TAGS, *DROPPED) or vote.count(letter) > 1:
                    what = "duplicate" if vote.count(letter) > 1 else "unknown"
                    raise OfficialError(f"{file} line {line}: {what} tag {letter!r} in {vote!r}")
    if vote is None:
        raise OfficialError(f"{file}: no key 'majorityvote'")
    return vote


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    return [
        (line, [field.strip() for field in next(csv.reader([text]))])
        for line, text in numbered_lines(file)
    ]
