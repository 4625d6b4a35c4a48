"""Test recordings shifted in pitch, as features (Cakir et al. 2017, Sec. IV-A.4, Fig. 5).

A phase vocoder changes more than pitch. The control, shifted up and back down again, has its artefacts
twice and the pitch of the original: what it loses is not the pitch.
"""

import json
from pathlib import Path

import librosa
import numpy as np

from sedutils.features import spectra
from sedutils.features.frames import Frames
from sedutils.pipeline import files, jobs

QUARTERTONES_PER_OCTAVE = 24


def shift(audio: np.ndarray, sample_rate: int, quartertones: float) -> np.ndarray:
    """Audio of the same length with its pitch moved by so many quartertones."""
    if not quartertones:
        return audio
    return librosa.effects.pitch_shift(
        audio, sr=sample_rate, n_steps=quartertones, bins_per_octave=QUARTERTONES_PER_OCTAVE
    )


def log_mel(*, path: Path, steps: list[float], settings: dict, cache: Path) -> Path:
    """Log mel energies of a recording after shifts one after the other, from the cache if there.

    The file's name is a digest of all that decides it: the audio, the steps and the front end.
    """
    front_end = spectra.front_end(settings)
    facts = {"audio": files.digest(path), "steps": steps, "front_end": front_end}
    kept = cache / f"{files.digest(json.dumps(facts, sort_keys=True).encode())}.npy"
    if not kept.exists():
        audio, rate = files.read_audio(path, sample_rate=settings["sample_rate"])
        for step in steps:
            audio = shift(audio, rate, step)
        files.write_npy(kept, spectra.log_mel(audio, **front_end))
    return kept


def shifted(
    frames: Frames,
    paths: list[Path],
    courses: dict[str, list[float]],
    *,
    settings: dict,
    cache: Path,
    backend: str,
    workers: int,
) -> dict[str, Frames]:
    """One split with other features for each course of shifts; targets stay, since pitch moves no event.

    Parameters
    ----------
    paths : audio of the recordings of ``frames``, in their order
    courses : name -> shifts in quartertones, one after the other; [] is the original
    """
    tasks = [
        {"path": path, "steps": steps, "settings": settings, "cache": cache}
        for steps in courses.values()
        for path in paths
    ]
    found = iter(
        jobs.parallel(log_mel, tasks, label="pitch shifts", backend=backend, workers=workers)
    )
    recordings = frames.recordings.assign(
        first_frame=frames.recordings.frames.cumsum() - frames.recordings.frames
    )
    rows = np.concatenate(
        [np.arange(r.first_frame, r.first_frame + r.frames) for r in frames.recordings.itertuples()]
    )
    targets = np.array(frames.targets[rows])
    return {
        name: Frames(
            np.concatenate([np.load(next(found))[: r.frames] for r in recordings.itertuples()]),
            targets,
            recordings,
            frames.mean,
            frames.std,
        )
        for name in courses
    }
