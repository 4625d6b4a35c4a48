"""The sound of a recording: its file, or a rare-event mixture made from its recipe whenever it is read.

A recipe is a row of recipes.csv (`sedutils.corpora.rare` draws them). It and the source files alone decide
the samples.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import soxr

from sedutils.corpora.corpus import HOP_S, Corpus
from sedutils.pipeline import files

SAMPLE_RATE = 44100  # of every mixture
ANTI_CLIPPING = 0.2  # the challenge multiplies every mixture by it
QUIETEST = 1e-6  # RMS under which a ratio to it means nothing


@dataclass(frozen=True)
class Sound:
    """Where the samples of a recording come from: a file, or a recipe (a row) and its folder."""

    path: Path | None
    recipe: pd.Series | None = None
    folder: Path | None = None
    duration_s: float = 0.0

    def read(self, sample_rate: int) -> np.ndarray:
        """The samples, (samples,) float32; silence is allowed."""
        if self.path:
            return files.read_audio(self.path, sample_rate=sample_rate, allow_silence=True)[0]
        audio = render(self.recipe, self.folder, duration_s=self.duration_s)
        if sample_rate == SAMPLE_RATE:
            return audio
        return soxr.resample(audio, SAMPLE_RATE, sample_rate, quality="HQ")


def sounds(made: Corpus) -> dict[str, Sound]:
    """The sound of every recording of a corpus, in the order of its table."""
    rows = [] if made.recipes is None else made.recipes.iterrows()
    recipe_of = {row.recording: row for _, row in rows}
    return {
        row.recording: Sound(made.audio_path(row.recording))
        if row.path
        else Sound(None, recipe_of[row.recording], made.folder, row.duration_s)
        for row in made.recordings.itertuples()
    }


def render(recipe, folder: Path, *, duration_s: float) -> np.ndarray:
    """Audio of one recipe, (samples,) float32 at 44.1 kHz; nothing but it and the sources counts.

    The event is scaled to the ratio 20 log10(RMS of the event / RMS of the background under it) =
    ``ebr_db``, the sum multiplied by 0.2 against clipping. What still goes beyond full scale is
    scaled to it.

    Parameters
    ----------
    recipe : a row of recipes.csv, its paths relative to ``folder`` or absolute

    Raises
    ------
    ValueError : a source too short, or so quiet that there is no ratio; one line naming it
    """
    mixture = piece(folder / recipe.background, recipe.background_cut_s, duration_s)
    if recipe.event:
        lasting_s = recipe.segment_offset_s - recipe.segment_onset_s
        event = piece(folder / recipe.event, recipe.segment_onset_s, lasting_s)
        start = min(round(recipe.onset_s * SAMPLE_RATE), len(mixture) - len(event))
        under = mixture[start : start + len(event)]
        for path, sound in ((recipe.background, under), (recipe.event, event)):
            if rms(sound) < QUIETEST:
                problem = f"silent for the {lasting_s:.3f} s of the event of {recipe.recording}"
                raise ValueError(f"{folder / path}: {problem}: no event-to-background ratio")
        under += event * np.float32(10 ** (recipe.ebr_db / 20) * rms(under) / rms(event))
    mixture *= np.float32(ANTI_CLIPPING)
    peak = max(float(mixture.max()), -float(mixture.min()))
    return mixture if peak <= 1 else mixture / np.float32(peak)


def piece(path: Path, start_s: float, lasting_s: float) -> np.ndarray:
    """A stretch of a source, (samples,) float32 at 44.1 kHz; up to 20 ms that its end lacks are zero."""
    audio, _ = files.read_audio(path, sample_rate=SAMPLE_RATE)
    start, count = round(start_s * SAMPLE_RATE), round(lasting_s * SAMPLE_RATE)
    found = audio[start : start + count]
    if count - len(found) > HOP_S * SAMPLE_RATE:
        end_s = len(audio) / SAMPLE_RATE
        raise ValueError(
            f"{path}: {lasting_s:.6g} s from {start_s:.6g} s wanted, {end_s:.6g} s long"
        )
    return np.pad(found, (0, count - len(found))) if len(found) < count else found


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))


def clips_of(
    made: Corpus,
    label: str,
    split: str,
    *,
    event_probability: float | None = None,
    most: int | None = None,
) -> pd.DataFrame:
    """The recordings of one class's detector in a split, of one training set, the first `most`."""
    table = made.recordings_of(split)
    table = table[table["scene"] == label]
    if event_probability is not None:
        drawn = made.recipes[np.isclose(made.recipes["event_probability"], event_probability)]
        table = table[table["recording"].isin(drawn["recording"])]
    return table.head(len(table) if most is None else most).reset_index(drop=True)


def of_training_set(made: Corpus, event_probability: float, most: int | None = None) -> Corpus:
    """The corpus with one of its training sets alone, the first ``most`` clips of each class, and all other splits."""
    splits = [split for split in made.splits if split != "train"]
    parts = [made.recordings_of(split) for split in splits]
    parts += [
        clips_of(made, label, "train", event_probability=event_probability, most=most)
        for label in made.labels
    ]
    kept = made.recordings["recording"].isin(pd.concat(parts)["recording"])
    return replace(made, recordings=made.recordings[kept].reset_index(drop=True))


def onsets_of(made: Corpus, label: str, split: str, **narrowed) -> pd.Series:
    """Onset of the event in each of a detector's clips in seconds, NaN where there is none; by recording.

    narrowed : of a training set, as `clips_of` takes it
    """
    onset_s = made.events.set_index("recording")["onset_s"]
    return onset_s.reindex(clips_of(made, label, split, **narrowed).recording)
