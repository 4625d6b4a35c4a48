"""Log mel energies and MFCCs by librosa, one file a corpus and front end, read as memory maps.

Frame ``f`` of a recording stands for ``[f * hop_s, (f + 1) * hop_s)``: the analysis window is centred
on the middle of that stretch, so features, targets and metrics share one grid.
"""

import json
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import scipy.fft

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.features.frames import fold_key
from sedutils.metrics.activity import event_roll, frame_count
from sedutils.pipeline import files, jobs


def mel_energies(
    audio, *, sample_rate, frame_s, hop_s, fft, mel_bands, low_hz=0.0, window="hamming"
) -> np.ndarray:
    """Mel band energies ``(frames, mel_bands)`` of mono audio from ``low_hz`` to the Nyquist frequency.

    Power, Slaney filters.

    The numbers of `librosa.stft`, whose transform runs across memory; along it, and over blocks that
    stay in the cache, the same takes half the time.
    """
    hop, frame = round(hop_s * sample_rate), round(frame_s * sample_rate)
    frames = -(-len(audio) // hop)
    before = (fft - hop) // 2
    padded = np.pad(audio, (before, max(0, (frames - 1) * hop + fft - before - len(audio))))
    windows = librosa.util.frame(padded, frame_length=fft, hop_length=hop, axis=0)[:frames]
    weights = librosa.util.pad_center(librosa.filters.get_window(window, frame), size=fft)
    filters = librosa.filters.mel(sr=sample_rate, n_fft=fft, n_mels=mel_bands, fmin=low_hz).T
    energies = np.empty((frames, mel_bands), np.float32)
    for block in np.array_split(np.arange(frames), -(-frames // 128)):
        spectrum = scipy.fft.rfft(windows[block[0] : block[-1] + 1] * weights.astype(np.float32))
        energies[block] = librosa.util.abs2(spectrum) @ filters
    return energies


def log_mel(audio, *, log_floor: float, **front_end) -> np.ndarray:
    """Natural log of `mel_energies`, ``(frames, mel_bands)`` float32 (Cakir et al. 2017, Sec. III-D)."""
    energies = mel_energies(audio, **front_end)
    return np.log(np.maximum(energies, log_floor)).astype(np.float32)


def mfcc(log_energies: np.ndarray, *, mfcc: int, delta_frames: int) -> np.ndarray:
    """MFCCs, deltas and accelerations without the zeroth static one (Sec. III-C).

    ``(frames, mel_bands)`` log energies to ``(frames, 3 * mfcc - 1)`` float32: 59 for 20 coefficients.
    A recording shorter than ``delta_frames`` has its edge frames repeated for the slopes.
    """
    static = librosa.feature.mfcc(S=log_energies.T, n_mfcc=mfcc)
    slopes = [
        librosa.feature.delta(static, width=delta_frames, order=order, mode="nearest")
        for order in (1, 2)
    ]
    return np.concatenate([static[1:], *slopes]).T.astype(np.float32)


def extract(corpus: Corpus, folder: Path, *, settings: dict, backend: str, workers: int) -> None:
    """Write features and targets of a corpus.

    The folder gets an array for each of `widths` (all frames of all recordings below each other),
    ``targets.npy`` (uint8, one column a label), ``recordings.csv`` (recording, split, scene,
    first_frame, frames, duration_s), ``labels.txt``, ``folds.csv`` where the corpus has folds, and
    ``statistics.json``: mean and standard deviation per dimension over the training frames of every fold.
    """
    recordings = in_frames(corpus, settings["hop_s"])
    total = int(recordings.frames.sum())
    sounds = recipes.sounds(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for name, width in widths(settings).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (total, width)).flush()
    jobs.parallel(
        extract_recording,
        [
            {
                "sound": sounds[row.recording],
                "first": row.first_frame,
                "frames": row.frames,
                "folder": folder,
                "settings": settings,
            }
            for row in recordings.itertuples()
        ],
        label="features",
        backend=backend,
        workers=workers,
    )
    write_tables(corpus, recordings, folder, settings["hop_s"])
    statistics = {}
    for fold in corpus.fold_numbers or [None]:
        names = corpus.recordings_of("train", fold).recording
        parts = [
            slice(row.first_frame, row.first_frame + row.frames)
            for row in recordings[recordings.recording.isin(names)].itertuples()
        ]
        statistics[fold_key(fold)] = {
            name: moments(np.load(folder / f"{name}.npy", "r"), parts) for name in widths(settings)
        }
    files.write_text(folder / "statistics.json", json.dumps(statistics, indent=1) + "\n")


def in_frames(corpus: Corpus, hop_s: float) -> pd.DataFrame:
    """The recordings of a corpus with ``frames`` and ``first_frame``, all frames below each other."""
    recordings = corpus.recordings.copy()
    recordings["frames"] = [frame_count(s, hop_s=hop_s) for s in recordings.duration_s]
    recordings["first_frame"] = recordings.frames.cumsum() - recordings.frames
    return recordings


def write_tables(corpus, recordings: pd.DataFrame, folder: Path, hop_s: float) -> None:
    """Write all of a features folder that is not audio: targets, recordings, labels, folds."""
    write_targets(corpus, recordings, folder, hop_s)
    columns = ["recording", "split", "scene", "first_frame", "frames", "duration_s"]
    files.write_csv(folder / "recordings.csv", recordings[columns])
    files.write_text(folder / "labels.txt", "\n".join(corpus.labels) + "\n")
    if corpus.folds is not None:
        files.write_csv(folder / "folds.csv", corpus.folds)


def extract_recording(
    *, sound: recipes.Sound, first: int, frames: int, folder: Path, settings: dict
) -> None:
    """Fill one recording's rows of the feature files."""
    audio = scaled(sound.read(settings["sample_rate"]), settings)
    mel = log_mel(audio, **front_end(settings))
    if abs(len(mel) - frames) > 1:
        raise ValueError(f"{sound.path}: {len(mel)} frames of audio, {frames} by recordings.csv")
    mel = fitted(mel, frames)
    found = {"log_mel": mel}
    if settings["mfcc"]:
        found["mfcc"] = mfcc(mel, mfcc=settings["mfcc"], delta_frames=settings["delta_frames"])
    for name, values in found.items():
        rows = np.load(folder / f"{name}.npy", "r+")
        rows[first : first + frames] = values


def scaled(audio: np.ndarray, settings: dict) -> np.ndarray:
    """Audio as a front end takes it: with ``peak`` divided by its largest absolute sample.

    Ebbers & Haeb-Umbach 2020, Sec. 3. Silence stays what it is: there is no sound to bring up.
    """
    if not settings.get("peak", False) or np.ptp(audio) < files.SILENCE_PEAK_TO_PEAK:
        return audio
    return audio / np.abs(audio).max()


def fitted(rows: np.ndarray, frames: int) -> np.ndarray:
    """The first ``frames`` rows, the last one repeated where there are fewer."""
    return np.pad(rows[:frames], ((0, max(0, frames - len(rows))), (0, 0)), "edge")


def front_end(settings: dict) -> dict:
    """The settings that `log_mel` takes, out of those of a front end in section ``features``."""
    names = ("sample_rate", "frame_s", "hop_s", "fft", "mel_bands", "low_hz", "window", "log_floor")
    return {name: settings[name] for name in names}


def widths(settings: dict) -> dict[str, int]:
    """What a front end computes, and how many numbers a frame: log_mel, and mfcc if asked for."""
    cepstra = {"mfcc": 3 * settings["mfcc"] - 1} if settings["mfcc"] else {}
    return {"log_mel": settings["mel_bands"]} | cepstra


def write_targets(corpus, recordings: pd.DataFrame, folder: Path, hop_s: float) -> None:
    """Write the binary activity of every class in every frame, by the rule of the metrics.

    A recording of which only the tags are known has them in all of its frames; one in neither
    table has none.
    """
    rolls = [activity(corpus, row.recording, row.frames, hop_s) for row in recordings.itertuples()]
    files.write_npy(folder / "targets.npy", np.concatenate(rolls).astype(np.uint8))


def activity(corpus, recording: str, frames: int, hop_s: float) -> np.ndarray:
    """Targets of one recording, bool ``(frames, classes)``."""
    if corpus.events is None or recording in corpus.tagged:
        tags = corpus.tags_of(recording)
        return np.tile([label in tags for label in corpus.labels], (frames, 1))
    events = corpus.events_of(recording)
    return event_roll(events, corpus.labels, n_frames=frames, hop_s=hop_s)


def moments(rows: np.ndarray, parts: list[slice], chunk: int = 100_000) -> dict[str, list[float]]:
    """Mean and standard deviation per dimension over some rows of a memory map, piece by piece."""
    count, total, squares = 0, 0.0, 0.0
    for part in parts:
        for start in range(part.start, part.stop, chunk):
            x = rows[start : min(start + chunk, part.stop)].astype(np.float64)
            count, total, squares = count + len(x), total + x.sum(0), squares + (x**2).sum(0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
    return {"mean": mean.round(6).tolist(), "std": deviation.round(6).tolist()}
