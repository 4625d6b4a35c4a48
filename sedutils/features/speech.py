"""MFCCs and phones of a speech corpus, as the acoustic model learns from them."""

import json
from pathlib import Path

import numpy as np

from sedutils.corpora import phones
from sedutils.corpora.corpus import Corpus
from sedutils.features import mfcc
from sedutils.features.frames import fold_key
from sedutils.features.spectra import moments
from sedutils.pipeline import files, jobs

ARRAY = "mfcc"  # its name in the folder


def extract(corpus: Corpus, folder: Path, *, backend: str, workers: int) -> None:
    """Write MFCCs and phones of a corpus for `sedutils.features.frames.Frames`.

    The folder gets ``mfcc.npy`` (frames, 40), ``targets.npy`` (frames,) places in `phones.LABELS`,
    ``recordings.csv``, ``labels.txt`` and ``statistics.json`` (mean and deviation of the training frames).
    ValueError for a corpus of other labels.
    """
    if corpus.labels != phones.LABELS:
        raise ValueError(f"{corpus.folder / 'labels.txt'}: not the 41 phone labels")
    recordings = corpus.recordings.copy()
    samples = (recordings.duration_s * mfcc.SAMPLE_RATE).round().astype(int)
    recordings["frames"] = mfcc.frame_count(samples)
    recordings["first_frame"] = recordings.frames.cumsum() - recordings.frames
    shape = (int(recordings.frames.sum()), mfcc.COEFFICIENTS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{ARRAY}.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, shape).flush()
    tasks = [
        {
            "path": corpus.audio_path(row.recording),
            "features": path,
            "part": slice(row.first_frame, row.first_frame + row.frames),
        }
        for row in recordings.itertuples()
    ]
    jobs.parallel(write_mfcc, tasks, label="MFCCs", backend=backend, workers=workers)
    targets = [
        phones.at_frames(corpus.events_of(row.recording), row.frames, mfcc.HOP_S)
        for row in recordings.itertuples()
    ]
    files.write_npy(folder / "targets.npy", np.concatenate(targets))
    columns = ["recording", "split", "scene", "first_frame", "frames", "duration_s"]
    files.write_csv(folder / "recordings.csv", recordings[columns])
    files.write_text(folder / "labels.txt", "\n".join(corpus.labels) + "\n")
    train = [
        task["part"]
        for task, split in zip(tasks, recordings.split, strict=True)
        if split == "train"
    ]
    text = json.dumps({fold_key(None): {ARRAY: moments(np.load(path, "r"), train)}})
    files.write_text(folder / "statistics.json", text + "\n")


def write_mfcc(*, path: Path, features: Path, part: slice) -> None:
    """Fill one recording's rows of the feature file. ValueError for audio that the table has longer or shorter."""
    found = read_mfcc(path)
    if len(found) != part.stop - part.start:
        problem = f"{len(found)} frames of audio, {part.stop - part.start} by recordings.csv"
        raise ValueError(f"{path}: {problem}")
    rows = np.load(features, "r+")
    rows[part] = found
    rows.flush()


def read_mfcc(path: Path) -> np.ndarray:
    audio, _ = files.read_audio(path, sample_rate=mfcc.SAMPLE_RATE, allow_silence=True)
    return mfcc.mfcc(audio)
