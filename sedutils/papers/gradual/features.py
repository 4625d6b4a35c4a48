"""Input of the gradual network (Sec. 2.1, 2.3.3): one row a decision of 100 ms, in up to three arrays.

``log_mel``  (decisions, 2 * 200) two frames of 50 ms, each 40 mel bands with two neighbours on either side
``trained``  (decisions, 256) prefinal outputs of the acoustic model, averaged over the 100 ms (G-A07)
``untrained``(decisions, 256) the same of a network of the same shape that was never trained

Log energies at 10 ms are brought to [0, 1] by the least and the largest value of each band in training
clips (reading G-A12), then five frames are averaged, then neighbours are stacked (G-A13). All this is
linear, so the arrays hold energies as they are and ``statistics.json`` the least value as ``mean`` and the
range as ``std`` of each column: `sedutils.features.frames.Frames` normalises what it reads.
"""

import functools
import json
from pathlib import Path

import librosa
import numpy as np

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.decoding.dynamic import HOP_S
from sedutils.features import spectra as features
from sedutils.features.frames import fold_key
from sedutils.models.gradual import PER_DECISION
from sedutils.models.tdnnf import TDNNF
from sedutils.papers.gradual import acoustic_model
from sedutils.pipeline import files, jobs


def extract(
    corpus: Corpus,
    folder: Path,
    *,
    settings: dict,
    networks: dict[str, Path],
    backend: str,
    workers: int,
) -> None:
    """Write features and targets of a corpus, as `sedutils.features.spectra.extract` does for other front ends.

    settings : section ``features.gradual`` of params.yaml
    networks : array -> folder of an acoustic model (`sedutils.papers.gradual.acoustic_model.write`), such as
        ``{"trained": folder, "untrained": folder}``
    """
    recordings = features.in_frames(corpus, HOP_S)
    total, sounds = int(recordings.frames.sum()), recipes.sounds(corpus)
    widths = {"log_mel": PER_DECISION * settings["context"] * settings["mel_bands"]}
    widths |= {name: opened(path).output.in_features for name, path in networks.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, width in widths.items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (total, width)).flush()
    tasks = [
        {
            "sound": sounds[row.recording],
            "part": slice(row.first_frame, row.first_frame + row.frames),
            "folder": folder,
            "settings": settings,
            "networks": networks,
        }
        for row in recordings.itertuples()
    ]
    ends = jobs.parallel(
        extract_recording, tasks, label="features", backend=backend, workers=workers
    )
    features.write_tables(corpus, recordings, folder, HOP_S)
    trained = (recordings.split == "train").to_numpy()
    low, high = np.stack(ends)[trained].swapaxes(0, 1)
    least = np.tile(low.min(axis=0), widths["log_mel"] // settings["mel_bands"])
    largest = np.tile(high.max(axis=0), widths["log_mel"] // settings["mel_bands"])
    statistics = {"log_mel": column_statistics(least, np.maximum(largest - least, 1e-6))}
    for name in networks:  # batch norm has brought them to mean 0 and deviation 1
        statistics[name] = column_statistics(np.zeros(widths[name]), np.ones(widths[name]))
    text = json.dumps({fold_key(None): statistics}, indent=1)
    files.write_text(folder / "statistics.json", text + "\n")


def column_statistics(subtracted: np.ndarray, divisor: np.ndarray) -> dict[str, list[float]]:
    """What `sedutils.features.frames.Frames` takes from each column, and what it divides it by."""
    return {"mean": subtracted.round(6).tolist(), "std": divisor.round(6).tolist()}


def extract_recording(
    *,
    sound: recipes.Sound,
    part: slice,
    folder: Path,
    settings: dict,
    networks: dict[str, Path],
) -> np.ndarray:
    """Fill one recording's rows; returns the least and largest energy of each band, ``(2, mel_bands)``.

    ValueError for audio that the table has longer or shorter, by more than a decision.
    """
    audio = sound.read(settings["sample_rate"])
    energies = features.log_mel(audio, **features.front_end(settings))  # (frames of 10 ms, bands)
    spectra = stacked(energies, mean_frames=settings["mean_frames"], context=settings["context"])
    rows = spectra[: len(spectra) // PER_DECISION * PER_DECISION]
    found = {"log_mel": rows.reshape(-1, PER_DECISION * rows.shape[1])}
    decisions = part.stop - part.start
    if abs(len(found["log_mel"]) - decisions) > 1:
        lengths = f"{len(found['log_mel'])} decisions of audio, {decisions} by recordings.csv"
        raise ValueError(f"{sound.path}: {lengths}")
    for name, path in networks.items():
        found[name] = acoustic_model.asr_features(opened(path), audio)
    for name, values in found.items():
        array = np.load(folder / f"{name}.npy", "r+")
        array[part] = features.fitted(values, decisions)
    return np.stack([energies.min(axis=0), energies.max(axis=0)])


def opened(folder: Path) -> TDNNF:
    """An acoustic model at full rate, read once a process, and again when it was trained again."""
    return kept(folder, files.digest(Path(folder) / "model.safetensors"))


@functools.lru_cache(maxsize=4)
def kept(folder: Path, digest: str) -> TDNNF:
    """``digest`` only tells one content of the folder from another."""
    return acoustic_model.read(folder)


def stacked(energies: np.ndarray, *, mean_frames: int, context: int) -> np.ndarray:
    """Means of ``mean_frames`` frames, each beside its neighbours: ``(frames, context * bands)``.

    The first frame of a row is the earliest; beyond the ends the first and the last frame are repeated.
    """
    whole = len(energies) // mean_frames
    means = energies[: whole * mean_frames].reshape(whole, mean_frames, -1).mean(axis=1)
    padded = np.pad(means, ((context // 2, context // 2), (0, 0)), "edge")
    windows = librosa.util.frame(padded, frame_length=context, hop_length=1, axis=0)
    return np.ascontiguousarray(windows, np.float32).reshape(whole, -1)
