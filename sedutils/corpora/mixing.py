"""What all mixtures made here share: how parts are drawn, levelled and annotated.

A mixture is a recipe first, a table of parts (`PART_COLUMNS`), and sound only when rendered. Annotation is automatic,
from the frame energy of the parts (Cakir et al. 2017, Sec. III-A).
"""

import hashlib

import numpy as np
import pandas as pd

SAMPLE_RATE = 44100
FRAME_S = 0.02
LEAST_RANGE_DB = 10.0  # of a sound's loudest part that is annotated, however faint it is
LEVEL_DB = -26.0  # RMS of a piece of middle level, re full scale: leaves room for impulses
PEAK = 0.98
SHORTEST_S = 0.3  # a piece that the end of the mixture would cut shorter than this is left out
TOLERANCE = 0.03  # of the planned polyphony
PART_COLUMNS = ["recording", "onset_s", "offset_s", "label", "instance", "cut_s", "level_db"]
ATTEMPTS = 500


def stable_seed(*parts) -> int:
    """A seed that depends on the words and numbers given and on nothing else."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


class Deck:
    """Cards dealt in random order, the deck being shuffled again whenever it runs out."""

    def __init__(self, rng, cards):
        self.rng, self.cards, self.left = rng, list(cards), []

    def next(self):
        if not self.left:
            self.left = list(self.rng.permutation(self.cards))
        return self.left.pop()

    def distinct(self, count: int) -> list:
        """The next ``count`` different cards, in the deck's own order."""
        chosen, again = [], []
        while len(chosen) < count:
            card = self.next()
            (again if card in chosen else chosen).append(card)
        self.left.extend(again)
        return sorted(chosen, key=self.cards.index)


def recordings_table(parts: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """The columns of recordings.csv that every corpus mixed here fills alike, a row a recording."""
    names = parts.recording.unique()
    paths = [f"audio/{name}.wav" for name in names]
    columns = {"recording": names, "path": paths, "duration_s": duration_s}
    return pd.DataFrame(columns | {"sample_rate": SAMPLE_RATE})


def faded(piece: np.ndarray, seconds: float = 0.01) -> np.ndarray:
    """A copy with short linear ramps at both ends, so that a cut makes no click."""
    piece = piece.astype(np.float32)
    n = min(round(seconds * SAMPLE_RATE), len(piece) // 2)
    if n:
        ramp = np.linspace(0, 1, n, dtype=np.float32)
        piece[:n] *= ramp
        piece[-n:] *= ramp[::-1]
    return piece


def frame_levels_db(piece: np.ndarray) -> np.ndarray:
    """RMS level of each 20 ms frame in dB re full scale, ``(frames,)``; the last frame may be short."""
    samples = round(FRAME_S * SAMPLE_RATE)
    padded = np.pad(piece, (0, -len(piece) % samples)).reshape(-1, samples)
    return 10 * np.log10(np.mean(padded.astype(np.float64) ** 2, axis=1) + 1e-12)


def active_level_db(piece: np.ndarray, range_db: float = 40.0) -> float:
    """RMS level of the frames within ``range_db`` of the loudest: pauses do not count as quiet sound."""
    levels = frame_levels_db(piece)
    return float(10 * np.log10(np.mean(10 ** (levels[levels >= levels.max() - range_db] / 10))))


def at_level(sound: np.ndarray, level_db: float) -> np.ndarray:
    """A sound at an RMS level (`active_level_db`) in dB re full scale."""
    return sound * np.float32(10 ** ((level_db - active_level_db(sound)) / 20))


def active_runs(audio: np.ndarray, *, range_db: float, gap_s: float) -> list[tuple[int, int]]:
    """Frames (first, one past the last) where a sound is active by the rule of `annotate`."""
    levels = frame_levels_db(audio)
    active = np.flatnonzero(levels >= levels.max() - range_db)
    breaks = np.flatnonzero(np.diff(active) - 1 >= gap_s / FRAME_S)
    firsts = active[np.r_[0, breaks + 1]]
    lasts = active[np.r_[breaks, len(active) - 1]]
    return list(zip(firsts, lasts + 1, strict=True))


def sounding(audio: np.ndarray, *, range_db: float, gap_s: float) -> list[tuple[float, float]]:
    """The active stretches of a clip in seconds, within its end; rule and arguments of `annotate`."""
    end_s = len(audio) / SAMPLE_RATE
    runs = active_runs(audio, range_db=range_db, gap_s=gap_s)
    return [(first * FRAME_S, min(last * FRAME_S, end_s)) for first, last in runs]


def annotate(
    parts: pd.DataFrame,
    stems: list[np.ndarray],
    *,
    range_db: float,
    gap_s: float,
    room_db: float | None = None,
) -> pd.DataFrame:
    """Events from the frame energy of each piece (Sec. III-A).

    A frame is active when its energy is within ``range_db`` of the piece's loudest frame, and over the
    quiet room where ``room_db`` is given (`audible_range_db`); inactive stretches shorter than ``gap_s``
    do not end an event. What a piece sounds past its part's end does not count.

    Returns
    -------
    DataFrame: recording, onset_s, offset_s, label, in order of onset
    """
    rows = []
    for part, stem in zip(parts.itertuples(), stems, strict=True):
        within_db = range_db if room_db is None else audible_range_db(stem, range_db, room_db)
        for first, last in active_runs(stem, range_db=within_db, gap_s=gap_s):
            onset = part.onset_s + first * FRAME_S
            offset = min(part.onset_s + last * FRAME_S, part.offset_s)
            rows.append((part.recording, onset, offset, part.label))
    events = pd.DataFrame(rows, columns=["recording", "onset_s", "offset_s", "label"])
    events = events.round(6)[events.offset_s - events.onset_s > 1e-3]
    return events.sort_values(["recording", "onset_s", "label"], ignore_index=True)


def audible_range_db(sound: np.ndarray, range_db: float, room_db: float) -> float:
    """How far below its loudest frame a sound is still heard, ``range_db`` at most.

    Nobody hears it under the level of the quiet room; of a sound as faint as that the loudest
    `LEAST_RANGE_DB` count all the same.
    """
    over_db = frame_levels_db(sound).max() - room_db
    return min(range_db, max(over_db, LEAST_RANGE_DB))
