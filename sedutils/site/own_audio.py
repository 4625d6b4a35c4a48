"""A trained system on any sound file: events as TSV and Audacity labels, and a page to listen to."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.decoding import thresholds
from sedutils.features import spectra
from sedutils.metrics import activity
from sedutils.pipeline import files
from sedutils.show import player
from sedutils.training.systems import System


@dataclass(frozen=True)
class Detection:
    """What a system hears in a sound: ``scores`` (frames, classes), and the ``events`` decided from them."""

    path: Path
    audio: np.ndarray
    sample_rate: int
    log_mel: np.ndarray
    scores: np.ndarray
    events: pd.DataFrame
    labels: list[str]
    hop_s: float


def detect(system: System, path: str | Path, *, threshold: float | None = None) -> Detection:
    """Apply a system to a file of any rate and number of channels.

    Parameters
    ----------
    threshold : of the scores; by default 0.5, or the baseline's own for the GMM

    Raises
    ------
    FileNotFoundError, sedutils.pipeline.files.AudioError : one line that names the file
    """
    settings = system.description["features"]
    audio, rate = files.read_audio(path, sample_rate=settings["sample_rate"])
    mel = spectra.log_mel(audio, **spectra.front_end(settings))
    given = mel
    if system.front_end == "mfcc":
        given = spectra.mfcc(mel, mfcc=settings["mfcc"], delta_frames=settings["delta_frames"])
    scores = system.scores(given)
    if threshold is None:
        threshold = thresholds.GMM_THRESHOLD if system.front_end == "mfcc" else 0.5
    roll = thresholds.decide(scores, threshold)
    events = activity.events_at_borders(roll, system.labels, hop_s=settings["hop_s"])
    end = len(audio) / rate
    events = events.assign(offset_s=events.offset_s.clip(upper=end)).query("onset_s < offset_s")
    return Detection(
        Path(path),
        audio,
        rate,
        mel,
        scores,
        events.reset_index(drop=True),
        system.labels,
        settings["hop_s"],
    )


def write(found: Detection, folder: Path) -> list[Path]:
    """Write ``events.tsv`` (DCASE: filename, onset, offset, event_label), ``labels.txt`` for Audacity and
    ``page.html`` with a player over spectrogram, probabilities and events; returns their paths."""
    name = found.path.name
    rows = found.events.itertuples()
    table = pd.DataFrame(
        [(name, f"{r.onset_s:.3f}", f"{r.offset_s:.3f}", r.label) for r in rows],
        columns=["filename", "onset", "offset", "event_label"],
    )
    labels = "".join(
        f"{r.onset_s:.6f}\t{r.offset_s:.6f}\t{r.label}\n" for r in found.events.itertuples()
    )
    paths = [folder / "events.tsv", folder / "labels.txt", folder / "page.html"]
    files.write_text(paths[0], table.to_csv(sep="\t", index=False, lineterminator="\n"))
    files.write_text(paths[1], labels)
    files.write_text(paths[2], player.page(name, listen(found)))
    return paths


def listen(found: Detection, stop_s: float | None = None) -> str:
    """HTML of a player over the sound, or its first seconds."""
    return player.player(
        found.audio,
        found.sample_rate,
        rows={"detected": found.events},
        labels=found.labels,
        probabilities={"detected": found.scores},
        hop_s=found.hop_s,
        title=found.path.name,
        stop_s=stop_s,
    )


def trained(models: Path) -> pd.DataFrame:
    """The systems under a folder of models: system, seed, validation F1 if it has a history, folder."""
    rows = []
    for description in sorted(Path(models).rglob("description.json")):
        facts, history = json.loads(description.read_text()), description.parent / "history.csv"
        score = np.nan
        if history.exists():
            score = pd.read_csv(history).query("best").validation_score.item()
        rows.append((facts["system"], facts["seed"], score, str(description.parent)))
    return pd.DataFrame(rows, columns=["system", "seed", "validation_score", "folder"])
