"""One public clip as the networks hear it."""

import numpy as np

from sedutils.features.frames import Frames
from sedutils.papers.ebbers2020 import pictures
from sedutils.papers.ebbers2020.experiments import CONDITIONED, FBCRNN
from sedutils.papers.ebbers2020.results import PUBLIC, SYSTEMS, WeakRun


def shown(results: WeakRun) -> int:
    """Place of the first public clip of those with most classes."""
    return int(np.argmax(results.clips[PUBLIC].tags.sum(axis=1)))


def rows_of(results: WeakRun, place: int) -> dict[str, np.ndarray]:
    """Scores ``(frames, classes)`` of a public clip by the first network of each kind; name -> scores."""
    seed, clips = results.seeds[0], results.clips[PUBLIC]
    recording = clips.recordings.recording[place]
    ahead, back = results.array((FBCRNN, seed), "directions", PUBLIC)
    windows = results.array((FBCRNN, seed), "windows", PUBLIC)[0]
    context_s = results.contexts[0] * results.hop_s
    rows = {
        "forward network": ahead,
        "backward network": back,
        f"windows of ± {context_s:.2g} s": windows,
        SYSTEMS[CONDITIONED]: results.array((CONDITIONED, seed), "scores", PUBLIC),
    }
    return {name: clips.parts(scores)[recording] for name, scores in rows.items()}


def spectrogram(results: WeakRun, place: int) -> np.ndarray:
    """Normalised log mel energies of a public clip, ``(frames, bands)``."""
    return pictures.spectrogram(Frames.read(results.features, PUBLIC), place)
